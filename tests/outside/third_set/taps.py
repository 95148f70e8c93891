"""Faults in which layers the terms look at."""

from ..changes import LAYERS, moved
from ..faults import fault


@fault(
    "third-texture-taps",
    port="torch",
    recipe="gatys",
    truth="the style taps are relu1_1, pool1, pool2, pool3 and pool4, those of the paper on textures, "
    "instead of relu1_1 ... relu5_1",
    seen_in="https://arxiv.org/abs/1505.07376",
)
def _(p):
    moved(p, "style", {"relu2_1": "pool1", "relu3_1": "pool2", "relu4_1": "pool3", "relu5_1": "pool4"})


@fault(
    "third-two-content-taps",
    port="numpy",
    recipe="neural-style",
    hands_over="without features",
    truth="there is a second content term on relu5_2, with the same weight as that on relu4_2",
    seen_in="https://github.com/anishathalye/neural-style/issues/110",
)
def _(p):
    p.content_taps += ("relu5_2",)
    p.layers = LAYERS[: LAYERS.index("relu5_2") + 1]


@fault(
    "third-content-pool4",
    port="torch",
    recipe="d2l",
    truth="the content tap is pool4 instead of relu4_4, index 27 instead of 25 of torchvision's list",
)
def _(p):
    moved(p, "content", {"relu4_4": "pool4"})


@fault(
    "third-notebook-has-content",
    port="numpy",
    recipe="keras-notebook",
    truth="there is a content term, on relu4_2 with weight 0.025 as in the example of Keras, where the recipe has none",
    seen_in="https://github.com/keras-team/keras/blob/1.0.0/examples/neural_style_transfer.py",
)
def _(p):
    p.content_taps, p.content_weight = ("relu4_2",), 0.025


@fault(
    "third-perceptual-taps",
    port="numpy",
    recipe="neural-style",
    truth="the style taps are relu1_2, relu2_2, relu3_3 and relu4_3, those of fast-neural-style, "
    "instead of relu1_1 ... relu5_1: four terms instead of five",
    seen_in="https://github.com/jcjohnson/fast-neural-style/issues/18",
)
def _(p):
    p.style_taps = ("relu1_2", "relu2_2", "relu3_3", "relu4_3")


@fault(
    "third-targets-before-relu",
    port="torch",
    recipe="pytorch-blog",
    hands_over="without optimizers",
    truth="the style targets are Gram matrices of conv1_1 ... conv5_1, before the ReLUs, the image's are those of "
    "relu1_1 ... relu5_1",
    seen_in="https://github.com/KamitaniLab/bdpy/issues/16",
)
def _(p):
    healthy = p.targets

    def targets(*pictures):
        layer_of = p.layer_of
        p.layer_of = lambda tap, term: (
            tap.replace("relu", "conv") if term == "style" and tap.startswith("relu") else layer_of(tap, term)
        )
        healthy(*pictures)
        p.layer_of = layer_of

    p.targets = targets
