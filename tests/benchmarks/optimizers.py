"""`python tests/benchmarks/optimizers.py`: the loss by evaluation and by second, of Adam and of L-BFGS by memory.

Every recipe, at one small size, in this process; Adam is the recipe's own or the one that it is given.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from tables import numbers, parser, say, write

from common import LBFGS, RECIPES, LongestSide, Problem, Recipe, Step, load_image, load_weights, samples, with_size
from common.backend import BACKENDS, load_backend
from common.recipes import with_optimizer

Curve = list[tuple[float, float]]  # seconds since the start of the stage, and the lowest loss so far


def main() -> None:
    options = parser(__doc__, "128", rounds=False)
    options.add_argument("--recipes", default=",".join(RECIPES), metavar="NAME,...", help="default: all")
    options.add_argument("--backend", default=next(iter(BACKENDS)), choices=BACKENDS, help="default: %(default)s")
    options.add_argument("--steps", type=int, default=500, metavar="N", help="default: %(default)s")
    options.add_argument("--memories", type=numbers, default=numbers("5,10,30,60,100"), metavar="M,...")
    given = options.parse_args()
    curves = {
        name: {label: curve_of(given.backend, recipe) for label, recipe in contenders(name, given)}
        for name in given.recipes.split(",")
    }
    write(given.output, "optimizers", curves, [row_of(name, curves[name]) for name in curves])
    figure_of(curves).savefig(given.output / "optimizers.png", dpi=110)


def contenders(name: str, given: Any) -> Iterable[tuple[str, Recipe]]:
    """The recipe with Adam and with L-BFGS of every memory, in one stage of one size."""
    whole = with_size(RECIPES[name], LongestSide(given.sizes[0]))
    recipe = replace(whole, stages=(replace(whole.stages[-1], steps=given.steps),))
    yield "Adam", with_optimizer(recipe, "adam")
    for memory in given.memories:
        yield f"L-BFGS {memory}", replace(recipe, stages=(replace(recipe.stages[0], optimizer=LBFGS(memory)),))


def curve_of(backend: str, recipe: Recipe) -> Curve:
    """The lowest loss so far at every evaluation."""
    say(f"{recipe.name}, {recipe.stages[0].optimizer}")
    content, style = (load_image(it.path) for it in (samples.CONTENT, samples.STYLE))
    mode = BACKENDS[backend].transfer_mode
    steps = load_backend(backend).stylize(Problem(content, style, recipe, load_weights(), mode=mode)).steps
    return list(zip(np.cumsum([it.duration_s for it in steps]).tolist(), lowest(steps), strict=True))


def lowest(steps: Iterable[Step]) -> list[float]:
    """The lowest loss of the steps up to each."""
    return np.minimum.accumulate([step.losses.total for step in steps]).tolist()


def row_of(name: str, curves: dict[str, Curve]) -> dict[str, str]:
    """The evaluations to the loss at which the recipe's own kind of optimizer ends."""
    own = "Adam" if RECIPES[name].stages[-1].optimizer.label == "Adam" else "L-BFGS 10"
    target = curves[own][-1][1]
    return {"recipe": name, "loss": f"{target:.4g} ({own})", **{it: reached(curves[it], target) for it in curves}}


def reached(curve: Curve, target: float) -> str:
    """The first evaluation at a loss, or how far above the loss the curve ends."""
    at = next((number for number, (_, loss) in enumerate(curve, start=1) if loss <= target), None)
    return str(at) if at else f"never ({curve[-1][1] / target:.2f} of the loss)"


def figure_of(curves: dict[str, dict[str, Curve]]) -> Figure:
    """Two columns, the loss by evaluation and by second, and a row for each recipe."""
    figure = Figure(figsize=(9, 2.6 * len(curves)), layout="constrained")
    for axes, (name, by_optimizer) in zip(figure.subplots(len(curves), 2, squeeze=False), curves.items(), strict=True):
        for label, curve in by_optimizer.items():
            seconds, losses = zip(*curve, strict=True)
            for axis, x in zip(axes, (range(1, len(losses) + 1), seconds), strict=True):
                axis.plot(x, losses, label=label, color="black" if label == "Adam" else None)
        for axis, what in zip(axes, ("evaluation", "second"), strict=True):
            axis.set(title=name, xlabel=what, ylabel="loss", yscale="log")
            axis.set_ylim(top=curves[name]["Adam"][-1][1] * 20)
    figure.axes[0].legend(fontsize=8)
    return figure


if __name__ == "__main__":
    main()
