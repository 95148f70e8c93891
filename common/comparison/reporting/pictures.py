"""One PNG of labelled pictures."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from common.images import Image, replacing, to_bytes

Labelled = tuple[str, Image]
_GAP_PX = 8
_LABEL_PX = 22


def save_grid(path: Path, rows: Sequence[Sequence[Labelled | None]]) -> None:
    """Write rows of labelled pictures, RGB in [0, 1]; each cell is as large as the largest picture, None is empty."""
    cells = [cell for row in rows for cell in row if cell is not None]
    pictures = [image for _, image in cells]
    height = max(image.shape[0] for image in pictures) + _LABEL_PX + _GAP_PX
    font = ImageFont.load_default(14)
    widest_label_px = max(int(font.getlength(label)) for label, _ in cells)
    width = max(widest_label_px, *(image.shape[1] for image in pictures)) + _GAP_PX
    sheet = Pillow.new("RGB", (width * max(map(len, rows)) + _GAP_PX, height * len(rows) + _GAP_PX), "white")
    for row_number, row in enumerate(rows):
        for column, cell in enumerate(row):
            if cell is not None:
                _place(sheet, cell, column * width + _GAP_PX, row_number * height + _GAP_PX)
    with replacing(path) as temporary:
        sheet.save(temporary, format="PNG")


def _place(sheet: Pillow.Image, cell: Labelled, left: int, top: int) -> None:
    label, image = cell
    sheet.paste(Pillow.fromarray(np.ascontiguousarray(to_bytes(image))), (left, top + _LABEL_PX))
    ImageDraw.Draw(sheet).text((left, top), label, fill="black", font=ImageFont.load_default(14))
