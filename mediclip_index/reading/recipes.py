"""Versions of the way a file becomes pixels, and which pictures they read otherwise."""

from __future__ import annotations

# Any change to the way a file becomes pixels makes a new one, which is part of the fingerprint.
FIRST = "decode-1: upright, over white, grey 0.5-99.5 %, JPEG draft 2x, box above 4x"
RECIPE = (
    "decode-2: as shown by pages and viewers, upright, over white, deep samples 0.5-99.5 %, "
    "JPEG draft 2x, box above 4x"
)

# What the first recipe read in another way, at times: figures of PDFs by their samples, DICOM
# without functional groups, deep colours by their upper bits ...
_KINDS = (
    "PDF", "PDF page", "DICOM", "TIFF", "GIF", "XBM", "FITS", "XPM", "BMP", "PSD", "ICO", "SUN",
)  # fmt: skip
_DEEP_AT_TIMES = ("JPEG2000", "PPM")
_DEEP_PNG = ("RGB", "RGBA", "LA", "I", "I;16")


def read_otherwise(recipe: str, kind: str, mode: str, start: bytes) -> bool:
    """Whether the recipe in force may read a picture otherwise than `recipe` did.

    kind, mode: its format and Pillow's mode, as the index keeps them; start: the first bytes of its
    file where they are at hand (a PNG's say how deep it is), else empty.
    """
    if recipe == RECIPE:
        return False
    if kind == "PNG" and mode in _DEEP_PNG:
        return start[24:25] in (b"\x10", b"") or b"gAMA" in start
    if kind == "PNG":
        return b"gAMA" in start
    return kind in _KINDS or (kind in _DEEP_AT_TIMES and mode in ("RGB", "RGBA", "LA"))
