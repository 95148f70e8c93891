"""`python tests/benchmarks/memory.py`: the peak resident memory of whole transfers, by backend and size."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from commands import Spread, in_turns
from tables import parser, write

from common.backend import BACKENDS

STEPS = "4"  # memory is at its peak in the first evaluation, and once more in the second


def main() -> None:
    options = parser(__doc__, "256,512,1024").parse_args()
    rows, values = [], {}
    with TemporaryDirectory() as folder:
        for size in options.sizes:
            commands = {
                entry.label: [
                    *(sys.executable, "-m", entry.package, "--optimizer", "adam", "--steps", STEPS),
                    *("--device", "cpu", "--size", f"{size}x{size}", "-o", str(Path(folder) / "out.png")),
                ]
                for entry in BACKENDS.values()
            }
            ran = in_turns(commands, options.rounds)
            peaks = {label: Spread.of([it.peak_mb for it in ran[label]]) for label in ran}
            values[size] = {label: [it.peak_mb for it in ran[label]] for label in ran}
            rows.append({"size": f"{size}x{size}", **{f"{label}, MB": str(peak) for label, peak in peaks.items()}})
    write(options.output, "memory", values, rows)


if __name__ == "__main__":
    main()
