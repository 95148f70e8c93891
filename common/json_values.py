"""Plain JSON values as the dataclasses that they describe, checked by the types of the fields.

Manifests of bundles, recipes, and the jobs of workers are read so. A worker may run in an environment without pydantic,
which reads reports.
"""

import reprlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

Value = TypeVar("Value")
_MOST = 10**300  # of a whole number that is read as a float
_PLAIN = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", NoneType: "null"}


def from_json(kind: type[Value], values: Any, place: str = "") -> Value:
    """A dataclass from the values of its fields by name; keys that no field has are passed over.

    A key may be lacking where the default is nothing: None, False, 0, or empty. A key `kind` names the class, where a
    field may have one of several. Raises ValueError with the place of what does not fit, and whatever the class itself
    raises.
    """
    if not isinstance(values, dict) or values.get("kind", kind.__name__.lower()) != kind.__name__.lower():
        raise _unfit(kind, values, place)
    hints, known = get_type_hints(kind), fields(kind)  # type: ignore[arg-type]
    required = [it.name for it in known if it.default]
    if lacking := [name for name in required if name not in values]:
        raise ValueError(f"{place or 'it'} has no {lacking[0]}")
    given = [it.name for it in known if it.name in values]
    return kind(**{name: _value(hints[name], values[name], _below(place, name)) for name in given})


def _value(kind: Any, value: Any, place: str) -> Any:
    """A value of any type that a field may have."""
    if is_dataclass(kind):
        return from_json(kind, value, place)  # type: ignore[arg-type]
    if get_origin(kind) in _COMPOSED:
        return _COMPOSED[get_origin(kind)](kind, value, place)
    if kind is float and type(value) is int and abs(value) < _MOST:
        return float(value)
    if kind is not Any and type(value) is not kind:  # not isinstance, since True is no whole number
        raise _unfit(kind, value, place)
    return value


def _one_of(kind: Any, value: Any, place: str) -> Any:
    for member in get_args(kind):
        with suppress(ValueError):
            return _value(member, value, place)
    raise _unfit(kind, value, place)


def _literal(kind: Any, value: Any, place: str) -> Any:
    if not any(type(value) is type(word) and value == word for word in get_args(kind)):
        raise _unfit(kind, value, place)
    return value


def _tuple(kind: Any, value: Any, place: str) -> tuple[Any, ...]:
    members = get_args(kind)
    if not isinstance(value, list | tuple):
        raise _unfit(kind, value, place)
    if members[-1] is ...:
        members = members[:1] * len(value)
    if len(value) != len(members):
        raise ValueError(f"{place} has {len(value)} values, not {len(members)}")
    pairs = enumerate(zip(members, value, strict=True))
    return tuple(_value(member, it, _below(place, number)) for number, (member, it) in pairs)


def _mapping(kind: Any, value: Any, place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _unfit(kind, value, place)
    return {name: _value(get_args(kind)[1], it, _below(place, name)) for name, it in value.items()}


_COMPOSED: dict[Any, Callable[[Any, Any, str], Any]] = {
    Union: _one_of,
    UnionType: _one_of,
    Literal: _literal,
    tuple: _tuple,
    Mapping: _mapping,
}


def _below(place: str, name: object) -> str:
    return f"{place}.{name}" if place else str(name)


def _unfit(kind: Any, value: Any, place: str) -> ValueError:
    return ValueError(f"{place or 'it'} is {reprlib.repr(value)}, not {_in_words(kind)}")


def _in_words(kind: Any) -> str:
    origin, members = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return " or ".join(map(_in_words, members))
    if origin is Literal:
        return " or ".join(map(repr, members))
    words = {tuple: "a list", Mapping: "an object"} | _PLAIN
    return words.get(origin or kind) or str(kind.__name__)
