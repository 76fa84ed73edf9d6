"""JPEG and PNG files → the same without what no picture needs.

Comments, profiles, text and metadata of a stranger's making can be too long, broken or hostile and
say nothing of the pixels. What stays is what a decoder needs, and the turn that EXIF asks for.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

PNG = b"\x89PNG\r\n\x1a\n"
JPEG = b"\xff\xd8"

_IEND = b"\0\0\0\0IEND\xaeB`\x82"
_SRGB = 0.45455
_LINEAR = (0.75, 2.0)  # gammas that would be seen much too dark; what is near sRGB's stays
_APP0, _APP1, _APP14, _APP15, _COMMENT = 0xE0, 0xE1, 0xEE, 0xEF, 0xFE
JPEG_LS = 0xF7  # a process, as the others of a start of frame
_START_OF_FRAME = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC} | {JPEG_LS}
_START_OF_SCAN, _END = 0xDA, 0xD9
_ORIENTATION = 0x0112
_EXIF = b"Exif\0"


@dataclass(frozen=True)
class Frame:
    """How a JPEG is coded: by which process (ITU T.81, table B.1), in how many bits."""

    process: int
    bits: int
    width: int
    height: int
    components: int

    @property
    def everyday(self) -> bool:
        """Baseline, extended or progressive, of 8 bits, as every decoder reads it."""
        return self.bits == 8 and self.process in (0xC0, 0xC1, 0xC2)


@dataclass(frozen=True)
class Png:
    """A PNG's bytes without ancillary chunks, and what these said: EXIF's orientation (1 where they
    say none), how many frames there are, and the exponent that leads to sRGB's brightness."""

    data: bytes
    turn: int = 1
    frames: int = 1
    exponent: float = 1.0

    @property
    def deep_colour(self) -> bool:
        """Whether it has 16 bits in several channels, of which Pillow keeps the upper 8."""
        return self.data[24:25] == b"\x10" and self.data[25:26] in (b"\2", b"\4", b"\6")


def png(data: bytes) -> Png:
    """What a PNG's pixels need."""
    kept, turn, frames, gamma, place = [PNG], 1, 1, _SRGB, len(PNG)
    profiled = False
    while place + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        end = place + 12 + length
        body = data[place + 8 : end - 4]
        if kind == b"CgBI":  # Apple's own, for telephones: no decoder but theirs reads it
            raise NotImplementedError
        if kind == b"eXIf":
            turn = orientation(body)
        elif kind == b"acTL" and length == 8:
            frames = max(1, int.from_bytes(body[:4], "big"))
        elif kind == b"gAMA" and length == 4:
            gamma = int.from_bytes(body, "big") / 100_000
        elif kind in (b"sRGB", b"iCCP"):
            profiled = True
        elif kind == b"tRNS" and data[24] in (2, 4) and data[25] == 0:
            kept.append(_of_eight_bits(body, data[24]))
        elif kind[:1].isupper() or kind == b"tRNS":
            kept.append(data[place:end])
        place = end
        if kind == b"IEND":
            break
    else:
        if place == len(data):  # nothing is missing but the end mark
            kept.append(_IEND)
    linear = not profiled and _LINEAR[0] < gamma < _LINEAR[1]
    exponent = _SRGB / gamma if linear else 1.0
    return Png(b"".join(kept), turn, frames, exponent)


def _of_eight_bits(body: bytes, depth: int) -> bytes:
    """The chunk that names a transparent grey, of as many bits as Pillow makes of 2 or 4."""
    grey = int.from_bytes(body[:2], "big") * 255 // (2**depth - 1)
    chunk = struct.pack(">4sH", b"tRNS", grey & 0xFFFF)
    return struct.pack(">I", 2) + chunk + struct.pack(">I", zlib.crc32(chunk))


def jpeg(data: bytes) -> tuple[bytes, int, Frame | None]:
    """A JPEG's bytes without comments and metadata, its EXIF orientation (1 for none), and how it
    is coded.

    Bytes between segments, which belong to nobody, go too. From the first scan on all is kept.
    """
    kept, turn, frame, place = [data[:2]], 1, None, 2
    while (place := data.find(b"\xff", place)) >= 0 and place + 4 <= len(data):
        if data[place + 1] == 0xFF:  # a fill byte
            place += 1
            continue
        mark = data[place + 1]
        if mark in (0x00, 0x01, 0xD8) or 0xD0 <= mark <= 0xD7:  # of no length
            place += 2
            continue
        if mark in (_START_OF_SCAN, _END):
            kept.append(data[place:])
            break
        end = place + 2 + int.from_bytes(data[place + 2 : place + 4], "big")
        body = data[place + 4 : end]
        if mark == _APP1 and body.startswith(_EXIF) and turn == 1:
            turn = orientation(body[6:])
        if mark in _START_OF_FRAME and len(body) >= 6:
            height, width = struct.unpack_from(">HH", body, 1)
            frame = frame or Frame(mark, body[0], width, height, body[5])
        if not (_APP0 <= mark <= _APP15 or mark == _COMMENT) or _says_colour(mark, body):
            kept.append(data[place:end])
        place = end
    return b"".join(kept), turn, frame


def _says_colour(mark: int, body: bytes) -> bool:
    """Whether an application's segment says how components become colours: JFIF and Adobe do."""
    return (mark == _APP0 and body.startswith(b"JFIF\0") and len(body) >= 12) or (
        mark == _APP14 and body.startswith(b"Adobe") and len(body) >= 12
    )


def jpeg_holds_more(data: bytes) -> bool:
    """Whether further pictures follow by the Multi-Picture Format (CIPA DC-007), as cameras of two
    lenses and phones write it."""
    return b"MPF\0" in data[: 1 << 17]


def orientation(exif: bytes) -> int:
    """The orientation of a TIFF directory, 1 to 8; 1 where it says none, or can't be understood.

    Nothing else is looked at: what EXIF says of lenses and places must not cost the picture.
    """
    exif = exif.removeprefix(b"Exif\0\0")
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None:
        return 1
    try:
        (first,) = struct.unpack_from(order + "I", exif, 4)
        (count,) = struct.unpack_from(order + "H", exif, first)
        for entry in range(first + 2, first + 2 + 12 * count, 12):
            tag, kind = struct.unpack_from(order + "HH", exif, entry)
            if tag == _ORIENTATION:
                (value,) = struct.unpack_from(order + _INTEGERS.get(kind, "H"), exif, entry + 8)
                return value if 1 <= value <= 8 else 1
    except struct.error:
        pass
    return 1


_INTEGERS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i"}  # TIFF's kinds of field


_PSD = b"8BPS\0\1"
# Of each mode of colour (bitmap, grey, indexed, RGB, CMYK, multichannel, duotone, Lab), how many
# channels are colours.
_PSD_COLOURS = {0: 1, 1: 1, 2: 1, 3: 3, 4: 4, 7: 1, 8: 1, 9: 3}


def psd(data: bytes) -> bytes:
    """A PSD without the channels that follow its colours, but for RGB's alpha: masks and spot
    colours, with which Pillow takes the wrong bytes for rows. Raises NotImplementedError for one of
    a kind that is not read, struct.error for one that is cut short."""
    channels, height, _, depth, mode = struct.unpack_from(">HIIHH", data, 12)
    if depth != (1 if mode == 0 else 8) or mode not in _PSD_COLOURS:
        raise NotImplementedError
    wanted = 4 if (mode, channels) == (3, 4) else _PSD_COLOURS[mode]
    if channels <= wanted:
        return data
    place = 26
    for _ in range(3):  # colours, resources, layers
        (length,) = struct.unpack_from(">I", data, place)
        place += 4 + length
    (packed,) = struct.unpack_from(">H", data, place)
    head = data[:12] + struct.pack(">H", wanted) + data[14 : place + 2]
    lengths = 2 * height if packed == 1 else 0  # of a channel's rows, two bytes each
    start = place + 2
    if lengths:
        rows = struct.unpack_from(f">{wanted * height}H", data, start)
        if start + wanted * lengths + sum(rows) == len(data):
            return data  # its writer counted channels that it left out
    return head + data[start : start + wanted * lengths] + data[start + channels * lengths :]


def is_psd(data: bytes) -> bool:
    return data.startswith(_PSD)


def cut_short(data: bytes) -> tuple[bytes, bytes]:
    """A JPEG that ends without its end mark, ended in two ways.

    Where both give the same pixels, all pixels were there: nothing was missing but the mark. Where
    they differ, the decoder took what follows for picture.
    """
    end = bytes((0xFF, _END))
    return data + end, data + b"\x5a" * 64 + end
