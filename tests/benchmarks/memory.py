"""`python tests/benchmarks/memory.py`: the peak resident memory of whole transfers, beside what was estimated.

With --held-out: of transfers to which the footprints of the frameworks were not fitted.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from commands import Spread, in_turns
from tables import parser, write

from common import find_recipe, load_image, samples, with_optimizer, with_size, with_steps
from common.backend import BACKENDS
from common.images import parse_size
from common.memory import Transfer

STEPS = 4  # memory is at its peak in the first evaluation, and once more in the second


@dataclass(frozen=True)
class Case:
    """A transfer, and its size as the command line takes it."""

    backend: str
    mode: str
    precision: str
    size: str
    optimizer: str = "adam"
    recipe: str = "d2l"

    @property
    def words(self) -> dict[str, str]:
        mode = f"{BACKENDS[self.backend].label} {self.mode}"
        return {
            "recipe": f"{self.recipe}, {self.optimizer}",
            "size": self.size,
            "mode": mode,
            "precision": self.precision,
        }

    def command(self, folder: Path) -> list[str]:
        names = ("mode", "precision", "size", "optimizer", "recipe")
        words = [word for name in names for word in (f"--{name}", getattr(self, name))]
        package = BACKENDS[self.backend].package
        options = ("--steps", str(STEPS), "--device", "cpu", "-o", str(folder / "out.png"))
        return [sys.executable, "-m", package, *words, *options]

    @property
    def estimated_mb(self) -> float:
        recipe = with_steps(with_optimizer(find_recipe(self.recipe), self.optimizer), STEPS)
        content, style = (load_image(path).shape[:2] for path in samples.paths(None, None))
        sized = with_size(recipe, parse_size(self.size))
        return Transfer(BACKENDS[self.backend], sized, content, style, self.precision, self.mode).peak_bytes / 1e6


HELD_OUT = [
    Case("torch", "lean", "float32", "480x720", recipe="pytorch-blog"),
    Case("keras", "lean", "float32", "480x720", recipe="pytorch-blog"),
    Case("torch", "eager", "float32", "700x500", recipe="gatys"),
    Case("keras", "graph", "float32", "700x500", "lbfgs", "gatys"),
    Case("torch", "compiled", "float32", "384"),
    Case("keras", "xla", "float32", "384"),
    Case("torch", "eager", "bfloat16", "640", recipe="keras-notebook"),
    Case("keras", "graph", "bfloat16", "640", recipe="keras-notebook"),
    Case("torch", "lean", "float64", "320x400", "lbfgs", "keras-io"),
    Case("keras", "lean", "float64", "320x400", recipe="keras-io"),
    Case("torch", "eager", "float64", "320"),
    Case("keras", "graph", "float64", "320", recipe="pytorch-blog"),
    Case("keras", "eager", "float32", "448", recipe="neural-style"),
    Case("torch", "lean", "bfloat16", "900"),
]


def main() -> None:
    options = parser(__doc__, "256,512,1024")
    options.add_argument(
        "--modes", default="lean", metavar="M,...", help="of those of a backend (default: %(default)s)"
    )
    options.add_argument("--precisions", default="float32", metavar="P,...", help="default: %(default)s")
    options.add_argument("--held-out", action="store_true", help="other transfers, instead of those of the options")
    given = options.parse_args()
    cases = HELD_OUT if given.held_out else asked_for(given)
    with TemporaryDirectory() as folder:
        ran = in_turns({case: case.command(Path(folder)) for case in cases}, given.rounds)
    values = [{**vars(case), "peaks_mb": [it.peak_mb for it in ran[case]]} for case in cases]
    write(given.output, "memory", values, [row(case, [it.peak_mb for it in ran[case]]) for case in cases])


def asked_for(given) -> list[Case]:
    return [
        Case(name, mode, precision, f"{size}x{size}")
        for size in given.sizes
        for precision in given.precisions.split(",")
        for name, entry in BACKENDS.items()
        for mode in given.modes.split(",")
        if mode in entry.modes
    ]


def row(case: Case, peaks_mb: list[float]) -> dict[str, str]:
    spread = Spread.of(peaks_mb)
    measured = str(spread) if len(peaks_mb) > 1 else f"{spread.median:.0f}"
    error = f"{case.estimated_mb / spread.median - 1:+.0%}"
    return {**case.words, "peak, MB": measured, "estimated": f"{case.estimated_mb:.0f}", "error": error}


if __name__ == "__main__":
    main()
