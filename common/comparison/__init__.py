"""Two backends side by side: do they agree, and how long does each take.

In goes a `Request`, out comes a report. This door is light: worker processes pass it, in environments that have no more
than a framework and the core.
"""

from typing import TYPE_CHECKING

from common.comparison.plan import (
    DEFAULT_RECIPE,
    DEFAULT_ROUNDS,
    DEFAULT_SIZE,
    DEFAULT_STEPS,
    Group,
    NamedRow,
    Request,
    Row,
    Scene,
)

if TYPE_CHECKING:
    from common.comparison.reporting import Report

__all__ = [
    "DEFAULT_RECIPE",
    "DEFAULT_ROUNDS",
    "DEFAULT_SIZE",
    "DEFAULT_STEPS",
    "Group",
    "NamedRow",
    "Request",
    "Row",
    "Scene",
    "compare",
]


def compare(request: Request) -> "Report":
    """Check that the rows agree, measure them in turns, and run each to the end; the progress is on stderr.

    Raises RosettaError for what the request names and cannot be read.
    """
    from common.comparison.reporting import Report
    from common.comparison.session import Session

    session = Session(request)
    session.run()
    return Report.of(session, complete=True)
