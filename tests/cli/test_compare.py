"""`compare.py` as people run it: exit codes, files, agreement and baselines."""

import json
import re
import subprocess
import sys
from dataclasses import asdict, replace
from math import comb
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from report_samples import VALIDATOR, measured, rows_of
from shallow import BRIEF_RUN, QUICK_RUN, TAP_OPTIONS, shallow

from common import RECIPES, Problem, load_image, load_weights, oracle
from common.backend import BACKENDS, load_backend
from common.cli import compare as compare_command
from common.cli import losses as losses_command
from common.cli import requests
from common.cli.gallery import requests_from
from common.cli.main import main, parse
from common.comparison import agreement
from common.comparison.reporting import changes, read_baseline
from common.comparison.session import Session
from common.comparison.workers import Outcome
from common.images import to_bytes
from common.recipes import FOR_PICTURES
from common.tolerances import Bounds

COMPARE = Path(__file__).resolve().parents[2] / "compare.py"


def run(*arguments, cwd):
    command = [sys.executable, str(COMPARE), *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=300)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Paths of a content picture, a style picture and an image between them, 20x24 pixels."""
    folder, rng = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    paths = [folder / f"{name}.png" for name in ("content", "style", "image")]
    for path in paths:
        Pillow.fromarray(to_bytes(rng.random((20, 24, 3)))).save(path)
    return paths


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """One run with the sample pictures, in a folder of its own."""
    folder = tmp_path_factory.mktemp("run")
    return run(*QUICK_RUN, "--rounds", "6", "--save-baseline", "baseline.json", cwd=folder), folder / "report"


@pytest.fixture(scope="module")
def report(finished):
    return json.loads((finished[1] / "report.json").read_text())


def test_all_agree_and_the_tables_are_there(finished):
    process, _ = finished
    assert process.returncode == 0, process.stderr[-2000:]
    for words in (
        "float64, 37x50 px",
        "float32, 16x24 px",
        "gradient, same choices",
        "measured in turns",
        "All rows agree",
    ):
        assert words in process.stdout
    assert "DIFFERS" not in process.stdout
    assert max(map(len, process.stdout.splitlines())) <= 100
    assert "Traceback" not in process.stderr
    assert "importing PyTorch" in process.stderr, "progress from the first second"


def test_the_report_is_what_its_schema_says(report):
    VALIDATOR.validate(report)


def test_the_report_is_whole(report):
    assert report["complete"] is report["agrees"] is True
    assert [it["precision"] for it in report["algorithm"]] == ["float64", "float32"]
    assert report["weights"]["sha256"] == load_weights("random").sha256
    assert report["pairing"] == "customary"
    assert {row["backend"]: row["optimizer"] for row in rows_of(report)} == {
        name: {"adam": "Adam", "lbfgs": "L-BFGS"}[entry.optimizer] for name, entry in BACKENDS.items()
    }
    for row in rows_of(report):
        assert (row["status"], row["ranked"], row["agreement"]["agrees"]) == ("measured", True, True)
        assert len(row["convergence"]["losses"]) == 3
        assert row["convergence"]["seconds"] == sorted(row["convergence"]["seconds"])
        assert all(row["phases"][f"{phase}_s"] > 0 for phase in ("import", "build", "first_evaluation", "forward"))
        assert row["memory"]["resident_bytes"] > 100e6
        assert row["limit"]["flops_per_s"] < 10 * row["limit"]["ceiling_flops_per_s"]
        assert all(row["environment"]["versions"].values())


def test_every_row_measured_in_every_round(report):
    """As often as was planned, or until the turn's five seconds are over, where other processes have the machine."""
    planned = report["groups"][0]["evaluations_per_round"]
    for row in rows_of(report):
        rounds_s = row["evaluation"]["rounds_s"]
        assert len(rounds_s) == 6
        assert all(1 <= len(one) <= planned for one in rounds_s)
        assert row["evaluation"]["count"] == sum(map(len, rounds_s))
        assert row["evaluation"]["median_s"] == pytest.approx(np.median(np.concatenate(rounds_s)))
    ratios = report["groups"][0]["ratios"]
    assert len(ratios) == comb(len(BACKENDS), 2)
    assert all(ratio["low"] <= ratio["ratio"] <= ratio["high"] for ratio in ratios)


def test_all_have_the_same_threads(report):
    for row in rows_of(report):
        said = row["environment"]["threads"]["intra-op"]
        assert said in (report["threads"], 0), "0: TensorFlow reads the variable"
        for name in BACKENDS[row["backend"]].thread_variables:
            assert row["environment"]["variables"][name] == str(report["threads"])


def test_the_pictures_are_there(finished):
    _, folder = finished
    names = ("torch-eager-float32-24.png", "keras-graph-float32-24.png")
    assert all(load_image(folder / name).shape == (16, 24, 3) for name in names)
    assert load_image(folder / "pictures.png").std() > 0.01
    assert "<title>" in (folder / "report.html").read_text()
    assert "| row |" in (folder / "report.md").read_text()
    assert not [path for path in folder.iterdir() if path.name.startswith(".")], "no temporary file is left"


def test_its_own_baseline_is_no_regression(finished):
    baseline = read_baseline(str(finished[1].parent / "baseline.json"))
    own = changes(read_baseline(str(finished[1] / "report.json")), baseline)
    assert [change.row for change in own] == [f"{it.name} {it.modes[0]} float32 24" for it in BACKENDS.values()]
    assert {change.ratio for change in own} == {1.0}
    assert "SLOWER" not in [change.verdict(0.5) for change in own], "a busy machine leaves it open at most"
    assert all(change.low <= 1 <= change.high for change in own)


class AlreadyMeasured(Session):
    """A session whose rows take 0.3 s an evaluation."""

    def run(self, on_part):
        self.evaluations_per_round = dict.fromkeys(self.request.groups, 3)

    @property
    def results(self):
        return tuple(measured(row, 0.3) for row in self.request.rows)


def test_a_faster_baseline_is_a_regression(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(compare_command, "Session", AlreadyMeasured)
    arguments, saved = [*QUICK_RUN, "--report", str(tmp_path / "report")], tmp_path / "baseline.json"
    assert main([*arguments, "--save-baseline", str(saved)]) == 0
    assert main([*arguments, "--baseline", str(saved)]) == 0
    faster = json.loads(saved.read_text())
    timing = rows_of(faster)[0]["evaluation"]
    timing["rounds_s"] = [[duration_s / 1.2 for duration_s in one] for one in timing["rounds_s"]]
    saved.write_text(json.dumps(faster))
    capsys.readouterr()
    assert main([*arguments, "--baseline", str(saved)]) == 1
    output = capsys.readouterr().out
    compared = re.findall(r"^(SLOWER|not slower) +(.*): ([\d.]+) times", output, flags=re.MULTILINE)
    first, *rest = (f"{it.name} {it.modes[0]} float32 24" for it in BACKENDS.values())
    assert compared == [("SLOWER", first, "1.200"), *(("not slower", row, "1.000") for row in rest)]
    assert main([*arguments, "--baseline", str(saved), "--fail-above", "25%"]) == 0


def test_an_interval_that_leaves_it_open_is_inconclusive_and_fails_only_if_asked(monkeypatch, tmp_path, capsys):
    """Five rounds say nothing of a difference, however large the ratio is."""
    monkeypatch.setattr(compare_command, "Session", AlreadyMeasured)
    arguments, saved = [*QUICK_RUN, "--report", str(tmp_path / "report")], tmp_path / "baseline.json"
    assert main([*arguments, "--save-baseline", str(saved)]) == 0
    few = json.loads(saved.read_text())
    for row in rows_of(few):
        row["evaluation"]["rounds_s"] = row["evaluation"]["rounds_s"][:5]
    saved.write_text(json.dumps(few))
    capsys.readouterr()
    compared, kept = [*arguments, "--baseline", str(saved)], tmp_path / "new.json"
    assert main(compared) == 0
    output = capsys.readouterr().out
    for name in ("torch eager float32 24", "keras graph float32 24"):
        assert f"inconclusive  {name}: fewer than 6 rounds" in output
    assert "more --rounds" in output
    assert main([*compared, "--fail-inconclusive", "--save-baseline", str(kept)]) == 3
    assert not kept.exists()
    slower = rows_of(few)[0]["evaluation"]
    slower["rounds_s"] = [[duration_s / 2 for duration_s in one] for one in slower["rounds_s"] * 2]
    saved.write_text(json.dumps(few))
    assert main([*compared, "--fail-inconclusive"]) == 1, "what is known to be slower comes first"


@pytest.fixture
def without_keras(tmp_path):
    """A Python whose Keras/TensorFlow cannot be imported."""
    (tmp_path / "tensorflow.py").write_text("raise ModuleNotFoundError('no tensorflow here')\n")
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH={tmp_path}:$PYTHONPATH exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    return python


@pytest.mark.parametrize(
    "option",
    [
        ["--python", "keras={}"],
        ["--row", "mine=keras@{}"],
        ["--python", "keras={}", "--backends", "keras"],
        ["--python", "keras={}", "--row", "mine=keras:eager"],
    ],
    ids=" ".join,
)
def test_what_was_asked_for_and_cannot_run_is_refused_before_anything_is_measured(
    option, without_keras, tmp_path, refused
):
    arguments = [*QUICK_RUN, "--report", str(tmp_path / "report"), *(part.format(without_keras) for part in option)]
    kind = "mine" if option[0] == "--row" else "keras graph"
    said = f"{kind} was asked for and cannot run by {without_keras}: Keras/TensorFlow cannot be imported (no tensorflow"
    refused(lambda: main(arguments), said)
    assert not (tmp_path / "report").exists()


def test_a_backend_that_is_named_must_be_there(without_keras, tmp_path, monkeypatch, refused):
    monkeypatch.setenv("PYTHONPATH", str(without_keras.parent))
    arguments = [*QUICK_RUN, "--report", str(tmp_path / "report"), "--backends", "keras"]
    refused(lambda: main(arguments), "keras graph was asked for and cannot run: Keras/TensorFlow cannot be imported")


ALL = len(BACKENDS)


def _agreeing(count, rows):
    return f"{count} of {rows} rows agree{'s' * (count == 1)}"


@pytest.mark.parametrize(
    ("options", "code", "last"),
    [
        (["--backends", "torch,keras"], 1, "1 of 2 rows agrees"),
        ([], 0, _agreeing(ALL - 1, ALL)),
        (["--backends", "all"], 0, _agreeing(ALL - 1, ALL)),
        (["--row", "mine=keras:eager"], 1, _agreeing(ALL - 1, ALL + 1)),
        (["--row", "mine=torch:lean"], 0, _agreeing(ALL, ALL + 1)),
    ],
)
def test_what_was_asked_for_and_could_not_be_timed_is_no_success(options, code, last, monkeypatch, tmp_path, capsys):
    """What nobody has named is a row that says why, and the last line does not count it among those that agree."""

    class WithoutKeras(AlreadyMeasured):
        @property
        def results(self):
            gone = {"status": "unavailable", "why": "no XLA here", "rounds_s": (), "agreement": None, "run": None}
            return tuple(replace(it, **gone) if it.row.backend == "keras" else it for it in super().results)

    monkeypatch.setattr(compare_command, "Session", WithoutKeras)
    monkeypatch.setattr(compare_command, "check_asked_for", lambda _: None)
    assert main([*QUICK_RUN, "--report", str(tmp_path / "report"), *options]) == code
    output = " ".join(capsys.readouterr().out.split())
    assert f"{last} with the float64 oracle within tolerance; not checked: Keras/TensorFlow graph (float32" in output


def test_a_baseline_of_another_machine_is_refused_before_anything_runs(finished, tmp_path, capsys):
    saved = json.loads((finished[1].parent / "baseline.json").read_text())
    saved["machine"]["cpu"] = "Z80"
    (tmp_path / "other.json").write_text(json.dumps(saved))
    assert main([*QUICK_RUN, "--report", str(tmp_path), "--baseline", str(tmp_path / "other.json")]) == 2
    captured = capsys.readouterr()
    assert "another CPU: Z80" in captured.err
    assert len(captured.err.splitlines()) == 1


@pytest.mark.thorough
def test_a_difference_is_struck_out_and_exit_code_1(monkeypatch, tmp_path, capsys):
    impossible = Bounds(*[1e-30] * 6)
    monkeypatch.setattr(agreement, "bounds_for", lambda _: impossible)
    assert main([*QUICK_RUN, "--rounds", "2", "--optimizer", "adam", "--report", str(tmp_path)]) == 1
    output = capsys.readouterr().out
    assert "DIFFERS" in output
    assert "unranked" in output
    assert "All rows agree" not in output
    assert "Something DISAGREES" in output
    found = json.loads((tmp_path / "report.json").read_text())
    assert found["agrees"] is False
    assert found["groups"][0]["ratios"] == []
    assert all(row["evaluation"]["median_s"] > 0 and not row["ranked"] for row in rows_of(found)), "the time is kept"
    assert {row["optimizer"] for row in rows_of(found)} == {"Adam"}, "--optimizer matches them"
    assert found["pairing"] == "matched"


class InThisProcess:
    """A worker that needs no process of its own, and answers what the losses are."""

    def __init__(self, name):
        self._backend = load_backend(name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def ask(self, action, job):
        assert action == "losses"
        return Outcome({"losses": asdict(self._backend.loss_terms(job.image, job.problem))}, {})


def test_losses_as_json_are_the_oracles(pictures, monkeypatch, capsys):
    monkeypatch.setattr(losses_command, "Worker", InThisProcess)
    options = ["--recipe", "gatys", "--weights", "random", *TAP_OPTIONS, "--precision", "float64", "--json"]
    assert main(["losses", *map(str, pictures), *options]) == 0
    found = json.loads(capsys.readouterr().out)
    content, style, image = (load_image(path) for path in pictures)
    problem = Problem(content, style, shallow("gatys"), load_weights("random"), "float64")
    assert found["losses"]["oracle"] == oracle.losses(image, problem).by_name()
    assert found["size_px"] == [20, 24]
    for name in ("torch", "keras"):
        assert found["losses"][name] == pytest.approx(found["losses"]["oracle"], rel=1e-12)


def test_losses_of_the_content_itself_agree(pictures, monkeypatch, capsys):
    """Its content loss is the rounding of the pixels alone, which no two implementations share."""
    monkeypatch.setattr(losses_command, "Worker", InThisProcess)
    content, style, _ = map(str, pictures)
    for precision in ("float64", "float32"):
        arguments = ["losses", content, style, content, "--recipe", "gatys", "--weights", "random"]
        assert main([*arguments, "--precision", precision]) == 0
    assert "DIFFERS" not in capsys.readouterr().out


@pytest.mark.thorough
def test_losses_of_a_picture_of_another_size(pictures, tmp_path, capsys):
    small = tmp_path / "small.png"
    Pillow.open(pictures[2]).resize((20, 18)).save(small)
    arguments = ["losses", *map(str, pictures[:2]), str(small), "--recipe", "d2l", "--weights", "random"]
    assert main(arguments) == 2
    assert "ask for a size" in capsys.readouterr().err
    assert main([*arguments, "--size", "19"]) == 0
    assert "style relu1_1" in capsys.readouterr().out


def test_recipes(capsys):
    assert main(["recipes"]) == 0
    output = capsys.readouterr().out
    assert all(f"{name}: " in output for name in RECIPES)
    assert "103.939" in output, "the deviations are printed"
    assert output.endswith(f"For pictures start with {FOR_PICTURES}.\n")


@pytest.mark.thorough
def test_gallery_of_one_recipe(tmp_path):
    assert main(["gallery", *BRIEF_RUN, "--recipes", "pytorch-blog", "--report", str(tmp_path)]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {
        "gallery.png",
        "pytorch-blog-torch.png",
        "pytorch-blog-keras.png",
    }


def test_gallery_is_of_all_recipes_unless_some_are_named():
    for given, names in (([], list(RECIPES)), (["--recipes", "gatys, keras-io"], ["gatys", "keras-io"])):
        options = parse(["gallery", "--weights", "random", "--size", "96", *given])
        assert list(requests_from(options)) == names


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere.png", "nowhere.png"], "there is no picture 'nowhere.png'"),
        (["alone.png"], "a content and a style picture, or neither"),
        (["--recipe", "picasso"], "no recipe 'picasso'"),
        (["gallery", "--recipes", "gatys,picasso"], "no recipe 'picasso'"),
        (["gallery", "--recipes", ""], "'' names nothing: separate names by commas"),
        (["--steps", "0"], "'0' is not a number of evaluations from 1 up"),
        (["--steps=--"], "argument --steps: '--' is no value"),
        (["--weights", "nowhere.h5"], "no weights 'nowhere.h5'"),
        (["--size", "8"], "need at least 16"),
        (["--report", "/dev/null/report"], "'/dev/null' is no folder"),
        (["losses", "a.png", "b.png", "c.png"], "there is no picture"),
        (["losses", "a.png"], "required: style, image"),
        (["--nonsense"], "unrecognized arguments"),
        (["--backends", "no-such"], f"there is no backend 'no-such': choose from {', '.join(BACKENDS)}"),
        (["--modes", "turbo"], "there is no mode 'turbo'"),
        (["--precisions", "float16"], "there is no precision 'float16'"),
        (["--sizes", "128,big"], "big"),
        (["--rounds", "0"], "'0' is not a number from 1 up"),
        (["--row", "nonsense"], "--row 'nonsense' is not NAME=BACKEND"),
        (["--python", "torch"], "--python 'torch' is not BACKEND=/path/to/python"),
        (["--baseline", "nowhere.json"], "cannot read 'nowhere.json'"),
        (["--fail-above", "much"], "'much' is not a percentage: write 5%"),
        (["--content-weight", "0", "--style-weight", "0", "--tv-weight", "0"], "all weights are 0"),
        (["--threads", "1000000000"], "threads is 1000000000: give a whole number from 1 to 1024"),
        (["--row", "  =torch"], "a row cannot be named '  '"),
        (["--weights", "random:"], "no usable seed"),
        (["export", "a/" * 50_000], "too long"),
        (["--report", ""], "argument --report: an empty name is no path"),
        (["check", "a.npz", "--json", ""], "argument --json: an empty name is no path"),
        (["--fail-above", "9" * 400], "is not a percentage"),
        (["--fail-above", "10%"], "--fail-above is for a baseline: name one by --baseline FILE"),
        (["--fail-inconclusive"], "--fail-inconclusive is for a baseline"),
        (["--save-baseline", "/dev/null"], "cannot save '/dev/null' (it is no ordinary file)"),
        (["selftest", "--modes", "all"], "a self-test takes one row"),
        (["selftest", "--repeats", "0"], "'0' is not a number from 1 up"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(arguments, words, tmp_path, monkeypatch, refused):
    monkeypatch.chdir(tmp_path)
    refused(lambda: main(arguments), words)


def test_a_gpu_that_is_not_there_is_refused_at_once(monkeypatch, refused):
    monkeypatch.setattr(requests, "lacks_gpu", lambda: True)
    refused(lambda: main(["--device", "gpu:1"]), "there is no device 'gpu:1' on this machine: use cpu")
