"""Trying hypotheses on one tensor: the one that makes its difference vanish, or two together."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

from common.doctor.diagnosis.clues import Clue, Value
from common.doctor.diagnosis.judge import Judge
from common.doctor.hypotheses import Fault
from common.oracle import Variant
from common.tensors import STAGES, TensorName

JudgeBy = Callable[[Variant, Fault], Judge]
_SUBSTANTIAL = 0.5
_POWERS = 20


@dataclass(frozen=True, eq=False)
class Explained:
    """A hypothesis that explains a tensor, what the port's variant is with it, and the evidence.

    It is `confined` to that tensor where others, which are right without it, would be wrong with it: a term that is
    handed over without its weight, say, but summed with it.
    """

    hypothesis: Fault
    variant: Variant
    tensor: str
    evidence: Clue
    also_possible: tuple[int, ...] = ()
    confined: bool = False


def alone(
    tried: Sequence[Fault], name: str, judge_by: JudgeBy, judge: Judge, names: Sequence[str], end_s: float
) -> Explained | None:
    """The hypothesis that explains a tensor and, with it, most of the others; None where none does in time.

    Those of the tensor's own stage come first, and earlier stages only where these leave something wrong.
    """
    explaining: list[tuple[int, float, Fault, Judge]] = []
    concerned = _concerned(name, names)
    for stage in reversed(STAGES):
        for hypothesis in tried:
            if hypothesis.stage != stage or time.thread_time() > end_s:
                continue
            variant = judge.variant.changed(hypothesis.changes)
            by = None if variant is None else judge_by(variant, hypothesis)
            if by is not None and _explains(name, by, judge) and not _contradicted(by, judge, name, names):
                explaining.append((*_left_by(by, concerned), hypothesis, by))
        if any(wrong == 0 for wrong, *_ in explaining):
            break
    if not explaining:
        return None
    explaining.sort(key=lambda entry: entry[:2])
    fewest, _, best, by = explaining[0]
    as_good = (hypothesis.trap for wrong, _, hypothesis, _ in explaining if wrong == fewest)
    also = tuple(dict.fromkeys(trap for trap in as_good if trap != best.trap))
    return Explained(best, by.variant, name, _evidence(name, judge, by), also, _spoils(by, judge, concerned))


def in_pairs(
    tried: Sequence[Fault], name: str, judge_by: JudgeBy, judge: Judge, names: Sequence[str], longest_s: float
) -> tuple[Explained, Explained] | None:
    """Two hypotheses of different traps that explain a tensor together; None where no two do, in about that time."""
    explaining, start_s = [], time.thread_time()
    for first, second, alone_leaves in _worth_trying(tried, name, judge_by, judge, start_s + longest_s / 2):
        if time.thread_time() > start_s + longest_s:
            break
        with_first = judge.variant.changed(first.changes)
        with_both = None if with_first is None else with_first.changed(second.changes)
        if with_first is None or with_both is None:
            continue
        by = judge_by(with_both, min(first, second, key=lambda hypothesis: STAGES.index(hypothesis.stage)))
        needed = by.from_own(name).relative < _SUBSTANTIAL * alone_leaves
        if needed and _explains(name, by, judge) and not _contradicted(by, judge, name, names):
            explaining.append((first, second, with_first, by))
    if not explaining:
        return None
    if len(explaining) > 1:
        concerned = _concerned(name, names)
        explaining.sort(key=lambda pair: sum(pair[3].is_wrong(tensor) for tensor in concerned))
    first, second, with_first, by = explaining[0]
    return (
        Explained(first, with_first, name, _evidence(name, judge, by, second.trap)),
        Explained(second, by.variant, name, _evidence(name, judge, by, first.trap)),
    )


def _left_by(by: Judge, names: Sequence[str]) -> tuple[int, float]:
    """How many tensors are wrong by a hypothesis, and by how many powers of ten in all."""
    wrong = [name for name in names if by.is_wrong(name)]
    differences = (max(by.from_own(name).relative, 10.0**-_POWERS) for name in wrong)
    return len(wrong), round(sum(min(math.log10(relative), _POWERS) for relative in differences), 3)


def _explains(name: str, by: Judge, before: Judge) -> bool:
    left = by.from_own(name).relative
    return left <= by.tolerance(name) and left < _SUBSTANTIAL * before.from_own(name).relative


def _contradicted(by: Judge, before: Judge, name: str, names: Sequence[str]) -> bool:
    """Whether a hypothesis is refuted by an earlier tensor that was right, or by a later one that follows from this.

    A later one that is right by itself only says that the port goes on otherwise than what it has handed over.
    """
    later = _concerned(name, names)[1:]
    followers = [tensor for tensor in later if before.from_reference(tensor).relative > before.tolerance(tensor)]
    return _spoils(by, before, [*names[: names.index(name)], *followers])


def _spoils(by: Judge, before: Judge, names: Sequence[str]) -> bool:
    """Whether tensors are wrong by a hypothesis that are right without it."""
    return any(by.is_wrong(name) and not before.is_wrong(name) for name in names)


def _worth_trying(
    tried: Sequence[Fault], name: str, judge_by: JudgeBy, judge: Judge, end_s: float
) -> list[tuple[Fault, Fault, float]]:
    """Pairs of hypotheses that change the tensor, the most promising first, and the smaller difference of the two."""
    base = judge.own.expected(name)
    effective = []
    for hypothesis in tried:
        variant = judge.variant.changed(hypothesis.changes)
        if variant is None or time.thread_time() > end_s:
            continue
        by = judge_by(variant, hypothesis)
        value = by.own.expected(name)
        if value.shape != base.shape or (value != base).any():
            effective.append((by.from_own(name).relative, hypothesis))
    effective.sort(key=lambda entry: entry[0])
    pairs = ((effective[i], effective[j]) for i, j in sorted(combinations(range(len(effective)), 2), key=sum))
    return [
        (first, second, min(left, also_left))
        for (left, first), (also_left, second) in pairs
        if first.trap != second.trap
    ]


def _concerned(name: str, names: Sequence[str]) -> list[str]:
    """The tensors from `name` on; the optimizers' only if it is one of theirs, because they take long."""
    later = names[names.index(name) :]
    if TensorName.parse(name).stage == "optimizer":
        return list(later)
    return [follower for follower in later if TensorName.parse(follower).stage != "optimizer"]


def _evidence(name: str, before: Judge, after: Judge, together_with: int | None = None) -> Clue:
    was, left = before.from_own(name).relative, after.from_own(name).relative
    values: dict[str, Value] = {"tensor": name, "was": was, "left": left}
    if together_with is None:
        return Clue("explained", values)
    return Clue("explained together", {**values, "trap": together_with})
