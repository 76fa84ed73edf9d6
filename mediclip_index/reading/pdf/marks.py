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
from itertools import islice

MOST_PATTERNS = 200  # looked at; with more there may be one that holds a picture
MOST_MARKS = 20_000  # of other kinds
_LONGEST = 16_384  # bytes of a dictionary
_UNPACKED = 1 << 20

_LAYER = re.compile(rb"/OC\s*(?:(\d{1,10}\s+\d{1,5})\s+R|<<)")
_TILING = re.compile(rb"/PatternType\s*1(?!\d)")
_RESOURCES = re.compile(rb"/Resources\s+(\d+)\s+(\d+)\s+R")
_DRAWS = re.compile(rb"/XObject\s*(?:<<\s*/|\d+\s+\d+\s+R)")
_INLINE = re.compile(rb"(?:^|\s)BI\s")
_NAME = re.compile(rb"(?<!\d)(\d{1,10})\s+(\d{1,5})\s+$")  # of an object, before "obj"
_MASKED = re.compile(rb"/S?Mask\s+(\d{1,10})\s+(\d{1,5})\s+R")
_KIND = re.compile(rb"/Subtype\s*/(Image|Form)\b")
_WIDTH, _HEIGHT = re.compile(rb"/Width\s+(\d{1,6})\b"), re.compile(rb"/Height\s+(\d{1,6})\b")

Size = tuple[int, int]
Places = dict[tuple[bytes, ...], int]


@dataclass(frozen=True)
class Marks:
    """layers: the layers that pictures of so many pixels, across and down, may belong to. forms:
    forms belong to layers too. tiled: a tiling pattern may hold a picture. masks: how many pixels
    the mask of a picture of so many has, where it is finer."""

    layers: Mapping[Size, str] = field(default_factory=dict)
    forms: bool = False
    tiled: bool = False
    masks: Mapping[Size, Size] = field(default_factory=dict)


def marks(data: bytes) -> Marks:
    return Marks(*_layers(data), _may_tile_pictures(data), _finer_masks(data))


def _layers(data: bytes) -> tuple[dict[Size, str], bool]:
    """Layers that pictures and forms name themselves, not where they are drawn."""
    named: dict[Size, set[str]] = {}
    forms = False
    for found in islice(_LAYER.finditer(data), MOST_MARKS):
        place = _dictionary(data, found)
        if place is None:
            continue
        kind = _KIND.search(data, *place)
        size = _size(data, *place)
        if kind and kind[1] == b"Form":
            forms = True
        elif size is not None:
            named.setdefault(size, set()).add((found[1] or b"").decode("ascii"))
    return {size: " ".join(sorted(names)) for size, names in named.items()}, forms


def _dictionary(data: bytes, found: re.Match[bytes]) -> tuple[int, int] | None:
    """From where to where the dictionary of a stream goes that something was found in."""
    start = data.rfind(b"obj", max(0, found.start() - _LONGEST), found.start())
    end = data.find(b"stream", found.end(), found.end() + _LONGEST)
    if start < 0 or end < 0 or data.find(b"stream", start, found.start()) >= 0:
        return None
    return start, end


def _may_tile_pictures(data: bytes) -> bool:
    """Whether a tiling pattern may hold a picture: hatchings and dots do not count."""
    places: Places | None = None
    for number, found in enumerate(_TILING.finditer(data)):
        if number >= MOST_PATTERNS:
            return True
        place = _dictionary(data, found)
        if place is None:
            continue
        places = places or _places(data)  # sought once: a file is long, and its patterns are many
        if _pictured(data, data[slice(*place)], place[1] + len(b"stream"), places):
            return True
    return False


def _pictured(data: bytes, dictionary: bytes, content: int, places: Places) -> bool:
    if _DRAWS.search(dictionary):
        return True
    named = _RESOURCES.search(dictionary)
    if named:
        start = places.get(named.groups())
        if start is None:  # it is packed: who knows
            return True
        end = data.find(b"endobj", start + 3, start + _LONGEST)
        if _DRAWS.search(data[start:end]):
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
    for found in islice(_MASKED.finditer(data), MOST_MARKS):
        place = _dictionary(data, found)
        if place is None:
            continue
        own = _size(data, *place)
        if own is not None:
            wanted.append((own, found.groups()))
    if not wanted:
        return {}
    places = _places(data)
    finer: dict[Size, Size] = {}
    for own, name in wanted:
        start = places.get(name, -1)
        mask = _size(data, start, data.find(b"stream", start, start + _LONGEST))
        if mask is not None and (mask[0] > own[0] or mask[1] > own[1]):
            known = finer.get(own, own)
            finer[own] = max(known[0], mask[0]), max(known[1], mask[1])
    return finer


def _places(data: bytes) -> Places:
    """Where the objects begin, by number and generation; the last one of a name counts."""
    places: Places = {}
    at = data.find(b"obj")
    while at >= 0:
        name = _NAME.search(data, max(0, at - 24), at)
        if name:
            places[name.groups()] = at
        at = data.find(b"obj", at + 3)
    return places


def _size(data: bytes, start: int, end: int) -> Size | None:
    """What the dictionary of an image, which lies there, says of its size."""
    if start < 0 or end < 0:
        return None
    wide, high = _WIDTH.search(data, start, end), _HEIGHT.search(data, start, end)
    return (int(wide[1]), int(high[1])) if wide and high else None
