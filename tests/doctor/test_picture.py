"""Finished pictures: what is said of real results, and of the same results spoiled in plain NumPy."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image as Pillow
from shallow import shallow

from common import samples
from common.backend import load_backend
from common.doctor.picture.examine import examine
from common.doctor.picture.files import as_bytes, saving_like
from common.doctor.picture.scene import Tools
from common.images import load_image, resize, to_bytes
from common.problem import Problem
from common.recipes import LBFGS, LongestSide, Stage
from common.vgg19 import load_weights

STAGES = (Stage(LongestSide(40), 80, LBFGS()),)


@pytest.fixture(scope="module")
def problem():
    content, style = (resize(load_image(sample.path), 60, 80) for sample in (samples.CONTENT, samples.STYLE))
    return Problem(content, style, shallow("d2l", stages=STAGES, style_weight=1e5), load_weights())


@pytest.fixture(scope="module")
def result(problem):
    return as_bytes(load_backend("torch").stylize(problem).image)


def examined(picture, problem, saved=as_bytes):
    tools = Tools(load_backend("torch").Objective, saved)
    return examine(np.ascontiguousarray(picture, np.float32), problem, tools)


def found(examination):
    return {remark.kind: remark.text for remark in examination.remarks if remark.found}


def decoded(image):
    return as_bytes(np.where(image <= 0.04045, image / 12.92, ((image + 0.055) / 1.055) ** 2.4))


def still_normalised(image):
    return as_bytes((image - np.array([0.485, 0.456, 0.406])) / np.array([0.229, 0.224, 0.225]))


def test_nothing_is_found_at_a_result(result, problem):
    examination = examined(result, problem)
    assert found(examination) == {}
    assert examination.size_px == (30, 40)
    assert "gradient/pixels" in examination.next_step
    ours = load_backend("torch").Objective(problem.at(STAGES[0])).loss_terms(problem.at(STAGES[0]).pixels(result))
    assert examination.terms["picture"].total == pytest.approx(ours.total, rel=1e-6)


@pytest.mark.parametrize(
    ("spoil", "kind", "words"),
    [
        (lambda image: image[..., ::-1], "channels", "saved as BGR"),
        (lambda image: image[:, ::-1], "turn", "mirrored"),
        (lambda image: image.transpose(1, 0, 2), "proportions", "transposed"),
        (lambda image: np.rot90(image, -1), "proportions", "turned by 90 degrees clockwise"),
        (decoded, "tone", "saved as linear values"),
        (still_normalised, "range", "clipped in another range"),
        (lambda image: np.repeat(image.mean(axis=-1, keepdims=True), 3, axis=-1), "grey", "is grey"),
        (lambda image: resize(image, 30, 56), "proportions", "was stretched."),
        (lambda image: image[:, 5:-5], "proportions", "was cropped."),
    ],
)
def test_a_spoiled_result_is_seen_and_nothing_else_is_said_of_how_it_was_saved(result, problem, spoil, kind, words):
    examination = examined(spoil(result), problem)
    said = found(examination)
    assert words in said.pop(kind)
    assert set(said) <= {"loss"}  # a loss may be high after a mistake that cannot be undone
    assert not examination.healthy


def test_two_mistakes_are_both_undone(result, problem):
    examination = examined(result[:, ::-1, ::-1], problem)
    assert set(found(examination)) == {"channels", "turn"}
    assert examination.terms["picture"].total == pytest.approx(examined(result, problem).terms["picture"].total)


def test_another_size_of_the_same_proportions_is_no_mistake(result, problem):
    other = replace(problem, recipe=replace(problem.recipe, stages=(replace(STAGES[0], size=LongestSide(80)),)))
    assert found(examined(result, other)) == {}


@pytest.mark.parametrize("what", ["content", "few steps", "another loss"])
def test_a_picture_that_is_no_minimum(problem, what):
    small = problem.at(STAGES[0])
    if what == "content":
        said = found(examined(as_bytes(small.content), problem))
        assert set(said) == {"content"}
        return
    changes = {"stages": (replace(STAGES[0], steps=4),)} if what == "few steps" else {"content_weight": 100.0}
    picture = load_backend("torch").stylize(replace(problem, recipe=replace(problem.recipe, **changes))).image
    examination = examined(as_bytes(picture), problem)
    assert set(found(examination)) == {"loss"}
    assert "loss/style/*" in examination.next_step


def test_a_jpegs_own_compression_is_not_held_against_it(result, problem, tmp_path):
    path = tmp_path / "result.jpg"
    Pillow.fromarray(to_bytes(result)).save(path, quality=60)
    saved = saving_like(path)
    again = io.BytesIO()
    Pillow.fromarray(to_bytes(result)).save(again, "JPEG", quality=60)
    np.testing.assert_array_equal(saved(result), np.asarray(Pillow.open(again), np.float32) / np.float32(255))
    examination = examined(load_image(path), problem, saved)
    assert found(examination) == {}
    without = examined(load_image(path), problem).terms["reference"].total
    assert examination.terms["reference"].total > 1.01 * without


def test_what_a_webp_loses_is_not_known(result, problem, tmp_path):
    Pillow.fromarray(to_bytes(result)).save(tmp_path / "result.webp", quality=50)
    assert saving_like(tmp_path / "result.webp") is None
    kinds = [remark.kind for remark in examined(result, problem, None).remarks]
    assert "not judged" in kinds
    assert "loss" not in kinds


def test_a_large_picture_is_reduced_and_its_loss_is_not_judged(result, problem, monkeypatch):
    monkeypatch.setattr("common.doctor.picture.scene._LARGEST_PX", 30 * 40 - 1)
    monkeypatch.setattr("common.doctor.picture.scene._REDUCED_SIDE_PX", 32)
    examination = examined(result, problem)
    assert examination.size_px == (24, 32)
    assert found(examination) == {}
    assert "not judged" in {remark.kind for remark in examination.remarks}
