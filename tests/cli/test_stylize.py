"""`python -m torch_impl` and `python -m keras_impl`: what they write, and how they refuse."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from hashlib import sha256
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import ExifTags
from PIL import Image as Pillow

from common import (
    RECIPES,
    LongestSide,
    RosettaError,
    Until,
    load_image,
    save_image,
    with_pyramid,
    with_size,
    with_steps,
    with_until,
)
from common.backend import BACKENDS
from common.cli import stylize
from common.images import description_of
from common.recipes import recipe_from_json
from common.results import LossTerms, RunResult, Step

PROGRAMS = {name: entry.package for name, entry in BACKENDS.items()}
SMALL = (
    *("--weights", "random", "--size", "36", "--steps", "4", "--device", "cpu"),
    *("--content-taps", "relu2_2", "--style-taps", "relu1_1"),
)
LAST_LINE = r"content \S+, style \S+, tv \S+, total \S+ after 4 evaluations -> \S*"


@pytest.fixture(scope="module")
def folder(tmp_path_factory, content, style):
    """A content and a style picture, 37x35 and 33x40 pixels, and files that are none."""
    path = tmp_path_factory.mktemp("pictures")
    save_image(path / "content.png", content)
    save_image(path / "style.png", style)
    (path / "text.png").write_text("not a picture\n")
    (path / "text.h5").write_text("no weights\n")
    return path


@pytest.fixture
def run(folder, tmp_path, monkeypatch):
    """A function that runs a program in this process and returns its exit code; the output is tmp_path/out.png."""
    monkeypatch.chdir(folder)

    def run(*options, backend="torch", output=tmp_path / "out.png"):
        try:
            return stylize.main(backend, ["content.png", "style.png", "-o", str(output), *SMALL, *options])
        except SystemExit as left:
            return left.code

    return run


def start(backend, folder, output, *options):
    """Run a program as a process of its own."""
    command = [sys.executable, "-m", PROGRAMS[backend], "content.png", "style.png", "-o", str(output), *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_process_writes_the_picture_and_its_companions(folder, tmp_path, backend):
    output = tmp_path / "out.png"
    done = start(backend, folder, output, *SMALL, "--save-every", "2", "--plot")
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(LAST_LINE, done.stdout.splitlines()[-1])
    assert done.stdout.splitlines()[-1].endswith(f"-> {output}")
    names = ["out-00002.png", "out-00004.png", "out.png", "out.png-losses.jsonl", "out.png-losses.png"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    for name in [it for it in names if "losses" not in it]:
        assert load_image(tmp_path / name).shape == (36, 34, 3)
    assert all("eval" in line for line in re.split(r"[\r\n]+", done.stderr) if line.strip()), done.stderr


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_process_that_cannot_start_says_so_in_one_line(folder, tmp_path, backend):
    output = tmp_path / "out.png"
    output.write_bytes(b"old")
    done = start(backend, folder, output, "--weights", "random", "--size", "8")
    assert done.returncode == 2
    assert done.stdout == ""
    assert re.fullmatch(rf"python -m {PROGRAMS[backend]}: the content is 8x8 pixels .*\n", done.stderr)
    assert output.read_bytes() == b"old"


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    "options",
    [
        ("--precision", "float64"),
        ("--optimizer", "adam"),
        ("--optimizer", "lbfgs"),
        ("--optimizer", "recipe"),
        ("--recipe", "gatys"),
        ("--init", "noise"),
        ("--init", "style.png"),
        ("--size", "40x32"),
    ],
    ids=" ".join,
)
def test_a_run_in_each_backend(run, tmp_path, capsys, backend, options):
    assert run(*options, backend=backend) == 0
    assert re.fullmatch(LAST_LINE + "\n", capsys.readouterr().out)
    assert load_image(tmp_path / "out.png").shape == ((40, 32, 3) if options[0] == "--size" else (36, 34, 3))


def test_without_pictures_the_samples_are_taken(tmp_path, capsys):
    assert stylize.main("torch", ["-o", str(tmp_path / "out.png"), *SMALL]) == 0
    assert load_image(tmp_path / "out.png").shape == (24, 36, 3), "Chelsea's proportions, 300x451"
    assert stylize.main("torch", ["content.png", "-o", str(tmp_path / "other.png"), *SMALL]) == 2
    assert "neither for the samples" in capsys.readouterr().err


@pytest.fixture(scope="module")
def plain(folder, tmp_path_factory):
    """The picture without any further option."""
    output = tmp_path_factory.mktemp("plain") / "out.png"
    assert (
        stylize.main("torch", [str(folder / "content.png"), str(folder / "style.png"), "-o", str(output), *SMALL]) == 0
    )
    return load_image(output)


@pytest.mark.parametrize(
    "options",
    [
        ("--recipe", "pytorch-blog"),
        ("--steps", "2"),
        ("--optimizer", "lbfgs"),
        ("--init", "style.png"),
        ("--content-weight", "1e5"),
        ("--style-weight", "1"),
        ("--tv-weight", "1000"),
        ("--content-taps", "relu1_2"),
        ("--style-taps", "relu1_2, conv2_1"),
        ("--weights", "random:1"),
    ],
    ids=" ".join,
)
def test_an_option_changes_the_picture(run, tmp_path, plain, options):
    assert run(*options) == 0
    assert np.abs(load_image(tmp_path / "out.png") - plain).max() > 2 / 255


def test_noise_is_decided_by_the_seed(run, tmp_path):
    outputs = {name: tmp_path / f"{name}.png" for name in ("first", "again", "other")}
    for (name, output), seed in zip(outputs.items(), ("5", "5", "6"), strict=True):
        assert run("--init", "noise", "--seed", seed, output=output) == 0, name
    assert outputs["first"].read_bytes() == outputs["again"].read_bytes()
    assert np.abs(load_image(outputs["first"]) - load_image(outputs["other"])).mean() > 0.1


def test_more_steps_lower_the_loss(run, capsys):
    totals = []
    for steps in ("1", "8"):
        assert run("--optimizer", "lbfgs", "--steps", steps) == 0
        totals.append(float(re.search(r"total (\S+)", capsys.readouterr().out)[1]))
    assert totals[1] < 0.9 * totals[0]


def test_losses_that_are_zero_can_be_plotted(run, tmp_path):
    assert run("--style-weight", "0", "--tv-weight", "0", "--plot") == 0  # from the content, which is the target
    assert (tmp_path / "out.png-losses.png").exists()


BAD = [
    (("--recipe", "none"), "there is no recipe"),
    (("--steps", "many"), "is not a number of evaluations from 1 up"),
    (("--steps", "-4"), "is not a number of evaluations from 1 up"),
    (("--until-loss", "low"), "'low' is not a loss"),
    (("--until-loss", "0"), "cannot end at a loss of 0"),
    (("--until", "1%", "--precision", "mixed", "--steps", "40"), "mixed precision ends by float32 after all steps"),
    (("--until", "one"), "'one' is not a percentage"),
    (("--until", "100%"), "a change of 1 ends no run"),
    (("--steps", "0"), "is not a number of evaluations from 1 up"),
    (("--pyramid=1",), "'1' is not a number of sizes from 2 up"),
    (("--pyramid", "third.png"), "'third.png' is not a number of sizes from 2 up: write --pyramid=2"),
    (("--pyramid=5",), "a pyramid of 5 sizes cannot be made in 4 steps: give 2 to 4, or more steps"),
    (("--pyramid", "--recipe", "gluonbook"), "gluonbook has 2 sizes of its own"),
    (("--pyramid", "--fast"), "--fast was measured at one size: leave out --pyramid"),
    (("--size", "0"), "is not one: give"),
    (("--size", "16", "--content-taps", "pool5"), "pixels and these layers need"),
    (("--style-taps", "relu1_1,relu6_1"), "there is no layer 'relu6_1'"),
    (("--content-taps", "relu1_1,relu1_1"), "stands twice"),
    (("--content-taps", "", "--style-taps", "", "--content-weight", "0"), "at least one style or content tap"),
    (("--style-weight", "-1"), "finite and not negative"),
    (("--tv-weight", "nan"), "are finite"),
    (("--content-weight", "heavy"), "invalid float value"),
    (("--recipe", "gatys", "--tv-weight", "1"), "no total variation"),
    (("--recipe", "keras-notebook", "--content-taps", "", "--content-weight", "1"), "no content tap"),
    (("--init", "none.png"), "there is no picture 'none.png'"),
    (("--init", "text.png"), "cannot read 'text.png'"),
    (("--weights", "none.h5"), "there are no weights"),
    (("--weights", "text.h5"), "cannot read the weights"),
    (("--weights", "random:x"), "no usable seed"),
    (("--precision", "float16"), "invalid choice: 'float16'"),
    (("--optimizer", "sgd"), "invalid choice: 'sgd'"),
    (("--device", "tpu"), "is not a device"),
    (("--seed", "-1"), "is not a seed"),
    (("--save-every", "0"), "'0' is not a number from 1 up"),
    (("--faster",), "unrecognized arguments: --faster"),
    (("--fast", "--optimizer", "adam"), "--fast chooses the optimizer: leave out --optimizer adam, or --fast"),
    (("third.png",), "unrecognized arguments: third.png"),
]


PROGRAM = "python -m torch_impl"


@pytest.mark.parametrize(("options", "message"), BAD, ids=[" ".join(options) for options, _ in BAD])
def test_a_bad_option_is_refused(run, tmp_path, refused, monkeypatch, message, options):
    monkeypatch.setattr(stylize, "load_backend", None)  # nothing here needs the framework
    (tmp_path / "out.png").write_bytes(b"old")
    refused(lambda: run(*options), message, PROGRAM)
    assert (tmp_path / "out.png").read_bytes() == b"old"


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("out.gif", "the name must end in"),
        ("out", "the name must end in"),
        ("text.h5/out.png", "/text.h5' is no folder"),
        ("content.png", "which is read: name another"),
        ("./style.png", "which is read: name another"),
    ],
)
def test_a_bad_output_is_refused(run, folder, refused, output, message):
    before = {path: path.read_bytes() for path in folder.iterdir()}
    refused(lambda: run(output=output), message, PROGRAM)
    assert before == {path: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("companion", ["out.png-losses.png", "out-00002.png"])
def test_a_companion_that_would_replace_a_picture_is_refused(tmp_path, content, style, refused, companion):
    """Those of --plot and --save-every are written too."""
    save_image(tmp_path / "style.png", style)
    save_image(tmp_path / companion, content)
    paths = [str(tmp_path / name) for name in (companion, "style.png")]
    arguments = [*paths, "-o", str(tmp_path / "out.png"), *SMALL, "--plot", "--save-every", "2"]
    refused(lambda: stylize.main("torch", arguments), "which is read: name another", PROGRAM)


@pytest.mark.parametrize(
    ("pictures", "message"),
    [
        (["none.png", "style.png"], "there is no picture 'none.png'"),
        (["content.png", "none.png"], "there is no picture 'none.png'"),
        (["content.png", "text.png"], "cannot read 'text.png'"),
        (["content.png"], "neither for the samples"),
    ],
    ids=" ".join,
)
def test_a_bad_picture_is_refused(folder, tmp_path, monkeypatch, refused, pictures, message):
    monkeypatch.chdir(folder)
    arguments = [*pictures, "-o", str(tmp_path / "out.png"), *SMALL]
    refused(lambda: stylize.main("torch", arguments), message, PROGRAM)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_gpu_that_is_not_there(run, tmp_path, capsys, backend):
    """Only the framework knows, so that the bar has been begun."""
    assert run("--device", "gpu", backend=backend) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith(f"python -m {PROGRAMS[backend]}: there is no device 'gpu'")
    assert list(tmp_path.iterdir()) == []


def test_the_same_name_with_another_ending_is_another_file(run, folder):
    """`content.jpg` beside `content.png` is no danger to it."""
    assert run(output=folder / "content.jpg") == 0
    assert load_image(folder / "content.png").shape == (37, 35, 3)


def test_every_kept_picture_is_that_of_its_own_step_and_the_seed_arrives(run, tmp_path, monkeypatch):
    """A backend whose picture after step n is n tenths bright."""
    terms, calls = LossTerms({}, {"relu1_1": 1.0}, 0.0), []

    def picture(problem, number):
        return np.full_like(problem.content, number / 10)

    def transfer(problem, init, seed, on_step, checkpoints):
        calls.append((problem.precision, init, seed))
        steps = tuple(Step(number, 1, 0.1, 0.1, 0.1, terms) for number in range(1, 8))
        for step in steps:
            on_step(step, lambda number=step.evaluation: picture(problem, number))
        return RunResult(picture(problem, 7), terms, steps, 0.0)

    fake = SimpleNamespace(best_device=lambda: "cpu", check_precisions=lambda _: None, stylize=transfer)
    monkeypatch.setattr(stylize, "load_backend", lambda _: fake)
    assert run("--save-every", "3", "--seed", "5", "--precision", "float64") == 0
    assert calls == [("float64", None, 5)]
    kept = {path.name: load_image(path).mean() for path in tmp_path.iterdir()}
    expected = {"out-00003.png": 0.3, "out-00006.png": 0.6, "out.png": 0.7}
    assert kept == pytest.approx(expected, abs=1 / 255)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("options", "best", "used"),
    [
        (("--device", "auto"), "cpu", ("cpu", "of transfers")),
        (("--device", "auto", "--mode", "named"), "cpu", ("cpu", "named")),
        (("--device", "auto"), "gpu", ("gpu", None)),
        (("--device", "cpu"), "gpu", ("cpu", "of transfers")),
        (("--device", "auto", "--mode", "named"), "mps", ("mps", "named")),
        (("--device", "auto", "--precision", "float64"), "mps", ("cpu", "of transfers")),
    ],
)
def test_the_device_is_the_best_and_on_a_cpu_the_mode_is_that_of_transfers(
    run, monkeypatch, backend, options, best, used
):
    entry, problems = BACKENDS[backend], []
    modes = {"named": entry.modes[-1], "of transfers": entry.transfer_mode, None: None}

    def transfer(problem, *_):
        problems.append(problem)
        terms = LossTerms({}, {}, 1.0)
        return RunResult(problem.content, terms, (), 0.0)

    def check(network):
        if network.device == "mps" and network.precision != "float32":
            raise RosettaError("not here")

    fake = SimpleNamespace(
        best_device=lambda: best, check_precisions=lambda problem: [*map(check, problem.networks)], stylize=transfer
    )
    monkeypatch.setattr(stylize, "load_backend", lambda _: fake)
    assert run(*(modes.get(option, option) for option in options), backend=backend) == 0
    assert [(problem.device, problem.mode) for problem in problems] == [(used[0], modes[used[1]])]


@pytest.fixture
def at_once(monkeypatch):
    """Transfers end at once with their content; the problems that they were given."""
    problems = []

    def transfer(problem, *_):
        problems.append(problem)
        return RunResult(problem.content, LossTerms({}, {}, 1.0), (), 0.0)

    fake = SimpleNamespace(best_device=lambda: "cpu", check_precisions=lambda _: None, stylize=transfer)
    monkeypatch.setattr(stylize, "load_backend", lambda _: fake)
    return problems


@pytest.mark.parametrize(
    ("options", "sizes"),
    [
        ((), [(378, 357)]),  # of 37x35, with the 300 x 450 pixels of d2l
        (("--size", "recipe"), [(300, 450)]),
        (("--size", "40x32"), [(40, 32)]),
        (("--size", "74"), [(74, 70)]),
        (("--recipe", "pytorch-blog"), [(37, 35)]),
        (("--recipe", "pytorch-blog", "--size", "recipe"), [(37, 35)]),
        (("--recipe", "gluonbook"), [(252, 238), (1007, 953)]),
        (("--pyramid",), [(189, 179), (378, 357)]),
    ],
    ids=lambda it: " ".join(it) if it and isinstance(it[0], str) else "",
)
def test_pictures_keep_their_proportions_unless_a_size_says_otherwise(folder, tmp_path, at_once, options, sizes):
    pictures = [str(folder / name) for name in ("content.png", "style.png")]
    given = [*pictures, "-o", str(tmp_path / "out.png"), "--weights", "random"]
    assert stylize.main("torch", [*given, *options]) == 0
    (problem,) = at_once
    assert [problem.sizes_at(stage)[0] for stage in problem.recipe.stages] == sizes


@pytest.mark.parametrize(
    ("options", "note"),
    [
        (
            ("--recipe", "gatys", "--steps", "199"),
            "note: gatys starts from noise, and 199 steps of L-BFGS are too few to see a picture: give 200 or more of "
            "L-BFGS, or --fast, which starts from the content\n",
        ),
        (
            ("--steps", "500", "--init", "noise"),
            "note: d2l starts from noise, and 500 steps of Adam are too few to see a picture: give 200 or more of "
            "L-BFGS (--optimizer lbfgs), or --init content\n",
        ),
        (("--recipe", "gatys", "--steps", "200"), ""),
        (("--init", "noise", "--steps", "501"), ""),
        (("--init", "noise", "--steps", "200", "--optimizer", "lbfgs"), ""),
        (("--recipe", "gatys", "--steps", "60", "--fast"), ""),
        (("--recipe", "gatys", "--steps", "60", "--init", "content"), ""),
        (("--recipe", "pytorch-blog", "--steps", "60"), ""),
    ],
)
def test_a_run_from_noise_that_is_too_short_is_noted(run, at_once, capsys, options, note):
    assert run(*options) == 0
    assert capsys.readouterr().err.partition("importing")[0] == note


@pytest.mark.parametrize(
    ("options", "note"),
    [
        (("--size", "32x64"), "note: 32x64 stretches this 37x35 picture; --size 64 keeps its proportions\n"),
        (("--size", "recipe"), "note: 300x450 stretches this 37x35 picture; --size 450 keeps its proportions\n"),
        (("--size", "40x38"), ""),
        ((), ""),
    ],
)
def test_a_size_that_stretches_the_content_is_noted(run, at_once, capsys, options, note):
    assert run(*options) == 0
    assert capsys.readouterr().err.partition("importing")[0] == note


def test_a_mode_of_another_framework_is_refused(run, capsys):
    assert run("--mode", "xla") == 2
    assert "invalid choice: 'xla'" in capsys.readouterr().err


def test_a_run_ends_at_the_loss_that_is_asked_for(run, capsys):
    assert run("--steps", "20", "--until-loss", "1e9") == 0
    assert "after 1 evaluations" in capsys.readouterr().out


def test_a_pyramid_says_what_it_did(run, capsys):
    assert run("--pyramid", "--size", "40") == 0
    first, last = capsys.readouterr().out.splitlines()
    assert first == "from the content: 2 evaluations of Adam at 20x19, then 2 of Adam at 40x38"
    assert re.fullmatch(LAST_LINE, last)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--steps", "40"), "from the content: 32 evaluations of L-BFGS memory 30 at 36x34"),
        (
            ("--steps", "40", "--recipe", "pytorch-blog"),
            "from the content: 22 evaluations of L-BFGS memory 10 at 36x34",
        ),
        (("--steps", "40", "--recipe", "gatys"), "from the content: 36 evaluations of L-BFGS memory 30 at 36x34"),
        (
            ("--steps", "40", "--recipe", "gatys", "--init", "noise"),
            "from noise: 40 evaluations of L-BFGS memory 30 at 36x34",
        ),
    ],
)
def test_the_fast_way_says_what_it_did(run, capsys, options, told):
    assert run("--fast", *options) == 0
    assert capsys.readouterr().out.splitlines()[0] == told


@pytest.mark.parametrize("ending", ["png", "jpg", "webp", "tif"])
def test_a_picture_says_how_it_was_made(run, folder, tmp_path, ending):
    output = tmp_path / f"out.{ending}"
    options = ("--pyramid", "--tv-weight", "2.5", "--init", str(folder / "style.png"), "--until", "1%")
    assert run(*options, output=output) == 0
    with Pillow.open(output) as picture:
        description = picture.getexif()[ExifTags.Base.ImageDescription]
    told = json.loads(description)
    recipe = recipe_from_json(told["recipe"])
    assert recipe == replace(
        with_until(with_pyramid(with_size(with_steps(RECIPES["d2l"], 4), LongestSide(36))), Until(change=0.01)),
        **{"style_taps": ("relu1_1",), "content_taps": ("relu2_2",), "tv_weight": 2.5, "init": "image"},
    )
    assert (
        told["options"].items()
        >= {"tv-weight": 2.5, "pyramid": 2, "init": "style.png", "seed": 0, "until": "1%"}.items()
    )
    hashes = {name: sha256((folder / name).read_bytes()).hexdigest() for name in ("content.png", "style.png")}
    assert told["files"] == {
        role: {"name": name, "sha256": hashes[name]}
        for role, name in {"content": "content.png", "style": "style.png", "init": "style.png"}.items()
    }
    assert (told["program"], told["mode"], told["evaluations"]) == ("python -m torch_impl", "lean", [2, 2])
    assert str(folder) not in description
    assert str(tmp_path) not in description


@pytest.mark.parametrize("backend", PROGRAMS)
@pytest.mark.parametrize("stages", [(), ("--pyramid",)])
def test_tiles_make_the_same_picture_and_are_told(run, tmp_path, capsys, backend, stages):
    options = ("--size", "72", "--precision", "float64", *stages)
    for name, tile in (("whole", "off"), ("tiles", "40")):
        assert run(*options, "--tile", tile, backend=backend, output=tmp_path / f"{name}.png") == 0
    whole, tiles = (load_image(tmp_path / f"{name}.png") for name in ("whole", "tiles"))
    assert whole.shape == (72, 68, 3)
    assert np.abs(whole - tiles).max() <= 1 / 255
    told = json.loads(description_of(tmp_path / "tiles.png"))
    assert told["tile_px"] == told["options"]["tile"] == 40


@pytest.mark.parametrize(("tile", "device", "asked"), [("auto", "cpu", 1), ("off", "cpu", 0), ("auto", "gpu:9", 0)])
def test_the_memory_is_asked_for_a_tile_on_a_cpu_alone(run, tmp_path, monkeypatch, tile, device, asked):
    transfers = []
    monkeypatch.setattr(stylize, "tile_that_fits", lambda transfer: transfers.append(transfer) or 24)
    assert run("--tile", tile, "--device", device) == (0 if device == "cpu" else 2)
    assert [it.mode for it in transfers] == ["lean"] * asked
    if device == "cpu":
        assert json.loads(description_of(tmp_path / "out.png"))["tile_px"] == (24 if asked else None)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--tile", "15"), "a tile of 15 pixels is too small: these layers overlap by "),
        (
            ("--tile", "wide"),
            "argument --tile: 'wide' is no tile: use off, or its longest side in pixels, such as 1024",
        ),
        (("--tile", "9" * 20), "is no tile"),
        (
            ("--tile", "64", "--mode", "compiled"),
            "PyTorch compiled does not compute in tiles: use the mode eager or lean",
        ),
    ],
)
def test_tiles_that_cannot_be_are_refused(run, refused, options, words):
    refused(lambda: run(*options), words, "python -m torch_impl")
