"""What the commands write: never what they read, alone, into folders that they make, and elsewhere where that fails."""

import errno
import os
import re
import shutil
import tempfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from shallow import QUICK_RUN, SMALL_EXPORT
from test_compare import AlreadyMeasured

from common import load_image, save_image
from common.backend import BACKENDS
from common.cli import check, gallery, stylize
from common.cli import compare as compare_command
from common.cli.main import main
from common.results import LossTerms, RunResult, Step
from common.tensors import write_tensors
from common.writing import claimed

TRANSFER = ("--weights", "random", "--size", "36", "--steps", "4", "--device", "cpu")
ON_RANDOM = ("--weights", "random", "--size", "36")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder, with whatever a command may read."""
    monkeypatch.chdir(tmp_path)
    for number, name in enumerate(("content", "style", "start", "torch-eager-float32-24", "d2l-torch")):
        save_image(f"{name}.png", np.random.default_rng(number).random((40, 36, 3)))
    for name in ("weights.h5", "theirs.npz", "report.json", "manifest.json", "a_port.py"):
        Path(name).write_text("precious")
    write_tensors(Path("theirs.safetensors"), {"loss/total": np.ones(())})
    (tmp_path / "theirs").mkdir()
    np.save("theirs/loss--total.npy", np.ones(()))
    Path("to-the-style.png").symlink_to("style.png")
    Path("is-the-weights.png").hardlink_to("weights.h5")
    return tmp_path


def everything(folder):
    """Every file with its bytes, and every folder and link."""
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


@pytest.fixture
def bundle(folder):
    assert main(["export", "bundle", *SMALL_EXPORT]) == 0
    return folder / "bundle"


PICTURES = ("content.png", "style.png")
DESTROYING = [
    ["check", "theirs.npz", "--json", "theirs.npz"],
    ["check", "theirs.safetensors", "--markdown", "theirs.safetensors"],
    ["check", "theirs", "--json", "theirs/loss--total.npy"],
    ["check", "theirs.npz", "--content", "content.png", "--style", "style.png", "--json", "content.png"],
    ["check", "theirs.npz", "--weights", "weights.h5", "--json", "is-the-weights.png"],
    ["check", "--port", "a_port:port", "--json", "a_port.py"],
    ["check", "--picture", "start.png", *PICTURES, "--json", "start.png"],
    ["check", "--picture", "start.png", *PICTURES, "--markdown", "to-the-style.png"],
    ["doctor", "torch", "--style", "style.png", "--content", "content.png", "--json", "to-the-style.png"],
    ["gallery", "d2l-torch.png", "style.png", "--recipes", "d2l", "--report", "."],
    [*QUICK_RUN, "torch-eager-float32-24.png", "style.png", "--report", "."],
    [*QUICK_RUN, *PICTURES, "--init", "torch-eager-float32-24.png", "--report", "."],
    [*QUICK_RUN, "--baseline", "report.json", "--report", "."],
    [*QUICK_RUN, "--baseline", "report.json", "--save-baseline", "report.json"],
    [*QUICK_RUN, *PICTURES, "--save-baseline", "style.png"],
    [*PICTURES, "--weights", "weights.h5", "--save-baseline", "is-the-weights.png"],
]


@pytest.mark.parametrize("arguments", DESTROYING, ids=" ".join)
def test_no_command_writes_what_it_reads(folder, refused, arguments):
    before = everything(folder)
    refused(lambda: main(arguments), "which is read: name another")
    assert everything(folder) == before


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    "options",
    [
        ("-o", "content.png"),
        ("-o", "to-the-style.png"),
        ("-o", "start.png", "--init", "start.png"),
        ("-o", "is-the-weights.png", "--weights", "weights.h5"),
    ],
    ids=" ".join,
)
def test_no_transfer_writes_what_it_reads(folder, refused, backend, options):
    before = everything(folder)
    program = f"python -m {BACKENDS[backend].package}"
    refused(lambda: stylize.main(backend, [*PICTURES, *TRANSFER, *options]), "which is read: name another", program)
    assert everything(folder) == before


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "theirs.safetensors", "--against", "bundle", "--json", "bundle/manifest.json"],
        ["check", "theirs.safetensors", "--against", "bundle", "--markdown", "bundle/content.png"],
        ["check", "theirs.safetensors", "--against", ".", "--json", "manifest.json"],
        ["export", "bundle", *SMALL_EXPORT, "--content", "bundle/content.png", "--style", "style.png"],
        ["export", "bundle", *SMALL_EXPORT, "--content", "content.png", "--style", "bundle/content.png"],
    ],
    ids=" ".join,
)
def test_no_command_writes_into_the_bundle_that_it_reads(bundle, folder, refused, capsys, arguments):
    before = everything(folder)
    capsys.readouterr()
    refused(lambda: main(arguments), "which is read: name another")
    assert everything(folder) == before


@pytest.mark.parametrize("name", ["x" * 300, "a\0b", "nowhere"])
def test_what_cannot_be_read_is_reported_as_such(folder, refused, name):
    refused(lambda: main(["check", name, "--against", "nowhere", "--json", "new.json"]), "nowhere")
    refused(lambda: main(["check", "--port", f"{name}:port", "--json", "new.json"]), "cannot import the port")


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "theirs.npz", "--json", "new.json", "--markdown", "./new.json"],
        [*QUICK_RUN, "--report", "new", "--save-baseline", "new/report.json"],
    ],
    ids=" ".join,
)
def test_two_outputs_are_two_files(folder, refused, arguments):
    before = everything(folder)
    refused(lambda: main(arguments), "are one file: name another")
    assert everything(folder) == before


@pytest.fixture
def transfer(monkeypatch):
    """A function that runs a transfer of a backend whose picture after step n is n tenths bright.

    `during` is called before step 2.
    """

    def transfer(*arguments, backend="torch", during=lambda: None):
        terms = LossTerms({}, {"relu1_1": 1.0}, 0.0)

        def run(problem, init, seed, on_step, checkpoints):
            steps = tuple(Step(number, 1, 0.1, 0.1, 0.1, terms) for number in range(1, 8))
            for step in steps:
                if step.evaluation == 2:
                    during()
                on_step(step, lambda step=step: np.full_like(problem.content, step.evaluation / 10))
            return RunResult(np.full_like(problem.content, 0.7), terms, steps, 0.0)

        fake = SimpleNamespace(best_device=lambda: "cpu", check_precisions=lambda _: None, stylize=run)
        monkeypatch.setattr(stylize, "load_backend", lambda _: fake)
        return stylize.main(backend, [*arguments, *TRANSFER])

    return transfer


@pytest.mark.parametrize("backend", BACKENDS)
def test_without_a_name_the_picture_is_named_after_what_it_is_made_of(folder, transfer, backend, capsys):
    assert transfer(*PICTURES, "--recipe", "gatys", backend=backend) == 0
    name = f"content-style-gatys-{backend}.png"
    assert load_image(name).mean() == pytest.approx(0.7, abs=1 / 255)
    assert capsys.readouterr().out.endswith(f" -> {name}\n")
    assert transfer(backend=backend) == 0
    assert Path(f"chelsea-ihc-d2l-{backend}.png").exists()


@pytest.mark.parametrize(
    ("content", "style", "name"),
    [
        ("my cat (1).png", "Öl, Öl.jpeg", "my-cat-1-Öl-Öl-d2l-torch.png"),
        ("a\nb;$(c).png", "-rf.png", "a-b-c-rf-d2l-torch.png"),
        (".hidden.png", "(.png", "hidden-d2l-torch.png"),
        ("x" * 250 + ".png", "ö" * 120 + ".png", "x" * 80 + "-" + "ö" * 40 + "-d2l-torch.png"),
    ],
)
def test_a_name_that_is_made_is_short_and_needs_no_quotes(folder, transfer, content, style, name):
    (folder / "pictures").mkdir()
    for path in (content, style):
        save_image(folder / "pictures" / path, np.full((40, 36, 3), 0.5))
    assert transfer(f"pictures/{content}", f"pictures/{style}") == 0
    assert Path(name).is_file()


def test_an_earlier_result_of_the_same_pictures_is_replaced(folder, transfer):
    assert transfer(*PICTURES) == 0
    before = Path("content-style-d2l-torch.png").read_bytes()
    assert transfer(*PICTURES, "--tv-weight", "3") == 0
    assert Path("content-style-d2l-torch.png").read_bytes() != before, "its metadata say the other weight"


def test_any_other_file_of_the_name_is_kept(folder, transfer, refused, capsys):
    assert transfer(*PICTURES) == 0
    result = Path("content-style-d2l-torch.png").read_bytes()
    assert transfer(*PICTURES, backend="keras") == 0
    of_keras = Path("content-style-d2l-keras.png").read_bytes()
    save_image("plain.png", np.zeros((36, 36, 3)))
    for other in (of_keras, Path("plain.png").read_bytes(), b"", b"\x89PNG\r\n\x1a\n", result[:-9000]):
        Path("content-style-d2l-torch.png").write_bytes(other)
        capsys.readouterr()
        refused(lambda: transfer(*PICTURES), "not an earlier result of these pictures", "python -m torch_impl")
        assert Path("content-style-d2l-torch.png").read_bytes() == other
    Path("content-style-d2l-torch.png").write_bytes(result)
    save_image("style.png", np.zeros((40, 36, 3)))
    refused(lambda: transfer(*PICTURES), "name the output by -o", "python -m torch_impl")
    assert transfer(*PICTURES, "-o", "content-style-d2l-torch.png") == 0, "who names a file means this file"


def test_a_missing_folder_is_made_without_a_word(folder, transfer, capsys):
    assert transfer(*PICTURES, "-o", "a/b/out.png", "--save-every", "3", "--plot") == 0
    assert {path.name for path in Path("a/b").iterdir()} == {
        *("out.png", "out.png-losses.png", "out.png-losses.jsonl", "out-00003.png", "out-00006.png")
    }
    assert not re.search(r"folder|\bmade\b", "".join(capsys.readouterr()))


@pytest.mark.parametrize("bad", [("none.png", "style.png"), (*PICTURES, "--weights", "none.h5")], ids=" ".join)
def test_a_run_that_cannot_start_makes_no_folder(folder, refused, bad):
    arguments = [*bad, "-o", "a/out.png"]
    refused(lambda: stylize.main("torch", arguments), "none.", "python -m torch_impl")
    assert not Path("a").exists()


def test_a_run_that_fails_removes_the_folder_that_it_has_made(folder, transfer):
    def fail():
        raise KeyboardInterrupt

    assert transfer(*PICTURES, "-o", "a/b/out.png", during=fail) == 130
    assert not Path("a").exists()


def test_a_second_run_to_the_same_picture_says_so_and_stops(folder, transfer, refused, capsys):
    codes = []

    def second():
        codes.append(stylize.main("keras", [*PICTURES, "-o", "./out.png", *TRANSFER]))

    assert transfer(*PICTURES, "-o", "out.png", during=second) == 0
    assert codes == [2]
    said = [line for line in capsys.readouterr().err.splitlines() if "another run" in line]
    assert said == ["python -m keras_impl: another run is writing './out.png': wait for its end or name another output"]
    assert not list(folder.glob(".*"))


@pytest.mark.parametrize(
    "arguments",
    [
        [*QUICK_RUN, "--report", "out"],
        ["gallery", *ON_RANDOM, "--recipes", "d2l", "--report", "out"],
        ["export", "out", *SMALL_EXPORT],
    ],
    ids=["compare", "gallery", "export"],
)
def test_a_second_run_to_the_same_folder_says_so_and_stops(folder, refused, arguments):
    with claimed(folder="out"):
        refused(lambda: main(arguments), "another run is writing 'out': wait for its end or name another output")


def test_a_second_run_to_the_same_baseline_or_diagnosis_says_so_and_stops(folder, refused):
    with claimed("out.json"):
        refused(lambda: main([*QUICK_RUN, "--save-baseline", "out.json"]), "another run is writing 'out.json'")
        refused(lambda: main(["check", "theirs.safetensors", "--json", "out.json"]), "another run is writing")
    assert not Path("report").exists()


@pytest.fixture
def elsewhere(folder, monkeypatch):
    """An empty folder for temporary files."""
    (folder / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder / "temporary"))
    return folder / "temporary"


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_picture_that_cannot_be_saved_at_last_is_kept_elsewhere(folder, elsewhere, transfer, capsys, backend):
    assert transfer(*PICTURES, "-o", "a/out.png", backend=backend, during=lambda: shutil.rmtree("a")) == 2
    [kept] = elsewhere.rglob("*.png")
    assert kept.name == "out.png"
    assert load_image(kept).mean() == pytest.approx(0.7, abs=1 / 255)
    program, said = f"python -m {BACKENDS[backend].package}", capsys.readouterr().err.splitlines()[-1]
    assert said.startswith(f"{program}: cannot save 'a/out.png' (No such file or directory): name another file; ")
    assert said.endswith(f"the result is kept as {str(kept)!r}")


def test_an_intermediate_picture_that_cannot_be_saved_is_one_warning(folder, transfer, capsys, monkeypatch):
    """The disk is full at steps 2 and 4, and there is room again at 6."""
    sync, pictures = os.fsync, []

    def full_twice(descriptor):
        if not pictures or len(pictures) < 2:
            pictures.append(descriptor)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", full_twice)
    assert transfer(*PICTURES, "-o", "out.png", "--save-every", "2") == 0
    warnings = [line for line in capsys.readouterr().err.splitlines() if "warning" in line]
    assert len(warnings) == 1
    assert warnings[0].startswith("warning: cannot save 'out-00002.png' (No space left on device)")
    assert warnings[0].endswith("; the run goes on")
    assert {path.name for path in folder.glob("out*")} == {"out.png", "out-00006.png"}


def test_what_stands_where_an_intermediate_picture_belongs_is_seen_at_the_start(folder, refused):
    Path("out-00002.png").mkdir()
    arguments = [*PICTURES, "-o", "out.png", *TRANSFER, "--save-every", "2"]
    refused(lambda: stylize.main("torch", arguments), "'out-00002.png' (it is a folder)", "python -m torch_impl")


def test_a_report_that_cannot_be_written_at_last_is_kept_elsewhere(folder, elsewhere, monkeypatch, capsys):
    class LosesItsFolder(AlreadyMeasured):
        def run(self, on_part):
            super().run(on_part)
            shutil.rmtree("gone")

    monkeypatch.setattr(compare_command, "Session", LosesItsFolder)
    assert main([*QUICK_RUN, "--report", "gone"]) == 2
    [page] = elsewhere.rglob("report.html")
    assert {"report.json", "report.md", "pictures.png"} < {path.name for path in page.parent.iterdir()}
    assert f"the result is kept as {str(page)!r}\n" in capsys.readouterr().err


def test_a_picture_of_the_gallery_that_cannot_be_saved_is_kept_elsewhere(folder, elsewhere, monkeypatch, capsys):
    class Worker:
        def __init__(self, _):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def ask(self, *_):
            shutil.rmtree("gone")
            return SimpleNamespace(arrays={"image": np.full((36, 36, 3), 0.7)})

    monkeypatch.setattr(gallery, "Worker", Worker)
    assert main(["gallery", *ON_RANDOM, "--device", "cpu", "--recipes", "d2l", "--report", "gone"]) == 2
    [kept] = elsewhere.rglob("*.png")
    assert kept.name == "d2l-torch.png"
    assert str(kept) in capsys.readouterr().err


def test_a_diagnosis_goes_into_a_folder_that_is_made(folder, monkeypatch):
    monkeypatch.setattr(check, "backend_tensors", lambda *_: {})
    diagnosis = SimpleNamespace(healthy=True)
    monkeypatch.setattr(check.doctor, "diagnose", lambda *_: diagnosis)
    monkeypatch.setattr(check.doctor, "print_diagnosis", lambda *_: None)
    monkeypatch.setattr(check.doctor, "to_json", lambda *_: "healthy")
    assert main(["doctor", "torch", *ON_RANDOM, "--json", "a/b/out.json"]) == 0
    assert Path("a/b/out.json").read_text() == '[\n "healthy"\n]'
