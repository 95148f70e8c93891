"""`python -m torch_impl` and `python -m keras_impl`: a content and a style picture in, a restyled one out."""

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from common import samples
from common.backend import BACKENDS, load_backend
from common.cli.options import OneLineParser, add_all_options
from common.cli.plans import optimizer_from, recipe_from, start_from
from common.entry import Entry
from common.errors import RosettaError, exit_code
from common.framework_imports import quiet_stderr
from common.images import Image, check_writable, extent_for, load_image, parse_size, save_image
from common.problem import Problem
from common.recipes import Exactly, Recipe, with_size
from common.results import RunResult, Step
from common.terminal import ProgressBar
from common.vgg19 import load_weights


def main(backend: str, argv: Sequence[str] | None = None) -> int:
    """Run one transfer from the command line; returns the exit code: 0, or 2 for what cannot be done."""
    parser = parser_for(BACKENDS[backend])
    options = parser.parse_args(argv)
    return exit_code(parser.prog, lambda: _run(BACKENDS[backend], options))


def parser_for(entry: Entry) -> argparse.ArgumentParser:
    """The options of a backend's command line."""
    parser = OneLineParser(prog=f"python -m {entry.package}", description=f"VGG-19 style transfer in {entry.label}.")
    parser.add_argument("content", nargs="?", help="picture whose content is kept (default: a sample)")
    parser.add_argument("style", nargs="?", help="picture whose style is taken (default: a sample)")
    parser.add_argument(
        "-o", "--output", required=True, metavar="OUT", help="picture to write (.png, .jpg, .webp, ...)"
    )
    add_all_options(parser)
    parser.add_argument("--save-every", type=int, metavar="N", help="keep a picture every N evaluations")
    parser.add_argument("--plot", action="store_true", help="draw the loss curves beside the picture")
    return parser


def _run(entry: Entry, options: argparse.Namespace) -> int:
    samples.check_pair(options.content, options.style)
    recipe = entry.with_optimizer(recipe_from(options), optimizer_from(options))
    if options.size is not None:
        recipe = with_size(recipe, parse_size(options.size))
    _check_output(options)
    content = load_image(options.content or samples.CONTENT.path)
    style = load_image(options.style or samples.STYLE.path)
    start = start_from(options)
    init = None if start is None else load_image(start)
    problem = Problem(content, style, recipe, load_weights(options.weights), options.precision, options.device)
    problem.try_stages()
    _note_stretch(content, recipe)
    with ProgressBar(recipe.steps, f"importing {entry.label}", "eval") as bar:
        with quiet_stderr(entry.loggers):
            backend = load_backend(entry.name)
        backend.check_arithmetic(problem.network)
        bar.describe(f"{entry.label} {recipe.name}")
        result = backend.stylize(problem, init, options.seed, _Progress(bar, options))
    save_image(options.output, result.image)
    if options.plot:
        _plot(options.output, result, f"{entry.label}, {recipe.name}")
    print(f"{_terms(result)} after {len(result.steps)} evaluations -> {options.output}")
    return 0


def _check_output(options: argparse.Namespace) -> None:
    check_writable(options.output)
    if options.save_every is not None and options.save_every < 1:
        raise RosettaError(f"--save-every is {options.save_every}: give a number of evaluations from 1 up")
    for given in (options.content, options.style, options.init):
        if given and Path(given).exists() and _would_replace(options, Path(given).resolve()):
            raise RosettaError(f"the output {options.output!r} would replace {given!r}, which is read: name another")


def _would_replace(options: argparse.Namespace, given: Path) -> bool:
    output = Path(options.output).resolve()
    written = [output, *([_beside(output, "-losses", ".png")] if options.plot else [])]
    kept = rf"{re.escape(output.stem)}-\d{{5,}}{re.escape(output.suffix)}"
    in_the_way = options.save_every and given.parent == output.parent and re.fullmatch(kept, given.name)
    return given in written or bool(in_the_way)


def _note_stretch(content: Image, recipe: Recipe) -> None:
    size = recipe.stages[-1].size
    height, width = content.shape[:2]
    if isinstance(size, Exactly) and abs(size.height_px * width / (size.width_px * height) - 1) > 0.05:
        longest = max(extent_for(size, height, width))
        print(
            f"note: {size} stretches this {height}x{width} picture; --size {longest} keeps its proportions",
            file=sys.stderr,
        )


@dataclass(frozen=True)
class _Progress:
    bar: ProgressBar
    options: argparse.Namespace

    def __call__(self, step: Step, picture: Callable[[], Image]) -> None:
        self.bar.advance(note=", ".join(f"{name} {value:.4g}" for name, value in step.losses.by_kind().items()))
        every = self.options.save_every
        if every and step.evaluation % every == 0:
            save_image(_beside(Path(self.options.output), f"-{step.evaluation:05d}"), picture())


def _beside(output: Path, suffix: str, ending: str | None = None) -> Path:
    return output.with_name(f"{output.stem}{suffix}{ending or output.suffix}")


def _plot(output: str, result: RunResult, title: str) -> None:
    from common.cli.loss_curves import save_loss_curves  # matplotlib takes a second to import

    path = _beside(Path(output), "-losses", ".png")
    save_loss_curves(path, {title: result.steps})
    print(f"loss curves -> {path}")


def _terms(result: RunResult) -> str:
    return ", ".join(f"{name} {value:.6g}" for name, value in result.losses.by_kind().items())
