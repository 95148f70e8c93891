"""`compare.py check`, `doctor`, `export`: a port's or a backend's tensors beside the reference's; these as a bundle."""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from common import doctor, oracle, samples
from common.backend import BACKENDS, find_entry
from common.cli import check_picture
from common.cli.options import CHANGES
from common.cli.outputs import paths_read, write_findings
from common.cli.requests import recipe_from
from common.comparison.workers import Job, Worker
from common.entry import Entry
from common.errors import RosettaError, did_you_mean, say
from common.images import parse_size
from common.problem import Precision
from common.tensors import Arrays, TensorName, read_tensors, tensor_names
from common.terminal import console
from common.vgg19 import load_weights, locate_weights
from common.writing import PathLike, check_written, claimed

_RANDOM_IMAGES = 2
_MOST_NAMED = 3
Checked = tuple[str, doctor.Diagnosis, Mapping[str, str]]  # with a title, and the layouts that were recognised
_OF_THE_BUNDLE = ("recipe", "content", "style", "size", *CHANGES)


def run(options: argparse.Namespace) -> int:
    """`check`: 0 when nothing differs but by rounding, 1 when something does, 2 when nothing can be compared."""
    with _files_claimed(options):
        return check_picture.run(options) if options.picture is not None else _run(options)


def _run(options: argparse.Namespace) -> int:
    if bool(options.theirs) == bool(options.port):
        raise RosettaError("name a file of tensors, a port by --port package.module:name, or a picture by --picture")
    case = _case_from(options)
    checked = list(_check_port(case, options) if options.port else _check_file(case, options))
    _say_next(case, [diagnosis for _, diagnosis, _ in checked])
    return _written(options, checked)


def run_doctor(options: argparse.Namespace) -> int:
    """`doctor`: 0 when every backend computes every tensor as the reference does, 1 when one does not."""
    entries = {name: find_entry(name) for name in options.backend or BACKENDS}  # says so where there is none
    with _files_claimed(options):
        return _run_doctor(entries, options)


def _run_doctor(entries: Mapping[str, Entry], options: argparse.Namespace) -> int:
    case, weights, precision = _case_from(options), locate_weights(options.weights), options.precision
    replace(case.problem, tile_px=options.tile).check_tiled()
    checked = []
    for name, entry in entries.items():
        diagnosis = doctor.diagnose(case, backend_tensors(name, case, weights, precision, options.tile), precision)
        checked.append(_printed(f"{entry.label}, {precision}: {_title(case)}", diagnosis, {}, options))
    return _written(options, checked)


def run_export(options: argparse.Namespace) -> int:
    """`export`: write the bundle of the case that the options describe, unless the folder holds other files."""
    folder = Path(options.folder)
    doctor.check_bundle_folder(folder)
    check_written(doctor.bundle_files(folder), paths_read(options))
    with claimed(folder=folder):
        doctor.write_bundle(_case_from(options), folder, not options.without_weights, options.with_steps)
    for file in sorted(folder.iterdir()):
        say(f"{file}, {file.stat().st_size / 1e6:.2f} MB", sys.stdout)
    say(f"compare a port by `python compare.py check THEIRS --against {folder}`", sys.stdout)
    return 0


def backend_tensors(
    name: str, case: oracle.Case, weights_source: str, precision: Precision, tile_px: int | None
) -> Arrays:
    """Every tensor that a backend computes on the CPU, in a process of its own."""
    problem = replace(case.problem, precision=precision, device="cpu", tile_px=tile_px)
    with Worker(name) as worker:
        return worker.ask("tensors", Job(problem=problem, weights_source=weights_source, image=case.image)).arrays


def _case_from(options: argparse.Namespace) -> oracle.Case:
    """The case that the options describe: a bundle's, or two pictures at a size."""
    if options.against is not None:
        if given := [name for name in _OF_THE_BUNDLE if getattr(options, name) is not None]:
            raise RosettaError(f"--{given[0].replace('_', '-')} stands in the bundle: leave it out beside --against")
        return doctor.read_bundle(Path(options.against), options.weights)
    size = oracle.SMALL if options.size is None else parse_size(options.size)
    content, style = map(Path, samples.paths(options.content, options.style))
    return oracle.case_from_files(content, style, recipe_from(options), load_weights(options.weights), size)


def _check_file(case: oracle.Case, options: argparse.Namespace) -> Iterator[Checked]:
    path = Path(options.theirs)
    yield _check_tensors(f"{path.name} against the reference", case, read_tensors(path), options)


def _check_port(case: oracle.Case, options: argparse.Namespace) -> Iterator[Checked]:
    """Diagnose a port that is called: on the case, layer by layer, and, where these are right, on random pictures."""
    name, seed = options.port, options.seed
    port = doctor.load_port(name)
    first = doctor.tensors_of(port, case)
    checked = _check_tensors(f"{name} against the reference", case, first, options)
    healthy = checked[1].healthy
    yield checked
    for tensor, given in doctor.layers_of(port, case).items():
        arrays, layouts = doctor.recognise(case, given)
        diagnosis = doctor.diagnose(case, arrays, only=tensor)
        if not diagnosis.healthy:
            healthy = False
            yield _printed(f"{name}, {tensor} given the reference's input", diagnosis, layouts, options)
    if set(first) == {"loss/total"}:
        _say_factors(port, case)
    if not healthy:
        say("Mend this first: the port is called with random pictures once these show nothing.", sys.stdout)
        return
    for number in range(seed, seed + _RANDOM_IMAGES):
        drawn = oracle.random_case(number, case.problem.recipe, case.problem.weights)
        title, given = f"{name}, random pictures by seed {number}", doctor.tensors_of(port, drawn)
        yield _check_tensors(title, drawn, given, options)


def _say_factors(port: doctor.Port, case: oracle.Case) -> None:
    """By what the terms of a port that gives its loss alone are multiplied."""
    cases = doctor.varied_cases(case.problem)
    totals = [doctor.tensors_of(port, varied)["loss/total"] for varied in cases]
    if any(total.size != 1 for total in totals):
        raise RosettaError(f"the loss has the shape {totals[0].shape}: return a number")
    console().print(
        f"\n{doctor.term_factors(cases, [float(total.item()) for total in totals]).sentence}", highlight=False
    )


def _say_next(case: oracle.Case, diagnoses: Sequence[doctor.Diagnosis]) -> None:
    """What to hand over next, by the first examination that found something."""
    diagnosis = next((it for it in diagnoses if not it.healthy), diagnoses[0])
    if (wanted := doctor.next_step(diagnosis, case.problem)) is not None:
        console().print(f"\nNext: hand over {wanted}.", highlight=False)


def _check_tensors(title: str, case: oracle.Case, given: Arrays, options: argparse.Namespace) -> Checked:
    usable = _known(given, tensor_names(case.problem), options.allow_unknown)
    arrays, layouts = doctor.recognise(case, usable)
    title = f"{title}: {_title(case)}, weights {case.problem.weights.name}"
    return _printed(title, doctor.diagnose(case, arrays), layouts, options)


def _known(given: Arrays, names: Sequence[str], allow_unknown: bool) -> Arrays:
    """The tensors of known names; raise RosettaError where there is none, or another that is not allowed."""
    usable = {name: array for name, array in given.items() if name in names}
    unknown = sorted(set(given) - set(names) - {"image"})
    if not usable or (unknown and not allow_unknown):
        if unknown and all(map(_is_of_another_tap, unknown)):
            raise RosettaError(_other_taps(unknown, names, bool(usable)))
        shown = unknown[:_MOST_NAMED]
        listed = "; ".join(f"{name!r}{did_you_mean(name.replace('.', '/'), names)}" for name in shown)
        more = f"; and {len(unknown) - _MOST_NAMED} more" if len(unknown) > _MOST_NAMED else ""
        way_out = "; --allow-unknown leaves them out" if usable else ""
        no_tensor = f"no tensor of the recipe has the name {listed}{more}" if listed else "there is no tensor"
        raise RosettaError(f"{no_tensor} (docs/tensors.md lists the names{way_out})")
    return usable


def _is_of_another_tap(unknown: str) -> bool:
    """Whether a tensor that the recipe does not have would be that of a tap."""
    with suppress(RosettaError):
        name = TensorName.parse(unknown)
        return bool(name.tap) and name.kind != "features"
    return False


def _other_taps(unknown: Sequence[str], names: Sequence[str], usable: bool) -> str:
    """Which taps the recipe has, where tensors of others are handed over."""
    taps = {
        role: [TensorName.parse(name).tap for name in names if name.startswith(f"loss/{role}/")]
        for role in ("content", "style")
    }
    listed = "; ".join(f"its {role} taps are {', '.join(its) or 'none'}" for role, its in taps.items())
    more = f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""
    way_out = "; --allow-unknown leaves out the tensors of other taps" if usable else ""
    return f"the recipe has no tensor {unknown[0]!r}{more}: {listed}{way_out}"


def _title(case: oracle.Case) -> str:
    height, width = case.problem.content.shape[:2]
    return f"{case.problem.recipe.name}, {height}x{width} px"


def _printed(
    title: str, diagnosis: doctor.Diagnosis, layouts: Mapping[str, str], options: argparse.Namespace
) -> Checked:
    doctor.print_diagnosis(console(), title, diagnosis, layouts, options.verbose)
    return title, diagnosis, layouts


@contextmanager
def _files_claimed(options: argparse.Namespace) -> Iterator[None]:
    """Check, before anything is computed, that the diagnoses can be written, and keep other runs from it."""
    written = [name for name in (options.json, options.markdown) if name]
    check_written(written, [*paths_read(options), *_paths_examined(options)])
    with claimed(*written):
        yield


def _paths_examined(options: argparse.Namespace) -> Iterator[PathLike]:
    """The files of the port, of the bundle, or the pictures that are examined."""
    named = vars(options)
    yield from named.get("picture") or ()
    if theirs := named.get("theirs"):
        yield theirs
        with suppress(OSError, ValueError):  # reported where it is read
            yield from Path(theirs).rglob("*.npy")
    if options.against:
        folder = Path(options.against)
        yield from (folder / doctor.MANIFEST, folder / doctor.TENSORS, *doctor.bundle_files(folder))
    if parts := [part for part in (named.get("port") or "").partition(":")[0].split(".") if part]:
        module = Path(*parts)
        yield from (module.with_suffix(".py"), module / "__init__.py")


def _written(options: argparse.Namespace, checked: Sequence[Checked]) -> int:
    """Write what was printed, if asked for; the exit code: 0 when every examination is healthy, else 1."""
    write_findings(
        options,
        lambda: [doctor.to_json(*each) for each in checked],
        lambda: "\n".join(doctor.to_markdown(*each) for each in checked),
    )
    return 0 if all(diagnosis.healthy for _, diagnosis, _ in checked) else 1
