"""Why a port differs: faults are tried on the first tensor that does, until nothing is left to explain."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
from threadpoolctl import threadpool_limits

from common.doctor.diagnosis.causes import Causes
from common.doctor.diagnosis.findings import NOTHING_FITS, Claim, Clue, Diagnosis, Finding, grouped
from common.doctor.diagnosis.judge import Judge, judged_part
from common.doctor.diagnosis.recognisers import damaged, recognised, scales_of
from common.doctor.diagnosis.rounding import decisions_followed, decisions_found
from common.doctor.diagnosis.search import Explained
from common.doctor.diagnosis.unexplained import another_training, facts
from common.doctor.hypotheses import Fault, hypotheses
from common.oracle import Case, Run
from common.problem import Precision
from common.tensors import Arrays, TensorName, inputs_of, tensor_names

_QUICK = ("file", "resize", "input", "saved")  # stages that are examined all the same
_OF_ALL_STEPS = ("Adam", "Adam's betas", "optimizer", "weight decay", "rates", "steps early")
_OF_THE_FILE = ("exchanged", "turned", "memory order", "decimals", "levels")  # what no layer makes of a map
_OF_THE_HANDING = (*_OF_THE_FILE, "map of a picture", "after its ReLU", "quantised")
_ROUNDED = ("all of a format", "stored in", "decimals", "levels", "quantised")  # when they were handed over
_ANSWERS = {"lbfgs/pixels": ("lbfgs/losses", "lbfgs/gradients"), "adam/pixels": ("adam/gradient",)}
_OF_ROUNDED_POINTS = 0.1  # what answers at points that were rounded later are off by
_SUMS = ("sum of other terms", "sum with a factor")
_OF_MAPS = ("gram", "loss/content")  # what is computed of maps
_OF_NUMBERS = ("scaled", "by channel", "clipped", "rates")  # of which each tensor may have others
# By a factor, a tensor shows that what is before it is right.
_FACTORS = ("known factor", "plain factor", "weight")
_SEVERAL = 2  # claims with other numbers, after which a kind of tensor is not searched any more
_CLOSER = 1e-3  # how much less a claim leaves than a trap that is not believed beside it
# What the weights change, whatever is given of the features.
_BY_WEIGHTS = {
    *("features", "target/content", "target/style", "gradient/features", "gradient/pixels", "adam/gradient"),
    *("lbfgs/pixels", "lbfgs/losses", "lbfgs/gradients"),
}


def diagnose(
    case: Case, given: Arrays, precision: Precision = "float32", only: str | None = None, reference: Run | None = None
) -> Diagnosis:
    """Judge what a port has handed over, in (H, W, C) and by the names of `tensor_names`, and explain it.

    With `only`, one tensor is judged, and the others are what it was computed from. `reference` is the case's, where
    it has been run already.
    """
    given = {name: given[name] for name in tensor_names(case.problem) if name in given}
    judge = Judge.of(case, given, precision, reference)
    names = [name for name in given if only in (None, name)]
    doctor = _Doctor(judge, names)
    # A trap may overflow, and then it explains nothing.
    with threadpool_limits(case.threads), np.errstate(over="ignore", invalid="ignore"):
        findings = doctor.explain()
        at_fault = {finding.tensor for finding in findings}
        rows = tuple(judge.judged(name, name not in at_fault and doctor.inherits(name)) for name in names)
    return Diagnosis(rows, grouped(findings), doctor.judge.variant)


def dependents(name: str, judge: Judge) -> set[str]:
    """The tensors that have no reference because an unexplained one depends on the same operation."""
    unexplained, own = TensorName.parse(name), judge.own
    dependent = {other for other in judge.given if other != name and TensorName.parse(other).depends_on(unexplained)}
    # What is not handed over, or cannot be used, stands in no other tensor's place.
    for other in judge.given:
        lacking = {it for it in inputs_of(other, own.case.problem) if it not in own.given}
        by_targets = unexplained.is_forward and any(it.startswith("target/") for it in lacking)
        if name in lacking or by_targets or (other == "loss/total" and lacking & dependent):
            dependent.add(other)
    # Beside a right gradient, a wrong total is reported wrongly and used nowhere but in the losses of L-BFGS.
    gradient = "gradient/pixels"
    only_reported = name == "loss/total" and gradient in judge.given and not judge.is_wrong(gradient)
    return dependent & {"lbfgs/losses"} if only_reported else dependent


def _is_closer(clue: Clue | None, left: float) -> bool:
    """Whether a claim about a sum fits by orders of magnitude better than a trap does."""
    of_clue = clue.values["left"] if clue is not None and clue.kind == "sum of other terms" else None
    return isinstance(of_clue, float) and of_clue < _CLOSER * left


class _Doctor:
    def __init__(self, judge: Judge, names: list[str]) -> None:
        self.judge, self._names = judge, names
        self._causes = Causes(names, hypotheses(judge.own.case))
        self._left_alone: set[str] = set()
        self._dependents: set[str] = set()
        self._claimed: set[tuple[str, Claim]] = set()  # by kind of tensor; what is claimed again needs no search
        self._numbers: list[tuple[str, str]] = []  # kinds of tensors and of claims, each with another number
        self._is_replaced = False  # whether something else was handed over for a feature map
        self._shorter_format: str | None = None  # in which tensors were stored

    def explain(self) -> list[Finding]:
        """Findings in data-flow order, one cause after the other."""
        findings: list[Finding] = []
        while (name := self._first_wrong()) is not None:
            if self._causes.is_late and TensorName.parse(name).stage not in _QUICK:
                if not any(finding.detail == "not examined" for finding in findings):
                    findings.append(Finding(None, name, "not examined", (Clue("not examined", {}),)))
                self._left_alone.add(name)
            elif name in {finding.tensor for finding in findings}:
                self._left_alone.add(name)  # a later finding contradicts an earlier one: no second round
            else:
                findings += self._explained(name)
        followed = decisions_followed(self.judge, self._names)
        return findings if followed is None else [*findings, followed]

    def inherits(self, name: str) -> bool:
        """Whether a tensor follows from the traps that were found, or depends on a tensor that nothing explains."""
        return name in self._dependents or not self.judge.is_wrong(name)

    def _first_wrong(self) -> str | None:
        names = (name for name in self._names if name not in self._left_alone)
        return next((name for name in names if self.judge.is_wrong(name)), None)

    def _explained(self, name: str) -> list[Finding]:
        self._judge_by_the_pictures(name)
        if damage := damaged(name, self.judge.given[name], self.judge, self._shorter_format):
            self._shorter_format = str(damage.values.get("format", "")) or self._shorter_format
            return [self._recognised(name, damage)]
        if decisions := decisions_found(self.judge, name):
            self._left_alone.add(name)
            return [decisions]
        expected = self.judge.own.expected(name)
        given = judged_part(name, self.judge.given[name], expected)
        clue = recognised(name, given, self.judge)
        kind = TensorName.parse(name).kind
        of_the_file = clue is not None and clue.kind in _OF_THE_FILE and kind == "features"
        if clue is not None and (of_the_file or (kind, clue.claim) in self._claimed or self._is_repeated(kind, clue)):
            return [self._recognised(name, clue)]
        if (causes := self._causes_of(name, clue)) and not _is_closer(clue, causes[-1].judge.from_own(name).relative):
            by = self._by_own_sizes(causes[-1].judge)
            if causes[0].confined and (by is causes[0].judge or self._spoils(by)):
                return self._confine(causes[0], name)
            self.judge = by
            return [cause.finding for cause in causes]
        if clue is not None:
            return [self._recognised(name, clue)]
        if training := another_training(name, given, self.judge.own):
            self._left_alone |= {tensor for tensor in self._names if TensorName.parse(tensor).kind in _BY_WEIGHTS}
            return [training]
        self._causes.in_vain.add(kind)
        self._dependents |= dependents(name, self.judge)
        self._left_alone |= {name, *self._dependents}
        return [Finding(None, name, NOTHING_FITS, (*facts(given, expected), *self._of_its_inputs(name)))]

    def _by_own_sizes(self, judge: Judge) -> Judge:
        """The same, or with factors of the sizes that the port's maps have, where that makes more terms right."""
        variant = judge.variant
        others = variant.taps or variant.substitutes or variant.ceil_pooling or variant.own_style_size
        if not others or variant.own_sizes:
            return judge
        by = judge.but(Fault("loss", "", {"own_sizes": True}))
        concerned = [name for name in self._names if TensorName.parse(name).kind.startswith(("target/", "loss/"))]
        wrong = sum(map(judge.is_wrong, concerned))
        return by if by is not None and wrong and sum(map(by.is_wrong, concerned)) < wrong else judge

    def _spoils(self, by: Judge) -> bool:
        """Whether a tensor before the optimizers is wrong by a judge that is right so far."""
        names = (name for name in self._names if TensorName.parse(name).stage != "optimizer")
        return any(by.is_wrong(name) and not self.judge.is_wrong(name) for name in names)

    def _of_its_inputs(self, name: str) -> Iterator[Clue]:
        """Which tensors it is computed from, where all of these are handed over and right."""
        inputs, judge = inputs_of(name, self.judge.own.case.problem), self.judge
        handed = all(it in judge.given for it in inputs)
        if TensorName.parse(name).stage == "optimizer" or not (inputs and handed):
            return
        if all(judge.from_the_right(it).relative <= judge.tolerance(it) for it in inputs):
            yield Clue("computed from", {"inputs": inputs})

    def _judge_by_the_pictures(self, name: str) -> None:
        """Set aside feature maps that something else was handed over for, if the port goes on from what is right."""
        if name.startswith("features/") or not self._is_replaced:
            return
        judge, self._is_replaced = self.judge, False
        later = (it for it in self._names if TensorName.parse(it).kind in _OF_MAPS)
        right = [(judge.from_reference(it).relative, judge.from_own(it).relative, judge.tolerance(it)) for it in later]
        by_pictures = sum(reference <= bound < own for reference, own, bound in right)
        if by_pictures > sum(own <= bound < reference for reference, own, bound in right):
            maps = {it for it in self._names if it.startswith("features/")}
            self.judge = judge.without(maps)
            self._dependents |= maps
            self._left_alone |= maps

    def _is_repeated(self, kind: str, clue: Clue) -> bool:
        """Whether as much was claimed of several tensors of a kind in vain: with another number each."""
        return self._numbers.count((kind, clue.kind)) >= _SEVERAL

    def _recognised(self, name: str, clue: Clue) -> Finding:
        """What a claim in closed form says; the steps of one rule are one finding."""
        kind = TensorName.parse(name).kind
        if clue.kind in _OF_NUMBERS:
            self._numbers.append((kind, clue.kind))
        else:
            self._claimed.add((kind, clue.claim))
        if clue.kind in _FACTORS:
            self._causes.multiplied.add(name)
        if kind == "features" and clue.kind in _OF_THE_HANDING:
            self._is_replaced = True
        if kind in _ANSWERS and clue.kind in _ROUNDED:  # at the points before they were rounded
            answers = [it for it in self._names if TensorName.parse(it).kind in _ANSWERS[kind]]
            self._dependents |= {it for it in answers if self.judge.from_own(it).relative < _OF_ROUNDED_POINTS}
        if clue.kind in _OF_ALL_STEPS:
            kinds = (kind, "adam/gradient") if clue.kind == "steps early" else (kind,)
            self._dependents |= {it for it in self._names if TensorName.parse(it).kind in kinds} - {name}
        depending = dependents(name, self.judge)
        if clue.kind in _SUMS:
            depending = {it for it in depending if TensorName.parse(it).stage != "gradient"}
            depending |= self._follow_from(scales_of(clue))
        self._dependents |= depending
        self._left_alone |= {name, *self._dependents}
        return Finding(None, name, clue.sentence, (clue,))

    def _follow_from(self, scales: Mapping[str, float]) -> set[str]:
        """The gradients that are those of the sum that the total is."""
        by = self.judge.but(Fault("loss", "", {"term_scale": scales}))
        wrong = [it for it in self._names if TensorName.parse(it).stage == "gradient" and self.judge.is_wrong(it)]
        return set() if by is None else {it for it in wrong if not by.is_wrong(it)}

    def _causes_of(self, name: str, clue: Clue | None) -> list[Explained]:
        """What explains a tensor; where its gradient is not known, nothing is said of the gradients."""
        causes = self._causes.of(name, clue, self.judge, [it for it in self._names if it not in self._left_alone])
        if causes and not causes[-1].judge.variant.has_gradient:
            backward = [it for it in self._names if TensorName.parse(it).stage in ("gradient", "optimizer")]
            # Adam's points are judged by the gradients that are handed over.
            self._dependents |= {it for it in backward if not self._is_a_step_of_given_gradients(it)}
            self._left_alone |= self._dependents
        return causes

    def _is_a_step_of_given_gradients(self, name: str) -> bool:
        gradients = [it for it in inputs_of(name, self.judge.own.case.problem) if it.endswith("gradient")]
        return TensorName.parse(name).kind == "adam/pixels" and all(it in self.judge.given for it in gradients)

    def _confine(self, single: Explained, name: str) -> list[Finding]:
        """Leave alone what a fault explains, without taking it over: it would spoil the rest."""
        by = single.judge
        explained = [tensor for tensor in self._names if self.judge.is_wrong(tensor) and not by.is_wrong(tensor)]
        self._left_alone |= {name, *explained}
        where = "this tensor" if len(explained) < 2 else f"{len(explained)} tensors up to {explained[-1]}"
        detail = f"{single.finding.detail}, in {where}; other tensors do not follow it"
        return [replace(single.finding, detail=detail)]
