"""Baselines: every field changed, of another machine or run, and files that are none."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

from bad_input.case import Case, Source, link, timing
from bad_input.cases import json_changes
from bad_input.stock import folder

KIND = "baselines"

VALUES: dict[tuple, tuple] = {
    ("schema",): (0, 1, 5, -4, 10**40),
    ("machine", "cpu"): ("Another CPU", "", "\x1b[31m"),
    ("machine", "cores"): (77, 0, -1),
    ("recipe",): ("gatys", "no such", ""),
    ("device",): ("gpu", ""),
    ("threads",): (99, 0, -1, 10**30),
    ("rounds",): (-1,),
    ("seed",): (-1,),
    ("others_fraction",): (float("nan"), -1.0),
    ("weights", "sha256"): ("", "0" * 64),
}
# Of any type, computed anew when they are read, or a list by names in which one more or less is none.
LOOSE = ("flags", "noisy", "verdict", "pairing", "agrees", "differences", "versions", "losses")
SPECIAL: dict[str, Source] = {
    "a folder": Path.mkdir,
    "a pipe": os.mkfifo,
    "a link to /dev/zero": link("/dev/zero"),
    "a link to nothing": link("nothing"),
    "a link to itself": lambda path: path.symlink_to(path.name),
    "a file of 50 MB of blanks": lambda path: path.write_bytes(b" " * 50_000_000),
}


def cases() -> Iterator[Case]:
    text = (folder() / "baseline.json").read_text()
    document = json.loads(text)
    wrong = [each for each in json_changes.wrong_types(document) if not any(word in each[0] for word in LOOSE)]
    for words, changed in wrong[:: max(1, len(wrong) // 12)]:
        yield baseline(f"a baseline in which {words}", json_changes.written(changed))
    dropped = [each for each in json_changes.dropped(document) if not any(word in each[0] for word in LOOSE)]
    for words, changed in dropped[::12]:
        yield baseline(f"a baseline in which {words}", json_changes.written(changed))
    for path, values in VALUES.items():
        for value in values:
            changed = json_changes.with_value(document, path, value)
            words = f"a baseline in which {json_changes.dotted(path)} is {json.dumps(value)}"
            yield baseline(words, json_changes.written(changed))
    for words, content in json_changes.TEXTS.items():
        yield baseline(f"a baseline that {words}", content)
    for words, source in SPECIAL.items():
        yield baseline(f"{words} as a baseline", source)
    yield baseline("a baseline whose first key stands twice", json_changes.doubled(text))
    yield baseline("a baseline of another size", text.encode(), "--size", "40")
    yield baseline("a baseline of another recipe", text.encode(), "--recipe", "gatys")
    yield baseline("a baseline of other threads", text.encode(), "--threads", "3")
    yield baseline("a baseline that is saved onto itself", text.encode(), "--save-baseline", "baseline.json")
    yield baseline("a baseline whose report is its own", text.encode(), "--report", "baseline.json")
    yield baseline("a baseline and a bound of -5%", text.encode(), "--fail-above=-5%")


def baseline(words: str, source: Source, *options: str) -> Case:
    return timing(KIND, words, "--baseline", "baseline.json", *options, files={"baseline.json": source})
