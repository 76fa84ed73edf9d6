"""DICOM files made by code, one property odd at a time: a face of four grey quarters in each.

The writer is our own, so that elements can be what no library would write.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

IMPLICIT, EXPLICIT = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
DEFLATED, BIG = "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"
RUN_LENGTH, DEFLATED_FRAMES = "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.8.1"
JPEG_8, JPEG_12, JPEG_57 = (f"1.2.840.10008.1.2.4.{n}" for n in (50, 51, 57))
JPEG_70, JPEG_LS, JPEG_2000 = (f"1.2.840.10008.1.2.4.{n}" for n in (70, 80, 90))
HTJ2K = "1.2.840.10008.1.2.4.201"
CAPTURE = "1.2.840.10008.5.1.4.1.1.7"

QUARTERS = (230, 80, 150, 20)  # top left, top right, bottom left, bottom right; of 255
ROWS, COLUMNS = 48, 64
_LONG = ("OB", "OW", "OF", "OD", "SQ", "UN", "UT")
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD

Value = bytes | str | int | float | Sequence[Any]
Item = dict[int, tuple[str, Any]]


def face(top: int, low: int = 0) -> npt.NDArray[np.int64]:
    """The quarters as whole numbers between `low` and `low + top`."""
    values = np.zeros((ROWS, COLUMNS), np.int64)
    half, across = ROWS // 2, COLUMNS // 2
    for number, shade in enumerate(QUARTERS):
        rows = slice(number // 2 * half, (number // 2 + 1) * half)
        columns = slice(number % 2 * across, (number % 2 + 1) * across)
        values[rows, columns] = low + round(shade * top / 255)
    return values


def quarters(pixels: npt.NDArray[Any]) -> tuple[float, ...]:
    """What the middle of each quarter shows, as grey of 0..255."""
    grey = pixels.astype(float).mean(axis=2) if pixels.ndim == 3 else pixels.astype(float)
    rows, columns = grey.shape
    boxes = (
        grey[rows * v // 8 : rows * (v + 2) // 8, columns * h // 8 : columns * (h + 2) // 8]
        for v, h in ((1, 1), (1, 5), (5, 1), (5, 5))
    )
    return tuple(float(np.median(box)) for box in boxes)


def encoded(kind: str, value: Value, order: str) -> bytes:
    """A value as bytes, of an even length."""
    if isinstance(value, bytes):
        own = value
    elif isinstance(value, str):
        own = value.encode("latin-1")
    else:
        letter = {"US": "H", "SS": "h", "UL": "I", "FD": "d", "FL": "f", "OW": "H", "OB": "B"}
        many = value if isinstance(value, Sequence) else [value]
        if kind in letter:
            own = b"".join(struct.pack(order + letter[kind], one) for one in many)
        else:
            own = "\\".join(str(one) for one in many).encode()
    blank = b"\0" if kind in ("UI", "OB", "OW", "UN") else b" "
    return own + blank * (len(own) % 2)


def element(tag: int, kind: str, value: Value, order: str, explicit: bool) -> bytes:
    """One element, as it stands in a file."""
    if kind == "SQ":
        body = b"".join(
            _tag(_ITEM, order) + struct.pack(order + "I", len(inner)) + inner
            for inner in (data_set(item, order, explicit) for item in value)  # type: ignore[union-attr,arg-type]
        )
    else:
        body = encoded(kind, value, order)
    if not explicit:
        return _tag(tag, order) + struct.pack(order + "I", len(body)) + body
    if kind in _LONG:
        return _tag(tag, order) + kind.encode() + struct.pack(order + "HI", 0, len(body)) + body
    return _tag(tag, order) + kind.encode() + struct.pack(order + "H", len(body)) + body


def _tag(tag: int, order: str) -> bytes:
    return struct.pack(order + "HH", tag >> 16, tag & 0xFFFF)


def data_set(elements: Item, order: str = "<", explicit: bool = True) -> bytes:
    return b"".join(
        element(tag, *elements[tag], order=order, explicit=explicit) for tag in sorted(elements)
    )


@dataclass
class Scan:
    """A picture and its elements; the methods below change one thing each and give a new one."""

    elements: Item
    pixels: bytes
    syntax: str = EXPLICIT
    stated: str | None = None  # the transfer syntax that the meta header says, where another
    pixel_kind: str = "OW"
    packed: bool = False  # the pixels are items already
    preamble: bool = True
    meta: bool = True
    nothing_before: int = 0  # zeros in front of all, without a preamble
    before: bytes = b""
    after: bytes = b""
    kept: list[int] = field(default_factory=list)

    def having(self, **named: Any) -> Scan:
        return replace(self, **named)

    def set(self, *changes: tuple[int, str, Any]) -> Scan:
        return replace(self, elements={**self.elements, **{t: (k, v) for t, k, v in changes}})

    def without(self, *tags: int) -> Scan:
        return replace(self, elements={t: v for t, v in self.elements.items() if t not in tags})

    def data(self) -> bytes:
        order = ">" if self.syntax == BIG else "<"
        explicit = self.syntax != IMPLICIT
        body = self.before + data_set(self.elements, order, explicit)
        if self.packed:
            head = _tag(0x7FE00010, order) + (b"OB\0\0" if explicit else b"") + b"\xff" * 4
            body += head + self.pixels + _tag(_SEQUENCE_END, order) + bytes(4)
        elif self.pixels:
            tag = {"OF": 0x7FE00008, "OD": 0x7FE00009}.get(self.pixel_kind, 0x7FE00010)
            body += element(tag, self.pixel_kind, self.pixels, order, explicit)
        body += self.after
        if self.syntax == DEFLATED:
            squeeze = zlib.compressobj(wbits=-zlib.MAX_WBITS)
            body = squeeze.compress(body) + squeeze.flush()
        start = bytes(128) + b"DICM" if self.preamble else bytes(self.nothing_before)
        if self.meta:
            said: Item = {0x00020010: ("UI", self.stated or self.syntax)}
            inner = data_set(said)
            start += element(0x00020000, "UL", len(inner), "<", True) + inner
        return start + body


def grey(
    bits: int = 12, *, signed: bool = False, allocated: int | None = None, low: int | None = None,
    syntax: str = EXPLICIT, top: int | None = None, high: int | None = None,
) -> Scan:  # fmt: skip
    """The face in `bits` bits, from 0 (or the least that is signed) up."""
    allocated = allocated or (8 if bits <= 8 else 16 if bits <= 16 else 32)
    low = low if low is not None else (-(1 << bits - 1) if signed else 0)
    values = face(top or (1 << bits) - 1, low)
    high = bits - 1 if high is None else high
    raw = (values & ((1 << bits) - 1)) << (high + 1 - bits)
    order = ">" if syntax == BIG else "<"
    pixels = raw.astype(f"{order}u{allocated // 8}").tobytes()
    if syntax == BIG and allocated == 8:
        pixels = np.frombuffer(pixels, "<u2").astype(">u2").tobytes()
    elements: Item = {
        0x00080016: ("UI", CAPTURE),
        0x00080060: ("CS", "OT"),
        0x00280002: ("US", 1),
        0x00280004: ("CS", "MONOCHROME2"),
        0x00280010: ("US", ROWS),
        0x00280011: ("US", COLUMNS),
        0x00280100: ("US", allocated),
        0x00280101: ("US", bits),
        0x00280102: ("US", high),
        0x00280103: ("US", int(signed)),
    }
    return Scan(elements, pixels, syntax)


def colour(
    bits: int = 8, *, photometric: str = "RGB", planar: bool = False, allocated: int | None = None,
    top: int | None = None, tint: bool = False,
) -> Scan:  # fmt: skip
    """The face in three channels."""
    allocated = allocated or (8 if bits <= 8 else 16)
    values = np.repeat(face(top or (1 << bits) - 1)[..., None], 3, axis=2)
    if photometric.startswith("YBR"):
        values[..., 1:] = 1 << bits - 1
        if "PARTIAL" in photometric:
            values[..., 0] = np.rint(16 + values[..., 0] * 219 / 255)
    if photometric.endswith("_422"):
        pairs = values.reshape(-1, 2, 3)
        values = np.stack([pairs[:, 0, 0], pairs[:, 1, 0], pairs[:, 0, 1], pairs[:, 0, 2]], axis=1)
    elif planar:
        values = values.transpose(2, 0, 1)
    scan = grey(bits, allocated=allocated).set(
        (0x00280002, "US", 3), (0x00280004, "CS", photometric), (0x00280006, "US", int(planar))
    )
    return scan.having(pixels=values.astype(f"<u{allocated // 8}").tobytes())


def windowed(scan: Scan, center: Any, width: Any, function: str | None = None) -> Scan:
    scan = scan.set((0x00281050, "DS", center), (0x00281051, "DS", width))
    return scan if function is None else scan.set((0x00281056, "CS", function))


def rescaled(scan: Scan, slope: Any, intercept: Any) -> Scan:
    return scan.set((0x00281052, "DS", intercept), (0x00281053, "DS", slope))


def lut(
    entries: Sequence[int], first: int = 0, bits: int = 16, *, kind: str = "OW",
    count: int | None = None, packed: bool = False, signed: bool = False,
) -> Item:  # fmt: skip
    """A lookup table's item."""
    stored = np.array(entries, np.uint8 if packed else "<u2").tobytes()
    number = len(entries) % 0x10000 if count is None else count
    head = struct.pack(f"<H{'h' if signed else 'H'}H", number, first, bits)
    return {0x00283002: ("SS" if signed else "US", head), 0x00283006: (kind, stored)}


def encapsulated(
    frames: Sequence[bytes], *, pieces: int = 1, table: bool = False, bare: bool = False
) -> bytes:
    """Frames as items, each in so many; with a basic offset table, an empty one, or none."""
    offsets, items = [], b""
    for frame in frames:
        offsets.append(len(items))
        frame += b"\0" * (len(frame) % 2)
        step = -(-len(frame) // pieces) + -(-len(frame) // pieces) % 2
        for start in range(0, len(frame), step):
            part = frame[start : start + step]
            items += _tag(_ITEM, "<") + struct.pack("<I", len(part)) + part
    said = struct.pack(f"<{len(offsets)}I", *offsets) if table else b""
    head = b"" if bare else _tag(_ITEM, "<") + struct.pack("<I", len(said)) + said
    return head + items


def run_length(values: npt.NDArray[Any], width: int = 1) -> bytes:
    """(h, w) values, each row and byte plane coded as literal runs."""
    planes = [(values >> 8 * byte & 255).astype(np.uint8).tobytes() for byte in range(width)][::-1]
    coded = []
    for plane in planes:
        runs = [plane[at : at + 128] for at in range(0, len(plane), 128)]
        own = b"".join(bytes([len(run) - 1]) + run for run in runs)
        coded.append(own + b"\0" * (len(own) % 2))
    offsets, place = [], 64
    for own in coded:
        offsets.append(place)
        place += len(own)
    return struct.pack("<16I", len(coded), *offsets, *[0] * (15 - len(coded))) + b"".join(coded)
