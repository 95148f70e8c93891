"""Faults in which layers the terms look at."""

from ..changes import moved
from ..faults import fault


@fault(
    "later-first-five-convolutions",
    port="torch",
    recipe="gatys",
    truth="the style taps are the ReLUs of the network's first five convolutions, relu1_1, relu1_2, relu2_1, relu2_2 "
    "and relu3_1, in the place of relu1_1 ... relu5_1",
    seen_in="https://github.com/pytorch/tutorials/issues/3732",
)
def _(p):
    moved(p, "style", {"relu2_1": "relu1_2", "relu3_1": "relu2_1", "relu4_1": "relu2_2", "relu5_1": "relu3_1"})


@fault(
    "later-content-shallow",
    port="torch",
    recipe="neural-style",
    truth="the content tap is relu2_2 instead of relu4_2",
    seen_in="https://github.com/abhiskk/fast-neural-style/issues/24",
)
def _(p):
    moved(p, "content", {"relu4_2": "relu2_2"})


@fault(
    "later-other-networks-indices",
    port="numpy",
    recipe="keras-notebook",
    hands_over="without optimizers",
    truth="VGG-16's indices 15, 22 and 29 are used in VGG-19's list: the style taps of blocks 3 to 5 are "
    "relu3_3, relu4_2 and relu5_1 instead of relu3_4, relu4_4 and relu5_4",
    seen_in="https://github.com/jcjohnson/fast-neural-style/issues/107",
)
def _(p):
    moved(p, "style", {"relu3_4": "relu3_3", "relu4_4": "relu4_2", "relu5_4": "relu5_1"})


@fault(
    "later-one-target-elsewhere",
    port="torch",
    recipe="pytorch-blog",
    hands_over="losses alone",
    truth="the style target of relu3_1 is made of the style picture's relu3_2, the image is looked at in relu3_1",
)
def _(p):
    healthy = p.targets

    def targets(*pictures):
        p.layer_of = lambda tap, term: "relu3_2" if (tap, term) == ("relu3_1", "style") else tap
        healthy(*pictures)
        del p.layer_of

    p.targets = targets


@fault(
    "later-tap-twice",
    port="numpy",
    recipe="d2l",
    truth="the style tap relu2_1 reads relu1_1 (a copied line), which counts twice",
)
def _(p):
    moved(p, "style", {"relu2_1": "relu1_1"})


@fault(
    "later-content-is-style-too",
    port="numpy",
    recipe="gatys",
    hands_over="without features",
    truth="the content layer relu4_2 is a style tap as well: six style terms, and the mean is over six",
)
def _(p):
    p.style_taps += ("relu4_2",)
