"""From a session, finished or interrupted, to its report and the pictures that the report names."""

import platform
import shlex
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime
from itertools import combinations, permutations
from pathlib import Path

import psutil

from common.backend import BACKENDS
from common.comparison.measurement import Ratio, common_loss, convergence_of, paired_ratio
from common.comparison.reporting.anonymous import anonymous, anonymous_command
from common.comparison.reporting.pictures import compare_pictures
from common.comparison.reporting.report import SCHEMA, Machine, Network, PictureFile, Report, WeightsUsed
from common.comparison.reporting.rows import Difference, Environment, Group, Phases, RowReport
from common.comparison.request import Group as Asked
from common.comparison.request import Request
from common.comparison.row_runner import RowResult
from common.comparison.session import Session
from common.images import Image
from common.machine import cpu_model, usable_cores

Pictures = dict[str, Image]
_ROOT = Path(__file__).resolve().parents[3]


def report_of(session: Session, complete: bool, groups: Sequence[Asked] | None = None) -> tuple[Report, Pictures]:
    """What a session has found so far, without a trace of the machine's folders, and the pictures by file name.

    With `groups`, the report has the rows of these alone.
    """
    request, scene, first = session.request, session.scene, session.request.groups[0]
    recipe, problem, weights = request.recipe, scene.problem_at(first.precision, first.size), scene.weights
    pictures = {"content": problem.content, "style": problem.style}
    gpus = [result.environment.get("gpu") for result in session.results]
    memory_bytes, gpu = psutil.virtual_memory().total, next(filter(None, gpus), None)
    report = Report(
        schema=SCHEMA,
        created=datetime.now(UTC).replace(microsecond=0),
        command=_command(sys.argv),
        complete=complete,
        machine=Machine(cpu_model(), usable_cores(), memory_bytes, platform.platform(), gpu),
        commit=_commit(),
        weights=WeightsUsed(weights.name, weights.sha256, weights.licence),
        content=PictureFile(scene.content.path.name, scene.content.sha256),
        style=PictureFile(scene.style.path.name, scene.style.sha256),
        recipe=recipe.name,
        network=Network(recipe.style_taps, recipe.content_taps, recipe.pooling, recipe.tv_form),
        seed=request.seed,
        device=request.device,
        threads=request.threads,
        rounds=request.rounds,
        others_fraction=session.others_fraction,
        algorithm=session.algorithm,
        groups=tuple(_groups(session, request.groups if groups is None else groups, pictures)),
    )
    interpreters = [row.python for row in request.rows if row.python is not None]
    return anonymous(report, [scene.content.path, scene.style.path, scene.weights_source, *interpreters]), pictures


def _command(arguments: Sequence[str]) -> str:
    program = ["python"] if arguments[0].endswith(".py") else []  # the console script is one itself
    return shlex.join([*program, *anonymous_command(arguments)])


def _commit() -> str | None:
    """The commit of this repository, with `+changes` if files differ from it; None where it is no checkout."""

    def git(*arguments: str) -> str:
        return subprocess.run(["git", "-C", _ROOT, *arguments], capture_output=True, text=True, check=True).stdout

    try:
        head, changed = git("rev-parse", "--short=12", "HEAD").strip(), git("status", "--porcelain", "-uno")
    except (OSError, subprocess.CalledProcessError):
        return None
    return f"{head}+changes" if changed.strip() else head


def _groups(session: Session, asked: Sequence[Asked], pictures: Pictures) -> Iterator[Group]:
    files, labels = _file_names(result.row.name for result in session.results), _labels(session.results)
    for key in asked:
        results = [result for result in session.results if result.row.group == key]
        # The fastest matrix product of the precision, whichever framework's it is.
        limits = [it.limit for it in session.results if it.limit and it.row.group.precision == key.precision]
        ceiling = max((limit.product_flops_per_s for limit in limits), default=0.0)
        rows = [_row(result, labels[result.row.name], files[result.row.name], ceiling) for result in results]
        ranked = [row for row in rows if row.ranked]
        loss = common_loss({row.name: row.convergence for row in ranked if row.convergence is not None})
        yield Group(
            precision=key.precision,
            size_px=results[0].size_px,
            evaluations_per_round=session.evaluations_per_round.get(key, 0),
            rows=tuple(replace(row, common=row.convergence.reach(loss) if row.convergence else None) for row in rows),
            ratios=tuple(_ratios(ranked)),
            common_loss=loss,
            differences=tuple(_differences(results, files, pictures)),
        )


def _labels(results: Sequence[RowResult]) -> dict[str, str]:
    """What to call each row, by name; with its framework's versions where its backend's rows have other ones too.

    What is installed here counts as one of them: all rows of a backend may have an interpreter of another environment.
    """
    versions = {result.row.name: _versions(result) for result in results}
    labels = {}
    for name, row in ((result.row.name, result.row) for result in results):
        others = {versions[it.row.name] for it in results if it.row.backend == row.backend}
        others.add(", ".join(f"{it} {version}" for it, version in BACKENDS[row.backend].versions().items()))
        several = len(others - {""}) > 1 and versions[name]
        labels[name] = f"{row.label}, {versions[name]}" if several else row.label
    return labels


def _versions(result: RowResult) -> str:
    """The versions of the framework in a row's process, in words; empty where it has not told them."""
    versions = result.environment.get("versions", {})
    return ", ".join(f"{it} {versions[it]}" for it in BACKENDS[result.row.backend].distributions if it in versions)


def _row(result: RowResult, label: str, file: str, ceiling_flops_per_s: float) -> RowReport:
    row, run, timing = result.row, result.run, result.timing
    forward_s = result.phases.get("forward_s")
    # The backward pass is what the forward pass leaves of an evaluation.
    backward_s = None if timing is None or forward_s is None else max(0.0, timing.median_s - forward_s)
    measured = {**result.phases, "backward_s": backward_s}
    return RowReport(
        name=row.name,
        label=label,
        backend=row.backend,
        mode=row.mode,
        optimizer=result.optimizer,
        status=result.status,
        why=result.why,
        agreement=result.agreement,
        environment=Environment(**result.environment) if result.environment else None,
        phases=Phases(**{phase.name: measured.get(phase.name) for phase in fields(Phases)}),
        evaluation=timing,
        limit=result.limit and replace(result.limit, ceiling_flops_per_s=ceiling_flops_per_s),
        memory=result.memory,
        convergence=None if run is None else convergence_of(run, result.phases["first_evaluation_s"]),
        common=None,
        picture=None if run is None else file,
    )


def _ratios(ranked: Sequence[RowReport]) -> Iterator[Ratio]:
    """Of every two rows, the slower one first."""
    timed = [(row.name, row.evaluation) for row in ranked if row.evaluation is not None]
    by_speed = sorted(timed, key=lambda entry: entry[1].median_s)
    for (fast, fast_timing), (slow, slow_timing) in combinations(by_speed, 2):
        ratio = paired_ratio(slow, slow_timing.rounds_s, fast, fast_timing.rounds_s)
        if ratio is not None:
            yield ratio


def _differences(results: Sequence[RowResult], files: Mapping[str, str], pictures: Pictures) -> Iterator[Difference]:
    """Every row's picture against that of the first row that has one; the pictures and heat maps join `pictures`."""
    images = {result.row.name: result.run.image for result in results if result.run is not None}
    pictures |= {files[name]: image for name, image in images.items()}
    first = next(iter(images), "")
    for name in list(images)[1:]:
        compared = compare_pictures(images[name], images[first])
        heat_map = _heat_map_file(files[name], files[first])
        pictures[heat_map] = compared.heat_map
        yield Difference(name, first, compared.psnr_db, compared.ssim, heat_map)


def picture_files(request: Request) -> list[str]:
    """The names of the pictures and heat maps that a report of a request may have."""
    files = _file_names(row.name for row in request.rows)
    groups = [[files[row.name] for row in request.rows if row.group == group] for group in request.groups]
    return [*files.values(), *(_heat_map_file(*pair) for group in groups for pair in permutations(group, 2))]


def _heat_map_file(file: str, first: str) -> str:
    return f"{file.removesuffix('.png')}-and-{first}"


def _file_names(rows: Iterable[str]) -> dict[str, str]:
    """A file name for each row's picture; rows whose names differ in odd letters alone get a number."""
    names: dict[str, str] = {}
    for row in rows:
        letters = (letter if letter.isalnum() or letter in ".-_" else "-" for letter in anonymous(row))
        slug = "".join(letters).strip(".")
        taken = sum(name.startswith(slug) for name in names.values())
        names[row] = f"{slug}-{taken + 1}.png" if f"{slug}.png" in names.values() else f"{slug}.png"
    return names
