"""What tensors are here: NumPy arrays of whatever type, by name."""

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]
Arrays = Mapping[str, Array]
