"""Every command-line option once, by the groups in which the commands have them."""

import argparse
import re
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from common.backend import BACKENDS
from common.comparison.request import DEFAULT_RECIPE
from common.entry import installed_version
from common.errors import did_you_mean, say
from common.problem import DEVICE as DEVICES
from common.problem import PRECISIONS
from common.recipes import FOR_PICTURES, RECIPES
from common.tensors import KINDS

MIXED = "mixed"
AUTO, OFF = "auto", "off"  # of `--tile`


class OneLineParser(argparse.ArgumentParser):
    """An argument parser whose errors are one line, with exit code 2."""

    def error(self, message: str) -> NoReturn:
        """Print the message without the usage, with the option or the choice that may have been meant, and leave."""
        say(f"{self.prog}: {message}{self._nearest(message)}; see --help")
        raise SystemExit(2)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Refuse `--name=--` first, of which Python 3.11 makes a list whatever the type."""
        given = sys.argv[1:] if args is None else args
        if odd := next((word for word in given if re.fullmatch(r"--[\w-]+=--", word)), None):
            self.error(f"argument {odd.removesuffix('=--')}: '--' is no value")
        return super().parse_known_args(args, namespace)

    def _nearest(self, message: str) -> str:
        if choice := re.search(r"invalid choice: '(.*)' \(choose from (.*)\)", message):
            return did_you_mean(choice[1], re.findall(r"[\w.-]+", choice[2]))
        option = re.search(r"unrecognized arguments:.*? (--[\w-]+)", message)
        return did_you_mean(option[1], re.findall(r"--[\w-]+", self.format_help())) if option else ""


def _whole_number(what: str, least: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isdecimal() or len(text) > _MOST_DIGITS or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text!r} is not {what}")
        return int(text)

    return parse


def _device(text: str) -> str:
    if text != "auto" and not DEVICES.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a device: use auto, cpu, gpu, gpu:1 or mps")
    return text


def tile_px(text: str) -> int | None:
    """The longest side of a tile in pixels, None for `off`; argparse's error for anything else."""
    if text == OFF:
        return None
    if not text.isdecimal() or len(text) > _MOST_DIGITS:
        raise argparse.ArgumentTypeError(f"{text!r} is no tile: use off, or its longest side in pixels, such as 1024")
    return int(text)


def _tile_or_auto(text: str) -> int | str | None:
    return AUTO if text == AUTO else tile_px(text)


def _loss(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a loss: use a number above 0") from None


def _path(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("an empty name is no path")
    return text


def _percentage(text: str) -> float:
    number = text.removesuffix("%")
    if not number.replace(".", "", 1).isdecimal() or len(number) > _MOST_DIGITS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a percentage: write 5%")
    return float(number) / 100


_MOST_DIGITS = 18  # of a whole number
CHANGES = ("content_weight", "style_weight", "tv_weight", "content_taps", "style_taps")  # of a recipe
_seed = _whole_number("a seed: use a whole number from 0 up", 0)
_steps = _whole_number("a number of evaluations from 1 up", 1)
_evaluations = _whole_number("a number of evaluations from 0 up", 0)
_count = _whole_number("a number from 1 up", 1)
_sizes = _whole_number("a number of sizes from 2 up: write --pyramid=2, or --pyramid as the last word", 2)
_modes = "; ".join(f"{name}: {', '.join(entry.modes)}" for name, entry in BACKENDS.items())
_customary = ", ".join(f"{entry.label} {entry.optimizer}" for entry in BACKENDS.values())
_precisions, _row = ", ".join(PRECISIONS), "NAME=B[:MODE][@PYTHON]"
_recipe = f"one of {', '.join(RECIPES)} (default: {DEFAULT_RECIPE}; for pictures start with {FOR_PICTURES})"
_weights = "keras (default), torchvision, random, random:SEED, or the path of a .h5 or .pth file"
_optimizers = f"recipe: the recipe's own (default with --recipe; without, each framework's customary one: {_customary})"
_fast = "about the loss of the recipe's own run in fewer evaluations; may keep less of the content"
_pyramid = "from coarse to fine: half size first, then the whole (2 sizes; 3 with --pyramid=3)"
_slower, _repeats = "what counts as slower (default: 5%%)", "comparisons (default: %(default)s)"
_open = "end with 3 where an interval leaves open whether a row got slower"
_folder = {"type": _path, "default": "report", "metavar": "DIR"}

# Options by name, or names, with what argparse is told of them.
Options = dict[str, dict[str, Any]]
PICTURES: Options = {role: {"nargs": "?", "help": f"the {role} picture"} for role in ("content", "style")}
THREE_PICTURES: Options = {
    **{role: {"help": f"the {role} picture"} for role in PICTURES},
    "image": {"help": "the picture whose losses are wanted"},
}
ROWS: Options = {
    "--backends": {"metavar": "B,...", "help": f"from {', '.join(BACKENDS)} (default: all)"},
    "--modes": {"metavar": "M,...", "help": f"all, or from {_modes} (default: the first of each)"},
    "--precisions --precision": {"metavar": "P,...", "help": f"all, or from {_precisions} (default: float32)"},
    "--sizes --size": {"metavar": "S,...", "help": "longest sides (128,256), or height x width, in pixels"},
    "--tiles --tile": {"metavar": "T,...", "help": "off, or longest sides of tiles in pixels (default: off)"},
    "--python": {"action": "append", "default": [], "metavar": "B=PYTHON", "help": "interpreter of a backend"},
    "--row": {"action": "append", "default": [], "metavar": _row, "help": "one more row, such as another version"},
    "--thorough": {"action": "store_true", "help": "all modes and precisions, two sizes, more rounds"},
    "--rounds": {"type": _count, "metavar": "N", "help": "rounds in which the rows take turns (default: 10)"},
    "--threads": {"type": _count, "metavar": "N", "help": "of every process (default: the cores)"},
}
_PLANNED: Options = {
    "--modes": {"metavar": "M,...", "help": f"from {_modes} (default: all)"},
    "--sizes --size": {"metavar": "S,...", "help": "as those of compare.py (default: 512,1024,2048)"},
    "--tiles --tile": {"metavar": "T,...", "help": "off, or longest sides of tiles in pixels (default: %(default)s)"},
}
LOSS: Options = {
    "--recipe": {"metavar": "NAME", "help": _recipe},
    "--content-weight": {"type": float, "metavar": "W", "help": "weight of the content loss"},
    "--style-weight": {"type": float, "metavar": "W", "help": "weight of the style loss"},
    "--tv-weight": {"type": float, "metavar": "W", "help": "weight of the total variation"},
    "--content-taps": {"metavar": "TAP,...", "help": "layers of the content loss, such as relu4_2"},
    "--style-taps": {"metavar": "TAP,...", "help": "layers of the style loss, such as relu1_1,relu2_1"},
}
MEASURED = PICTURES | ROWS | LOSS
PLANNED = PICTURES | {it: ROWS[it] for it in ("--backends", "--precisions --precision")} | _PLANNED | LOSS
RECIPES_SHOWN: Options = {"--recipes": {"metavar": "NAME,...", "help": "which recipes (default: all)"}}
SIZE: Options = {"--size": {"metavar": "SIZE", "help": "longest side (288), or height x width (192x288), in pixels"}}
_own_size = "longest side (288), height x width (192x288), or recipe: that of its source, which may stretch "
_own_size += "(default: as many pixels as the source has, in the content's proportions)"
OPTIMIZATION: Options = {
    "--steps": {"type": _steps, "metavar": "N", "help": "evaluations of loss and gradient, over all stages"},
    "--fast": {"action": "store_true", "help": _fast},
    "--pyramid": {"nargs": "?", "type": _sizes, "const": 2, "metavar": "SIZES", "help": _pyramid},
    "--until-loss": {"type": _loss, "metavar": "X", "help": "end the last stage when the loss is X or less"},
    "--until": {"type": _percentage, "metavar": "P%", "help": "end it when the loss falls by less in 20 evaluations"},
    "--optimizer": {"choices": ("adam", "lbfgs", "recipe"), "help": _optimizers},
    "--seed": {"type": _seed, "default": 0, "help": "of the noise, for recipes that start from it"},
}
_tiled = "compute in tiles of at most N pixels a side, or the whole at once (off)"
_auto = f"{_tiled}; auto is off, or the largest tile that fits into the free memory of the CPU"
TILE: Options = {"--tile": {"type": tile_px, "metavar": "N", "default": OFF, "help": f"{_tiled} (default: off)"}}
OWN_TILE: Options = {
    "--tile": {"type": _tile_or_auto, "metavar": "N", "default": AUTO, "help": f"{_auto} (default: auto)"}
}
START: Options = {"--init": {"metavar": "START", "help": "content, noise, or a picture to start from"}}
PRECISION: Options = {"--precision": {"choices": PRECISIONS, "help": "default: %(default)s"}}
_mixed = "default: %(default)s; mixed is bfloat16, and float32 at the end, with Adam"
RUN_PRECISION: Options = {"--precision": {"choices": (*PRECISIONS, MIXED), "help": _mixed}}
WEIGHTS: Options = {"--weights": {"metavar": "W", "help": _weights}}
_devices = "auto (default: a GPU where there is one), cpu, gpu, gpu:1 or mps"
DEVICE: Options = {"--device": {"type": _device, "default": "auto", "help": _devices}}
ARITHMETIC = WEIGHTS | DEVICE
_every = "save what --resume needs every N evaluations (default: about once a minute; 0: only when stopped)"
CHECKPOINTS: Options = {
    "--resume": {"action": argparse.BooleanOptionalAction, "help": "go on with an interrupted run, or start anew"},
    "--checkpoint-every": {"type": _evaluations, "metavar": "N", "help": _every},
}
KEPT: Options = {
    "--save-every": {"type": _count, "metavar": "N", "help": "keep a picture every N evaluations"},
    "--plot": {"action": "store_true", "help": "draw the loss curves beside the picture"},
}
OWN_SIZE: Options = {"--size": {"metavar": "SIZE", "help": _own_size}}
TRANSFER = LOSS | OWN_SIZE | OWN_TILE | OPTIMIZATION | START | RUN_PRECISION | ARITHMETIC | CHECKPOINTS | KEPT
BASELINE: Options = {
    "--save-baseline": {"type": _path, "metavar": "FILE", "help": "keep the timings for later runs"},
    "--baseline": {"type": _path, "metavar": "FILE", "help": "compare with timings that were kept"},
    "--fail-above": {"type": _percentage, "metavar": "P%", "help": _slower},
    "--fail-inconclusive": {"action": "store_true", "help": _open},
    "--baseline-anyway": {"action": "store_true", "help": "even of another machine, recipe or size"},
}
REPORT: Options = {
    "--report": {**_folder, "help": "folder for the report (default: %(default)s)"},
    "--verbose": {"action": "store_true", "help": "print every compared quantity, not the worst alone"},
}
GALLERY: Options = {"--report": {**_folder, "help": "folder for the pictures (default: %(default)s)"}}
REPEATS: Options = {"--repeats": {"type": _count, "default": 20, "metavar": "N", "help": _repeats}}
PRINT_JSON: Options = {"--json": {"action": "store_true", "help": "print JSON instead of a table"}}
EXAMINED: Options = {"backend": {"nargs": "*", "help": f"of {', '.join(BACKENDS)} (default: all)"}}
BUNDLE: Options = {
    "folder": {"metavar": "DIR", "help": "where to write tensors, weights, pictures and manifest.json"},
    "--without-weights": {"action": "store_true", "help": "leave out weights.safetensors, 80 MB"},
    "--with-steps": {"action": "store_true", "help": "the first steps of Adam and L-BFGS, too: 28 more evaluations"},
}
_named: Options = {
    f"--{role}": {"metavar": "PICTURE", "help": f"the {role} picture (default: the sample)"} for role in PICTURES
}
CASE = _named | LOSS | SIZE | WEIGHTS  # small by default, since every tensor is kept
PORT: Options = {
    "theirs": {"nargs": "?", "metavar": "THEIRS", "help": f"the port's tensors: {KINDS}"},
    "--port": {"metavar": "MODULE:NAME", "help": "a port in Python instead: a function of content, style, image"},
    "--picture": {"nargs": 3, "metavar": ("OUT", "CONTENT", "STYLE"), "help": "a finished picture alone, and its two"},
    "--seed": {"type": _seed, "default": 0, "metavar": "N", "help": "of random pictures (default: 0)"},
    "--allow-unknown": {"action": "store_true", "help": "leave out tensors of names that are not known"},
    "--against": {"type": _path, "metavar": "BUNDLE", "help": "what `compare.py export` wrote (default: the samples)"},
}
FILES: Options = {
    "--verbose": {"action": "store_true", "help": "print the statistics of unexplained differences, too"},
    "--json": {"type": _path, "metavar": "FILE", "help": "write the table and the diagnosis as JSON"},
    "--markdown": {"type": _path, "metavar": "FILE", "help": "the same as Markdown"},
}
BATCH: Options = {
    "jobs": {"type": _path, "metavar": "JOBS", "help": "the table, such as jobs.csv"},
    "--page": {"type": _path, "metavar": "FILE", "help": "where all pictures are shown (default: JOBS.html beside it)"},
    "--resume": {
        "action": argparse.BooleanOptionalAction,
        "help": "go on with interrupted runs (default), or start anew",
    },
}
# What functions read of a command that lacks the option.
_ABSENT = {
    **dict.fromkeys(("steps", "init", "against", "pyramid", "until", "until_loss", *CHANGES)),
    **{"seed": 0, "precision": "float32", "allow_unknown": False, "fast": False, "thorough": False},
    **{"rounds": None, "threads": None, "python": [], "row": [], "tiles": None},
}


def add_options(parser: argparse.ArgumentParser, options: Options, **defaults: Any) -> None:
    """Give a parser these options, with what they are where nobody names them."""
    parser.set_defaults(**{**_ABSENT, **defaults})
    version = f"style-rosetta {installed_version('style-rosetta')}"
    parser.add_argument("--version", action="version", version=version, help="print the version and leave")
    for names, values in options.items():
        parser.add_argument(*names.split(), **values)
