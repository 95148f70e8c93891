"""The report as files: report.html, complete in itself, report.md, to be pasted into an issue, JSON, and pictures."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup
from PIL import Image as Pillow

from common.comparison.rendering.charts import Point, Style, loss_curves, styles_for, swatch, timing_bars, trade_off
from common.comparison.rendering.formatting import TEMPLATES, environment
from common.comparison.reporting import Difference, Group, Pictures, Report, picture_files, report_to_json, save_grid
from common.comparison.request import Request
from common.images import Image, save_image, to_bytes, webp_uri
from common.writing import write_text

_AT_THE_TOP = 6  # pictures, which a phone shows on its first screen or two


@dataclass(frozen=True)
class Shown:
    """A picture inside the page; `title` names it, `uri` is all of it."""

    key: str
    title: str
    uri: str
    height_px: int
    width_px: int


def write_report(report: Report, pictures: Pictures, folder: Path) -> None:
    """Write report.json, report.md, report.html, every picture, and pictures.png with all of them."""
    texts = {"json": report_to_json(report), "md": render_markdown(report), "html": render_page(report, pictures)}
    for ending, text in texts.items():
        write_text(folder / f"report.{ending}", text)
    for name, image in pictures.items():
        if name.endswith(".png"):
            save_image(folder / name, image)
    # One line for each group, of which the first has the content and the style too.
    lines = [
        [(f"{row.label}, {row.optimizer}", pictures[row.picture]) for row in group.rows if row.picture is not None]
        for group in report.groups
    ]
    sources = [(name, pictures[name]) for name in ("content", "style")]
    save_grid(folder / "pictures.png", [[*sources, *lines[0]], *filter(None, lines[1:])])


def report_files(request: Request, folder: Path) -> list[Path]:
    """What the report of a request may write into its folder."""
    names = ("report.json", "report.md", "report.html", "pictures.png", *picture_files(request))
    return [folder / name for name in names]


def render_markdown(report: Report) -> str:
    """The report in GitHub's Markdown."""
    return environment().get_template("report.md.j2").render(report=report)


def render_page(report: Report, pictures: Pictures) -> str:
    """The whole page; of `pictures` it shows what there is (H, W, 3), RGB in [0, 1], by file name."""
    css, script = (Markup((TEMPLATES / name).read_text(encoding="utf-8")) for name in ("report.css", "report.js"))
    styles = styles_for(report.rows)
    template = environment().get_template("report.html.j2")
    return template.render(
        report=report,
        charts=[_charts(group, styles, place) for place, group in enumerate(report.by_precision)],
        trade_offs=_trade_offs(report, styles),
        shown=_shown(report, pictures),
        at_the_top=_AT_THE_TOP,
        heat_maps=_heat_maps(report, pictures),
        css=css,
        script=script,
        # What the page's content security policy knows its one script by: no other is run.
        script_hash=base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii"),
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
            for number, (row, _) in enumerate(group.converged)
        ]
    return charts


def _trade_offs(report: Report, styles: Mapping[str, Style]) -> list[dict[str, Any]]:
    """For each size a chart of all precisions, its title, and its legend as pairs of a swatch and a name."""
    sizes = dict.fromkeys(group.size_px for group in report.by_precision)
    charts: list[dict[str, Any]] = []
    for place, size_px in enumerate(sizes):
        groups = [group for group in report.by_precision if group.size_px == size_px]
        points = [Point(f"{it[0].label}, {group.precision}", *it) for group in groups for it in group.errors]
        if points:
            title = "{}x{} px".format(*size_px)
            svg = Markup(trade_off(points, styles, title, f"error{place}"))
            legend = [
                (Markup(swatch(styles[point.row.name], f"point{place}-{number}")), point.name)
                for number, point in enumerate(points)
            ]
            charts.append({"svg": svg, "title": title, "legend": legend})
    return charts


def _shown(report: Report, pictures: Pictures) -> list[Shown]:
    """Content, style and each row's picture, as far as they are there; those of rows that disagree last."""
    rows = [(row, f"{row.label}, {group.title}") for group in report.groups for row in group.rows]
    titles = {"content": "content", "style": "style"}
    titles |= {row.picture or "": title for row, title in sorted(rows, key=lambda entry: entry[0].disagrees)}
    present = [(title, pictures[name]) for name, title in titles.items() if name in pictures]
    return [_picture(f"picture-{place}", title, image) for place, (title, image) in enumerate(present)]


def _heat_maps(report: Report, pictures: Pictures) -> list[tuple[Difference, str, Shown | None]]:
    """Each difference with its title and its heat map, where there is one."""
    shown: list[tuple[Difference, str, Shown | None]] = []
    for found in (found for group in report.groups for found in group.differences):
        title, image = f"{report.labels[found.row]} and {report.labels[found.to]}", pictures.get(found.heat_map)
        shown.append((found, title, None if image is None else _picture(f"heat-{len(shown)}", title, image)))
    return shown


def _picture(key: str, title: str, image: Image) -> Shown:
    picture = Pillow.fromarray(np.ascontiguousarray(to_bytes(np.nan_to_num(image))))
    return Shown(key, title, webp_uri(picture, quality=92), *image.shape[:2])
