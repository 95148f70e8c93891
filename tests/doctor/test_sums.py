"""What a total lacks and a gradient is scaled by, and what follows from it."""

from dataclasses import replace

import numpy as np
import pytest
from shallow import shallow

from common import load_weights
from common.doctor import diagnose
from common.oracle import Run, Variant, random_case


@pytest.fixture(scope="module", params=["gatys", "d2l"])
def case(request):
    return random_case(3, shallow(request.param), load_weights("random"))


def with_terms(case, tensors, scales):
    """The total and the gradients of a sum of other terms; the terms are handed over as they are."""
    run = Run(case, Variant(term_scale=scales))
    gradients = {name: run.expected(name) for name in tensors if name.startswith("gradient/")}
    return {**tensors, **gradients, "loss/total": run.expected("loss/total")}


def test_a_sum_of_one_style_term_alone_is_one_finding(case, tensors):
    first, second, last = case.problem.recipe.style_taps
    changed = with_terms(case, tensors, {f"style/{first}": 0.0, f"style/{second}": 0.0})
    findings = diagnose(case, changed, "float64").findings
    assert findings[0].recognised.values["changes"] == (f"without style but for style/{last}",)
    assert len(findings) == 1


@pytest.mark.parametrize("index", [0, 2])
def test_the_gradient_of_a_sum_without_a_term_is_no_second_finding(index, case, tensors):
    tap = case.problem.recipe.style_taps[index]
    (finding,) = diagnose(case, with_terms(case, tensors, {f"style/{tap}": 0.0}), "float64").findings
    assert finding.recognised.values["changes"] == (f"without style/{tap}",)


def test_a_gradient_of_another_sum_is_still_found(case, tensors):
    tap = case.problem.recipe.style_taps[0]
    total = {"loss/total": with_terms(case, tensors, {f"style/{tap}": 0.0})["loss/total"]}
    gradient = {"gradient/pixels": with_terms(case, tensors, {"content": 2.0})["gradient/pixels"]}
    found = {finding.tensor for finding in diagnose(case, {**tensors, **total, **gradient}, "float64").findings}
    assert found == {"loss/total", "gradient/pixels"}


def test_a_gradient_that_is_clipped_to_a_norm_is_named(case, tensors):
    gradient = tensors["gradient/pixels"]
    norm = float(f"{0.3 * np.linalg.norm(gradient):.1g}")
    clipped = norm * gradient / np.linalg.norm(gradient)
    first, *_ = diagnose(case, {**tensors, "gradient/pixels": clipped}, "float64").findings
    assert first.recognised.sentence == f"it is what it should be, scaled down to a norm of {norm:.6g}"


@pytest.mark.parametrize("scale", [0.0, -1.0], ids=["zero", "negative"])
def test_a_gradient_without_its_norm_is_not_clipped(scale, case, tensors):
    norm = float(np.linalg.norm(tensors["gradient/pixels"]))
    changed = scale * 3 * tensors["gradient/pixels"] / norm
    first, *_ = diagnose(case, {**tensors, "gradient/pixels": changed}, "float64").findings
    assert first.recognised is None or first.recognised.kind != "gradient clipped"


def test_a_total_of_zero_is_a_finding_and_no_crash():
    recipe = replace(shallow("gatys"), content_weight=0.0)
    case = random_case(3, recipe, load_weights("random"))
    run = Run(case)
    tensors = {name: run.expected(name) for name in ("pixels", "loss/total", "loss/content/relu2_2")}
    for name, value in (("loss/total", 0.0), ("loss/content/relu2_2", 3.0)):
        assert not diagnose(case, {**tensors, name: np.asarray(value)}, "float64").healthy


def test_a_total_without_two_terms_is_named(case, tensors):
    first, _, last = case.problem.recipe.style_taps
    changed = with_terms(case, tensors, {f"style/{first}": 0.0, "content": 0.0})
    (finding,) = diagnose(case, changed, "float64").findings
    assert set(finding.recognised.values["changes"]) == {f"without style/{first}", "without content"}
    assert last not in finding.evidence


def test_a_factor_of_all_style_terms_in_the_sum_is_one_finding(case, tensors):
    (finding,) = diagnose(case, with_terms(case, tensors, {"style": 7.0}), "float64").findings
    assert finding.recognised.sentence == "it is the sum of the terms with 7 times the style terms"


def test_what_was_excused_before_stays_excused(case, tensors):
    """A gradient that depends on a wrong map has no reference, whatever the total is found to lack."""
    noise = np.random.default_rng(0).uniform(0.5, 1.5, tensors["features/relu2_1"].shape)
    tap = case.problem.recipe.style_taps[0]
    changed = with_terms(case, tensors, {f"style/{tap}": 0.0})
    changed |= {
        "features/relu2_1": tensors["features/relu2_1"] * noise,
        "gradient/pixels": 1.3 * tensors["gradient/pixels"],
    }
    diagnosis = diagnose(case, changed, "float64")
    at_fault = {finding.tensor for finding in diagnosis.findings} | {it for f in diagnosis.findings for it in f.also_in}
    assert [row.name for row in diagnosis.rows if row.verdict == "differs" and row.name not in at_fault] == []


def test_a_part_that_is_divided_by_a_large_number_is_not_left_out(case, tensors):
    tap = case.problem.recipe.content_taps[0]
    name = f"gradient/features/{tap}"
    run = Run(case, Variant(term_scale={f"content/{tap}": 3e-4}), {it: tensors[it] for it in tensors if it != name})
    findings = diagnose(case, {**tensors, name: run.expected(name)}, "float64").findings
    first = next(it for it in findings if it.tensor == name)
    assert "without" not in first.evidence
    assert "0.0003" in first.evidence


def test_a_factor_that_no_weight_is_likely_to_give_is_said_of_no_weight(case, tensors):
    height, width = case.image.shape[:2]
    changed = {name: it / (height * width) for name, it in tensors.items() if name.startswith("loss/style/")}
    first, *_ = diagnose(case, {"pixels": tensors["pixels"], **changed}, "float64").findings
    assert first.evidence.endswith("times what they should be, a factor of 1/(H W)"), first.evidence


def test_a_factor_by_channel_in_the_gradient_is_named_beside_total_variation():
    case = random_case(3, shallow("d2l"), load_weights("random"))
    run = Run(case)
    without = Run(case, Variant(term_scale={"tv": 0.0}))
    tv = run.expected("gradient/pixels") - without.expected("gradient/pixels")
    changed = without.expected("gradient/pixels") * [4.4, 4.5, 4.6] + tv
    tensors = {name: run.expected(name) for name in ("pixels", "input", "loss/total")}
    (finding,) = diagnose(case, {**tensors, "gradient/pixels": changed}, "float64").findings
    assert finding.recognised.kind == "gradient by channel"
    np.testing.assert_allclose(finding.recognised.values["factors"], [4.4, 4.5, 4.6], rtol=1e-6)


def test_gram_matrices_over_one_position_less_are_named(case, tensors):
    sizes = {name: Run(case).expected(name.replace("gram", "features")) for name in tensors if name.startswith("gram/")}
    positions = {name: it.shape[0] * it.shape[1] for name, it in sizes.items()}
    changed = {name: tensors[name] * count / (count - 1) for name, count in positions.items()}
    kept = {name: it for name, it in tensors.items() if name.startswith(("pixels", "input", "features/"))}
    (finding,) = diagnose(case, {**kept, **changed}, "float64").findings
    assert finding.recognised.values["expression"] == "M/(M - 1)"
