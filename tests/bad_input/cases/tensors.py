"""A port's tensors for `check`: .npz, .safetensors and folders of .npy that are broken, lie, or would run code."""

import io
import json
import os
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

from bad_input.case import CHECKED, EXAMINED, Case, Source, compare, copy, link
from bad_input.cases.picture_bytes import encoded
from bad_input.cases.weights import RUNNING
from bad_input.stock import folder

KIND = "tensors"


def right(*names: str) -> dict[str, np.ndarray]:
    """Tensors of the reference."""
    found = load_file(folder() / "bundle" / "tensors.safetensors")
    return {name: found[name] for name in names}


def pixels(path: Path) -> None:
    """A small port whose tensors are right."""
    np.savez(path, **right("content/resized", "pixels", "input"))


def npy(value: Any, header: str = "") -> bytes:
    """An array as .npy, or with another header."""
    file = io.BytesIO()
    np.save(file, value, allow_pickle=True)
    if not header:
        return file.getvalue()
    text = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\0" + len(text).to_bytes(2, "little") + text + np.ascontiguousarray(value).tobytes()


def said(shape: str, dtype: str = "'<f4'") -> bytes:
    """An .npy file of three numbers that says another shape or type."""
    return npy(np.zeros(3, np.float32), f"{{'descr': {dtype}, 'fortran_order': False, 'shape': {shape}, }}")


def npz(entries: Mapping[str, bytes], compression: int = zipfile.ZIP_STORED) -> Source:
    def make(path: Path) -> None:
        with zipfile.ZipFile(path, "w", compression) as file:
            for name, content in entries.items():
                file.writestr(name, content)

    return make


def safetensors(header: Any, content: bytes = bytes(12), length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + content


def entry(dtype: Any = "F32", shape: Any = (3,), offsets: Any = (0, 12)) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


def bomb(path: Path) -> None:
    """An .npz whose `pixels` are 4 GB of zeros, in 4 MB."""
    start = npy(np.zeros(0, np.float32), "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000,), }")
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file,
        file.open("pixels.npy", "w", force_zip64=True) as entry_,
    ):
        entry_.write(start)
        for _ in range(400):
            entry_.write(bytes(10**7))


def duplicates(path: Path) -> None:
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(path, "w") as file:
        for _ in range(2):
            file.writestr("pixels.npy", npy(np.zeros((18, 20, 3))))


OBJECTS = np.array([RUNNING["os.system"], 1], dtype=object)
ARRAYS: dict[str, bytes] = {
    "an array of objects that would run code": npy(OBJECTS),
    "an array of None": npy(np.array(None, dtype=object)),
    "text": npy(np.array(["a", "b"])),
    "dates": npy(np.array(["2020-01-01"], "datetime64[D]")),
    "records": npy(np.zeros(3, [("a", "f4"), ("b", "f4")])),
    "an empty file": b"",
    "half a header": npy(np.zeros(3))[:40],
    "fewer numbers than the header says": said("(3, 3)"),
    "a header of 1e18 numbers": said("(1000000, 1000000, 1000000)"),
    "a header of a negative length": said("(-3,)"),
    "a header whose shape is text": said("'abc'"),
    "a header of an unknown type": said("(3,)", "'<z9'"),
    "a header that calls a function": said("__import__('os').system('touch sentinel')"),
    "a header that is no dictionary": npy(np.zeros(3), "[1, 2, 3]"),
    "a header of version 99": b"\x93NUMPY\x63\0" + npy(np.zeros(3))[8:],
    "a pickle": npy(OBJECTS)[128:],
    "a picture": encoded("PNG"),
}
VALUES: dict[str, Any] = {
    "numbers of the wrong shape": np.zeros((5, 7, 3), np.float32),
    "numbers of five axes": np.zeros((1, 1, 1, 18, 20), np.float32),
    "no numbers": np.zeros((0, 20, 3), np.float32),
    "NaN": np.full((18, 20, 3), np.nan, np.float32),
    "infinity": np.full((18, 20, 3), np.inf),
    "huge numbers": np.full((18, 20, 3), 1e308),
    "truth values": np.zeros((18, 20, 3), bool),
    "complex numbers": np.zeros((18, 20, 3), complex),
    "numbers of 2 bytes, big-endian": np.zeros((18, 20, 3), ">f2"),
    "a single number": np.float32(1),
    "whole numbers": np.zeros((18, 20, 3), np.int64),
}
UNKNOWN_NAMES = (
    *("pixel", "Pixels", "features/relu9_9", "features/relu1_1 ", "", "/", "../pixels", "/etc/pixels", "loss/totl"),
    *("\x1b[31m", "a\nb", "features", "x" * 5000, "gram/conv9_1", "adam/6/pixels"),
)
HEADERS: dict[str, bytes] = {
    "a header that is longer than the file": safetensors({}, length=10**6),
    "a header of 1e18 bytes": safetensors({}, length=10**18),
    "a header of length 0": safetensors(b""),
    "a header that is no JSON": safetensors(b"pixels"),
    "a header that is a list": safetensors([]),
    "a header 100000 lists deep": safetensors(b'{"a":' + b"[" * 100_000),
    "no tensors": safetensors({}, b""),
    "offsets behind the end": safetensors({"pixels": entry(offsets=(0, 120))}),
    "offsets that are exchanged": safetensors({"pixels": entry(offsets=(12, 0))}),
    "offsets that are negative": safetensors({"pixels": entry(offsets=(-12, 0))}),
    "offsets that do not fit the shape": safetensors({"pixels": entry(shape=(2,))}),
    "a shape that overflows": safetensors({"pixels": entry(shape=(2**40, 2**40))}),
    "a shape of a negative number": safetensors({"pixels": entry(shape=(-3,))}),
    "an unknown type": safetensors({"pixels": entry(dtype="F33")}),
    "a tensor that is a text": safetensors({"pixels": "text"}),
    "a tensor without its offsets": safetensors({"pixels": {"dtype": "F32", "shape": [3]}}),
    "a name twice": safetensors(b'{"pixels":%s,"pixels":%s}' % ((json.dumps(entry()).encode(),) * 2)),
    "two tensors of the same bytes": safetensors({"pixels": entry(), "input": entry()}),
    "bytes that no tensor has": safetensors({"pixels": entry()}, bytes(99)),
    "metadata that is no text": safetensors({"__metadata__": {"a": 1}, "pixels": entry()}),
}
SPECIAL: dict[str, Source] = {
    "an empty file": b"",
    "text": b"1 2 3\n",
    "a folder without files": Path.mkdir,
    "a pipe": os.mkfifo,
    "a link to /dev/zero": link("/dev/zero"),
    "a link to nothing": link("nothing"),
}


def folder_of(files: Mapping[str, Source]) -> Callable[[Path], None]:
    """A folder of .npy files, with folders for the slashes."""

    def make(path: Path) -> None:
        for name, source in files.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(source) if isinstance(source, bytes) else source(path / name)

    return make


FOLDERS: dict[str, Mapping[str, Source]] = {
    "other files alone": {"notes.txt": b"text"},
    "a pipe among them": {"pixels.npy": npy(np.zeros((18, 20, 3))), "input.npy": os.mkfifo},
    "a link to /dev/zero": {"pixels.npy": link("/dev/zero")},
    "a link to nothing": {"pixels.npy": link("nothing")},
    "a folder called .npy": {"pixels.npy": Path.mkdir},
    "a tensor under both names": {"gram/relu1_1.npy": npy(np.eye(64)), "gram--relu1_1.npy": npy(np.eye(64))},
    "links in a circle": {"a/pixels.npy": b"", "a/b": lambda path: path.symlink_to("..")},
    "a name of a control character": {"\x1b[31m.npy": npy(np.zeros(3))},
    "a name that is no UTF-8": {"\udcff.npy": npy(np.zeros(3))},
}


def cases() -> Iterator[Case]:
    for words, content in ARRAYS.items():
        yield check(f"{words} in an .npz", "theirs.npz", npz({"pixels.npy": content}))
        yield check(f"{words} in a folder", "theirs", folder_of({"pixels.npy": content}))
    for words, value in VALUES.items():
        yield check(f"{words} as pixels", "theirs.npz", npz({"pixels.npy": npy(value)}), EXAMINED)
    for name in UNKNOWN_NAMES:
        words = f"a tensor called {name!a}" if len(name) < 50 else "a tensor whose name has 5000 characters"
        yield check(words, "theirs.npz", npz({f"{name}.npy": npy(np.zeros(3))}))
    for words, content in HEADERS.items():
        yield check(f"{words} in a .safetensors file", "theirs.safetensors", content)
    for suffix in (".npz", ".safetensors", ".npy", ""):
        for words, source in SPECIAL.items():
            yield check(f"{words} as a port's {suffix or 'folder'}", f"theirs{suffix}", source)
    for words, files in FOLDERS.items():
        yield check(f"a folder with {words}", "theirs", folder_of(files))
    yield check("an .npz of 4 GB of zeros", "theirs.npz", bomb)
    yield check("an .npz with a name twice", "theirs.npz", duplicates)
    yield check("an .npz without arrays", "theirs.npz", npz({}))
    yield check("an .npz with another file", "theirs.npz", npz({"notes.txt": b"text"}))
    yield check("an .npz with a path upwards", "theirs.npz", npz({"../../pixels.npy": npy(np.zeros(3))}))
    yield check("the bundle itself as the port", "theirs", copy("bundle"))
    yield check("tensors that are right", "theirs.npz", pixels, CHECKED)


def check(words: str, name: str, source: Source, expects: tuple[int, ...] = (2,)) -> Case:
    files = {name: source, "bundle": copy("bundle")}
    return compare(KIND, words, "check", name, "--against", "bundle", expects=expects, files=files)
