"""Parts of a page → pixels, as PDFium shows them."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image
from pypdfium2 import raw

from mediclip_index.reading.pdf.figures import Box
from mediclip_index.terms import Pixels

MOST_PIXELS = 32_000_000  # of what is rendered at once
# Pixels between what is rendered and its edge: PDFium draws a picture into whole pixels, and where
# one ends a hair beyond the edge it is stretched by one, so that all of it lies a little beside.
INSET = 0.01
_FLAGS = raw.FPDF_ANNOT | raw.FPDF_REVERSE_BYTE_ORDER


def rendered(page: Any, box: Box, width: int, height: int) -> Pixels:
    """A part of the page in so many pixels, (height, width, 3): over white, as the page is."""
    # BGRx with its bytes in reverse is RGBx.
    bitmap = raw.FPDFBitmap_Create(width, height, 0)
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
            wide, high = (
                round(side * scale)
                for side, scale in zip(page.get_size(), (across, down), strict=True)
            )
            raw.FPDF_FFLDraw(
                page.formenv, bitmap, page, round(left), round(top), wide, high, 0, _FLAGS
            )
        stride = raw.FPDFBitmap_GetStride(bitmap)
        buffer = raw.FPDFBitmap_GetBuffer(bitmap)
        flat = np.ctypeslib.as_array(
            raw.cast(buffer, raw.POINTER(raw.c_ubyte * (stride * height))).contents
        )
        return (
            flat.reshape(height, stride)[:, : 4 * width].reshape(height, width, 4)[..., :3].copy()
        )
    finally:
        raw.FPDFBitmap_Destroy(bitmap)


def fitting(width: int, height: int, least: int) -> tuple[int, int]:
    """How many pixels to render of so many: on the short side no more than `least`, where there are
    more, and never more than what may wait in memory."""
    scale = min(1.0, least / min(width, height)) if least else 1.0
    scale = min(scale, (MOST_PIXELS / (width * height)) ** 0.5)
    return max(1, round(width * scale)), max(1, round(height * scale))


def picture_of(own: Pixels) -> Image.Image:
    return Image.fromarray(own)
