"""A DICOM file's bytes → the elements that a picture needs, and no others.

Nothing else is kept: names, dates and numbers of patients are stepped over by their length. Lenient
as viewers are: every element is taken in the encoding in which it makes sense, whatever the meta
header says, and what stands before damage counts (PS3.5, section 7; part 10 for the header).
"""

from __future__ import annotations

import contextlib
import re
import struct
import zlib
from dataclasses import dataclass, field
from itertools import islice

Value = memoryview | list["Elements"]

_LONG = {b"OB", b"OW", b"OF", b"OD", b"OL", b"OV", b"SQ", b"UN", b"UT", b"UC", b"UR", b"SV", b"UV"}
_SHORT = {
    b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FL", b"FD", b"IS", b"LO", b"LT", b"PN",
    b"SH", b"SL", b"SS", b"ST", b"TM", b"UI", b"UL", b"US",
}  # fmt: skip
_KINDS = _SHORT | _LONG
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_UNKNOWN = 0xFFFFFFFF
_DEEPEST = 32
_MOST_ITEMS = 100_000  # kept of a sequence; those after them are stepped over
PIXELS = (0x7FE00010, 0x7FE00008, 0x7FE00009)
# Sequences that are opened; all others are stepped over.
_OPENED = {
    0x00283000, 0x00283010,  # modality and VOI tables
    0x52009229, 0x52009230, 0x00289132, 0x00289145,  # functional groups, window, rescale
}  # fmt: skip
_WANTED = {
    0x00020010, 0x00080008, 0x00080016, 0x00080060, 0x00180015, 0x00420011, 0x00420012, 0x00420015,
    0x00480010, 0x00480105, 0x20500020, 0x7FE00001, 0x7FE00002, *PIXELS, *_OPENED,
}  # fmt: skip
_TEXT = {
    0x00020010, 0x00080008, 0x00080016, 0x00080060, 0x00180015, 0x00280004, 0x00280008, 0x00281050,
    0x00281051, 0x00281052, 0x00281053, 0x00281056, 0x00420012, 0x00480010, 0x20500020,
}  # fmt: skip
_NUMBERS = {
    b"US": "H", b"SS": "h", b"UL": "I", b"SL": "i", b"FL": "f", b"FD": "d", b"OW": "H", b"OL": "I",
    b"AT": "H", b"SV": "q", b"UV": "Q",
}  # fmt: skip
_A_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
# The first group of a data set that has no preamble, and what its first elements may be.
_FIRST = re.compile(rb"[\x02\x08\x10\x18\x20\x28]\0|\0[\x02\x08\x10\x18\x20\x28]")
# Samples, photometric interpretation, frames or rows, each as they are always kept.
_PICTURE = re.compile(
    rb"\x28\0[\x02\x04\x08\x10]\0(?:US\x02\0|CS.\0|IS.\0|[\x02\x0c]\0\0\0)", re.DOTALL
)
_PICTURE_BIG = re.compile(rb"\0\x28\0[\x02\x04\x08\x10](?:US\0\x02|CS\0.|IS\0.)", re.DOTALL)
_IN_A_ROW = 4
_LONGEST_FIRST = 1024  # bytes of an element among the first ones
_LOOKED_AT = 1 << 14
_PREAMBLE = 128


class Malformed(Exception):
    """The bytes can't be followed any further."""


@dataclass
class Element:
    """An element's value as it stands in the file. `whole` is False where the file ends in it;
    `packed` says that it was given as fragments, with no length of its own."""

    kind: bytes
    value: Value
    little: bool
    whole: bool = True
    packed: bool = False


@dataclass
class Elements:
    """Elements by tag. The readers below never raise: what makes no sense is not there."""

    by_tag: dict[int, Element] = field(default_factory=dict)
    explicit: bool = True
    little: bool = True
    broken: bool = False  # the file can't be followed to its end

    def __contains__(self, tag: int) -> bool:
        return tag in self.by_tag

    def raw(self, tag: int) -> memoryview:
        """A value's bytes, none where there is no such element."""
        found = self.by_tag.get(tag)
        return found.value if found and isinstance(found.value, memoryview) else memoryview(b"")

    def items(self, tag: int) -> list[Elements]:
        found = self.by_tag.get(tag)
        return found.value if found and isinstance(found.value, list) else []

    def texts(self, tag: int) -> tuple[str, ...]:
        """The values of an element of text, without the blanks around them."""
        value = bytes(self.raw(tag)[:4096]).decode("latin-1")
        return tuple(part.strip(" \0\t\r\n") for part in value.split("\\"))

    def code(self, tag: int) -> str:
        """The first value of a code string in capital letters, as the standard has them."""
        return self.texts(tag)[0].upper()

    def numbers(self, tag: int, signed: bool = False) -> tuple[float, ...]:
        """The values of an element as numbers; those that are none become NaN.

        `signed` says how 16-bit values are meant that may be either ("US or SS").
        """
        found = self.by_tag.get(tag)
        if found is None or not isinstance(found.value, memoryview) or not found.value:
            return ()
        kind = found.kind
        if kind not in _NUMBERS:
            kind = b"DS" if tag in _TEXT or kind in (b"DS", b"IS", b"LO", b"SH", b"CS") else b"US"
        if kind == b"DS":
            return tuple(_number(text) for text in self.texts(tag))
        letter = _NUMBERS[kind]
        if letter in "Hh" and signed:
            letter = "h"
        width = struct.calcsize(letter)
        count = min(len(found.value), 1 << 20) // width
        order = "<" if found.little else ">"
        return struct.unpack(f"{order}{count}{letter}", found.value[: count * width])

    def whole_number(self, tag: int, signed: bool = False) -> int | None:
        """The first value as a whole number, None where it is none."""
        first = next(iter(self.numbers(tag, signed)), None)
        return int(first) if first is not None and abs(first) < 2**53 else None


def _number(text: str) -> float:
    """A decimal string; some systems write its point as a comma."""
    found = _A_NUMBER.fullmatch(text.replace(",", "."))
    return float(found[0]) if found else float("nan")


def is_dicom(data: bytes) -> bool:
    """By content: the preamble's mark, or a data set without one: elements that follow upon each
    other, the first of a group that files begin with."""
    if data[_PREAMBLE : _PREAMBLE + 4] == b"DICM":
        return True
    if _FIRST.match(data[:4]):
        return _follow(data, 0)
    # The preamble is there and its mark is not.
    return not any(data[:_PREAMBLE]) and data[_PREAMBLE : _PREAMBLE + 6] == b"\x02\0\0\0UL"


def _follow(data: bytes, place: int) -> bool:
    """Whether some elements stand one behind the other, in rising order."""
    view = memoryview(data[: place + _LOOKED_AT])
    little = data[place + 1] == 0
    reader = _Reader(view, Elements(), bytes(data[place + 4 : place + 6]) in _KINDS, little)
    before = -1
    for _ in range(_IN_A_ROW):
        if place == len(data):
            break
        if place + 8 > len(view):
            return False
        group, number = reader.tag(place)
        if group << 16 | number <= before:
            return False
        before = group << 16 | number
        try:
            kind, length, start = reader.head(place)
        except Malformed:
            return False
        if length == _UNKNOWN and before >= 0:
            return kind in (b"SQ", b"UN", b"")
        if length > _LONGEST_FIRST:
            return False
        place = start + length
    return before >= 0


def parse(data: bytes, most: int) -> Elements:
    """The elements of a file, meta header and data set together.

    `most` bounds what a deflated data set may unfold to. Raises Malformed, and OverflowError
    beyond the bound.
    """
    view = memoryview(data)
    place = 0
    if data[_PREAMBLE : _PREAMBLE + 4] == b"DICM":
        place = _PREAMBLE + 4
    elif data[:4] == bytes(4):
        place = _PREAMBLE
    found = Elements()
    place = _meta_header(view, place, found)
    if found.texts(0x00020010)[0] == "1.2.840.10008.1.2.1.99":
        view, place = _unfolded(view[place:], most), 0
    start = bytes(view[place : place + 8])
    found.little = not (start[:1] == b"\0" and start[1:2] != b"\0")
    found.explicit = start[4:6] in _KINDS
    reader = _Reader(view, found, found.explicit, found.little)
    try:
        reader.run(place, len(view))
    except Malformed:
        found.broken = True
        if not any(tag in found for tag in PIXELS):
            _rescue(view, reader, place)
    return found


def _meta_header(view: memoryview, place: int, found: Elements) -> int:
    """Take the meta header at `place`, where there is one; the place behind it."""
    start, reader = place, _Reader(view, found, explicit=True, little=True)
    try:
        while place + 8 <= len(view) and bytes(view[place : place + 2]) == b"\x02\0":
            place = reader.element(place)
    except Malformed:
        if bytes(view[start : start + 8]) != b"\x02\0\0\0UL\x04\0":
            raise
        # It says how long it is.
        return start + 12 + int.from_bytes(view[start + 8 : start + 12], "little")
    return place


def _tag_bytes(tag: int, little: bool) -> bytes:
    return struct.pack("<HH" if little else ">HH", tag >> 16, tag & 0xFFFF)


def _unfolded(packed: memoryview, most: int) -> memoryview:
    """A data set that is deflated as a whole, as far as it can be unfolded."""
    unfolding, parts, length = zlib.decompressobj(-zlib.MAX_WBITS), [], 0
    waiting: bytes | memoryview = packed
    while waiting and not unfolding.eof:
        try:
            parts.append(unfolding.decompress(waiting, 1 << 20))
        except zlib.error:
            break
        length += len(parts[-1])
        if length > most:
            raise OverflowError
        waiting = unfolding.unconsumed_tail
    return memoryview(b"".join(parts))


def _rescue(view: memoryview, reader: _Reader, place: int) -> None:
    """Beyond damage, go on at the picture's own group, or at least at the pixel data: the last are
    not an icon's."""
    again = _PICTURE if reader.little else _PICTURE_BIG
    for found in islice(again.finditer(view, place), 2):
        with contextlib.suppress(Malformed):
            reader.run(found.start(), len(view))
            return
    mark = b"\xe0\x7f\x10\0" if reader.little else b"\x7f\xe0\0\x10"
    for found in reversed(list(islice(re.finditer(re.escape(mark), view), _MOST_ITEMS))):
        with contextlib.suppress(Malformed):
            reader.element(found.start())
            return


class _Reader:
    """Goes through one data set or item, filling `into`."""

    def __init__(
        self, view: memoryview, into: Elements, explicit: bool, little: bool, depth: int = 0
    ) -> None:
        self.view, self.into, self.depth = view, into, depth
        self.explicit, self.little = explicit, little
        self._two, self._four = struct.Struct("<HH"), struct.Struct("<I")
        if not little:
            self._two, self._four = struct.Struct(">HH"), struct.Struct(">I")

    def tag(self, place: int) -> tuple[int, int]:
        """(group, element) at `place`."""
        group, number = self._two.unpack_from(self.view, place)
        return int(group), int(number)

    def run(self, place: int, end: int) -> int:
        """All elements up to `end` or the item's delimiter; the place behind it."""
        while place + 8 <= end:
            group, element = self._two.unpack_from(self.view, place)
            tag = group << 16 | element
            if tag in (_ITEM_END, _SEQUENCE_END):
                return place + 8
            if group == 0xFFFC or (group == 0 and element == 0):
                return end  # what pads a file to the length of a block
            place = self.element(place)
        return end

    def _goes_on(self, place: int, after: int) -> bool:
        """Whether an element may follow at `after` upon the one at `place`."""
        if after + 8 > len(self.view):
            return after == len(self.view)
        (group, number), (before, _) = self.tag(after), self.tag(place)
        return group in (before, 0xFFFE) or (before < group <= 0x7FE0 and number < 0x5000)

    def head(self, place: int) -> tuple[bytes, int, int]:
        """(kind, length, place of the value) of an element, as it makes the most sense."""
        kind = bytes(self.view[place + 4 : place + 6])
        (implicit,) = self._four.unpack_from(self.view, place + 4)
        lettered = kind in _SHORT or kind in _LONG
        left = len(self.view) - place - 8
        if lettered and (self.explicit or implicit > left) and implicit != _UNKNOWN:
            if kind in _SHORT:
                (length,) = struct.unpack_from("<H" if self.little else ">H", self.view, place + 6)
                return kind, length, place + 8
            if place + 12 > len(self.view):
                raise Malformed
            return kind, self._four.unpack_from(self.view, place + 8)[0], place + 12
        if self.explicit and not (implicit <= left and self._goes_on(place, place + 8 + implicit)):
            # A kind that is not in the standard, or damaged: newer ones have the long form.
            if bytes(self.view[place + 6 : place + 8]) == b"\0\0" and place + 12 <= len(self.view):
                (length,) = self._four.unpack_from(self.view, place + 8)
                if length <= left and self._goes_on(place, place + 12 + length):
                    return b"UN", length, place + 12
            (length,) = struct.unpack_from("<H" if self.little else ">H", self.view, place + 6)
            if length <= left and self._goes_on(place, place + 8 + length):
                return b"UN", length, place + 8
        return b"", implicit, place + 8

    def element(self, place: int) -> int:
        """Take or pass over the element at `place`; the place behind it. Raises Malformed."""
        if place + 8 > len(self.view):
            raise Malformed
        group, number = self._two.unpack_from(self.view, place)
        tag = group << 16 | number
        kind, length, start = self.head(place)
        wanted = tag in _WANTED or group == 0x0028
        if length == _UNKNOWN:
            if tag in PIXELS and tag not in _OPENED:
                return self._fragments(tag, kind, start)
            return self._sequence(tag, kind, start, len(self.view), wanted)
        end = start + length
        whole = end <= len(self.view)
        if not whole and tag not in PIXELS:
            raise Malformed
        if tag in _OPENED and self.depth < _DEEPEST:
            self._sequence(tag, kind, start, end, True)
        elif wanted:
            value = self.view[start : min(end, len(self.view))]
            # The data set's own stands before an odd one that comes later.
            self.into.by_tag.setdefault(tag, Element(kind, value, self.little, whole))
        return min(end, len(self.view))

    def _sequence(self, tag: int, kind: bytes, place: int, end: int, wanted: bool) -> int:
        """The items of a sequence: opened, or passed over to find its end."""
        if self.depth >= _DEEPEST:
            raise Malformed
        found: list[Elements] = []
        opened = tag in _OPENED and wanted
        explicit = self.explicit and kind != b"UN"  # PS3.5, 6.2.2, note 4
        while place + 8 <= min(end, len(self.view)):
            opened = opened and len(found) < _MOST_ITEMS
            mark = self._two.unpack_from(self.view, place)
            (length,) = self._four.unpack_from(self.view, place + 4)
            place += 8
            if mark[0] << 16 | mark[1] == _SEQUENCE_END:
                break
            if mark[0] << 16 | mark[1] != _ITEM:
                raise Malformed
            item = Elements(little=self.little)
            inner = _Reader(self.view, item, explicit, self.little, self.depth + 1)
            if length == _UNKNOWN:
                place = inner.run(place, len(self.view))
            else:
                if place + length > len(self.view):
                    raise Malformed
                if opened:
                    try:
                        inner.run(place, place + length)
                    except Malformed:
                        item = Elements()  # an item that is damaged costs itself
                place += length
            if opened:
                found.append(item)
        if tag in _OPENED and wanted:
            self.into.by_tag.setdefault(tag, Element(b"SQ", found, self.little))
        return place

    def _fragments(self, tag: int, kind: bytes, place: int) -> int:
        """Pixel data of no stated length, up to its delimiter or the file's end."""
        start = place
        if bytes(self.view[place : place + 4]) != _tag_bytes(_ITEM, self.little):
            # No fragments at all: native pixels up to the delimiter, or to the file's end.
            end = len(self.view)
            if bytes(self.view[end - 8 : end - 4]) == _tag_bytes(_SEQUENCE_END, self.little):
                end -= 8
            self.into.by_tag.setdefault(tag, Element(kind, self.view[start:end], self.little))
            return len(self.view)
        while place + 8 <= len(self.view):
            mark = self._two.unpack_from(self.view, place)
            (length,) = self._four.unpack_from(self.view, place + 4)
            if mark[0] << 16 | mark[1] != _ITEM:
                break
            place += 8 + length
        ended = place + 8 <= len(self.view)
        place = min(place, len(self.view))
        self.into.by_tag.setdefault(
            tag, Element(kind, self.view[start:place], self.little, ended, packed=True)
        )
        return min(place + 8, len(self.view)) if ended else place
