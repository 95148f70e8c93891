"""Faults in which layer a term of the loss looks at."""

from ..changes import moved
from ..faults import fault


@fault(
    "style-before-relu",
    hands_over="losses alone",
    port="torch",
    recipe="gatys",
    truth="the style taps are conv1_1 ... conv5_1, before their ReLUs, instead of relu1_1 ... relu5_1",
    seen_in="https://pytorch.org/tutorials/advanced/neural_style_tutorial.html",
)
def _(p):
    moved(p, "style", {f"relu{b}_1": f"conv{b}_1" for b in range(1, 6)})


@fault(
    "content-before-relu",
    port="numpy",
    recipe="neural-style",
    truth="the content tap is conv4_2 instead of relu4_2",
    seen_in="https://pytorch.org/tutorials/advanced/neural_style_tutorial.html",
)
def _(p):
    moved(p, "content", {"relu4_2": "conv4_2"})


@fault(
    "content-one-early",
    port="numpy",
    recipe="gatys",
    hands_over="without features",
    truth="the content tap is relu4_1 instead of relu4_2, an index off by one layer",
    seen_in="https://github.com/abhiskk/fast-neural-style/issues/24",
)
def _(p):
    moved(p, "content", {"relu4_2": "relu4_1"})


@fault(
    "content-conv4_3",
    port="torch",
    recipe="neural-style",
    hands_over="features and loss",
    truth="the content tap is conv4_3 instead of relu4_2 (index 22, one too many, of torchvision's list)",
)
def _(p):
    moved(p, "content", {"relu4_2": "conv4_3"})


@fault(
    "style-second-convs",
    hands_over="without features",
    port="numpy",
    recipe="pytorch-blog",
    truth="the style taps of blocks 1 and 2 are relu1_2 and relu2_2 instead of relu1_1 and relu2_1",
    seen_in="https://github.com/jcjohnson/fast-neural-style/issues/18",
)
def _(p):
    moved(p, "style", {"relu1_1": "relu1_2", "relu2_1": "relu2_2"})


@fault(
    "d2l-relu5_1",
    hands_over="without features",
    port="numpy",
    recipe="d2l",
    truth="the deepest style tap is relu5_1 instead of conv5_1",
    seen_in="https://d2l.ai/chapter_computer-vision/neural-style.html",
)
def _(p):
    moved(p, "style", {"conv5_1": "relu5_1"})


@fault(
    "d2l-like-mxnet",
    hands_over="without features",
    port="torch",
    recipe="d2l",
    truth="style taps conv1_1 ... conv4_1 and content tap conv4_4, before the ReLUs (as ReLUs out of place give)",
    seen_in="https://d2l.ai/chapter_computer-vision/neural-style.html",
)
def _(p):
    moved(p, None, {**{f"relu{b}_1": f"conv{b}_1" for b in range(1, 5)}, "relu4_4": "conv4_4"})


@fault(
    "d2l-content-relu4_3",
    port="torch",
    recipe="d2l",
    hands_over="losses alone",
    truth="the content tap is relu4_3 instead of relu4_4",
)
def _(p):
    moved(p, "content", {"relu4_4": "relu4_3"})


@fault(
    "style-deepest-left-out-mean",
    port="numpy",
    recipe="gatys",
    hands_over="loss and gradient",
    truth="the style tap relu5_1 is left out, and the mean is over four taps",
)
def _(p):
    p.style_taps = p.style_taps[:-1]


@fault(
    "in-place-relus",
    port="torch",
    recipe="neural-style",
    hands_over="features and loss",
    truth="ReLUs work in place, so what was kept as conv is the ReLU's output",
    seen_in="https://github.com/ProGamerGov/neural-style-pt/issues/44",
)
def _(p):
    healthy = p.features

    def features(x):
        kept = healthy(x)
        return {name: kept.get(name.replace("conv", "relu"), kept[name]) for name in kept}

    p.features = features


@fault(
    "taps-read-shifted",
    port="numpy",
    recipe="gatys",
    truth="style tap l reads the layer of tap l - 1 (and the first relu1_1), from a list that was shifted by one",
)
def _(p):
    taps = p.style_taps
    moved(p, "style", dict(zip(taps, (taps[0], *taps[:-1]), strict=True)))
