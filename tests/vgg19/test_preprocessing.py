"""The preprocessing against what Keras and torchvision do, and the affine maps between spaces."""

import itertools

import keras
import numpy as np
import pytest
import torch
from torchvision.transforms.v2.functional import normalize

from common.vgg19.preprocessing import CAFFE, IMAGENET, SPACES, UNIT_VARIANCE_SCALE, affine_between


@pytest.fixture
def rgb():
    return np.random.default_rng(0).random((5, 4, 3))


def test_caffe_is_what_keras_does(rgb):
    theirs = keras.applications.vgg19.preprocess_input(rgb * 255)
    np.testing.assert_allclose(CAFFE.apply(rgb), theirs, atol=1e-12)


def test_imagenet_is_what_torchvision_does(rgb):
    stock = normalize(torch.tensor(rgb).permute(2, 0, 1), mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])
    np.testing.assert_allclose(IMAGENET.apply(rgb), stock.permute(1, 2, 0).numpy(), atol=1e-12)


def test_white_red_and_blue_in_caffe():
    white, red = CAFFE.apply(np.array([[1.0, 1.0, 1.0], [1.0, 0.0, 0.0]]))
    np.testing.assert_allclose(white, [255 - 103.939, 255 - 116.779, 255 - 123.68])
    np.testing.assert_allclose(red, [-103.939, -116.779, 255 - 123.68])


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_invert_undoes_apply(space, rgb):
    np.testing.assert_allclose(space.invert(space.apply(rgb)), rgb, atol=1e-14)


@pytest.mark.parametrize(("source", "target"), list(itertools.product(SPACES.values(), repeat=2)))
def test_affine_between_is_the_way_round_by_rgb(source, target, rgb):
    affine = affine_between(source, target)
    values = source.apply(rgb)
    ordered = values[..., ::-1] if affine.reverse else values
    np.testing.assert_allclose(ordered * affine.factor + affine.offset, target.apply(rgb), atol=1e-11)
    assert affine.is_identity == (source == target)


@pytest.mark.parametrize("source", SPACES.values(), ids=SPACES)
def test_backends_apply_the_same_affine(backend, source, rgb, weights):
    from common import Network

    arrays = __import__(f"{backend.package}.arrays", fromlist=["to_native"])
    affine, network = affine_between(source, CAFFE), Network(weights, precision="float64")
    with arrays.device_scope(network):
        native = arrays.apply_affine(arrays.to_native(source.apply(rgb), network), affine)
    np.testing.assert_allclose(arrays.to_numpy(native), CAFFE.apply(rgb), atol=1e-11)


def test_the_scale_between_the_families():
    assert pytest.approx(57.63) == UNIT_VARIANCE_SCALE
    np.testing.assert_allclose(CAFFE.divided_by(2).apply(np.ones(3)), CAFFE.apply(np.ones(3)) / 2)
