"""Which other form of total variation the term is."""

from collections.abc import Iterator

import numpy as np

from common.doctor.diagnosis.findings import Clue
from common.doctor.diagnosis.judge import Judge
from common.doctor.diagnosis.recognisers.sizes import CLOSE, expression, sizes_at
from common.tensors import Array

_SIZES = ("2", "3", "255", "H W")


def another_total_variation(name: str, got: Array, judge: Judge) -> Iterator[Clue]:
    """The form of the differences of neighbours that gives the term, with a factor of known sizes; at most one clue."""
    run, tolerance = judge.own, min(judge.tolerance(name), CLOSE)
    weight = run.case.problem.recipe.tv_weight
    if name != "loss/tv" or got.size != 1 or not weight:
        return
    sizes = {symbol: size for symbol, size in sizes_at(run, name).items() if symbol in _SIZES}
    pixels = np.asarray(run.value("pixels"), np.float64)
    for form, size in _forms(pixels):
        if size > 0 and np.isfinite(size):
            factor = expression([(float(got.item()) / (weight * size), sizes)], tolerance)
            if factor is not None:
                yield Clue("total variation", {"factor": factor, "form": form})
                return


def _forms(x: Array) -> Iterator[tuple[str, float]]:
    """The weight's multiples that ports add up, by what they are called."""
    dy, dx = np.diff(x, axis=0), np.diff(x, axis=1)
    for what, each in _POWERS.items():
        down, across = each(dy), each(dx)
        yield f"the weight times the sum of {what} differences of neighbours", down.sum() + across.sum()
        yield f"the weight times the means of {what} differences of neighbours", down.mean() + across.mean()
        yield f"the weight times the sum of {what} vertical differences alone", down.sum()
        yield f"the weight times the sum of {what} horizontal differences alone", across.sum()
        yield f"the weight times the mean of {what} vertical differences alone", down.mean()
        yield f"the weight times the mean of {what} horizontal differences alone", across.mean()
        wrapped = [each(np.roll(x, -1, axis) - x) for axis in (0, 1)]
        yield f"the weight times the sum of {what} differences that go round the edge", sum(map(np.sum, wrapped))
        yield f"the weight times the means of {what} differences that go round the edge", sum(map(np.mean, wrapped))
        inner = down[:, :-1].sum() + across[:-1].sum()
        yield f"the weight times the sum of {what} differences without the last row and column", inner
        inner_means = down[:, :-1].mean() + across[:-1].mean()
        yield f"the weight times the means of {what} differences without the last row and column", inner_means
        padded = np.pad(x, ((0, 1), (0, 1), (0, 0)))
        beyond = [each(np.diff(padded, axis=axis)) for axis in (0, 1)]
        yield f"the weight times the sum of {what} differences, with zeros beyond the edge", sum(map(np.sum, beyond))
        along = each(np.diff(x, axis=2)).sum()
        for sides, summed in (("rows", down.sum()), ("columns", across.sum())):
            yield f"the weight times the sum of {what} differences between {sides} and between channels", summed + along
    yield from _of_a_power(dy**2, dx**2)
    yield from _isotropic(dy[:, :-1] ** 2 + dx[:-1] ** 2)
    by_channel = (dy[:, :-1] ** 2 + dx[:-1] ** 2).sum(axis=-1)
    yield "the weight times the sum of the gradient's norm over all channels", np.sqrt(by_channel).sum()


def _of_a_power(down: Array, across: Array) -> Iterator[tuple[str, float]]:
    """A power of every squared difference, or of twice those of one direction alone."""
    for power in (1.25, 1.5, 2.0):
        summed = (down**power).sum() + (across**power).sum()
        yield f"the weight times the sum of (dx^2)^{power:g} + (dy^2)^{power:g}", summed
        for words, squares in {"dy": down, "dx": across}.items():
            inner = squares[:, :-1] if words == "dy" else squares[:-1]
            yield f"the weight times the sum of ({words}^2 + {words}^2)^{power:g}", ((2 * inner) ** power).sum()


def _isotropic(squares: Array) -> Iterator[tuple[str, float]]:
    for power in (0.5, 1.0, 1.25, 1.5, 2.0):
        yield f"the weight times the sum of (dx^2 + dy^2)^{power:g}", (squares**power).sum()
        yield f"the weight times the mean of (dx^2 + dy^2)^{power:g}", (squares**power).mean()
    yield "the weight times the root of the sum of dx^2 + dy^2", np.sqrt(squares.sum())


_POWERS = {"absolute": np.abs, "squared": np.square}
