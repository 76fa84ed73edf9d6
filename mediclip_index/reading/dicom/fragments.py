"""Encapsulated pixel data → the bytes of each frame (PS3.5, annex A.4)."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from mediclip_index.reading.dicom.elements import Elements

_BEGINNINGS = (
    b"\xff\xd8\xff", b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  ", b"\xff\x0a", b"\0\0\0\x0cJXL ",
)  # fmt: skip
_ITEM = b"\xfe\xff\x00\xe0"


def begins_picture(data: bytes | memoryview) -> bool:
    """Whether this begins as a compressed picture does: JPEG of any kind, JPEG 2000, JPEG XL."""
    return bytes(data[:12]).startswith(_BEGINNINGS)


def is_encapsulated(data: memoryview) -> bool:
    return bytes(data[:4]) == _ITEM


def frames(data: memoryview, count: int, elements: Elements) -> Sequence[Sequence[memoryview]]:
    """The fragments of each frame, as the offset tables say or else as the frames' own
    beginnings show. May be more or fewer than `count`."""
    table, fragments, places = _items(data)
    if count == 1 or len(fragments) <= 1:
        return [fragments]
    for offsets in (_extended(elements), table):
        found = _by_offsets(offsets, fragments, places, count)
        if found:
            return found
    if len(fragments) == count:
        return [[fragment] for fragment in fragments]
    starts = [n for n, fragment in enumerate(fragments) if begins_picture(fragment)]
    if starts and starts[0] == 0:
        ends = [*starts[1:], len(fragments)]
        return [fragments[start:end] for start, end in zip(starts, ends, strict=True)]
    return [[fragment] for fragment in fragments]


def _items(data: memoryview) -> tuple[tuple[int, ...], list[memoryview], list[int]]:
    """(basic offset table, fragments, where each begins, counted as the table counts)."""
    table: tuple[int, ...] = ()
    fragments: list[memoryview] = []
    places: list[int] = []
    place, first = 0, None
    while place + 8 <= len(data) and bytes(data[place : place + 4]) == _ITEM:
        (length,) = struct.unpack_from("<I", data, place + 4)
        value = data[place + 8 : place + 8 + length]
        if first is None and not begins_picture(value) and not is_run_length(value):
            table = struct.unpack(f"<{len(value) // 4}I", value[: len(value) // 4 * 4])
        else:
            if first is None and not fragments:
                first = place  # a file without the table's item
            fragments.append(value)
            places.append(place - (first or 0))
        place += 8 + length
        if first is None:
            first = place
    return table, fragments, places


def is_run_length(value: memoryview) -> bool:
    """Whether a fragment begins as run-length coding does: 1 to 15 segments, the first at 64."""
    return (
        len(value) >= 64
        and 1 <= struct.unpack_from("<I", value)[0] <= 15
        and struct.unpack_from("<I", value, 4)[0] == 64
    )


def _extended(elements: Elements) -> tuple[int, ...]:
    value = elements.raw(0x7FE00001)
    return struct.unpack(f"<{len(value) // 8}Q", value[: len(value) // 8 * 8])


def _by_offsets(
    offsets: tuple[int, ...], fragments: list[memoryview], places: list[int], count: int
) -> list[list[memoryview]]:
    """The frames as an offset table has them; none where it does not fit."""
    at = {place: number for number, place in enumerate(places)}
    if len(offsets) != count or offsets[0] != 0 or any(offset not in at for offset in offsets):
        return []
    starts = [at[offset] for offset in offsets]
    if starts != sorted(set(starts)):
        return []
    ends = [*starts[1:], len(fragments)]
    return [fragments[start:end] for start, end in zip(starts, ends, strict=True)]
