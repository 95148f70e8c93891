"""Runs cases one after another, each in a fresh folder, and keeps what happened, so that a run can go on."""

import json
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from bad_input.case import PICTURES, Case
from bad_input.judge import faults_of, outcome_of
from bad_input.stock import copied


@dataclass(frozen=True)
class Result:
    """One case, and what was not as expected in it, by the kind of fault."""

    kind: str
    sentence: str
    part: str
    commit: str
    code: int | None
    seconds: float
    peak_bytes: int
    said: str  # the beginning of stderr
    faults: dict[str, str]


def run_case(case: Case, work: Path, commit: str = "") -> Result:
    """Make a case's files, run it, judge it, and remove them."""
    folder = work / "case"
    shutil.rmtree(folder, ignore_errors=True)
    here = folder / "here"
    here.mkdir(parents=True)
    for name in PICTURES:
        copied(name, here / name)
    for name, source in case.files.items():
        (here / name).write_bytes(source) if isinstance(source, bytes) else source(here / name)
    outcome = outcome_of(case, folder)
    shutil.rmtree(folder, ignore_errors=True)
    return Result(
        case.kind,
        case.sentence,
        case.part,
        commit,
        outcome.code,
        outcome.seconds,
        outcome.peak_bytes,
        ascii(outcome.said[-300:]),
        faults_of(case, outcome),
    )


def run_cases(cases: Iterable[Case], work: Path, kept: Path, commit: str) -> Iterator[Result]:
    """The result of each case; one that `kept` has of this commit is not run again."""
    known = {(result.kind, result.sentence): result for result in read_results(kept) if result.commit == commit}
    with kept.open("a") as file:
        for case in cases:
            result = known.get((case.kind, case.sentence))
            if result is None:
                result = run_case(case, work, commit)
                file.write(json.dumps(asdict(result)) + "\n")
                file.flush()
            yield result


def read_results(kept: Path) -> list[Result]:
    lines = kept.read_text().splitlines() if kept.exists() else []
    return [Result(**json.loads(line)) for line in lines]
