"""What is fuzzed: each reader, the good files that are mutated, and how."""

import contextlib
import io
import json
import random
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from bad_input import mutations
from bad_input.case import PICTURES
from bad_input.cases.picture_bytes import ODD, encoded
from bad_input.cases.tensors import right
from bad_input.command_lines import command_line, parse, refuse
from bad_input.judge import PROGRAMS
from bad_input.mutations import Mutation, mutated
from bad_input.stock import copied, folder, h5_weights, variables


@dataclass(frozen=True)
class Reader:
    """A function of a file's or folder's path (or of a command line), what it is given, and its part of all inputs."""

    name: str
    share: float
    make: Callable[[random.Random, Path], Any]  # writes a mutated input; returns what is read
    read: Callable[[Any], object]


def one_of(sources: Callable[[], Sequence[tuple[bytes, Mutation]]], suffix: str):
    """Inputs that are a file: one of `sources`, mutated by its own mutation or, as often, by that of bytes."""

    def make(chance: random.Random, work: Path) -> Path:
        content, change = chance.choice(sources())
        for before in work.glob("bad-*"):
            before.unlink()
        path = work / f"bad-{chance.randrange(10**9)}{suffix}"  # another each time: a reader may keep what it has read
        path.write_bytes(chance.choice((change, mutated))(chance, content))
        return path

    return make


@cache
def pictures() -> list[tuple[bytes, Mutation]]:
    pngs = [content for content in ODD.values() if isinstance(content, bytes) and content[1:4] == b"PNG"]
    others = [content for content in ODD.values() if isinstance(content, bytes) and content[1:4] != b"PNG"]
    others += [encoded(form) for form in ("JPEG", "WEBP", "TIFF", "BMP", "GIF", "PPM", "TGA", "JPEG2000")]
    return [*((content, mutations.png_chunks) for content in pngs), *((content, mutated) for content in others)]


def read_picture(path: Path) -> None:
    from common import load_image

    image = load_image(path)
    assert image.dtype == np.float32, image.dtype
    assert image.ndim == 3, image.shape
    assert image.shape[2] == 3, image.shape
    assert image.min(initial=0) >= 0, image.min()
    assert image.max(initial=0) <= 1, image.max()


@cache
def h5_files() -> list[tuple[bytes, Mutation]]:
    path = folder() / "zeros.h5"
    h5_weights(path, 0.0)
    return [(path.read_bytes(), mutated)]


@cache
def pth_files() -> list[tuple[bytes, Mutation]]:
    content = (folder() / "zeros.pth").read_bytes()
    return [(content, mutations.zip_entries), ((folder() / "old-form.pth").read_bytes(), mutated)]


def read_weights(path: Path) -> None:
    from common import load_weights

    load_weights(str(path))


@cache
def npz_files() -> list[tuple[bytes, Mutation]]:
    made = io.BytesIO()
    np.savez(made, **right("pixels", "content/resized"), **{"loss/total": np.float32(1)})
    packed = io.BytesIO()
    np.savez_compressed(packed, **right("input"))
    return [(made.getvalue(), mutations.zip_entries), (packed.getvalue(), mutations.zip_entries)]


@cache
def safetensors_files() -> list[tuple[bytes, Mutation]]:
    from safetensors.numpy import save

    content = save(right("pixels", "content/resized", "input"))
    return [(content, mutations.safetensors_header)]


def npy_folder(chance: random.Random, work: Path) -> Path:
    path = work / "tensors"
    shutil.rmtree(path, ignore_errors=True)
    (path / "features").mkdir(parents=True)
    for name in ("pixels", "features/conv1_1", "gram--relu1_1"):
        made = io.BytesIO()
        np.save(made, np.arange(12, dtype=chance.choice(("f4", "f8", "i2", ">f4"))).reshape(2, 2, 3))
        (path / f"{name}.npy").write_bytes(
            mutated(chance, made.getvalue()) if chance.random() < 0.7 else made.getvalue()
        )
    return path


def read_tensors(path: Path) -> None:
    from common.tensors import read_tensors as read

    for name, value in read(path).items():
        assert isinstance(name, str), name
        assert value.dtype != object, value.dtype


def checkpoint(chance: random.Random, work: Path) -> Path:
    """A checkpoint of which one file was mutated, or two."""
    path = work / "out.png-checkpoint"
    shutil.rmtree(path, ignore_errors=True)
    copied(chance.choice(("checkpoint-adam", "checkpoint-lbfgs")), path)
    for _ in range(chance.choice((1, 1, 2))):
        file = chance.choice(sorted(path.iterdir()))
        own = {"state.safetensors": mutations.safetensors_header, "losses.jsonl": json_line}.get(file.name, mutated)
        with contextlib.suppress(ValueError):  # it was mutated before, and is no JSON any more
            file.write_bytes(chance.choice((own, own, mutated))(chance, file.read_bytes()))
    return path


def json_line(chance: random.Random, content: bytes) -> bytes:
    """Lines of JSON of which one was mutated."""
    lines = content.splitlines()
    number = chance.randrange(len(lines))
    lines[number] = mutations.json_text(chance, lines[number])
    return b"\n".join(lines) + b"\n"


@cache
def identity_of(optimizer: str) -> Any:
    content = (folder() / f"checkpoint-{optimizer}" / "state.safetensors").read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    return json.loads(header["__metadata__"]["state"])["identity"]


def read_checkpoint(path: Path) -> None:
    from common.checkpoints import RunFolder

    optimizer = "lbfgs" if (path / "gradients-1.bin").exists() else "adam"
    RunFolder(path, identity_of(optimizer)).read()


@cache
def baselines() -> list[tuple[bytes, Mutation]]:
    return [((folder() / "baseline.json").read_bytes(), mutations.json_text)]


def read_baseline(path: Path) -> None:
    from common.comparison.reporting import read_baseline as read

    read(str(path))


@cache
def small_bundle() -> Path:
    """A bundle of one layer, whose check takes a tenth of a second."""
    path = folder() / "small-bundle"
    if not path.exists():
        names = (
            "--content",
            PICTURES[0],
            "--style",
            PICTURES[1],
            "--style-taps",
            "relu1_1",
            "--content-taps",
            "relu1_1",
        )
        command = (*PROGRAMS["compare"], "export", path, "--size", "20x18", "--without-weights", "--weights", "random")
        subprocess.run([*command, *names], cwd=folder(), check=True, capture_output=True, env=variables())
    return path


def bundle(chance: random.Random, work: Path) -> Path:
    """A bundle whose manifest was mutated, or, once in five, its tensors."""
    path = work / "bundle"
    shutil.rmtree(path, ignore_errors=True)
    shutil.copytree(small_bundle(), path)
    file, change = path / "manifest.json", mutations.json_text
    if chance.random() < 0.2:
        file, change = path / "tensors.safetensors", mutations.safetensors_header
    file.write_bytes(change(chance, file.read_bytes()))
    return path


def check_against(path: Path) -> None:
    """`check` of a right tensor against a bundle: exit code 0 to 2, and no traceback."""
    from common.cli.main import main

    theirs = small_bundle() / "pixels.npz"
    if not theirs.exists():
        np.savez(theirs, **{"loss/tv": np.zeros(())})
    said = io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(said):
        code = main(["check", str(theirs), "--against", str(path)])
    assert code in (0, 1, 2), code
    assert "Traceback" not in said.getvalue(), said.getvalue()
    refuse(code, said.getvalue())


READERS = (
    Reader("pictures", 0.22, one_of(pictures, ".png"), read_picture),
    Reader("weights .h5", 0.05, one_of(h5_files, ".h5"), read_weights),
    Reader("weights .pth", 0.07, one_of(pth_files, ".pth"), read_weights),
    Reader("tensors .npz", 0.12, one_of(npz_files, ".npz"), read_tensors),
    Reader("tensors .safetensors", 0.12, one_of(safetensors_files, ".safetensors"), read_tensors),
    Reader("tensors in a folder", 0.07, npy_folder, read_tensors),
    Reader("checkpoints", 0.1, checkpoint, read_checkpoint),
    Reader("baselines", 0.1, one_of(baselines, ".json"), read_baseline),
    Reader("bundles", 0.04, bundle, check_against),
    Reader("command lines", 0.11, command_line, parse),
)
