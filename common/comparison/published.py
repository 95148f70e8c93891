"""What the dataclasses of a report add to Python's types, so that pydantic can write, read and describe them."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema, computed_field

# A number that may not be finite: JSON has no word for that but null.
Number = Annotated[
    float,
    BeforeValidator(lambda value: float("nan") if value is None else value),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "null"}]}),
]
Positive = Annotated[float, Field(gt=0)]
Pixels = Annotated[int, Field(ge=1)]
Size = tuple[Pixels, Pixels]


def where(precision: str, size_px: Size) -> str:
    """The precision and size of a table, in words."""
    return f"{precision}, {size_px[0]}x{size_px[1]} px"


if TYPE_CHECKING:
    published = property
else:

    def published(derive: Callable[[Any], Any]) -> Any:
        """A property that is written into the JSON, too; on the way back it is derived anew."""
        return computed_field(property(derive))
