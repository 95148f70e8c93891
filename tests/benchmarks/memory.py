"""`python tests/benchmarks/memory.py`: the peak resident memory of whole transfers, beside what was estimated."""

from pathlib import Path
from tempfile import TemporaryDirectory

from commands import Spread, command_of_a_transfer, in_turns
from tables import parser, write

from common import Exactly, find_recipe, load_image, samples, with_optimizer, with_size
from common.backend import BACKENDS
from common.memory import Transfer


def main() -> None:
    options = parser(__doc__, "256,512,1024")
    options.add_argument(
        "--modes", default="lean", metavar="M,...", help="of those of a backend (default: %(default)s)"
    )
    options.add_argument("--precisions", default="float32", metavar="P,...", help="default: %(default)s")
    given = options.parse_args()
    rows, values = [], []
    for size in given.sizes:
        for precision in given.precisions.split(","):
            asked = [
                (name, mode) for name, it in BACKENDS.items() for mode in given.modes.split(",") if mode in it.modes
            ]
            for (name, mode), ran in measured(asked, size, precision, given.rounds).items():
                estimate_mb = estimated_mb(name, mode, size, precision)
                spread = Spread.of([it.peak_mb for it in ran])
                what = {"size": f"{size}x{size}", "mode": f"{BACKENDS[name].label} {mode}", "precision": precision}
                values.append({**what, "peaks_mb": [it.peak_mb for it in ran], "estimated_mb": estimate_mb})
                error = f"{estimate_mb / spread.median - 1:+.0%}"
                rows.append({**what, "peak, MB": str(spread), "estimated": f"{estimate_mb:.0f}", "error": error})
    write(given.output, "memory", values, rows)


def measured(asked, size, precision, rounds):
    """The runs of each backend's mode, in turns."""
    with TemporaryDirectory() as folder:
        return in_turns({it: command_of_a_transfer(*it, precision, size, Path(folder)) for it in asked}, rounds)


def estimated_mb(name, mode, size, precision):
    recipe = with_size(with_optimizer(find_recipe("d2l"), "adam"), Exactly(size, size))
    content, style = (load_image(path).shape[:2] for path in samples.paths(None, None))
    return Transfer(BACKENDS[name], recipe, content, style, precision, mode).peak_bytes / 1e6


if __name__ == "__main__":
    main()
