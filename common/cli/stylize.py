"""`python -m torch_impl` and `python -m keras_impl`: a content and a style picture in, a restyled one out."""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from common import samples
from common.backend import BACKENDS, Backend, load_backend
from common.checkpoints import Checkpoints, step_as_json_line
from common.cli.checkpointing import checkpoints_for, ended_early
from common.cli.interrupts import calling, ignored, say_that_it_stops
from common.cli.options import AUTO, MIXED, TRANSFER, OneLineParser, add_options
from common.cli.outputs import KeptPictures, choose_output, loss_curves_of, losses_of
from common.cli.provenance import Files, files_read, provenance, stages_in_words
from common.cli.requests import note_noise, note_stretch, optimizer_from, recipe_from, start_from
from common.entry import Entry
from common.errors import DivergedError, RosettaError, StoppedError, exit_code, say
from common.framework_imports import quiet_stderr
from common.images import Image, load_image, save_or_keep
from common.machine import has_nvidia_gpu, use_memory_sparingly
from common.memory import Transfer, check_memory, tile_that_fits
from common.problem import Precision, Problem
from common.recipes import FOR_PICTURES, with_mixed, with_proportions
from common.results import RunResult, Step
from common.vgg19 import load_weights
from common.writing import claimed, replacing, write_text

_COLOURS = {"style": "tab:red", "content": "tab:blue", "tv": "tab:green", "total": "black"}


def main(backend: str, argv: Sequence[str] | None = None, program: str | None = None) -> int:
    """Run one transfer from the command line; returns the exit code: 0, or 2 for what cannot be done."""
    entry = BACKENDS[backend]
    program = program or f"python -m {entry.package}"
    return exit_code(program, lambda: _run(entry, program, parser_for(entry, program).parse_args(argv)))


def parser_for(
    entry: Entry, program: str, kind: type[argparse.ArgumentParser] = OneLineParser
) -> argparse.ArgumentParser:
    """The options of a backend's command line."""
    description = f"VGG-19 style transfer in {entry.label}. For pictures start with --recipe {FOR_PICTURES}."
    parser = kind(prog=program, description=description)
    for name, what in (("content", "content is kept"), ("style", "style is taken")):
        parser.add_argument(name, nargs="?", help=f"picture whose {what} (default: a sample)")
    formats = "picture to write: .png, .jpg, .webp, ... (default: CONTENT-STYLE-RECIPE-BACKEND.png)"
    parser.add_argument("-o", "--output", metavar="OUT", help=formats)
    add_options(parser, TRANSFER)
    modes = f"execution mode (default: {entry.transfer_mode or entry.modes[0]} on a CPU, else {entry.modes[0]})"
    parser.add_argument("--mode", choices=entry.modes, help=modes)
    return parser


def _run(entry: Entry, program: str, options: argparse.Namespace) -> int:
    problem, init, files, output = _problem_from(entry, options)
    with claimed(output):
        checkpoints = checkpoints_for(output, options, entry, problem, files)
        try:
            problem, result = _transferred(entry, options, problem, init, KeptPictures(output), checkpoints)
        except (StoppedError, DivergedError) as end:
            return ended_early(program, end, checkpoints, output)
        with ignored():
            save_or_keep(output, result.image, provenance(entry, options, problem, result, files))
            checkpoints.remove()
        _report(output, entry, options, problem, result)
    return 0


def _report(output: str, entry: Entry, options: argparse.Namespace, problem: Problem, result: RunResult) -> None:
    if options.plot:
        path = loss_curves_of(output)
        _save_loss_curves(path, result.steps, f"{entry.label}, {problem.recipe.name}")
        write_text(losses_of(output), "".join(map(step_as_json_line, result.steps)))
        say(f"loss curves -> {path}", sys.stdout)
    if options.fast or options.precision == MIXED or len(problem.recipe.stages) > 1:
        say(stages_in_words(problem, result), sys.stdout)
    say(f"{_terms(result, '.6g')} after {len(result.steps)} evaluations -> {output}", sys.stdout)


def _transferred(
    entry: Entry,
    options: argparse.Namespace,
    problem: Problem,
    init: Image | None,
    kept: KeptPictures,
    checkpoints: Checkpoints,
) -> tuple[Problem, RunResult]:
    """The problem as it was solved, and the finished run; a bar shows how far the run is."""
    from common.terminal import ProgressBar  # here, since --help would wait for its library

    with ProgressBar(problem.recipe.steps, f"importing {entry.label}", "eval") as bar:

        def on_step(step: Step, picture: Callable[[], Image]) -> None:
            bar.advance(note=_terms(step, ".4g"))
            if options.save_every and step.evaluation % options.save_every == 0:
                kept.save(step.evaluation, picture())

        def stop(number: int) -> None:
            checkpoints.stop(number)
            say_that_it_stops(number)

        use_memory_sparingly()
        with quiet_stderr(entry.loggers):
            backend = load_backend(entry.name)
        problem = _on_device(problem, backend, entry, options)
        bar.describe(f"{entry.label} {problem.recipe.name} on {problem.device}")
        bar.advance(len(checkpoints.state.steps) if checkpoints.state else 0)
        with calling(stop):
            return problem, backend.stylize(problem, init, options.seed, on_step, checkpoints)


def _problem_from(entry: Entry, options: argparse.Namespace) -> tuple[Problem, Image | None, Files, str]:
    """The problem on the CPU, the picture to start from, what was read, and what is to be written."""
    samples.check_pair(options.content, options.style)
    recipe = entry.with_optimizer(recipe_from(options), optimizer_from(options))
    precision: Precision = "float32" if options.precision == MIXED else options.precision
    if options.precision == MIXED:
        recipe = with_mixed(recipe)
    pictures, start = samples.paths(options.content, options.style), start_from(options)
    content, style = map(load_image, pictures)
    if options.size is None:
        recipe = with_proportions(recipe, *content.shape[:2])
    init = None if start is None else load_image(start)
    files = files_read(content=pictures[0], style=pictures[1], init=start)
    output = choose_output(entry, recipe, options, files)
    problem = Problem(content, style, recipe, load_weights(options.weights), precision)
    problem.try_stages()
    problem = _in_tiles(problem, entry, options, _seems_to_run_on_cpu(options))
    note_noise(recipe, options)
    note_stretch(problem)
    return problem, init, files, output


def _in_tiles(problem: Problem, entry: Entry, options: argparse.Namespace, on_cpu: bool) -> Problem:
    """The problem in the tiles that are asked for, or that its memory wants on a CPU; refused where nothing fits."""
    mode = options.mode or (entry.transfer_mode if on_cpu else None)
    tile_px = None if options.tile == AUTO else options.tile
    if tile_px is not None:
        entry.checked_tiled_mode(mode)
    transfer = Transfer.of(entry, replace(problem, mode=mode, tile_px=tile_px))
    if on_cpu and options.tile == AUTO and entry.checked_mode(mode) in entry.tiled:
        transfer = replace(transfer, tile_px=tile_that_fits(transfer))
    if on_cpu:
        check_memory([[transfer]])
    return replace(problem, tile_px=transfer.tile_px)


def _seems_to_run_on_cpu(options: argparse.Namespace) -> bool:
    return options.device == "cpu" or (options.device == "auto" and not has_nvidia_gpu())


def _on_device(problem: Problem, backend: Backend, entry: Entry, options: argparse.Namespace) -> Problem:
    """The problem on the device that is named, or on the best that has its precision, and in a mode for that device."""
    device = options.device
    if device == "auto":
        device = backend.best_device()
        try:
            backend.check_precisions(replace(problem, device=device))
        except RosettaError:
            device = "cpu"
    if device == "cpu" and not _seems_to_run_on_cpu(options):
        problem = _in_tiles(problem, entry, options, on_cpu=True)
    mode = options.mode or (entry.transfer_mode if device == "cpu" else None)
    problem = replace(problem, device=device, mode=mode)
    backend.check_precisions(problem)
    return problem


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
