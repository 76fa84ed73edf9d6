"""Stored colour values and palettes → RGB of 8 bits. Pure mathematics, but for the palette's
elements."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mediclip_index.reading.dicom.elements import Elements
from mediclip_index.reading.dicom.header import Header
from mediclip_index.reading.dicom.hints import Table, table
from mediclip_index.reading.tones import BRIGHTEST, DARKEST

Values = npt.NDArray[Any]
Eight = npt.NDArray[np.uint8]

_CHANNELS = (1, 2, 3)
_SAMPLE = 1_000_000
_PART = 1 << 20  # pixels at a time
_DIM = 0.5  # of the range: colours of more than 8 bits that stay below are brought up
_MOST_ENTRIES = 0x10000


def rgb(values: Values, about: Header) -> Eight:
    """(h, w, 3 or 4) stored values → (h, w, 3) uint8."""
    photometric = about.colour
    if values.shape[2] == 4:
        if photometric == "CMYK":
            return rgb_of_cmyk(_eight(values, about))
        values = values[..., 1:] if photometric == "ARGB" else values[..., :3]
    if photometric.startswith("YBR"):
        return _from_ybr(_scaled(values, about.stored), partial="PARTIAL" in photometric)
    eight = _eight(values, about)
    return _from_hsv(eight) if photometric == "HSV" else eight


def rgb_of_cmyk(values: Eight) -> Eight:
    light = 255 - values.astype(np.uint16)
    return (light[..., :3] * light[..., 3:] // 255).astype(np.uint8)


def _eight(values: Values, about: Header) -> Eight:
    """Deep colours → 8 bits: the whole range, or, where they are dim, a window common to all
    channels, as grey values have."""
    if values.dtype == np.uint8 and about.stored == 8:
        return values
    top = float(2.0 ** (about.stored - about.signed) - 1) if values.dtype.kind in "ui" else 1.0
    flat = values.reshape(-1)
    sample = flat[:: max(1, flat.size // _SAMPLE)].astype(np.float64)
    sample = sample[np.isfinite(sample)]
    if not sample.size:
        return np.full(values.shape, 128, np.uint8)
    low, high = np.percentile(sample, [DARKEST, BRIGHTEST])
    if low >= 0 and top * _DIM <= high <= top:
        low, high = 0.0, top
    if high <= low:
        low, high = min(0.0, float(sample.min())), max(top, float(sample.max()))
    return _in_parts(values, float(low), float(high))


def _scaled(values: Values, bits: int) -> Eight:
    if values.dtype == np.uint8 and bits == 8:
        return values
    return _in_parts(values, 0.0, float(2.0**bits - 1))


def _in_parts(values: Values, low: float, high: float) -> Eight:
    out = np.empty(values.shape, np.uint8)
    rows = max(1, _PART // max(1, values.shape[1]))
    for start in range(0, values.shape[0], rows):
        part = values[start : start + rows].astype(np.float32)
        part = np.nan_to_num(part, nan=low, posinf=high, neginf=low)
        out[start : start + rows] = np.rint((np.clip(part, low, high) - low) * (255 / (high - low)))
    return out


def _from_ybr(values: Eight, partial: bool) -> Eight:
    """ITU-R BT.601 (PS3.3, C.7.6.3.1.2), of full range or from 16 to 235."""
    out = np.empty(values.shape, np.uint8)
    rows = max(1, _PART // max(1, values.shape[1]))
    for start in range(0, values.shape[0], rows):
        part = values[start : start + rows].astype(np.float32)
        light, blue, red = part[..., 0], part[..., 1] - 128, part[..., 2] - 128
        if partial:
            light, blue, red = (light - 16) * (255 / 219), blue * (255 / 224), red * (255 / 224)
        mixed = np.stack(
            [light + 1.402 * red, light - 0.344136 * blue - 0.714136 * red, light + 1.772 * blue],
            axis=-1,
        )
        out[start : start + rows] = np.rint(np.clip(mixed, 0, 255))
    return out


def _from_hsv(values: Eight) -> Eight:
    from PIL import Image

    return np.asarray(Image.frombytes("HSV", values.shape[1::-1], values.tobytes()).convert("RGB"))


# --- palettes -------------------------------------------------------------------------------------


def palette(elements: Elements, about: Header) -> tuple[Table, Table, Table] | None:
    """The palette of a data set, plain or segmented; None where it is of no use."""
    found: list[Table] = []
    for channel in _CHANNELS:
        descriptor, data = 0x00281100 | channel, 0x00281200 | channel
        made = None
        if elements.raw(data):
            made = _entries(elements, descriptor, data, about.signed)
        elif elements.raw(data | 0x20):
            made = _segmented(elements, descriptor, data | 0x20, about.signed)
        if made is None:
            return None
        found.append(made)
    # One depth for all three: a channel that happens to stay dark is dark.
    top = max(one.top for one in found)
    red, green, blue = (Table(one.first, one.entries, top) for one in found)
    return red, green, blue


def _entries(elements: Elements, descriptor: int, data: int, signed: bool) -> Table | None:
    made = table(elements, descriptor, data, signed)
    if made is not None:
        return made
    value = elements.raw(data)  # a channel of one value all through
    described = elements.numbers(descriptor)
    if len(described) < 3 or len(value) < 2:
        return None
    first = int(elements.numbers(descriptor, signed=signed)[1])
    level = int.from_bytes(value[:2], "little" if elements.little else "big")
    if len(value) <= int(described[0]) + 1:
        level &= 255
    return Table(first, np.array([level, level], np.uint16), 255 if level < 256 else 65535)


def _segmented(elements: Elements, descriptor: int, data: int, signed: bool) -> Table | None:
    """PS3.3, C.7.9.2: runs of entries, straight lines, and runs said before."""
    described = elements.numbers(descriptor)
    if len(described) < 3:
        return None
    count = int(described[0]) % _MOST_ENTRIES or _MOST_ENTRIES
    first = int(elements.numbers(descriptor, signed=signed)[1])
    eight = described[2] == 8
    order = "<" if elements.by_tag[data].little else ">"
    entries: list[int] = []
    for width in (1, 2) if eight else (2,):
        value = elements.raw(data)
        whole = value[: len(value) // width * width]
        words = [int(word) for word in np.frombuffer(whole, f"{order}u{width}")]
        found = _expanded(words, count)
        if len(found) > len(entries):  # segments of bytes, or of words, as they come out
            entries = found
    if not entries:
        return None
    top = 255 if max(entries) < 256 and eight else 65535
    return Table(first, np.array(entries, np.uint16), top)


def _expanded(words: list[int], count: int) -> list[int]:
    entries: list[int] = []
    place, back, left = 0, 0, 0  # where a run said before ends, we come back to
    steps = 0
    while place + 1 < len(words) and len(entries) < count and steps < _MOST_ENTRIES:
        steps += 1
        kind, length = words[place], words[place + 1]
        if kind == 0:
            entries += words[place + 2 : place + 2 + length]
            place += 2 + length
        elif kind == 1 and place + 2 < len(words):
            start = entries[-1] if entries else 0
            end = words[place + 2]
            entries += [round(start + (end - start) * n / length) for n in range(1, length + 1)]
            place += 3
        elif kind == 2 and place + 3 < len(words) and not left:
            target = words[place + 2] | words[place + 3] << 16
            place, back, left = target, place + 4, length + 1
        else:
            break
        if left:
            left -= 1
            if not left:
                place = back
    return entries[:count]


def through(values: Values, tables: tuple[Table, Table, Table]) -> Eight:
    """(h, w) stored values → (h, w, 3) by a palette."""
    colours = _colours(np.arange(1 << values.dtype.itemsize * 8), tables)
    if values.dtype.kind == "i":
        # By the bits of each value, so that a negative one is a place too.
        values = values.astype(values.dtype.newbyteorder("=")).view(f"u{values.dtype.itemsize}")
        half = len(colours) // 2
        low = _colours(np.arange(-half, 0), tables)
        colours = np.concatenate([colours[:half], low])
    return np.asarray(colours[values])


def _colours(values: Values, tables: tuple[Table, Table, Table]) -> Eight:
    shades = [np.rint(entries(values) * (255 / entries.top)) for entries in tables]
    return np.stack(shades, axis=-1).astype(np.uint8)
