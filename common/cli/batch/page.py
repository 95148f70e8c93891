"""The page of a batch: every picture in small, complete in itself, with what was asked for and what became of it."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from os.path import relpath
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from PIL import Image as Pillow

from common.cli.batch.runner import Outcome
from common.errors import RosettaError
from common.writing import write_text

_SIDE_PX = 420
GENERATOR = "style-rosetta batch"


@dataclass(frozen=True)
class _Figure:
    """A job on the page; without a picture, `said` is why."""

    title: str
    words: str
    said: str
    href: str
    uri: str | None
    width_px: int = 0
    height_px: int = 0


def check_page(path: Path) -> None:
    """Raise RosettaError for a file that is no page of a batch, and would be replaced."""
    if path.exists() and (not path.is_file() or GENERATOR.encode() not in path.read_bytes()[:2000]):
        raise RosettaError(f"{str(path)!r} exists and is no page of a batch: move it away, or name another by --page")


def write_page(path: Path, title: str, outcomes: Sequence[Outcome]) -> None:
    """Write the page; pictures link to their files."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), undefined=StrictUndefined, autoescape=True, trim_blocks=True
    )
    figures = [_figure(path, outcome) for outcome in outcomes]
    failed = sum(outcome.status == "failed" for outcome in outcomes)
    text = environment.get_template("page.html.j2").render(
        title=title, figures=figures, failed=failed, generator=GENERATOR
    )
    write_text(path, text)


def _figure(page: Path, outcome: Outcome) -> _Figure:
    job = outcome.job
    words = " ".join([f"python -m {job.entry.package}", *job.words])
    said = outcome.said or {"there": "was there", "made": "made", "failed": "failed"}[outcome.status]
    href = quote(relpath(job.output, page.parent))
    figure = _Figure(Path(job.output).name, words, said, href, None)
    if outcome.status == "failed":
        return figure
    with Pillow.open(job.output) as picture:
        small = picture.convert("RGB")
        small.thumbnail((_SIDE_PX, _SIDE_PX), Pillow.Resampling.LANCZOS)
    small.save(encoded := io.BytesIO(), "WEBP", quality=82)
    uri = f"data:image/webp;base64,{base64.b64encode(encoded.getvalue()).decode()}"
    return _Figure(figure.title, words, said, href, uri, *small.size)
