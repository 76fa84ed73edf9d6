"""What a data set says of how its values are to be shown, each hint read by itself.

A hint stands in the data set or, in enhanced multi-frame objects, in the functional groups of all
frames or of one (PS3.3, C.7.6.16). A hint that makes no sense is left out and noted, never raised.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from mediclip_index.reading.dicom.elements import Elements
from mediclip_index.reading.dicom.header import Header

_SHARED, _PER_FRAME = 0x52009229, 0x52009230
_FRAME_WINDOW, _FRAME_RESCALE = 0x00289132, 0x00289145
_CENTER, _WIDTH, _FUNCTION = 0x00281050, 0x00281051, 0x00281056
_INTERCEPT, _SLOPE = 0x00281052, 0x00281053
_MODALITY_TABLES, _VOI_TABLES = 0x00283000, 0x00283010
_DESCRIPTOR, _TABLE = 0x00283002, 0x00283006
# (padding, limit of its range) of whole numbers, floats and doubles.
_PADDINGS = ((0x00280120, 0x00280121), (0x00280122, 0x00280124), (0x00280123, 0x00280125))
_SHAPE = 0x20500020
_FUNCTIONS = ("LINEAR", "LINEAR_EXACT", "SIGMOID")
_MOST_TABLES = 16
_TOO_DARK = 4  # bits: a table that stays below a sixteenth of what it says is of fewer bits


@dataclass(frozen=True)
class Window:
    center: float
    width: float
    function: str = "LINEAR"


@dataclass(frozen=True)
class Table:
    """A lookup table: `entries` for the values from `first` on, of at most `top`."""

    first: int
    entries: npt.NDArray[np.uint16]
    top: int

    def __call__(self, values: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Values outside have the first or the last entry (PS3.3, C.11.1.1.1)."""
        last = len(self.entries) - 1
        numbers = np.nan_to_num(values.astype(np.float64), nan=self.first)
        place = np.clip(np.rint(numbers) - self.first, 0, last)
        return np.asarray(self.entries[place.astype(np.int64)], dtype=np.float32)


@dataclass
class Hints:
    """How one frame's grey values are to be shown; `left_out` names what was of no use."""

    rescale: tuple[float, float] | None = None  # slope, intercept
    modality: Table | None = None
    tables: list[Table] = field(default_factory=list)
    windows: list[Window] = field(default_factory=list)
    padding: tuple[float, float] | None = None  # stored values, both ends meant
    inverted: bool = False
    left_out: list[str] = field(default_factory=list)


def hints(elements: Elements, about: Header, number: int) -> Hints:
    """The hints for frame `number`, counted from 0."""
    found = Hints()
    window_at = _place(elements, number, _FRAME_WINDOW, _CENTER)
    rescale_at = _place(elements, number, _FRAME_RESCALE, _SLOPE, _INTERCEPT)
    _read_rescale(rescale_at, found)
    _read_modality_table(elements, about, found)
    _read_windows(window_at, found)
    # What a table's input is depends on what is before it: stored values may be signed.
    signed = about.signed or (found.rescale or (1.0, 0.0))[1] < 0
    _read_voi_tables(window_at, signed, found)
    if not found.tables and window_at is not elements:
        _read_voi_tables(elements, signed, found)
    _read_padding(elements, about, found)
    shape = elements.code(_SHAPE)
    found.inverted = about.photometric == "MONOCHROME1"
    if shape in ("IDENTITY", "INVERSE"):
        # The shape says what the values are when all is done, so it has the last word.
        found.inverted = shape == "INVERSE"
    elif shape:
        found.left_out.append("presentation shape")
    return found


def _place(elements: Elements, number: int, group: int, *tags: int) -> Elements:
    """Where these hints stand: the frame's own group, that of all frames, or the data set."""
    own = elements.items(_PER_FRAME)
    for items in (own[number : number + 1], elements.items(_SHARED)):
        for item in items:
            for inner in item.items(group):
                if any(tag in inner for tag in (*tags, _VOI_TABLES)):
                    return inner
    return elements


def _read_rescale(at: Elements, found: Hints) -> None:
    if _SLOPE not in at and _INTERCEPT not in at:
        return
    slopes, intercepts = at.numbers(_SLOPE), at.numbers(_INTERCEPT)
    slope = slopes[0] if slopes else 1.0
    intercept = intercepts[0] if intercepts else 0.0
    usable = math.isfinite(slope) and math.isfinite(intercept) and slope != 0
    if usable and (slopes or intercepts) and abs(slope) < 1e30 and abs(intercept) < 1e30:
        found.rescale = (slope, intercept)
    else:
        found.left_out.append("rescale")


def _read_windows(at: Elements, found: Hints) -> None:
    if _CENTER not in at and _WIDTH not in at:
        return
    function = at.code(_FUNCTION)
    if _FUNCTION in at and function not in _FUNCTIONS:
        found.left_out.append("window function")
    function = function if function in _FUNCTIONS else "LINEAR"
    for center, width in zip(at.numbers(_CENTER), at.numbers(_WIDTH), strict=False):
        if math.isfinite(center) and 0 < width < 1e30 and abs(center) < 1e30:
            found.windows.append(Window(center, width, function))
    if not found.windows:
        found.left_out.append("window")


def _read_modality_table(elements: Elements, about: Header, found: Hints) -> None:
    if _MODALITY_TABLES not in elements:
        return
    tables = list(_usable(elements, _MODALITY_TABLES, about.signed))
    if tables:
        found.modality, found.rescale = tables[0], None
    else:
        found.left_out.append("modality LUT")


def _read_voi_tables(at: Elements, signed: bool, found: Hints) -> None:
    if _VOI_TABLES not in at:
        return
    found.tables = list(_usable(at, _VOI_TABLES, signed))
    if not found.tables:
        found.left_out.append("VOI LUT")


def _usable(at: Elements, sequence: int, signed: bool) -> Iterator[Table]:
    for item in at.items(sequence)[:_MOST_TABLES]:
        made = table(item, _DESCRIPTOR, _TABLE, signed)
        if made is not None:
            yield made


def table(at: Elements, descriptor: int, data: int, signed: bool) -> Table | None:
    """A lookup table however it is packed; None where there is none to speak of.

    The descriptor says how many entries there are, for which value the first is, and their bits;
    entries of 8 bits may be packed two in a word, or have a word each. Where descriptor and data
    differ the data are right: many systems write 16 bits for tables of 12.
    """
    described = at.numbers(descriptor)
    value, little = at.raw(data), getattr(at.by_tag.get(data), "little", True)
    if len(described) < 3 or len(value) < 2:
        return None
    count = int(described[0]) % 0x10000 or 0x10000
    first = int(at.numbers(descriptor, signed=signed)[1])
    bits = int(described[2])
    if len(value) in (count, count + 1) and count > 1:
        octets = np.frombuffer(value, np.uint8)
        if not little and at.by_tag[data].kind != b"OB":
            octets = octets[: len(octets) // 2 * 2].reshape(-1, 2)[:, ::-1].ravel()
        entries = octets[:count].astype(np.uint16)
        bits = 8
    else:
        whole = value[: len(value) // 2 * 2]
        entries = np.frombuffer(whole, "<u2" if little else ">u2")[:count].astype(np.uint16)
        if bits == 8 and len(entries) and int(entries.max()) > 255:
            bits = 16  # or both bytes of a word say the same, which comes to the same
    if len(entries) < 2 or int(entries.max()) == int(entries.min()):
        return None
    most = int(entries.max())
    needed = max(8, most.bit_length())
    if not 8 <= bits <= 16 or bits < needed or bits >= needed + _TOO_DARK:
        bits = needed
    return Table(first, entries, (1 << bits) - 1)


def _read_padding(elements: Elements, about: Header, found: Hints) -> None:
    for tag, limit in _PADDINGS[1:] if about.floating else _PADDINGS[:1]:
        if tag not in elements:
            continue
        ends = [
            *elements.numbers(tag, about.signed)[:1],
            *elements.numbers(limit, about.signed)[:1],
        ]
        if not ends or tag not in elements or not all(math.isfinite(end) for end in ends):
            found.left_out.append("padding")
        else:
            if not about.floating:
                ends = [_as_stored(end, about) for end in ends]
            found.padding = (min(ends), max(ends))


def _as_stored(value: float, about: Header) -> float:
    """A padding value with the sign that stored values have, whatever it was written as."""
    if value < 0 and not about.signed:
        return value + 2.0**about.allocated
    if about.signed and value >= 2 ** (about.stored - 1):
        return value - 2.0**about.stored
    return value
