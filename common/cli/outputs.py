"""The files of a command: what is read and must not be replaced, and what a transfer writes."""

import argparse
import json
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from common import samples
from common.checkpoints import LOSSES, STATE
from common.cli.provenance import Files, is_result_of
from common.cli.requests import start_from
from common.entry import Entry
from common.errors import RosettaError, say
from common.images import Image, check_ending, save_image
from common.recipes import Recipe
from common.vgg19 import weight_paths
from common.writing import PathLike, check_written, write_text

_LONGEST_NAME_BYTES = 80  # of a picture's name within the name of its result


def paths_read(options: argparse.Namespace) -> list[PathLike]:
    """The pictures, weights and baseline that a command may read, and the samples, whether it reads them or not."""
    named = (options.content, options.style, start_from(options), getattr(options, "baseline", None))
    own: list[PathLike] = []
    with suppress(RosettaError):  # not installed
        own += samples.paths(None, None)
    return [*filter(None, named), *own, *weight_paths(options.weights)]


def choose_output(entry: Entry, recipe: Recipe, options: argparse.Namespace, files: Files) -> str:
    """The output of a transfer of these files, named or not; raise RosettaError where it must not be written."""
    output = str(_default_name(entry, recipe, files) if options.output is None else options.output)
    check_ending(output)
    check_written(files_written(Path(output), options), paths_read(options))
    if options.output is None and Path(output).exists() and not is_result_of(Path(output), entry, files):
        raise RosettaError(f"{output!r} exists and is not an earlier result of these pictures: name the output by -o")
    return output


def _default_name(entry: Entry, recipe: Recipe, files: Files) -> str:
    """`content-style-recipe-backend.png`, of letters that need no quotes in a shell."""
    stems = (re.sub(r"[^\w.+-]+", "-", Path(files[role]["name"]).stem).strip("-.") for role in ("content", "style"))
    short = [stem.encode()[:_LONGEST_NAME_BYTES].decode(errors="ignore") for stem in stems]
    return "-".join(filter(None, (*short, recipe.name, entry.name))) + ".png"


def files_written(output: Path, options: argparse.Namespace) -> list[Path]:
    """What a transfer writes; of the pictures of `--save-every` those that are there, and would be replaced."""
    written = [output, partial_of(output), *(checkpoint_of(output) / name for name in (LOSSES, STATE))]
    if options.plot:
        written += [loss_curves_of(output), losses_of(output)]
    if options.save_every:
        kept = re.compile(rf"{re.escape(output.stem)}-\d{{5,}}{re.escape(output.suffix)}")
        written += [path for path in output.parent.glob("*") if kept.fullmatch(path.name)]
    return written


def loss_curves_of(output: str | Path) -> Path:
    """Where `--plot` draws the loss curves."""
    return Path(output).with_name(f"{Path(output).name}-losses.png")


def losses_of(output: str | Path) -> Path:
    """Where `--plot` keeps the losses."""
    return loss_curves_of(output).with_suffix(".jsonl")


def partial_of(output: str | Path) -> Path:
    """Where the best picture of a run that ends early goes."""
    return Path(output).with_name(f"{Path(output).stem}-partial{Path(output).suffix}")


def checkpoint_of(output: str | Path) -> Path:
    """The folder of what `--resume` needs."""
    return Path(output).with_name(f"{Path(output).name}-checkpoint")


def write_findings(options: argparse.Namespace, values: Callable[[], Any], markdown: Callable[[], str]) -> None:
    """Write what `check` and `doctor` found as JSON and as Markdown, where that is asked for."""
    if options.json:
        write_text(options.json, json.dumps(values(), indent=1))
    if options.markdown:
        write_text(options.markdown, markdown())


class KeptPictures:
    """The pictures of `--save-every N`: one that cannot be saved is a warning, the first time, and ends nothing."""

    def __init__(self, output: str) -> None:
        self._output, self._has_warned = Path(output), False

    def save(self, evaluation: int, image: Image) -> None:
        """Save the picture of an evaluation beside the output."""
        try:
            save_image(self._output.with_name(f"{self._output.stem}-{evaluation:05d}{self._output.suffix}"), image)
        except RosettaError as error:
            if not self._has_warned:
                say(f"warning: {error}; the run goes on")
            self._has_warned = True
