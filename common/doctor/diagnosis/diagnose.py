"""Why a port differs: hypotheses are tried on the first tensor that does, until nothing is left to explain."""

import time
from dataclasses import dataclass, replace

import numpy as np

from common.doctor.diagnosis.clues import Clue
from common.doctor.diagnosis.dependents import dependents
from common.doctor.diagnosis.findings import NOTHING_FITS, Finding, grouped, healthy
from common.doctor.diagnosis.judge import Judge, Judged, judged_part
from common.doctor.diagnosis.other_training import another_training
from common.doctor.diagnosis.rounding import decisions_followed, decisions_found
from common.doctor.diagnosis.search import Explained, alone, in_pairs
from common.doctor.diagnosis.unexplained import clues
from common.doctor.hypotheses import (
    OTHER_TRAINING,
    TRAPS,
    TURNED_DECISIONS,
    Fault,
    Trap,
    hypotheses,
)
from common.oracle import Case, Run, Variant
from common.problem import Precision
from common.tensors import STAGES, Arrays, TensorName, tensor_names
from common.vgg19 import NAMES

# Seconds that the examination computes: what other processes take of the machine does not shorten it.
_LONGEST_S = 60.0  # after which nothing new is examined
_LEAST_S = 5.0  # for what is examined all the same
_LONGEST_SEARCH_S = 20.0  # of it for pairs of traps
_QUICK = ("file", "resize", "input", "saved")  # stages that are examined all the same
# What the weights change, whatever is given of the features.
_BY_WEIGHTS = {
    *("features", "target/content", "target/style", "gradient/features", "gradient/pixels", "adam/gradient"),
    *("lbfgs/pixels", "lbfgs/losses", "lbfgs/gradients"),
}


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """Every tensor beside the reference, and why some differ; `variant` has all the traps that were found."""

    rows: tuple[Judged, ...]
    findings: tuple[Finding, ...]
    variant: Variant

    @property
    def healthy(self) -> bool:
        """Whether nothing was found but rounding."""
        return healthy(self.findings)

    @property
    def first(self) -> Judged | None:
        """The first tensor that is wrong and does not inherit it."""
        return next((row for row in self.rows if row.verdict == "differs"), None)


def diagnose(
    case: Case,
    given: Arrays,
    precision: Precision = "float32",
    only: str | None = None,
    reference: Run | None = None,
) -> Diagnosis:
    """Judge what a port has handed over, in (H, W, C) and by the names of `tensor_names`, and explain it.

    With `only`, one tensor is judged, and the others are what it was computed from. `reference` is the case's, where
    it has been run already.
    """
    doctor = _Doctor(case, given, precision, reference)
    doctor.names = [name for name in doctor.names if only in (None, name)]
    rows = doctor.judge.judge(doctor.names)
    with np.errstate(over="ignore", invalid="ignore"):  # a trap may overflow, and then it explains nothing
        findings = doctor.explain()
    at_fault = {finding.tensor for finding in findings}
    rows = [replace(row, explained=row.name not in at_fault and doctor.inherits(row.name)) for row in rows]
    return Diagnosis(tuple(rows), grouped(findings), doctor.judge.variant)


class _Doctor:
    def __init__(self, case: Case, given: Arrays, precision: Precision, reference: Run | None) -> None:
        self.names = [name for name in tensor_names(case.problem) if name in given]
        self._case, self._given, self._precision = case, {name: given[name] for name in self.names}, precision
        self.judge = Judge(case, self._given, precision, reference=reference)
        self._hypotheses = hypotheses(case)
        self._left_alone: set[str] = set()
        self._dependents: set[str] = set()
        self._search_s = _LONGEST_SEARCH_S
        self._end_s = time.thread_time() + _LONGEST_S

    def explain(self) -> list[Finding]:
        """Findings in data-flow order, one cause after the other."""
        findings: list[Finding] = []
        while (name := self._first_wrong()) is not None:
            if time.thread_time() > self._end_s and TensorName.parse(name).stage not in _QUICK:
                if not any(clue.kind == "not examined" for finding in findings for clue in finding.clues):
                    findings.append(Finding(None, name, "not examined", (Clue("not examined", {}),)))
                self._left_alone.add(name)
                continue
            if name in {finding.tensor for finding in findings}:
                self._left_alone.add(name)  # a later finding contradicts an earlier one: no second round
                continue
            findings += self._explained(name)
        if followed := decisions_followed(self._given, self.judge, self.names):
            findings.append(_certain(TURNED_DECISIONS, *followed))
        return findings

    def inherits(self, name: str) -> bool:
        """Whether a tensor follows from the traps that were found, or depends on a tensor that nothing explains."""
        return name in self._dependents or not self.judge.is_wrong(name)

    def _first_wrong(self) -> str | None:
        names = (name for name in self.names if name not in self._left_alone)
        return next((name for name in names if self.judge.is_wrong(name)), None)

    def _explained(self, name: str) -> list[Finding]:
        if decisions := decisions_found(self.judge, self._given, name):
            self._left_alone.add(name)
            return [_certain(TURNED_DECISIONS, *decisions)]
        tried = self._in_question(name)
        end_s = max(self._end_s, time.thread_time() + _LEAST_S)
        single = alone(tried, name, self._judge_by, self.judge, self.names, end_s)
        if single is not None and single.confined:
            return self._confine(single)
        if single is not None:
            return self._accept([single])
        if (pair := self._in_pairs(tried, name)) is not None:
            return self._accept(list(pair))
        if training := another_training(self._given, self.judge.own, name):
            self._left_alone |= {tensor for tensor in self.names if TensorName.parse(tensor).kind in _BY_WEIGHTS}
            return [_certain(OTHER_TRAINING, name, *training)]
        self._dependents |= dependents(name, self.names, self.judge)
        self._left_alone |= {name, *self._dependents}
        given = judged_part(name, self._given[name], self.judge.own.expected(name))
        return [Finding(None, name, NOTHING_FITS, clues(name, given, self.judge.own))]

    def _in_question(self, name: str) -> list[Fault]:
        stage, layers = TensorName.parse(name).stage, self._layers_before(name)
        stages = STAGES[: STAGES.index(stage) + 1]
        # A trap before the optimizers would have shown in the gradient; each costs dozens of evaluations here.
        if stage == "optimizer" and "gradient/pixels" in self._given:
            stages = (stage,)
        concerned = (hypothesis for hypothesis in self._hypotheses if hypothesis.stage in stages)
        return [hypothesis for hypothesis in concerned if hypothesis.layer is None or hypothesis.layer in layers]

    def _layers_before(self, name: str) -> set[str]:
        """The layers that a tensor is computed by from what is given before it."""
        parsed = TensorName.parse(name)
        if parsed.kind != "features":
            return set(NAMES)
        index = NAMES.index(parsed.tap)
        given = (at for at in range(index - 1, -1, -1) if f"features/{NAMES[at]}" in self._given)
        return set(NAMES[next(given, -1) + 1 : index + 1])

    def _in_pairs(self, tried: list[Fault], name: str) -> tuple[Explained, Explained] | None:
        start_s = time.thread_time()
        pair = in_pairs(tried, name, self._judge_by, self.judge, self.names, self._search_s)
        self._search_s = max(0.0, self._search_s - (time.thread_time() - start_s))
        return pair

    def _judge_by(self, variant: Variant, hypothesis: Fault | None = None) -> Judge:
        # What a trap of the loss or of an optimizer leaves as it is, need not be computed again.
        late = hypothesis is not None and hypothesis.is_late
        return Judge(self._case, self._given, self._precision, variant, self.judge if late else None)

    def _confine(self, single: Explained) -> list[Finding]:
        """Leave alone what a hypothesis explains, without taking it over: it would spoil the rest."""
        by = self._judge_by(single.variant)
        explained = [name for name in self.names if self.judge.is_wrong(name) and not by.is_wrong(name)]
        self._left_alone |= {single.tensor, *explained}
        where = "this tensor" if len(explained) < 2 else f"{len(explained)} tensors up to {explained[-1]}"
        return [_finding(single, f", in {where} alone: what follows is right")]

    def _accept(self, causes: list[Explained]) -> list[Finding]:
        self.judge = self._judge_by(causes[-1].variant)
        return [_finding(cause) for cause in causes]


def _finding(cause: Explained, where: str = "") -> Finding:
    trap, detail = TRAPS[cause.hypothesis.trap], cause.hypothesis.detail + where
    return Finding(trap, cause.tensor, detail, (cause.evidence,), cause.also_possible)


def _certain(trap: Trap, name: str, detail: str, evidence: Clue) -> Finding:
    return Finding(trap, name, detail, (evidence,))
