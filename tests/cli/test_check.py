"""`compare.py export` and `compare.py check`: files, layouts, names, exit codes, and a port that is called."""

import json
import re
import shutil
import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from shallow import SMALL_EXPORT, shallow

from common.cli.main import main
from common.doctor.diagnosis.diagnose import diagnose
from common.doctor.port.bundle import MANIFEST, TENSORS, bundle_tensors, read_bundle, write_bundle
from common.doctor.port.callable_port import layers_of, load_port, tensors_of
from common.doctor.port.layouts import recognise
from common.errors import RosettaError
from common.images import save_image
from common.oracle.case import case_from_files, random_case
from common.oracle.run import Run
from common.oracle.variant import Variant
from common.recipes.overrides import adam_of, lbfgs_of
from common.tensors.files import read_tensors, write_tensors
from common.vgg19.weights import random_weights
from common.writing import PART_FOLDER


@pytest.fixture(scope="module")
def case():
    return random_case(3, shallow("gatys"), random_weights(0))


@pytest.fixture(scope="module")
def tensors(case):
    return bundle_tensors(case, with_steps=True)


@pytest.fixture(scope="module")
def bundle(case, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle")
    write_bundle(case, folder, with_weights=False, with_steps=True)
    return folder


def check(*arguments):
    return main(["check", *map(str, arguments)])


def test_a_bundle_is_the_same_case_when_read_back(case, bundle):
    again = read_bundle(bundle, None)
    np.testing.assert_array_equal(again.image, case.image)
    np.testing.assert_array_equal(again.problem.pixels(again.image), case.problem.pixels(case.image))
    np.testing.assert_array_equal(again.problem.style, case.problem.style)
    assert again.problem.recipe == case.problem.recipe
    assert adam_of(again.problem.recipe) == adam_of(case.problem.recipe)
    assert lbfgs_of(again.problem.recipe) == lbfgs_of(case.problem.recipe)
    manifest = json.loads((bundle / MANIFEST).read_text())
    assert manifest["weights"]["sha256"] == case.problem.weights.sha256
    assert manifest["tensors"]["features/relu1_1"] == {"shape": [37, 34, 64], "dtype": "float32"}


def test_a_bundle_agrees_with_itself(bundle, capsys):
    assert check(bundle / TENSORS, "--against", bundle) == 0
    assert "Nothing differs" in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["npz", "safetensors", "npy", "npy with slashes"])
def test_every_kind_of_file_is_read(kind, tensors, tmp_path):
    some = {name: tensors[name] for name in ("features/relu1_1", "loss/total")}
    if kind == "npz":
        path = tmp_path / "port.npz"
        np.savez(path, **some)
    elif kind == "safetensors":
        path = tmp_path / "port.safetensors"
        write_tensors(path, some)
    else:
        path = tmp_path
        for name, array in some.items():
            file = path / f"{name if 'slashes' in kind else name.replace('/', '--')}.npy"
            file.parent.mkdir(exist_ok=True)
            np.save(file, array)
    assert {name: array.tolist() for name, array in read_tensors(path).items()} == {
        name: array.tolist() for name, array in some.items()
    }


def test_layouts_are_recognised_and_said(case, tensors):
    feature, lbfgs = tensors["features/relu2_1"], tensors["lbfgs/pixels"]
    given = {
        "features/relu2_1": np.moveaxis(feature, -1, 0)[None],
        "features/relu1_1": tensors["features/relu1_1"][None],
        "gradient/pixels": tensors["gradient/pixels"].ravel(),
        "lbfgs/pixels": np.moveaxis(lbfgs, -1, 1),
        "loss/total": tensors["loss/total"].reshape(1),
    }
    arrays, layouts = recognise(case, given)
    assert layouts == {
        "features/relu2_1": "NCHW",
        "features/relu1_1": "NHWC",
        "gradient/pixels": "flat, HWC",
        "lbfgs/pixels": "NCHW",
        "loss/total": "scalar",
    }
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, tensors[name])


def test_a_layout_is_recognised_in_another_size_or_depth(case):
    ceil, shallow = np.zeros((1, 128, 19, 17)), np.zeros((64, 37, 34))
    arrays, layouts = recognise(case, {"features/relu2_1": ceil, "features/relu2_2": shallow})
    assert layouts == {"features/relu2_1": "NCHW", "features/relu2_2": "CHW"}
    assert [array.shape for array in arrays.values()] == [(19, 17, 128), (37, 34, 64)]


def test_a_wrong_tensor_is_named_and_the_later_ones_inherit(bundle, case, tensors, tmp_path, capsys):
    run = Run(case, Variant(pool_scale=2.0))
    wrong = [name for name in tensors if name.startswith(("features/", "gram/", "loss/"))]
    np.savez(tmp_path / "port.npz", **{name: run.expected(name) for name in wrong})
    report, page = tmp_path / "report.json", tmp_path / "report.md"
    assert check(tmp_path / "port.npz", "--against", bundle, "--json", report, "--markdown", page) == 1
    out = capsys.readouterr().out
    assert "The first tensor that differs is features/pool1" in out
    (found,) = json.loads(report.read_text())
    assert found["first"] == "features/pool1"
    assert found["findings"][0]["trap"] == 13
    assert "Trap 13" in page.read_text()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: path / "nothing.npz", "there is no"),
        (lambda path: _saved(path / "other.npz", {"conv1": np.zeros(3)}), "no tensor of the recipe has the name"),
        (
            lambda path: _saved(path / "more.npz", {"loss/content/relu5_4": np.array(1.0)}),
            "no tensor 'loss/content/relu5_4': its content taps are",
        ),
        (lambda path: _saved(path / "text.npz", {"loss/total": np.array("one")}), "give real numbers"),
        (lambda path: _written(path / "broken.npz"), "cannot read the tensors"),
        (lambda path: _written(path / "broken.safetensors"), "cannot read the tensors"),
        (lambda path: _written(path / "port.txt"), "neither of what can be read"),
        (lambda path: path, "holds no tensors"),
    ],
)
def test_what_cannot_be_compared_is_one_line(make, words, bundle, tmp_path, refused):
    refused(lambda: check(make(tmp_path), "--against", bundle), words)


def _saved(path, arrays):
    np.savez(path, **arrays)
    return path


def _written(path):
    path.write_bytes(b"not at all")
    return path


def test_nothing_to_compare_and_no_bundle(tmp_path, capsys):
    assert check() == 2
    assert check("x.npz", "--against", tmp_path / "none") == 2
    (tmp_path / MANIFEST).write_text("[]")
    assert check("x.npz", "--against", tmp_path) == 2
    assert "is no bundle" in capsys.readouterr().err


@pytest.mark.parametrize(("part", "code"), [("sha256", 2), ("name", 0)])
def test_weights_are_the_bundles_by_their_checksum_and_not_by_their_name(bundle, tmp_path, capsys, part, code):
    manifest = json.loads((bundle / MANIFEST).read_text())
    manifest["weights"][part] = {"sha256": "0" * 64, "name": "mine.h5"}[part]
    shutil.copytree(bundle, tmp_path, dirs_exist_ok=True)
    (tmp_path / MANIFEST).write_text(json.dumps(manifest))
    np.savez(tmp_path / "port.npz", **{"loss/total": read_tensors(bundle / TENSORS)["loss/total"]})
    assert check(tmp_path / "port.npz", "--against", tmp_path, "--weights", "random:0") == code
    assert ("name the file by --weights" in capsys.readouterr().err) is (code == 2)


PORT = """
    import numpy as np
    from common import Problem, oracle
    from common.vgg19.weights import random_weights
    from shallow import shallow

    def port(content, style, image):
        problem = Problem(content, style, shallow("gatys"), random_weights(0), "float64")
        terms, gradient = oracle.value_and_grad(image, problem)
        style = {f"loss/style/{tap}": np.float64(value * FACTOR) for tap, value in terms.style.items()}
        return {**style, "gradient/pixels": FACTOR * gradient.transpose(2, 0, 1)}

    def broken(content, style, image):
        raise ValueError("out of order")

    port.layer = lambda name, x: np.maximum(x, 0) if name.startswith("relu") else LAYER(name, x)
"""


@pytest.fixture
def port_module(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)

    def write(name, factor):
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(PORT).replace("FACTOR", factor))

    return write


def test_a_port_is_called_on_our_pictures_and_on_random_ones(port_module, bundle, capsys):
    port_module("healthy_port", "1.0")
    port = load_port("healthy_port:port")
    del port.layer
    assert check("--port", "healthy_port:port", "--against", bundle, "--seed", 7) == 0
    output = capsys.readouterr().out
    assert output.count("Nothing differs") == 3
    assert re.findall(r"random pictures by seed (\d+)", output) == ["7", "8"]


def test_a_wrong_port_is_explained(port_module, bundle, case):
    port_module("half_port", "0.5")
    given = {name: it for name, it in tensors_of(load_port("half_port:port"), case).items() if "style" in name}
    diagnosis = diagnose(case, recognise(case, given)[0])
    assert [finding.trap.number for finding in diagnosis.findings] == [20]
    assert diagnosis.first.name == "loss/style/relu1_1"


def test_each_layer_of_a_port_is_given_the_references_input(case, tensors):
    def port(*_):
        return {}

    def layer(name, x):
        height, width = x.shape[0] // 2, x.shape[1] // 2
        if name.startswith("relu"):
            return np.maximum(x, 0)
        if name.startswith("pool"):
            return x[: 2 * height, : 2 * width].reshape(height, 2, width, 2, -1).max(axis=(1, 3))
        return tensors[f"features/{name}"]

    port.layer = layer
    found = layers_of(port, case)
    assert diagnose(case, found["features/relu1_1"], only="features/relu1_1").healthy
    (cause,) = diagnose(case, found["features/pool2"], only="features/pool2").findings
    assert cause.trap.number == 12  # the recipe averages


@pytest.mark.parametrize("name", ["nothing", "no_such_module:port", "json:nothing", "json:__doc__"])
def test_what_is_no_port_is_one_line(name, capsys):
    with pytest.raises(RosettaError):
        load_port(name)


def test_a_port_that_fails_is_one_line(port_module, bundle, refused):
    port_module("failing_port", "1.0")
    error = refused(lambda: check("--port", "failing_port:broken", "--against", bundle), "the port failed in ")
    assert error.endswith("ValueError: out of order\n")


def test_a_port_may_give_its_loss_and_gradient_alone(case, tensors):
    port = lambda *_: (tensors["loss/total"], tensors["gradient/pixels"])  # noqa: E731
    given = tensors_of(port, case)
    assert set(given) == {"loss/total", "gradient/pixels"}
    assert diagnose(case, given).healthy
    with pytest.raises(RosettaError, match="the port failed"):
        tensors_of(lambda *_: (1.0, 2.0, 3.0), case)


def test_a_port_may_give_its_loss_alone(port_module, bundle, capsys):
    port_module("loss_port", "1.0")
    code = """
    def loss(*images):
        problem = Problem(*images[:2], shallow("gatys"), random_weights(0))
        return float(oracle.losses(images[2], problem).total)
    """
    Path("loss_port.py").write_text(Path("loss_port.py").read_text() + textwrap.dedent(code))
    assert check("--port", "loss_port:loss", "--against", bundle) == 0
    output = capsys.readouterr().out
    assert output.count("Nothing differs") == 3
    assert "At 8 more pictures the loss is the sum of the reference's terms to" in output
    assert "Next: hand over gradient/pixels, to have the derivative checked." in output


@pytest.mark.parametrize("option", [("--recipe", "d2l"), ("--size", "64"), ("--style-weight", "2")])
def test_what_stands_in_the_bundle_is_not_given_beside_it(bundle, refused, option):
    refused(lambda: check(bundle / TENSORS, "--against", bundle, *option), f"{option[0]} stands in the bundle")


@pytest.mark.parametrize("damage", ["cut", "changed"])
def test_a_damaged_npz_is_one_line_and_2(tmp_path, bundle, refused, damage):
    path = tmp_path / "port.npz"
    np.savez(path, **{"loss/total": np.arange(1000.0)})
    whole = bytearray(path.read_bytes())
    whole[400:404] = b"oops"
    path.write_bytes(whole[:3000] if damage == "cut" else whole)
    refused(lambda: check(path, "--against", bundle), "")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("raise SystemExit(0)", "the port failed in .*ending_port.py, line 2: SystemExit: 0"),
        ("raise BaseException('no')", "ending_port.py, line 2: BaseException: no"),
        ("raise type('Odd', (ValueError,), {'__str__': lambda _: 1 / 0})", "ending_port.py, line 2: Odd"),
        ("return None", "the port gave a NoneType: return a dict of named tensors, or loss and gradient, or a loss"),
        ("return 1 / 0", "line 2: ZeroDivisionError: division by zero"),
    ],
)
def test_a_port_that_ends_or_gives_nothing(tmp_path, monkeypatch, case, body, words):
    (tmp_path / "ending_port.py").write_text(f"def port(*_):\n    {body}\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "ending_port", raising=False)
    with pytest.raises(RosettaError, match=words):
        tensors_of(load_port("ending_port:port"), case)


def test_a_bundle_is_not_written_among_other_files(tmp_path, capsys):
    (tmp_path / "style.jpg").write_bytes(b"precious")
    assert main(["export", str(tmp_path)]) == 2
    assert "holds other files" in capsys.readouterr().err
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("style.jpg", b"precious")]


def test_a_manifest_of_something_else_is_no_bundle(tmp_path, capsys):
    (tmp_path / MANIFEST).write_text('{"name": "a web extension", "pictures": {}}')
    assert main(["export", str(tmp_path)]) == 2
    assert "holds other files (manifest.json)" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["x" * 300, "a file", "a file/below", "nowhere"])
def test_a_folder_that_cannot_be_written_is_one_line(name, tmp_path, capsys):
    (tmp_path / "a file").write_text("")
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
    assert main(["export", str(tmp_path / name)]) == 2
    assert "cannot write into the folder" in capsys.readouterr().err


def test_a_bundle_is_replaced_by_one_of_its_own_pictures(tmp_path):
    """Its pictures, exchanged, make the next one in the same folder: in Python, since the command line refuses."""
    content, style = tmp_path / "content.png", tmp_path / "style.png"
    for number, path in enumerate((content, style)):
        save_image(path, np.random.default_rng(number).random((40, 36, 3)))
    folder, before = tmp_path / "new", [content.read_bytes(), style.read_bytes()]
    write_bundle(case_from_files(content, style, shallow("gatys"), random_weights(0)), folder, with_weights=False)
    exchanged = case_from_files(folder / "style.png", folder / "content.png", shallow("gatys"), random_weights(0))
    write_bundle(exchanged, folder, with_weights=False)
    assert {it.name for it in folder.iterdir()} == {"content.png", "style.png", TENSORS, MANIFEST}
    assert [(folder / name).read_bytes() for name in ("style.png", "content.png")] == before


def test_a_killed_export_is_no_hindrance_to_the_next(tmp_path):
    folder = tmp_path / "new"
    assert main(["export", str(folder), *SMALL_EXPORT]) == 0
    (folder / f"{PART_FOLDER}killed").mkdir()
    (folder / f"{PART_FOLDER}killed" / TENSORS).write_bytes(b"half")
    assert main(["export", str(folder), *SMALL_EXPORT]) == 0
    assert {it.name for it in folder.iterdir()} == {"content.png", "style.png", TENSORS, MANIFEST}


def test_an_earlier_bundles_pictures_of_another_kind_go(tmp_path):
    files = {}
    for ending in ("png", "bmp"):
        for role in ("content", "style"):
            files[role] = tmp_path / f"{role}.{ending}"
            save_image(files[role], np.random.default_rng(0).random((40, 36, 3)))
        pictures = [f"--{role}={file}" for role, file in files.items()]
        assert main(["export", str(tmp_path / "new"), *SMALL_EXPORT, *pictures]) == 0
    assert {it.name for it in (tmp_path / "new").iterdir()} == {"content.bmp", "style.bmp", TENSORS, MANIFEST}


def test_what_fails_before_a_bundle_is_written_leaves_no_folder(tmp_path, monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("common.doctor.port.bundle.bundle_tensors", interrupted)
    assert main(["export", str(tmp_path / "new")]) == 130
    assert list(tmp_path.iterdir()) == []


def test_a_size_that_does_not_fit_into_memory_is_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(total=10**10, available=10**9))
    assert main(["export", str(tmp_path / "new"), "--size", "300"]) == 2
    said = capsys.readouterr().err
    assert "1 are free: choose a smaller size, such as --size 1" in said


def test_a_bundle_of_another_schema_is_refused(bundle, tmp_path, capsys):
    manifest = json.loads((bundle / MANIFEST).read_text())
    (tmp_path / MANIFEST).write_text(json.dumps({**manifest, "schema": 99}))
    assert check(bundle / TENSORS, "--against", tmp_path) == 2
    assert "schema is 99, not 2): make one by" in capsys.readouterr().err


@pytest.mark.parametrize(("precision", "code"), [("float32", 0), ("float64", 1)])
def test_the_doctor_judges_by_the_precision_that_is_named(monkeypatch, precision, code):
    """A style target that is off by 1e-8 is rounding in float32, and a mistake in float64."""

    def tensors_off(name, case, *_):
        return {"gram/relu1_1": Run(case).expected("gram/relu1_1") * (1 + 1e-8)}

    monkeypatch.setattr("common.cli.check.backend_tensors", tensors_off)
    assert main(["doctor", "torch", "--weights", "random", "--precision", precision]) == code


def test_the_doctor_writes_what_it_prints(tmp_path, monkeypatch):
    tensors = bundle_tensors(random_case(0, shallow("d2l"), random_weights(0)))
    monkeypatch.setattr("common.cli.check.backend_tensors", lambda *_: {"image": tensors["image"]})
    report, page = tmp_path / "report.json", tmp_path / "report.md"
    assert main(["doctor", "torch", "--json", str(report), "--markdown", str(page)]) == 0
    assert json.loads(report.read_text())[0]["healthy"]
    assert page.read_text().startswith("## PyTorch")
