"""Measuring in turns: short rounds, in an order shuffled anew for each, one row at a time with the others idle."""

import math
import random
from collections.abc import Sequence

from common.comparison.session.row_runner import Entrant

_ROUND_S = 0.4
_FEWEST, _MOST = 3, 50


def evaluations_per_round(entrants: Sequence[Entrant]) -> int:
    """How many evaluations make a round: as many for all as take the fastest row a fraction of a second."""
    once_s = [entrant.attempt("warming up", entrant.measure, 1, 0) or [math.inf] for entrant in entrants]
    fastest_s = min(min(it) for it in once_s)
    return min(_MOST, max(_FEWEST, math.ceil(_ROUND_S / fastest_s)))


def take_turns(entrants: Sequence[Entrant], rounds: int, evaluations: int, seed: int = 0) -> None:
    """Let every row measure in every round; one that fails misses the rest, and so does a slow one that had enough."""
    order, generator = list(entrants), random.Random(seed)
    for _ in range(rounds):
        generator.shuffle(order)
        for entrant in order:
            misses = entrant.has_had_enough
            entrant.note_round([] if misses else entrant.attempt("measuring", entrant.measure, evaluations) or [])
