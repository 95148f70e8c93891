"""What a porter hands over next: what would place the first difference, or what has not been judged yet."""

from common.doctor.diagnosis.findings import Diagnosis
from common.problem import Problem
from common.tensors import TensorName, tensor_names

_STEPS = {"adam": "adam/1/pixels and those after it", "lbfgs": "lbfgs/pixels, lbfgs/losses and lbfgs/gradients"}


def next_step(diagnosis: Diagnosis, problem: Problem) -> str | None:
    """What to hand over next, as names and a reason; None where all that helps has been handed over."""
    given = {row.name for row in diagnosis.rows}
    missing = [name for name in tensor_names(problem) if name not in given]
    if diagnosis.healthy:
        return _beyond(given)
    unexplained = (it.tensor for it in diagnosis.findings if it.trap is None and it.recognised is None)
    if (first := next(unexplained, None)) is None:
        return None
    parts = _parts(TensorName.parse(first), missing)
    return f"{', '.join(parts)}, which would place the difference of {first}" if parts else None


def _beyond(given: set[str]) -> str | None:
    """What follows from the tensors that are right."""
    if "gradient/pixels" not in given:
        return "gradient/pixels, to have the derivative checked"
    kinds = {name.split("/")[0] for name in given}
    if not kinds & {"adam", "lbfgs"}:
        return f"{_STEPS['adam']}, or {_STEPS['lbfgs']}, to have the optimizer checked"
    return None if "saved" in given else "saved, the bytes of the picture file, to have the saving checked"


def _parts(wrong: TensorName, missing: list[str]) -> list[str]:
    """The missing tensors that the wrong one is computed from, as names with stars."""
    if wrong.kind == "loss/total":
        return _starred(missing, "loss/content", "loss/style", "loss/tv")
    if wrong.kind == "loss/style":
        return _at(missing, f"gram/{wrong.tap}", f"target/style/{wrong.tap}")
    if wrong.kind == "loss/content":
        return _at(missing, f"features/{wrong.tap}", f"target/content/{wrong.tap}")
    if wrong.kind.startswith("target/"):
        return _at(missing, f"{wrong.role}/decoded", f"{wrong.role}/resized")
    if wrong.kind in ("gram", "features"):
        return _starred(missing, "pixels", "input", "features")
    if wrong.kind == "gradient/pixels":
        return _starred(missing, "loss/total", "loss/content", "loss/style", "loss/tv", "gradient/features")
    return _starred(missing, "gradient/pixels") if wrong.stage == "optimizer" else []


def _at(missing: list[str], *names: str) -> list[str]:
    return [name for name in names if name in missing]


def _starred(missing: list[str], *kinds: str) -> list[str]:
    """Each kind of which a tensor is missing, once."""
    missed = {TensorName.parse(name).kind: name for name in missing}
    return [kind if missed[kind] == kind else f"{kind}/*" for kind in kinds if kind in missed]
