"""The traps of the network itself: kernels, biases, borders, pools, arithmetic."""

from common.doctor.reference import ALL, Case, Made
from common.vgg19 import cut


def network_changes(case: Case) -> Made:
    """Trap, changes and words."""
    layers = cut(case.problem.recipe.taps)
    convs = [layer.name for layer in layers if layer.kind == "conv"]
    yield from _kernels(None)
    yield (
        1,
        {"kernels": "flipped in inputs", "only_layer": "conv1_1"},
        "conv1_1's kernel has its inputs in reverse order",
    )
    if any(layer.kind == "pool" for layer in layers):
        yield 12, {"other_pooling": True}, "max" if case.problem.recipe.pooling == "average" else "average"
        for factor in (2.0, 0.5, 4.0, 0.25):
            yield 13, {"pool_scale": factor}, f"times {factor:g}"
        yield 14, {"ceil_pooling": True}, "the last row and column make windows of their own"
    for padding in ("replicate", "reflect"):
        yield 15, {"padding": padding}, f"by {padding}"
    yield 17, {"dropped_bias": ALL}, "in every convolution"
    yield from _arithmetics()
    for name in convs:
        yield 17, {"dropped_bias": name}, f"in {name}"
    for name in convs:
        yield from _kernels(name)


def _arithmetics() -> Made:
    yield 32, {"arithmetic": "tf32"}, "TF32, 10 bits after the point"
    for name, bits in (("bfloat16", 7), ("float16", 10)):
        words = f"{name}, {bits} bits after the point"
        yield 32, {"arithmetic": name}, words
        yield 32, {"arithmetic": name, "bias_apart": True}, f"{words}, and once more before the bias is added"


def _kernels(layer: str | None) -> Made:
    where = "" if layer is None else f", in {layer} alone"
    for trap, form in ((6, "HWIO read as OIHW"), (6, "OIHW read as HWIO"), (7, "transposed in space"), (7, "flipped")):
        yield trap, {"kernels": form, "only_layer": layer}, f"{form}{where}"
