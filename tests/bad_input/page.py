"""The page docs/bad-input.md: what was tried, how it was judged, and every case that was not as expected."""

import json
import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bad_input.case import PARTS
from bad_input.fuzzing import GROWTH_BYTES, INPUT_S, Tally
from bad_input.judge import CODE, CONTROL, FILES, HANG, LINES, MEMORY, PEAK_BYTES, REFUSAL_S, RUN_S, TRACEBACK
from bad_input.running import Result

FIRST_RUNS = Path(__file__).with_name("first_runs.json")
FAULTS = (CODE, LINES, TRACEBACK, HANG, FILES, MEMORY, CONTROL)


@dataclass(frozen=True)
class Run:
    """Everything that the page tells of."""

    results: Sequence[Result]
    tallies: Sequence[Tally]
    commit: str
    seed: int


def text_of(run: Run) -> str:
    sections = (introduction(run), cases_table(run.results), parts(run), fuzzed_table(run.tallies), exceptions(run))
    return "\n\n".join(sections) + "\n"


def introduction(run: Run) -> str:
    refusals = sum(result.code == 2 for result in run.results)
    quick = sorted(result.seconds for result in run.results if result.code == 2)
    median = f", half of them within {quick[len(quick) // 2]:.1f} s" if quick else ""
    peak = max((result.peak_bytes for result in run.results), default=0)
    return f"""# Bad input

`python tests/bad_input/table.py` gives the program {len(run.results)} inputs that cannot be used, or look as if they
could not, each in a process and a folder of its own. They were written from the README, these pages and `--help` by
somebody who had not read the code that they judge. A case is as expected when its exit code is (2 for what must be
refused); no traceback and no control character is printed; a refusal is one line on stderr, besides notes, and nothing
on stdout; it ended within {REFUSAL_S} s, or {RUN_S} s where it may be accepted; every file has the bytes that it had
before, and nothing new is left but the output of what was accepted; and the peak of resident memory stayed below
{PEAK_BYTES / 1e9:g} GB. The machine: {processor()}, one core, Python {platform.python_version()}; the program:
commit {run.commit}. {refusals} were refused{median}; the highest peak was {peak / 1e9:.1f} GB. Files that a user has no
right to read are not among the cases, since the table was made as root. One case may count in several columns from the
fourth on."""


def processor() -> str:
    """The processor's name."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def cases_table(results: Sequence[Result]) -> str:
    header = ("class", "cases", "refused in one line", "accepted", "wrong exit code", *FAULTS[1:])
    kinds = list(dict.fromkeys(result.kind for result in results))
    rows = [row(kind, [result for result in results if result.kind == kind]) for kind in kinds]
    return "## The cases\n\n" + table(header, [*rows, row("all", results)])


def row(name: str, results: Sequence[Result]) -> tuple[object, ...]:
    refused = sum(result.code == 2 and LINES not in result.faults for result in results)
    accepted = sum(result.code in (0, 1) for result in results)
    return name, len(results), refused, accepted, *(sum(kind in each.faults for each in results) for kind in FAULTS)


def parts(run: Run) -> str:
    """The scores of the cases that the table was made with, and of those that were kept for the end."""
    rows = []
    for kept in json.loads(FIRST_RUNS.read_text()):
        rows.append((f"{kept['part']}, as it was", kept["commit"], kept["cases"], kept["as_expected"]))
    for part in dict.fromkeys(PARTS):
        results = [result for result in run.results if result.part == part]
        if results:
            rows.append((part, run.commit, len(results), as_expected(results)))
    words = """The expectations of half of the cases were tried and mended while the table was made. A quarter (by a
checksum of the name) was not run before everything was finished: "first run, as it was" is that run. Another
quarter was run for the first time when what the first run had shown was mended: "later, as it was". Both include
faults of the expectations. What both had shown was then mended, and expectations that ask more than the pages say:
the rows without "as it was" are no score."""
    return f"{words}\n\n" + table(("part", "commit", "cases", "as expected"), rows)


def as_expected(results: Iterable[Result]) -> int:
    return sum(not result.faults for result in results)


def fuzzed_table(tallies: Sequence[Tally]) -> str:
    words = f"""## Mutated inputs

Good files with flipped bits, missing, doubled and exchanged parts, numbers at the edge of their range, and, inside of
JSON, PNG, ZIP and safetensors, changes that keep the checksums right; and command lines of the words of `--help`. A
reader has to return, or to raise `RosettaError` with one line, within {INPUT_S:g} s of processor time, and no input may
raise the peak of memory by more than {GROWTH_BYTES / 1e6:g} MB."""
    header = ("reader", "inputs", "refused in one line", "accepted", "slowest", "peak grew by", "not as expected")
    rows = [
        (
            each.reader,
            each.tried,
            each.refused,
            each.accepted,
            f"{each.slowest_s:.2f} s",
            f"{each.growth_bytes / 1e6:.0f} MB",
            len(each.faults),
        )
        for each in tallies
    ]
    totals = [sum(getattr(each, name) for each in tallies) for name in ("tried", "refused", "accepted")]
    rows.append(("all", *totals, "", "", sum(len(each.faults) for each in tallies)))
    return f"{words}\n\n{table(header, rows)}"


def exceptions(run: Run) -> str:
    lines = [
        f"- {quoted(each.kind + ': ' + each.sentence)}: {quoted(words(each))}" for each in run.results if each.faults
    ]
    for tally in run.tallies:
        lines += [
            f"- {tally.reader}, number {number} of seed {run.seed}: {kind}, {quoted(said[:200])}"
            for number, (kind, said) in list(tally.faults.items())[:10]
        ]
        if len(tally.faults) > 10:
            lines.append(f"- {tally.reader}: {len(tally.faults) - 10} more")
    return "## Not as expected\n\n" + ("\n".join(lines) or "None.")


def words(result: Result) -> str:
    return "; ".join(text if len(text) < 300 else f"{text[:300]} ..." for text in result.faults.values())


def quoted(text: str) -> str:
    """In one line, without what Markdown would take for its own."""
    return " ".join(text.split()).translate({ord(sign): f"\\{sign}" for sign in "\\`*_|<>[]"})
