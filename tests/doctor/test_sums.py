"""What a total lacks and a gradient is scaled by, and what follows from it."""

import numpy as np
import pytest
from shallow import shallow

from common import load_weights
from common.doctor import diagnose
from common.oracle import Run, Variant, random_case
from common.tensors import tensor_names


@pytest.fixture(scope="module", params=["gatys", "d2l"])
def case(request):
    return random_case(3, shallow(request.param), load_weights("random"))


@pytest.fixture(scope="module")
def given(case):
    run = Run(case)
    return {name: run.expected(name) for name in tensor_names(case.problem) if not name.startswith(("adam", "lbfgs"))}


def with_terms(case, given, scales):
    """The total and the gradients of a sum of other terms; the terms are handed over as they are."""
    run = Run(case, Variant(term_scale=scales))
    gradients = {name: run.expected(name) for name in given if name.startswith("gradient/")}
    return {**given, **gradients, "loss/total": run.expected("loss/total")}


def test_a_sum_of_one_style_term_alone_is_one_finding(case, given):
    first, second, last = case.problem.recipe.style_taps
    changed = with_terms(case, given, {f"style/{first}": 0.0, f"style/{second}": 0.0})
    findings = diagnose(case, changed, "float64").findings
    assert findings[0].recognised.values["changes"] == (f"without style but for style/{last}",)
    assert len(findings) == 1


@pytest.mark.parametrize("index", [0, 2])
def test_the_gradient_of_a_sum_without_a_term_is_no_second_finding(index, case, given):
    tap = case.problem.recipe.style_taps[index]
    (finding,) = diagnose(case, with_terms(case, given, {f"style/{tap}": 0.0}), "float64").findings
    assert finding.recognised.values["changes"] == (f"without style/{tap}",)


def test_a_gradient_of_another_sum_is_still_found(case, given):
    tap = case.problem.recipe.style_taps[0]
    total = {"loss/total": with_terms(case, given, {f"style/{tap}": 0.0})["loss/total"]}
    gradient = {"gradient/pixels": with_terms(case, given, {"content": 2.0})["gradient/pixels"]}
    tensors = {finding.tensor for finding in diagnose(case, {**given, **total, **gradient}, "float64").findings}
    assert tensors == {"loss/total", "gradient/pixels"}


def test_a_gradient_that_is_clipped_to_a_norm_is_named(case, given):
    gradient = given["gradient/pixels"]
    norm = float(f"{0.3 * np.linalg.norm(gradient):.1g}")
    clipped = norm * gradient / np.linalg.norm(gradient)
    first, *_ = diagnose(case, {**given, "gradient/pixels": clipped}, "float64").findings
    assert first.recognised.sentence == f"it is scaled down to a norm of {norm:.6g}"


def test_a_factor_by_channel_in_the_gradient_is_named_beside_total_variation():
    case = random_case(3, shallow("d2l"), load_weights("random"))
    run = Run(case)
    without = Run(case, Variant(term_scale={"tv": 0.0}))
    tv = run.expected("gradient/pixels") - without.expected("gradient/pixels")
    changed = without.expected("gradient/pixels") * [4.4, 4.5, 4.6] + tv
    given = {name: run.expected(name) for name in ("pixels", "input", "loss/total")}
    (finding,) = diagnose(case, {**given, "gradient/pixels": changed}, "float64").findings
    assert finding.recognised.kind == "gradient by channel"
    np.testing.assert_allclose(finding.recognised.values["factors"], [4.4, 4.5, 4.6], rtol=1e-6)


def test_gram_matrices_over_one_position_less_are_named(case, given):
    sizes = {name: Run(case).expected(name.replace("gram", "features")) for name in given if name.startswith("gram/")}
    positions = {name: it.shape[0] * it.shape[1] for name, it in sizes.items()}
    changed = {name: given[name] * count / (count - 1) for name, count in positions.items()}
    kept = {name: it for name, it in given.items() if name.startswith(("pixels", "input", "features/"))}
    (finding,) = diagnose(case, {**kept, **changed}, "float64").findings
    assert finding.recognised.values["expression"] == "M/(M - 1)"
