"""Files to and from float32 RGB of shape (H, W, 3) in [0, 1]; the one resize."""

import base64
import io
import os
import re
import warnings
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageOps, UnidentifiedImageError

from common.errors import RosettaError, one_line
from common.input_files import ordinary
from common.recipes import Exactly, LongestSide, Size
from common.writing import replacing, write_or_keep

Image = NDArray[np.float32]

READABLE = ("JPEG", "PNG", "WEBP", "TIFF", "BMP")
LARGEST_SIDE_PX = 16384
_SIDE = re.compile(r"0{0,9}[1-9]\d{0,8}")
_JPEG: dict[str, Any] = {"format": "JPEG", "quality": 95, "subsampling": 0}
_WEBP: dict[str, Any] = {"format": "WEBP", "quality": 95}
_SAVE_OPTIONS = {
    **{".png": {"format": "PNG"}, ".jpg": _JPEG, ".jpeg": _JPEG, ".webp": _WEBP},
    **{".tif": {"format": "TIFF"}, ".tiff": {"format": "TIFF"}, ".bmp": {"format": "BMP"}},
}
WRITABLE = tuple(_SAVE_OPTIONS)
_IMAGE_DESCRIPTION = 0x010E  # the Exif tag
_SIXTEEN_BIT_MODES = ("I", "I;16", "I;16B", "I;16L", "I;16N")


def load_image(path: str | os.PathLike[str]) -> Image:
    """Read a JPEG, PNG, WebP, TIFF or BMP as float32 RGB in [0, 1], shape (H, W, 3).

    EXIF orientation is applied, alpha is laid over white; palettes, greyscale, CMYK and 16-bit greyscale are
    converted. Colour profiles are ignored. What Pillow finds odd in a file is one warning, which names the file. Raises
    RosettaError for what cannot be read.
    """
    with warnings.catch_warnings(record=True) as odd:
        warnings.simplefilter("always")
        image = _read(path)
    if odd:
        words = dict.fromkeys(str(warning.message).strip() for warning in odd)
        warnings.warn(f"{str(path)!r}: {'; '.join(words)}", stacklevel=2)
    return image


def _read(path: str | os.PathLike[str]) -> Image:
    try:
        # Given a path, Pillow maps an uncompressed TIFF into memory, and then turns its orientations 5 to 8 wrongly.
        with open(ordinary(path), "rb") as stream, Pillow.open(stream, formats=READABLE) as file:
            file.load()
            if file.mode == "I" and file.format != "PNG":
                raise RosettaError(f"{str(path)!r} has 32-bit pixels, whose range is not defined: save it with 8 bits")
            return _to_rgb(ImageOps.exif_transpose(file), path)
    except FileNotFoundError:
        raise RosettaError(f"there is no picture {str(path)!r}: give the path of a file that exists") from None
    except Pillow.DecompressionBombError as error:
        raise RosettaError(f"cannot read {str(path)!r}: {error}; make a smaller copy of the picture") from None
    except (OSError, ValueError, SyntaxError, TypeError, EOFError) as error:
        reason = "not a picture" if isinstance(error, UnidentifiedImageError) else one_line(error)
        raise RosettaError(
            f"cannot read {str(path)!r} ({reason}): give a whole JPEG, PNG, WebP, TIFF or BMP file"
        ) from None


def _to_rgb(picture: Pillow.Image, path: object) -> Image:
    if picture.mode in _SIXTEEN_BIT_MODES:
        return np.repeat((np.asarray(picture) / 65535).astype(np.float32)[..., None], 3, axis=2)
    if picture.mode == "F":
        raise RosettaError(f"{str(path)!r} has floating point pixels, whose range is not defined: save it with 8 bits")
    if picture.has_transparency_data:
        layer = picture.convert("RGBA")
        picture = Pillow.alpha_composite(Pillow.new("RGBA", layer.size, "white"), layer)
    values: Image = np.asarray(picture.convert("RGB")).astype(np.float32)
    values /= np.float32(255)  # in place: a large picture takes 2 GB
    return values


def resize(image: Image, height_px: int, width_px: int) -> Image:
    """Resize to (height_px, width_px, 3): Lanczos with antialiasing, channel by channel in float32, clipped."""
    if image.shape[:2] == (height_px, width_px):
        return image
    clipped: Image = np.clip(resample(image, height_px, width_px, "lanczos"), 0, 1)
    return clipped


def resample(values: NDArray[Any], height_px: int, width_px: int, kernel: Literal["lanczos", "bilinear"]) -> Image:
    """Values (H, W, 3) of any range at another size, antialiased, channel by channel in float32."""
    resampling = Pillow.Resampling[kernel.upper()]
    channels = (np.ascontiguousarray(values[..., number], np.float32) for number in range(3))  # a copy at a time
    resized = [np.asarray(Pillow.fromarray(it).resize((width_px, height_px), resampling)) for it in channels]
    return np.stack(resized, axis=-1)


def extent_of(image: Image) -> tuple[int, int]:
    """The (height, width) of an image in pixels."""
    height, width, _ = image.shape
    return height, width


def extent_for(size: Size, height_px: int, width_px: int) -> tuple[int, int]:
    """The (height, width) in pixels that a size rule gives to a picture of the given height and width."""
    if isinstance(size, Exactly):
        return size.height_px, size.width_px
    longest = max(height_px, width_px)
    side = (min(size.side_px, longest) if size.only_shrink else size.side_px) * size.factor
    return max(1, round(height_px * side / longest)), max(1, round(width_px * side / longest))


def parse_size(text: str) -> Size:
    """A size from the command line: `288` is the longest side, `192x288` is height by width exactly."""
    parts = text.lower().split("x")
    if len(parts) > 2 or not all(_SIDE.fullmatch(part) and int(part) <= LARGEST_SIDE_PX for part in parts):
        forms = "the longest side (288) or height x width (192x288)"
        raise RosettaError(f"the size {text!r} is not one: give {forms}, from 1 to {LARGEST_SIDE_PX} pixels a side")
    return LongestSide(int(parts[0])) if len(parts) == 1 else Exactly(int(parts[0]), int(parts[1]))


def to_bytes(image: NDArray[np.floating]) -> NDArray[np.uint8]:
    """RGB in [0, 1] as 8-bit values: clipped, times 255, rounded to nearest."""
    rounded: NDArray[np.uint8] = np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
    return rounded


def save_image(path: str | os.PathLike[str], image: NDArray[np.floating], description: str | None = None) -> None:
    """Write RGB in [0, 1], shape (H, W, 3), as the format that the ending names; whole or not at all.

    A description becomes the Exif tag ImageDescription, which every format but BMP has.
    """
    check_ending(path)
    options = dict(_SAVE_OPTIONS[Path(path).suffix.lower()])
    if description is not None:
        options["exif"] = Pillow.Exif()
        options["exif"][_IMAGE_DESCRIPTION] = description
    with replacing(path) as temporary:
        # Into memory first: Pillow does not notice when a file takes only half of a JPEG, TIFF or BMP.
        encoded = io.BytesIO()
        Pillow.fromarray(to_bytes(image)).save(encoded, **options)
        temporary.write_bytes(encoded.getbuffer())


def save_or_keep(path: str | os.PathLike[str], image: NDArray[np.floating], description: str | None = None) -> None:
    """As `save_image`; where that fails, keep the picture in another folder, and raise RosettaError that names it."""
    write_or_keep(path, lambda place: save_image(place, image, description))


def webp_uri(picture: Pillow.Image, quality: int) -> str:
    """A picture as a data URI in WebP, for a page that is complete in itself."""
    picture.save(encoded := io.BytesIO(), format="WEBP", quality=quality)
    return f"data:image/webp;base64,{base64.b64encode(encoded.getvalue()).decode('ascii')}"


def description_of(path: str | os.PathLike[str]) -> str | None:
    """The description of a picture that `save_image` wrote; None for any other file."""
    try:
        with Pillow.open(ordinary(path), formats=READABLE) as picture:
            return str(picture.getexif()[_IMAGE_DESCRIPTION])
    except Exception:  # whatever may be wrong with a file: `save_image` did not write it
        return None


def check_ending(path: str | os.PathLike[str]) -> None:
    """Raise RosettaError when no picture can have the name `path`: its ending says the format."""
    if Path(path).suffix.lower() not in WRITABLE:
        raise RosettaError(f"cannot save {str(path)!r}: the name must end in one of {' '.join(WRITABLE)}")
