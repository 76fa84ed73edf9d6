"""Grey values of any depth → 8 bits, and large pictures → bounded ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from PIL import Image

from mediclip_index.types import THUMBNAIL, Picture, Pixels

DARKEST, BRIGHTEST = 0.5, 99.5  # percentiles that become black and white
_SAMPLE = 1_000_000
_NO_DATA = 1e30  # no brightness that was measured is beyond it; what programs write for none is

Shape = Callable[[Pixels], Pixels]


def shaped(picture: Picture, shape: Shape | None) -> Picture:
    """A picture with its thumbnail, its pixels through `shape`."""
    own = picture.pixels
    return replace(picture, pixels=own if shape is None else shape(own), thumbnail=thumbnail(own))


def thumbnail(own: Pixels) -> bytes:
    """The whole picture in THUMBNAIL x THUMBNAIL grey bytes, row by row."""
    small = Image.fromarray(own).resize(
        (THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS, reducing_gap=2.0
    )
    return small.convert("L").tobytes()


def to_eight_bits(
    values: npt.NDArray[np.generic], valid: npt.NDArray[np.bool_] | None = None
) -> Pixels:
    """Window values of any depth, (h, w) or (h, w, channels), to 0..255 between two percentiles.

    Pillow's own conversion of 16-bit grey clips at 255: a radiograph turns plain white. One window
    holds for all channels, so that colours keep their hue. NaN and infinities count as black and
    white. Where `valid`, (h, w), is given, only what it marks has a say in the window: padding and
    no-data are no brightness. A picture of one value becomes mid-grey.
    """
    low, high = _window(values if valid is None else values[valid])
    if not low < high:
        return np.full(values.shape, 128, dtype=np.uint8)
    if values.dtype.kind in "ui" and values.dtype.itemsize <= 2:
        # Each value once, instead of each pixel: a few copies of 100 megapixels are a gigabyte.
        known = np.iinfo(values.dtype.str)
        table = _scaled(np.arange(known.min, known.max + 1, dtype=np.float32), low, high)
        if known.min:  # values below zero index from the end
            table = np.roll(table, int(known.min))
        return np.asarray(table[values])
    eight = np.empty(values.shape, dtype=np.uint8)
    rows = max(1, _SAMPLE // max(1, eight[:1].size))
    for top in range(0, len(values), rows):
        part = values[top : top + rows]
        eight[top : top + rows] = _scaled(part.astype(np.float64), low, high)
    return eight


def _window(values: npt.NDArray[np.generic]) -> tuple[float, float]:
    """What becomes black and what white; equal, or NaN, where nothing can be told apart."""
    numbers = values.reshape(-1)
    sample = numbers[:: max(1, numbers.size // _SAMPLE)].astype(np.float64)
    sample = sample[_told(sample)]
    low, high = np.percentile(sample, [DARKEST, BRIGHTEST]) if sample.size else (np.nan, np.nan)
    if low < high:
        return float(low), float(high)
    if numbers.dtype.kind == "f":
        numbers = numbers[_told(numbers)]
    return (float(numbers.min()), float(numbers.max())) if numbers.size else (np.nan, np.nan)


def _told(numbers: npt.NDArray[np.generic]) -> npt.NDArray[np.bool_]:
    """Which numbers say something: "no data" is NaN, an infinity, or the largest float there is."""
    return np.asarray(np.abs(numbers) < _NO_DATA)


def _scaled(numbers: npt.NDArray[np.floating], low: float, high: float) -> Pixels:
    """Numbers to 0..255 between low and high; overwrites them."""
    np.nan_to_num(numbers, copy=False, nan=low, posinf=high, neginf=low)
    np.clip(numbers, low, high, out=numbers)
    numbers -= low
    numbers *= 255.0 / (high - low)
    return np.asarray(np.rint(numbers, out=numbers).astype(np.uint8))


def reduction(size: tuple[int, int], seen: int) -> int:
    """By which whole factor a picture is box-reduced: one whose shortest side is over 4 x what the
    model sees comes down to 2 x or more, for a decoded gigapixel must not wait in memory."""
    shortest = min(size)
    return shortest // (2 * seen) if seen and shortest > 4 * seen else 1


def bounded(picture: Image.Image, size: int) -> Image.Image:
    """A picture reduced as `reduction` says."""
    factor = reduction(picture.size, size)
    return picture.reduce(factor) if factor > 1 else picture


def pixels(picture: Image.Image) -> Pixels:
    """An RGB picture as an array of its own, (h, w, 3) uint8."""
    return np.array(picture.convert("RGB"), dtype=np.uint8)


def unshaped(own: Pixels) -> Pixels:
    """The picture as it is."""
    return own


def squared(own: Pixels, side: int) -> Pixels:
    """The whole picture in a square of `side` pixels, (side, side, 3)."""
    return np.asarray(Image.fromarray(own).resize((side, side)), dtype=np.uint8)


def within(own: Pixels, side: int) -> Pixels:
    """The whole picture, its longer side at most `side` pixels."""
    small = Image.fromarray(own)
    small.thumbnail((side, side))
    return np.asarray(small, dtype=np.uint8)
