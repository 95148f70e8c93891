"""One comparison, from the references to the last row."""

from common.comparison.session.row_result import Memory, RowResult, Status
from common.comparison.session.row_runner import RowRunner
from common.comparison.session.session import Session, evaluations_per_round, take_turns
