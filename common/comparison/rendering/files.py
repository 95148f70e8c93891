"""The report as files in a folder: JSON, Markdown, one page of HTML, and the pictures."""

import os
from pathlib import Path

from common.comparison.rendering.markdown import render_markdown
from common.comparison.rendering.page import render_page
from common.comparison.reporting import Pictures, Report, report_to_json, save_grid
from common.errors import RosettaError
from common.images import Image, save_image, write_text


def write_report(report: Report, pictures: Pictures, folder: Path) -> None:
    """Write report.json, report.md, report.html, every picture, and pictures.png with all of them."""
    texts = {
        "report.json": report_to_json(report),
        "report.md": render_markdown(report),
        "report.html": render_page(report, pictures),
    }
    for name, text in texts.items():
        write_text(folder / name, text)
    for name, image in pictures.items():
        if name.endswith(".png"):
            save_image(folder / name, image)
    save_grid(folder / "pictures.png", _grid(report, pictures))


def _grid(report: Report, pictures: Pictures) -> list[list[tuple[str, Image]]]:
    # One line for each group, of which the first has the content and the style too.
    lines = [
        [(f"{row.label}, {row.optimizer}", pictures[row.picture]) for row in group.rows if row.picture is not None]
        for group in report.groups
    ]
    sources = [(name, pictures[name]) for name in ("content", "style")]
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
