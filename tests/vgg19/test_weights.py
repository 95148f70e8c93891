"""Checkpoints: read exactly as their own frameworks read them, refused when broken, harmless when hostile."""

import os
import pickle
import re
import zipfile
from collections import OrderedDict
from dataclasses import replace

import h5py
import keras
import numpy as np
import pytest
import torch
from torchvision.models import vgg

from common import Network, RosettaError, load_weights, oracle
from common.vgg19 import weights as weights_module
from common.vgg19.layers import CONVS, LAYERS
from common.vgg19.torch_checkpoint import read_state_dict
from common.vgg19.weight_files import ENVIRONMENT_VARIABLE, KERAS_FILE, TORCHVISION_FILE, find, sha256_of
from common.vgg19.weights import random_weights, read_keras_file, read_torch_file

FORMATS = pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
INDICES = {layer.name: index for index, layer in enumerate(LAYERS) if layer.kind == "conv"}


def save(path, state, zipped=True):
    torch.save(state, path, _use_new_zipfile_serialization=zipped)
    return path


def flat_state(**changes):
    """A state dict of the right shapes in a few kilobytes: every tensor is one 0 that is expanded."""
    shapes = {}
    for conv in CONVS:
        key = f"features.{INDICES[conv.name]}"
        shapes[f"{key}.weight"] = (conv.out_channels, conv.in_channels, 3, 3)
        shapes[f"{key}.bias"] = (conv.out_channels,)
    return {**{key: torch.zeros(1).expand(shape) for key, shape in shapes.items()}, **changes}


def write_keras(path, root="", **changes):
    """A .h5 file of the right shapes in a few kilobytes: chunks that were never written are 0."""
    with h5py.File(path, "w") as file:
        for conv in CONVS:
            name = "block{}_{}".format(*conv.name.removeprefix("conv").replace("_", " conv").split())
            group = file.create_group(f"{root}{name}/{name}")
            kernel_shape = changes.get(conv.name, (3, 3, conv.in_channels, conv.out_channels))
            group.create_dataset("kernel:0", kernel_shape, "f4")
            group.create_dataset("bias:0", (conv.out_channels,), "f4", fillvalue=changes.get("fill", 0))
    return path


def refusal(read, path):
    with pytest.raises(RosettaError) as caught:
        read(path)
    assert len(str(caught.value).splitlines()) == 1
    assert str(path) in str(caught.value)
    return str(caught.value)


def load(path):
    return load_weights(str(path))


def test_keras_file_as_keras_reads_it(weights):
    path = find(KERAS_FILE)
    model = keras.applications.VGG19(weights=str(path), include_top=False)
    layers = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    for conv, layer in zip(CONVS, layers, strict=True):
        kernel, bias = layer.get_weights()
        np.testing.assert_array_equal(weights.kernels_hwio[conv.name], kernel)
        np.testing.assert_array_equal(weights.biases[conv.name], bias)
    assert (weights.family, weights.sha256) == ("caffe", KERAS_FILE.sha256)


@FORMATS
def test_torch_file_as_torch_reads_it(tmp_path, zipped):
    torch.manual_seed(0)
    features = vgg.make_layers(vgg.cfgs["E"], batch_norm=False).state_dict(prefix="features.")
    path = save(tmp_path / "a.pth", features | {"classifier.0.weight": torch.ones(2, 3)}, zipped)
    weights, expected = read_torch_file(path), torch.load(path, weights_only=True)
    for name, index in INDICES.items():
        kernel_oihw = np.moveaxis(weights.kernels_hwio[name], (3, 2, 0, 1), (0, 1, 2, 3))
        np.testing.assert_array_equal(kernel_oihw, expected[f"features.{index}.weight"].numpy())
        np.testing.assert_array_equal(weights.biases[name], expected[f"features.{index}.bias"].numpy())
    assert (weights.family, weights.sha256) == ("imagenet", sha256_of(path))


@FORMATS
def test_views_of_shared_storages(tmp_path, zipped):
    base = torch.arange(24.0).reshape(4, 6)
    parameter, half = torch.nn.Parameter(torch.ones(3)), torch.ones(2, dtype=torch.float16)
    state = OrderedDict(whole=base, turned=base.T, part=base[1:3, 2:5], parameter=parameter, half=half)
    state |= {"double": base.double()[:, ::2], "count": torch.tensor(5), "empty": torch.zeros(0), "unwanted": base}
    arrays = read_state_dict(save(tmp_path / "a.pth", state, zipped), set(state) - {"unwanted"} | {"lacking"})
    assert set(arrays) == set(state) - {"unwanted"}
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, state[name].detach().numpy(), strict=True)


@pytest.mark.parametrize("root", ["", "model_weights/"], ids=["weights", "whole model"])
def test_both_layouts_of_keras_files(tmp_path, root):
    path = write_keras(tmp_path / "a.h5", root)
    with h5py.File(path, "a") as file:
        file.create_dataset(f"{root}fc1/fc1/kernel:0", (2, 2), "f4")
    assert read_keras_file(path).kernels_hwio["conv5_4"].shape == (3, 3, 512, 512)


def test_wrong_shapes_in_a_keras_file(tmp_path):
    path = write_keras(tmp_path / "a.h5", conv3_2=(3, 3, 256, 128))
    assert "conv3_2" in refusal(load, path)


def test_wrong_shapes_in_a_torch_file(tmp_path):
    state = flat_state(**{"features.0.weight": torch.zeros(64, 1, 3, 3)})
    assert "conv1_1" in refusal(load, save(tmp_path / "a.pth", state))


def test_a_torch_file_without_a_layer(tmp_path):
    state = flat_state()
    del state["features.28.bias"]
    assert "features.28" in refusal(load, save(tmp_path / "a.pth", state))


@pytest.mark.parametrize("part", ["kernel", "bias"])
def test_a_layer_that_lacks_a_part_is_named(tmp_path, part):
    path = write_keras(tmp_path / "a.h5")
    with h5py.File(path, "a") as file:
        del file[f"block1_conv2/block1_conv2/{part}:0"]
    assert f"(block1_conv2 has no {part})" in refusal(load, path)


@pytest.mark.parametrize("kind", ["c8", h5py.string_dtype(), [("a", "f4")]], ids=str)
def test_what_are_no_real_numbers_is_no_bias(tmp_path, kind):
    path = write_keras(tmp_path / "a.h5")
    with h5py.File(path, "a") as file:
        group = file["block1_conv2/block1_conv2"]
        del group["bias:0"]
        group.create_dataset("bias:0", (64,), kind)
    assert "block1_conv2 has no bias" in refusal(load, path)


@pytest.mark.parametrize("part", ["kernel", "bias"])
def test_a_keras_file_that_lies_about_its_size_is_no_lack_of_memory(tmp_path, part):
    path = write_keras(tmp_path / "a.h5")
    with h5py.File(path, "a") as file:
        group = file["block1_conv1/block1_conv1"]
        del group[f"{part}:0"]
        group.create_dataset(f"{part}:0", (2**40,) if part == "bias" else (3, 3, 3, 2**40), "f4", chunks=True)
    assert "are not VGG-19's: conv1_1 is" in refusal(load, path)


@pytest.mark.parametrize("where", ["/", "model_weights", "block1_conv1"])
def test_a_link_to_another_file_is_not_followed(tmp_path, where):
    """That file could be a pipe, for which HDF5 waits."""
    os.mkfifo(tmp_path / "pipe")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        name = "block1_conv1" if where == "/" else where
        file[name] = h5py.SoftLink("/") if where == "/" else h5py.ExternalLink(str(tmp_path / "pipe"), "/")
    assert "it has no group" in refusal(load, tmp_path / "a.h5")


def test_values_in_another_file_do_not_count(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    path = write_keras(tmp_path / "a.h5")
    with h5py.File(path, "a") as file:
        group = file["block1_conv1/block1_conv1"]
        del group["kernel:0"]
        external = [(str(tmp_path / "pipe"), 0, h5py.h5f.UNLIMITED)]
        group.create_dataset("kernel:0", (3, 3, 3, 64), "f4", external=external)
    assert "block1_conv1 has no kernel" in refusal(load, path)


def test_an_archive_that_torch_did_not_write_is_named_for_what_it_lacks(tmp_path):
    path = tmp_path / "a.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/version", "3")
    assert "it holds no data.pkl" in refusal(load, path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(10**6))
    assert "its archive/data.pkl is compressed" in refusal(load, path)


def test_a_tensor_that_would_fill_the_memory_is_refused(tmp_path):
    """One value that is said to be expanded: no byte of the file is missing."""
    state = flat_state(**{"features.0.weight": torch.zeros(1).expand(2**20, 2**20)})
    assert "which no layer of VGG-19 has" in refusal(load, save(tmp_path / "a.pth", state))


def test_whole_numbers_are_no_weights(tmp_path):
    state = flat_state(**{"features.0.weight": torch.ones(64, 3, 3, 3, dtype=torch.int64)})
    assert "are whole numbers in features.0" in refusal(load, save(tmp_path / "a.pth", state))


def test_an_object_of_a_high_number_makes_no_room_for_all_before_it(tmp_path):
    """The unpickler's memo would take 8 bytes for each."""
    with zipfile.ZipFile(tmp_path / "a.pth", "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02}r\xff\xff\xff\x0f.")
    assert "it says that it holds 268435455 objects" in refusal(load, tmp_path / "a.pth")


@pytest.mark.parametrize("pickled", [pickle.dumps({1: 2}), b"\x80\x02h\x05.", b".", b"\x80\x02]" + b"]" * 9 + b"."])
def test_a_broken_pickle_is_described_in_words(tmp_path, pickled):
    with zipfile.ZipFile(tmp_path / "a.pth", "w") as archive:
        archive.writestr("archive/data.pkl", pickled)
    message = refusal(load, tmp_path / "a.pth")
    assert not re.search(r"\(\w+\)", message), "no type alone, and no key"


def test_a_keras_file_of_another_network(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("conv1/kernel", (3, 3), "f4")
    assert "block1_conv1" in refusal(load, tmp_path / "a.h5")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite(tmp_path, value):
    state = flat_state(**{"features.28.bias": torch.full((512,), value)})
    assert "not finite in conv5_1" in refusal(load, save(tmp_path / "a.pth", state))
    assert "not finite in conv1_1" in refusal(load, write_keras(tmp_path / "a.h5", fill=value))


@FORMATS
@pytest.mark.parametrize("kept", [0.02, 0.5, 0.99])
def test_truncated_torch_file(tmp_path, zipped, kept):
    path = save(tmp_path / "a.pth", flat_state(), zipped)
    os.truncate(path, int(path.stat().st_size * kept))
    refusal(load, path)


@pytest.mark.parametrize("kept", [0, 0.5, 0.99])
def test_truncated_keras_file(tmp_path, kept):
    path = write_keras(tmp_path / "a.h5")
    os.truncate(path, int(path.stat().st_size * kept))
    refusal(load, path)


def test_corrupt_keras_file(tmp_path):
    """Its inner structure is damaged, which HDF5 reports with other exceptions than a truncated one."""
    path = write_keras(tmp_path / "a.h5")
    whole = path.read_bytes()
    # The last node is one of a layer's own group.
    path.write_bytes(b"DONS".join(whole.rsplit(b"SNOD", 1)))
    refusal(load, path)


class Malicious:
    """Creates a file when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("how", ["zip", "legacy", "pickle"])
def test_no_code_in_a_checkpoint_is_run(tmp_path, how):
    path, mark = tmp_path / "a.pth", tmp_path / "mark"
    state = flat_state(evil=Malicious(mark))
    if how == "pickle":
        path.write_bytes(pickle.dumps(state["evil"]))
    else:
        save(path, state, how == "zip")
    assert "mkdir" in refusal(load, path)
    assert not mark.exists()
    with path.open("rb") as file:  # the file is as hostile as it is meant to be
        torch.load(file, weights_only=False) if how != "pickle" else pickle.load(file)
    assert mark.exists()


@FORMATS
def test_a_pickled_module_is_refused(tmp_path, zipped):
    assert "torch.nn.modules" in refusal(load, save(tmp_path / "a.pth", torch.nn.Conv2d(3, 64, 3), zipped))


@pytest.mark.parametrize("state", [[1, 2], {"model": {"features.0.weight": torch.ones(1)}}, torch.ones(3)])
def test_anything_but_a_flat_dict_of_tensors_is_refused(tmp_path, state):
    assert "flat dict" in refusal(load, save(tmp_path / "a.pth", state))


def test_a_tensor_beyond_its_storage_is_refused(tmp_path):
    path = save(tmp_path / "a.pth", {"a": torch.ones(4)}, zipped=False)
    os.truncate(path, path.stat().st_size - 4)
    refusal(lambda path: read_state_dict(path, {"a"}), path)


@pytest.mark.parametrize("ending", [".h5", ".pth", ".pt"])
def test_a_text_file_is_refused(tmp_path, ending):
    path = tmp_path / f"a{ending}"
    path.write_text("weights, honestly\n" * 100)
    refusal(load, path)


@pytest.mark.parametrize("name", ["a.npz", "a", "keras.txt"])
def test_an_unknown_ending_is_refused(tmp_path, name):
    assert "neither a Keras .h5 nor" in refusal(load, tmp_path / name)


@pytest.mark.parametrize("name", ["a.h5", "a.pth"])
def test_a_missing_file_is_refused(tmp_path, name):
    assert "there are no weights" in refusal(load, tmp_path / name)
    (tmp_path / name).mkdir()
    refusal(load, tmp_path / name)


def test_for_family_divides_every_feature(weights, content):
    """ReLU networks are positively homogeneous; only the rounding of the biases to float32 is left."""
    taps = ("conv1_1", "relu2_2", "pool3", "relu5_1")
    before = oracle.features(content, taps, Network(weights))
    after = oracle.features(content, taps, Network(weights.for_family("imagenet")))
    for tap in taps:
        assert np.abs(after[tap] * 57.63 - before[tap]).max() <= 1e-6 * np.abs(before[tap]).max(), tap


def test_for_family_and_back(weights):
    assert weights.for_family("caffe") is weights
    back = weights.for_family("imagenet").for_family("caffe")
    np.testing.assert_allclose(back.preprocessing.std, weights.preprocessing.std, rtol=1e-15)
    assert back.kernels_hwio is weights.kernels_hwio
    for conv in CONVS:
        np.testing.assert_allclose(back.biases[conv.name], weights.biases[conv.name], rtol=2e-7)


def test_random_weights_depend_on_the_seed_alone():
    first, second = random_weights.__wrapped__(3), random_weights.__wrapped__(3)
    assert first.sha256 == second.sha256 != random_weights.__wrapped__(4).sha256
    np.testing.assert_array_equal(first.kernels_hwio["conv5_4"], second.kernels_hwio["conv5_4"])


@pytest.mark.parametrize(
    ("source", "name"), [("random", "random:0"), ("random:0", "random:0"), ("random:7", "random:7")]
)
def test_random_by_name(source, name):
    assert load_weights(source).name == name


@pytest.mark.parametrize("source", ["random:x", "random:-1", "random:1.5", "random:1:2"])
def test_a_bad_seed_is_refused(source):
    with pytest.raises(RosettaError, match="no usable seed"):
        load_weights(source)


def test_the_published_weights_have_their_publishers_licence(weights):
    assert all(words in weights.licence for words in ("Simonyan and Zisserman", "arXiv:1409.1556", "CC BY 4.0"))
    assert random_weights(0).licence == "none: random numbers"


@pytest.mark.parametrize(("digits", "known"), [(64, True), (63, True), (8, False), (0, False)])
def test_a_licence_is_known_of_the_published_file_alone(tmp_path, monkeypatch, digits, known):
    """All digits that are published are compared: a file that shares the first eight is another."""
    path = write_keras(tmp_path / "a.h5")
    sha256 = sha256_of(path)
    published = sha256 if digits == 64 else sha256[:digits] + ("" if known else "x" * (64 - digits))
    monkeypatch.setattr(weights_module, "KERAS_FILE", replace(KERAS_FILE, sha256=published))
    licence = read_keras_file(path).licence
    assert licence == (KERAS_FILE.licence if known else f"unknown: not the published {KERAS_FILE.filename}")


def test_torchvisions_weights_have_torchvisions_licence(tmp_path, monkeypatch):
    path = save(tmp_path / "a.pth", flat_state())
    assert read_torch_file(path).licence == f"unknown: not the published {TORCHVISION_FILE.filename}"
    monkeypatch.setattr(weights_module, "TORCHVISION_FILE", replace(TORCHVISION_FILE, sha256=sha256_of(path)[:8]))
    assert "BSD 3-Clause" in read_torch_file(path).licence


def test_the_environment_variable_names_the_weights(tmp_path, monkeypatch):
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(write_keras(tmp_path / "mine.h5")))
    assert ENVIRONMENT_VARIABLE == "STYLE_ROSETTA_WEIGHTS"
    assert load_weights().name == "mine.h5"
    assert load_weights("random").name == "random:0"


@pytest.mark.parametrize(
    "change", [lambda path: path.write_bytes(path.read_bytes()[:2000]), lambda path: path.unlink()]
)
def test_a_keras_file_that_changes_afterwards_is_refused(tmp_path, change):
    """HDF5 reads zeros where a file has been cut off."""
    path = write_keras(tmp_path / "a.h5")
    kernels = read_keras_file(path).kernels_hwio
    assert len(kernels) == len(CONVS)
    assert "conv5_1" in kernels
    change(path)
    with pytest.raises(RosettaError, match="changed while they were used"):
        kernels["conv5_1"]


def test_weights_of_a_file_can_be_pickled(weights):
    copy = pickle.loads(pickle.dumps(weights))
    np.testing.assert_array_equal(copy.kernels_hwio["conv1_1"], weights.kernels_hwio["conv1_1"])
