"""The good files that bad ones are made of, made once by the program itself: pictures, weights, a bundle and so on."""

import os
import shutil
import signal
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

import h5py
import numpy as np
from PIL import Image

from bad_input.judge import PROGRAMS, ROOT
from common import locate_weights

SIZES_PX = {"content.png": (48, 40), "style.png": (40, 36)}  # width, height
TAPS = ("--style-taps", "relu1_1,relu2_1", "--content-taps", "relu2_1")
EXPORT = (
    "export",
    "bundle",
    "--content",
    "content.png",
    "--style",
    "style.png",
    "--size",
    "20x18",
    "--without-weights",
)
CHECKPOINT = ("content.png", "style.png", "-o", "out.png", "--size", "32", "--steps", "60", *TAPS, "--device", "cpu")
BASELINE = ("--backends", "torch", "--rounds", "2", "--size", "32", "--steps", "1", "--weights", "random")

# torchvision's numbers of the convolutions, in order.
TORCH_LAYERS = (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34)


def folder() -> Path:
    """Where the stock stands; `make` was called before."""
    return Path(os.environ["STYLE_ROSETTA_BAD_INPUT"]) / "stock"


def copied(name: str, path: Path) -> None:
    source = folder() / name
    shutil.copytree(source, path) if source.is_dir() else shutil.copy(source, path)


def make(work: Path) -> None:
    """Make the stock in `work / "stock"`, unless it is there."""
    os.environ["STYLE_ROSETTA_BAD_INPUT"] = str(work)
    if (folder() / "finished").exists():
        return
    shutil.rmtree(folder(), ignore_errors=True)
    folder().mkdir(parents=True)
    for name in SIZES_PX:
        picture(name).save(folder() / name)
    program("compare", *EXPORT, "--weights", "keras")
    program("compare", "content.png", "style.png", *BASELINE, "--save-baseline", "baseline.json", "--report", "report")
    interrupted("adam")
    interrupted("lbfgs")
    subprocess.run([sys.executable, "-c", TORCH_WEIGHTS], cwd=folder(), check=True)
    (folder() / "finished").touch()


@cache
def picture(name: str) -> Image.Image:
    """A picture of noise, which no format makes small."""
    width_px, height_px = SIZES_PX[name]
    values = np.random.default_rng(len(name)).integers(0, 256, (height_px, width_px, 3), np.uint8)
    return Image.fromarray(values)


def program(name: str, *options: str) -> None:
    subprocess.run([*PROGRAMS[name], *options], cwd=folder(), check=True, capture_output=True, env=variables())


def variables() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1"}


def interrupted(optimizer: str) -> None:
    """Keep the checkpoint of a transfer that was ended, as `checkpoint-adam`."""
    command = [*PROGRAMS["torch"], *CHECKPOINT, "--optimizer", optimizer, "--checkpoint-every", "1"]
    state = folder() / "out.png-checkpoint" / "state.safetensors"
    with subprocess.Popen(command, cwd=folder(), stderr=subprocess.DEVNULL, env=variables()) as process:
        while not state.exists() and process.poll() is None:
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
    state.parent.rename(folder() / f"checkpoint-{optimizer}")


def unchanged(name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    return shape


def h5_weights(path: Path, value: float, change=unchanged) -> None:
    """All layers in Keras' form, every number `value`, which takes no room; `change` gives another shape, or None."""
    with h5py.File(locate_weights()) as source, h5py.File(path, "w") as file:
        names = []
        source.visititems(lambda name, entry: names.append(name) if isinstance(entry, h5py.Dataset) else None)
        for name, value_ in source.attrs.items():
            file.attrs[name] = value_
        for name in names:
            shape = change(name, source[name].shape)
            if shape is not None:
                file.create_dataset(name, shape, "f4", fillvalue=value)
        for layer in file:
            for name, value_ in source[layer].attrs.items():
                file[layer].attrs[name] = value_


# Needs PyTorch, and so a process of its own: a parent's memory counts as its children's.
TORCH_WEIGHTS = f"""
import torch
widths = [3] + [64] * 2 + [128] * 2 + [256] * 4 + [512] * 8
def state(value, dtype=torch.float32):
    one = torch.full((1,), value, dtype=dtype)
    kernels = {{f"features.{{n}}.weight": one.view(1, 1, 1, 1).expand(o, i, 3, 3)
               for n, i, o in zip({TORCH_LAYERS}, widths, widths[1:])}}
    biases = {{f"features.{{n}}.bias": one.expand(o) for n, o in zip({TORCH_LAYERS}, widths[1:])}}
    return kernels | biases
zeros, last = state(0.0), "features.34.bias"
torch.save(zeros, "zeros.pth")
torch.save(zeros, "old-form.pth", _use_new_zipfile_serialization=False)
torch.save(state(float("nan")), "nan.pth")
torch.save(state(float("inf")), "inf.pth")
torch.save(state(0, torch.int64), "integers.pth")
torch.save(state(0.0, torch.complex64), "complex.pth")
torch.save({{k: v for k, v in zeros.items() if k != last}}, "without-a-bias.pth")
torch.save(zeros | {{"features.0.weight": torch.zeros(64, 3, 5, 5)}}, "five-by-five.pth")
torch.save(zeros | {{last: torch.zeros(512, 512)}}, "matrix-bias.pth")
torch.save(zeros | {{last: "text"}}, "text-bias.pth")
torch.save(zeros | {{last: torch.zeros(512).to_sparse()}}, "sparse-bias.pth")
torch.save(zeros | {{last: torch.zeros(512, device="meta")}}, "meta-bias.pth")
torch.save(list(zeros.values()), "list.pth")
torch.save(torch.zeros(3), "tensor.pth")
torch.save({{"state_dict": zeros}}, "nested.pth")
torch.save({{f"module.{{k}}": v for k, v in zeros.items()}}, "module.pth")
torch.save({{1: torch.zeros(2)}}, "numbered.pth")
torch.save({{}}, "empty-dictionary.pth")
torch.save(torch.nn.Linear(2, 2), "whole-model.pth")
"""
