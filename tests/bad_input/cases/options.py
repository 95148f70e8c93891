"""Options and numbers of the transfers and of compare.py: what is no number, out of range, unknown or contradictory."""

import itertools
from collections.abc import Iterator

from bad_input.case import ACCEPTED, EITHER, PICTURES, REFUSED, Case, timing, transfer

KIND = "options"

# Never a number of anything here.
NO_NUMBER = (
    *("", " ", "x", "nan", "inf", "-inf", "1e999", "0x10", "1,000", "1 2", "--", "+", "1;2", "\u00bd", "\u2167"),
    *("1_", "1.2.3", "9" * 5000 + "x", "\x1b[31m1", "1\n2", "None", "true", "[1]", "$(id)", "1e", "\udcff"),
)
NO_WHOLE_NUMBER = ("1.5", "1e3", "1e-3", "1/2", "9" * 5000, "-9" + "9" * 400)
LOWEST = {"--steps": 1, "--checkpoint-every": 0, "--save-every": 1, "--seed": 0}
WEIGHTS = ("--content-weight", "--style-weight", "--tv-weight")

SIZES = (
    *("0", "-1", "x", "32x", "x32", "32x32x32", "0x32", "32x0", "-32x32", "1.5", "nan", "1e2", "32X", "recipes"),
    *("32,64", "32 x 32", "9" * 50, "9" * 5000, "1000000", "1x1000000", "100000x100000", "", " ", "inf", "\x1b[31m"),
)
CHOICES = {
    "--recipe": ("", "d2", "D2L", "gaty", "d2l,gatys", "pytorch_blog", "../d2l", "\x1b[31md2l", "x" * 5000, "all"),
    "--optimizer": ("", "Adam", "sgd", "lbfg", "adam,lbfgs", "l-bfgs", "\x1b[31m"),
    "--precision": ("", "float16", "float", "FLOAT32", "32", "fp32", "bf16", "float32,float64"),
    "--device": (
        "",
        "gpu:",
        "gpu:-1",
        "gpu:x",
        "gpu:99",
        "cpu:0",
        "tpu",
        "CPU",
        "gpu:1.5",
        "gpu:" + "9" * 5000,
    ),
    "--mode": ("", "graph", "xla", "fast", "Lean", "lean,eager", "all"),
    "--init": ("", "Noise", "style", "missing.png", ".", "/dev/zero"),
    "--content-taps": (
        "",
        ",",
        "relu4_2,",
        "relu4_2,relu4_2",
        "relu9_9",
        "conv4",
        "relu4_5",
        "RELU4_2",
        "0",
        "input",
    ),
    "--style-taps": (
        " ",
        "relu1_1,,relu2_1",
        "relu1_1,relu1_1",
        "relu0_1",
        "relu1_1 relu2_1",
        "\x1b[31m",
        "relu1_1;relu2_1",
    ),
    "--until": ("", "x", "-1%", "0%", "101%", "nan%", "inf%", "1%%", "%", "1 percent", "9" * 5000 + "%"),
    "--until-loss": ("", "x", "nan", "1%", "inf", "-inf", "1e999"),
    "--pyramid=": ("0", "-1", "x", "1.5", "99", "1e9", "9" * 5000, "nan", " "),
}
# Whether an empty entry of a list of layers is a mistake is not documented, nor whether a pool is a layer of it.
LOOSE_LISTS = ("", " ", ",", "relu4_2,", "relu1_1,,relu2_1", "pool1")
UNKNOWN = (
    *("--stepz", "--step-s=1", "--sizes", "--backends", "--no-plot", "-x", "-oo", "--stéps", "--plot=1", "--fast=1"),
    *("--resume=1", "--json", "--report", "--threads", "--rounds", "--\x1b[31m", "--" + "x" * 5000, "---size"),
)
CONTRADICTORY: dict[str, tuple[str, ...]] = {
    "--pyramid and a recipe of several sizes": ("--recipe", "gluonbook", "--pyramid"),
    "more sizes of the pyramid than steps": ("--pyramid=3", "--steps", "2"),
    "--resume with a value": ("--resume=yes",),
    "a precision that is mixed, with L-BFGS": ("--precision", "mixed", "--optimizer", "lbfgs"),
    "all weights 0": ("--content-weight", "0", "--style-weight", "0", "--tv-weight", "0"),
    "--save-every more than the steps' digits": ("--save-every", "9" * 5000),
    "mps and float64": ("--device", "mps", "--precision", "float64"),
    "a GPU that is not there": ("--device", "gpu"),
    "tf32 on a CPU": ("--precision", "tf32"),
    "a size too large for any memory": ("--size", "99999x99999"),
}
GOOD = {
    "--steps=2": ("--steps=2",),
    "a weight of 1e-3": ("--tv-weight", "1e-3"),
    "a weight of 0": ("--content-weight", "0"),
    "an option given twice": ("--size", "33", "--size", "32"),
    "--until 1%": ("--until", "1%"),
    "taps in another order": ("--style-taps", "relu2_1,relu1_1"),
    "an odd size": ("--size", "33x35"),
}


def cases() -> Iterator[Case]:
    programs = itertools.cycle(("torch", "torch", "keras"))
    bad = [
        *(("--steps", value) for value in (*NO_NUMBER, *NO_WHOLE_NUMBER)),
        *((option, str(lowest - 1)) for option, lowest in LOWEST.items()),
        *((option, value) for option in list(LOWEST)[1:] for value in (*NO_NUMBER[::4], *NO_WHOLE_NUMBER[::2])),
        *((option, value) for option in WEIGHTS for value in (*NO_NUMBER[::3], "-1", "-1e-9", "9" * 5000)),
        *(("--size", value) for value in SIZES),
        *((option, value) for option, values in CHOICES.items() for value in values),
    ]
    for option, value in bad:
        is_open = (option.endswith("-taps") and value in LOOSE_LISTS) or value in ("graph", "xla")  # modes of Keras
        expects = EITHER if is_open else REFUSED
        yield given(next(programs), option, value, expects=expects, late=value == "gpu:99")
    for option in UNKNOWN:
        yield transfer(KIND, f"the option {short(option)}", option, program=next(programs))
    for words, options in CONTRADICTORY.items():
        yield transfer(KIND, words, *options, late="--device" in options or "tf32" in options)
    for option in ("--steps", "--size", "--recipe", "-o", "--until", "--init"):
        yield transfer(KIND, f"{option} without its value", option)
    for words, options in GOOD.items():
        yield transfer(KIND, words, *options, expects=ACCEPTED)
    for value in ("+2", "\uff13", "\u0663", "1_0", " 2 ", "02"):
        yield transfer(KIND, f"--steps {value!a}, which Python takes for a number", "--steps", value, expects=EITHER)
    yield Case(KIND, "no pictures and a recipe that is none", ("torch", "--recipe", "none"))
    yield from comparisons()


def given(program: str, option: str, value: str, **more) -> Case:
    """One option with one bad value."""
    parts = (option + value,) if option.endswith("=") else (f"{option}={value}",)
    return transfer(KIND, f"{program} {option} {short(value)}", *parts, program=program, **more)


def short(value: str) -> str:
    return ascii(value) if len(value) < 50 else f"{value[:3]!a}... ({len(value)} characters)"


COMPARISONS = {
    "--rounds": ("0", "-1", "1.5", "x", "", "9" * 5000, "nan"),
    "--threads": ("0", "-1", "x", "1.5", "9" * 5000, "1000000000"),
    "--backends": ("", "tourch", "jax", ",", "TORCH", "torch keras", "\x1b[31m"),
    "--modes": ("", "warp", "graph", "\x1b[31m"),
    "--precisions": ("", "float16", "mixed"),
    "--sizes": ("", "0", "x", "-1", "32,x", "9" * 5000, "100000000"),
    "--fail-above": ("", "x", "-1%", "nan%", "inf", "5%%", "9" * 5000),
    "--steps": ("0", "-1", "x"),
    "--weights": ("nothing.h5", "random:x"),
    "--baseline": ("missing.json", "content.png", ".", "/dev/zero", ""),
}
ALONE = {
    "--fail-above without a baseline": ("--fail-above", "5%"),
    "an option of the transfers": ("-o", "out.png"),
    "--plot": ("--plot",),
    "--resume": ("--resume",),
}


def comparisons() -> Iterator[Case]:
    for option, values in COMPARISONS.items():
        for value in values:
            yield timing(KIND, f"compare.py {option} {short(value)}", f"{option}={value}")
    for words, options in ALONE.items():
        yield timing(KIND, f"compare.py with {words}", *options)
    yield Case(KIND, "compare.py with one picture", ("compare", PICTURES[0]))
    yield Case(KIND, "compare.py with a near miss of a command", ("compare", "chek", "style.png"))
