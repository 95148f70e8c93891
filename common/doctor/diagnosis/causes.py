"""What explains a tensor: a trap, what takes a layer's place, or two traps; nothing is tried twice in vain."""

from collections.abc import Sequence
from dataclasses import replace

from common.doctor.diagnosis.candidates import Candidates, depth
from common.doctor.diagnosis.findings import Clue
from common.doctor.diagnosis.judge import Judge
from common.doctor.diagnosis.search import Explained, Search
from common.doctor.hypotheses import Fault
from common.oracle import RIGHT, work
from common.tensors import TensorName

# Multiplications, of which a core does 5 to 10 G in a second: a slow machine finds the same as a fast one, only later.
_G = 10**9
_MOST = 300 * _G  # after which nothing new is examined
_LEAST = 25 * _G  # for what is examined all the same
_MOST_OF_SUBSTITUTES = 90 * _G  # of them for what is computed in the place of a layer
_MOST_AGAIN = 20 * _G  # of them for traps that do not explain all
_MOST_OF_PAIRS = 20 * _G  # of them for pairs of traps
_BEFORE_THE_TAPS = ("file", "resize", "input")
_CLOSER = 1e-3  # how much less a function leaves than an arithmetic whose tolerance is wide
_WEAK = ("scaled", "by channel")  # what a convolution with another bias or kernel gives, too
_OF_TWO = ("known factor", "scaled")
_FEW, _TELLING = 2, 0.1  # numbers, and how much they have to be off, to tell one of some ten thousand pairs


class Causes:
    """The search for causes in one examination of a port's tensors, in order, with what it has learned so far.

    `multiplied` are tensors that are what is right times a known factor, and `in_vain` the kinds of tensors that no
    trap explains.
    """

    def __init__(self, names: Sequence[str], hypotheses: Sequence[Fault]) -> None:
        self.multiplied: set[str] = set()
        self.in_vain: set[str] = set()
        self._names, self._hypotheses = names, hypotheses
        self._screened: set[str] = set()  # tensors that no early trap makes right
        self._tried: set[str] = set()  # where other functions than a layer's were tried
        self._variant = RIGHT  # that they were tried with
        self._for_pairs = _MOST_OF_PAIRS
        self._end = work.done() + _MOST

    @property
    def is_late(self) -> bool:
        """Whether nothing new is to be examined."""
        return work.done() > self._end

    def of(self, name: str, clue: Clue | None, judge: Judge, examined: Sequence[str]) -> list[Explained]:
        """A trap, a function in another's place, or two traps that explain a tensor together; none where none do.

        A claim that fits the tensor leaves fewer to try. `examined` are the tensors that are not left alone.
        """
        if TensorName.parse(name).stage == "optimizer" and not _is_of_the_image(name, judge):
            return []
        if judge.variant is not self._variant:  # which another function may explain together with what was found
            self._variant = judge.variant
            self._tried.clear()
        kind, after_the_taps = TensorName.parse(name).kind, TensorName.parse(name).stage not in _BEFORE_THE_TAPS
        candidates = Candidates(name, self._names, judge, kind in self.in_vain, self.multiplied)
        nearest = candidates.nearest_wrong(examined)
        right = candidates.right_before() if after_the_taps else []
        screen = nearest if after_the_taps and nearest != name else None
        faults = candidates.of_traps(self._hypotheses, clue)
        if name in self._screened:
            faults = [fault for fault in faults if fault.is_late]
        search = Search(name, self._names, judge, faults, right)
        if single := search.alone(max(self._end, work.done() + _LEAST), screen):
            return [self._or_another_function(single, nearest, judge) if after_the_taps and clue is None else single]
        if screen is not None and work.done() < self._end:
            self._screened.add(screen)
        fits_more = clue is None or (clue.kind in _WEAK and kind == "features")
        may_be_another = after_the_taps and fits_more and not self._is_a_small_number(name, judge)
        if may_be_another and (found := self._another_function(name, nearest, judge)):
            return [found]
        if kind in self.in_vain:
            return []
        return self._two_traps(search, clue, screened=screen is not None)

    def _two_traps(self, search: Search, clue: Clue | None, screened: bool) -> list[Explained]:
        """Two traps, or one that does not explain what else is wrong; a factor may be what two make together."""
        if clue is not None and clue.kind not in _OF_TWO:
            return []
        if clue is not None:
            return self._in_pairs(replace(search, tried=[fault for fault in search.tried if fault.is_late]))
        if self._is_a_small_number(search.name, search.judge):
            return []
        if screened and (single := search.alone(work.done() + _MOST_AGAIN)):
            return [single]
        return self._in_pairs(search)

    def _is_a_small_number(self, name: str, judge: Judge) -> bool:
        """Whether nothing but numbers differ, and this so little that some two traps come near it by chance."""
        wrong = [it for it in self._names if TensorName.parse(it).stage != "optimizer" and judge.is_wrong(it)]
        numbers = judge.given[name].size == 1 and all(judge.given[it].size == 1 for it in wrong)
        return numbers and len(wrong) <= _FEW and judge.from_own(name).relative < _TELLING

    def _in_pairs(self, search: Search) -> list[Explained]:
        start = work.done()
        pair = search.in_pairs(self._for_pairs)
        self._for_pairs = max(0, self._for_pairs - (work.done() - start))
        return pair

    def _another_function(
        self, name: str, nearest: str, judge: Judge, most: int = _MOST_OF_SUBSTITUTES
    ) -> Explained | None:
        """What takes the place of a layer or a Gram matrix, tried where it costs least."""
        if nearest in self._tried or self._is_beyond(nearest, judge):
            return None
        faults = Candidates(nearest, self._names, judge).of_functions()
        found = Search(nearest, self._names, judge, faults).alone(work.done() + most)
        if found is None:
            self._tried.add(nearest)
        if found is None or found.judge.is_wrong(name):
            return None
        return replace(found, finding=replace(found.finding, tensor=name))

    def _or_another_function(self, single: Explained, nearest: str, judge: Judge) -> Explained:
        """A trap of the network, or a function in a layer's place if that explains more, or as much far better."""
        forward = [it for it in self._names if TensorName.parse(it).is_forward]
        wrong, is_coarse = sum(map(single.judge.is_wrong, forward)), single.finding.harmless
        if single.stage != "network" or not (wrong or is_coarse):
            return single
        name = single.finding.tensor
        found = self._another_function(name, nearest, judge, _MOST_AGAIN if is_coarse else _MOST_OF_SUBSTITUTES)
        if found is None or sum(map(found.judge.is_wrong, forward)) > wrong - (not is_coarse):
            return single
        closer = found.judge.from_own(name).relative < _CLOSER * single.judge.from_own(name).relative
        return found if closer or not is_coarse else single

    def _is_beyond(self, nearest: str, judge: Judge) -> bool:
        """Whether a tensor nearer to the picture was tried, and no feature map between is handed over."""
        if nearest.startswith("features/"):
            return False
        maps = [depth(name) for name in judge.used if name.startswith("features/")]
        taps = [depth(name) for name in self._tried if not name.startswith("features/")]
        return any(tap <= depth(nearest) and not any(tap < at <= depth(nearest) for at in maps) for tap in taps)


def _is_of_the_image(name: str, judge: Judge) -> bool:
    """Whether a tensor of an optimizer has a shape that some setting of the optimizer gives."""
    given, expected = judge.given[name].shape, judge.own.expected(name).shape
    numbered = name.startswith("lbfgs/")  # whose number of points is free
    return len(given) == len(expected) and given[numbered:] == expected[numbered:]
