"""report.html: one file, complete in itself."""

import base64
import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup
from PIL import Image as Pillow

from common.comparison.rendering.charts import Style, loss_curves, styles_for, swatch, timing_bars
from common.comparison.rendering.templating import asset, environment
from common.comparison.reporting import Difference, Group, Report
from common.images import Image, to_bytes

Pictures = Mapping[str, Image]


@dataclass(frozen=True)
class Shown:
    """A picture inside the page; `title` names it, `uri` is all of it."""

    key: str
    title: str
    uri: str
    height_px: int
    width_px: int


def render_page(report: Report, pictures: Pictures) -> str:
    """The whole page; of `pictures` it shows what there is (H, W, 3), RGB in [0, 1], by file name."""
    script, styles = asset("report.js"), styles_for(report.rows)
    template = environment().get_template("report.html.j2")
    return template.render(
        report=report,
        charts=[_charts(group, styles, place) for place, group in enumerate(report.by_precision)],
        shown=_shown(report, pictures),
        heat_maps=_heat_maps(report, pictures),
        css=asset("report.css"),
        script=script,
        script_hash=_hash(script),
    )


def _charts(group: Group, styles: Mapping[str, Style], place: int) -> dict[str, Any]:
    """A group's charts by what they show, and its legend as pairs of a swatch and a name."""
    charts: dict[str, Any] = {}
    if group.timed:
        charts["timing"] = Markup(timing_bars(group, styles, f"timing{place}"))
    if group.converged:
        for against in ("evaluations", "seconds"):
            charts[against] = Markup(loss_curves(group, styles, against, f"{against}{place}"))
        charts["legend"] = [
            (Markup(swatch(styles[row.name], f"swatch{place}-{number}")), row.label)
            for number, row in enumerate(group.converged)
        ]
    return charts


def _shown(report: Report, pictures: Pictures) -> list[Shown]:
    """Content, style and each row's picture, as far as they are there; those of rows that disagree last."""
    rows = [(row, f"{row.label}, {group.title}") for group in report.groups for row in group.rows]
    titles: dict[str | None, str] = {"content": "content", "style": "style"}
    titles |= {row.picture: title for row, title in sorted(rows, key=lambda entry: entry[0].disagrees)}
    present = [(name, title) for name, title in titles.items() if name in pictures]
    return [_picture(f"picture-{place}", title, pictures[name]) for place, (name, title) in enumerate(present) if name]


def _heat_maps(report: Report, pictures: Pictures) -> list[tuple[Difference, str, Shown | None]]:
    """Each difference with its title and its heat map, where there is one."""
    differences = [difference for group in report.groups for difference in group.differences]
    shown = []
    for place, difference in enumerate(differences):
        title = f"{report.labels[difference.row]} and {report.labels[difference.to]}"
        image = pictures.get(difference.heat_map)
        shown.append((difference, title, None if image is None else _picture(f"heat-{place}", title, image)))
    return shown


def _picture(key: str, title: str, image: Image) -> Shown:
    stream = io.BytesIO()
    Pillow.fromarray(np.ascontiguousarray(to_bytes(np.nan_to_num(image)))).save(stream, format="WEBP", quality=92)
    uri = "data:image/webp;base64," + base64.b64encode(stream.getvalue()).decode("ascii")
    return Shown(key, title, uri, *image.shape[:2])


def _hash(script: str) -> str:
    """What the page's content security policy knows its one script by: no other is run."""
    return base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
