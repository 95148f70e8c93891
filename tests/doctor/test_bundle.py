"""The reference bundle: weights that go with its input, what is left out, its size, and what is refused."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from shallow import SMALL_EXPORT, shallow

from common.cli.main import main
from common.doctor.diagnosis import diagnose
from common.doctor.port import MANIFEST, TENSORS, read_bundle, write_bundle
from common.doctor.port.bundle_weights import WEIGHTS
from common.oracle import Run, Variant, random_case
from common.tensors import read_tensors, tensor_names, write_tensors
from common.vgg19 import sha256_of
from common.vgg19.weights import random_weights

SEED = 5


@pytest.fixture(scope="module")
def case():
    """Weights of Oxford's family, for a recipe that is tuned for the other's: input and biases change their unit."""
    return random_case(1, shallow("d2l"), random_weights(SEED))


@pytest.fixture(scope="module")
def bundle(case, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle")
    write_bundle(case, folder)
    return folder


@pytest.fixture
def no_source(monkeypatch):
    """A machine on which no weights are found."""

    def load_weights(source):
        raise AssertionError(f"looked for the weights {source}")

    monkeypatch.setattr("common.doctor.port.bundle_weights.load_weights", load_weights)


def altered(bundle, folder, **entries):
    """A copy of a bundle whose manifest says something else of its weights."""
    shutil.copytree(bundle, folder, dirs_exist_ok=True)
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["weights"].update(entries)
    (folder / MANIFEST).write_text(json.dumps(manifest))
    return folder


def conv(x, weight_oihw, bias):
    """A convolution from its formula."""
    windows = sliding_window_view(np.pad(x, ((1, 1), (1, 1), (0, 0))), (3, 3), axis=(0, 1))
    return np.einsum("yxcij,ocij->yxo", windows, weight_oihw.astype(np.float64)) + bias


def test_input_and_weights_as_they_stand_give_the_features(bundle):
    tensors, weights = read_tensors(bundle / TENSORS), read_tensors(bundle / WEIGHTS)
    for before, name in (("input", "conv1_1"), ("features/relu1_1", "conv1_2")):
        computed = conv(tensors[before], weights[f"{name}/weight"], weights[f"{name}/bias"])
        np.testing.assert_allclose(computed, tensors[f"features/{name}"], rtol=1e-5, atol=1e-6)
    assert json.loads((bundle / MANIFEST).read_text())["weights"]["divided_by"] == pytest.approx(57.63)


def test_all_sixteen_convolutions_are_there(bundle):
    arrays = read_tensors(bundle / WEIGHTS)
    assert {array.dtype for array in arrays.values()} == {np.dtype(np.float32)}
    assert sum(name.endswith("/weight") for name in arrays) == 16
    assert arrays["conv3_1/weight"].shape == (256, 128, 3, 3)
    assert arrays["conv3_1/bias"].shape == (256,)
    np.testing.assert_allclose(arrays["own_unit/conv3_1/bias"] / 57.63, arrays["conv3_1/bias"], rtol=1e-6)


def test_weights_in_their_own_unit_stand_there_once(case, tmp_path):
    problem = replace(case.problem, recipe=shallow("gatys"))
    write_bundle(replace(case, problem=problem), tmp_path)
    assert not any(name.startswith("own_unit") for name in read_tensors(tmp_path / WEIGHTS))
    assert json.loads((tmp_path / MANIFEST).read_text())["weights"]["divided_by"] == 1


def test_a_bundle_needs_no_other_source_of_weights(case, bundle, no_source, capsys):
    again, wanted = read_bundle(bundle, None).problem, case.problem
    for theirs, ours in ((again.weights, wanted.weights), (again.network.weights, wanted.network.weights)):
        assert (theirs.sha256, theirs.family, theirs.preprocessing) == (ours.sha256, ours.family, ours.preprocessing)
        for name, kernel in ours.kernels_hwio.items():
            np.testing.assert_array_equal(theirs.kernels_hwio[name], kernel)
            np.testing.assert_array_equal(theirs.biases[name], ours.biases[name])
    assert main(["check", str(bundle / TENSORS), "--against", str(bundle)]) == 0


def test_another_unit_is_named_from_the_bundles_own_weights(bundle, no_source):
    case = read_bundle(bundle, None)
    wrong = Run(case, Variant(own_unit="input and biases"))
    given = {name: wrong.expected(name) for name in ("input", "features/conv1_1", "features/relu1_1")}
    assert [finding.trap.number for finding in diagnose(case, given).findings] == [35]


@pytest.mark.parametrize("damage", ["a byte", "the end"])
def test_damaged_weights_are_one_line(bundle, tmp_path, refused, damage):
    shutil.copytree(bundle, tmp_path, dirs_exist_ok=True)
    whole = bytearray((tmp_path / WEIGHTS).read_bytes())
    whole[len(whole) // 2] ^= 1
    (tmp_path / WEIGHTS).write_bytes(whole if damage == "a byte" else whole[:-1])
    command = ["check", str(bundle / TENSORS), "--against", str(tmp_path)]
    refused(lambda: main(command), "is damaged (its sha256 is not the manifest's): export the bundle anew, or name")
    assert main([*command, "--weights", f"random:{SEED}"]) == 0


def test_weights_that_lack_a_layer_are_one_line(bundle, tmp_path, refused):
    arrays = read_tensors(bundle / WEIGHTS)
    write_tensors(tmp_path / "few.safetensors", {"conv1_1/weight": arrays["conv1_1/weight"]})
    file = {"name": "few.safetensors", "sha256": sha256_of(tmp_path / "few.safetensors")}
    altered(bundle, tmp_path, file=file)
    refused(lambda: main(["check", str(bundle / TENSORS), "--against", str(tmp_path)]), "has no conv1_2/weight: export")


def test_without_its_weights_a_bundle_looks_for_them(bundle, tmp_path, refused, capsys):
    shutil.copytree(bundle, tmp_path, dirs_exist_ok=True)
    (tmp_path / WEIGHTS).unlink()
    assert main(["check", str(bundle / TENSORS), "--against", str(tmp_path)]) == 0
    capsys.readouterr()
    altered(bundle, tmp_path, sha256="0" * 64)
    (tmp_path / WEIGHTS).unlink()
    refused(lambda: main(["check", str(bundle / TENSORS), "--against", str(tmp_path)]), "name the file by --weights")


@pytest.mark.parametrize("file", [{}, [], "x", {"name": 1, "sha256": ""}, {"name": "/etc", "sha256": 2}])
def test_a_manifest_that_says_nothing_of_use_is_one_line(bundle, tmp_path, refused, file):
    altered(bundle, tmp_path, file=file, name="random:x")
    refused(lambda: main(["check", str(bundle / TENSORS), "--against", str(tmp_path)]), "")


def test_what_is_left_out_follows_from_the_rest(case, bundle):
    tensors, run = read_tensors(bundle / TENSORS), Run(case)
    left_out = json.loads((bundle / MANIFEST).read_text())["left out"]
    assert sorted({*tensors, *left_out} - {"image"}) == sorted(tensor_names(case.problem))
    assert {"gram/relu3_1", "target/style/relu3_1", "features/relu1_2", "adam/1/pixels", "lbfgs/pixels"} <= {*left_out}
    relu = np.maximum(tensors["features/conv1_2"], 0)
    np.testing.assert_allclose(relu, run.expected("features/relu1_2"), rtol=1e-6)
    flat = tensors["features/relu3_1"].reshape(-1, 256).astype(np.float64)
    np.testing.assert_allclose(flat.T @ flat / len(flat), run.expected("gram/relu3_1"), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("recipe", ["d2l", "keras-notebook"])
def test_a_bundle_without_weights_takes_less_than_4_mb(tmp_path, recipe):
    options = ["--recipe", recipe, "--weights", "random", "--without-weights"]
    assert main(["export", str(tmp_path / "new"), *options]) == 0
    assert sum(file.stat().st_size for file in (tmp_path / "new").iterdir()) < 4e6


def test_the_weights_of_an_earlier_bundle_go_and_a_strangers_stay(tmp_path, capsys):
    with_weights = [option for option in SMALL_EXPORT if option != "--without-weights"]
    assert main(["export", str(tmp_path), *with_weights]) == 0
    assert (tmp_path / WEIGHTS).is_file()
    assert main(["export", str(tmp_path), *SMALL_EXPORT]) == 0
    assert not (tmp_path / WEIGHTS).exists()
    (tmp_path / WEIGHTS).write_bytes(b"precious")
    assert main(["export", str(tmp_path), *SMALL_EXPORT]) == 2
    assert (tmp_path / WEIGHTS).read_bytes() == b"precious"


def test_a_picture_that_is_gone_is_one_line(tmp_path, refused, capsys):
    assert main(["export", str(tmp_path), *SMALL_EXPORT]) == 0
    capsys.readouterr()
    (tmp_path / "style.png").unlink()
    refused(lambda: main(["check", str(tmp_path / TENSORS), "--against", str(tmp_path)]), "there is no picture")


def test_an_earlier_schema_is_one_line_with_the_way_out(bundle, tmp_path, refused):
    manifest = json.loads((bundle / MANIFEST).read_text())
    (tmp_path / MANIFEST).write_text(json.dumps({**manifest, "schema": 1}))
    words = "schema is 1, not 2): make one by `python compare.py export DIR`"
    refused(lambda: main(["check", str(bundle / TENSORS), "--against", str(tmp_path)]), words)
