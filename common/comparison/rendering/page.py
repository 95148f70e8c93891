"""report.html: one file, complete in itself."""

import base64
import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup
from PIL import Image as Pillow

from common.comparison.rendering.charts import Style, loss_curves, styles_for, swatch, timing_bars
from common.comparison.rendering.formatting import encodable, pixels
from common.comparison.rendering.ranking import (
    Group,
    disagrees,
    disturbed,
    environments,
    groups_of,
    headline,
    shown_names,
    verdict_on_agreement,
)
from common.comparison.rendering.templating import asset, environment
from common.images import Image, to_bytes


@dataclass(frozen=True)
class Shown:
    """A picture inside the page; `title` names it, `uri` is all of it."""

    key: str
    title: str
    uri: str
    height_px: int
    width_px: int


def render_page(report: Mapping[str, Any], pictures: Mapping[str, Image]) -> str:
    """The whole page; of `pictures` it shows what there is (H, W, 3), RGB in [0, 1], by file name."""
    groups, names, script = groups_of(report), shown_names(report["rows"]), asset("report.js")
    styles = styles_for(report["rows"])
    page = (
        environment()
        .get_template("report.html.j2")
        .render(
            report=report,
            title=headline(report),
            agreement=verdict_on_agreement(report),
            disturbed=disturbed(report),
            groups=groups,
            names=names,
            charts={group.title: _charts(group, names, styles, place) for place, group in enumerate(groups)},
            shown=_shown(report, pictures, names),
            heat_maps=_heat_maps(report, pictures, names),
            environments=environments(report["rows"]),
            facts=_facts(report),
            css=asset("report.css"),
            script=script,
            script_hash=_hash(script),
        )
    )
    return encodable(page)


def _facts(report: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """What the headline shortens or leaves out."""
    machine, weights = report["machine"], report["weights"]
    return [
        ("content", report["content"]),
        ("style", report["style"]),
        ("recipe, seed, pairing", f"{report['recipe']}, {report['seed']}, {report['pairing']}"),
        ("weights", f"{weights['name']}, sha256 {weights['sha256']}; {weights['licence']}"),
        ("system", machine["system"]),
        ("GPU", machine["gpu"] or "none"),
        ("report", f"schema {report['schema']}, {report['created']}"),
        ("commit", report["commit"] or "unknown"),
    ]


def _charts(group: Group, names: Mapping[str, str], styles: Mapping[str, Style], place: int) -> dict[str, Any]:
    """A group's charts by what they show, and its legend as pairs of a swatch and a name."""
    found: dict[str, Any] = {}
    if group.timed:
        found["timing"] = Markup(timing_bars(group, names, styles, f"bars{place}"))
    if group.converged:
        for against in ("evaluations", "seconds"):
            found[against] = Markup(loss_curves(group, styles, against, f"{against}{place}"))
        found["legend"] = [
            (Markup(swatch(styles[row["name"]], f"swatch{place}-{number}")), names[row["name"]])
            for number, row in enumerate(group.converged)
        ]
    return found


def _shown(report: Mapping[str, Any], pictures: Mapping[str, Image], names: Mapping[str, str]) -> list[Shown]:
    """Content, style and each row's picture, as far as they are there."""
    titles = {"content": "content", "style": "style"}
    for row in sorted(report["rows"], key=disagrees):
        if row["picture"] is not None:
            titles[row["picture"]] = f"{names[row['name']]}, {row['precision']}, {pixels(row['size_px'])}"
    found = {name: title for name, title in titles.items() if name in pictures}
    return [_picture(f"picture-{place}", found[name], pictures[name]) for place, name in enumerate(found)]


def _heat_maps(
    report: Mapping[str, Any], pictures: Mapping[str, Image], names: Mapping[str, str]
) -> Sequence[tuple[Mapping[str, Any], Shown | None]]:
    """Each difference with its heat map, where there is one."""
    found = []
    for place, it in enumerate(report["differences"]):
        title = f"{names.get(it['row'], it['row'])} and {names.get(it['to'], it['to'])}"
        image = pictures.get(it["heat_map"])
        found.append((it, None if image is None else _picture(f"heat-{place}", title, image)))
    return found


def _picture(key: str, title: str, image: Image) -> Shown:
    stream = io.BytesIO()
    Pillow.fromarray(np.ascontiguousarray(to_bytes(np.nan_to_num(image)))).save(stream, format="WEBP", quality=92)
    uri = "data:image/webp;base64," + base64.b64encode(stream.getvalue()).decode("ascii")
    return Shown(key, title, uri, *image.shape[:2])


def _hash(script: str) -> str:
    """What the page's content security policy knows its one script by: no other is run."""
    return base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
