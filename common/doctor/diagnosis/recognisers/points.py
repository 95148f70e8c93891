"""Which L-BFGS evaluated at the points that are handed over: SciPy's with other settings, or PyTorch's own."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import chain, islice
from typing import Any

import numpy as np

from common.doctor.diagnosis.findings import Clue
from common.doctor.diagnosis.judge import Judge, difference
from common.oracle import Run
from common.recipes import lbfgs_of
from common.tensors import LBFGS_EVALUATIONS, Array

_FLOAT32 = 2.0**-24
_FEWEST = 3
_NEARER = 0.1
_SHOWN = 10.0  # times its rounding: a step that is shorter shows nothing
_ORDERS = {"channel, height, width": (2, 0, 1), "channel, width, height": (2, 1, 0)}
_RATES = (1.0, 0.1, 0.5, 0.01, 10.0, 2.0)
_COUNTS = (1, 2, 3, 4, 5, 8, 10, 12, 15, 20)
_MEMORIES = (3, 5, 7, 10, 17, 20, 30, 50, 100)

Answer = Callable[[Array], tuple[float, Array]]
Minimise = Callable[[Answer, Array], Any]
Answers = list[tuple[float, Array]]


class _NoMoreAnswersError(Exception):
    pass


def rule_of_points(name: str, got: Array, judge: Judge) -> Iterator[Clue]:
    """The optimizer that evaluates at the port's points when it is given the port's own answers; at most one clue."""
    run, tolerance = judge.own, judge.tolerance(name)
    losses, gradients = run.given.get("lbfgs/losses"), run.given.get("lbfgs/gradients")
    if name != "lbfgs/pixels" or losses is None or gradients is None or got.ndim < 2 or len(got) < _FEWEST:
        return
    if got.shape[1:] != run.case.image.shape:
        return
    points = np.asarray(got, np.float64).reshape(len(got), -1)
    flat = (np.asarray(gradient, np.float64).ravel() for gradient in gradients)
    answers = [(float(loss), gradient) for loss, gradient in zip(losses, flat, strict=False)]
    if len(answers) < _FEWEST:
        return
    memory = lbfgs_of(run.case.problem.recipe).memory
    if _fits(_scipy(memory), points, answers, tolerance):
        if len(points) < LBFGS_EVALUATIONS:
            yield Clue("L-BFGS end", {"count": len(points)})
        return
    clues = chain(
        _in_another_order(points, answers, got.shape[1:], memory, tolerance),
        _with_other_settings(points, answers, run, tolerance),
        _restarts(points, answers, memory, tolerance),
        _first_step_of_pytorch(points, answers[0][1], tolerance),
    )
    yield from islice(clues, 1)


def _in_another_order(
    points: Array, answers: Answers, shape: tuple[int, ...], memory: int, tolerance: float
) -> Iterator[Clue]:
    for order, axes in _ORDERS.items():
        flattened = [(loss, gradient.reshape(shape).transpose(axes).ravel()) for loss, gradient in answers]
        if _fits(_scipy(memory), points, flattened, tolerance):
            yield Clue("L-BFGS order", {"order": order})


def _with_other_settings(points: Array, answers: Answers, run: Run, tolerance: float) -> Iterator[Clue]:
    for kind, values, optimizers in _families(run, lbfgs_of(run.case.problem.recipe).memory):
        fitting = [size for size, run_it in optimizers if _fits(run_it, points, answers, tolerance)]
        if fitting:  # the memory is told only where several were tried
            yield Clue(kind, {**values, "memory": _in_words(fitting)} if len(optimizers) > 1 else values)


def _restarts(points: Array, answers: Answers, memory: int, tolerance: float) -> Iterator[Clue]:
    limits = [{name: count} for name in ("maxfun", "maxiter") for count in _COUNTS]
    restarts = [limit for limit in limits if _fits(_restarted(memory, limit), points, answers, tolerance)]
    if restarts:
        words = (f"{name}={count}" for limit in restarts for name, count in limit.items())
        yield Clue("L-BFGS restarts", {"limit": " or ".join(words)})


def answers_late(name: str, got: Array, judge: Judge) -> Iterator[Clue]:
    """Whether the losses or gradients of L-BFGS are each that of the point before; at most one clue."""
    if name not in ("lbfgs/losses", "lbfgs/gradients"):
        return
    expected, bound = judge.own.expected(name), judge.tolerance(name)
    if got.ndim != expected.ndim or min(len(got), len(expected)) < _FEWEST:
        return
    count = min(len(got), len(expected))
    late, right = expected[: count - 1], expected[1:count]
    from_late, from_right = (difference(got[1:count], it).relative for it in (late, right))
    if from_late <= min(bound, _NEARER * from_right):  # of points that are near each other, both fit
        yield Clue("answers late", {})


def _first_step_of_pytorch(points: Array, gradient: Array, tolerance: float) -> Iterator[Clue]:
    """Whether the first step alone is that of PyTorch's L-BFGS: with a line search the later ones are others."""
    step, rounding = points[1] - points[0], _FLOAT32 * float(np.linalg.norm(points[1]))
    total = float(np.abs(gradient).sum())
    if total <= 1:  # then it is a step of plain descent, too
        return
    of_rate_1 = -gradient / total
    for rate in _RATES:
        if float(np.linalg.norm(step - rate * of_rate_1)) <= tolerance * float(np.linalg.norm(step)) + rounding:
            if float(np.linalg.norm(step)) > _SHOWN * rounding:
                yield Clue("PyTorch's first step", {"rate": rate})
            return


def _in_words(memories: list[int]) -> str:
    """The memory; one that is larger than the number of steps cannot be told from a larger one."""
    smaller = [size for size in _MEMORIES if size < min(memories)]
    return f"more than {max(smaller, default=0)}" if _MEMORIES[-1] in memories else str(memories[0])


def _fits(run_it: Minimise, points: Array, answers: Answers, tolerance: float) -> bool:
    seen = _points_of(run_it, points[0], answers)
    count = min(len(seen), len(points))
    if count < min(len(points), len(answers) + 1):
        return False
    steps = np.linalg.norm(points[1:count] - points[:1], axis=1)
    off = np.linalg.norm(seen[1:count] - points[1:count], axis=1)
    # A variable in float32 cannot hold the first small step more exactly.
    in_float32 = np.array_equal(points.astype(np.float32), points)
    rounding = _FLOAT32 * np.linalg.norm(points[1:count], axis=1) if in_float32 else 0.0
    return bool((off <= tolerance * steps + rounding).all())


def _points_of(run_it: Minimise, start: Array, answers: Answers) -> Array:
    seen: list[Array] = []

    def answer(point: Array) -> tuple[float, Array]:
        seen.append(np.array(point, np.float64))
        if len(seen) > len(answers):
            raise _NoMoreAnswersError
        return answers[len(seen) - 1]

    with suppress(_NoMoreAnswersError):
        run_it(answer, start.copy())
    return np.stack(seen)


def _families(run: Run, right: int) -> Iterator[tuple[str, dict[str, Any], list[tuple[int, Minimise]]]]:
    """Optimizers by kind and setting, each with some sizes of its memory."""
    others = [(size, _scipy(size)) for size in _MEMORIES if size != right]
    yield "L-BFGS memory", {"right": right}, others
    low_rgb, high_rgb = (limit.ravel() for limit in run.maps.range_of_rgb(run.case.image.shape))
    bounds = list(zip(low_rgb.tolist(), high_rgb.tolist(), strict=True))
    yield "L-BFGS bounds", {"range": "the range of RGB"}, [(right, _scipy(right, bounds))]
    for low, high in ((0.0, 255.0), (0.0, 1.0), (-1.0, 1.0), (-127.5, 127.5)):
        words = f"{low:g} to {high:g}"
        yield "L-BFGS bounds", {"range": words}, [(right, _scipy(right, [(low, high)] * low_rgb.size))]
    for lines in (1, 5, 10, 50):
        yield "L-BFGS line search", {"most": lines}, [(right, _scipy(right, None, lines))]
    for rate in _RATES:
        for words, limits in {"": None, ", clamped to the range of RGB": (low_rgb, high_rgb)}.items():
            sizes = [(size, _torch(rate, size, limits)) for size in _MEMORIES]
            yield "PyTorch's L-BFGS", {"rate": rate, "clamped": words}, sizes
    yield "plain descent", {}, [(0, _descend)]


def _scipy(memory: int, bounds: Any = None, lines: int = 20, **limits: int) -> Minimise:
    from scipy.optimize import fmin_l_bfgs_b  # here, since SciPy takes longer to import than most checks

    settings = {"m": memory, "bounds": bounds, "maxls": lines, "factr": 0.0, "pgtol": 0.0, **limits}
    return lambda answer, start: fmin_l_bfgs_b(answer, start, **settings)


def _restarted(memory: int, limit: dict[str, int]) -> Minimise:
    """SciPy's, called again and again, each time with an empty memory."""
    once = _scipy(memory, **limit)

    def minimise(answer: Answer, point: Array) -> None:
        while True:
            point, *_ = once(answer, point)

    return minimise


def _torch(rate: float, memory: int, limits: tuple[Array, Array] | None) -> Minimise:
    """PyTorch's L-BFGS without a line search, as `torch.optim.LBFGS` documents its steps; `limits` clamp each."""

    def minimise(answer: Answer, point: Array) -> None:
        moves: list[Array] = []
        changes: list[Array] = []
        _, gradient = answer(point)
        scale, first = 1.0, True
        while True:
            direction = _two_loops(gradient, moves, changes, scale)
            length = min(1.0, 1.0 / float(np.abs(gradient).sum())) * rate if first else rate
            move = length * direction
            point, before, first = point + move, gradient, False
            point = point if limits is None else np.clip(point, *limits)
            _, gradient = answer(point)
            change = gradient - before
            if float(change @ move) > 1e-10:
                moves, changes = [*moves, move][-memory:], [*changes, change][-memory:]
                scale = float(change @ move) / float(change @ change)

    return minimise


def _two_loops(gradient: Array, moves: list[Array], changes: list[Array], scale: float) -> Array:
    """The two-loop recursion (Nocedal 1980)."""
    weights, rest = [], -gradient
    for move, change in zip(reversed(moves), reversed(changes), strict=True):
        weights.append(float(move @ rest) / float(change @ move))
        rest = rest - weights[-1] * change
    rest = scale * rest
    for move, change, weight in zip(moves, changes, reversed(weights), strict=True):
        rest = rest + (weight - float(change @ rest) / float(change @ move)) * move
    return np.asarray(rest)


def _descend(answer: Answer, point: Array) -> None:
    while True:
        _, gradient = answer(point)
        point = point - gradient
