"""`python tests/bad_input/table.py`: runs every case and the fuzzing, and writes docs/bad-input.md.

With --kept FILE a run that was interrupted goes on: what the file has of the same commit is not run again.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]

from bad_input import page, stock  # noqa: E402  after the path
from bad_input.case import PARTS, Case  # noqa: E402
from bad_input.fuzzing import Tally, fuzzed_apart  # noqa: E402
from bad_input.judge import ROOT  # noqa: E402
from bad_input.readers import READERS, Reader  # noqa: E402
from bad_input.running import Result, run_cases  # noqa: E402

PROGRAM = ("common", "torch_impl", "keras_impl", "compare.py")


def main() -> int:
    given = parser().parse_args()
    work = given.work or Path(tempfile.gettempdir()) / "style-rosetta-bad-input"
    stock.make(work)
    cases = chosen(given.classes, given.parts)
    if given.list:
        print(*(case.name for case in cases), sep="\n")
        return 0
    commit = program_commit()
    results = run_all(cases, work, given.kept or work / "results.jsonl", commit)
    tallies = [fuzz(reader, given.fuzzed, given.seed, work) for reader in READERS if given.fuzzed]
    given.out.write_text(page.text_of(page.Run(results, tallies, commit, given.seed)))
    return 1 if any(each.faults for each in (*results, *tallies)) else 0


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--classes", help="comma-separated (default: all)")
    made.add_argument("--parts", default=",".join(dict.fromkeys(PARTS)), help="comma-separated (default: %(default)s)")
    made.add_argument("--fuzzed", type=int, default=25_000, metavar="N", help="0: none (default: %(default)s)")
    made.add_argument("--seed", type=int, default=0, help="of the fuzzing (default: %(default)s)")
    made.add_argument("--out", type=Path, default=ROOT / "docs" / "bad-input.md", help="default: docs/bad-input.md")
    made.add_argument("--list", action="store_true", help="print the cases and leave")
    made.add_argument("--kept", type=Path, metavar="FILE", help="results so far (default: in the work folder)")
    made.add_argument("--work", type=Path, metavar="DIR", help="default: a folder in the temporary one")
    return made


def chosen(classes: str | None, parts: str) -> list[Case]:
    from bad_input.cases import all_cases

    kinds = classes.split(",") if classes else None
    return [case for case in all_cases() if case.part in parts.split(",") and (not kinds or case.kind in kinds)]


def run_all(cases: Sequence[Case], work: Path, kept: Path, commit: str) -> list[Result]:
    """Run the cases, with a running count and a line for each that was not as expected."""
    results, begin_s = [], time.monotonic()
    for result in run_cases(cases, work, kept, commit):
        results.append(result)
        if result.faults:
            print(f"{result.kind}: {result.sentence}: {'; '.join(result.faults.values())}\n    {result.said}")
        if len(results) % 50 == 0 or len(results) == len(cases):
            odd = sum(bool(each.faults) for each in results)
            print(
                f"{len(results)} of {len(cases)}, {time.monotonic() - begin_s:.0f} s: {odd} not as expected", flush=True
            )
    return results


def fuzz(reader: Reader, count: int, seed: int, work: Path) -> Tally:
    count = round(count * reader.share)
    kept = work / f"{reader.name}-{count}-{seed}-{program_commit()}.json"
    if kept.exists():
        return Tally(**json.loads(kept.read_text()))
    tally = fuzzed_apart(reader, count, seed, work)
    kept.write_text(json.dumps(asdict(tally)))
    kinds = Counter(kind for kind, _ in tally.faults.values())
    print(f"{reader.name}: {tally.tried} mutated, {tally.refused} refused, {tally.accepted} accepted, {dict(kinds)}")
    for number, (kind, words) in list(tally.faults.items())[:3]:
        print(f"    {number}: {kind}: {words}", flush=True)
    return tally


def program_commit() -> str:
    """The last commit that changed the program, not its tests."""
    command = ["git", "log", "-1", "--format=%h", "--", *PROGRAM]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
