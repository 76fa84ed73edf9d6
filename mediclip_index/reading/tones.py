"""Grey values of any depth → 8 bits, and large pictures → bounded ones."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar

import numpy as np
import numpy.typing as npt
from PIL import Image

from mediclip_index.terms import Pixels

DARKEST, BRIGHTEST = 0.5, 99.5  # percentiles that become black and white
_SAMPLE = 1_000_000

Shape = Callable[[Pixels], Pixels]
_shape: ContextVar[Shape | None] = ContextVar("_shape", default=None)


@contextlib.contextmanager
def shaped(shape: Shape | None) -> Iterator[None]:
    """Every picture made within goes through `shape` at once: the thousand pages of a file must not
    wait in memory larger than a model will look at them."""
    before = _shape.set(shape)
    try:
        yield
    finally:
        _shape.reset(before)


def to_eight_bits(values: npt.NDArray[np.generic]) -> Pixels:
    """Window values of any depth, (h, w), to 0..255 between two percentiles.

    Pillow's own conversion of 16-bit grey clips at 255: a radiograph turns plain white. NaN and
    infinities count as black and white. A picture of one value becomes mid-grey.
    """
    numbers = values.astype(np.float32)
    finite = numbers[np.isfinite(numbers)]
    if finite.size == 0:
        return np.full(values.shape, 128, dtype=np.uint8)
    step = max(1, finite.size // _SAMPLE)
    low, high = np.percentile(finite[::step], [DARKEST, BRIGHTEST])
    if high <= low:
        low, high = float(finite.min()), float(finite.max())
    if high <= low:
        return np.full(values.shape, 128, dtype=np.uint8)
    numbers = np.nan_to_num(numbers, nan=low, posinf=high, neginf=low)
    scaled = (np.clip(numbers, low, high) - low) * (255.0 / (high - low))
    return np.asarray(np.rint(scaled), dtype=np.uint8)


def bounded(picture: Image.Image, size: int) -> Image.Image:
    """A picture whose shortest side is over 4 x size, box-reduced by a whole factor to 2 x or more.

    What the model sees is at most `size`; a decoded gigapixel must not wait in memory for it.
    """
    shortest = min(picture.size)
    factor = shortest // (2 * size) if size and shortest > 4 * size else 1
    return picture.reduce(factor) if factor > 1 else picture


def pixels(picture: Image.Image) -> Pixels:
    """An RGB picture as an array of its own, (h, w, 3) uint8, in the shape asked for."""
    own = np.array(picture.convert("RGB"), dtype=np.uint8)
    shape = _shape.get()
    return own if shape is None else shape(own)


def squared(own: Pixels, side: int) -> Pixels:
    """The whole picture in a square of `side` pixels, (side, side, 3)."""
    return np.asarray(Image.fromarray(own).resize((side, side)), dtype=np.uint8)


def within(own: Pixels, side: int) -> Pixels:
    """The whole picture, its longer side at most `side` pixels."""
    small = Image.fromarray(own)
    small.thumbnail((side, side))
    return np.asarray(small, dtype=np.uint8)
