"""Whether a tensor is another one in its place: of another name, of the other picture, of another step."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from common.doctor.diagnosis.findings import Clue
from common.doctor.diagnosis.judge import Judge, difference
from common.oracle import Run
from common.tensors import Array, TensorName, tensor_names

_IS = 1e-5


def in_its_place(name: str, got: Array, judge: Judge) -> Iterator[Clue]:
    """What a port's tensor is in the place of what it should be; at most one clue.

    Judged by what is right: what follows from the port's own wrong tensor, or from a fault, would look like it.
    """
    clues = (clue for clue, expected in _candidates(name, got, judge) if difference(got, expected).relative < _IS)
    if (clue := next(clues, None)) is not None:
        yield clue


def _candidates(name: str, got: Array, judge: Judge) -> Iterator[tuple[Clue, Array]]:
    parsed = TensorName.parse(name)
    if parsed.is_forward:
        yield from _of_the_forward_pass(parsed, name, got, judge.right)
    elif parsed.stage in ("gradient", "optimizer") and got.ndim == judge.right.case.image.ndim:
        yield from _handed_over_twice(name, got, judge)


def _handed_over_twice(name: str, got: Array, judge: Judge) -> Iterator[tuple[Clue, Array]]:
    for tensor, array in judge.given.items():
        alike = TensorName.parse(tensor).stage in ("input", "gradient", "optimizer") and array.shape == got.shape
        if alike and tensor != name and not _should_be_the_same(name, tensor, judge.right):
            yield Clue("same as", {"tensor": tensor}), np.asarray(array, np.float64)


def _of_the_forward_pass(parsed: TensorName, name: str, got: Array, run: Run) -> Iterator[tuple[Clue, Array]]:
    if parsed.kind == "features" and parsed.tap.startswith("conv"):
        yield Clue("after its ReLU", {}), run.computed_layer(parsed.tap.replace("conv", "relu"))
    # Where a ReLU is left out, its map is what its convolution should give, and the network goes on from there.
    own = {name, name.replace("relu", "conv")}
    for tensor in tensor_names(run.case.problem):
        if tensor not in own and TensorName.parse(tensor).is_forward and run.expected(tensor).shape == got.shape:
            yield Clue("another tensor", {"tensor": tensor}), run.expected(tensor)
    for role in ("content", "style") if parsed.kind == "features" and run.case.is_small else ():
        yield Clue("map of a picture", {"role": role}), run.layer_of_picture(role, parsed.tap)
    if parsed.kind in ("target/content", "target/style"):
        yield Clue("the other picture", {}), _of_the_other_picture(name, run).expected(name)


def _should_be_the_same(name: str, other: str, run: Run) -> bool:
    """Whether two tensors are the same in the reference too, as a gradient and that of Adam's first step."""
    expected = run.expected(other)
    return expected.shape == run.expected(name).shape and difference(expected, run.expected(name)).relative < _IS


def _of_the_other_picture(name: str, run: Run) -> Run:
    """A run in which the content and the style picture are exchanged for a target."""
    case, problem = run.case, run.case.problem
    if TensorName.parse(name).role == "style":
        return Run(replace(case, problem=replace(problem, style=problem.content), style=case.content), run.variant)
    return Run(replace(case, problem=replace(problem, content=problem.style), content=case.style), run.variant)
