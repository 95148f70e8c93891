"""Which files are read, and which JSON has one meaning."""

import json
import os
from pathlib import Path

import pytest

from common import input_files
from common.errors import RosettaError
from common.input_files import is_ordinary, ordinary, read_json


def test_an_ordinary_file_and_a_link_to_one_are_read(tmp_path):
    (tmp_path / "a").write_text("1")
    (tmp_path / "link").symlink_to("a")
    for name in ("a", "link"):
        assert ordinary(tmp_path / name) == tmp_path / name
        assert ordinary(str(tmp_path / name)).read_text() == "1"
        assert is_ordinary(tmp_path / name)


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (Path.mkdir, "a folder"),
        (os.mkfifo, "a pipe"),
        (lambda path: path.symlink_to("/dev/null"), "a device"),
        (lambda path: (os.mkfifo(f"{path}.pipe"), path.symlink_to(f"{path}.pipe")), "a pipe"),
    ],
)
def test_what_may_not_end_is_named(tmp_path, make, kind):
    make(tmp_path / "x")
    with pytest.raises(RosettaError, match=f"x' is {kind}: give the path of an ordinary file"):
        ordinary(tmp_path / "x")
    assert not is_ordinary(tmp_path / "x")


@pytest.mark.parametrize("name", ["gone", "x" * 300, "a\0b", "gone/x", ""])
def test_a_name_that_no_file_can_have_is_no_file(tmp_path, name):
    assert not is_ordinary(tmp_path / name)


def read(tmp_path, text):
    (tmp_path / "a.json").write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_json(tmp_path / "a.json")


def test_what_is_written_is_read_again(tmp_path):
    values = {"a": [1, -2.5, 1e-300, True, None, "ä\u2028\x1b"], "b": {"c": {}}, "": []}
    assert read(tmp_path, json.dumps(values)) == values
    assert read(tmp_path, json.dumps(values, ensure_ascii=False, indent=1)) == values


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"a": 1, "b": 2, "a": 1}', "the key 'a' stands twice"),
        ('[{"b": {"\\u0061": 1, "a": 2}}]', "the key 'a' stands twice"),
        ("NaN", "the number NaN is not finite"),
        ("[-Infinity]", "the number -Infinity is not finite"),
        ("1e999", "the number 1e999 is not finite"),
        ("9" * 5000, "a number has 5000 digits"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a":' * 100_000, "nested too deeply"),
        (b"\xef\xbb\xbf{}", "BOM"),
        (b'"\xff"', "can't decode byte 0xff"),
        ('"a"'.encode("utf-16"), "can't decode"),
        ("{}\0", "Extra data"),
        ("", "Expecting value"),
        ("{'a': 1}", "Expecting property name"),
    ],
)
def test_json_without_one_meaning_is_refused(tmp_path, text, words):
    with pytest.raises(ValueError, match=words):
        read(tmp_path, text)


def test_json_is_not_read_to_the_end_of_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(input_files, "_MOST_JSON_BYTES", 1000)
    assert read(tmp_path, " " * 999 + "1") == 1
    with pytest.raises(ValueError, match="it is larger than"):
        read(tmp_path, " " * 1000 + "1")


def test_json_in_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.json")
    with pytest.raises(RosettaError, match="is a pipe"):
        read_json(tmp_path / "a.json")
