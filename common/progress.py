"""The one look of all progress bars: on stderr, redrawn seldom where nobody watches."""

import sys
from collections.abc import Mapping
from typing import Any

from tqdm import tqdm


def progress_bar(total: int, description: str, unit: str) -> Any:
    """A tqdm bar with elapsed and remaining time; a log file gets a line every few seconds at most."""
    watched = sys.stderr.isatty()
    return tqdm(total=total, desc=description, unit=unit, dynamic_ncols=watched, mininterval=0.1 if watched else 5)


def advance(bar: Any, losses: Mapping[str, float]) -> None:
    """One evaluation further, with its loss terms behind the bar."""
    bar.set_postfix({name: f"{value:.4g}" for name, value in losses.items()}, refresh=False)
    bar.update()
