"""Claims in closed form: what is planted in a tensor, in plain NumPy, is what the doctor says of it."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.lib.stride_tricks import sliding_window_view
from shallow import shallow

from common import load_weights
from common.doctor import diagnose
from common.doctor.diagnosis.recognisers.sizes import expression
from common.doctor.hypotheses import hypotheses
from common.oracle import RIGHT, Run, Substitute, forward, random_case
from common.recipes import adam_of
from common.tensors import tensor_names
from common.vgg19 import cut


@pytest.fixture(scope="module", params=["gatys", "d2l"])
def healthy(request):
    """A case of a recipe, and all its tensors as a port without a fault hands them over."""
    case = random_case(3, shallow(request.param), load_weights("random"))
    run = Run(case)
    return case, {name: np.asarray(run.expected(name)).astype(np.float32) for name in tensor_names(case.problem)}


def channels(feature):
    return feature.reshape(-1, feature.shape[-1]).astype(np.float64)


def gram(feature):
    flat = channels(feature)
    return flat.T @ flat / len(flat)


def centred(feature):
    flat = channels(feature)
    flat = flat - flat.mean(axis=0)
    return flat.T @ flat / len(flat)


def cosine(feature):
    matrix = gram(feature)
    norms = np.sqrt(np.diag(matrix))
    return matrix / np.outer(norms, norms)


def roots(given):
    return {name: np.sqrt(term) for name, term in given.items() if name.startswith("loss/style/")}


def in_levels(feature):
    top = float(feature.max())
    return np.rint(feature / top * 255) / 255 * top


def descent(given, adam):
    """Gradient descent from the gradients that are handed over, at the points that they belong to."""
    points, point = {}, given["pixels"].astype(np.float64)
    for step in range(1, 6):
        point = point - adam.rate_at(step - 1) * given[f"adam/{step}/gradient"]
        points[f"adam/{step}/pixels"] = point
    return points


PLANTED = {
    "a Gram matrix three times too large": (
        lambda it: {f"gram/{tap}": 3 * it[f"gram/{tap}"] for tap in ("relu1_1", "relu2_1", "relu3_1")},
        ("plain factor", {}),
    ),
    "a Gram matrix of another layer": (
        lambda it: {"gram/relu2_1": 255 * gram(it["features/relu2_2"])},
        ("Gram of another layer", {"layer": "relu2_2", "tap": "relu2_1", "factor": "255"}),
    ),
    "a covariance": (
        lambda it: {"gram/relu2_1": centred(it["features/relu2_1"])},
        ("Gram form", {"form": "the covariance: the mean of each channel is subtracted", "factor": "1"}),
    ),
    "a cosine": (
        lambda it: {"gram/relu1_1": cosine(it["features/relu1_1"])},
        ("Gram form", {"form": "the cosine of channels: each channel is divided by its norm", "factor": "1"}),
    ),
    "the upper half": (
        lambda it: {"gram/relu1_1": np.triu(it["gram/relu1_1"])},
        ("Gram form", {"form": "the upper half alone", "factor": "1"}),
    ),
    "roots of the style terms": (roots, ("power", {"of": "the square root"})),
    "a total without a term": (
        lambda it: {"loss/total": it["loss/total"] - it["loss/style/relu3_1"]},
        ("sum of other terms", {"changes": ("without style/relu3_1",)}),
    ),
    "a total with a term twice": (
        lambda it: {"loss/total": it["loss/total"] + it["loss/style/relu2_1"]},
        ("sum of other terms", {"changes": ("with twice style/relu2_1",)}),
    ),
    "a clipped input": (
        lambda it: {"input": np.clip(it["input"], np.quantile(it["input"], 0.1), np.quantile(it["input"], 0.8))},
        ("clipped", {}),
    ),
    "a map moved by a column": (
        lambda it: {"features/relu1_1": np.roll(it["features/relu1_1"], 1, axis=1)},
        ("moved", {"shift": "+1", "axis": "columns", "edge": "round the edge"}),
    ),
    "a map that is upside down": (
        lambda it: {"features/relu2_2": it["features/relu2_2"][::-1]},
        ("turned", {"how": "upside down"}),
    ),
    "a map that is mirrored": (
        lambda it: {"features/relu2_2": it["features/relu2_2"][:, ::-1]},
        ("turned", {"how": "with its left and right exchanged"}),
    ),
    "a map of exchanged height and width": (
        lambda it: {"features/relu2_2": it["features/relu2_2"].transpose(1, 0, 2)},
        ("exchanged", {}),
    ),
    "a leaky ReLU": (
        lambda it: {"features/relu2_1": np.where((x := it["features/conv2_1"]) > 0, x, 0.2 * x)},
        ("another layer", {"what": "a leaky ReLU with slope 0.2", "layer": "it"}),
    ),
    "a map whose memory is labelled wrongly": (
        lambda it: {"features/relu2_2": (x := it["features/relu2_2"]).transpose(2, 0, 1).reshape(x.shape)},
        ("memory order", {"order": "(C, H, W) labelled (H, W, C)"}),
    ),
    "a map in 256 levels": (
        lambda it: {"features/relu2_2": in_levels(it["features/relu2_2"])},
        ("levels", {"count": 256, "low": 0.0}),
    ),
    "a map of three significant digits": (
        lambda it: {"features/relu2_2": np.vectorize(lambda x: float(f"{x:.3g}"))(it["features/relu2_2"])},
        ("decimals", {"digits": 3, "what": "significant digits"}),
    ),
    "channels that are scaled": (
        lambda it: {"features/relu2_2": it["features/relu2_2"] * np.linspace(0.5, 2, it["features/relu2_2"].shape[-1])},
        ("by channel", {"plus": ""}),
    ),
    "an odd factor": (lambda it: {"features/relu2_2": 0.1234567 * it["features/relu2_2"]}, ("scaled", {})),
    "the other picture's target": (
        lambda it: {"target/content/relu2_2": it["features/relu2_2"]},
        ("another tensor", {"tensor": "features/relu2_2"}),
    ),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_what_is_planted_is_what_is_said(planted, healthy):
    change, (kind, values) = PLANTED[planted]
    case, given = healthy
    changed = {name: np.asarray(array, np.float32) for name, array in change(given).items()}
    diagnosis = diagnose(case, {**given, **changed})
    first = diagnosis.findings[0]
    assert first.trap is None, first
    assert first.tensor == next(iter(changed))
    assert first.recognised.kind == kind
    assert {name: first.recognised.values[name] for name in values} == values
    assert first.fix


def test_the_rule_of_all_steps_is_one_finding(healthy):
    case, given = healthy
    points = descent(given, adam_of(case.problem.recipe))
    steps = {name: it for name, it in given.items() if not name.startswith(("lbfgs/", "adam/"))}
    steps |= {name: it for name, it in given.items() if name.startswith("adam/") and name.endswith("gradient")}
    first, *_ = diagnose(case, {**steps, **{name: it.astype(np.float32) for name, it in points.items()}}).findings
    assert (first.tensor, first.recognised.kind) == ("adam/1/pixels", "optimizer")
    assert first.recognised.values["name"] == "plain gradient descent"


def test_a_dump_in_float16_is_said_at_once(healthy):
    case, given = healthy
    with np.errstate(over="ignore"):
        short = {name: it.astype(np.float16).astype(np.float32) for name, it in given.items()}
    near, *others = diagnose(case, short).findings
    assert near.recognised.sentence == "its values are what they should be, stored in float16"
    assert len(near.also_in) > 15
    assert {finding.recognised.kind for finding in others} <= {"all of a format"}  # what rounded inputs made of them


def test_what_is_no_number_is_one_finding_and_nothing_else(healthy):
    case, given = healthy
    late = [name for name in given if not name.startswith(("content/", "style/", "pixels", "input"))]
    diagnosis = diagnose(case, {**given, **{name: np.full_like(given[name], np.nan) for name in late}})
    (finding,) = diagnosis.findings
    assert (finding.tensor, finding.recognised.kind) == (late[0], "not finite")


@pytest.mark.parametrize("scale", [1.0, 1e20, 1e-25])
def test_noise_is_neither_the_absolute_value_nor_zero(scale, healthy):
    """Squares of large float16 and float32 values overflow, and those of tiny values vanish."""
    case, given = healthy
    noise = np.random.default_rng(0).uniform(0.5, 1.5, given["features/relu1_1"].shape)
    kind = np.float16 if scale == 1 else np.float32
    changed = (40 * scale * noise * given["features/relu1_1"]).astype(kind)
    kinds = {clue.kind for it in diagnose(case, {"features/relu1_1": changed}).findings for clue in it.clues}
    assert not kinds & {"power", "all zero", "stored in"}


def test_eight_bits_over_256_are_not_called_bfloat16(healthy):
    case, given = healthy
    decoded = np.rint(given["content/decoded"] * 255) / 256
    (finding,) = diagnose(case, {"content/decoded": decoded.astype(np.float32)}).findings
    assert finding.recognised is None or finding.recognised.kind not in ("stored in", "all of a format")


def test_points_that_end_early_are_said_to_end(healthy):
    case, _ = healthy
    run = Run(case)
    points = run.expected("lbfgs/pixels")[:6]
    at_points = [run.at(point) for point in points]
    answers = {
        "lbfgs/losses": np.array([float(it.expected("loss/total")) for it in at_points]),
        "lbfgs/gradients": np.stack([it.expected("gradient/pixels") for it in at_points]),
    }
    first, *_ = diagnose(case, {"pixels": run.expected("pixels"), "lbfgs/pixels": points, **answers}).findings
    assert first.trap is not None or first.recognised.sentence.startswith("the 6 points are those of SciPy's")


@pytest.mark.parametrize(("clamped", "searched"), [(False, None), (True, None), (False, "strong_wolfe")])
def test_the_points_of_pytorchs_lbfgs_are_named_in_float32(clamped, searched, healthy):
    case, _ = healthy
    run, points, losses, gradients = Run(case), [], [], []
    black, white = (run.maps.to_pixels(np.full(case.image.shape, level)) for level in (0.0, 1.0))
    low, high = (torch.tensor(it, dtype=torch.float32) for it in (np.minimum(black, white), np.maximum(black, white)))
    variable = torch.tensor(run.expected("pixels"), dtype=torch.float32, requires_grad=True)

    def closure():
        if clamped:
            variable.data = torch.clamp(variable.data, low, high)
        points.append(variable.detach().numpy().copy())
        at = run.at(points[-1].astype(np.float64))
        losses.append(float(at.expected("loss/total")))
        gradients.append(at.expected("gradient/pixels").astype(np.float32))
        variable.grad = torch.tensor(gradients[-1])
        return torch.tensor(losses[-1])

    settings = {"max_iter": 8, "tolerance_grad": 0, "tolerance_change": 0, "line_search_fn": searched}
    torch.optim.LBFGS([variable], **settings).step(closure)
    given = {"lbfgs/pixels": points, "lbfgs/losses": losses, "lbfgs/gradients": gradients}
    first, *_ = diagnose(case, {"pixels": points[0], **{name: np.array(it) for name, it in given.items()}}).findings
    assert first.recognised.kind == ("PyTorch's first step" if searched else "PyTorch's L-BFGS")
    assert first.recognised.values["rate"] == 1
    assert clamped or searched or first.recognised.values["clamped"] == ""


def test_whole_numbers_are_not_called_float16(healthy):
    """Pixels that were rounded to whole numbers can be held by float16 too."""
    case, given = healthy
    image = (np.rint(case.image * 255) / 255).astype(np.float32)
    changed = {"pixels": case.problem.pixels(image), "saved": np.full_like(given["saved"], 7)}
    kinds = {clue.kind for finding in diagnose(case, {**given, **changed}).findings for clue in finding.clues}
    assert "stored in" not in kinds


def linear(rgb):
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


@pytest.mark.parametrize(
    ("planted", "words"),
    [
        (lambda case: 255 * case.image[..., ::-1], "the image as it is, BGR in 0..255 with nothing subtracted"),
        (lambda case: case.problem.pixels(linear(case.image).astype(np.float32)), "the image in linear light"),
        (lambda case: case.problem.pixels(case.problem.content), "the content picture as it is"),
        (lambda case: case.problem.pixels((np.rint(case.image * 255) / 255).astype(np.float32)), "8 bits"),
    ],
    ids=["means not subtracted", "linear", "the content", "8 bits"],
)
def test_a_wrong_variable_is_never_what_is_computed_from_it(planted, words, healthy):
    """In the caffe space the input is the variable: what follows from a wrong one is no reference for it."""
    case, given = healthy
    diagnosis = diagnose(case, {**given, "pixels": np.asarray(planted(case), np.float32)})
    first = diagnosis.findings[0]
    assert first.tensor == "pixels"
    assert words in first.evidence or first.trap is not None
    assert all("what input should be" not in finding.evidence for finding in diagnosis.findings)


def test_grams_in_a_norm_of_their_own_leave_the_optimizers_rows_alone(healthy):
    case, given = healthy
    changed = {name: it / len(it) for name, it in given.items() if name.startswith(("gram/", "target/style/"))}
    diagnosis = diagnose(case, {**given, **changed})
    assert [finding.trap.number for finding in diagnosis.findings if not finding.harmless] == [18]
    harmless = {finding.tensor for finding in diagnosis.findings if finding.harmless}
    rows = [row for row in diagnosis.rows if row.name.startswith(("adam/", "lbfgs/")) and row.name not in harmless]
    assert {row.name for row in rows if row.verdict != "same" or row.from_own.relative > row.tolerance} == set()


def test_a_pool_of_another_window_is_not_an_odd_edge_rounded_up(healthy):
    """3x3 windows with stride 2, padded by 1, have the shapes of 2x2 windows that round up."""
    case, given = healthy
    run, x, features = Run(case), given["input"].astype(np.float64), {}
    for layer in cut(case.problem.recipe.taps):
        if layer.kind == "pool":
            padded = np.pad(x, ((1, 1), (1, 1), (0, 0)), constant_values=-np.inf)
            x = sliding_window_view(padded, (3, 3), (0, 1))[::2, ::2].max(axis=(-1, -2))
        else:
            x = forward(layer, x, run.network, run.variant)
        features[f"features/{layer.name}"] = x.astype(np.float32)
    only_relus = {name: it for name, it in features.items() if "relu" in name}
    findings = diagnose(case, {"pixels": given["pixels"], "input": given["input"], **only_relus}).findings
    assert [finding.trap for finding in findings] == [None] * len(findings)
    assert findings[0].evidence == "every pool is a 3x3 max pool with stride 2, padded by 1 and 1"


TV_FORMS = {
    "absolute differences that go round the edge": lambda x: sum(np.abs(np.roll(x, 1, it) - x).sum() for it in (0, 1)),
    "squared vertical differences alone": lambda x: (np.diff(x, axis=0) ** 2).sum(),
    "(dx^2 + dy^2)^0.5": lambda x: np.hypot(np.diff(x, axis=0)[:, :-1], np.diff(x, axis=1)[:-1]).sum(),
}


@pytest.mark.parametrize("form", TV_FORMS)
def test_another_total_variation_is_named(form):
    case = random_case(3, shallow("d2l"), load_weights("random"))
    pixels = case.problem.pixels(case.image).astype(np.float64)
    term = case.problem.recipe.tv_weight * TV_FORMS[form](pixels)
    first = diagnose(case, {"pixels": pixels, "loss/tv": np.asarray(term)}).findings[0]
    assert first.trap is not None or form in first.recognised.sentence, first.evidence


def halved(x):
    shape = x.shape[0] // 2, x.shape[1] // 2
    resized = torch.nn.functional.interpolate(torch.tensor(x).permute(2, 0, 1)[None], shape, mode="bilinear")
    return resized[0].permute(1, 2, 0).numpy()


FUNCTIONS = {
    "every ReLU is a leaky ReLU with slope 0.2": ("relu", lambda x: np.where(x > 0, x, 0.2 * x)),
    "every pool is every second position from row 0 and column 0": ("pool", lambda x: x[::2, ::2]),
    "every pool is a resize to half the size by bilinear, not antialiased": ("pool", halved),
}


@pytest.mark.parametrize("words", FUNCTIONS)
def test_what_takes_the_place_of_layers_is_found_by_gram_matrices_alone(words, healthy):
    case, given = healthy
    kind, function = FUNCTIONS[words]
    run, x, grams = Run(case), Run(case).expected("input"), {}
    for layer in cut(case.problem.recipe.taps):
        x = function(x) if layer.kind == kind else forward(layer, x, run.network, run.variant)
        if f"gram/{layer.name}" in given:
            grams[f"gram/{layer.name}"] = gram(x)
    (finding,) = diagnose(case, {"pixels": given["pixels"], "input": given["input"], **grams}).findings
    assert finding.recognised.sentence == words


def test_the_gradient_follows_another_activation(healthy):
    """What is found forward is taken over: a gradient by it is right, and one without it is not."""
    case, given = healthy
    slope = {layer.name: 0.2 for layer in cut(case.problem.recipe.taps) if layer.kind == "relu"}
    leaky = {name: Substitute(lambda x: np.where(x > 0, x, 0.2 * x), by_value=True) for name in slope}
    port = Run(case, replace(RIGHT, substitutes=leaky))
    names = [name for name in given if name.startswith(("pixels", "input", "gram/", "target/", "loss/", "gradient/"))]
    found = diagnose(case, {name: np.asarray(port.expected(name)).astype(np.float32) for name in names})
    assert [finding.recognised.sentence for finding in found.findings] == [next(iter(FUNCTIONS))]
    assert {row.verdict for row in found.rows if row.name.startswith("gradient/")} <= {"inherits"}


def port_with(case, trap, *starts):
    """The tensors of the reference with the first fault of a trap that acts on the image, in float32."""
    fault = next(it for it in hypotheses(case) if it.trap == trap and it.stage in ("input", "network"))
    port = Run(case, RIGHT.changed(fault.changes))
    names = [name for name in tensor_names(case.problem) if name.startswith(starts)]
    return {name: np.asarray(port.expected(name)).astype(np.float32) for name in names}


def test_a_later_mistake_does_not_hide_a_trap_of_the_input(healthy):
    case, _ = healthy
    given = port_with(case, 1, "input", "gram/")
    sums = {name: it * 7.25 for name, it in given.items() if name.startswith("gram/")}
    assert diagnose(case, {**given, **sums}).findings[0].trap.number == 1


def test_an_earlier_mistake_does_not_hide_a_trap_of_the_network(healthy):
    """Another JPEG decoder explains nothing of the network, and is no reason not to look there."""
    case, given = healthy
    noise = np.random.default_rng(0).uniform(-2, 2, given["style/decoded"].shape) / 255
    features = port_with(case, 12, "features/relu1", "features/relu2_1")
    decoded = {"style/decoded": (given["style/decoded"] + noise).astype(np.float32)}
    numbers = [finding.trap and finding.trap.number for finding in diagnose(case, {**decoded, **features}).findings]
    assert numbers == [None, 12]


def test_a_single_wrong_term_is_no_weight(healthy):
    case, given = healthy
    diagnosis = diagnose(case, {"loss/style/relu1_1": 1.2345678 * given["loss/style/relu1_1"]})
    assert "weight" not in {clue.kind for finding in diagnosis.findings for clue in finding.clues}


def test_all_terms_of_a_kind_are_off_by_their_weight(healthy):
    case, given = healthy
    terms = {name: 0.1 * it for name, it in given.items() if name.startswith("loss/style/")}
    (finding,) = diagnose(case, {**given, **terms}).findings
    assert (finding.recognised.kind, finding.recognised.values["terms"]) == ("weight", "style")
    assert finding.recognised.values["factor"] == pytest.approx(0.1, rel=1e-6)


DERIVATIVES = {
    "each ReLU drops negative gradients too (guided backpropagation)": torch.nn.functional.relu,
    "each ReLU passes the whole gradient": lambda gradient: gradient,
}


@pytest.mark.parametrize("words", DERIVATIVES)
def test_another_derivative_of_relus_is_named(words):
    """PyTorch computes the gradient, with a ReLU whose derivative is another."""
    case = random_case(3, shallow("gatys"), load_weights("random"))
    run, change = Run(case), DERIVATIVES[words]

    class Other(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x.clamp(min=0)

        @staticmethod
        def backward(ctx, gradient):
            (x,) = ctx.saved_tensors
            return change(gradient) * ((x > 0) if "negative" in words else torch.ones_like(x))

    pixels = torch.tensor(np.asarray(run.expected("pixels"), np.float64), requires_grad=True)
    gradient = torch.autograd.grad(torch_loss(case, run, pixels, Other.apply), pixels)[0].numpy()
    given = {"pixels": run.expected("pixels"), "loss/total": run.expected("loss/total"), "gradient/pixels": gradient}
    (finding,) = diagnose(case, {name: np.asarray(it) for name, it in given.items()}).findings
    assert finding.recognised.sentence == words


def torch_loss(case, run, pixels, relu):
    """The Gatys loss of a variable in the caffe space, by torch.nn.functional."""
    x, network, loss = pixels.permute(2, 0, 1)[None], run.network, 0
    for layer in cut(case.problem.recipe.taps):
        if layer.kind == "conv":
            kernel = torch.tensor(network.weights.kernels_hwio[layer.name].astype(np.float64)).permute(3, 2, 0, 1)
            bias = torch.tensor(network.weights.biases[layer.name].astype(np.float64))
            x = torch.nn.functional.conv2d(x, kernel, bias, padding=1)
        else:
            x = relu(x) if layer.kind == "relu" else torch.nn.functional.avg_pool2d(x, 2)
        for role, k in (("content", run.coefficients.content), ("style", run.coefficients.style)):
            if layer.name in k:
                loss = loss + torch_term(run, role, layer.name, x)
    return loss


def torch_term(run, role, tap, x):
    target = torch.tensor(np.asarray(run.expected(f"target/{role}/{tap}")))
    if role == "content":
        return run.coefficients.content[tap] * ((x[0].permute(1, 2, 0) - target) ** 2).sum()
    flat = x[0].flatten(1)
    return run.coefficients.style[tap].k * ((flat @ flat.T / flat.shape[1] - target) ** 2).sum()


TAPS = [(64.0, 1258.0), (128.0, 306.0), (256.0, 72.0), (512.0, 16.0), (512.0, 4.0)]


@pytest.mark.parametrize(
    ("factors", "words"),
    [
        ([(1 / 64, {"C": 64.0, "M": 300.0}), (1 / 128, {"C": 128.0, "M": 75.0})], "1/C"),
        ([(300.0 / 64, {"C": 64.0, "M": 300.0})], "M/C"),
        ([(-(64.0**2), {"C": 64.0})], "-C^2"),
        ([(np.sqrt(300.0), {"M": 300.0})], "sqrt(M)"),
        ([(1.25, {"L": 5.0, "L/(L - 1)": 1.25, "2": 2.0})] * 2, "L/(L - 1)"),
        ([(1.25, {"L/(L - 1)": 1.25})], "None"),
        ([(0.125, {"M": 16.0, "2": 2.0})], "None"),
        ([(10.0, {"the style weight": 100.0, "the tv weight": 10.0})], "the tv weight"),
        ([(10.0, {"the style weight": 100.0})], "None"),
        ([(c**-4.0, {"C": c, "M": m}) for c, m in TAPS], "1/C^4"),
        (
            [((3 * 1258.0 / c / m) ** 2, {"C": c, "M": m, "3": 3.0, "H W": 1258.0, "3 H W": 3774.0}) for c, m in TAPS],
            "(3 H W)^2 times 1/(C^2 M^2)",
        ),
        ([(0.37 * c**1.5, {"C": c, "M": m}) for c, m in TAPS], "0.37 times C^1.5"),
        ([(0.123456, {"C": 64.0, "M": 300.0})], "None"),
        ([(1 / 64, {"C": 64.0}), (1 / 64, {"C": 128.0})], "None"),
    ],
)
def test_a_factor_is_named_by_the_sizes_that_it_is_made_of(factors, words):
    assert str(expression(factors)) == words


def test_maps_that_are_all_upside_down_are_said_to_be(healthy):
    """What is computed is right: no kernel and no pool is blamed."""
    case, given = healthy
    maps = {name: array[::-1] for name, array in given.items() if name.startswith("features/")}
    findings = diagnose(case, given | maps).findings
    assert {it.tensor for it in findings} <= {"features/conv1_1", "features/pool1"}
    assert {it.detail for it in findings} == {"it is what it should be, upside down"}
