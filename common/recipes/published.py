"""Data: every published recipe as one frozen value, with its source and its deviations."""

from dataclasses import replace

from common.errors import RosettaError, did_you_mean
from common.recipes.recipe import LBFGS, Adam, Exactly, LongestSide, Recipe, Stage
from common.vgg19 import CAFFE, IMAGENET, UNIT

_FIRST_RELUS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
_OTHER_WEIGHTS = (
    "tuned for torchvision's or MXNet's training; with the default weights, which are Oxford's, every feature is "
    "divided by 57.63"
)
_RESIZED = "pictures are resized by an antialiased Lanczos filter, not by the source's own"
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
        "archived copies of the page have lost lines (the start from the content, the optimizer's and the scheduler's "
        "step, Resize and ToTensor); they are put back",
        _OTHER_WEIGHTS,
        _RESIZED,
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
        _OTHER_WEIGHTS,
        _RESIZED,
    ),
)

KERAS_NOTEBOOK = Recipe(
    name="keras-notebook",
    source="Keras notebook by E. W. Knudsen, S. S. Bach-Nielsen and M. L. Hølledig, Aalborg University, June 2017",
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
        _RESIZED,
    ),
)

GATYS = Recipe(
    name="gatys",
    source="Gatys, Ecker and Bethge 2016, Image Style Transfer Using Convolutional Neural Networks, CVPR",
    url="https://openaccess.thecvf.com/content_cvpr_2016/html/Gatys_Image_Style_Transfer_CVPR_2016_paper.html",
    style_taps=_FIRST_RELUS,
    content_taps=("relu4_2",),
    pooling="average",
    convention="gatys",
    content_weight=1.0,
    style_weight=1e3,
    pixel_space=CAFFE,
    family="caffe",
    stages=(Stage(LongestSide(512), 500, LBFGS()),),
    init="noise",
    deviations=(
        "the paper's equations, which a widely read post explains without numbers; layers and weights are the paper's",
        "the paper rescales the network to unit mean activations; these are the plain weights",
        "the noise is uniform in [0, 1] per channel, from NumPy's default generator and the run's seed",
        _RESIZED,
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
        _OTHER_WEIGHTS,
        _RESIZED,
    ),
)

PYTORCH_BLOG = Recipe(
    name="pytorch-blog",
    source="PyTorch blog post 'Style Transfer' of 9 August 2020",
    style_taps=_FIRST_RELUS,
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
        _OTHER_WEIGHTS,
        _RESIZED,
    ),
)

NEURAL_STYLE = Recipe(
    name="neural-style",
    source="jcjohnson/neural-style, neural_style.lua with its default options",
    url="https://github.com/jcjohnson/neural-style",
    style_taps=_FIRST_RELUS,
    content_taps=("relu4_2",),
    pooling="max",
    convention="mean",
    content_weight=5.0,
    style_weight=1e2,
    tv_weight=1e-3,
    tv_form="sum_abs",
    pixel_space=CAFFE,
    family="caffe",
    stages=(Stage(LongestSide(512), 1000, LBFGS(memory=100)),),
    init="noise",
    style_size="own",
    deviations=(
        "the code's total variation has no value, only a gradient, that of half the squared differences; here it is "
        "the sum of absolute differences with the same weight, as in the code's PyTorch port, and counts in the total",
        "the code multiplies RGB by 256 before it subtracts the means; here by 255",
        "the code starts from noise of 0.001 around the means, an almost even grey; here the noise is uniform in "
        "[0, 1] per channel",
        "torch7's L-BFGS takes steps of fixed length without a line search; this is SciPy's with the same memory",
        "loadcaffe's pools round odd sizes up; here they round down",
        _RESIZED,
    ),
)

PYTORCH_TUTORIAL = Recipe(
    name="pytorch-tutorial",
    source="PyTorch tutorials, Neural Transfer Using PyTorch, by A. Jacq",
    url="https://pytorch.org/tutorials/advanced/neural_style_tutorial.html",
    style_taps=("conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1"),
    content_taps=("conv2_2",),
    pooling="max",
    convention="mean",
    content_weight=1.0,
    style_weight=1e6,
    pixel_space=UNIT,
    family="imagenet",
    stages=(Stage(LongestSide(512), 300, LBFGS(memory=100)),),
    deviations=(
        "the tutorial's conv_1 ... conv_5 are running numbers: conv_4, its content tap, is conv2_2",
        "the tutorial clamps the picture to [0, 1] inside every closure of torch's L-BFGS, which has no line search; "
        "this is SciPy's L-BFGS with the same memory and without a clamp",
        "it looks at its count of 300 only after every call of 20 evaluations, and so makes 320; here they are 300",
        "its Resize(512), or 128 without a GPU, is of the shorter side; here the longest side is 512",
        _OTHER_WEIGHTS,
        _RESIZED,
    ),
)

KERAS_IO = Recipe(
    name="keras-io",
    source="keras.io code examples, Neural style transfer, by F. Chollet",
    url="https://keras.io/examples/generative/neural_style_transfer/",
    style_taps=_FIRST_RELUS,
    content_taps=("relu5_2",),
    pooling="max",
    convention="image",
    content_weight=2.5e-8,
    style_weight=1e-6,
    tv_weight=1e-6,
    tv_form="power",
    pixel_space=CAFFE,
    family="caffe",
    stages=(Stage(LongestSide(400), 4000, LBFGS()),),
    deviations=(
        "the example takes 4000 plain gradient steps, at a rate of 100 that falls by 0.96 every 100 steps; there is no "
        "such optimizer here, and L-BFGS stands in its place",
        "its pictures are 400 rows high with the content's proportions; here the longest side is 400, which is the "
        "same for upright and square pictures and less for wide ones",
        "Keras' block5_conv2 has its ReLU in it: the tap is relu5_2",
        "it truncates when it saves; this rounds",
        _RESIZED,
    ),
)

_ALL = (D2L, D2L_MXNET, KERAS_NOTEBOOK, GATYS, GLUONBOOK, PYTORCH_BLOG, NEURAL_STYLE, PYTORCH_TUTORIAL, KERAS_IO)
RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in _ALL}
FOR_PICTURES = PYTORCH_BLOG.name  # the recipe to start with: it convinces with most pictures, and ends without noise


def find_recipe(name: str) -> Recipe:
    """The recipe of that name; raise RosettaError with the names there are."""
    if name not in RECIPES:
        nearest = did_you_mean(name, RECIPES)
        raise RosettaError(f"there is no recipe {name!r}{nearest}: choose one of {', '.join(RECIPES)}")
    return RECIPES[name]
