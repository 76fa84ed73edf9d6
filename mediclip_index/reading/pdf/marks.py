"""What a PDF's bytes say of what it may hold, where PDFium's interface does not.

Images and tiling patterns are streams. Their dictionaries never lie in packed object streams, and
encryption leaves names and numbers alone, so that a mark which is nowhere in the bytes is not in
the document. Nothing is drawn by what is found here: it only says where to look closer.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

MOST_PATTERNS = 200  # looked at; with more there may be one that holds a picture
MOST_MASKS = 20_000
_LONGEST = 16_384  # bytes of a dictionary
_UNPACKED = 1 << 20

_LAYER = re.compile(rb"/OC(?![A-Za-z])")
_TILING = re.compile(rb"/PatternType\s*1(?!\d)")
_RESOURCES = re.compile(rb"/Resources\s+(\d+)\s+(\d+)\s+R")
_DRAWS = re.compile(rb"/XObject\s*(?:<<\s*/|\d+\s+\d+\s+R)")
_INLINE = re.compile(rb"(?:^|\s)BI\s")
_OBJECT = re.compile(rb"(?<!\d)(\d{1,10})\s+(\d{1,5})\s+obj(?![a-z])")
_MASKED = re.compile(rb"/S?Mask\s+(\d{1,10})\s+(\d{1,5})\s+R")
_WIDTH, _HEIGHT = re.compile(rb"/Width\s+(\d{1,6})\b"), re.compile(rb"/Height\s+(\d{1,6})\b")

Size = tuple[int, int]


@dataclass(frozen=True)
class Marks:
    """layers: something may belong to a layer without saying so where it is drawn. tiled: a tiling
    pattern may hold a picture. masks: how many pixels, across and down, the mask of a picture has
    that has so many itself, where it is finer."""

    layers: bool = False
    tiled: bool = False
    masks: Mapping[Size, Size] = field(default_factory=dict)


def marks(data: bytes) -> Marks:
    return Marks(_LAYER.search(data) is not None, _may_tile_pictures(data), _finer_masks(data))


def _may_tile_pictures(data: bytes) -> bool:
    """Whether a tiling pattern may hold a picture: hatchings and dots do not count."""
    for number, found in enumerate(_TILING.finditer(data)):
        if number >= MOST_PATTERNS:
            return True
        start = data.rfind(b"obj", max(0, found.start() - _LONGEST), found.start())
        end = data.find(b"stream", found.end(), found.end() + _LONGEST)
        if start >= 0 and end >= 0 and _pictured(data, data[start:end], end + len(b"stream")):
            return True
    return False


def _pictured(data: bytes, dictionary: bytes, content: int) -> bool:
    if _DRAWS.search(dictionary):
        return True
    named = _RESOURCES.search(dictionary)
    if named:
        place = re.search(rb"(?<!\d)%b\s+%b\s+obj" % named.groups(), data)
        if place is None:  # it is packed: who knows
            return True
        end = data.find(b"endobj", place.end(), place.end() + _LONGEST)
        if _DRAWS.search(data[place.end() : end]):
            return True
    stream = data[content : data.find(b"endstream", content)].lstrip(b"\r\n")
    if b"/FlateDecode" in dictionary or b"/Fl" in dictionary:
        try:
            stream = zlib.decompressobj().decompress(stream, _UNPACKED)
        except zlib.error:
            return False
    return _INLINE.search(stream[:_UNPACKED]) is not None


def _finer_masks(data: bytes) -> dict[Size, Size]:
    wanted: list[tuple[Size, tuple[bytes, ...]]] = []
    for number, found in enumerate(_MASKED.finditer(data)):
        if number >= MOST_MASKS:
            break
        start = data.rfind(b"obj", max(0, found.start() - _LONGEST), found.start())
        own = _size(data, start, data.find(b"stream", found.end(), found.end() + _LONGEST))
        if own is not None:
            wanted.append((own, found.groups()))
    if not wanted:
        return {}
    places = {found.groups(): found.end() for found in _OBJECT.finditer(data)}
    finer: dict[Size, Size] = {}
    for own, name in wanted:
        start = places.get(name, -1)
        mask = _size(data, start, data.find(b"stream", start, start + _LONGEST))
        if mask is not None and (mask[0] > own[0] or mask[1] > own[1]):
            known = finer.get(own, own)
            finer[own] = max(known[0], mask[0]), max(known[1], mask[1])
    return finer


def _size(data: bytes, start: int, end: int) -> Size | None:
    """What the dictionary of an image, which lies there, says of its size."""
    if start < 0 or end < 0:
        return None
    wide, high = _WIDTH.search(data, start, end), _HEIGHT.search(data, start, end)
    return (int(wide[1]), int(high[1])) if wide and high else None
