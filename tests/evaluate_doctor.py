"""`python tests/evaluate_doctor.py`: what the port doctor names where traps are planted: one, two, and none."""

import argparse
import json
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from evaluate_doctor_report import Outcome, report
from faulty_ports.gallery import (
    GALLERY,
    Broken,
    Setting,
    Tensors,
    broken_port,
    case_for,
    causes,
    compatible,
    healthy_port,
    precision_for,
    ranking,
    tensors_of,
)

from common import RECIPES, load_weights, samples
from common.backend import BACKENDS
from common.doctor.diagnosis.diagnose import diagnose
from common.doctor.diagnosis.judge import Judge, difference, unit_of
from common.framework_imports import quiet_stderr
from common.oracle.case import Case
from common.problem import Precision
from common.recipes.coefficients import CONVENTIONS
from common.recipes.recipe import Recipe
from common.terminal import ProgressBar
from common.vgg19.layers import NAMES
from common.vgg19.preprocessing import IMAGENET
from common.vgg19.weights import Weights, random_weights
from common.writing import write_text


@dataclass(frozen=True, eq=False)
class Trial:
    """A port to be diagnosed: none, one or two traps planted in a setting."""

    setting: Setting
    where: str
    backend: str
    planted: tuple[Broken, ...]
    precision: Precision


def settings() -> dict[str, Setting]:
    """Recipes, pictures and weights that have little in common."""
    keras, data = load_weights("keras"), samples.CONTENT.path.parent
    torchvisions_kind = replace(random_weights(3), family="imagenet", preprocessing=IMAGENET)
    return {
        "d2l": Setting(RECIPES["d2l"], keras, (samples.CONTENT.path, samples.STYLE.path)),
        "keras-notebook": Setting(RECIPES["keras-notebook"], keras, (data / "coffee.png", data / "rocket.jpg")),
        "gatys, random": Setting(RECIPES["gatys"], random_weights(1), seed=11),
        "pytorch-blog, ImageNet": Setting(RECIPES["pytorch-blog"], torchvisions_kind, seed=12),
    }


def singles(backends: Sequence[str], traps: Sequence[int]) -> Iterator[Trial]:
    """Every way to fall into a trap in every setting where it makes a difference, on the backends in turn."""
    for number, (where, setting) in enumerate(settings().items()):
        case = setting.case()
        for turn, broken in enumerate(GALLERY, start=number):
            if broken.fits(case) and (not traps or broken.trap in traps):
                yield Trial(setting, where, backends[turn % len(backends)], (broken,), precision_for([broken]))


def pairs(count: int, backends: Sequence[str], generator: np.random.Generator) -> Iterator[Trial]:
    """Two traps at once, drawn so that every trap is as likely, not every way to fall into it."""
    available, traps = settings(), sorted({broken.trap for broken in GALLERY})
    names = list(available)
    while count > 0:
        where = names[generator.integers(len(names))]
        case = available[where].case()
        fitting = [[it for it in GALLERY if it.trap == trap and it.fits(case)] for trap in generator.permutation(traps)]
        one, other = (of_trap[generator.integers(len(of_trap))] for of_trap in [it for it in fitting if it][:2])
        if compatible(one, other):
            count -= 1
            backend = backends[generator.integers(len(backends))]
            yield Trial(available[where], where, backend, (one, other), precision_for([one, other]))


def healthy(count: int, backends: Sequence[str], generator: np.random.Generator) -> Iterator[Trial]:
    """Ports as they are, on random pictures, recipes and weights, in turn on each backend and in each precision."""
    combinations: list[tuple[str, Precision]] = [(name, it) for it in ("float32", "float64") for name in backends]
    for index in range(count):
        backend, precision = combinations[index % len(combinations)]
        setting = Setting(random_recipe(generator), _some_weights(generator), seed=int(generator.integers(10**6)))
        yield Trial(setting, setting.recipe.name, backend, (), precision)


def _some_weights(generator: np.random.Generator) -> Weights:
    return load_weights("keras") if generator.random() < 0.5 else random_weights(int(generator.integers(2)))


def random_recipe(generator: np.random.Generator) -> Recipe:
    """A recipe with taps, pooling, convention and total variation drawn at random."""
    base = list(RECIPES.values())[generator.integers(len(RECIPES))]
    convs_and_relus = [name for name in NAMES if not name.startswith("pool") and name[4:] <= "5_2"]
    drawn = generator.choice(convs_and_relus, 5, replace=False)
    return replace(
        base,
        name=f"{base.name} with {', '.join(drawn)}",
        style_taps=tuple(str(tap) for tap in drawn[:4]),
        content_taps=(str(drawn[4]),),
        content_weight=1.0,
        pooling=str(generator.choice(["max", "average"])),
        convention=str(generator.choice(list(CONVENTIONS))),
        tv_form=str(generator.choice(["none", "mean_abs", "sum_abs", "power"])),
    )


def outcome_of(trial: Trial) -> Outcome:
    """Run the port and the doctor; what either raises is an outcome too."""
    planted = tuple(broken.trap for broken in trial.planted)
    names = " and ".join(broken.name for broken in trial.planted) or "nothing"
    outcome = Outcome(planted, names, trial.where, trial.backend, trial.precision)
    start_s = time.perf_counter()
    try:
        with tempfile.TemporaryDirectory() as folder:
            case = case_for(trial.setting, trial.planted, Path(folder))
            tensors = tensors_of(broken_port(trial.backend, case, trial.planted, trial.precision))
            ran_s = time.perf_counter()
            diagnosis = diagnose(case, tensors, trial.precision)
            if planted and not causes(diagnosis) and same_numbers(trial, case, tensors):
                return replace(outcome, without_effect=True)
    except Exception as error:  # whatever goes wrong is to be seen in the table
        return replace(outcome, words=f"{type(error).__name__}: {error}", failed=True)
    found = causes(diagnosis)
    return replace(
        outcome,
        ranking=ranking(found[0]) if found else (),
        named=tuple(ranking(finding) for finding in found),
        tensor=diagnosis.first.name if diagnosis.first else "",
        words="; ".join(f"{it.tensor}: {it.detail}" for it in found),
        port_s=ran_s - start_s,
        doctor_s=time.perf_counter() - ran_s,
    )


def same_numbers(trial: Trial, case: Case, tensors: Tensors) -> bool:
    """Whether a port with a trap gives the numbers of the same port without it, but for rounding."""
    healthy = tensors_of(healthy_port(trial.backend, case, trial.precision))
    judge = Judge.of(case, healthy, trial.precision)
    return all(
        difference(tensors[name], healthy[name], unit_of(name, judge.own)).relative <= judge.tolerance(name)
        for name in healthy
    )


@dataclass(frozen=True)
class Drawing:
    """What the trials are drawn from; every process draws the same."""

    pairs: int
    healthy: int
    seed: int
    backends: tuple[str, ...]
    traps: tuple[int, ...]

    def trials(self) -> list[Trial]:
        """Singles, pairs and healthy ports, in that order."""
        generator = np.random.default_rng(self.seed)
        return [
            *singles(self.backends, self.traps),
            *pairs(self.pairs, self.backends, generator),
            *healthy(self.healthy, self.backends, generator),
        ]


_trials = cache(Drawing.trials)


def outcome_at(drawing: Drawing, index: int) -> tuple[int, Outcome]:
    """The outcome of one trial by its place, for a process that has not drawn the trials."""
    with quiet_stderr(logger for entry in BACKENDS.values() for logger in entry.loggers):
        return index, outcome_of(_trials(drawing)[index])


def outcomes_of(drawing: Drawing, jobs: int, kept: Path) -> list[Outcome]:
    """All outcomes in order; each is added to the file `kept` at once, and what the file has is not computed again."""
    if not kept.exists():
        kept.write_text(json.dumps(asdict(drawing)) + "\n")
    done = dict(_read(kept, drawing))
    count = len(_trials(drawing))
    left = [index for index in range(count) if index not in done]
    pool = ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn"))
    with kept.open("a") as file, ProgressBar(len(left), "ports", "port") as bar, pool:
        for future in as_completed([pool.submit(outcome_at, drawing, index) for index in left]):
            index, outcome = future.result()
            done[index] = outcome
            file.write(json.dumps([index, asdict(outcome)]) + "\n")
            file.flush()
            bar.advance()
    return [done[index] for index in range(count)]


def _read(kept: Path, drawing: Drawing) -> Iterator[tuple[int, Outcome]]:
    first, *lines = kept.read_text().splitlines()
    if first != json.dumps(asdict(drawing)):
        sys.exit(f"{kept} has the outcomes of other options: {first}")
    for line in lines:
        if not line.endswith("]"):  # a run was ended while it wrote
            continue
        index, fields = json.loads(line)
        tuples = {"planted": tuple(fields["planted"]), "ranking": tuple(fields["ranking"])}
        yield index, Outcome(**fields | tuples | {"named": tuple(map(tuple, fields["named"]))})


def main(arguments: Sequence[str] | None = None) -> int:
    """Plant, diagnose, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=0, metavar="N", help="random pairs of traps")
    parser.add_argument("--healthy", type=int, default=0, metavar="N", help="ports without a trap")
    parser.add_argument("--seed", type=int, default=0, help="what pairs and healthy runs are drawn by")
    parser.add_argument("--backends", default=",".join(BACKENDS), help="by name, with commas")
    parser.add_argument("--traps", default="", help="these traps alone, by number, with commas; 0 for none")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes at a time")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="keep outcomes there, and go on from those it has")
    parser.add_argument("--out", default="docs/doctor-evaluation.md", help="the Markdown file")
    options = parser.parse_args(arguments)
    traps = tuple(int(number) for number in options.traps.split(",") if number)
    drawing = Drawing(options.pairs, options.healthy, options.seed, tuple(options.backends.split(",")), traps)
    with tempfile.TemporaryDirectory() as folder:
        outcomes = outcomes_of(drawing, options.jobs, options.keep or Path(folder) / "outcomes.jsonl")
    write_text(options.out, report(outcomes, options.seed))
    print(f"written to {options.out}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
