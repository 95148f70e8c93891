"""Dataclasses from JSON: what fits comes back as it was, and the place of what does not fit is named."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import pytest

from common.json_values import from_json


@dataclass(frozen=True)
class Round:
    radius: float


@dataclass(frozen=True)
class Square:
    side: int
    turned: bool = False


@dataclass(frozen=True)
class Drawing:
    name: str
    kind_of_line: Literal["thin", "thick", 3]
    shapes: tuple[Round | Square, ...]
    scale: tuple[float, float]
    weights: Mapping[str, float]
    note: str | None = None
    rest: Any = None
    count: int = 1


GOOD = {
    "name": "a",
    "kind_of_line": "thin",
    "shapes": [{"kind": "round", "radius": 2}, {"side": 3}],
    "scale": [1, 2.5],
    "weights": {"x": 1},
    "rest": {"any": ["thing"]},
    "count": 7,
}


def test_values_become_what_they_describe():
    drawing = from_json(Drawing, GOOD)
    assert drawing == Drawing("a", "thin", (Round(2.0), Square(3)), (1.0, 2.5), {"x": 1.0}, None, {"any": ["thing"]}, 7)
    assert isinstance(drawing.shapes[0].radius, float)


def test_what_asdict_gives_is_read_again():
    drawing = from_json(Drawing, GOOD)
    assert from_json(Drawing, asdict(drawing)) == drawing


def test_keys_that_no_field_has_are_passed_over():
    assert from_json(Square, {"side": 1, "colour": "red"}) == Square(1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": 5}, "drawing.name is 5, not a text"),
        ({"name": None}, "drawing.name is None, not a text"),
        ({"kind_of_line": "wide"}, "drawing.kind_of_line is 'wide', not 'thin' or 'thick' or 3"),
        ({"kind_of_line": 3.0}, "drawing.kind_of_line is 3.0"),
        ({"kind_of_line": []}, "drawing.kind_of_line is []"),
        ({"shapes": {}}, "drawing.shapes is {}, not a list"),
        ({"scale": [1, 10**400]}, "drawing.scale.1 is 1000000000"),
        ({"shapes": "ab"}, "drawing.shapes is 'ab', not a list"),
        ({"shapes": [{"kind": "square", "radius": 1}]}, "drawing.shapes.0 is {'kind': 'square', 'radius': 1}"),
        ({"shapes": [{"kind": "oval", "radius": 1}]}, "not Round or Square"),
        ({"shapes": [{"side": 1}, {"side": 1.5}]}, "drawing.shapes.1 is {'side': 1.5}, not Round or Square"),
        ({"shapes": [{"side": True}]}, "drawing.shapes.0 is"),
        ({"shapes": [5]}, "drawing.shapes.0 is 5"),
        ({"scale": [1]}, "drawing.scale has 1 values, not 2"),
        ({"scale": [1, "2"]}, "drawing.scale.1 is '2', not a number"),
        ({"scale": [1, True]}, "drawing.scale.1 is True, not a number"),
        ({"weights": []}, "drawing.weights is [], not an object"),
        ({"weights": {"x": None}}, "drawing.weights.x is None, not a number"),
        ({"note": 5}, "drawing.note is 5, not a text or null"),
        ({"name": "x" * 100_000, "note": 5}, "drawing.note is 5"),
        ({"note": ["x" * 100_000]}, "not a text or null"),
    ],
)
def test_what_does_not_fit_is_named_by_its_place(change, words):
    with pytest.raises(ValueError, match=re.escape(words)) as caught:
        from_json(Drawing, {**GOOD, **change}, "drawing")
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("values", [None, 5, "a", [], [GOOD], True])
def test_what_is_no_object_is_none(values):
    with pytest.raises(ValueError, match="not Drawing"):
        from_json(Drawing, values)


def test_a_key_may_be_lacking_where_the_default_is_nothing():
    assert from_json(Square, {"side": 1, "turned": False}) == from_json(Square, {"side": 1})
    assert from_json(Drawing, {**GOOD, "note": None}) == from_json(Drawing, GOOD)


@pytest.mark.parametrize("name", ["name", "shapes", "scale", "count"])
def test_another_key_that_is_lacking_is_named(name):
    with pytest.raises(ValueError, match=f"^it has no {name}$"):
        from_json(Drawing, {key: value for key, value in GOOD.items() if key != name})
