"""Bundles: every field of a manifest changed, and files that are missing, other, or no files."""

import itertools
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from bad_input.case import CHECKED, EXAMINED, Case, compare, copy
from bad_input.cases import json_changes
from bad_input.cases.tensors import pixels
from bad_input.stock import copied, folder

KIND = "bundles"


def cases() -> Iterator[Case]:
    text = (folder() / "bundle" / "manifest.json").read_text()
    manifest = json.loads(text)
    for words, changed in itertools.islice(json_changes.wrong_types(manifest), 0, None, 4):
        expects = EXAMINED if words.startswith(TOLD) else (2,)
        yield against(f"a manifest in which {words}", with_manifest(json_changes.written(changed)), expects)
    for words, changed in itertools.islice(json_changes.dropped(manifest), 0, None, 8):
        yield against(f"a manifest in which {words}", with_manifest(json_changes.written(changed)), EXAMINED)
    for path, values in VALUES.items():
        for value in values:
            changed = json_changes.with_value(manifest, path, value)
            words = f"a manifest in which {json_changes.dotted(path)} is {short(json.dumps(value))}"
            expects = EXAMINED if path in OPEN or value == [] else (2,)
            yield against(words, with_manifest(json.dumps(changed).encode()), expects)
    for words, content in json_changes.TEXTS.items():
        yield against(f"a manifest that {words}", with_manifest(content))
    yield against("a manifest whose first key stands twice", with_manifest(json_changes.doubled(text)))
    for words, change in CHANGES.items():
        yield against(words, changed_bundle(change), EXAMINED if "exchanged" in words else (2,))
    yield against("a bundle as it was exported", copy("bundle"), CHECKED)
    yield compare(KIND, "a bundle that is not there", "check", "pixels.npz", "--against", "no", files=PORT)
    yield compare(KIND, "a picture instead of a bundle", "check", "pixels.npz", "--against", "content.png", files=PORT)
    yield compare(KIND, "a folder that is no bundle", "check", "pixels.npz", "--against", ".", files=PORT)
    yield compare(KIND, "a device instead of a bundle", "check", "pixels.npz", "--against", "/dev/zero", files=PORT)


VALUES: dict[tuple, tuple] = {
    ("schema",): (0, 1, 3, -1, 10**30),
    ("recipe", "name"): ("", "\x1b[31m"),
    ("recipe", "style_taps"): ([], ["relu9_9"], ["relu1_1", "relu1_1"], ["x" * 5000], [None]),
    ("recipe", "content_taps"): (["pool9"], ["\x1b[31m"]),
    ("recipe", "pooling"): ("median", ""),
    ("recipe", "convention"): ("sum", "Mean"),
    ("recipe", "tv_form"): ("l2",),
    ("recipe", "pixel_space"): ("rgb",),
    ("recipe", "family"): ("resnet",),
    ("recipe", "content_weight"): (-1.0, float("nan"), float("inf")),
    ("recipe", "style_weight"): (-1e-9, 10**400),
    ("recipe", "init"): ("zeros",),
    ("recipe", "style_size"): ("twice",),
    ("recipe", "stages"): ([], [None]),
    ("recipe", "stages", 0, "steps"): (0, -5),
    ("recipe", "stages", 0, "size"): ({}, {"height_px": 0, "width_px": 10}, {"side_px": -1}),
    ("recipe", "stages", 0, "optimizer"): ({}, {"kind": "sgd"}),
    ("recipe", "stages", 0, "optimizer", "learning_rate"): (0.0, -1.0, float("nan")),
    ("recipe", "stages", 0, "optimizer", "beta1"): (1.0, 2.0, -0.5),
    ("weights", "family"): ("resnet",),
    ("weights", "sha256"): ("", "0" * 64, "z" * 64),
    ("weights", "divided_by"): (0.0, -57.63, float("inf")),
    ("weights", "file"): ("../weights.h5", "/dev/zero", "missing.safetensors", 7),
    ("pictures", "content"): ("", "../../content.png", "/dev/zero", "missing.png", "a\0b", "x" * 5000, "."),
    ("pictures", "style"): ("/etc/passwd", "manifest.json", "\x1b[31m.png"),
    ("tensors",): ({},),
    ("tensors", "image", "shape"): ([], [37], [0, 0, 3], [-1, 2, 3], [10**9, 10**9, 3], ["a", 1, 3]),
    ("tensors", "image", "dtype"): ("object", "float128", "", "<f4, <f4"),
}


# The values of these are of the right type, and nothing says what is read of them.
OPEN = (("tensors",), ("tensors", "image", "shape"), ("tensors", "image", "dtype"), ("recipe", "name"))
OPEN += (("weights", "divided_by"),)
TOLD = ("tensors.", "adam", "lbfgs", "left out")  # for those who port: `check` does not read them


def short(text: str) -> str:
    return text if len(text) < 60 else f"{text[:20]}... ({len(text)} characters)"


PORT = {"pixels.npz": pixels}


def against(words: str, bundle, expects: tuple[int, ...] = (2,)) -> Case:
    """Three right tensors, checked against a bundle."""
    files = {"bundle": bundle, **PORT}
    return compare(KIND, words, "check", "pixels.npz", "--against", "bundle", expects=expects, files=files)


def with_manifest(content: bytes):
    return json_changes.file_in("bundle", "manifest.json", copied, content)


def changed_bundle(change: Callable[[Path], object]):
    def make(path: Path) -> None:
        copied("bundle", path)
        change(path)

    return make


def replaced(name: str, by: Callable[[Path], object] | bytes):
    """A file of a bundle, made anew by a function of its path, or of bytes."""

    def change(path: Path) -> None:
        (path / name).unlink()
        (path / name).write_bytes(by) if isinstance(by, bytes) else by(path / name)

    return change


def cut(name: str, share: float):
    def change(path: Path) -> None:
        content = (path / name).read_bytes()
        (path / name).write_bytes(content[: int(share * len(content))])

    return change


FILES = ("manifest.json", "content.png", "tensors.safetensors")
CHANGES = {
    **{f"a bundle without {name}": (lambda path, name=name: (path / name).unlink()) for name in FILES},
    **{f"a bundle whose {name} is a folder": replaced(name, Path.mkdir) for name in FILES},
    **{f"a bundle whose {name} is a pipe": replaced(name, os.mkfifo) for name in FILES},
    **{
        f"a bundle whose {name} is a link to /dev/zero": replaced(name, lambda path: path.symlink_to("/dev/zero"))
        for name in FILES
    },
    **{f"a bundle whose {name} is empty": replaced(name, b"") for name in FILES},
    **{f"a bundle whose {name} is cut in half": cut(name, 0.5) for name in FILES},
    "a bundle whose tensors say a header of 1e18 bytes": replaced(
        "tensors.safetensors", (10**18).to_bytes(8, "little") + b"{}"
    ),
    "a bundle whose pictures are exchanged": lambda path: (
        (path / "content.png").rename(path / "x"),
        (path / "style.png").rename(path / "content.png"),
        (path / "x").rename(path / "style.png"),
    ),
}
