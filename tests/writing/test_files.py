"""A file is written whole or not at all, in its own place or else elsewhere."""

import errno
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from full_disk import no_room

from common.errors import RosettaError
from common.tensors import write_tensors
from common.writing import claimed, replacing, write_or_keep, write_text

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def old(tmp_path):
    path = tmp_path / "out.txt"
    path.write_text("old")
    return path


def assert_only(path, text):
    """A file has a text, and is alone in its folder."""
    assert path.read_text() == text
    assert list(path.parent.iterdir()) == [path]


def test_where_the_kernel_takes_half_a_file_the_old_one_stays_whole(old):
    with no_room(), pytest.raises(RosettaError, match=r"cannot save .*out.txt' \(File too large\): make room"):
        write_text(old, "new" * 1000)
    assert_only(old, "old")


def test_tensors_for_which_there_is_no_room_leave_the_old_file(old):
    with no_room(), pytest.raises(RosettaError, match=r"cannot save .*out.txt' \(.*File too large.*\)"):
        write_tensors(old, {"loss/total": np.ones(1000)})
    assert_only(old, "old")


def test_a_disk_that_is_full_when_the_data_arrive_there_leaves_the_old_file(old, monkeypatch):
    """As network file systems say so: not when the file is written, but later."""

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RosettaError, match="No space left on device"):
        write_text(old, "new")
    assert_only(old, "old")


@pytest.mark.parametrize("ending", [ValueError, KeyboardInterrupt, SystemExit])
def test_what_ends_the_writing_leaves_the_old_file(old, ending):
    def interrupted():
        with replacing(old) as temporary:
            temporary.write_text("half")
            raise ending("now")

    with pytest.raises(RosettaError if ending is ValueError else ending):
        interrupted()
    assert_only(old, "old")


HALF = {
    "a text": "with replacing(path) as half:\n        os.kill(os.getpid(), signal.SIGXFSZ)",
    "tensors": "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, -1))\n    write_tensors(path, {'a': np.ones(1000)})",
}


@pytest.mark.parametrize("half", HALF.values(), ids=HALF)
def test_a_killed_process_leaves_the_old_file_and_the_next_claim_clears_up(old, half):
    """Killed in the middle of a write: SIGXFSZ is what the kernel sends above the limit of a file's size."""
    code = (
        "import os, resource, signal\nfrom pathlib import Path\nimport numpy as np\n"
        "from common.tensors import write_tensors\nfrom common.writing import claimed, replacing\n"
        f"signal.signal(signal.SIGXFSZ, signal.SIG_DFL)\npath = Path({str(old)!r})\nwith claimed(path):\n    {half}"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    killed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=False)
    assert killed.returncode == -signal.SIGXFSZ
    assert old.read_text() == "old"
    assert sorted(path.name[:5] for path in old.parent.iterdir()) == [".lock", ".part", "out.t"]
    with claimed(old):
        assert sorted(path.name[:5] for path in old.parent.iterdir()) == [".lock", "out.t"]
    assert_only(old, "old")


def test_the_data_are_on_the_disk_before_the_name_and_the_name_before_the_end(old, monkeypatch):
    done = []
    sync, replace = os.fsync, Path.replace

    def noted_sync(descriptor):
        done.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        sync(descriptor)

    def noted_replace(path, target):
        done.append("rename")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", noted_sync)
    monkeypatch.setattr(Path, "replace", noted_replace)
    write_text(old, "new")
    assert done == ["file", "rename", "folder"]


def test_a_file_system_that_cannot_sync_folders_is_no_failure(old, monkeypatch):
    sync = os.fsync

    def refuses_folders(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", refuses_folders)
    write_text(old, "new")
    assert_only(old, "new")


@pytest.mark.parametrize("exists", [True, False])
def test_a_symbolic_link_stays_and_its_target_is_replaced(tmp_path, exists):
    (tmp_path / "far").mkdir()
    target, link, second = tmp_path / "far" / "target.txt", tmp_path / "link.txt", tmp_path / "second.txt"
    if exists:
        target.write_text("old")
    link.symlink_to(Path("far") / "target.txt")
    second.symlink_to("link.txt")
    write_text(second, "new")
    assert (link.readlink(), second.readlink()) == (Path("far") / "target.txt", Path("link.txt"))
    assert_only(target, "new")


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666, 0o755])
def test_the_permissions_of_a_file_are_kept(old, mode):
    old.chmod(mode)
    write_text(old, "new")
    assert stat.S_IMODE(old.stat().st_mode) == mode


def test_the_owner_of_a_file_is_kept_where_that_is_allowed(old, monkeypatch):
    given = []
    monkeypatch.setattr(os, "chown", lambda _, *owner: given.append(owner))
    write_text(old, "new")
    assert given == [(os.getuid(), os.getgid())]

    def refuse(*_):
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "chown", refuse)
    write_text(old, "newer")
    assert_only(old, "newer")


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_new_file_obeys_the_umask(tmp_path, umask, mode):
    before = os.umask(umask)
    try:
        write_text(tmp_path / "new.txt", "new")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new.txt").stat().st_mode) == mode


def test_what_replaces_a_private_file_is_private_while_it_is_written(old):
    old.chmod(0o600)
    with replacing(old) as temporary:
        assert stat.S_IMODE(temporary.stat().st_mode) == 0o600


def test_a_name_as_long_as_names_can_be_is_written(tmp_path):
    path = tmp_path / f"{'x' * 251}.txt"
    with claimed(path):
        write_text(path, "new")
    assert_only(path, "new")


@pytest.mark.parametrize("kind", ["fifo", "folder"])
def test_what_is_no_ordinary_file_is_not_replaced(tmp_path, kind):
    path = tmp_path / kind
    os.mkfifo(path) if kind == "fifo" else path.mkdir()
    with pytest.raises(RosettaError, match="cannot save"):
        write_text(path, "new")
    assert list(tmp_path.iterdir()) == [path]
    assert path.is_dir() if kind == "folder" else path.is_fifo()


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A temporary folder, a home folder, and a folder that is gone."""
    for name in ("temporary", "home"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path


def kept_by(message):
    return Path(message.split("the result is kept as ")[1].strip("'"))


def test_what_can_be_written_in_its_place_is_kept_nowhere_else(elsewhere):
    write_or_keep(elsewhere / "out.txt", lambda path: write_text(path, "new"))
    assert {path.name for path in elsewhere.rglob("*")} == {"temporary", "home", "out.txt"}


@pytest.mark.parametrize("place", ["temporary", "home"])
def test_what_has_lost_its_folder_is_kept_elsewhere_and_that_is_said(elsewhere, place):
    if place == "home":
        shutil.rmtree(elsewhere / "temporary")
    with pytest.raises(
        RosettaError, match=r"cannot save .*gone/out.txt' \(No such file or directory\): name another"
    ) as it:
        write_or_keep(elsewhere / "gone" / "out.txt", lambda path: write_text(path, "new"))
    kept = kept_by(str(it.value))
    assert kept.parent.parent == elsewhere / place
    assert_only(kept, "new")


def test_a_place_that_takes_half_is_cleared_and_the_next_is_tried(elsewhere):
    def write(path):
        write_text(path.with_name("first half"), "half")
        if path.parents[1] != elsewhere / "home":
            raise RosettaError("no room")
        write_text(path, "second half")

    with pytest.raises(RosettaError, match=r"^no room; the result is kept as '.*/home/"):
        write_or_keep(elsewhere / "out.txt", write)
    assert list((elsewhere / "temporary").iterdir()) == []


def test_where_no_place_takes_a_file_that_is_said_and_nothing_is_left(elsewhere):
    with no_room(10), pytest.raises(RosettaError, match=r"File too large.*; no other folder took the result either$"):
        write_or_keep(elsewhere / "out.txt", lambda path: write_text(path, "new" * 100))
    assert {path.name for path in elsewhere.rglob("*")} == {"temporary", "home"}
