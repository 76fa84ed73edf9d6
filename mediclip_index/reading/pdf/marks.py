"""What a PDF's bytes say of what it may hold, where PDFium's interface does not.

Images and tiling patterns are streams. Their dictionaries never lie in packed object streams, and
encryption leaves names alone, so that a mark which is nowhere in the bytes is not in the document.
"""

from __future__ import annotations

import re
import zlib

MOST_PATTERNS = 200  # looked at; with more there may be one that holds a picture
_LONGEST = 16_384  # bytes of a dictionary
_UNPACKED = 1 << 20

_LAYER = re.compile(rb"/OC(?![A-Za-z])")
_TILING = re.compile(rb"/PatternType\s*1(?!\d)")
_RESOURCES = re.compile(rb"/Resources\s+(\d+)\s+(\d+)\s+R")
_INLINE = re.compile(rb"(?:^|\s)BI\s")


def may_have_layers(data: bytes) -> bool:
    """Whether something may belong to a layer without saying so where it is drawn."""
    return _LAYER.search(data) is not None


def may_tile_pictures(data: bytes) -> bool:
    """Whether a tiling pattern may hold a picture: hatchings and dots do not count."""
    for number, found in enumerate(_TILING.finditer(data)):
        if number >= MOST_PATTERNS:
            return True
        start = data.rfind(b"obj", max(0, found.start() - _LONGEST), found.start())
        end = data.find(b"stream", found.end(), found.end() + _LONGEST)
        if start < 0 or end < 0:
            continue
        if _pictured(data, data[start:end], end + len(b"stream")):
            return True
    return False


def _pictured(data: bytes, dictionary: bytes, content: int) -> bool:
    if b"/XObject" in dictionary:
        return True
    named = _RESOURCES.search(dictionary)
    if named:
        place = re.search(rb"(?<!\d)%b\s+%b\s+obj" % named.groups(), data)
        if place is None:  # it is packed: who knows
            return True
        end = data.find(b"endobj", place.end(), place.end() + _LONGEST)
        if b"/XObject" in data[place.end() : end]:
            return True
    stream = data[content : data.find(b"endstream", content)].lstrip(b"\r\n")
    if b"/FlateDecode" in dictionary or b"/Fl" in dictionary:
        try:
            stream = zlib.decompressobj().decompress(stream, _UNPACKED)
        except zlib.error:
            return False
    return _INLINE.search(stream[:_UNPACKED]) is not None
