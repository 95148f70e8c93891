"""Pictures: broken files in every place that takes a picture, and odd ones that are good."""

import itertools
import os
import socket
from collections.abc import Iterator
from pathlib import Path

from bad_input.case import ACCEPTED, EITHER, PICTURES, QUICK, REFUSED, Case, Source, link
from bad_input.cases.picture_bytes import (
    BOMBS,
    CUT_ENDS,
    DAMAGED,
    LARGE,
    ODD,
    SIGNATURE,
    SMALL,
    encoded,
    noise,
)

KIND = "pictures"


def listening(path: Path) -> None:
    """A socket in a file; its path has to be short, so it is made from within the folder."""
    before = Path.cwd()
    os.chdir(path.parent)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(path.name)
    os.chdir(before)


def circle(path: Path) -> None:
    path.symlink_to(path.name)


SPECIAL: dict[str, Source] = {
    "a folder": Path.mkdir,
    "a link to nothing": link("nothing"),
    "a link to itself": circle,
    "a pipe": os.mkfifo,
    "a link to a pipe without a writer": link("/proc/self/fd/99"),
    "a socket": listening,
    "a link to /dev/zero": link("/dev/zero"),
    "a link to /dev/random": link("/dev/random"),
    "a link to /dev/null": link("/dev/null"),
    "a link to /dev/full": link("/dev/full"),
    "a link to /dev/tty": link("/dev/tty"),
    "a link to the folder itself": link("."),
    "a link to a process's memory": link("/proc/self/mem"),
    "a file of /proc that says it is empty": link("/proc/cpuinfo"),
}

TEXTS: dict[str, Source] = {
    "an empty file": b"",
    "one byte": b"\x89",
    "text": b"This is not a picture.\n",
    "a page of HTML": b"<!doctype html><html><title>404</title></html>",
    "an SVG drawing": b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
    "a PostScript program": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(sentinel) (w) file closefile\n",
    "a PDF": b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\n%%EOF",
    "JSON": b'{"width": 40}',
    "a pointer of Git LFS": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n",
    "zeros": bytes(4096),
    "random bytes": noise(1).tobytes(),
    "a PNG's signature alone": SIGNATURE,
    "a PNG that was read as text and its line ends changed": encoded("PNG").replace(b"\r\n", b"\n"),
    "a JPEG's first two bytes": b"\xff\xd8",
    "a RIFF that is no WebP": b"RIFF\x24\0\0\0WAVEfmt ",
    "a ZIP": b"PK\x05\x06" + bytes(18),
    "a NumPy array": b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2, 3), }",
}

FORMATS = ("GIF", "PPM", "TGA", "PCX", "ICO", "DDS", "JPEG2000", "PDF", "SGI", "ICNS", "EPS")
CUT = [(form, share) for form in ("PNG", "JPEG", "WEBP", "TIFF", "BMP") for share in (0.02, 0.5)]
FORMAT_FILES = {f"a picture in the format {form}, called .png": encoded(form) for form in FORMATS}
CUT_FILES = {
    f"a {form} of which {share:.0%} are left": encoded(form)[: int(share * len(encoded(form)))] for form, share in CUT
}


# Every place that takes a picture; BAD is the broken one.
PLACES = {
    "content": ("torch", "BAD", "style.png", "-o", "out.png", *QUICK),
    "style": ("torch", "content.png", "BAD", "-o", "out.png", *QUICK),
    "content of keras_impl": ("keras", "BAD", "style.png", "-o", "out.png", *QUICK),
    "--init": ("torch", *PICTURES, "-o", "out.png", *QUICK, "--init", "BAD"),
    "content of compare.py": ("compare", "./BAD", "style.png", "--size", "32", "--weights", "random"),
    "IMAGE of losses": ("compare", "losses", *PICTURES, "BAD"),
    "check --picture": ("compare", "check", "--picture", "BAD", *PICTURES),
    "export --content": ("compare", "export", "made", "--content", "BAD"),
    "gallery": ("compare", "gallery", "content.png", "BAD"),
    "doctor --style": ("compare", "doctor", "torch", "--style", "BAD"),
}


def at(place: str, words: str, source: Source, expects: tuple[int, ...] = REFUSED) -> Case:
    """A case in which a place is given a file called bad.png."""
    command = tuple(part.replace("BAD", "bad.png") for part in PLACES[place])
    return Case(KIND, f"{words} as {place}", command, expects, {"bad.png": source}, leaves=("out.png",))


def cases() -> Iterator[Case]:
    broken = SPECIAL | TEXTS | FORMAT_FILES | CUT_FILES | DAMAGED | BOMBS
    others = itertools.cycle(list(PLACES)[1:])
    for words, source in broken.items():
        yield at("content", words, source)
        yield at(next(others), words, source)
    for words, source in {**LARGE, **CUT_ENDS, **SMALL}.items():
        yield at("content", words, source, EITHER)
    backends = itertools.cycle(["content", "style", "content of keras_impl", "content", "--init"])
    for words, source in ODD.items():
        yield at(next(backends), words, source, ACCEPTED)
    for place in PLACES:
        command = tuple(part.replace("BAD", "missing.png") for part in PLACES[place])
        yield Case(KIND, f"a file that is not there as {place}", command)
