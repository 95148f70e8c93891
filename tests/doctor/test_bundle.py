"""The reference bundle: weights that go with its input, what is left out, its size, and what is refused."""

import json
import os
import shutil
from dataclasses import asdict, replace

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from shallow import SMALL_EXPORT, shallow

from common import Adam, RosettaError
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


@pytest.fixture(scope="module")
def light(case, tmp_path_factory):
    """A bundle without weights."""
    folder = tmp_path_factory.mktemp("light")
    write_bundle(case, folder, with_weights=False)
    return folder


@pytest.fixture
def refusal(light, tmp_path, monkeypatch):
    """A function that puts another manifest into a bundle and gives the one line of its refusal."""
    monkeypatch.setattr("common.doctor.port.bundle_weights.load_weights", lambda _: random_weights(SEED))
    shutil.copytree(light, tmp_path, dirs_exist_ok=True)

    def read(manifest):
        text = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
        (tmp_path / MANIFEST).write_bytes(text)
        with pytest.raises(RosettaError) as caught:
            read_bundle(tmp_path, None)
        assert len(str(caught.value).splitlines()) == 1
        assert "is no bundle (" in str(caught.value)
        return str(caught.value)

    return read


def manifest_of(folder):
    return json.loads((folder / MANIFEST).read_text())


READ = ("schema", "recipe", "weights", "pictures")
NOT_READ = {"divided_by"}
ADAM = {"kind": "adam", **asdict(Adam(1.0))}
MAY_LACK = {"kind", "url", "until", "continues", "only_shrink", "decay_every", "maxfun"}
MAY_LACK |= {"bfloat16_steps", "tv_weight", "deviations"}  # where the default is nothing


def places(value, place=()):
    """Every place in JSON values, of a list's first member only."""
    entries = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    for key, entry in entries:
        if key not in NOT_READ:
            yield (*place, key)
            yield from places(entry, (*place, key))


def changed(manifest, place, *value):
    """A manifest with another value at a place, or without the value."""
    whole = json.loads(json.dumps(manifest))
    *before, last = place
    inner = whole
    for key in before:
        inner = inner[key]
    if value:
        inner[last] = value[0]
    else:
        del inner[last]
    return whole


def test_a_wrong_type_anywhere_in_a_manifest_is_refused_by_its_place(light, refusal):
    manifest = manifest_of(light)
    read = list(places({key: manifest[key] for key in READ}))
    assert len(read) > 35
    for place in read:
        named = refusal(changed(manifest, place, [None])).split("no bundle (")[1].split()[0]
        assert ".".join(map(str, place)).startswith(named.removesuffix(".0"))


def test_a_key_that_a_manifest_lacks_is_named(light, refusal):
    manifest = manifest_of(light)
    for place in places({key: manifest[key] for key in READ}):
        if isinstance(place[-1], str) and place[-1] not in MAY_LACK:
            line = refusal(changed(manifest, place))
            assert f"has no {place[-1]}" in line or "recipe.stages.0" in line  # where it may be of several classes


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        ("weights", "a", "weights is 'a', not"),
        ("weights.sha256", None, "weights.sha256 is None, not a text"),
        ("recipe.name", None, "recipe.name is None, not a text"),
        ("pictures", [1], "pictures is [1], not"),
        ("pictures.content", 5, "pictures.content is 5, not a text or null"),
        ("recipe.stages", [], "a recipe needs at least one stage"),
        ("recipe.stages.0.steps", 0, "every stage needs at least 1 step"),
        ("recipe.stages.0.size", {"height_px": -1, "width_px": 5}, "a picture cannot be -1x5"),
        ("recipe.stages.0.size", {"side_px": 0, "factor": 1.0}, "longest side 0"),
        ("recipe.stages.0.optimizer", {"kind": "sgd"}, "not Adam or LBFGS"),
        ("recipe.stages.0.optimizer", {"kind": "lbfgs", "memory": 0}, "L-BFGS cannot run with"),
        ("recipe.stages.0.optimizer", {**ADAM, "learning_rate": -1}, "Adam cannot run with"),
        ("recipe.stages.0.optimizer", {**ADAM, "decay_every": 0}, "Adam cannot run with"),
        ("recipe.style_taps", ["relu9_9"], "there is no layer 'relu9_9'"),
        ("recipe.style_weight", -1, "loss weights are finite and not negative"),
        ("recipe.pooling", "min", "recipe.pooling is 'min', not 'max' or 'average'"),
        ("recipe.pixel_space", "lab", "recipe.pixel_space is 'lab'"),
        ("schema", True, "schema is True, not 2"),
    ],
)
def test_a_manifest_that_describes_nothing_is_refused(light, refusal, place, value, words):
    keys = [int(key) if key.isdecimal() else key for key in place.split(".")]
    assert words in refusal(changed(manifest_of(light), keys, value))


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:0],
        lambda text: b"[" + text + b"]",
        lambda text: b"[" * 100_000 + text,
        lambda text: b"\xef\xbb\xbf" + text,
        lambda text: text.decode().encode("utf-16"),
        lambda text: text.replace(b"d2l", b"\xff"),
        lambda text: text + b"\0",
        lambda text: text.replace(b'"schema": 2', b'"schema": 2, "schema": 2'),
        lambda text: text.replace(b'"schema": 2', b'"schema": ' + b"2" * 5000),
        lambda text: text.replace(b'"content_weight": 1.0', b'"content_weight": NaN'),
        lambda text: text.replace(b'"content_weight": 1.0', b'"content_weight": 1e999'),
    ],
)
def test_a_manifest_that_is_no_json_is_refused(light, refusal, damage):
    text = (light / MANIFEST).read_bytes()
    assert damage(text) != text
    refusal(damage(text))


@pytest.mark.parametrize(
    ("name", "array", "words"),
    [
        ("image", np.zeros((3, 3, 3), np.float32), "the image is 3x3 pixels"),
        ("image", np.float32(1), "the image has shape ()"),
        ("image", np.full((37, 34, 3), np.nan, np.float32), "the image has values from nan"),
        ("content/resized", np.zeros((2, 2), np.float32), "the content has shape (2, 2)"),
        ("content/resized", np.zeros((0, 0, 3), np.float32), "the content is 0x0 pixels"),
        ("style/resized", np.full((37, 34, 3), 2, np.float32), "the style has values from 2 to 2"),
        ("content/decoded", np.zeros((4, 4), np.uint8), "the content picture has shape (4, 4)"),
        ("image", None, "has no image: export it anew"),
    ],
)
def test_tensors_of_a_bundle_that_are_no_images_are_refused(light, tmp_path, refused, name, array, words):
    shutil.copytree(light, tmp_path, dirs_exist_ok=True)
    arrays = {**read_tensors(light / TENSORS), name: array}
    write_tensors(tmp_path / TENSORS, {name: array for name, array in arrays.items() if array is not None})
    command = ["check", str(light / TENSORS), "--against", str(tmp_path), "--weights", f"random:{SEED}"]
    refused(lambda: main(command), words)


@pytest.mark.parametrize("shape", [(2, 2), (64, 3, 3, 4), (3, 64, 3, 3)])
def test_weights_of_a_bundle_with_other_shapes_are_refused(bundle, tmp_path, refused, shape):
    altered(bundle, tmp_path)
    write_tensors(tmp_path / WEIGHTS, {**read_tensors(bundle / WEIGHTS), "conv1_1/weight": np.zeros(shape, np.float32)})
    manifest = manifest_of(tmp_path)
    manifest["weights"]["file"]["sha256"] = sha256_of(tmp_path / WEIGHTS)
    (tmp_path / MANIFEST).write_text(json.dumps(manifest))
    refused(lambda: main(["check", str(bundle / TENSORS), "--against", str(tmp_path)]), "are not VGG-19's: conv1_1 is")


@pytest.mark.parametrize("file", [MANIFEST, TENSORS])
def test_a_pipe_in_a_bundle_is_not_waited_for(light, tmp_path, refused, file):
    shutil.copytree(light, tmp_path, dirs_exist_ok=True)
    (tmp_path / file).unlink()
    os.mkfifo(tmp_path / file)
    command = ["check", str(light / TENSORS), "--against", str(tmp_path), "--weights", f"random:{SEED}"]
    refused(lambda: main(command), f"{file}' is a pipe")
