"""Two runs never write the same files, and a claim ends with its run."""

import errno
import fcntl
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from common.errors import RosettaError
from common.writing import PART_FOLDER, claimed

ROOT = Path(__file__).resolve().parents[2]


def is_free(*files, folder=None):
    """Whether nobody has claimed the files and the folder."""
    try:
        with claimed(*files, folder=folder):
            return True
    except RosettaError as error:
        return "another run is writing" not in str(error)


def test_a_file_is_claimed_once_and_nothing_is_left(tmp_path):
    path = tmp_path / "out.png"
    with claimed(path):
        assert not is_free(path)
        assert not is_free(f"{tmp_path}/./out.png")
        assert is_free(tmp_path / "other.png")
    assert is_free(path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_claimed_once_and_nothing_is_left(tmp_path):
    with claimed(folder=tmp_path):
        assert not is_free(folder=tmp_path)
        assert is_free(tmp_path / "out.png"), "a picture of another command, which the folder's command does not write"
        assert list(tmp_path.iterdir()) == []
    assert is_free(folder=tmp_path)


def test_a_claim_that_fails_frees_what_it_had_claimed(tmp_path):
    with claimed(tmp_path / "b"):
        assert not is_free(tmp_path / "a", tmp_path / "b", folder=tmp_path)
    assert is_free(tmp_path / "a", tmp_path / "b", folder=tmp_path)


def test_links_to_one_file_are_one_claim(tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "link.png").symlink_to(tmp_path / "far" / "out.png")
    with claimed(tmp_path / "link.png"):
        assert not is_free(tmp_path / "far" / "out.png")


@pytest.mark.parametrize("error", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EBADF])
def test_a_file_system_without_locks_keeps_nobody_out(tmp_path, monkeypatch, error):
    def refuse(*_):
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with claimed(tmp_path / "out.png", folder=tmp_path):
        (tmp_path / f"{PART_FOLDER}of-another-run").mkdir()
        assert is_free(tmp_path / "out.png", folder=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [f"{PART_FOLDER}of-another-run"]


def test_a_claimed_folder_loses_what_a_killed_run_has_left(tmp_path):
    (tmp_path / f"{PART_FOLDER}1").mkdir()
    (tmp_path / f"{PART_FOLDER}1" / "half").touch()
    (tmp_path / "other").touch()
    assert is_free(folder=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["other"]


def test_missing_folders_are_made_and_stay_where_they_are_used(tmp_path):
    with claimed(tmp_path / "a" / "b" / "out.png", folder=tmp_path / "c" / "d"):
        (tmp_path / "a" / "b" / "out.png").touch()
        assert (tmp_path / "c" / "d").is_dir()
    assert {path.name for path in tmp_path.rglob("*")} == {"a", "b", "out.png"}


def test_folders_that_were_there_stay(tmp_path):
    (tmp_path / "a").mkdir()
    assert is_free(tmp_path / "a" / "b" / "out.png", folder=tmp_path / "a")
    assert list(tmp_path.rglob("*")) == [tmp_path / "a"]


@pytest.mark.parametrize("name", ["file/below", "file", "dangling", "a\0b", "x" * 256, "new/" + "x" * 256])
def test_a_folder_that_cannot_be_made_is_refused(tmp_path, name):
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to("nowhere")
    with pytest.raises(RosettaError, match="cannot make the folder"), claimed(folder=f"{tmp_path}/{name}"):
        pass
    assert {path.name for path in tmp_path.iterdir()} == {"file", "dangling"}


@pytest.mark.parametrize("name", ["file/out.png", "a\0b/out.png", "x" * 256, "new/" + "x" * 256])
def test_a_file_that_cannot_be_written_is_refused_when_its_folder_is_made(tmp_path, name):
    (tmp_path / "file").touch()
    with pytest.raises(RosettaError, match=r"cannot (save|make the folder)"), claimed(f"{tmp_path}/{name}"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_folder_that_vanishes_under_a_claim_is_no_failure(tmp_path):
    with claimed(tmp_path / "a" / "out.png"):
        shutil.rmtree(tmp_path / "a")


def test_a_lock_whose_file_was_removed_in_between_is_no_claim(tmp_path, monkeypatch):
    """A run opens the file of a lock, whose holder then removes the file and ends: a third run would make another."""
    lock, calls = fcntl.flock, []

    def late(descriptor, operation):
        calls.append(descriptor)
        if len(calls) == 1:
            next(tmp_path.iterdir()).unlink()
        lock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", late)
    with claimed(tmp_path / "out.png"):
        assert len(calls) == 2
        assert not is_free(tmp_path / "out.png")


def test_of_many_that_claim_at_once_there_is_never_more_than_one(tmp_path):
    inside, most, claims = [], [], []

    def claim(number):
        end_s = time.monotonic() + 0.5
        while time.monotonic() < end_s:
            try:
                with claimed(tmp_path / "out.png"):
                    inside.append(number)
                    most.append(len(inside))
                    time.sleep(1e-4)
                    inside.remove(number)
            except RosettaError:
                continue
            claims.append(number)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(claim, range(8)))
    assert len(set(claims)) > 1
    assert max(most) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_claim_ends_with_its_process_however_that_ends(tmp_path):
    code = (
        "import sys, time\nfrom common.writing import claimed\n"
        "with claimed(sys.argv[1], folder=sys.argv[2]):\n    print('claimed', flush=True)\n    time.sleep(60)"
    )
    path, folder = tmp_path / "out.png", tmp_path / "report"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code, str(path), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment) as process:
        assert process.stdout.readline() == "claimed\n"
        assert not is_free(path)
        assert not is_free(folder=folder)
        process.kill()
        process.wait()
    assert is_free(path, folder=folder)
    assert list(tmp_path.iterdir()) == [folder], "the lock of the killed run is cleared up, and its folder stays"
