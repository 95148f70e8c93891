"""`python tests/benchmarks/tiles.py`: the peak memory and the time of an evaluation by size, in tiles and whole.

Whole command lines with square pictures. A picture that does not fit into the free memory as a whole is left out. The
time is that of the later evaluations; the plot lies beside the tables.
"""

import json
import sys
from argparse import Namespace
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from commands import run
from matplotlib.figure import Figure
from tables import parser, write

from common import Exactly, find_recipe, load_image, samples, with_optimizer, with_size, with_steps
from common.backend import BACKENDS
from common.memory import MachineMemory, Transfer

COLOURS = ("tab:blue", "tab:orange", "tab:green", "tab:red", "tab:purple")


def main() -> None:
    options = parser(__doc__, "512,1024,2048,4096", rounds=False)
    options.add_argument("--tile", type=int, default=1024, metavar="N", help="default: %(default)s")
    options.add_argument("--backends", default=",".join(BACKENDS), metavar="B,...", help="default: %(default)s")
    options.add_argument("--steps", type=int, default=4, metavar="N", help="of Adam (default: %(default)s)")
    given = options.parse_args()
    values: list[dict[str, Any]] = []
    for size in given.sizes:
        for name in given.backends.split(","):
            for tile_px in (None, given.tile):
                estimated = transfer(name, size, given.steps, tile_px).peak_bytes
                if estimated <= MachineMemory.now().free_bytes and (tile_px is None or tile_px < size):
                    values.append({**measured(name, size, tile_px, given), "estimated_mb": estimated / 1e6})
                    write(given.output, "tiles", values, [row_of(value) for value in values])
    plot(given.output / "tiles.webp", values)


def transfer(name: str, size: int, steps: int, tile_px: int | None) -> Transfer:
    recipe = with_size(with_steps(with_optimizer(find_recipe("d2l"), "adam"), steps), Exactly(size, size))
    content, style = (load_image(path).shape[:2] for path in samples.paths(None, None))
    whole = Transfer(BACKENDS[name], recipe, content, style, mode=BACKENDS[name].transfer_mode)
    return replace(whole, tile_px=tile_px)


def measured(name: str, size: int, tile_px: int | None, given: Namespace) -> dict[str, Any]:
    """One transfer: its peak, and the median time of an evaluation after the first."""
    with TemporaryDirectory() as folder:
        out = Path(folder) / "out.png"
        words = ["--recipe", "d2l", "--optimizer", "adam", "--size", f"{size}x{size}", "--steps", str(given.steps)]
        words += [
            "--tile",
            str(tile_px or "off"),
            "--device",
            "cpu",
            "--plot",
            "--checkpoint-every",
            "0",
            "-o",
            str(out),
        ]
        ran = run([sys.executable, "-m", BACKENDS[name].package, *words])
        steps = [json.loads(line) for line in (Path(folder) / "out.png-losses.jsonl").read_text().splitlines()]
    later_s = [step["evaluation_s"] for step in steps[1:] or steps]
    return {
        "size": size,
        "backend": BACKENDS[name].label,
        "tile": tile_px,
        "peak_mb": ran.peak_mb,
        "evaluation_s": float(np.median(later_s)),
        "total_s": ran.seconds,
    }


def row_of(value: dict[str, Any]) -> dict[str, str]:
    return {
        "size": f"{value['size']}x{value['size']}",
        "backend": value["backend"],
        "tile": str(value["tile"] or "whole"),
        "peak, MB": f"{value['peak_mb']:.0f}",
        "estimated": f"{value['estimated_mb']:.0f}",
        "s an evaluation": f"{value['evaluation_s']:.2f}",
        "s a megapixel": f"{value['evaluation_s'] / (value['size'] ** 2 / 1e6):.2f}",
    }


def plot(path: Path, values: list[dict[str, Any]]) -> None:
    """Peak memory against the size, a line for each backend, whole and in tiles."""
    figure = Figure(figsize=(6, 4), layout="constrained")
    axis = figure.subplots()
    for backend, colour in zip(dict.fromkeys(it["backend"] for it in values), COLOURS, strict=False):
        for is_tiled, dashes in ((False, "--"), (True, "-")):
            line = [it for it in values if it["backend"] == backend and (it["tile"] is not None) == is_tiled]
            how = "in tiles" if is_tiled else "whole"
            sizes, peaks_gb = [it["size"] for it in line], [it["peak_mb"] / 1e3 for it in line]
            axis.plot(sizes, peaks_gb, dashes, marker="o", color=colour, label=f"{backend}, {how}")
    axis.set(xscale="log", xlabel="side of the picture, pixels", ylabel="peak memory, GB", ylim=(0, None))
    sizes = sorted({it["size"] for it in values})
    axis.set_xticks(sizes, map(str, sizes))
    axis.minorticks_off()
    axis.grid(True, alpha=0.3)
    axis.legend()
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main()
