"""The recipes of three public codes, and what several recipes share; `recipes.py` registers them all."""

from common.recipes.recipe import LBFGS, LongestSide, Recipe, Stage
from common.vgg19 import CAFFE, UNIT

FIRST_RELUS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
OTHER_WEIGHTS = (
    "tuned for torchvision's or MXNet's training; with the default weights, which are Oxford's, every feature is "
    "divided by 57.63"
)
RESIZED = "pictures are resized by an antialiased Lanczos filter, not by the source's own"

NEURAL_STYLE = Recipe(
    name="neural-style",
    source="jcjohnson/neural-style, neural_style.lua with its default options",
    url="https://github.com/jcjohnson/neural-style",
    style_taps=FIRST_RELUS,
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
        RESIZED,
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
    tv_weight=0.0,
    tv_form="none",
    pixel_space=UNIT,
    family="imagenet",
    stages=(Stage(LongestSide(512), 300, LBFGS(memory=100)),),
    deviations=(
        "the tutorial's conv_1 ... conv_5 are running numbers: conv_4, its content tap, is conv2_2",
        "the tutorial clamps the picture to [0, 1] inside every closure of torch's L-BFGS, which has no line search; "
        "this is SciPy's L-BFGS with the same memory and without a clamp",
        "it looks at its count of 300 only after every call of 20 evaluations, and so makes 320; here they are 300",
        "its Resize(512), or 128 without a GPU, is of the shorter side; here the longest side is 512",
        OTHER_WEIGHTS,
        RESIZED,
    ),
)

KERAS_IO = Recipe(
    name="keras-io",
    source="keras.io code examples, Neural style transfer, by F. Chollet",
    url="https://keras.io/examples/generative/neural_style_transfer/",
    style_taps=FIRST_RELUS,
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
        "such optimiser here, and L-BFGS stands in its place",
        "its pictures are 400 rows high with the content's proportions; here the longest side is 400, which is the "
        "same for upright and square pictures and less for wide ones",
        "Keras' block5_conv2 has its ReLU in it: the tap is relu5_2",
        "it truncates when it saves; this rounds",
        RESIZED,
    ),
)
