"""`python -m torch_impl` and `python -m keras_impl`: a content and a style picture in, a restyled one out."""

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from common import samples
from common.backend import BACKENDS, Backend, best_device, load_backend
from common.cli.options import TRANSFER, OneLineParser, add_options
from common.cli.provenance import Files, files_read, provenance, stages_in_words
from common.cli.requests import optimizer_from, recipe_from, start_from
from common.entry import Entry
from common.errors import RosettaError, exit_code, say
from common.framework_imports import quiet_stderr
from common.images import Image, check_writable, extent_for, load_image, replacing, save_image
from common.input_files import is_ordinary
from common.machine import use_memory_sparingly
from common.problem import Problem
from common.recipes import Exactly
from common.results import RunResult, Step
from common.vgg19 import load_weights

_COLOURS = {"style": "tab:red", "content": "tab:blue", "tv": "tab:green", "total": "black"}


def main(backend: str, argv: Sequence[str] | None = None) -> int:
    """Run one transfer from the command line; returns the exit code: 0, or 2 for what cannot be done."""
    parser = parser_for(BACKENDS[backend])
    options = parser.parse_args(argv)
    return exit_code(parser.prog, lambda: _run(BACKENDS[backend], options))


def parser_for(entry: Entry) -> argparse.ArgumentParser:
    """The options of a backend's command line."""
    parser = OneLineParser(prog=f"python -m {entry.package}", description=f"VGG-19 style transfer in {entry.label}.")
    for name, what in (("content", "content is kept"), ("style", "style is taken")):
        parser.add_argument(name, nargs="?", help=f"picture whose {what} (default: a sample)")
    formats = "picture to write (.png, .jpg, .webp, ...)"
    parser.add_argument("-o", "--output", required=True, metavar="OUT", help=formats)
    add_options(parser, TRANSFER)
    modes = f"execution mode (default: {entry.transfer_mode or entry.modes[0]} on a CPU, else {entry.modes[0]})"
    parser.add_argument("--mode", choices=entry.modes, help=modes)
    parser.add_argument("--save-every", type=int, metavar="N", help="keep a picture every N evaluations")
    parser.add_argument("--plot", action="store_true", help="draw the loss curves beside the picture")
    return parser


def _run(entry: Entry, options: argparse.Namespace) -> int:
    from common.terminal import ProgressBar  # here, since --help would wait for its library

    problem, init, files = _problem_from(entry, options)
    with ProgressBar(problem.recipe.steps, f"importing {entry.label}", "eval") as bar:

        def on_step(step: Step, picture: Callable[[], Image]) -> None:
            bar.advance(note=_terms(step, ".4g"))
            if options.save_every and step.evaluation % options.save_every == 0:
                save_image(_beside(options.output, f"-{step.evaluation:05d}"), picture())

        use_memory_sparingly()
        with quiet_stderr(entry.loggers):
            backend = load_backend(entry.name)
        problem = _on_device(problem, backend, entry, options)
        bar.describe(f"{entry.label} {problem.recipe.name} on {problem.device}")
        result = backend.stylize(problem, init, options.seed, on_step)
    save_image(options.output, result.image, provenance(entry, options, problem, result, files))
    if options.plot:
        path = _beside(options.output, "-losses", ".png")
        _save_loss_curves(path, result.steps, f"{entry.label}, {problem.recipe.name}")
        say(f"loss curves -> {path}", sys.stdout)
    if options.fast or len(problem.recipe.stages) > 1:
        print(stages_in_words(problem, result))
    say(f"{_terms(result, '.6g')} after {len(result.steps)} evaluations -> {options.output}", sys.stdout)
    return 0


def _problem_from(entry: Entry, options: argparse.Namespace) -> tuple[Problem, Image | None, Files]:
    """The problem on the CPU, the picture to start from, and what was read."""
    samples.check_pair(options.content, options.style)
    recipe = entry.with_optimizer(recipe_from(options), optimizer_from(options))
    _check_output(options)
    pictures, start = samples.paths(options.content, options.style), start_from(options)
    content, style = map(load_image, pictures)
    init = None if start is None else load_image(start)
    files = files_read(content=pictures[0], style=pictures[1], init=start)
    problem = Problem(content, style, recipe, load_weights(options.weights), options.precision)
    problem.try_stages()
    _note_stretch(problem)
    return problem, init, files


def _on_device(problem: Problem, backend: Backend, entry: Entry, options: argparse.Namespace) -> Problem:
    """The problem on the device that is named, or on the best that has its precision, and in a mode for that device."""
    device = options.device
    if device == "auto":
        device = best_device(backend)
        try:
            backend.check_arithmetic(replace(problem.network, device=device))
        except RosettaError:
            device = "cpu"
    mode = options.mode or (entry.transfer_mode if device == "cpu" else None)
    problem = replace(problem, device=device, mode=mode)
    backend.check_arithmetic(problem.network)
    return problem


def _check_output(options: argparse.Namespace) -> None:
    check_writable(options.output)
    if options.save_every is not None and options.save_every < 1:
        raise RosettaError(f"--save-every is {options.save_every}: give a number of evaluations from 1 up")
    output = Path(options.output).resolve()
    written = re.escape(str(output))
    if options.plot:
        written += "|" + re.escape(str(_beside(output, "-losses", ".png")))
    if options.save_every:
        written += "|" + re.escape(str(output.with_suffix(""))) + r"-\d{5,}" + re.escape(output.suffix)
    for given in filter(None, (options.content, options.style, options.init)):
        if is_ordinary(given) and re.fullmatch(written, str(Path(given).resolve())):
            raise RosettaError(f"the output {options.output!r} would replace {given!r}, which is read: name another")


def _note_stretch(problem: Problem) -> None:
    size, (height, width) = problem.recipe.stages[-1].size, problem.content.shape[:2]
    if isinstance(size, Exactly) and abs(size.height_px * width / (size.width_px * height) - 1) > 0.05:
        keeping = f"--size {max(extent_for(size, height, width))} keeps its proportions"
        say(f"note: {size} stretches this {height}x{width} picture; {keeping}")


def _beside(path: str | Path, suffix: str, ending: str | None = None) -> Path:
    output = Path(path)
    return output.with_name(f"{output.stem}{suffix}{ending or output.suffix}")


def _terms(losses: Step | RunResult, form: str) -> str:
    return ", ".join(f"{name} {value:{form}}" for name, value in losses.losses.by_kind().items())


def _save_loss_curves(path: Path, steps: Sequence[Step], title: str) -> None:
    """One line for each kind of term on a log axis, as the PyTorch blog draws them; what is 0 is left out."""
    from matplotlib.figure import Figure  # which takes a second to import

    axis = (figure := Figure(figsize=(6, 4), layout="constrained")).subplots()
    for name, colour in _COLOURS.items():
        values = [step.losses.by_kind()[name] for step in steps]
        if any(values):
            axis.plot([step.evaluation for step in steps], values, color=colour, label="TV" if name == "tv" else name)
    if highest := max(step.losses.total for step in steps):  # a log axis cannot show that all is 0
        axis.set_yscale("log", nonpositive="mask")
        # A content loss that starts from the content is rounding noise, which would flatten everything else.
        axis.set_ylim(bottom=1e-5 * highest)
        axis.legend()
    axis.set(title=title, xlabel="evaluation", ylabel="weighted loss")
    axis.grid(True, which="major", alpha=0.3)
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=120, format="png")
