"""What a backend computes of one tile: the class `TileNetwork` in its package's module `tiles`."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from common.problem import Features, Mode, Network, Pixels
from common.tensors import Array
from common.vgg19 import Cores


class ContentTarget(NamedTuple):
    """The coefficient of a content term and the target in the core, of shape (h, w, C)."""

    k: float
    maps: Array


class TileNetwork(ABC):
    """The network on one window of a picture at a time.

    Windows are network inputs (H, W, 3). `cores` has by tap the rows and columns of the feature map that are the
    tile's own; zero padding makes the rest wrong. All arrays are of NumPy.
    """

    @abstractmethod
    def __init__(self, taps: Iterable[str], network: Network, mode: Mode | None) -> None:
        """Build the trunk on the network's device; RosettaError for a mode that is unknown or has no tiles."""

    @abstractmethod
    def maps(self, window: Pixels, cores: Cores) -> Features:
        """The feature maps (h, w, C) of the cores, by tap."""

    @abstractmethod
    def grams(self, window: Pixels, cores: Cores) -> dict[str, Array]:
        """The mean Gram matrices (C, C) of the cores, by tap."""

    @abstractmethod
    def gradient(
        self, window: Pixels, cores: Cores, content: Mapping[str, ContentTarget], at_grams: Mapping[str, Array]
    ) -> tuple[dict[str, float], Pixels]:
        """The content terms of the cores, and the gradient of the loss at the window, by way of the cores alone.

        `at_grams` has the gradient of the loss at the mean Gram matrix of each core.
        """
