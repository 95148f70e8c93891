"""What a Python caller may ask for: the same as the command line, with the same refusals."""

import hashlib
from pathlib import Path

import pytest

from common import RECIPES, comparison, samples
from common.backend import BACKENDS
from common.comparison import Group, NamedRow, Request, Scene, compare
from common.comparison import scene as scene_module
from common.errors import RosettaError

FIRST, *_ = BACKENDS


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"content": "a.png"}, "a content and a style picture, or neither"),
        ({"backends": ("nothing",)}, "there is no backend 'nothing': choose from"),
        ({"interpreters": {"nothing": "python"}}, "there is no backend 'nothing'"),
        ({"modes": ("turbo",)}, "there is no mode 'turbo'"),
        ({"precisions": ("float16",)}, "there is no precision 'float16'"),
        ({"sizes": ("big",)}, "the size 'big' is not one"),
        ({"device": "tpu"}, "there is no device 'tpu'"),
        ({"rounds": 0}, "rounds is 0: give a whole number from 1 up"),
        ({"threads": 0}, "threads is 0"),
        ({"seed": -1}, "seed is -1: give a whole number from 0 up"),
        ({"named_rows": (NamedRow("oracle", FIRST),)}, "cannot be named 'oracle'"),
        ({"named_rows": (NamedRow("a", "nothing"),)}, "there is no backend 'nothing'"),
        ({"named_rows": (NamedRow("a", FIRST, "turbo"),)}, "there is no mode 'turbo'"),
        ({"named_rows": (NamedRow("a", FIRST),) * 2}, "two rows are named 'a'"),
    ],
    ids=lambda it: str(it)[:40],
)
def test_what_cannot_be_asked_for_is_said_when_the_request_is_made(values, words):
    with pytest.raises(RosettaError) as caught:
        Request(**values)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_picture_is_decoded_once_and_named_by_its_file_and_its_hash(monkeypatch):
    decoded, load = [], scene_module.load_image
    monkeypatch.setattr(scene_module, "load_image", lambda path: decoded.append(Path(path)) or load(path))
    request = Request(weights="random", sizes=("48", "64"), precisions=("float32", "float64"))
    scene = Scene.of(request)
    for row in request.rows:
        scene.for_row(row, scene.problem_at(row.group.precision, row.group.size))
    assert decoded == [samples.CONTENT.path, samples.STYLE.path]
    assert scene.content.path.name == "chelsea.png"
    assert scene.content.sha256 == hashlib.sha256(samples.CONTENT.path.read_bytes()).hexdigest()


def test_a_group_adds_its_size_and_precision_and_a_row_its_mode_and_optimizer():
    scene = Scene.of(Request(weights="random", optimizer="customary"))
    for row in Request(sizes=("40x32",), precisions=("float64",), modes=None).rows:
        problem = scene.for_row(row, scene.problem_at("float64", "40x32"))
        assert row.group == Group("40x32", "float64")
        assert (problem.content.shape, problem.precision, problem.mode) == ((40, 32, 3), "float64", row.mode)
        kinds = {type(stage.optimizer).__name__.lower() for stage in problem.recipe.stages}
        assert kinds == {BACKENDS[row.backend].optimizer}


def test_a_recipe_may_keep_its_own_optimizer_or_all_may_share_one():
    for optimizer, expected in (("recipe", "LBFGS"), ("adam", "Adam"), ("lbfgs", "LBFGS")):
        request = Request(recipe=RECIPES["gatys"], optimizer=optimizer, weights="random", sizes=("64",))
        scene = Scene.of(request)
        for row in request.rows:
            recipe = scene.for_row(row, scene.problem("float32", "64")).recipe
            assert {type(stage.optimizer).__name__ for stage in recipe.stages} == {expected}


def test_a_size_that_does_not_fit_is_refused_before_anything_starts():
    scene = Scene.of(Request(weights="random"))
    scene.check_sizes(["64"])
    with pytest.raises(RosettaError, match="need at least"):
        scene.check_sizes(["64", "8"])


def test_comparing_is_a_function_of_a_request(monkeypatch):
    ran = []

    class FakeSession:
        def __init__(self, request):
            self.request = request

        def run(self):
            ran.append(self.request)

    import common.comparison.reporting as reporting
    import common.comparison.session as session

    monkeypatch.setattr(session, "Session", FakeSession)
    monkeypatch.setattr(reporting, "report_of", lambda session, complete: (session.request, complete))
    request = Request(weights="random")
    assert compare(request) == (request, True)
    assert ran == [request]
    assert comparison.compare is compare
