"""The page of a batch: every picture in small, complete in itself, with what was asked for and what became of it."""

import shlex
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from os.path import relpath
from pathlib import Path
from urllib.parse import quote

from PIL import Image as Pillow

from common.cli.batch.runner import Outcome
from common.comparison.rendering import environment
from common.errors import RosettaError
from common.images import load_image, to_bytes, webp_uri
from common.writing import failures, write_text

_SIDE_PX = 420
GENERATOR = "style-rosetta batch"


@dataclass(frozen=True)
class _Figure:
    """A job on the page; without a picture, `said` is why."""

    title: str
    command: str
    said: str
    href: str
    uri: str | None
    width_px: int = 0
    height_px: int = 0


def check_page(path: Path) -> None:
    """Raise RosettaError for a file that is no page of a batch, and would be replaced."""
    if not path.exists():
        return
    with failures(path), path.open("rb") as file:
        is_ours = GENERATOR.encode() in file.read(2000)
    if not is_ours:
        raise RosettaError(f"{str(path)!r} exists and is no page of a batch: move it away, or name another by --page")


def write_page(path: Path, title: str, outcomes: Sequence[Outcome]) -> None:
    """Write the page; pictures link to their files."""
    figures = [_figure(path, outcome) for outcome in outcomes]
    failed = sum(outcome.status == "failed" for outcome in outcomes)
    text = (
        environment(Path(__file__).parent)
        .get_template("page.html.j2")
        .render(title=title, figures=figures, failed=failed, generator=GENERATOR)
    )
    write_text(path, text)


def _figure(page: Path, outcome: Outcome) -> _Figure:
    job = outcome.job
    command = shlex.join(["python", "-m", job.entry.package, *job.words])
    said = outcome.said or {"there": "was there", "made": "made", "failed": "failed"}[outcome.status]
    name, href = Path(job.output).name, quote(relpath(job.output, page.parent))
    small = None
    if outcome.status != "failed":
        with suppress(RosettaError):  # somebody may have moved the picture meanwhile
            small = Pillow.fromarray(to_bytes(load_image(job.output)))
    if small is None:
        return _Figure(name, command, said, href, None)
    small.thumbnail((_SIDE_PX, _SIDE_PX), Pillow.Resampling.LANCZOS)
    return _Figure(name, command, said, href, webp_uri(small, quality=82), *small.size)
