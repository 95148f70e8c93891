"""Trying faults on one tensor: the one that makes its difference vanish, or two together."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations

import numpy as np

from common.doctor.diagnosis.findings import Clue, Finding
from common.doctor.diagnosis.judge import Judge
from common.doctor.hypotheses import TRAPS, Fault
from common.oracle import work
from common.tensors import STAGES, Stage, TensorName

_SUBSTANTIAL = 0.5
_CHANCE = 0.05  # that some fault comes as close to a number; where it is larger, the number proves nothing
_LITTLE = 0.1  # of a difference: what a fault leaves that explains more than numbers
_ROUNDING = 1e-15
_POWERS = 20
_MOST_ALIKE = 2
_FEWEST_MOVED = 2
_BACKWARD = ("gradient", "optimizer")
_OF_PICTURES = ("file", "resize")


@dataclass(frozen=True, eq=False)
class Explained:
    """What a fault explains, and the judge by it.

    It is `confined` to its tensor where others, which are right without the fault, would be wrong with it: a term that
    is handed over without its weight, say, but summed with it.
    """

    finding: Finding
    judge: Judge
    stage: Stage
    confined: bool = False


@dataclass(frozen=True, eq=False)
class Search:
    """The search for what explains a tensor that is wrong by a judge, among the port's tensors in order.

    `right` are tensors that show layers to be right, which early faults are to leave as they are.
    """

    name: str
    names: Sequence[str]
    judge: Judge
    tried: Sequence[Fault]
    right: Sequence[str] = ()

    def alone(self, end: int, nearest: str | None = None) -> Explained | None:
        """The fault that explains the tensor and, with it, most of the others; None where none does until `end`.

        `end` is an amount of work. Those of the tensor's own stage come first, and earlier stages only where these
        leave something wrong. `nearest` is a wrong tensor that costs little, which early faults are to make right.
        """
        explaining: list[tuple[int, float, Fault, Judge]] = []
        for stage in reversed(STAGES):
            for fault, by in self._untried(stage, nearest, end):
                if self._explains(by, self._count):
                    explaining.append((*self._left_by(by), fault, by))
            if any(wrong == 0 for wrong, *_ in explaining):
                break
        if not explaining:
            return None
        explaining.sort(key=lambda entry: entry[:2])
        fewest, _, best, by = explaining[0]
        best, by = self._confirmed(best, by)
        as_good = (fault.trap for wrong, _, fault, _ in explaining if wrong == fewest)
        also = tuple(dict.fromkeys(trap for trap in as_good if trap not in (best.trap, 0)))
        if best.claim is not None:
            best = replace(best, detail=" or ".join([best.detail, *self._alike(best, explaining)[:_MOST_ALIKE]]))
        finding = self._finding(best, by, also_possible=also)
        return Explained(finding, by, best.stage, self._spoils(by, self._concerned))

    def _confirmed(self, fault: Fault, by: Judge) -> tuple[Fault, Judge]:
        """A fault that moves several taps, without those at which something stays wrong."""
        taps: Mapping[str, str] = fault.changes.get("taps", {})
        moved = {tap: layer for tap, layer in taps.items() if tap != layer}
        if len(moved) < _FEWEST_MOVED:
            return fault, by
        before = [name for name in self._concerned if self.judge.is_wrong(name)]
        mended = {TensorName.parse(name).tap for name in before if not by.is_wrong(name)}
        wrong = {TensorName.parse(name).tap for name in self._concerned if by.is_wrong(name)}
        kept = {tap: layer for tap, layer in moved.items() if tap in mended or tap not in wrong}
        if not kept or len(kept) == len(moved):
            return fault, by
        detail = ", ".join(f"{tap} is {layer}" for tap, layer in kept.items())
        fewer = replace(fault, detail=detail, changes={**fault.changes, "taps": kept})
        judge = self.judge.but(fewer)
        return (fewer, judge) if judge is not None and self._explains(judge, self._count) else (fault, by)

    def _alike(self, best: Fault, explaining: Sequence[tuple[int, float, Fault, Judge]]) -> list[str]:
        """Other functions that give the same numbers."""
        fewest = explaining[0][0]
        others = [fault for wrong, _, fault, _ in explaining if wrong == fewest and fault.claim and fault is not best]
        return [fault.detail for fault in others]

    def _untried(self, stage: Stage, nearest: str | None, end: int) -> Iterator[tuple[Fault, Judge]]:
        """The faults of a stage that were not tried before and that may explain the tensor, with the judge by each."""
        for fault in self.tried:
            if fault.stage != stage or fault in self._left or work.done() > end:
                continue
            by = self.judge.but(fault)
            if by is None or not self._may_explain(fault, by):
                self._left[fault] = None
            elif fault.is_late or nearest is None or by.from_own(nearest).relative <= by.tolerance(nearest):
                self._keep(fault, by)
                yield fault, by

    def _may_explain(self, fault: Fault, by: Judge) -> bool:
        """Whether a fault changes the pictures, if those are its matter, and leaves what shows layers to be right."""
        if fault.stage in _OF_PICTURES and by.has_pictures_of(self.judge):
            return False
        return fault.is_late or all(by.keeps(name, self.judge) for name in self.right)

    def in_pairs(self, most: int) -> list[Explained]:
        """Two faults of different traps that explain the tensor together; none where no two do with so much work."""
        explaining, start = [], work.done()
        for first, second, alone_leaves in self._worth_trying(start + most // 2):
            if work.done() > start + most:
                break
            by = self.judge.but(first, second)
            # Of a pair, each has to be needed: a wide tolerance explains nothing.
            needed = by is not None and by.from_own(self.name).relative < _SUBSTANTIAL * alone_leaves
            if by is not None and needed and self._explains(by, math.comb(self._count, 2)):
                explaining.append((first, second, by))
        if len(explaining) > 1:
            explaining.sort(key=lambda pair: self._left_by(pair[2])[0])
        return [
            Explained(self._finding(fault, by, together_with=other), by, fault.stage)
            for first, second, by in explaining[:1]
            for fault, other in ((first, second), (second, first))
        ]

    def _worth_trying(self, end: int) -> list[tuple[Fault, Fault, float]]:
        """Pairs of faults that change the tensor, the most promising first, and what the better of the two leaves."""
        effective = []
        for fault in self.tried:
            if fault not in self._left and work.done() <= end:
                by = self.judge.but(fault)
                self._keep(fault, by if by is not None and self._may_explain(fault, by) else None)
            if (left := self._left.get(fault)) is not None:
                effective.append((left, fault))
        effective.sort(key=lambda entry: entry[0])
        pairs = ((effective[i], effective[j]) for i, j in sorted(combinations(range(len(effective)), 2), key=sum))
        return [(first, second, left) for (left, first), (_, second) in pairs if first.trap != second.trap]

    def _keep(self, fault: Fault, by: Judge | None) -> None:
        """Note what a fault leaves of the difference; None where it changes nothing."""
        changed = by is not None and not np.array_equal(by.own.expected(self.name), self.judge.own.expected(self.name))
        self._left[fault] = by.from_own(self.name).relative if by is not None and changed else None

    @cached_property
    def _count(self) -> int:
        """How many different mistakes are tried; what a port names its maps by is none."""
        return len({(fault.trap, fault.detail) for fault in self.tried})

    @cached_property
    def _left(self) -> dict[Fault, float | None]:
        return {}

    def _explains(self, by: Judge, tries: int) -> bool:
        """Whether little is left, and no earlier tensor that was right, nor a later one that follows, says otherwise.

        A later one that is right by itself only says that the port goes on otherwise than what it has handed over.
        """
        left, before = by.from_own(self.name).relative, self.judge
        little = left <= by.tolerance(self.name) and left < _SUBSTANTIAL * before.from_own(self.name).relative
        if np.isinf(before.from_own(self.name).relative) and self._shapes_stay_wrong(by):
            return False
        if little and self._takes_other_shapes(by):
            return False
        # What a hand-written gradient does is no evidence against a fault before it.
        forward = [it for it in self._concerned[1:] if TensorName.parse(it).stage != "gradient"]
        later = forward if TensorName.parse(self.name).is_forward else self._concerned[1:]
        followers = (it for it in later if before.from_reference(it).relative > before.tolerance(it))
        earlier = self.names[: self.names.index(self.name)]
        return little and not self._spoils(by, [*earlier, *followers]) and not self._may_be_chance(by, tries)

    def _may_be_chance(self, by: Judge, tries: int) -> bool:
        """Whether one of so many faults comes as close to a number or two by chance."""
        if self.judge.given[self.name].size > 1:
            return False
        wrong = [name for name in self._concerned if self.judge.is_wrong(name)]
        left = {name: by.from_own(name).relative / self.judge.from_own(name).relative for name in wrong}
        if any(ratio < _LITTLE and self.judge.given[name].size > 1 for name, ratio in left.items()):
            return False
        return tries * math.prod(max(ratio, _ROUNDING) for ratio in left.values() if ratio < 1) > _CHANCE

    def _shapes_stay_wrong(self, by: Judge) -> bool:
        """Whether a tensor before, of a wrong shape too, is wrong by a fault that only makes the shapes agree."""
        earlier = self.names[: self.names.index(self.name)]
        return any(np.isinf(self.judge.from_own(it).relative) and by.is_wrong(it) for it in earlier)

    def _takes_other_shapes(self, by: Judge) -> bool:
        """Whether maps that had a wrong shape are used by a fault, though it makes maps of another shape."""
        used = by.own.given.keys() - self.judge.own.given.keys()
        return any(np.isinf(by.from_own(name).relative) for name in used if name in by.given)

    def _spoils(self, by: Judge, names: Iterable[str]) -> bool:
        """Whether tensors are wrong by a fault that are right without it."""
        if not by.variant.has_gradient:
            names = [name for name in names if TensorName.parse(name).stage not in _BACKWARD]
        return any(by.is_wrong(name) and not self.judge.is_wrong(name) for name in names)

    def _left_by(self, by: Judge) -> tuple[int, float]:
        """How many tensors are wrong by a fault, and by how many powers of ten in all."""
        wrong = [name for name in self._concerned if by.is_wrong(name)]
        differences = (max(by.from_own(name).relative, 10.0**-_POWERS) for name in wrong)
        return len(wrong), round(sum(min(math.log10(relative), _POWERS) for relative in differences), 3)

    @cached_property
    def _concerned(self) -> list[str]:
        """The tensors from this one on; the optimizers' only if it is one of theirs, because they take long."""
        later = self.names[self.names.index(self.name) :]
        if TensorName.parse(self.name).stage == "optimizer":
            return list(later)
        return [name for name in later if TensorName.parse(name).stage != "optimizer"]

    def _clue(self, kind: str, values: Mapping[str, str]) -> Clue:
        # Said alike of every layer that is changed alike, so that these are one finding.
        name = TensorName.parse(self.name)
        of_itself = name.kind == "features" and values.get("layer") == name.tap
        return Clue(kind, {**values, "layer": "it"} if of_itself else values)

    def _finding(
        self, fault: Fault, by: Judge, together_with: Fault | None = None, also_possible: tuple[int, ...] = ()
    ) -> Finding:
        if fault.claim is not None:
            return Finding(None, self.name, fault.detail, (self._clue(*fault.claim),))
        was, left = self.judge.from_own(self.name).relative, by.from_own(self.name).relative
        clue = Clue("explained", {"tensor": self.name, "was": was, "left": left})
        if together_with is not None:
            clue = Clue("explained together", {**clue.values, "trap": together_with.trap})
        return Finding(TRAPS[fault.trap], self.name, fault.detail, (clue,), also_possible)
