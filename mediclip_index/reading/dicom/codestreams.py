"""One compressed frame → its stored values, by what the frame is and not by what it is called.

Decoders are asked in one order, whatever else is installed: where two know a kind their colours may
differ, and a picture's pixels must not hang on what a machine has.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

Values = npt.NDArray[Any]

_START_OF_FRAME = {0xF7, *range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_LOSSLESS = {0xC3, 0xC7, 0xCB, 0xCF}
_MOST_MISSING = 0.1  # of a picture; what lacks more at its end is damaged
_LOSSY_BITS = (8, 12)
_RARE = {*range(0xC5, 0xC8), *range(0xC9, 0xD0)}  # hierarchical, or of arithmetic coding
_ALONE = {0x01, *range(0xD0, 0xD9)}  # marks without a length


class Undecodable(Exception):
    """No decoder made a frame of it."""


@dataclass(frozen=True)
class Codestream:
    """What a frame says of itself. `kind` is a name for people; `colours` says whether JPEG's own
    colour transform was stated (None, or Adobe's number)."""

    kind: str
    rows: int
    columns: int
    samples: int
    precision: int
    signed: bool = False
    mark: int = 0
    adobe: int | None = None

    @property
    def rare(self) -> str:
        """What it is called where hardly any decoder knows it, else empty."""
        if self.mark in _RARE:
            return "hierarchical or arithmetic JPEG"
        lossy = self.kind == "JPEG" and self.precision not in _LOSSY_BITS
        return f"lossy JPEG of {self.precision} bits" if lossy else ""


def sniff(frame: bytes) -> Codestream | None:
    """What a frame is; None where it is no codestream of a kind that is known by its start."""
    try:
        if frame[:2] == b"\xff\xd8":
            return _jpeg(frame)
        if frame[:4] == b"\xff\x4f\xff\x51":
            return _jpeg_2000(frame)
        if frame[4:8] == b"jP  ":
            place = frame.find(b"\xff\x4f\xff\x51")
            return _jpeg_2000(frame[place:]) if place >= 0 else None
        if frame[:2] == b"\xff\x0a" or frame[4:8] == b"JXL ":
            return _jpeg_xl(frame)
    except (struct.error, IndexError):
        pass
    return None


def _jpeg(frame: bytes) -> Codestream | None:
    place, adobe = 2, None
    while place + 4 <= len(frame):
        if frame[place] != 0xFF:
            place += 1
            continue
        mark = frame[place + 1]
        if mark in _ALONE or mark == 0xFF:
            place += 1 if mark == 0xFF else 2
            continue
        (length,) = struct.unpack_from(">H", frame, place + 2)
        if mark in _START_OF_FRAME:
            precision, rows, columns, samples = struct.unpack_from(">BHHB", frame, place + 4)
            kind = "JPEG-LS" if mark == 0xF7 else "lossless JPEG" if mark in _LOSSLESS else "JPEG"
            return Codestream(kind, rows, columns, samples, precision, mark=mark, adobe=adobe)
        if mark == 0xEE and frame[place + 4 : place + 9] == b"Adobe" and length >= 14:
            adobe = frame[place + 15]
        place += 2 + length
    return None


def _jpeg_2000(frame: bytes) -> Codestream:
    columns, rows, left, top = struct.unpack_from(">IIII", frame, 8)
    (samples,) = struct.unpack_from(">H", frame, 40)
    depth = frame[42]
    return Codestream(
        "JPEG 2000", rows - top, columns - left, samples, (depth & 0x7F) + 1, bool(depth & 0x80)
    )


def _jpeg_xl(frame: bytes) -> Codestream | None:
    """The size header of ISO/IEC 18181-1, A.3: bit fields, the lowest first."""
    place = frame.find(b"\xff\x0a") if frame[:2] == b"\xff\x0a" else frame.find(b"jxlc") + 4
    if frame[place : place + 2] != b"\xff\x0a":
        return None  # cut into parts within its container
    bits, at = int.from_bytes(frame[place + 2 : place + 14], "little"), 0

    def take(count: int) -> int:
        nonlocal at
        at += count
        return bits >> at - count & (1 << count) - 1

    def side(small: int) -> int:
        return (take(5) + 1) * 8 if small else take((9, 13, 18, 30)[take(2)]) + 1

    small = take(1)
    rows = side(small)
    ratio = take(3)
    up, down = ((0, 0), (1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))[ratio]
    columns = rows * up // down if ratio else side(small)
    return Codestream("JPEG XL", rows, columns, 0, 0)


def decoded(frame: bytes, about: Codestream, colour: bool) -> Values:
    """(h, w) or (h, w, 3) as the codestream has them, unsigned below its precision.

    `colour` says whether samples were turned to YCbCr before compression, as the data set has it.
    """
    wanted = (about.rows, about.columns)
    for decoder in _decoders(about):
        try:
            values = decoder(frame, about, colour)
        except MemoryError:
            raise
        except Exception:
            continue
        if values.shape[:2] == wanted or about.rows == 0:
            if about.kind == "JPEG" and is_cut(frame) and _unfilled(values) > _MOST_MISSING:
                break
            return values[..., 0] if values.ndim == 3 and values.shape[2] == 1 else values
    raise Undecodable


def is_cut(frame: bytes) -> bool:
    """Whether a JPEG has no end; some have a few bytes of padding behind it."""
    return frame[:2] == b"\xff\xd8" and b"\xff\xd9" not in frame[-64:]


def _unfilled(values: Values) -> float:
    """The share of the last rows that are one like the other: what decoders make of a JPEG's
    missing end."""
    same = (values == values[-1]).reshape(len(values), -1).all(axis=1)
    return float(np.argmin(same[::-1])) / len(values) if not same.all() else 1.0


Decoder = Callable[[bytes, Codestream, bool], Values]


def _decoders(about: Codestream) -> tuple[Decoder, ...]:
    if about.kind == "JPEG 2000":
        return (_by_name("jpeg2k_decode"), _by_name("htj2k_decode"))
    if about.kind == "JPEG XL":
        return (_by_name("jpegxl_decode"),)
    if about.kind == "JPEG-LS":
        return (_by_name("jpegls_decode"),)
    if about.kind == "lossless JPEG":
        return (_libjpeg, _by_name("ljpeg_decode"), _by_name("jpegsof3_decode"))
    return (_pillow, _libjpeg) if about.precision == 8 else (_libjpeg,)


def _by_name(name: str) -> Decoder:
    def decode(frame: bytes, about: Codestream, colour: bool) -> Values:
        import imagecodecs

        return np.asarray(getattr(imagecodecs, name)(frame))

    return decode


def _pillow(frame: bytes, about: Codestream, colour: bool) -> Values:
    picture = Image.open(io.BytesIO(frame), formats=("JPEG",))
    if about.samples == 3 and not _turned(about, colour):
        # Taken as they are: asking for YCbCr has Pillow leave the samples alone.
        if about.adobe is None:
            picture.draft("YCbCr", picture.size)
        return np.asarray(picture)
    return np.asarray(picture)


def _libjpeg(frame: bytes, about: Codestream, colour: bool) -> Values:
    import imagecodecs

    if about.samples == 3:
        space = "ycbcr" if _turned(about, colour) else "rgb"
        return np.asarray(imagecodecs.jpeg8_decode(frame, colorspace=space, outcolorspace="rgb"))
    return np.asarray(imagecodecs.jpeg8_decode(frame))


def _turned(about: Codestream, colour: bool) -> bool:
    """Whether a JPEG's samples are YCbCr: what Adobe's mark says, else what the data set says."""
    if about.mark in _LOSSLESS:
        return False
    if about.adobe is not None:
        return about.adobe == 1
    return colour


def run_length(frame: bytes, rows: int, columns: int, samples: int) -> Values:
    """A frame of run-length coding (PS3.5, annex G): one segment a byte of each sample, the highest
    first. A segment that ends too soon is filled up with zeros."""
    offsets = struct.unpack_from("<16I", frame)
    count = offsets[0]
    width = count // samples  # whatever is said to be allocated
    if width not in (1, 2, 4) or count != samples * width:
        raise Undecodable
    length = rows * columns
    planes = np.zeros((samples, width, length), dtype=np.uint8)
    starts = [*offsets[1 : count + 1], len(frame)]
    for number in range(count):
        packed = frame[starts[number] : max(starts[number], starts[number + 1])]
        unpacked = np.frombuffer(_runs(packed, length), np.uint8)
        if len(unpacked) < length * (1 - _MOST_MISSING):
            raise Undecodable
        planes[number // width, width - 1 - number % width, : len(unpacked)] = unpacked
    values = np.ascontiguousarray(planes.transpose(2, 0, 1)).view(f"<u{width}")
    shape = (rows, columns) if samples == 1 else (rows, columns, samples)
    return values.reshape(shape)


def _runs(packed: bytes, length: int) -> bytes:
    """What a segment unfolds to, as far as it goes."""
    import imagecodecs

    try:
        # A byte is 64 at the most of what it unfolds to, so what it gives is bounded by the frame.
        return bytes(imagecodecs.packbits_decode(packed))[:length]
    except Exception:
        pass
    parts, place, left = [], 0, length
    while place + 1 < len(packed) and left > 0:
        head = packed[place]
        run = packed[place + 1 : place + 2 + head] if head < 128 else b""
        if head > 128:
            run = packed[place + 1 : place + 2] * (257 - head)
        parts.append(run)
        place += 2 + head if head < 128 else 2 if head > 128 else 1
        left -= len(run)
    return b"".join(parts)[:length]


def deflated(frame: bytes, length: int) -> bytes:
    """A frame that is deflated by itself, no further than it may be long."""
    return zlib.decompressobj(-zlib.MAX_WBITS).decompress(frame, length)
