"""What an unexplained tensor is instead: another tensor of the reference, that of the other picture, a shorter sum."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

from common.doctor.diagnosis.differences import difference
from common.doctor.reference import Run
from common.tensors import Array, tensor_names

_IS = 1e-5
_FORWARD = ("content/", "style/", "pixels", "input", "features/", "gram/", "target/")
_MOST_LACKING = 2


def mistaken_for(name: str, given: Array, run: Run) -> str:
    """What a port's tensor is in the place of what it should be; empty where that is not known."""
    if name == "loss/total":
        return _shorter_sum(given, run)
    return next((words for words, other in _others(name, given, run) if difference(given, other).relative < _IS), "")


def _others(name: str, given: Array, run: Run) -> Iterator[tuple[str, Array]]:
    if not name.startswith(_FORWARD):
        return
    for other in tensor_names(run.case.problem):
        if other != name and other.startswith(_FORWARD) and (expected := run.expected(other)).shape == given.shape:
            yield f"it is what {other} should be", expected
    if name.startswith("target/"):
        yield "it is that of the other picture", _of_the_other_picture(name, run).expected(name)


def _of_the_other_picture(name: str, run: Run) -> Run:
    """A run in which the picture that a target is of is the other one."""
    case, problem = run.case, run.case.problem
    if name.startswith("target/style/"):
        return Run(replace(case, problem=replace(problem, style=problem.content), style=case.content), run.variant)
    return Run(replace(case, problem=replace(problem, content=problem.style), content=case.style), run.variant)


def _shorter_sum(given: Array, run: Run) -> str:
    terms = {name: float(run.value(f"loss/{name}")) for name in run.terms}
    if given.size != 1:
        return ""
    for count in range(1, _MOST_LACKING + 1):
        for lacking in combinations(terms, count):
            rest = sum(value for name, value in terms.items() if name not in lacking)
            if abs(float(given) - rest) < _IS * abs(rest):
                return f"it is the sum without {' and '.join(lacking)}"
    return ""
