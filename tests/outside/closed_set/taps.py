"""Faults in which layer a term of the loss looks at."""

from ..changes import moved
from ..faults import fault


@fault(
    "content-block5",
    port="torch",
    recipe="pytorch-blog",
    hands_over="loss and gradient",
    truth="the content tap is relu5_2 (Keras' block5_conv2) instead of relu4_2",
    seen_in="https://keras.io/examples/generative/neural_style_transfer/",
)
def _(p):
    moved(p, "content", {"relu4_2": "relu5_2"})


@fault(
    "notebook-vgg16-names",
    hands_over="losses alone",
    port="numpy",
    recipe="keras-notebook",
    truth="the style taps of blocks 3 to 5 are VGG-16's last convolutions, relu3_3, relu4_3 and relu5_3",
    seen_in="https://github.com/jcjohnson/fast-neural-style/issues/89",
)
def _(p):
    moved(p, "style", {"relu3_4": "relu3_3", "relu4_4": "relu4_3", "relu5_4": "relu5_3"})


@fault(
    "notebook-first-relus",
    port="torch",
    recipe="keras-notebook",
    hands_over="loss and gradient",
    truth="the style taps are the blocks' first ReLUs instead of their last",
)
def _(p):
    last = {1: 2, 2: 2, 3: 4, 4: 4, 5: 4}
    moved(p, "style", {f"relu{b}_{place}": f"relu{b}_1" for b, place in last.items()})


@fault(
    "style-one-conv",
    port="numpy",
    recipe="neural-style",
    hands_over="losses alone",
    truth="relu3_1 alone is taken before its ReLU (conv3_1)",
)
def _(p):
    moved(p, "style", {"relu3_1": "conv3_1"})


@fault(
    "style-deepest-left-out",
    port="torch",
    recipe="neural-style",
    truth="the style tap relu5_1 is left out: four style terms instead of five",
    seen_in="https://github.com/jcjohnson/fast-neural-style/issues/18",
)
def _(p):
    p.style_taps = p.style_taps[:-1]


@fault(
    "content-target-other-layer",
    port="torch",
    recipe="gatys",
    truth="the content picture's features are taken at relu4_1, the image's at relu4_2",
    seen_in="plausible",
)
def _(p):
    healthy = p.targets

    def targets(content, style, size):
        healthy(content, style, size)
        p.content_targets["relu4_2"] = p.features(p.to_input(p.to_pixels(content)))["relu4_1"].detach()

    p.targets = targets
