"""Traps on the way from a file to the network's picture, and back to a file: 1, 8, 22, 24, 33, 34."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Pillow

from common import samples
from common.images import Image, to_bytes
from common.oracle.case import Case
from common.vgg19.preprocessing import UNIT, affine_between
from faulty_ports.planting import RECORDING, Broken, Plant, Port, style_is_resized

_ORIENTATION, _TURNED_RIGHT = 0x0112, 6  # EXIF's tag, and its value for a phone that was held upright


def _small() -> Pillow.Image:
    with Pillow.open(samples.CONTENT.path) as file:
        return file.convert("RGB").resize((121, 90))


def _transparent(folder: Path) -> Path:
    picture = _small()
    ramp = np.linspace(40, 255, picture.width).astype(np.uint8)
    picture.putalpha(Pillow.fromarray(np.tile(ramp, (picture.height, 1))))
    picture.save(folder / "alpha.png")
    return folder / "alpha.png"


def _turned(folder: Path) -> Path:
    exif = Pillow.Exif()
    exif[_ORIENTATION] = _TURNED_RIGHT
    _small().save(folder / "turned.jpg", exif=exif)
    return folder / "turned.jpg"


def _palette(folder: Path) -> Path:
    _small().quantize(32).save(folder / "palette.png")
    return folder / "palette.png"


def _decoding(read: Callable[[Pillow.Image], Any]) -> Plant:
    """The content picture is what `read` makes of the open file."""

    def plant(port: Port) -> Port:
        with Pillow.open(port.case.content.path) as file:
            values = np.asarray(read(file), np.float32) / np.float32(255)
        if values.ndim == 2:
            values = np.repeat(values[..., None], 3, axis=2)
        return replace(port, decoded={**port.decoded, "content": values})

    return plant


def _over_black(file: Pillow.Image) -> Pillow.Image:
    picture = file.convert("RGBA")
    return Pillow.alpha_composite(Pillow.new("RGBA", picture.size, "black"), picture).convert("RGB")


def _resizing(by: Callable[[Port, Image, int, int], Image]) -> Plant:
    """Both pictures are resized otherwise."""
    return lambda port: replace(port, resize=lambda image, height, width: by(port, image, height, width))


def _pillows(name: str) -> Plant:
    """Pillow on 8 bits, as `PIL.Image.open(path).resize(size)` does."""

    def by(_: Port, image: Image, height: int, width: int) -> Image:
        picture = Pillow.fromarray(to_bytes(image)).resize((width, height), Pillow.Resampling[name])
        return np.asarray(picture, np.float32) / np.float32(255)

    return _resizing(by)


def _frameworks(name: str) -> Plant:
    """The framework's own function with its defaults, which do not antialias."""

    def by(port: Port, image: Image, height: int, width: int) -> Image:
        return port.framework.resized(image, height, width, name)

    return _resizing(by)


def _bgr_pictures(port: Port) -> Port:
    """What `cv2.imread` returns."""
    reversed_ = {role: np.ascontiguousarray(picture[..., ::-1]) for role, picture in port.decoded.items()}
    return replace(port, decoded=reversed_)


def _style_unresized(port: Port) -> Port:
    return replace(port, sizes_px={**port.sizes_px, "style": port.decoded["style"].shape[:2]})


def chw_read_as_hwc(xp: Any, hwc: Any) -> Any:
    """The numbers in the order channel, height, width, taken to be in the order height, width, channel."""
    return xp.reshape(xp.moveaxis(hwc, -1, 0), tuple(hwc.shape))


def hwc_read_as_chw(xp: Any, hwc: Any) -> Any:
    """The inverse."""
    height, width, channels = hwc.shape
    return xp.moveaxis(xp.reshape(hwc, (channels, height, width)), 0, -1)


def _scrambling(reorder: Callable[[Any, Any], Any]) -> Plant:
    """Every picture is reordered as RGB, on its way to the network."""

    def plant(port: Port) -> Port:
        space = port.problem.recipe.pixel_space

        def of_image(right: Any) -> Any:
            def apply_affine(variable: Any, to_network: Any) -> Any:
                rgb = port.hwc(right(variable, affine_between(space, UNIT)))
                scrambled = right(port.batch(reorder(port.xp, rgb)), affine_between(UNIT, space))
                return right(scrambled, to_network)

            return apply_affine

        def of_targets(right: Any) -> Any:
            class Scrambled(right):
                def __init__(self, problem):
                    content, style = (reorder(np, image) for image in (problem.content, problem.style))
                    super().__init__(replace(problem, content=content, style=style))

            return Scrambled

        return port.patched("apply_affine", of_image).patched("Objective", of_targets)

    return plant


def _saving(to_bytes_otherwise: Callable[[Image], Any]) -> Plant:
    return lambda port: port.patched("to_bytes", lambda _: to_bytes_otherwise, RECORDING)


def _stretched(image: Image) -> Any:
    return to_bytes((image - image.min()) / (image.max() - image.min()))


def _truncated(image: Image) -> Any:
    return (np.clip(image, 0, 1) * 255).astype(np.uint8)


def _can_be_stretched(case: Case) -> bool:
    return bool(case.image.min() > 0.01 or case.image.max() < 0.99)


PICTURES = (
    Broken(34, "EXIF orientation ignored", _decoding(lambda file: file.convert("RGB")), picture=_turned),
    Broken(34, "alpha ignored", _decoding(lambda file: file.convert("RGB")), picture=_transparent),
    Broken(34, "alpha over black", _decoding(_over_black), picture=_transparent),
    Broken(34, "palette read as grey", _decoding(lambda file: file), picture=_palette),
    Broken(1, "pictures read as BGR", _bgr_pictures, ("channels",)),
    Broken(24, "Pillow's bicubic on 8 bits", _pillows("BICUBIC")),
    Broken(24, "Pillow's bilinear on 8 bits", _pillows("BILINEAR")),
    Broken(24, "Pillow's nearest on 8 bits", _pillows("NEAREST")),
    Broken(24, "Pillow's Lanczos on 8 bits", _pillows("LANCZOS")),
    Broken(24, "the framework's bilinear", _frameworks("bilinear")),
    Broken(24, "the framework's bicubic", _frameworks("bicubic")),
    Broken(24, "the framework's nearest", _frameworks("nearest")),
    Broken(22, "the style is not resized", _style_unresized, ("style size",), style_is_resized),
    Broken(8, "CHW memory read as HWC", _scrambling(chw_read_as_hwc)),
    Broken(8, "HWC memory read as CHW", _scrambling(hwc_read_as_chw)),
    Broken(33, "saved with its contrast stretched", _saving(_stretched), fits=_can_be_stretched),
    Broken(33, "saved by truncation", _saving(_truncated)),
)
