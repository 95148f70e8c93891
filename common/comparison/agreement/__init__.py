"""Whether the backends and the rows compute the same."""

from common.comparison.agreement.references import (
    Interpreter,
    Reference,
    interpreter_of,
    interpreters_of,
    prove,
    take_references,
)
from common.comparison.agreement.row import Check, RowAgreement, check_by_oracle, check_by_own
from common.comparison.agreement.table import ORACLE, Agreement, Explanation, Quantity
