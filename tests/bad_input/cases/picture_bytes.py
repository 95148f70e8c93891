"""The bytes of odd and broken pictures, by what they are."""

import io
import struct
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from bad_input.case import Source

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, RGB, PALETTE = 0, 2, 3  # color types of PNG


def noise(seed: int, *size: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, size or (30, 40, 3), np.uint8)


@cache
def encoded(form: str) -> bytes:
    """A picture of noise, 40x30 px, in one of Pillow's formats."""
    return saved(Image.fromarray(noise(1)), form)


def saved(image: Image.Image, form: str = "PNG", **options) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def png_chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(width_px: int, height_px: int, rows: bytes, *, depth: int = 8, color: int = GREY, packed: bool = True) -> bytes:
    """A PNG that says what it likes of itself; `rows` begin with their filter's byte."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width_px, height_px, depth, color, 0, 0, 0))
    pixels = png_chunk(b"IDAT", zlib.compress(rows, 9) if packed else rows)
    return SIGNATURE + header + pixels + png_chunk(b"IEND", b"")


def black(side_px: int, depth: int = 1) -> Callable[[Path], object]:
    """A square, black, complete PNG, whose file is a thousandth of its pixels."""
    return lambda path: path.write_bytes(
        png(side_px, side_px, bytes((1 + side_px * depth // 8) * side_px), depth=depth)
    )


def bmp(width_px: int, height_px: int, offset: int = 54, bits: int = 24, content: bytes = bytes(300)) -> bytes:
    header = struct.pack("<2sIHHI", b"BM", 54 + len(content), 0, 0, offset)
    return header + struct.pack("<IiiHHIIiiII", 40, width_px, height_px, 1, bits, 0, 0, 1, 1, 0, 0) + content


def tiff(tags: dict[int, tuple[int, int, int]], following: int = 0) -> bytes:
    """A TIFF of one directory; tags by number: type, count, value. `following` is where the next directory begins."""
    entries = b"".join(struct.pack("<HHII", number, *entry) for number, entry in sorted(tags.items()))
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + struct.pack("<I", following) + bytes(200)


def grey_tiff(width_px: int = 9, height_px: int = 9, **changes: tuple[int, int, int]) -> dict:
    """Tags of an uncompressed grey picture; `changes` by name: strips, counts, bits, compression."""
    numbers = {"strips": 273, "counts": 279, "bits": 258, "compression": 259}
    tags = {256: (4, 1, width_px), 257: (4, 1, height_px), 258: (3, 1, 8), 259: (3, 1, 1), 262: (3, 1, 1)}
    tags |= {273: (4, 1, 150), 277: (3, 1, 1), 278: (4, 1, height_px), 279: (4, 1, 81)}
    return tags | {numbers[name]: entry for name, entry in changes.items()}


def jpeg_of(width_px: int, height_px: int) -> bytes:
    """A small JPEG whose header says another size."""
    content = encoded("JPEG")
    place = content.index(b"\xff\xc0") + 5
    return content[:place] + struct.pack(">HH", height_px, width_px) + content[place + 4 :]


def with_text(*, packed: bool) -> bytes:
    info = PngInfo()
    info.add_text("Comment", "x" * 100_000_000, zip=packed)
    return saved(Image.fromarray(noise(1)), pnginfo=info)


ROWS = bytes(9 * 10)
DAMAGED: dict[str, Source] = {
    "a PNG without its header chunk": SIGNATURE + png_chunk(b"IEND", b""),
    "a PNG without pixels": png(9, 9, b""),
    "a PNG whose pixels are no zlib stream": png(9, 9, b"not compressed", packed=False),
    "a PNG of width 0": png(0, 9, bytes(9)),
    "a PNG of a color type that there is not": png(9, 9, ROWS, color=5),
    "a PNG of 3 bits": png(9, 9, ROWS, depth=3),
    "a PNG whose header has a wrong checksum": encoded("PNG")[:29] + bytes(4) + encoded("PNG")[33:],
    "a PNG with fewer rows than it says": png(9, 900, ROWS),
    "a PNG whose header is long": SIGNATURE + struct.pack(">I", 2**31 - 1) + b"IHDR" + bytes(40),
    "a TIFF whose pixels begin behind the file": tiff(grey_tiff(strips=(4, 1, 10**9))),
    "a TIFF without a size": tiff({258: (3, 1, 8)}),
    "a TIFF of width 0": tiff(grey_tiff(width_px=0)),
    "a TIFF of 77 bits": tiff(grey_tiff(bits=(3, 1, 77))),
    "a TIFF of an unknown compression": tiff(grey_tiff(compression=(3, 1, 9999))),
    "a TIFF of a JPEG compression without a JPEG": tiff(grey_tiff(compression=(3, 1, 7))),
    "a TIFF whose directory begins behind the file": b"II*\0" + struct.pack("<I", 10**9),
    "a TIFF without a directory": b"II*\0" + bytes(4),
    "a BMP of a negative width": bmp(-9, 9),
    "a BMP of 2 billion columns": bmp(2**31 - 1, 9),
    "a BMP whose pixels begin behind the file": bmp(9, 9, offset=10**6),
    "a BMP of 7 bits": bmp(9, 9, bits=7),
    "a BMP without pixels": bmp(9, 9, content=b""),
    "a WebP that says it is longer": encoded("WEBP")[:4] + b"\xff\xff\xff\x7f" + encoded("WEBP")[8:40],
    "a JPEG that ends in its header": encoded("JPEG")[:100],
    "a JPEG of width 0": jpeg_of(0, 30),
    "a JPEG that says 65535 rows and has 30": jpeg_of(40, 65535),
}

BOMBS: dict[str, Source] = {
    "a PNG that says a billion rows": png(9, 2**30, ROWS),
    "a PNG that says 100000x100000 px": png(100_000, 100_000, ROWS),
    "a complete black PNG of 24000x24000 px": black(24_000),
    "a JPEG that says 65535x65535 px": jpeg_of(65535, 65535),
    "a TIFF that says 100000x100000 px": tiff(grey_tiff(100_000, 100_000)),
    "a TIFF of a tag of 4 billion numbers": tiff(grey_tiff(strips=(4, 2**32 - 1, 150))),
    "a BMP that says 60000x60000 px": bmp(60_000, 60_000),
}

# Whether these are too large is not documented.
LARGE: dict[str, Source] = {
    "a complete black PNG of 13000x13000 px": black(13_000),
    "a complete black PNG of 9000x9000 px": black(9_000),
    "a PNG with a comment of 100 MB": lambda path: path.write_bytes(with_text(packed=False)),
    "a PNG with a compressed comment of 100 MB": lambda path: path.write_bytes(with_text(packed=True)),
}

CUT_ENDS: dict[str, Source] = {
    f"a {form} without its last {count} bytes": encoded(form)[:-count]
    for form in ("PNG", "JPEG", "WEBP", "TIFF", "BMP")
    for count in (2, 14)
}

SMALL: dict[str, Source] = {
    f"a picture of {width}x{height} px": saved(Image.fromarray(noise(2, height, width, 3)))
    for width, height in ((5000, 1), (1, 5000), (1, 1), (2, 1), (700, 3))
}


def exif(orientation: int) -> Image.Exif:
    made = Image.Exif()
    made[274] = orientation
    return made


def odd(mode: str, form: str = "PNG", **options) -> bytes:
    """The picture of noise in another of Pillow's modes."""
    return saved(Image.fromarray(noise(1)).convert(mode), form, **options)


DEEP = noise(1, 30, 40).astype(np.uint16) * 257
ODD: dict[str, Source] = {
    "a picture in black and white": odd("1"),
    "a grey picture": odd("L"),
    "a grey picture with transparency": odd("LA"),
    "a transparent picture": odd("RGBA"),
    "a palette": odd("P"),
    "a palette of which one color is transparent": odd("P", transparency=3),
    "a JPEG in CMYK": odd("CMYK", "JPEG"),
    "a grey JPEG": odd("L", "JPEG"),
    "a JPEG on its side, by its Exif tag": saved(Image.fromarray(noise(1)), "JPEG", exif=exif(6)),
    "a JPEG whose Exif orientation is 99": saved(Image.fromarray(noise(1)), "JPEG", exif=exif(99)),
    "a JPEG whose Exif block is noise": saved(
        Image.fromarray(noise(1)), "JPEG", exif=b"Exif\0\0" + noise(3).tobytes()[:99]
    ),
    "a grey PNG of 16 bits": saved(Image.fromarray(DEEP)),
    "a grey TIFF of 16 bits": saved(Image.fromarray(DEEP), "TIFF"),
    "a TIFF with LZW": odd("RGB", "TIFF", compression="tiff_lzw"),
    "a TIFF of two pages": saved(
        Image.fromarray(noise(1)), "TIFF", save_all=True, append_images=[Image.fromarray(noise(2))]
    ),
    "an animated PNG": saved(
        Image.fromarray(noise(1)), "PNG", save_all=True, append_images=[Image.fromarray(noise(2))]
    ),
    "an animated WebP": saved(
        Image.fromarray(noise(1)), "WEBP", save_all=True, append_images=[Image.fromarray(noise(2))]
    ),
    "a progressive JPEG": odd("RGB", "JPEG", progressive=True),
    "a JPEG, called .png": encoded("JPEG"),
    "a BMP, called .png": encoded("BMP"),
    "a picture with 1 MB behind its end": encoded("PNG") + bytes(10**6),
    "a PNG with a broken color profile": odd("RGB", icc_profile=b"no profile"),
}
