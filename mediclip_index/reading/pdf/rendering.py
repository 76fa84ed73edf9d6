"""Parts of a page → pixels, as PDFium shows them."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
from PIL import Image
from pypdfium2 import raw

from mediclip_index.reading.pdf.figures import Box
from mediclip_index.types import Pixels

FINE = 4  # times what the model sees, or their own resolution: how fine parts are drawn at least
MOST_PIXELS = 64_000_000  # of what is rendered in all
AT_ONCE = 4_000_000  # pixels in memory
# Pixels between what is rendered and its edge: PDFium draws a picture into whole pixels, and where
# one ends a hair beyond the edge it is stretched by one, so that all of it lies a little beside.
INSET = 0.01
_FLAGS = raw.FPDF_ANNOT | raw.FPDF_REVERSE_BYTE_ORDER


def shown(page: Any, box: Box, square: tuple[int, int], plain: bool, size: int) -> Pixels:
    """A part of a page that has `square` pixels in its own resolution: all of them where there are
    no more than four times `size` on the short side, else a whole part of them, of twice `size` or
    more.

    One plain picture PDFium makes smaller as well as anyone. But it draws each picture into whole
    pixels, so that the parts of a figure come to lie as they should only where those are small: it
    is drawn finer, in whole parts or multiples of its own resolution, some rows at a time, and made
    smaller here.
    """
    shortest = min(square)
    # Whole parts of its own pixels, as `bounded` takes them.
    factor = shortest // (2 * size) if size and shortest > 4 * size else 1
    wanted = shortest // factor
    if plain or not size:
        scale = 1 / factor
    elif shortest >= FINE * size:
        scale = 1 / (shortest // (FINE * size))
    else:
        scale = min(FINE, -(-FINE * size // shortest))
    drawn = _at_most((round(square[0] * scale), round(square[1] * scale)), MOST_PIXELS)
    return _reduced(page, box, drawn, max(1, min(drawn) // wanted))


def _at_most(size: tuple[int, int], pixels: int) -> tuple[int, int]:
    scale = min(1.0, (pixels / (size[0] * size[1])) ** 0.5)
    return max(1, int(size[0] * scale)), max(1, int(size[1] * scale))


def _reduced(page: Any, box: Box, square: tuple[int, int], factor: int) -> Pixels:
    """Rendered in bands, each made smaller by a whole factor."""
    width, height = square
    rows = max(1, AT_ONCE // width // factor) * factor
    bands = []
    for top in range(0, height, rows):
        low = min(top + rows, height)
        part = Box(
            box.left,
            box.top + box.height * top / height,
            box.right,
            box.top + box.height * low / height,
        )
        band = Image.fromarray(rendered(page, part, width, low - top))
        bands.append(np.asarray(band.reduce(factor) if factor > 1 else band))
    return np.concatenate(bands) if len(bands) > 1 else bands[0]


def rendered(page: Any, box: Box, width: int, height: int) -> Pixels:
    """A part of the page in so many pixels, (height, width, 3): over white, as the page is."""
    # Of BGR in reverse order of bytes.
    bitmap = raw.FPDFBitmap_CreateEx(width, height, raw.FPDFBitmap_BGR, None, 0)
    if not bitmap:
        raise MemoryError
    try:
        raw.FPDFBitmap_FillRect(bitmap, 0, 0, width, height, 0xFFFFFFFF)
        across, down = (width - 2 * INSET) / box.width, (height - 2 * INSET) / box.height
        left, top = INSET - box.left * across, INSET - box.top * down
        matrix = raw.FS_MATRIX(across, 0.0, 0.0, down, left, top)
        raw.FPDF_RenderPageBitmapWithMatrix(
            bitmap, page, matrix, raw.FS_RECTF(0.0, 0.0, float(width), float(height)), _FLAGS
        )
        if page.formenv:
            # Fields know no matrix, only whole pixels.
            size = page.get_size()
            wide, high = round(size[0] * across), round(size[1] * down)
            raw.FPDF_FFLDraw(
                page.formenv, bitmap, page, round(left), round(top), wide, high, 0, _FLAGS
            )
        stride = raw.FPDFBitmap_GetStride(bitmap)
        whole = ctypes.string_at(raw.FPDFBitmap_GetBuffer(bitmap), stride * height)
    finally:
        raw.FPDFBitmap_Destroy(bitmap)
    rows = np.frombuffer(whole, dtype=np.uint8).reshape(height, stride)
    return rows[:, : 3 * width].reshape(height, width, 3)
