"""Backends and their modes side by side: do they agree, and how long does each take.

In goes a `Request`, out come a `Report` and the pictures that it names. This door is light: worker processes pass it,
in environments that have no more than a framework and the core.
"""

from typing import TYPE_CHECKING

from common.comparison.request import Group, NamedRow, Request, Row
from common.comparison.scene import Scene

if TYPE_CHECKING:
    from common.comparison.reporting import Pictures, Report


def compare(request: Request) -> "tuple[Report, Pictures]":
    """Check that the rows agree, measure them in turns, and run each to the end; the progress is on stderr.

    Raises RosettaError for what the request names and cannot be read, or cannot be imported.
    """
    from common.comparison.reporting import report_of
    from common.comparison.session import Session, check_asked_for

    session = Session(request)
    check_asked_for(request)
    session.run()
    return report_of(session, complete=True)
