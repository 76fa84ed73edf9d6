"""Samples as a decoder gives them → the upright RGB picture that a person sees. Pure numpy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from mediclip_index.reading.tones import to_eight_bits
from mediclip_index.types import Pixels

Colours = Literal["grey", "RGB", "CMYK", "YCbCr", "LAB", "ICCLAB"]
TURNED = {5, 6, 7, 8}  # EXIF orientations that swap width and height
_TRANSPOSED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True, eq=False)
class Samples:
    """A picture's samples: `values` (h, w) or (h, w, channels) of any type.

    bits: of each sample; up to 8 it is brightness as it stands, beyond a window decides.
    alpha: (h, w), how much covers the white; `premultiplied` where colours are scaled by it.
    valid: (h, w), which samples were measured at all; None: all.
    orientation: EXIF's, 1 to 8.
    """

    values: npt.NDArray[Any]
    bits: int
    colours: Colours = "grey"
    white_is_zero: bool = False
    alpha: npt.NDArray[Any] | None = None
    premultiplied: bool = False
    valid: npt.NDArray[np.bool_] | None = None
    orientation: int = 1


def seen(samples: Samples) -> Image.Image:
    """The picture, RGB or L, over white and upright."""
    values, cover = samples.values, _cover(samples.alpha)
    valid = samples.valid
    if cover is not None and cover.any():  # what can't be seen has no brightness
        valid = cover > 0 if valid is None else valid & (cover > 0)
    premultiplied = samples.premultiplied
    if premultiplied and cover is not None and values.dtype != np.uint8:
        # A window is for colours as they are, not as they are dimmed.
        share = np.where(cover > 0, cover, 1)
        values = values / (share if values.ndim == 2 else share[..., None])
        premultiplied = False
    if samples.colours in ("LAB", "ICCLAB"):
        eight = _from_lab(values, samples)
    elif samples.colours == "CMYK" and samples.bits > 8:
        eight = (values >> (samples.bits - 8)).astype(np.uint8)
    elif values.dtype == np.uint8:
        eight = values
    elif _fills_its_range(samples, valid):
        eight = np.clip(values // 2 ** (samples.bits - 8), 0, 255).astype(np.uint8)
    else:
        eight = to_eight_bits(values, valid if valid is None or not valid.all() else None)
    if samples.white_is_zero:
        eight = 255 - eight
    if samples.colours in ("CMYK", "YCbCr"):
        eight = np.asarray(
            Image.fromarray(np.ascontiguousarray(eight), mode=samples.colours).convert("RGB")
        )
    if cover is not None:
        eight = _over_white(eight, cover, premultiplied)
    return turned(Image.fromarray(np.ascontiguousarray(eight)), samples.orientation)


def _fills_its_range(samples: Samples, valid: npt.NDArray[np.bool_] | None) -> bool:
    """Whether deep colours are bright enough to be a photograph as it stands: a window would change
    its light. Grey of many bits is a measurement, and always gets one."""
    values = samples.values
    if samples.colours == "grey" or values.dtype.kind != "u" or not 8 < samples.bits <= 16:
        return False
    seen_values = values if valid is None else values[valid]
    sample = seen_values.reshape(-1)[:: max(1, seen_values.size // 100_000)]
    return sample.size > 0 and float(np.percentile(sample, 99.5)) >= 2.0 ** (samples.bits - 1)


def turned(picture: Image.Image, orientation: int) -> Image.Image:
    """The picture upright. Orientations are EXIF's; unknown ones turn nothing."""
    how = _TRANSPOSED.get(orientation)
    return picture if how is None else picture.transpose(how)


def raised(alpha: npt.NDArray[Any], bits: int) -> npt.NDArray[Any]:
    """Alpha of so many bits as alpha of all that its type has."""
    return np.asarray(alpha << (alpha.dtype.itemsize * 8 - bits))


def _cover(alpha: npt.NDArray[Any] | None) -> npt.NDArray[np.float32] | None:
    """Alpha, 0 to 1, (h, w)."""
    if alpha is None:
        return None
    top = float(np.iinfo(alpha.dtype).max) if alpha.dtype.kind in "ui" else 1.0
    return np.asarray(np.clip(alpha.astype(np.float32) / top, 0.0, 1.0))


def _over_white(eight: Pixels, cover: npt.NDArray[np.float32], premultiplied: bool) -> Pixels:
    share = cover if eight.ndim == 2 else cover[..., None]
    own = eight if premultiplied else eight * share
    return np.asarray(np.clip(np.rint(own + 255.0 * (1.0 - share)), 0, 255), dtype=np.uint8)


def _from_lab(values: npt.NDArray[Any], samples: Samples) -> Pixels:
    """CIE L*a*b* of 8 or 16 bits, as TIFF 6 and ICC write it, to sRGB."""
    from skimage.color import lab2rgb

    numbers = values.astype(np.float32)
    deep = values.dtype.itemsize > 1
    if samples.colours == "ICCLAB":
        light = numbers[..., :1] * (100.0 / (0xFF00 if deep else 255))
        tint = numbers[..., 1:] / (256.0 if deep else 1.0) - 128.0
    else:
        light = numbers[..., :1] * (100.0 / (65535 if deep else 255))
        signed = values[..., 1:].astype(np.int16 if deep else np.int8)
        tint = signed.astype(np.float32) / (256.0 if deep else 1.0)
    rgb = lab2rgb(np.concatenate([light, tint], axis=-1))
    return np.asarray(np.rint(rgb * 255.0), dtype=np.uint8)
