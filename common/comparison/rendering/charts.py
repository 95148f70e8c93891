"""Charts as SVG inside a page: they take the page's font and colours, and no identifier of theirs meets another's."""

import io
import math
import re
import textwrap
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from common.comparison.measurement import Timing
from common.comparison.rendering.formatting import interval, seconds
from common.comparison.reporting import Group, RowReport

# Each is seen on white and on near-black: tests/comparison/rendering/test_page.py holds the contrast.
PALETTE = ("#2f7fd0", "#d0641a", "#2a8f57", "#b355c0", "#c84a55", "#8a7a22", "#1b8d99", "#7d8590")
_LINES = ("-", "--", ":", "-.")
_MARKERS = "os^Dvp*X"
_TEXT = "#010203"  # stands for the page's text colour
_WIDTH_IN = 4.6  # narrow: the text is still readable when a phone makes it smaller
_LABEL, _LINE = 30, 0.38  # letters beside a time, and the height of a line where a bar's place is 1
_SMALLEST_ERROR = 1e-17  # which stands for 0 on a log axis
_SETTINGS: Any = {
    "svg.fonttype": "none",
    "text.parse_math": False,  # a name may hold dollar signs
    "font.size": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    **dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), _TEXT),
}


@dataclass(frozen=True)
class Style:
    """How one row is drawn, in every chart: never by colour alone."""

    colour: str
    line: str
    marker: str


@dataclass(frozen=True)
class Point:
    """A row in the chart of time against error: what the legend calls it, and its gradient's relative error."""

    name: str
    row: RowReport
    timing: Timing
    error: float


def styles_for(rows: Sequence[RowReport]) -> dict[str, Style]:
    """A style for each row, by name."""
    styles = {}
    for place, row in enumerate(rows):
        colour, shifted = PALETTE[place % len(PALETTE)], place + place // len(PALETTE)
        styles[row.name] = Style(colour, _LINES[shifted % len(_LINES)], _MARKERS[shifted % len(_MARKERS)])
    return styles


def swatch(style: Style, key: str) -> str:
    """A piece of a row's line, for a legend that says its name beside it."""
    with mpl.rc_context(_SETTINGS):
        figure = Figure(figsize=(0.45, 0.16))
        axis = figure.add_axes((0, 0, 1, 1), xlim=(0, 2), ylim=(-1, 1))
        axis.axis("off")
        axis.plot([0, 1, 2], [0, 0, 0], style.line, color=style.colour, linewidth=1.6)
        axis.plot([1], [0], style.marker, color=style.colour, markersize=5)
        return _svg(figure, key)


def loss_curves(group: Group, styles: Mapping[str, Style], against: str, key: str) -> str:
    """Loss against "evaluations" or "seconds", on a log axis; a dashed line at the loss that all rows reached."""
    with mpl.rc_context(_SETTINGS):
        figure = Figure(figsize=(_WIDTH_IN, 3.1), layout="constrained")
        axis = figure.subplots()
        for place, (row, curve) in enumerate(group.converged):
            x, style = curve.seconds if against == "seconds" else range(1, len(curve.losses) + 1), styles[row.name]
            every = max(1, len(x) // 8)  # each row's markers stand elsewhere: where curves coincide, all are seen
            marks = ((place * every) // 4 % every, every)
            (line,) = axis.plot(x, curve.losses, style.line, color=style.colour, linewidth=1.4, marker=style.marker)
            line.set(markersize=4, markevery=marks)
        if any(loss > 0 for _, curve in group.converged for loss in curve.losses):
            axis.set_yscale("log", nonpositive="mask")
            axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axis.yaxis.set_major_formatter(FuncFormatter(lambda loss, _: f"{loss:g}"))
            axis.yaxis.set_minor_formatter(NullFormatter())
        if group.common_loss is not None:
            axis.axhline(group.common_loss, color=_TEXT, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
        axis.set(xlabel=against, ylabel="loss")
        axis.grid(True, which="major", alpha=0.2)
        return _svg(figure, key, f"Loss against {against}, {group.title}; the table below has the numbers.")


def timing_bars(group: Group, styles: Mapping[str, Style], key: str) -> str:
    """A bar to each row's median, its quartiles as an interval, and a dot for the median of each round."""
    place = -1.0  # upside down: the first row is at 0, a further line of a name moves a row down
    with mpl.rc_context(_SETTINGS):
        figure = Figure(layout="constrained")
        axis = figure.subplots()
        for row, timing in group.timed:
            lines = _name(row)
            place += 1 + _LINE * (len(lines) - 1)
            _bar(axis, timing, styles[row.name], place, row.ranked)
            for number, line in enumerate(reversed(lines)):
                axis.text(0, place - 0.2 - _LINE * number, line, va="bottom")
            axis.text(1, place - 0.2, _span(timing), ha="right", va="bottom", transform=axis.get_yaxis_transform())
        figure.set_size_inches(_WIDTH_IN, 0.97 + 0.42 * place)
        axis.set(xlim=(0, None), ylim=(place + 0.4, -0.75), xlabel="seconds for one evaluation", yticks=[])
        axis.spines["left"].set_visible(False)
        axis.grid(True, axis="x", alpha=0.2)
        axis.set_axisbelow(True)
        said = "; ".join(f"{row.label} {_span(timing)}" for row, timing in group.timed)
        return _svg(figure, key, f"Time for one evaluation, {group.title}: {said}.")


def _name(row: RowReport) -> list[str]:
    """A row's name on as many lines as stand beside its time, with why it is not ranked."""
    why = "" if row.ranked else f" ({'disagrees' if row.disagrees else row.status})"
    return textwrap.wrap(row.label + why, _LABEL) or [""]


def _bar(axis: Axes, timing: Timing, style: Style, place: float, ranked: bool) -> None:
    hatched = {"facecolor": "none", "edgecolor": style.colour, "hatch": "////"}
    fill: Any = {"color": style.colour} if ranked else hatched
    axis.barh([place], [timing.median_s], height=0.3, **fill)
    dots = [sorted(times)[len(times) // 2] for times in timing.rounds_s if times]
    axis.plot(dots, [place + 0.24] * len(dots), ".", color=_TEXT, markersize=3, alpha=0.7, clip_on=False)
    lines: Any = {"color": _TEXT, "capsize": 3, "linewidth": 1.2, "capthick": 1.2}
    axis.errorbar([timing.median_s], [place], xerr=_whiskers(timing), **lines)


def trade_off(points: Sequence[Point], styles: Mapping[str, Style], title: str, key: str) -> str:
    """Each row's seconds an evaluation, with their quartiles, against the error of its gradient on a log axis."""
    errors = [max(point.error, _SMALLEST_ERROR) for point in points]
    with mpl.rc_context(_SETTINGS):
        figure = Figure(figsize=(_WIDTH_IN, 3.1), layout="constrained")
        axis = figure.subplots()
        for point, error in zip(points, errors, strict=True):
            style = styles[point.row.name]
            fill = style.colour if point.row.ranked else "none"
            mark: Any = {"marker": style.marker, "markersize": 7, "markerfacecolor": fill, "capsize": 3}
            axis.errorbar([point.timing.median_s], [error], xerr=_whiskers(point.timing), color=style.colour, **mark)
        axis.set(xlabel="seconds for one evaluation", ylabel="error of the gradient", yscale="log", xlim=(0, None))
        axis.set_ylim(*(10.0 ** round(math.log10(end)) for end in (min(errors) / 6, max(errors) * 6)))
        axis.yaxis.set_major_formatter(FuncFormatter(lambda error, _: f"{error:.0e}"))
        axis.yaxis.set_minor_formatter(NullFormatter())
        axis.grid(True, which="major", alpha=0.2)
        said = "; ".join(f"{it.name} {_span(it.timing)}, {it.error:.0e}" for it in points)
        return _svg(figure, key, f"Time of an evaluation and error of its gradient, {title}: {said}.")


def _span(timing: Timing) -> str:
    return f"{seconds(timing.median_s, timing.median_s)} ({interval(timing.quartiles_s, timing.median_s)})"


def _whiskers(timing: Timing) -> list[list[float]]:
    low, high = timing.quartiles_s
    return [[max(0, timing.median_s - low)], [max(0, high - timing.median_s)]]


def _svg(figure: Figure, key: str, said: str | None = None) -> str:
    """The figure as an <svg> element for inside a page; `key` makes its identifiers its own.

    Without anything to say of it, it is a decoration.
    """
    stream = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": key}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # the page's font may well have what matplotlib's lacks
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(stream, format="svg", transparent=True, metadata=nothing)
    svg = stream.getvalue()
    svg = svg[svg.index("<svg") :].replace(_TEXT, "currentColor")
    svg = re.sub(r"<style.*?</style>", "", svg, flags=re.DOTALL)  # it would hold for the whole page
    svg = re.sub(r'( id="|xlink:href="#|url\(#)', rf"\g<1>{key}-", svg)
    role = f'role="img" aria-label="{escape(said)}"' if said else 'aria-hidden="true"'
    return re.sub(r'^<svg([^>]*?) width="[^"]*" height="[^"]*"', lambda found: f"<svg {role}{found[1]}", svg)
