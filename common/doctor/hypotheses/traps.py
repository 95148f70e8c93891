"""What goes wrong when VGG-19 style transfer is ported: the sentence, the mend, and where it has been seen."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Trap:
    """One way to go wrong; `harmless` ones are rounding and no bug."""

    number: int
    title: str
    mend: str
    seen: str
    harmless: bool = False


_ALL = (
    Trap(
        1,
        "red and blue are exchanged at the network's input",
        "Oxford's weights want BGR and torchvision's RGB: reverse the channels exactly once",
        "ports of Caffe models; pictures read by OpenCV",
    ),
    Trap(
        2,
        "the channel means are exchanged: red's is subtracted from blue",
        "subtract 123.68 from red, 116.779 from green and 103.939 from blue",
        "the Keras notebook",
    ),
    Trap(
        3,
        "RGB has the wrong range before the means are subtracted",
        "bring RGB to 0..255 for Oxford's weights (times 255, not 256) and to 0..1 for torchvision's",
        "jcjohnson/neural-style (256)",
    ),
    Trap(
        4,
        "ImageNet's standard deviations are left out, or applied to weights that were trained without",
        "divide by the standard deviations for torchvision's weights and only for them",
        "gordicaleksa/pytorch-neural-style-transfer",
    ),
    Trap(
        5,
        "the preprocessing is applied twice",
        "preprocess a copy: keras.applications' preprocess_input changes a float array in place",
        "Keras users",
    ),
    Trap(
        6,
        "the kernels were reordered by reshape, not by transpose",
        "HWIO to OIHW is transpose(3, 2, 0, 1); a reshape keeps the memory's order",
        "converted checkpoints",
    ),
    Trap(
        7,
        "the kernels are transposed or flipped in space",
        "frameworks correlate: no flip, height before width",
        "conversions from MatConvNet and Theano",
    ),
    Trap(
        8,
        "the picture was handed over by reshape between NCHW and NHWC",
        "transpose it: moveaxis(x, 0, -1) or back",
        "hand-written loaders",
    ),
    Trap(
        9,
        "the taps are taken on the other side of the ReLU",
        "convB_I is before the ReLU, reluB_I after it; Keras' blockB_convI has the ReLU in it, and torchvision's "
        "ReLUs change the tensor before them in place",
        "the two tabs of the d2l chapter; gordicaleksa's conv4_2",
    ),
    Trap(
        10,
        "the deepest style tap alone is taken on the other side of the ReLU",
        "take every tap on the side that the recipe names; a network that is cut after a convolution has no ReLU there",
        "the d2l chapter, PyTorch tab",
    ),
    Trap(
        11,
        "a tap is another layer of the network",
        "name layers by block and place (conv2_2), not by a running number",
        "the PyTorch tutorial, whose conv_4 is conv2_2",
    ),
    Trap(
        12,
        "the other pooling: average where the recipe says max, or the reverse",
        "use the pooling that the recipe names",
        "papers against their codes",
    ),
    Trap(
        13,
        "the pooled values are multiplied by a factor",
        "do not rescale after pooling",
        "crowsonkb/style-transfer-pytorch",
    ),
    Trap(
        14,
        "pools round odd sizes up",
        "VALID padding in TensorFlow, ceil_mode=False in PyTorch",
        "TensorFlow ports with SAME padding; Caffe",
    ),
    Trap(
        15,
        "convolutions pad the border otherwise than with zeros",
        "pad with zeros, as the network was trained",
        "crowsonkb/style-transfer-pytorch; AdaIN",
    ),
    Trap(
        16,
        "another training of the network",
        "load the same file on both sides (compare its sha256), with the preprocessing that belongs to it",
        "default weights of torchvision against those of Keras",
    ),
    Trap(
        17,
        "biases are left out",
        "load the biases too",
        "hand-written converters",
    ),
    Trap(
        18,
        "the Gram matrix is normalised otherwise",
        "divide F^T F by the number of positions, M; another norm needs another factor in the loss",
        "every code differs",
    ),
    Trap(
        19,
        "the Gram matrix is over positions, not over channels",
        "flatten the positions and contract over them: the matrix is (C, C)",
        "NHWC ports of NCHW code",
    ),
    Trap(
        20,
        "a term has another factor: a mean for a sum, or 1/2 or 1/4 more or less",
        "take the factor out of the term, or put it into its weight",
        "Gatys' codes against his paper",
    ),
    Trap(
        21,
        "the style weight is divided by the number of taps once too often, or not at all",
        "divide the sum over taps as often as the convention says",
        "cysmith/neural-style-tf",
    ),
    Trap(
        22,
        "the style target is of a picture of another size, without normalisation",
        "normalise by the number of positions of each picture, or bring both to one size",
        "the blog post with PyTorch code, by its thumbnail",
    ),
    Trap(
        23,
        "the total variation has another form, or is taken in another space",
        "absolute, squared or power 1.25, sum or mean, in 0..255 or in 0..1: take the recipe's",
        "every code differs",
    ),
    Trap(
        24,
        "the picture is resized by another filter",
        "hand the port the resized pixels, or use the same filter with antialiasing",
        "every library has its own default",
    ),
    Trap(
        25,
        "Adam's epsilon has another value or another place",
        "PyTorch adds 1e-8 after the bias correction, Keras 1e-7 before it: eps_torch = eps_keras / sqrt(1 - beta2^t)",
        "PyTorch against Keras",
    ),
    Trap(
        26,
        "the optimised variable is in another pixel space, or the learning rate is meant for one",
        "optimise what the recipe says; a rate for 0..255 is 57 times that of unit variance and 255 times that of 0..1",
        "ports of neural-style",
    ),
    Trap(
        27,
        "the gradient is flattened in another order than the image",
        "flatten both in one order (here height, width, channel)",
        "L-BFGS ports",
    ),
    Trap(
        28,
        "SciPy stops early, because a float32 loss meets its tolerance",
        "pass factr=0 and float64 vectors",
        "cysmith/neural-style-tf",
    ),
    Trap(
        29,
        "L-BFGS is started anew after some evaluations and forgets what it has learned",
        "one call with a large maxfun and maxiter",
        "the Keras notebook and the old Keras example",
    ),
    Trap(
        30,
        "the image is clamped inside the closure of L-BFGS",
        "clamp after the optimisation, or optimise a variable whose range is free",
        "the PyTorch tutorial",
    ),
    Trap(
        31,
        "no bug: rounding has turned a sign at a ReLU or between equal neighbours, or the choice in a max-pool window",
        "nothing: compare in float64, or with average pooling; |x| of the total variation may have any slope at 0",
        "every pair of frameworks",
        harmless=True,
    ),
    Trap(
        32,
        "no bug of the port: the layers are computed in TF32, bfloat16 or float16",
        "switch TF32 off (torch.backends.cudnn.allow_tf32, enable_tensor_float_32_execution), or accept its bounds",
        "GPUs since Ampere",
        harmless=True,
    ),
    Trap(
        33,
        "the picture is saved with its contrast stretched, or truncated where it should be rounded",
        "clip to [0, 1], multiply by 255, round",
        "the blog post with PyTorch code; Keras",
    ),
    Trap(
        34,
        "the file is read otherwise: its orientation, transparency or palette is ignored",
        "apply the EXIF orientation, lay transparency over white, convert to RGB",
        "phone photographs, PNGs",
    ),
    Trap(
        35,
        "the weights are used in their own unit, and the recipe's loss weights are tuned for the other family's",
        "divide (or multiply) the input and all biases by 57.63, the mean of 255 times ImageNet's deviations",
        "the d2l chapter's weights of the loss on Oxford's network",
    ),
)
TRAPS: dict[int, Trap] = {trap.number: trap for trap in _ALL}
