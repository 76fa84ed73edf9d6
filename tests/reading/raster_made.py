"""Two faces that a person can tell at a glance, and raster files made of them byte by byte."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

Values = npt.NDArray[Any]
Quarters = tuple[tuple[int, int, int], ...]  # top left, top right, bottom left, bottom right

imagecodecs: Any = import_module("imagecodecs")  # whose own types say bytearray

WIDTH, HEIGHT = 160, 120
GREYS = (230, 80, 150, 20)
COLOURS: Quarters = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0))


def quartered(four: Sequence[Any], dtype: Any = np.uint8) -> Values:
    """(120, 160) or (120, 160, channels) of four values."""
    one = np.asarray(four, dtype)
    y, x = np.indices((HEIGHT, WIDTH))
    return np.ascontiguousarray(one[(y >= HEIGHT // 2) * 2 + (x >= WIDTH // 2)])


GREY, COLOUR = quartered(GREYS), quartered(COLOURS)


def grey(*four: int) -> Quarters:
    return tuple((value, value, value) for value in four)


def of_bits(bits: int) -> list[int]:
    """The grey face in so many bits."""
    return [round(value / 255 * (2**bits - 1)) for value in GREYS]


def current(bits: int) -> Quarters:
    """What is seen of it where brightness stands as it is."""
    return grey(*(round(value * 255 / (2**bits - 1)) for value in of_bits(bits)))


def windowed(four: Sequence[float] = GREYS) -> Quarters:
    """What is seen of four values where the darkest is black and the brightest white."""
    low, high = min(four), max(four)
    return grey(*(round((value - low) / (high - low) * 255) for value in four))


def seen_quarters(pixels: Values) -> list[tuple[int, int, int]]:
    """The middle of each quarter, by its median: no edge and no rim of coding has a say."""
    h, w = pixels.shape[:2]
    found = []
    for y in (0, h // 2):
        for x in (0, w // 2):
            middle = pixels[y + h // 8 : y + h * 3 // 8, x + w // 8 : x + w * 3 // 8]
            red, green, blue = np.median(middle.reshape(-1, 3), axis=0).tolist()
            found.append((round(red), round(green), round(blue)))
    return found


def laid(values: Values, orientation: int) -> Values:
    """Values as a file with this orientation (EXIF's) stores them."""
    if orientation in (5, 6, 7, 8):
        values = np.swapaxes(values, 0, 1)
    if orientation in (3, 4, 6, 7):
        values = values[::-1]
    if orientation in (2, 3, 7, 8):
        values = values[:, ::-1]
    return np.ascontiguousarray(values)


def saved(values: Values, kind: str, mode: str | None = None, **how: Any) -> bytes:
    """By Pillow."""
    data = io.BytesIO()
    picture = Image.fromarray(values)
    (picture.convert(mode) if mode else picture).save(data, kind, **how)
    return data.getvalue()


# TIFF, byte by byte.

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 11: 4, 12: 8, 16: 8}
_LETTERS = {1: "B", 3: "H", 4: "I", 11: "f", 12: "d", 16: "Q"}


@dataclass
class Directory:
    """One page: its tags as (kind, values), and its strips or tiles."""

    tags: dict[int, tuple[int, Any]]
    blocks: list[bytes]
    tiled: bool = False
    below: list[Directory] = field(default_factory=list)


def packed(values: Values, bits: int, order: str = "<") -> bytes:
    """Samples (rows, columns, channels) in so many bits each, rows ending on whole bytes."""
    if bits in (8, 16, 32, 64):
        return values.astype(values.dtype.newbyteorder("<" if order == "<" else ">")).tobytes()
    flat = values.reshape(len(values), -1).astype(np.uint32)
    each = (flat[..., None] >> np.arange(bits - 1, -1, -1, dtype=np.uint32)) & 1
    return np.packbits(each.reshape(len(values), -1).astype(np.uint8), axis=1).tobytes()


def page(
    values: Values,
    photometric: int = 1,
    bits: int | None = None,
    *,
    order: str = "<",
    strips: int = HEIGHT,
    planar: bool = False,
    **tags: tuple[int, Any],
) -> Directory:
    """A page of plain strips; more tags are named t254, t338 …"""
    values = values if values.ndim == 3 else values[..., None]
    height, width, channels = values.shape
    bits = bits or values.dtype.itemsize * 8
    form = {"u": 1, "i": 2, "f": 3, "b": 1}[values.dtype.kind]
    planes = [values[..., n : n + 1] for n in range(channels)] if planar else [values]
    blocks = [
        packed(plane[top : top + strips], bits, order)
        for plane in planes
        for top in range(0, height, strips)
    ]
    own: dict[int, tuple[int, Any]] = {
        256: (4, [width]), 257: (4, [height]), 258: (3, [bits] * channels), 259: (3, [1]),
        262: (3, [photometric]), 277: (3, [channels]), 278: (4, [strips]),
        284: (3, [2 if planar else 1]), 339: (3, [form] * channels),
    }  # fmt: skip
    own |= {int(name[1:]): tag for name, tag in tags.items()}
    return Directory(own, blocks)


def tiff(*pages: Directory, order: str = "<", big: bool = False) -> bytes:
    """A TIFF or BigTIFF of these pages."""
    out = bytearray(b"II" if order == "<" else b"MM")
    out += struct.pack(order + "HHHQ", 43, 8, 0, 0) if big else struct.pack(order + "HI", 42, 0)
    link = 8 if big else 4
    for one in pages:
        place, after = _put(out, one, order, big)
        struct.pack_into(order + ("Q" if big else "I"), out, link, place)
        link = after
    return bytes(out)


def _put(out: bytearray, one: Directory, order: str, big: bool) -> tuple[int, int]:
    """Append a directory; where it begins, and where the link to the next one stands."""
    tags = dict(one.tags)
    places = []
    for block in one.blocks:
        places.append(len(out))
        out += block + bytes(len(block) % 2)
    long = 16 if big else 4
    tags[324 if one.tiled else 273] = (long, places)
    tags[325 if one.tiled else 279] = (long, [len(block) for block in one.blocks])
    if one.below:
        tags[330] = (long, [_put(out, under, order, big)[0] for under in one.below])
    room, count = (8, "Q") if big else (4, "I")
    entries = bytearray()
    for code in sorted(tags):
        kind, told = tags[code]
        body = told if isinstance(told, bytes) else struct.pack(
            f"{order}{len(told)}{_LETTERS[kind]}", *told
        )  # fmt: skip
        number = len(body) // _SIZES[kind]
        if len(body) > room:
            where = len(out)
            out += body + bytes(len(body) % 2)
            body = struct.pack(order + count, where)
        entries += struct.pack(order + "HH" + count, code, kind, number) + body.ljust(room, b"\0")
    place = len(out)
    out += struct.pack(order + ("Q" if big else "H"), len(tags)) + entries
    link = len(out)
    out += bytes(room)
    return place, link


# PNG, chunk by chunk.


def chunk(kind: bytes, body: bytes, *, wrong: bool = False) -> bytes:
    check = zlib.crc32(kind + body) ^ wrong
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", check)


def png(
    values: Values,
    colour: int,
    bits: int = 8,
    *,
    before: bytes = b"",
    after: bytes = b"",
    interlaced: bool = False,
    end: bool = True,
) -> bytes:
    """A PNG of samples (h, w[, channels]); `before` and `after` are chunks around the pixels."""
    values = values if values.ndim == 3 else values[..., None]
    passes = [values]
    if interlaced:
        steps = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2),
                 (1, 0, 2, 1))  # fmt: skip
        passes = [values[y::down, x::across] for y, x, down, across in steps]
    raw = b"".join(
        b"\0" + packed(row[None], bits, ">") for one in passes for row in one if one.size
    )
    head = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], bits, colour, 0, 0, interlaced)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + before
        + chunk(b"IDAT", zlib.compress(raw)) + after + (chunk(b"IEND", b"") if end else b"")
    )  # fmt: skip


# JPEG, segment by segment.


def segment(mark: int, body: bytes) -> bytes:
    return bytes((0xFF, mark)) + struct.pack(">H", len(body) + 2) + body


def exif(orientation: int, kind: int = 3, *more: bytes, order: str = "<") -> bytes:
    """A TIFF directory with an orientation of any kind of field, and other entries."""
    own = struct.pack(order + "HHI", 274, kind, 1)
    own += struct.pack(order + {1: "B", 3: "H", 4: "I"}[kind], orientation).ljust(4, b"\0")
    start = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    entries = [*more, own]
    return start + struct.pack(order + "H", len(entries)) + b"".join(entries) + bytes(4)


# JPEG 2000, box by box.


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body) + 8) + kind + body


def jp2(codestream: bytes, channels: int, colours: int, *more: bytes, bits: int = 8) -> bytes:
    """A codestream in its container; colours: 16 sRGB, 17 grey, 18 sYCC."""
    ihdr = box(b"ihdr", struct.pack(">IIHBBBB", HEIGHT, WIDTH, channels, bits - 1, 7, 0, 0))
    colr = box(b"colr", struct.pack(">BBBI", 1, 0, 0, colours))
    return (
        box(b"jP  ", b"\r\n\x87\n")
        + box(b"ftyp", b"jp2 \0\0\0\0jp2 ")
        + box(b"jp2h", ihdr + colr + b"".join(more))
        + box(b"jp2c", codestream)
    )


# PSD, section by section.


def psd(
    values: Values, mode: int, bits: int = 8, *, resources: bytes = b"", palette: bytes = b""
) -> bytes:
    """A PSD without layers: its composite, plane by plane."""
    values = values if values.ndim == 3 else values[..., None]
    height, width, channels = values.shape
    head = b"8BPS" + struct.pack(">H6xHIIHH", 1, channels, height, width, bits, mode)
    sections = b"".join(struct.pack(">I", len(body)) + body for body in (palette, resources, b""))
    planes = b"".join(packed(values[..., n : n + 1], bits, ">") for n in range(channels))
    return head + sections + b"\0\0" + planes
