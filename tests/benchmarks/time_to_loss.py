"""`python tests/benchmarks/time_to_loss.py`: the time to the loss of a recipe's own run, by its own run and by --fast.

Whole command lines, the start included: the recipe's own run of --steps evaluations, then --fast for the same steps.
The losses are those of the pictures, as the command lines print them; the pictures lie beside the tables. Each transfer
is run once: ratios of 3 and more do not hang on a drift of the machine of some percent.
"""

import re
import sys
from argparse import Namespace
from itertools import product
from typing import Any

from commands import Ran, run
from tables import parser, write

from common.backend import BACKENDS
from common.entry import Entry

WAYS = {"own": [], "fast": ["--fast"]}


def main() -> None:
    options = parser(__doc__, "512", rounds=False)
    options.add_argument("--recipes", default="pytorch-blog,d2l,gatys", metavar="NAME,...", help="default: %(default)s")
    options.add_argument("--backends", default=",".join(BACKENDS), metavar="B,...", help="default: %(default)s")
    options.add_argument("--steps", default="500", metavar="N", help="of the recipe's own run (default: %(default)s)")
    given = options.parse_args()
    (given.output / "pictures").mkdir(parents=True, exist_ok=True)
    values: list[dict[str, Any]] = []
    for size, recipe, backend in product(given.sizes, given.recipes.split(","), given.backends.split(",")):
        both = {way: transfer(given, BACKENDS[backend], recipe, size, way) for way in WAYS}
        values.append({"size": size, "recipe": recipe, "backend": BACKENDS[backend].label, **both})
        write(given.output, "time_to_loss", values, [row_of(value) for value in values])


def transfer(given: Namespace, entry: Entry, recipe: str, size: int, way: str) -> dict[str, Any]:
    """One transfer from the command line: its seconds, its loss, and what it says that it did."""
    picture = given.output / "pictures" / f"{recipe}-{entry.name}-{size}-{way}.png"
    words = ["--recipe", recipe, "--size", str(size), "--steps", given.steps, *WAYS[way]]
    ran: Ran = run([sys.executable, "-m", entry.package, *words, "--device", "cpu", "-o", str(picture)])
    loss = float(re.findall(r"total (\S+) after", ran.output)[-1])
    told = re.findall(r"^from .*: \d+ evaluations .*", ran.output, flags=re.MULTILINE)
    return {"seconds": ran.seconds, "loss": loss, "told": told[-1] if way == "fast" else ""}


def row_of(value: dict[str, Any]) -> dict[str, str]:
    """A line of the table: how many times faster, and how the loss compares."""
    own, fast = value["own"], value["fast"]
    return {
        **{name: str(value[name]) for name in ("size", "recipe", "backend")},
        "own, s": f"{own['seconds']:.0f}",
        "--fast, s": f"{fast['seconds']:.0f}",
        "times faster": f"{own['seconds'] / fast['seconds']:.1f}",
        "loss, --fast / own": f"{fast['loss'] / own['loss']:.3f}",
        "--fast did": fast["told"],
    }


if __name__ == "__main__":
    main()
