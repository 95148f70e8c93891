"""The templates: HTML escapes everything by itself, Markdown through the filter `markdown`; an unknown name raises."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from common.comparison.rendering.formatting import FILTERS, NOTHING

FOLDER = Path(__file__).parent / "templates"


def environment() -> Environment:
    """Where both reports are made."""
    made = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=select_autoescape(["html.j2"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(FILTERS)
    made.globals.update(nothing=NOTHING)
    return made


def asset(name: str) -> Markup:
    """The text of a style sheet or a script, to stand in the page as it is."""
    return Markup((FOLDER / name).read_text(encoding="utf-8"))
