"""A saved report: written whole or not at all, and read only where it fits."""

import json
from dataclasses import replace

import pytest
import report_samples as samples

from common.comparison import reporting
from common.comparison.reporting import report_to_json
from common.comparison.reporting.baseline import check_conditions, read_baseline, save_baseline
from common.comparison.reporting.report import SCHEMA
from common.errors import RosettaError


def row(name, size_px=(37, 50), rounds_s=((1.0, 1.1), (1.2,), ())):
    result = samples.measured(samples.row(f"torch {name}"), 1.0, rounds_s=rounds_s)
    return replace(result, size_px=size_px, run=None)


def report(*rows, cpu="Xeon", cores=2, gpu=None, **values):
    made = samples.reported(*rows)
    machine = replace(made.machine, cpu=cpu, cores=cores, gpu=gpu)
    return replace(made, machine=machine, **values)


REPORT = report(row("a"), row("b"))


def test_what_is_saved_is_read_again(tmp_path):
    save_baseline(REPORT, tmp_path / "base.json")
    assert read_baseline(str(tmp_path / "base.json")) == REPORT
    assert [path.name for path in tmp_path.iterdir()] == ["base.json"]


def test_an_old_baseline_is_replaced(tmp_path):
    path = tmp_path / "base.json"
    path.write_text("old" * 99999)
    save_baseline(REPORT, path)
    assert read_baseline(str(path)) == REPORT


def test_an_old_baseline_stays_whole_when_the_new_one_cannot_be_written(tmp_path, monkeypatch):
    path = tmp_path / "base.json"
    path.write_text("old")
    monkeypatch.setattr(reporting.baseline, "report_to_json", lambda _: "half a surrogate pair: \udce9")
    with pytest.raises(RosettaError):
        save_baseline(REPORT, path)
    assert path.read_text() == "old"
    assert [it.name for it in tmp_path.iterdir()] == ["base.json"]


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(RosettaError, match="nowhere"):
        save_baseline(REPORT, tmp_path / "nowhere" / "base.json")


BAD = {
    "empty": b"",
    "not JSON": b"hello",
    "binary": bytes(range(256)),
    "a list": b"[1, 2]",
    "a number": b"2",
    "null": b"null",
    "another schema": b'{"schema": 1}',
    "no schema": b"{}",
    "cut off": report_to_json(REPORT).encode()[:-9],
    "too deep": b"[" * 100_000,
    "nothing but the schema": json.dumps({"schema": SCHEMA}).encode(),
    "the schema of before": json.dumps({**samples.values_of(REPORT), "schema": 3}).encode(),
    "nothing timed": report_to_json(report(replace(row("a"), rounds_s=()))).encode(),
    "all rows disagree": report_to_json(report(samples.wrong(row("a")))).encode(),
    "a mark of the byte order": b"\xef\xbb\xbf" + report_to_json(REPORT).encode(),
    "UTF-16": report_to_json(REPORT).encode("utf-16"),
    "a byte that is not UTF-8": report_to_json(REPORT).encode().replace(b"Xeon", b"Xe\xffn"),
    "a NUL": report_to_json(REPORT).encode() + b"\0",
    "too deep an object": b'{"a":' * 100_000,
    "a key that stands twice": report_to_json(REPORT).replace('"schema": 4', '"schema": 4, "schema": 4').encode(),
    "a number of 5,000 digits": report_to_json(REPORT).replace('"schema": 4', f'"schema": {"4" * 5000}').encode(),
    "no finite number": report_to_json(REPORT).replace("1.2", "NaN").encode(),
    "an infinite number": report_to_json(REPORT).replace("1.2", "1e999").encode(),
    "a round of no time": report_to_json(REPORT).replace("1.2", "0").encode(),
    "a round of negative time": report_to_json(REPORT).replace("1.2", "-1").encode(),
    "rounds without evaluations": report_to_json(REPORT).encode().replace(b"1.0,", b"").replace(b"1.2", b""),
    "a key with control characters": b'{"schema": 4, "\\u001b[31m": 1}',
    "text for a number": report_to_json(REPORT).replace("1.2", '"long"').encode(),
    "a number as text": report_to_json(REPORT).replace("1.2", '"1.2"').encode(),
    "true for a number": report_to_json(REPORT).replace("1.2", "true").encode(),
}


@pytest.mark.parametrize("content", BAD.values(), ids=list(BAD))
def test_what_is_no_baseline_is_refused_in_one_line_with_the_way_out(tmp_path, content):
    path = tmp_path / "base.json"
    path.write_bytes(content)
    assert_no_baseline(path)


def test_a_file_that_is_not_there_and_a_folder_are_refused_too(tmp_path):
    assert_no_baseline(tmp_path / "missing.json")
    assert_no_baseline(tmp_path)


def assert_no_baseline(path):
    with pytest.raises(RosettaError) as caught:
        read_baseline(str(path))
    message = str(caught.value)
    assert str(path) in message
    assert "--save-baseline" in message
    assert "\n" not in message


def two_sizes():
    """The report with a second group of another size."""
    return replace(REPORT, groups=(*REPORT.groups, replace(REPORT.groups[0], size_px=(64, 64))))


def test_the_same_conditions_are_accepted():
    check_conditions(REPORT, report(row("c")))
    check_conditions(report(replace(row("a"), rounds_s=())), REPORT)


@pytest.mark.parametrize(
    ("theirs", "message"),
    [
        (report(row("a"), cpu="EPYC"), "CPU: EPYC, not Xeon"),
        (report(row("a"), cores=8), "number of cores: 8, not 2"),
        (report(row("a"), device="gpu"), "device: gpu, not cpu"),
        (report(row("a"), threads=1), "number of threads: 1, not 2"),
        (report(row("a"), recipe="gatys"), "recipe: gatys, not d2l"),
        (report(row("a", size_px=(50, 37))), "set of sizes: 50x37, not 37x50"),
        (two_sizes(), "set of sizes: 37x50, 64x64, not 37x50"),
    ],
)
def test_other_conditions_are_named_with_the_way_out(theirs, message):
    with pytest.raises(RosettaError, match=message) as caught:
        check_conditions(REPORT, theirs)
    assert "--baseline-anyway" in str(caught.value)


def test_the_gpu_is_compared_once_it_is_known():
    on_gpu = report(row("a"), gpu="H200")
    check_conditions(REPORT, on_gpu)  # nothing has run yet
    other = report(row("a"), gpu="A100")
    with pytest.raises(RosettaError, match="another GPU: H200, not A100"):
        check_conditions(other, on_gpu)
