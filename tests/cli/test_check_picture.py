"""`compare.py check --picture`: what it prints and writes, its exit codes, and what it refuses."""

import json

import numpy as np
import pytest
from shallow import TAP_OPTIONS

from common.cli.main import main
from common.images import save_image


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A content of coarse noise, a style, and the content's own copy as a result."""
    folder, generator = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    for name in ("content", "style"):
        save_image(folder / f"{name}.png", np.kron(generator.random((6, 8, 3)), np.ones((4, 4, 1))))
    save_image(folder / "out.png", np.kron(np.random.default_rng(0).random((6, 8, 3)), np.ones((4, 4, 1))))
    return [str(folder / f"{name}.png") for name in ("out", "content", "style")]


def check(*arguments):
    return main(["check", "--weights", "random", *TAP_OPTIONS, *map(str, arguments)])


def test_a_copy_of_the_content_is_said_and_written(pictures, tmp_path, capsys):
    report, page = tmp_path / "report.json", tmp_path / "report.md"
    assert check("--picture", *pictures, "--recipe", "gatys", "--json", report, "--markdown", page) == 1
    printed = capsys.readouterr().out
    assert "out.png as gatys of content.png and style.png: losses at 24x32 px" in printed
    assert "1. The picture is the content: they differ by 0 of 255 on average." in printed
    (written,) = json.loads(report.read_text())
    assert (written["healthy"], written["size_px"]) == (False, [24, 32])
    assert [remark["kind"] for remark in written["remarks"] if remark["found"]] == ["content"]
    assert written["losses"]["picture"]["total"] == pytest.approx(written["losses"]["content"]["total"])
    assert written["next"] in page.read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing.png"], "there is no picture 'nothing.png'"),
        ([__file__], "not a picture"),
        ([None, "--recipe", "none"], "there is no recipe 'none'"),
        ([None, "--port", "module:name"], "leave out --port"),
        ([None, "--against", "bundle"], "leave out --against"),
        ([None, "--json", "/dev/null/report.json"], "'/dev/null' is no folder"),
    ],
)
def test_what_cannot_be_checked_is_one_line(pictures, refused, arguments, words):
    picture, *options = arguments
    refused(lambda: check("--picture", picture or pictures[0], *pictures[1:], *options), words)


def test_a_picture_that_is_too_small_is_one_line(pictures, tmp_path, refused):
    save_image(tmp_path / "tiny.png", np.zeros((3, 4, 3)))
    refused(lambda: check("--picture", tmp_path / "tiny.png", *pictures[1:]), "the picture is 3x4 pixels")
