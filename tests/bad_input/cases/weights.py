"""Weights: broken .h5 and .pth files, other networks' files, and pickles that would run code."""

import itertools
import os
import pickle
import zipfile
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

from bad_input.case import ACCEPTED, EITHER, PICTURES, QUICK, Case, Source, copy, link
from bad_input.cases.picture_bytes import encoded
from bad_input.stock import folder, h5_weights, unchanged

KIND = "weights"


class Runs:
    """A pickle of it makes a file called sentinel in the working folder."""

    def __init__(self, function, *given):
        self.call = (function, given)

    def __reduce__(self):
        return self.call


RUNNING = {
    "os.system": Runs(os.system, "touch sentinel"),
    "open": Runs(open, "sentinel", "w"),
    "exec": Runs(exec, "open('sentinel', 'w')"),
    "os.mkdir": Runs(os.mkdir, "sentinel"),
    "a dictionary whose value is os.system": {"features.0.weight": Runs(os.system, "touch sentinel")},
}
HOSTILE = {
    "nested 100000 lists deep": b"(" + b"l" * 0 + b"]" * 100_000 + b"a" * 99_999 + b".",
    "that says 2 GB follow": b"\x80\x04\x8e" + (2**31).to_bytes(8, "little") + b"x.",
    "of a list that holds itself": b"]\x94h\x00a.",
    "that asks for a name without a module": b"c\n\n.",
    "that has no end": b"(((((((",
}


def zipped(pickled: bytes, *, name: str = "archive", **others: bytes):
    """A .pth file as torch.save writes it, around a pickle."""

    def make(path: Path) -> None:
        with zipfile.ZipFile(path, "w") as file:
            file.writestr(f"{name}/data.pkl", pickled)
            file.writestr(f"{name}/version", b"3\n")
            for key, content in others.items():
                file.writestr(f"{name}/data/{key}", content)

    return make


def bomb(path: Path) -> None:
    """A ZIP whose pickle is 2 GB of zeros, in 2 MB."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file, file.open("archive/data.pkl", "w") as entry:
        for _ in range(2000):
            entry.write(bytes(10**6))


def cut(name: str, share: float) -> Source:
    """The first part of a file of the stock."""

    def make(path: Path) -> None:
        content = (folder() / name).read_bytes()
        path.write_bytes(content[: int(share * len(content))])

    return make


def layers(value: float = 0.0, change=unchanged) -> Source:
    return lambda path: h5_weights(path, value, change)


def without(word: str) -> Source:
    return layers(change=lambda name, shape: None if word in name else shape)


def reshaped(word: str, shape_: tuple[int, ...]) -> Source:
    return layers(change=lambda name, shape: shape_ if word in name else shape)


def h5_of(content: dict) -> Source:
    """An .h5 file of datasets by name, or of links."""

    def make(path: Path) -> None:
        with h5py.File(path, "w") as file:
            for name, value in content.items():
                file[name] = value

    return make


H5: dict[str, Source] = {
    "an empty file": b"",
    "text": b"weights\n",
    "an HDF5 signature alone": b"\x89HDF\r\n\x1a\n",
    "an HDF5 signature and zeros": b"\x89HDF\r\n\x1a\n" + bytes(4096),
    "a picture": encoded("PNG"),
    "a file without layers": h5_of({}),
    "a file of another network": h5_of({"dense_1/kernel:0": np.zeros((4, 4))}),
    "a file of texts": h5_of({"block1_conv1/block1_conv1_W_1:0": "text"}),
    "a link to another file": h5_of({"block1_conv1": h5py.ExternalLink("/etc/passwd", "/")}),
    "a link to itself": h5_of({"block1_conv1": h5py.SoftLink("/block1_conv1")}),
    "NaN everywhere": layers(float("nan")),
    "infinity everywhere": layers(float("inf")),
    "the first layer left out": without("block1_conv1/"),
    "the last layer left out": without("block5_conv4/"),
    "a bias left out": without("block3_conv2_b"),
    "kernels of 5x5": reshaped("block1_conv1_W", (5, 5, 3, 64)),
    "kernels in PyTorch's order": reshaped("block1_conv2_W", (64, 64, 3, 3)),
    "a kernel of one axis": reshaped("block2_conv1_W", (73728,)),
    "a bias of another length": reshaped("block2_conv1_b", (127,)),
    "a bias without numbers": reshaped("block2_conv1_b", (0,)),
    "a kernel of 4e13 numbers": reshaped("block4_conv1_W", (10**4, 10**4, 512, 800)),
    "a folder": Path.mkdir,
    "a pipe": os.mkfifo,
    "a link to nothing": link("nothing"),
    "a link to /dev/zero": link("/dev/zero"),
}

PTH: dict[str, Source] = {
    "an empty file": b"",
    "text": b"weights\n",
    "a folder": Path.mkdir,
    "a pipe": os.mkfifo,
    "a link to /dev/zero": link("/dev/zero"),
    "a link to nothing": link("nothing"),
    "an empty ZIP": b"PK\x05\x06" + bytes(18),
    "a ZIP of another thing": zipped(b"", name="other/deep"),
    "a ZIP with an empty pickle": zipped(b""),
    "a ZIP of 2 GB of zeros": bomb,
    "a pickle of None": zipped(pickle.dumps(None)),
    "a dictionary of numbers": zipped(pickle.dumps({"features.0.weight": 1.0})),
    "half a file": cut("zeros.pth", 0.5),
    "all but a tenth of a file": cut("zeros.pth", 0.9),
    "half a file in the old form": cut("old-form.pth", 0.5),
    **{f"a pickle that runs {words}": zipped(pickle.dumps(value)) for words, value in RUNNING.items()},
    **{f"a bare pickle that runs {words}": pickle.dumps(value) for words, value in RUNNING.items()},
    **{f"a pickle {words}": zipped(content) for words, content in HOSTILE.items()},
    **{f"a bare pickle {words}": content for words, content in HOSTILE.items()},
}
STOCK = (
    *("nan", "inf", "integers", "complex", "without-a-bias", "five-by-five", "matrix-bias", "text-bias", "meta-bias"),
    *("list", "tensor", "numbered", "empty-dictionary", "whole-model"),
)
OPEN = ("sparse-bias", "nested", "module", "old-form", "zeros")  # not documented; they may be taken

WORDS = (
    *("kerass", "KERAS", "torch", "vgg16", "random:", "random:x", "random:-1", "random:1.5", "random:1:2"),
    *("random:99999999999999999999999999999999999x", "", " ", "missing.h5", "missing.pth", "keras,torchvision"),
    *("content.png", ".", "/dev/null", "/dev/full", "http://example.com/a.h5", "missing/a.h5", "content.png/a.pth"),
)

# Every command that takes weights.
COMMANDS = (
    ("torch", *PICTURES, "-o", "out.png", *QUICK),
    ("keras", *PICTURES, "-o", "out.png", *QUICK),
    ("compare", "losses", *PICTURES, "content.png", "--size", "32"),
    ("compare", *PICTURES, "--backends", "torch"),
    ("compare", "export", "made"),
    ("compare", "doctor", "torch"),
    ("compare", "check", "content.png"),
    ("compare", "gallery"),
    ("compare", "selftest", "--backends", "torch"),
)


def cases() -> Iterator[Case]:
    commands = itertools.cycle(COMMANDS)
    for suffix, broken in ((".h5", H5), (".pth", PTH)):
        for words, source in broken.items():
            yield with_weights(COMMANDS[0], f"{words} as {suffix}", f"bad{suffix}", {f"bad{suffix}": source})
    for name in STOCK:
        files = {"bad.pth": copy(f"{name}.pth")}
        yield with_weights(next(commands), f"the file {name}.pth", "bad.pth", files)
    for name in OPEN:
        files = {"odd.pth": copy(f"{name}.pth")}
        yield with_weights(COMMANDS[0], f"the file {name}.pth", "odd.pth", files, EITHER)
    for word in WORDS:
        yield with_weights(next(commands), f"--weights {word!r}", word, {})
    yield with_weights(COMMANDS[0], "a .pth file called .h5", "a.h5", {"a.h5": copy("zeros.pth")})
    yield with_weights(COMMANDS[0], "an .h5 file called .pth", "a.pth", {"a.pth": layers()})
    yield with_weights(COMMANDS[0], "a weights file called .bin", "a.bin", {"a.bin": layers()})
    yield with_weights(COMMANDS[0], "random weights of another seed", "random:1", {}, ACCEPTED)


def with_weights(command, sentence: str, value: str, files, expects=(2,)) -> Case:
    words = f"{sentence}, for {' '.join(command[:2]).replace('compare content.png', 'compare')}"
    leaves = ("out.png",) if command[0] != "compare" else ()
    return Case(KIND, words, (*command, "--weights", value), expects, files, leaves)
