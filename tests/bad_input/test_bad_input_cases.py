"""A sample of the cases and of the mutated inputs, and that the judge finds what is wrong. `table.py` runs them all."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bad_input import fuzzing, judge, stock
from bad_input.case import ACCEPTED, REFUSED, Case
from bad_input.cases import all_cases
from bad_input.fuzzing import fuzzed
from bad_input.judge import faults_of, outcome_of
from bad_input.readers import READERS, Reader
from bad_input.running import run_case

SAMPLE = 25  # cases
INPUTS = 150  # of each reader
SLOW = ("weights .h5", "bundles")  # an input takes a tenth of a second


@pytest.fixture(scope="session")
def work(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("bad-input")
    stock.make(path)
    yield path
    del os.environ["STYLE_ROSETTA_BAD_INPUT"]


def test_refused_in_one_line(work: Path):
    """A sample of what must be refused, evenly taken from all classes."""
    cases = [case for case in all_cases() if case.expects == REFUSED and case.kind != "ports"]
    results = [run_case(case, work) for case in cases[:: len(cases) // SAMPLE]]
    assert {result.sentence: result.faults for result in results if result.faults} == {}


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
def test_reads_or_refuses(work: Path, reader: Reader):
    tally = fuzzed(reader, INPUTS // 5 if reader.name in SLOW else INPUTS, seed=0)
    assert tally.faults == {}


# The judge can fail: a child that does one thing wrong, and the fault that has to be found.
WRONG = {
    "raise ValueError": judge.TRACEBACK,
    "raise SystemExit(0)": judge.CODE,
    "print('a', file=sys.stderr); print('b', file=sys.stderr); sys.exit(2)": judge.LINES,
    "print('a', file=sys.stderr); print('b'); sys.exit(2)": judge.LINES,
    "sys.exit(2)": judge.LINES,
    "sys.exit('\\x1b[31mred')": judge.CONTROL,
    "sys.stdout.buffer.write(b'\\xff')": judge.CONTROL,
    "open('new', 'w')": judge.FILES,
    "open('good.png', 'ab').write(b'x')": judge.FILES,
    "os.remove('good.png')": judge.FILES,
    "os.chmod('good.png', 0o600)": judge.FILES,
    "os.mkdir('folder')": judge.FILES,
    "open(os.environ['TMPDIR'] + '/left', 'w')": judge.FILES,
    "x = bytearray(os.urandom(1)) * 900_000_000": judge.MEMORY,
    "import time; time.sleep(60)": judge.HANG,
    "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); os.fork(); signal.pause()": judge.HANG,
}
RIGHT = "print('cannot', file=sys.stderr); print('note: odd', file=sys.stderr); sys.exit(2)"


def judged(monkeypatch: pytest.MonkeyPatch, folder: Path, text: str, expects=REFUSED, leaves=()) -> dict[str, str]:
    """The faults of a child that is a line of Python."""
    (folder / "here").mkdir(parents=True)
    (folder / "here" / "good.png").write_bytes(b"good")
    monkeypatch.setitem(judge.PROGRAMS, "torch", (sys.executable, "-c", f"import os, sys; {text}"))
    monkeypatch.setattr(judge, "PEAK_BYTES", 800e6)
    case = Case("fake", text, ("torch",), expects, leaves=leaves)
    return faults_of(case, outcome_of(case, folder, limit_s=5 if "sleep" not in text and "pause" not in text else 0.5))


@pytest.mark.parametrize("text", WRONG)
def test_finds_what_is_wrong(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str):
    assert WRONG[text] in judged(monkeypatch, tmp_path / "case", text)


def test_finds_nothing_wrong_in_a_refusal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    assert judged(monkeypatch, tmp_path, RIGHT) == {}


def test_finds_nothing_wrong_where_a_file_may_be_left(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    assert judged(monkeypatch, tmp_path, "open('out.png', 'w')", ACCEPTED, ("out.png",)) == {}


def anything(chance, work: Path) -> Path:
    return work


def fails(error: Exception) -> Reader:
    def read(given) -> None:
        raise error

    return Reader("fake", 1, anything, read)


def test_finds_another_exception():
    from common import RosettaError

    assert fuzzed(fails(KeyError("a")), 3, 0).faults.keys() == {"0", "1", "2"}
    assert fuzzed(fails(RosettaError("two\nlines")), 1, 0).faults["0"][0] == "not one line"
    assert fuzzed(fails(RosettaError("one line")), 3, 0).refused == 3


def test_finds_what_does_not_end(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(fuzzing, "INPUT_S", 0.2)
    assert fuzzed(Reader("fake", 1, anything, spin), 1, 0).faults["0"][0] == "hang"


def spin(given) -> None:
    while True:
        pass
