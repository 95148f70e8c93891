"""`python tests/benchmarks/peers.py`: an evaluation of ours against other programs', whole command lines in turns.

Every program makes the same picture from the same pixels by the recipe `neural-style` with Adam: a long run less a
short one is the time of the evaluations between. --pastiche names a Python that has pastiche 1.6.0, --neural-style-pt a
checkout of ProGamerGov/neural-style-pt, which runs in the environment that runs this.
"""

import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from commands import Ran, Spread, in_turns
from tables import parser, write

from common import load_image, load_weights, resize, samples, save_image
from common.backend import BACKENDS
from common.images import extent_for
from common.recipes import LongestSide
from common.vgg19 import LAYERS

SHORT, LONG = 4, 24
Command = Callable[[int], list[str]]


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--pastiche", metavar="PYTHON", help="an environment's Python with pastiche 1.6.0")
    options.add_argument("--neural-style-pt", metavar="CHECKOUT", type=Path, help="a checkout of neural-style-pt")
    given = options.parse_args()
    rows, values = [], {}
    with TemporaryDirectory() as folder:
        for size in given.sizes:
            programs = programs_for(given, size, Path(folder))
            ran = in_turns({f"{name} {n}": of(n) for name, of in programs.items() for n in (SHORT, LONG)}, given.rounds)
            once_s = {name: evaluation_s(ran[f"{name} {SHORT}"], ran[f"{name} {LONG}"]) for name in programs}
            values[size] = once_s
            rows.append({"size": size, **{name: str(Spread.of(seconds)) for name, seconds in once_s.items()}})
    write(given.output, "peers", values, rows)


def evaluation_s(short: list[Ran], long: list[Ran]) -> list[float]:
    """The seconds of an evaluation, by round."""
    return [(it.seconds - less.seconds) / (LONG - SHORT) for it, less in zip(long, short, strict=True)]


def programs_for(given: Namespace, size: int, folder: Path) -> dict[str, Command]:
    """The command lines of all programs, each by its number of evaluations, on pictures of the final size."""
    content, style = (pictured(folder, role, size) for role in ("content", "style"))
    output = str(folder / "out.png")
    programs = {entry.label: ours(entry.package, content, style, size, output) for entry in BACKENDS.values()}
    if given.pastiche:
        programs["pastiche"] = lambda n: [
            *(given.pastiche, "-m", "pastiche", "--optimizer", "adam", "--num-steps", str(n), "--no-verbose"),
            *(
                "--content",
                content,
                "--size",
                str(size),
                "--styles",
                style,
                "--style-size",
                str(size),
                "--output",
                output,
            ),
        ]
    if given.neural_style_pt:
        weights = caffe_weights(folder / "vgg19-oxford.pth")
        programs["neural-style-pt"] = lambda n: [
            *(sys.executable, str(given.neural_style_pt / "neural_style.py"), "-gpu", "c", "-optimizer", "adam"),
            *("-backend", "mkl", "-model_file", weights, "-disable_check", "-init", "image", "-seed", "0"),
            *("-content_image", content, "-style_image", style, "-image_size", str(size), "-output_image", output),
            *("-num_iterations", str(n), "-print_iter", "0", "-save_iter", "0"),
        ]
    return programs


def ours(package: str, content: str, style: str, size: int, output: str) -> Command:
    """The recipe that the other programs have by default, from the content."""
    recipe = [
        "--recipe",
        "neural-style",
        "--init",
        "content",
        "--optimizer",
        "adam",
        "--device",
        "cpu",
        "--size",
        str(size),
    ]
    return lambda n: [sys.executable, "-m", package, content, style, *recipe, "--steps", str(n), "-o", output]


def pictured(folder: Path, role: str, size: int) -> str:
    """A sample at a longest side, as a file that no program has to resize."""
    picture = load_image(getattr(samples, role.upper()).path)
    path = folder / f"{role}-{size}.png"
    save_image(path, resize(picture, *extent_for(LongestSide(size), *picture.shape[:2])))
    return str(path)


def caffe_weights(path: Path) -> str:
    """The Oxford weights as neural-style-pt reads them: torchvision's numbers for layers, and a classifier."""
    import torch

    weights = load_weights()
    numbers = [number for number, layer in enumerate(LAYERS) if layer.kind == "conv"]
    state = {}
    for number, (name, kernel_hwio) in zip(numbers, weights.kernels_hwio.items(), strict=True):
        state[f"features.{number}.weight"] = torch.tensor(kernel_hwio.transpose(3, 2, 0, 1).copy())
        state[f"features.{number}.bias"] = torch.tensor(weights.biases[name])
    torch.save(state, path)
    return str(path)


if __name__ == "__main__":
    main()
