"""The recipes: every published setting as one frozen value, with its source and its deviations."""

from dataclasses import replace

from common.errors import RosettaError
from common.recipes.code_recipes import FIRST_RELUS, KERAS_IO, NEURAL_STYLE, OTHER_WEIGHTS, PYTORCH_TUTORIAL, RESIZED
from common.recipes.recipe import LBFGS, Adam, Exactly, LongestSide, Recipe, Stage
from common.vgg19 import CAFFE, IMAGENET

_FIRST_CONVS = ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1")
_TEXTBOOK_ADAM = "MXNet's Adam adds epsilon before the bias correction; this is the textbook form"

D2L = Recipe(
    name="d2l",
    source="Dive into Deep Learning, Neural Style Transfer, PyTorch tab",
    url="https://d2l.ai/chapter_computer-vision/neural-style.html",
    style_taps=("relu1_1", "relu2_1", "relu3_1", "relu4_1", "conv5_1"),
    content_taps=("relu4_4",),
    pooling="max",
    convention="mean",
    content_weight=1.0,
    style_weight=1e4,
    tv_weight=10.0,
    tv_form="mean_abs",
    pixel_space=IMAGENET,
    family="imagenet",
    stages=(Stage(Exactly(300, 450), 500, Adam(0.3, decay=0.8, decay_every=50)),),
    deviations=(
        "the chapter keeps indices 0 5 10 19 28 and 25; torchvision's ReLUs work in place and the net is cut after "
        "28, so it captures relu1_1 relu2_1 relu3_1 relu4_1 conv5_1 and relu4_4, which is what stands here",
        "archived copies of the page have lost lines (the start from the content, the optimiser's and the scheduler's "
        "step, Resize and ToTensor); they are put back",
        OTHER_WEIGHTS,
        RESIZED,
    ),
)

D2L_MXNET = replace(
    D2L,
    name="d2l-mxnet",
    source="Dive into Deep Learning, Neural Style Transfer, MXNet tab",
    style_taps=_FIRST_CONVS,
    content_taps=("conv4_4",),
    stages=(Stage(Exactly(300, 450), 500, Adam(0.9, decay=0.8, decay_every=50)),),
    deviations=(
        "the same indices as the PyTorch tab, but MXNet's ReLU is out of place: the convolutions are captured "
        "before it, and the two tabs of one page do not compute the same loss",
        _TEXTBOOK_ADAM,
        OTHER_WEIGHTS,
        RESIZED,
    ),
)

KERAS_NOTEBOOK = Recipe(
    name="keras-notebook",
    source="Keras notebook by E. W. Knudsen, S. S. Bach-Nielsen and M. L. Hølledig, Aalborg University, June 2017",
    url=None,
    style_taps=("relu1_2", "relu2_2", "relu3_4", "relu4_4", "relu5_4"),
    content_taps=(),
    pooling="max",
    convention="image",
    content_weight=0.0,
    style_weight=5.0,
    tv_weight=0.2,
    tv_form="power",
    pixel_space=CAFFE,
    family="caffe",
    stages=(Stage(Exactly(670, 670), 1050, LBFGS(memory=10, maxfun=20)),),
    deviations=(
        "the notebook subtracts 103.939 from red and 123.68 from blue; the checkpoint wants it the other way round, "
        "as it is here",
        "its placeholder is (1, width, height, 3) and its reshape (1, height, width, 3): only squares hide that; "
        "any proportions work here",
        "its 50 iterations are 50 calls of L-BFGS with maxfun=20, each with a fresh memory and 21 evaluations: "
        "1050 evaluations; one long call would converge further",
        "SciPy's default factr stops a float32 objective early; here it is 0, so a call ends by maxfun",
        "it truncates when it saves; this rounds",
        RESIZED,
    ),
)

GATYS = Recipe(
    name="gatys",
    source="Gatys, Ecker and Bethge 2016, Image Style Transfer Using Convolutional Neural Networks, CVPR",
    url="https://openaccess.thecvf.com/content_cvpr_2016/html/Gatys_Image_Style_Transfer_CVPR_2016_paper.html",
    style_taps=FIRST_RELUS,
    content_taps=("relu4_2",),
    pooling="average",
    convention="gatys",
    content_weight=1.0,
    style_weight=1e3,
    tv_weight=0.0,
    tv_form="none",
    pixel_space=CAFFE,
    family="caffe",
    stages=(Stage(LongestSide(512), 500, LBFGS()),),
    init="noise",
    deviations=(
        "the paper's equations, which a widely read post explains without numbers; layers and weights are the paper's",
        "the paper rescales the network to unit mean activations; these are the plain weights",
        "the noise is uniform in [0, 1] per channel, from NumPy's default generator and the run's seed",
        RESIZED,
    ),
)

GLUONBOOK = replace(
    D2L_MXNET,
    name="gluonbook",
    source="Dive into Deep Learning, first Chinese edition (gluonbook), Style Transfer",
    url="https://zh.d2l.ai/chapter_computer-vision/neural-style.html",
    style_weight=1e3,
    stages=(
        Stage(Exactly(200, 300), 500, Adam(0.01, decay=0.1, decay_every=200)),
        Stage(Exactly(800, 1200), 300, Adam(0.01, decay=0.1, decay_every=100)),
    ),
    deviations=(
        "the text says that the gradient is divided by its mean absolute value; the code does not, nor does this",
        "the code tests the epoch before it counts it, so its rate falls one step later",
        _TEXTBOOK_ADAM,
        OTHER_WEIGHTS,
        RESIZED,
    ),
)

PYTORCH_BLOG = Recipe(
    name="pytorch-blog",
    source="PyTorch blog post 'Style Transfer' of 9 August 2020",
    url=None,
    style_taps=FIRST_RELUS,
    content_taps=("relu4_2",),
    pooling="average",
    convention="blog",
    content_weight=1.0,
    style_weight=1e3,
    tv_weight=1e-2,
    tv_form="sum_abs",
    pixel_space=IMAGENET,
    family="imagenet",
    stages=(Stage(LongestSide(512, only_shrink=True), 500, Adam(0.03)),),
    style_size="own",
    deviations=(
        "index 21 of torchvision is relu4_2, not conv4_2, for the same in-place ReLUs as in d2l",
        "the post aliases its content tensor, harmlessly: the targets are taken first",
        "the post stretches the contrast when it saves, 255 / max * (x - min), and truncates; this clips and rounds",
        OTHER_WEIGHTS,
        RESIZED,
    ),
)

_SEEDS = (D2L, D2L_MXNET, KERAS_NOTEBOOK, GATYS, GLUONBOOK, PYTORCH_BLOG)
RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in (*_SEEDS, NEURAL_STYLE, PYTORCH_TUTORIAL, KERAS_IO)}


def find_recipe(name: str) -> Recipe:
    """The recipe of that name; raise RosettaError with the names there are."""
    if name not in RECIPES:
        raise RosettaError(f"there is no recipe {name!r}: choose one of {', '.join(RECIPES)}")
    return RECIPES[name]
