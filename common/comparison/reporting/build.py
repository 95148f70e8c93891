"""From a session, finished or interrupted, to its report and the pictures that the report names."""

import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime
from itertools import combinations

from common.comparison.measurement import Ratio, common_loss, convergence_of, paired_ratio
from common.comparison.reporting.anonymous import anonymous, anonymous_command
from common.comparison.reporting.pictures import compare_pictures
from common.comparison.reporting.provenance import commit, describe_machine
from common.comparison.reporting.ranking import Difference, Environment, Group, Phases, RowReport
from common.comparison.reporting.report import SCHEMA, Network, PictureFile, Report, WeightsUsed
from common.comparison.session import RowResult, Session
from common.images import Image
from common.recipes import Recipe

Pictures = dict[str, Image]


def report_of(session: Session, complete: bool) -> tuple[Report, Pictures]:
    """What a session has found so far, without a trace of the machine's folders, and the pictures by file name."""
    request, scene, first = session.request, session.scene, session.request.groups[0]
    problem, weights = scene.problem_at(first.precision, first.size), scene.weights
    pictures = {"content": problem.content, "style": problem.style}
    gpus = [result.environment.get("gpu") for result in session.results if result.environment]
    report = Report(
        schema=SCHEMA,
        created=datetime.now(UTC).replace(microsecond=0),
        command=shlex.join(["python", *anonymous_command(sys.argv)]),
        complete=complete,
        machine=describe_machine(next(filter(None, gpus), None)),
        commit=commit(),
        weights=WeightsUsed(weights.name, weights.sha256, weights.licence),
        content=PictureFile(scene.content.name, scene.content.sha256),
        style=PictureFile(scene.style.name, scene.style.sha256),
        recipe=scene.recipe.name,
        network=_network(scene.recipe),
        seed=request.seed,
        device=request.device,
        threads=request.threads,
        rounds=request.rounds,
        others_fraction=session.others_fraction,
        algorithm=session.algorithm,
        groups=tuple(_groups(session, pictures)),
    )
    interpreters = [row.python for row in request.rows if row.python is not None]
    return anonymous(report, [scene.content.path, scene.style.path, scene.weights_source, *interpreters]), pictures


def _network(recipe: Recipe) -> Network:
    return Network(recipe.style_taps, recipe.content_taps, recipe.pooling, recipe.tv_form)


def _groups(session: Session, pictures: Pictures) -> Iterator[Group]:
    files, ceilings = _file_names(session.results), _ceilings(session.results)
    for key in session.request.groups:
        results = [result for result in session.results if result.row.group == key]
        rows = [_row(result, files, ceilings) for result in results]
        ranked = [row for row in rows if row.ranked]
        curves = {row.name: row.convergence for row in ranked if row.convergence is not None}
        loss = common_loss(curves)
        reached = {row.name: row.convergence.reach(loss) for row in rows if row.convergence is not None}
        yield Group(
            precision=key.precision,
            size_px=results[0].size_px,
            evaluations_per_round=session.evaluations_per_round.get(key, 0),
            rows=tuple(replace(row, common=reached.get(row.name)) for row in rows),
            ratios=tuple(_ratios(ranked)),
            common_loss=loss,
            differences=tuple(_differences(results, files, pictures)),
        )


def _ceilings(results: Sequence[RowResult]) -> dict[str, float]:
    """The fastest matrix product in each precision, whichever framework's it is."""
    ceilings: dict[str, float] = {}
    for result in results:
        if result.limit is not None:
            precision = result.row.group.precision
            ceilings[precision] = max(result.limit.product_flops_per_s, ceilings.get(precision, 0.0))
    return ceilings


def _row(result: RowResult, files: Mapping[str, str], ceilings: Mapping[str, float]) -> RowReport:
    row, run, limit = result.row, result.run, result.limit
    return RowReport(
        name=row.name,
        label=row.label,
        backend=row.backend,
        mode=row.mode,
        optimizer=result.optimizer,
        status=result.status,
        why=result.why,
        agreement=result.agreement,
        environment=_environment(result),
        phases=_phases(result),
        evaluation=result.timing,
        limit=limit and replace(limit, ceiling_flops_per_s=ceilings[row.group.precision]),
        memory=result.memory,
        convergence=None if run is None else convergence_of(run, result.phases["first_evaluation_s"]),
        common=None,
        picture=None if run is None else files[row.name],
    )


def _environment(result: RowResult) -> Environment | None:
    """What the worker told, without where its interpreter lies."""
    if result.environment is None:
        return None
    return Environment(**{name: value for name, value in result.environment.items() if name != "executable"})


def _phases(result: RowResult) -> Phases:
    """The backward pass is what the forward pass leaves of an evaluation."""
    timing, forward_s = result.timing, result.phases.get("forward_s")
    backward_s = None if timing is None or forward_s is None else max(0.0, timing.median_s - forward_s)
    measured = {**result.phases, "backward_s": backward_s}
    return Phases(**{phase.name: measured.get(phase.name) for phase in fields(Phases)})


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
        heat_map = f"{files[name].removesuffix('.png')}-and-{files[first]}"
        pictures[heat_map] = compared.heat_map
        yield Difference(name, first, compared.psnr_db, compared.ssim, heat_map)


def _file_names(results: Sequence[RowResult]) -> dict[str, str]:
    """A file name for each row's picture; rows whose names differ in odd letters alone get a number."""
    names: dict[str, str] = {}
    for result in results:
        letters = (letter if letter.isalnum() or letter in ".-_" else "-" for letter in anonymous(result.row.name))
        slug = "".join(letters).strip(".")
        taken = sum(name.startswith(slug) for name in names.values())
        names[result.row.name] = f"{slug}-{taken + 1}.png" if f"{slug}.png" in names.values() else f"{slug}.png"
    return names
