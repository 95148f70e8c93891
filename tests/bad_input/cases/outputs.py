"""Outputs: onto what is read, onto folders, devices and pipes, under names that are no picture's."""

import os
from collections.abc import Iterator
from pathlib import Path

from bad_input.case import ACCEPTED, EITHER, PICTURES, QUICK, Case, Source, compare, copy, link, timing, transfer
from bad_input.cases.ports import GOOD_MODULE, SMALL
from bad_input.cases.tensors import pixels

KIND = "outputs"

PICTURE_NAMES = {
    "nothing": "",
    "a blank": " ",
    "no ending": "out",
    "an ending alone": ".png",
    "an ending of another kind": "out.txt",
    "the ending .gif": "out.gif",
    "the ending .pdf": "out.pdf",
    "the ending .svg": "out.svg",
    "the ending .png.": "out.png.",
    "two endings": "out.png.part",
    "a folder": "folder",
    "a folder with an ending": "folder.png",
    "a folder and a slash": "folder/",
    "the folder itself": ".",
    "the folder above": "..",
    "the root": "/",
    "the content": "content.png",
    "the style": "style.png",
    "the content by another way": "./folder/../content.png",
    "a link to the content": "link.png",
    "a second name of the content": "hard.png",
    "/dev/full": "/dev/full",
    "/dev/null": "/dev/null",
    "/dev/stdout": "/dev/stdout",
    "a link to /dev/full": "full.png",
    "a pipe": "pipe.png",
    "a picture in a file": "content.png/out.png",
    "a picture in a device": "/dev/null/out.png",
    "a picture in /proc": "/proc/out.png",
    "a picture in /sys": "/sys/out.png",
    "a link in a circle": "circle.png",
    "a dash": "-",
}
AROUND: dict[str, Source] = {
    "folder": Path.mkdir,
    "folder.png": Path.mkdir,
    "link.png": link("content.png"),
    "full.png": link("/dev/full"),
    "pipe.png": os.mkfifo,
    "circle.png": link("circle.png"),
    "hard.png": lambda path: path.hardlink_to(path.with_name("content.png")),
}
GOOD = {
    "a folder that is made": ("made/deep/out.png", {}),
    "a link to nothing": ("link.png", {"link.png": link("made.png")}),
    "a file that is replaced": ("old.png", {"old.png": b"old"}),
    "an ending in capitals": ("OUT.PNG", {}),
    "the ending .tif": ("out.tif", {}),
    "the ending .bmp": ("out.bmp", {}),
}
# Each command's file, onto each of these.
TARGETS = (
    "content.png",
    "style.png",
    "folder",
    "/dev/full",
    "/dev/null",
    "pipe.png",
    "circle.png",
    "",
    "content.png/a",
)


def cases() -> Iterator[Case]:
    for words, name in PICTURE_NAMES.items():
        expects = EITHER if words == "a second name of the content" else (2,)
        yield transfer(KIND, f"{words} as -o", "-o", name, files=AROUND, expects=expects, leaves=("hard.png",))
    for words, (name, files) in GOOD.items():
        yield transfer(KIND, f"{words} as -o", "-o", name, files=files, expects=ACCEPTED, leaves=LEFT)
    for name in ("content.png", "folder.png", "/dev/full", "out.xyz"):
        yield transfer(KIND, f"keras_impl -o {name}", "-o", name, program="keras", files=AROUND)
    for name in TARGETS:
        yield from onto(name)
    for words, options in TOGETHER.items():
        yield checked(words, *options)
    for words, options in TIMED.items():
        yield timing(KIND, words, *options, files=AROUND)
    for words, files in CHECKPOINTS.items():
        yield transfer(KIND, f"{words} where the checkpoint will be", files=files)
    words, named = "a file of the name that is made without -o", {"content-style-d2l-torch.png": b"mine"}
    yield Case(KIND, words, ("torch", *PICTURES, *QUICK), files=named)


def onto(name: str) -> Iterator[Case]:
    """Each command's output onto one target."""
    for option in ("--report", "--save-baseline"):
        yield timing(
            KIND, f"{option} {name!r}", option, name, files=without_folder() if option == "--report" else AROUND
        )
    yield compare(KIND, f"gallery --report {name!r}", "gallery", *PICTURES, "--report", name, files=without_folder())
    yield compare(KIND, f"export {name!r}", "export", name, *SMALL, files=OCCUPIED)
    for option in ("--json", "--markdown"):
        if name not in PICTURES:  # a check against a bundle reads the bundle's own pictures
            yield checked(f"check {option} {name!r}", option, name)
        yield compare(KIND, f"doctor {option} {name!r}", "doctor", "torch", *SMALL, option, name, files=AROUND)


LEFT = ("made", "made/*", "link.png", "made.png", "old.png", "OUT.PNG", "out.tif", "out.bmp")
OCCUPIED = AROUND | {"folder": lambda path: (path.mkdir(), (path / "notes.txt").write_text("mine"))}

TOGETHER = {
    "--json and --markdown onto one file": ("--json", "one", "--markdown", "one"),
    "--json onto the port's tensors": ("--json", "pixels.npz"),
    "--json onto the bundle": ("--json", "bundle"),
    "--json onto the bundle's manifest": ("--json", "bundle/manifest.json"),
    "--markdown onto the bundle's picture": ("--markdown", "bundle/content.png"),
    "--markdown onto the bundle's tensors by a long way": ("--markdown", "./bundle/../bundle/tensors.safetensors"),
}
TIMED = {
    "--save-baseline onto the report's own file": ("--save-baseline", "report/report.json"),
    "--save-baseline onto the report's folder": ("--save-baseline", "report"),
    "--report into a device's folder": ("--report", "/proc/report"),
    "--save-baseline into a folder that cannot be": ("--save-baseline", "/proc/base.json"),
}
CHECKPOINTS: dict[str, dict[str, Source]] = {
    "a file": {"out.png-checkpoint": b"mine"},
    "a pipe": {"out.png-checkpoint": os.mkfifo},
    "a link to /dev/null": {"out.png-checkpoint": link("/dev/null")},
}


def without_folder() -> dict[str, Source]:
    """In a gallery's place a folder is right; here it is a file."""
    return AROUND | {"folder": b"a file"}


def checked(words: str, *options: str) -> Case:
    """A check whose table goes where it must not."""
    files = AROUND | {"pixels.npz": pixels, "bundle": copy("bundle"), "theirs.py": GOOD_MODULE}
    return compare(KIND, words, "check", "pixels.npz", "--against", "bundle", *options, files=files)
