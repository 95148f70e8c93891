"""One comparison, from the references to the last row."""

from common.comparison.session.row_result import RowResult
from common.comparison.session.row_runner import RowRunner
from common.comparison.session.session import Session, evaluations_per_round, take_turns

__all__ = [
    "RowResult",
    "RowRunner",
    "Session",
    "evaluations_per_round",
    "take_turns",
]
