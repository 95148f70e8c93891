"""A saved report: written whole or not at all, and read only where it fits."""

import json

import pytest

from common.comparison.reporting.baseline import check_conditions, read_baseline, save_baseline
from common.comparison.reporting.serialization import SCHEMA
from common.errors import RosettaError

NETWORK = {"style_taps": ["relu1_1"], "content_taps": [], "pooling": "max", "tv_form": "none"}


def row(name, **values):
    evaluation = {"rounds_s": [[1.0, 1.1], [1.2], []]}
    return {"name": name, "size_px": [37, 50], "ranked": True, "evaluation": evaluation, **values}


def report(*rows, **values):
    machine = {"cpu": "Xeon", "cores": 2, "gpu": None}
    conditions = {"machine": machine, "device": "cpu", "threads": 2, "recipe": "d2l", "network": NETWORK}
    return {"schema": SCHEMA, **conditions, "rows": list(rows), **values}


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


def test_an_old_baseline_stays_whole_when_the_new_one_cannot_be_written(tmp_path):
    path = tmp_path / "base.json"
    path.write_text("old")
    with pytest.raises(TypeError):
        save_baseline({**REPORT, "created": object()}, path)
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
    "cut off": json.dumps(REPORT).encode()[:-9],
    "too deep": b"[" * 100_000,
    "nothing but the schema": json.dumps({"schema": SCHEMA}).encode(),
}


@pytest.mark.parametrize("content", BAD.values(), ids=list(BAD))
def test_what_is_no_baseline_is_refused_in_one_line_with_the_way_out(tmp_path, content):
    path = tmp_path / "base.json"
    path.write_bytes(content)
    assert_refused(path)


def test_a_file_that_is_not_there_and_a_folder_are_refused_too(tmp_path):
    assert_refused(tmp_path / "missing.json")
    assert_refused(tmp_path)


def assert_refused(path):
    with pytest.raises(RosettaError) as caught:
        read_baseline(str(path))
    message = str(caught.value)
    assert str(path) in message
    assert "--save-baseline" in message
    assert "\n" not in message


def test_the_same_conditions_are_accepted():
    check_conditions(REPORT, report(row("c")))
    check_conditions(report(row("a", evaluation=None, ranked=False)), REPORT)


@pytest.mark.parametrize(
    ("theirs", "message"),
    [
        (report(row("a"), machine={"cpu": "EPYC", "cores": 2, "gpu": None}), "CPU: EPYC, not Xeon"),
        (report(row("a"), machine={"cpu": "Xeon", "cores": 8, "gpu": None}), "number of cores: 8, not 2"),
        (report(row("a"), device="gpu"), "device: gpu, not cpu"),
        (report(row("a"), threads=1), "number of threads: 1, not 2"),
        (report(row("a"), recipe="gatys"), "recipe: gatys, not d2l"),
        (report(row("a", size_px=[50, 37])), "set of sizes: 50x37, not 37x50"),
        (report(row("a"), row("b", size_px=[64, 64])), "set of sizes: 37x50, 64x64, not 37x50"),
    ],
)
def test_other_conditions_are_named_with_the_way_out(theirs, message):
    with pytest.raises(RosettaError, match=message) as caught:
        check_conditions(REPORT, theirs)
    assert "--baseline-anyway" in str(caught.value)


def test_the_gpu_is_compared_once_it_is_known():
    on_gpu = report(row("a"), machine={"cpu": "Xeon", "cores": 2, "gpu": "H200"})
    check_conditions(REPORT, on_gpu)  # nothing has run yet
    other = report(row("a"), machine={"cpu": "Xeon", "cores": 2, "gpu": "A100"})
    with pytest.raises(RosettaError, match="another GPU: H200, not A100"):
        check_conditions(other, on_gpu)
