"""Stored grey values → brightness as a viewer would show it: modality, interest, polarity.

Pure mathematics. Each step is guarded by itself: one that comes to nothing is left out, and noted.
The formulas are those of PS3.3, C.11.1 (modality) and C.11.2.1.2 and .3 (window).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mediclip_index.reading.dicom.hints import Hints, Window
from mediclip_index.reading.tones import BRIGHTEST, DARKEST

Values = npt.NDArray[Any]
Eight = npt.NDArray[np.uint8]
Shades = npt.NDArray[np.float32]  # 0..255
Rendering = Callable[[Values], Values]

HIDING = " that hides all"
_SAMPLE = 1_000_000
_ROWS = 1 << 20  # values rendered at a time
_LEAST_SHARE = 0.0005  # of the values that must be picture for padding to be believed
_LEAST_SPREAD = 1.0  # of 255: what a window shows in fewer shades it hides


@dataclass(frozen=True)
class Levels:
    """The values of a picture, each once with how many there are of it, or a sample of them."""

    values: Values
    counts: npt.NDArray[np.int64] | None

    def only(self, kept: npt.NDArray[np.bool_]) -> Levels:
        return Levels(self.values[kept], None if self.counts is None else self.counts[kept])

    def mapped(self, values: Values) -> Levels:
        return Levels(values, self.counts)

    def percentiles(self, low: float, high: float) -> tuple[float, float]:
        if self.counts is None:
            first, last = np.percentile(self.values, [low, high])
            return float(first), float(last)
        order = np.argsort(self.values, kind="stable")
        upto = np.cumsum(self.counts[order])
        wanted = np.array([low, high]) / 100 * upto[-1]
        at = order[np.clip(np.searchsorted(upto, wanted), 0, len(order) - 1)]
        return float(self.values[at[0]]), float(self.values[at[1]])


def shown(stored: Values, hints: Hints, there: int | None = None) -> tuple[Eight, list[str]]:
    """(h, w) stored values of any type → (h, w) uint8, and the names of what was left out.

    `there` counts the pixels, in reading order, that are picture; those after them are not.
    """
    narrow = stored.dtype.kind in "ui" and stored.dtype.itemsize <= 2
    filled = stored if there is None else stored.reshape(-1)[:there]
    levels = _counted(filled) if narrow else _sampled(filled)
    render, left_out = rendering(levels, hints)
    if not narrow:
        return _in_parts(stored, render), left_out
    # One entry for each value there may be: no float copy of the picture is ever made.
    offset = 1 << (stored.dtype.itemsize * 8 - 1) if stored.dtype.kind == "i" else 0
    table = np.zeros(1 << stored.dtype.itemsize * 8, dtype=np.uint8)
    values = levels.values if there is None else _counted(stored).values
    table[values.astype(np.int64) + offset] = _rounded(render(values))
    return _looked_up(stored, table, offset), left_out


def rendering(levels: Levels, hints: Hints) -> tuple[Rendering, list[str]]:
    """The way from stored values to shades, and the names of what was left out of it."""
    left_out = list(hints.left_out)
    picture = _without_padding(levels, hints, left_out)
    modality = _modality(hints)
    before = _finite(picture.mapped(modality(picture.values)))
    shade = _values_of_interest(before, hints, left_out)
    if hints.inverted:
        return lambda values: np.asarray(255 - shade(modality(values))), left_out
    return lambda values: shade(modality(values)), left_out


def _without_padding(levels: Levels, hints: Hints, left_out: list[str]) -> Levels:
    if hints.padding is None or not levels.values.size:
        return levels
    low, high = hints.padding
    kept = (levels.values < low) | (levels.values > high)
    total = levels.values.size if levels.counts is None else int(levels.counts.sum())
    left = int(kept.sum()) if levels.counts is None else int(levels.counts[kept].sum())
    if left < total * _LEAST_SHARE or left < 2:
        left_out.append("padding")
        return levels
    return levels.only(kept)


def _modality(hints: Hints) -> Rendering:
    if hints.modality is not None:
        return hints.modality
    if hints.rescale is None or hints.rescale == (1.0, 0.0):
        return lambda values: values
    slope, intercept = hints.rescale
    return lambda values: np.asarray(values.astype(np.float64) * slope + intercept)


def _finite(levels: Levels) -> Levels:
    if levels.values.dtype.kind != "f":
        return levels
    return levels.only(np.isfinite(levels.values))


def _values_of_interest(levels: Levels, hints: Hints, left_out: list[str]) -> Rendering:
    """The first table or window that does not hide the whole picture; else percentiles."""
    for name, ways in (
        ("VOI LUT", (_by_table(table) for table in hints.tables)),
        ("window", (_by_window(window) for window in hints.windows)),
    ):
        for way in ways:
            if _shows(way, levels):
                return way
            left_out.append(name + HIDING)
    return _by_percentiles(levels)


def _shows(way: Rendering, levels: Levels) -> bool:
    if not levels.values.size:
        return False
    shades = way(levels.values)
    return float(shades.max()) - float(shades.min()) >= _LEAST_SPREAD


def _by_table(table: Any) -> Rendering:
    scale = np.float32(255 / table.top)
    return lambda values: table(values) * scale


def _by_window(window: Window) -> Rendering:
    center, width = window.center, window.width

    def linear(values: Values) -> Shades:
        if window.function == "LINEAR" and width >= 1:
            if width == 1:
                return np.where(values > center - 0.5, np.float32(255), np.float32(0))
            return _ramp(values, center - 0.5 - (width - 1) / 2, width - 1)
        # A width below one has no meaning but the exact one.
        return _ramp(values, center - width / 2, width)

    def sigmoid(values: Values) -> Shades:
        power = np.clip(-4 * (values.astype(np.float64) - center) / width, -80, 80)
        return (255 / (1 + np.exp(power))).astype(np.float32)

    return sigmoid if window.function == "SIGMOID" else linear


def _ramp(values: Values, low: float, width: float) -> Shades:
    """0 up to `low`, 255 from `low` + `width` on; what is no number is black."""
    # Float32 holds what matters of a window only once its foot is taken away.
    risen = ((values.astype(np.float64) - low) * (255 / width)).astype(np.float32)
    return np.clip(np.nan_to_num(risen, nan=0.0, posinf=255.0, neginf=0.0), 0, 255)


def _by_percentiles(levels: Levels) -> Rendering:
    """Between the two percentiles that black and white are elsewhere in this room."""
    if not levels.values.size:
        return _mid_grey
    low, high = levels.percentiles(DARKEST, BRIGHTEST)
    if high <= low:
        low, high = float(levels.values.min()), float(levels.values.max())
    if high <= low:
        return _mid_grey
    return lambda values: _ramp(values, low, high - low)


def _mid_grey(values: Values) -> Shades:
    return np.full(values.shape, 128, dtype=np.float32)


def _rounded(shades: Shades) -> Eight:
    return np.asarray(np.rint(shades), dtype=np.uint8)


def _parts(values: Values) -> Iterable[Values]:
    flat = values.reshape(-1)
    return (flat[start : start + _ROWS] for start in range(0, flat.size, _ROWS))


def _counted(stored: Values) -> Levels:
    """Every value of 16 bits or fewer that there is, with its number."""
    bits = stored.dtype.itemsize * 8
    offset = 1 << (bits - 1) if stored.dtype.kind == "i" else 0
    counts = np.zeros(1 << bits, dtype=np.int64)
    for part in _parts(stored):
        indices = part.astype(np.int32) + offset
        found = np.bincount(indices)
        counts[: len(found)] += found
    there = np.flatnonzero(counts)
    return Levels(there - offset, counts[there])


def _sampled(stored: Values) -> Levels:
    flat = stored.reshape(-1)
    step = max(1, flat.size // _SAMPLE)
    sample = flat[::step]
    return Levels(sample.astype(sample.dtype.newbyteorder("=")), None)


def _looked_up(stored: Values, table: Eight, offset: int) -> Eight:
    flat = stored.reshape(-1)
    out = np.empty(flat.size, dtype=np.uint8)
    for start in range(0, flat.size, _ROWS):
        part = flat[start : start + _ROWS]
        out[start : start + _ROWS] = table[part.astype(np.int32) + offset if offset else part]
    return out.reshape(stored.shape)


def _in_parts(stored: Values, render: Rendering) -> Eight:
    flat = stored.reshape(-1)
    out = np.empty(flat.size, dtype=np.uint8)
    for start in range(0, flat.size, _ROWS):
        out[start : start + _ROWS] = _rounded(render(flat[start : start + _ROWS]))
    return out.reshape(stored.shape)
