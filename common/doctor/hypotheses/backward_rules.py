"""What hand-written gradients do in the place of a layer's own derivative."""

from collections.abc import Iterator

from common.doctor.hypotheses.trap import Fault
from common.oracle import Backward
from common.vgg19 import Pooling

_RULES: dict[Backward, tuple[str, str]] = {
    "guided": ("each ReLU drops negative gradients too (guided backpropagation)", "every ReLU"),
    "deconvolved": ("each ReLU drops negative gradients, whatever its output was", "every ReLU"),
    "through every ReLU": ("each ReLU passes the whole gradient", "every ReLU"),
    "unturned kernels": (
        "each convolution's gradient takes the kernel as it is, not turned",
        "every kernel",
    ),
}
_OF_POOLS: dict[Pooling, dict[Backward, str]] = {
    "average": {"undivided averages": "each average pool hands its whole gradient to all four positions"},
    "max": {
        "averaged maxima": "each max pool spreads its gradient evenly over the window",
        "all of the window": "each max pool hands its whole gradient to all four positions",
        "first of the window": "each max pool hands its gradient to the first position of the window",
        "last of the window": "each max pool hands its gradient to the last position of the window",
    },
}


def of_the_gradient(pooling: Pooling) -> Iterator[Fault]:
    """Every layer of a kind has another derivative."""
    pools = {rule: (words, "every pool") for rule, words in _OF_POOLS[pooling].items()}
    for rule, (words, where) in (_RULES | pools).items():
        claim = "another derivative", {"what": words, "where": where}
        yield Fault("gradient", words, {"backward": rule}, claim=claim)
