"""`compare.py batch`: what a table may hold, what is computed again, and what is said of each job."""

import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import chdir
from pathlib import Path

import numpy as np
import pytest

from common import samples
from common.cli.batch.jobs import read_jobs
from common.cli.batch.page import check_page
from common.cli.batch.runner import _process as process
from common.cli.main import main
from common.cli.provenance import is_made_by
from common.errors import RosettaError
from common.images import description_of, load_image

ROOT = Path(__file__).resolve().parents[2]
SMALL = "random,24,2,relu1_1,relu1_2"
COLUMNS = "weights,size,steps,style taps,content-taps"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with two pictures, which is not the current one."""
    for name, sample in (("content.png", samples.CONTENT), ("style.png", samples.STYLE)):
        shutil.copy(sample.path, tmp_path / name)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return tmp_path


def table(folder, *lines, name="jobs.csv"):
    (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / name


def batch(path, *options):
    return main(["batch", str(path), *options])


def test_what_is_there_is_not_made_again(folder, capsys):
    lines = [
        f"content,style,output,{COLUMNS}",
        *(f"content.png,style.png,{name},{SMALL}" for name in ("a.png", "b.png", "")),
    ]
    assert batch(table(folder, *lines)) == 0
    said = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"\[1/3\] a.png: made in \d+ s, loss \S+ after 2 evaluations; about \d+ s to go", said[0])
    assert re.fullmatch(r"\[3/3\] content-style-d2l-torch.png: made in \d+ s, loss \S+ after 2 evaluations", said[2])
    assert said[3] == "3 made, 0 there before, 0 failed -> jobs.html"
    page = (folder / "jobs.html").read_text()
    assert page.count("<figure") == 3
    assert 'href="a.png"' in page

    before = {path: path.stat().st_mtime_ns for path in folder.glob("*.png")}
    lines[1] = lines[1].replace("24,2", "24,3")
    assert batch(table(folder, *lines)) == 0
    said = capsys.readouterr().out.splitlines()
    assert "loss" in said[0]
    assert "after 3 evaluations" in said[0]
    assert all(
        re.search(r": there before, loss \S+ after 2 evaluations(; about \d+ s to go)?$", line) for line in said[1:3]
    )
    assert [path.name for path in before if path.stat().st_mtime_ns != before[path]] == ["a.png"]


def test_a_batch_that_is_killed_goes_on_where_it_was(folder):
    """With -9 in the middle of the second job: the first is not made again, the second is not begun anew."""
    lines = [f"content,style,output,optimizer,seed,{COLUMNS}"]
    lines += [f"content.png,style.png,{name}.png,lbfgs,1,{SMALL.replace('24,2', '24,300')}" for name in "ab"]
    command = [sys.executable, str(ROOT / "compare.py"), "batch", str(table(folder, *lines))]
    state = folder / "b.png-checkpoint" / "losses.jsonl"
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and not state.exists():
            time.sleep(0.01)
        process.kill()
    made = (folder / "a.png").stat().st_mtime_ns
    ended = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    assert ended.stdout.splitlines()[0].startswith("[1/2] a.png: there before")
    assert ended.stdout.splitlines()[1].startswith("[2/2] b.png: made in")
    assert (folder / "a.png").stat().st_mtime_ns == made
    assert np.array_equal(load_image(folder / "a.png"), load_image(folder / "b.png"))
    assert not state.parent.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_the_transfer_with_its_checkpoint_saved(folder, number):
    line = f"content.png,style.png,a.png,0,{SMALL.replace('24,2', '24,100000')}"
    path = table(folder, f"content,style,output,checkpoint-every,{COLUMNS}", line)
    command = [sys.executable, str(ROOT / "compare.py"), "batch", str(path)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None and not (folder / "a.png-checkpoint" / "losses.jsonl").exists():
            time.sleep(0.01)
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert said.startswith("stopped after 0 of 1 jobs; the same command goes on\n")
    assert (folder / "a.png-checkpoint" / "state.safetensors").exists()
    assert (folder / "a-partial.png").exists()


def test_a_killed_transfer_is_said_to_be_killed(folder, monkeypatch, capsys):
    kill = [sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"]
    monkeypatch.setattr("common.cli.batch.runner._process", lambda _, on_line: process(kill, on_line))
    assert batch(table(folder, "content,style", "content.png,style.png")) == 1
    assert "FAILED, ended by SIGKILL, maybe for want of memory" in capsys.readouterr().out


def test_weights_of_another_file_of_the_same_name_are_other_weights(folder):
    assert batch(table(folder, f"content,style,output,{COLUMNS}", f"content.png,style.png,a.png,{SMALL}")) == 0
    job, made = read_jobs_in(folder), folder / "a.png"
    assert is_made_by(made, job.entry, job.options, job.defaults, job.files)
    (folder / "random").write_bytes(b"other weights")
    with chdir(folder):
        assert not is_made_by(made, job.entry, job.options, job.defaults, job.files)


def read_jobs_in(folder):
    with chdir(folder):
        (job,) = read_jobs(folder / "jobs.csv")
    return job


def test_all_lines_are_checked_before_the_first_is_run(folder, refused):
    lines = [f"content.png,style.png,{name},{SMALL}" for name in ("a.png", "b.png")]
    (folder / "b.png").mkdir()
    refused(lambda: batch(table(folder, f"content,style,output,{COLUMNS}", *lines)), "'jobs.csv', line 3: ")
    assert not (folder / "a.png").exists()


def test_a_job_that_fails_is_listed_at_the_end(folder, capsys):
    """A picture that can be decoded no further than its header is found out by the transfer alone."""
    whole = (folder / "content.png").read_bytes()
    (folder / "half.png").write_bytes(whole[: len(whole) // 2])
    jobs = table(
        folder,
        f"content,style,output,{COLUMNS}",
        f"half.png,style.png,a.png,{SMALL}",
        f"content.png,style.png,b.png,{SMALL}",
    )
    assert batch(jobs) == 1
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("[1/2] a.png: FAILED, cannot read ")
    assert said[1].startswith("[2/2] b.png: made in ")
    assert said[2] == "1 made, 0 there before, 1 failed -> jobs.html"
    assert said[3].startswith("line 2, a.png: cannot read ")
    assert (folder / "jobs.html").read_text().count('class="failed"') == 1


def test_the_options_reach_the_transfer(folder):
    jobs = table(
        folder, f"content,style,output,{COLUMNS},optimizer,plot", f"content.png,style.png,a.png,{SMALL},lbfgs,yes"
    )
    assert batch(jobs, "--page", "page.html") == 0
    assert '"optimizer": "lbfgs"' in description_of(folder / "a.png")
    assert load_image(folder / "a.png").shape == (16, 24, 3)
    assert (folder / "a.png-losses.png").exists()
    assert Path("page.html").exists()
    assert 'href="../a.png"' in Path("page.html").read_text()


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["content,style,colour", "a,b,c"], "has a column 'colour', which is no option: name content, style,"),
        (["content,style,stepz", "a,b,c"], "has a column 'stepz', which is no option (did you mean steps?)"),
        (["content,style,resume", "a,b,yes"], "has a column 'resume', which is no option"),
        (["content,style,content", "a,b,c"], "has two columns 'content': give each once"),
        (["content,style", "content.png,style.png,more"], "line 2: 3 cells in 2 columns"),
        (["content,style", "content.png,"], "line 2: name a content and a style picture, or neither"),
        (["content,style", "nowhere.png,style.png"], "line 2: cannot read"),
        (["content,style,size", "content.png,style.png,huge"], "line 2: "),
        (["content,style,steps", "content.png,style.png,-1"], "line 2: argument --steps: '-1' is not"),
        (["content,style,fast", "content.png,style.png,maybe"], "line 2: 'maybe' is no value of fast: use yes or no"),
        (
            ["content,style,backend", "content.png,style.png,torhc"],
            "line 2: there is no backend 'torhc' (did you mean torch?)",
        ),
        (
            ["content,style,output", "content.png,style.png,a.png", "content.png,style.png,./a.png"],
            "are one file: name another",
        ),
        (["content,style,output", "content.png,style.png,content.png"], "line 2: "),
        (["content,style,output", "content.png,style.png,a.png", "a.png,style.png,b.png"], "line 3: cannot read"),
        (["content,style", "-h,style.png"], "line 2: cannot read a picture"),
        (["content,style"], "has no jobs"),
        ([""], "has no jobs"),
        (["content,style", '"content.png'], "line 2: no CSV ("),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_by_its_line(folder, refused, lines, words):
    path = table(folder, *lines)
    before = sorted(it.name for it in folder.iterdir())
    refused(lambda: batch(path), words, r"compare\.py batch|compare\.py")
    assert sorted(it.name for it in folder.iterdir()) == before


def test_no_table(folder, refused):
    refused(lambda: batch(folder / "none.csv"), "cannot read the jobs")
    refused(lambda: batch(folder / "none" / "jobs.csv"), "there is no folder")
    refused(lambda: batch(folder), "is a folder")


def test_semicolons_separate_where_there_are_no_commas(folder, monkeypatch):
    path = table(folder, "\ufeffcontent;style;Style Taps", "content.png;style.png;relu1_1,relu2_1")
    monkeypatch.chdir(folder)
    (job,) = read_jobs(path)
    assert job.options.style_taps == "relu1_1,relu2_1"
    assert job.words[-4:] == ("--output=content-style-d2l-torch.png", "--", "content.png", "style.png")


def test_a_page_that_is_not_ours_stays(folder, refused):
    path = table(folder, "content,style", "content.png,style.png")
    (folder / "jobs.html").write_text("mine")
    refused(lambda: batch(path), "exists and is no page of a batch")
    assert (folder / "jobs.html").read_text() == "mine"
    with pytest.raises(RosettaError):
        check_page(folder)
