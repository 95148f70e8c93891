"""What is published holds no folder of this machine: a report is made where every text names one."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest
import report_samples as samples

from common.comparison.rendering import write_report
from common.comparison.reporting import report_of, save_baseline
from common.comparison.reporting.anonymous import anonymous, anonymous_command

ODD = ("plain", "with space", 'it\'s "quoted"', "a=b@c", "ünïcode $x`|", "[brackets] (and) {braces}")


@pytest.mark.parametrize("name", ODD)
def test_no_file_of_a_report_names_a_folder(name, tmp_path, monkeypatch):
    folder = tmp_path / "somebody" / name
    folder.mkdir(parents=True)
    python = folder / "bin" / "python3"
    picture = replace(samples.scene().content, path=folder / "me.png")
    scene = replace(samples.scene(), content=picture, style=picture, weights_source=str(folder / "vgg.h5"))
    places = [str(folder / "me.png"), repr(str(python)), sys.executable, str(Path.home() / "x"), str(Path.home())]
    why = f"cannot start {places[1]}; see {places[0]}, {', '.join(places[2:])} and /opt/secret/place/log.txt"
    first = samples.measured(samples.row("torch eager"), 0.3)
    flags = {**first.environment["flags"], "library": f"{folder}/libmkl.so"}
    environment = {**first.environment, "flags": flags}
    died = replace(samples.measured(samples.row("keras graph"), 0.4), status="died", why=why)
    died = replace(died, row=replace(died.row, python=str(python)))
    results = (replace(first, environment=environment), died)
    options = ["--python", f"torch={python}", f"--row=x=torch:eager@{python}", f"--report={folder}", "--rounds", "6"]
    monkeypatch.setattr(sys, "argv", [str(folder / "compare.py"), *places[:1], *options])
    request = replace(samples.REQUEST, interpreters={"keras": str(python)})
    report, pictures = report_of(samples.Finished(results, request=request, scene=scene), complete=True)
    written = tmp_path / "written"
    written.mkdir()
    write_report(report, pictures, written)
    save_baseline(report, written / "baseline.json")
    files = list(written.iterdir())
    assert len(files) >= 7
    for path in files:
        text = path.read_bytes()
        for place in (tmp_path, folder, Path(sys.executable).parent, Path.home(), "/opt/secret", "/home/somebody"):
            assert str(place).encode() not in text, path.name
        assert b"somebody" not in text, path.name
    assert report.content.name == "me.png"
    assert "cannot start 'python3'; see me.png" in report.rows[1].why
    assert report.command.startswith("python compare.py me.png --python torch=python3")
    assert "--rounds 6" in report.command


def test_an_environment_is_named_by_its_version(tmp_path):
    report = samples.sample()
    assert {environment.python for _, environment in report.environments} == {"3.11.7"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("no kernel in /usr/lib/x86/libcuda.so.1: not found", "no kernel in libcuda.so.1: not found"),
        ("file:///srv/data/x.png", "file:x.png"),
        ("see https://keras.io/guides/x for more", "see https://keras.io/guides/x for more"),
        ("Keras/TensorFlow at 3 GFLOP/s, features/relu1_1", "Keras/TensorFlow at 3 GFLOP/s, features/relu1_1"),
        ("1 / 2 / 3", "1 / 2 / 3"),
    ],
)
def test_of_a_path_the_last_name_stays_and_nothing_else_is_taken_for_one(text, shown):
    assert anonymous(text) == shown


def test_a_name_that_begins_like_a_folder_is_left_alone():
    home = Path.home()
    assert anonymous(f"{home}er") == f"{home}er"
    assert str(home) not in anonymous(f"in {home}: nothing")


def test_a_command_keeps_all_but_the_folders():
    command = [
        "/a b/compare.py",
        "../x/me.png",
        "s.png",
        "--steps",
        "4",
        "--python",
        "torch=/v/bin/python",
        "--modes=all",
    ]
    command += ["--row", "new=torch:eager@/v/bin/python3", "--row", "old=keras", "--weights=/w/vgg.h5"]
    assert anonymous_command(command) == [
        *("compare.py", "me.png", "s.png", "--steps", "4", "--python", "torch=python", "--modes=all"),
        *("--row", "new=torch:eager@python3", "--row", "old=keras", "--weights=vgg.h5"),
    ]
