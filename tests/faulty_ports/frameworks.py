"""What plants need of each framework: its functions by NumPy's names, its layout, and how layers are changed."""

import importlib
from collections.abc import Callable, Iterator
from typing import Any, Literal

import numpy as np

Compute = Callable[[Any], Any]
Border = Literal["replicate", "reflect"]


class Torch:
    """PyTorch: channels first, and modules."""

    def __init__(self) -> None:
        self.xp = self._torch = importlib.import_module("torch")

    def hwc(self, tensor: Any) -> Any:
        """A native batch of one as (H, W, C)."""
        return self.xp.moveaxis(tensor[0], 0, -1)

    def batch(self, hwc: Any) -> Any:
        """The inverse of `hwc`."""
        return self.xp.moveaxis(hwc, -1, 0)[None]

    def change_layers(self, trunk: Any, kind: str, change: Callable[[Compute], Compute]) -> None:
        """Every layer of a kind (`conv` or `pool`) computes what `change` makes of its computation."""
        for layer in self._layers(trunk, kind):
            layer.forward = change(layer.forward)

    def pad_convolutions(self, trunk: Any, border: Border) -> None:
        """Convolutions continue the picture at its border."""
        for layer in self._layers(trunk, "conv"):
            layer.padding_mode = border

    def round_pools_up(self, trunk: Any) -> None:
        """Pools keep an odd last row and column."""
        for layer in self._layers(trunk, "pool"):
            layer.ceil_mode = True

    def half(self, x: Any) -> Any:
        """`x` rounded to float16; the derivative of that is 1."""
        return x + (x.half().float() - x).detach()

    def resized(self, image: np.ndarray, height_px: int, width_px: int, method: str) -> np.ndarray:
        """An image by the framework's own function with its defaults, which do not antialias."""
        batch = self.batch(self._torch.tensor(np.ascontiguousarray(image)))
        found = self._torch.nn.functional.interpolate(batch, (height_px, width_px), mode=method)
        return np.ascontiguousarray(self.hwc(found).numpy().clip(0, 1))

    def _layers(self, trunk: Any, kind: str) -> Iterator[Any]:
        return (layer for name, layer in trunk.trunk_layers.items() if name.startswith(kind))


class ChannelsLast:
    """The layout of a batch in TensorFlow and JAX."""

    def hwc(self, tensor: Any) -> Any:
        """A native batch of one as (H, W, C)."""
        return tensor[0]

    def batch(self, hwc: Any) -> Any:
        """The inverse of `hwc`."""
        return hwc[None]


class TensorFlow(ChannelsLast):
    """Keras/TensorFlow: channels last, and layers."""

    def __init__(self) -> None:
        self._tensorflow = importlib.import_module("tensorflow")
        self.xp = self._tensorflow.experimental.numpy

    def change_layers(self, trunk: Any, kind: str, change: Callable[[Compute], Compute]) -> None:
        """Every layer of a kind (`conv` or `pool`) computes what `change` makes of its computation."""
        for layer in self._layers(trunk, kind):
            layer.call = change(layer.call)

    def pad_convolutions(self, trunk: Any, border: Border) -> None:
        """Convolutions continue the picture at its border."""
        mode = {"replicate": "SYMMETRIC", "reflect": "REFLECT"}[border]
        for layer in self._layers(trunk, "conv"):
            layer.padding = "valid"
        around = [[0, 0], [1, 1], [1, 1], [0, 0]]
        self.change_layers(trunk, "conv", lambda compute: lambda x: compute(self._tensorflow.pad(x, around, mode)))

    def round_pools_up(self, trunk: Any) -> None:
        """Pools keep an odd last row and column."""
        for layer in self._layers(trunk, "pool"):
            layer.padding = "same"

    def half(self, x: Any) -> Any:
        """`x` rounded to float16; the derivative of that is 1."""
        cast = self._tensorflow.cast
        return x + self._tensorflow.stop_gradient(cast(cast(x, "float16"), "float32") - x)

    def resized(self, image: np.ndarray, height_px: int, width_px: int, method: str) -> np.ndarray:
        """An image by the framework's own function with its defaults, which do not antialias."""
        return np.clip(self._tensorflow.image.resize(image, (height_px, width_px), method=method).numpy(), 0, 1)

    def _layers(self, trunk: Any, kind: str) -> Iterator[Any]:
        return (layer for layer in trunk.trunk_layers if layer.name.startswith(kind))


class Functional(ChannelsLast):
    """Channels last, and layers that are functions of a map and their parameters, as in JAX."""

    def __init__(self) -> None:
        self._jax = importlib.import_module("jax")
        self.xp = self._jax.numpy

    def change_layers(self, trunk: Any, kind: str, change: Callable[[Compute], Compute]) -> None:
        """Every layer of a kind (`conv` or `pool`) computes what `change` makes of its computation."""
        for name, layer in trunk.trunk_layers.items():
            if name.startswith(kind):
                trunk.trunk_layers[name] = lambda x, *parameters, layer=layer: change(lambda x: layer(x, *parameters))(
                    x
                )

    def pad_convolutions(self, trunk: Any, border: Border) -> None:
        """Convolutions continue the picture at its border."""
        mode = {"replicate": "edge", "reflect": "reflect"}[border]

        def change(compute: Compute) -> Compute:
            return lambda x: compute(self.xp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), mode))[:, 1:-1, 1:-1]

        self.change_layers(trunk, "conv", change)

    def round_pools_up(self, trunk: Any) -> None:
        """Pools keep an odd last row and column, whose values a window has twice then."""

        def change(compute: Compute) -> Compute:
            return lambda x: compute(self.xp.pad(x, ((0, 0), (0, x.shape[1] % 2), (0, x.shape[2] % 2), (0, 0)), "edge"))

        self.change_layers(trunk, "pool", change)

    def half(self, x: Any) -> Any:
        """`x` rounded to float16; the derivative of that is 1."""
        return x + self._jax.lax.stop_gradient(x.astype("float16").astype("float32") - x)

    def resized(self, image: np.ndarray, height_px: int, width_px: int, method: str) -> np.ndarray:
        """An image by the framework's own function, without its antialiasing."""
        size = (height_px, width_px, 3)
        return np.clip(np.asarray(self._jax.image.resize(image, size, method, antialias=False)), 0, 1)


Framework = Torch | TensorFlow | Functional
FRAMEWORKS: dict[str, Callable[[], Framework]] = {"torch": Torch, "keras": TensorFlow, "jax": Functional}
