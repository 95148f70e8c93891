"""Checkpoints: a run that goes on with `--resume` from files that were changed, or with other options."""

import itertools
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bad_input.case import ACCEPTED, EITHER, Case, Source, copy
from bad_input.cases import json_changes
from bad_input.stock import CHECKPOINT, copied, folder

KIND = "checkpoints"
FILES = {"adam": ("state.safetensors", "losses.jsonl"), "lbfgs": ("state.safetensors", "gradients-1.bin")}


def read_state(name: str) -> tuple[dict[str, Any], bytes]:
    """The header of a checkpoint's state, and the numbers behind it."""
    content = (folder() / name / "state.safetensors").read_bytes()
    end = 8 + int.from_bytes(content[:8], "little")
    return json.loads(content[8:end]), content[end:]


def state_file(header: Any, numbers: bytes) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + numbers


def changed_file(optimizer: str, name: str, change: Callable[[bytes], bytes]) -> Source:
    """A copy of a checkpoint in which one file has other bytes."""

    def make(path: Path) -> None:
        copied(f"checkpoint-{optimizer}", path)
        (path / name).write_bytes(change((path / name).read_bytes()))

    return make


def replaced_file(optimizer: str, name: str, by: Callable[[Path], object]) -> Source:
    """A copy of a checkpoint in which one file is something else."""

    def make(path: Path) -> None:
        copied(f"checkpoint-{optimizer}", path)
        (path / name).unlink()
        by(path / name)

    return make


CUTS: dict[str, Callable[[bytes], bytes]] = {
    "is empty": lambda content: content[:0],
    "is cut in half": lambda content: content[: len(content) // 2],
    "ends a byte early": lambda content: content[:-1],
    "has a byte behind its end": lambda content: content + b"\0",
    "is twice itself": lambda content: content * 2,
    "is zeros": lambda content: bytes(len(content)),
    "begins with other bytes": lambda content: b"\xff\xff\xff\xff\xff\xff\xff\x7f" + content[8:],
    "has other bytes in the middle": lambda content: content[:300] + b"\xff" * 40 + content[340:],
}
KINDS: dict[str, Callable[[Path], object]] = {
    "is missing": Path.exists,  # which makes nothing
    "is a folder": Path.mkdir,
    "is a pipe": os.mkfifo,
    "is a link to /dev/zero": lambda path: path.symlink_to("/dev/zero"),
    "is a link to nothing": lambda path: path.symlink_to("nothing"),
}
OTHER_OPTIONS = {
    "other steps": ("--steps", "61"),
    "another size": ("--size", "33"),
    "another precision": ("--precision", "float64"),
    "another recipe": ("--recipe", "gatys"),
    "other weights": ("--weights", "random"),
    "another tap": ("--content-taps", "relu1_1"),
    "another loss weight": ("--tv-weight", "11"),
    "another optimizer": ("--optimizer", "lbfgs"),
    "another start": ("--init", "noise"),
    "a picture as its start": ("--init", "style.png"),
    "another end": ("--until", "1%"),
    "a pyramid": ("--pyramid",),
    "--fast": ("--fast",),
}
LOSSES = {
    "a line that is no JSON": b"{",
    "an empty line": b"\n",
    "a list": b"[]\n",
    "null": b"null\n",
    "an evaluation of text": b'{"evaluation": "1", "stage": 1}\n',
    "a loss that is NaN": b'{"evaluation": 1, "stage": 1, "losses": {"tv": NaN}}\n',
    "a line 100000 lists deep": b"[" * 100_000 + b"\n",
    "bytes that are no UTF-8": b"\xff\xfe\n",
}


def cases() -> Iterator[Case]:
    for optimizer, names in FILES.items():
        yield resumed(f"the checkpoint of {optimizer}", optimizer, copy(f"checkpoint-{optimizer}"), expects=ACCEPTED)
        for name in names:
            for words, change in CUTS.items():
                # The losses' last lines may be lost with the process that wrote them.
                expects = EITHER if name != "state.safetensors" else (2,)
                source = changed_file(optimizer, name, change)
                late = name == "gradients-1.bin"  # L-BFGS has to take its steps again before it is seen
                yield resumed(f"{optimizer}'s {name} {words}", optimizer, source, expects=expects, late=late)
            for words, by in KINDS.items():
                source = replaced_file(optimizer, name, by)
                yield resumed(f"{optimizer}'s {name} {words}", optimizer, source, expects=EITHER)
    for words, line in LOSSES.items():
        source = changed_file("adam", "losses.jsonl", lambda content, line=line: line + content)
        yield resumed(f"losses that begin with {words}", "adam", source, expects=EITHER)
    for words, options in OTHER_OPTIONS.items():
        yield resumed(f"a checkpoint and {words}", "adam", copy("checkpoint-adam"), *options)
    yield from states()
    for words, source in PLACES.items():
        expects = EITHER if "not there" in words else (2,)
        yield resumed(f"{words} instead of the checkpoint's folder", "adam", source, expects=expects)
    yield resumed("a checkpoint of other pictures", "adam", copy("checkpoint-adam"), other="content.png")
    yield resumed("PyTorch's checkpoint for Keras", "adam", copy("checkpoint-adam"), program="keras")
    yield resumed("Adam's checkpoint with L-BFGS's files", "lbfgs", mixed)


PLACES: dict[str, Source] = {
    "a file": b"text",
    "a pipe": os.mkfifo,
    "a link to a folder that is not there": lambda path: path.symlink_to("nothing"),
    "a link to /dev/null": lambda path: path.symlink_to("/dev/null"),
}


def mixed(path: Path) -> None:
    copied("checkpoint-lbfgs", path)
    shutil.copy(folder() / "checkpoint-adam" / "state.safetensors", path)


def states() -> Iterator[Case]:
    """Every field of the state changed, and headers that lie."""
    header, numbers = read_state("checkpoint-adam")
    state = json.loads(header["__metadata__"]["state"])
    for words, changed in itertools.islice(json_changes.wrong_types(state), 0, None, 4):
        yield changed_state(f"a state in which {words}", with_state(header, json.dumps(changed)), numbers)
    for words, changed in list(json_changes.dropped(state))[::8]:
        yield changed_state(f"a state in which {words}", with_state(header, json.dumps(changed)), numbers)
    for path, values in VALUES.items():
        for value in values:
            changed = json.dumps(json_changes.with_value(state, path, value))
            words = f"a state in which {json_changes.dotted(path)} is {value}"
            yield changed_state(words, with_state(header, changed), numbers)
    for words, content in list(json_changes.TEXTS.items())[::3]:
        text = content.decode(errors="replace")
        yield changed_state(f"a state that {words}", with_state(header, text), numbers)
    for name in ("pixels", "mean", "square"):
        left = {key: value for key, value in header.items() if key != name}
        yield changed_state(f"a state without {name}", left, numbers)
    flat = header | {"pixels": header["pixels"] | {"shape": [header["pixels"]["data_offsets"][1] // 4]}}
    yield changed_state("a state whose pixels are flat", flat, numbers)
    yield changed_state("a state of NaN", header, b"\xff" * len(numbers))
    yield changed_state("a state whose metadata is left out", {**header, "__metadata__": {}}, numbers)


VALUES: dict[tuple, tuple] = {
    ("schema",): (0, 2, -1),
    ("stage",): (0, -1, 2, 10**20),
    ("left",): (-1, 61, 10**20),
    ("evaluations",): (-1, 10**20),
    ("moments_steps",): (-1,),
}


def with_state(header: dict[str, Any], text: str) -> dict[str, Any]:
    return header | {"__metadata__": {"state": text}}


def changed_state(words: str, header: Any, numbers: bytes) -> Case:
    source = changed_file("adam", "state.safetensors", lambda _: state_file(header, numbers))
    return resumed(words, "adam", source)


def resumed(
    words: str, optimizer: str, checkpoint: Source, *options: str, program: str = "torch", other: str = "", **more
) -> Case:
    """The interrupted run of the stock, which goes on; `other` is its style."""
    pictures = (CHECKPOINT[0], other or CHECKPOINT[1])
    command = (program, *pictures, *CHECKPOINT[2:], "--optimizer", optimizer, "--resume", *options)
    return Case(KIND, words, command, files={"out.png-checkpoint": checkpoint}, leaves=("out*",), **more)
