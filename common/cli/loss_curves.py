"""Loss curves, as the PyTorch blog draws them: one line for each kind of term, on a log axis."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from common.images import replacing
from common.results import Step

_COLOURS = {"style": "tab:red", "content": "tab:blue", "tv": "tab:green", "total": "black"}


def save_loss_curves(path: Path, runs: Mapping[str, Sequence[Step]]) -> None:
    """Write a PNG with one panel for each run, by title; terms that are 0 throughout are left out."""
    figure = Figure(figsize=(6 * len(runs), 4), layout="constrained")
    axes = figure.subplots(1, len(runs), sharey=True, squeeze=False)[0]
    for axis, (title, steps) in zip(axes, runs.items(), strict=True):
        _draw(axis, steps)
        axis.set_title(title)
    axes[0].set_ylabel("weighted loss")
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=120, format="png")


def _draw(axis: Axes, steps: Sequence[Step]) -> None:
    evaluations = [step.evaluation for step in steps]
    for name, colour in _COLOURS.items():
        values = [step.losses.by_kind()[name] for step in steps]
        if any(values):
            axis.plot(evaluations, values, color=colour, label="TV" if name == "tv" else name)
    if highest := max(step.losses.total for step in steps):  # a log axis cannot show that all is 0
        axis.set_yscale("log", nonpositive="mask")
        # A content loss that starts from the content is rounding noise, which would flatten everything else.
        axis.set_ylim(bottom=1e-5 * highest)
        axis.legend()
    axis.set_xlabel("evaluation")
    axis.grid(True, which="major", alpha=0.3)
