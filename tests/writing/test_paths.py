"""Paths that will be written: which are refused before work starts, and that nothing is made."""

import os
import socket
from pathlib import Path

import pytest

from common.errors import RosettaError
from common.writing import check_written


def refusal(*arguments):
    with pytest.raises(RosettaError) as caught:
        check_written(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def unwritable(folder):
    """Paths by what is wrong with them."""
    os.mkfifo(folder / "fifo")
    (folder / "folder").mkdir()
    (folder / "file").touch()
    (folder / "loop").symlink_to("loop")
    (folder / "to a fifo").symlink_to("fifo")
    bound = socket.socket(socket.AF_UNIX)
    bound.bind(str(folder / "socket"))
    bound.close()
    return {
        "it is a folder": folder / "folder",
        "it is no ordinary file": folder / "fifo",
        "(it is no ordinary file)": folder / "to a fifo",
        "is no ordinary file": folder / "socket",
        "no ordinary file": Path("/dev/null"),
        "is no folder": folder / "file" / "below.png",
        "File name too long": folder / ("x" * 256),
        "Too many levels": folder / "loop",
        "null": f"{folder}/a\0b",
    }


def test_what_cannot_become_a_file_is_refused_with_the_reason(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the name of a socket is short
    for reason, path in unwritable(Path()).items():
        message = refusal([path])
        assert message.startswith(f"cannot save {str(path)!r} ("), message
        assert reason in message
        assert message.endswith("): name another file")


@pytest.mark.parametrize("protected", ["file.png", "."], ids=["the file", "its folder"])
def test_what_is_write_protected_is_refused(tmp_path, monkeypatch, protected):
    """As the immutable file and the read-only file system, which refuse root too."""
    (tmp_path / "file.png").touch()
    denied = (tmp_path / protected).resolve()
    monkeypatch.setattr(os, "access", lambda path, _: Path(path) != denied)
    assert "is write-protected" in refusal([tmp_path / "file.png"])


def test_a_missing_folder_is_no_fault_and_is_not_made(tmp_path):
    check_written([tmp_path / "a" / "b" / "out.png", tmp_path / "a" / "out.json"])
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def precious(tmp_path):
    """A file that is read, and the names that it has."""
    (tmp_path / "folder").mkdir()
    path = tmp_path / "content.png"
    path.write_bytes(b"precious")
    (tmp_path / "symbolic.png").symlink_to(path)
    (tmp_path / "hard.png").hardlink_to(path)
    (tmp_path / "twice.png").symlink_to("symbolic.png")
    return path


NAMES = ["content.png", "symbolic.png", "hard.png", "twice.png", "folder/../content.png", "./content.png"]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_read_is_not_written_by_whatever_name(precious, name):
    other = f"{precious.parent}/{name}"
    for written, read in ((other, precious), (precious, other)):
        assert f"{written!s}' would replace '{read!s}', which is read" in refusal([written], ["nowhere", read])


def test_a_relative_path_is_the_same_file(precious, monkeypatch):
    monkeypatch.chdir(precious.parent)
    assert "which is read" in refusal(["content.png"], [precious])


@pytest.mark.parametrize("name", NAMES)
def test_two_outputs_are_two_files(precious, name):
    assert "are one file" in refusal([precious, precious.with_name("other.png"), f"{precious.parent}/{name}"])


def test_two_outputs_that_are_not_there_yet_are_two_files(tmp_path):
    assert "are one file" in refusal([tmp_path / "a" / "new.json", f"{tmp_path}/a/../a/new.json"])


def test_other_files_may_be_written(precious):
    check_written([precious.with_name("content.jpg"), precious.with_name("out.png")], [precious, "", "\0"])
