"""One comparison, from the references to the last row."""

from common.comparison.session.rounds import evaluations_per_round, take_turns
from common.comparison.session.row_result import RowResult
from common.comparison.session.row_runner import PER_ROUND, Entrant
from common.comparison.session.session import Session, Settings

__all__ = [
    "PER_ROUND",
    "Entrant",
    "RowResult",
    "Session",
    "Settings",
    "evaluations_per_round",
    "take_turns",
]
