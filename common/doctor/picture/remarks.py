"""What is said of a finished picture: a sentence with the number that proves it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Remark:
    """A sentence; `found` where it says a mistake. `values` are the numbers in it, as plain JSON values."""

    kind: str
    text: str
    found: bool = False
    values: Mapping[str, Any] = field(default_factory=dict)
