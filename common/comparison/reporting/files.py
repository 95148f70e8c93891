"""The report as files in a folder: JSON, Markdown, one page of HTML, and the pictures."""

import json
import os
from pathlib import Path
from typing import Any

from common.comparison.rendering import render_markdown, render_page
from common.comparison.reporting.pictures import Labelled, save_grid
from common.comparison.reporting.report import Report
from common.errors import RosettaError
from common.images import save_image, write_text


def write_report(report: Report, values: dict[str, Any], folder: Path) -> None:
    """Write report.json, report.md, report.html, every picture, and pictures.png with all of them."""
    texts = {
        "report.json": json.dumps(values, indent=1),
        "report.md": render_markdown(values),
        "report.html": render_page(values, report.pictures),
    }
    for name, text in texts.items():
        write_text(folder / name, text)
    for name, image in report.pictures.items():
        if name.endswith(".png"):
            save_image(folder / name, image)
    save_grid(folder / "pictures.png", _grid(report))


def _grid(report: Report) -> list[list[Labelled]]:
    # One line for each group, of which the first has the content and the style too.
    sources = [(name, report.pictures[name]) for name in ("content", "style")]
    lines = [
        [
            (f"{result.row.label}, {result.optimizer}", result.run.image)
            for result in report.in_group(group)
            if result.run is not None
        ]
        for group in report.request.groups
    ]
    return [[*sources, *lines[0]], *filter(None, lines[1:])]


def report_folder(name: str) -> Path:
    """The folder for a report, made if need be; raise RosettaError when it cannot be written into."""
    folder = Path(name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RosettaError(f"cannot make the folder {name!r} ({error.strerror}): name another") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise RosettaError(f"cannot write into the folder {name!r}: name another")
    return folder
