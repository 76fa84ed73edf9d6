"""Files of other kinds: pictures, and what is none."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import wave
import zipfile
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from PIL import Image

from tests.reading.raster_made import (
    COLOUR,
    COLOURS,
    GREY,
    GREYS,
    HEIGHT,
    WIDTH,
    Values,
    box,
    current,
    grey,
    imagecodecs,
    jp2,
    png,
    psd,
    quartered,
    saved,
    windowed,
)
from tests.reading.raster_rows import Refused, Row
from tests.reading.raster_tiffs import COVERED, WHITE

_DEEP = GREY.astype(np.uint16) * 257
_HALF = quartered((255, 128, 0, 255))
_OVER = np.dstack([COLOUR, _HALF])


def rows() -> Iterator[Row]:
    yield from _simple()
    yield from _bitmaps()
    yield from _layered()
    yield from _wavelets()
    yield from _packed()


def _simple() -> Iterator[Row]:
    yield Row("GIF", partial(saved, COLOUR, "GIF"), magick="yes")
    yield Row("GIF whose first frame is a part", _part_gif, (COLOURS[0], WHITE, WHITE, WHITE))
    yield Row("XBM, whose ones are ink", lambda: saved(GREY > 127, "XBM"), grey(0, 255, 0, 255),
              magick="yes")  # fmt: skip
    yield Row("PCX", partial(saved, COLOUR, "PCX"), magick="yes")
    yield Row("PCX, grey", partial(saved, GREY, "PCX"), current(8), magick="yes")
    yield Row("SGI", partial(saved, COLOUR, "SGI"), magick="yes")
    yield Row("TGA", partial(saved, COLOUR, "TGA", rle=True), near=0)
    yield Row("QOI", lambda: imagecodecs.qoi_encode(COLOUR))
    yield Row("DDS", partial(saved, COLOUR, "DDS"))
    yield Row("WebP", partial(saved, COLOUR, "WEBP", lossless=True), magick="yes")
    yield Row("WebP with alpha", partial(saved, _OVER, "WEBP", lossless=True, exact=True), COVERED)
    for most, kind in ((255, "u1"), (100, "u1"), (65535, ">u2"), (1000, ">u2")):
        values = np.floor(COLOUR * (most / 255)).astype(kind)
        head = b"P6 # of a person\n%d %d\n%d\n" % (WIDTH, HEIGHT, most)
        yield Row(f"PPM of {most}", partial(bytes.__add__, head, values.tobytes()))
    low = b"P6\n%d %d\n65535\n" % (WIDTH, HEIGHT) + (COLOUR.astype(">u2") * 2).tobytes()
    yield Row("PPM of 65535, low values", lambda: low)
    for most, kind in ((100, "u1"), (65535, ">u2"), (4095, ">u2")):
        four = [round(value / 255 * most) for value in GREYS]
        head = b"P5\n%d %d\n%d\n" % (WIDTH, HEIGHT, most)
        yield Row(
            f"PGM of {most}", partial(bytes.__add__, head, quartered(four, kind).tobytes()),
            windowed() if most > 255 else current(8), near=2,
        )  # fmt: skip
    text = b"P2 %d %d 255\n" % (WIDTH, HEIGHT) + b" ".join(b"%d" % v for v in GREY.ravel())
    yield Row("PGM in letters", lambda: text, current(8))
    bits = np.packbits(GREY < 128, axis=1).tobytes()
    yield Row("PBM", lambda: b"P4\n%d %d\n" % (WIDTH, HEIGHT) + bits, current(1), magick="yes")
    real = (GREY[::-1].astype("<f4") / 255).tobytes()
    yield Row("PFM", lambda: b"Pf\n%d %d\n-1.0\n" % (WIDTH, HEIGHT) + real, windowed())
    yield Row("XPM", lambda: _xpm(b"#ff0000"), magick="yes")
    yield Row("FITS, 8 bit", lambda: _fits(GREY, 8), current(8), magick="yes")


def _part_gif() -> bytes:
    """Its first frame is the upper left quarter of the canvas alone."""
    data = bytearray(saved(COLOUR[: HEIGHT // 2, : WIDTH // 2], "GIF"))
    struct.pack_into("<HH", data, 6, WIDTH, HEIGHT)
    return bytes(data)


def _xpm(red: bytes) -> bytes:
    names = (red, b"#00ff00", b"#0000ff", b"#ffff00")
    lines = [b"%d %d 4 1" % (WIDTH, HEIGHT)]
    lines += [b"%c c %s" % (letter, name) for letter, name in zip(b" c.x", names, strict=True)]
    letters = np.frombuffer(b" c.x", np.uint8)[quartered([0, 1, 2, 3])]
    lines += [row.tobytes() for row in letters]
    return b"/* XPM */\nstatic char *x[] = {\n" + b",\n".join(b'"%s"' % n for n in lines) + b"};\n"


def _fits(values: Values, bits: int, planes: int = 1) -> bytes:
    cards = [b"SIMPLE  =                    T", b"BITPIX  = %20d" % bits]
    sides = (WIDTH, HEIGHT) if planes == 1 else (WIDTH, HEIGHT, planes)
    cards += [b"NAXIS   = %20d" % len(sides)]
    cards += [b"NAXIS%d  = %20d" % (n, side) for n, side in enumerate(sides, 1)]
    head = b"".join(card.ljust(80) for card in [*cards, b"END"])
    body = values[::-1].astype(values.dtype.newbyteorder(">")).tobytes() * planes
    return head.ljust(2880) + body.ljust(-(-len(body) // 2880) * 2880, b"\0")


def _bmp(rows: bytes, bits: int, compression: int = 0, after: bytes = b"", size: int = 40) -> bytes:
    """Rows from the last to the first; `after` stands between header and rows."""
    info = struct.pack("<IiiHHIIiiII", size, WIDTH, HEIGHT, 1, bits, compression, len(rows), 2835,
                       2835, 0, 0)  # fmt: skip
    start = 14 + len(info) + len(after)
    return b"BM" + struct.pack("<IHHI", start + len(rows), 0, 0, start) + info + after + rows


def _bitmaps() -> Iterator[Row]:
    r, g, b = (COLOUR[::-1, :, n].astype(np.uint32) for n in range(3))
    yield Row("BMP", partial(saved, COLOUR, "BMP"), magick="yes")
    five = ((r >> 3) << 10 | (g >> 3) << 5 | b >> 3).astype("<u2").tobytes()
    yield Row("BMP of 16 bit", lambda: _bmp(five, 16), magick="yes")
    for named, masks, bits, values in (
        ("5, 6, 5", (0xF800, 0x7E0, 0x1F), 16, (r >> 3) << 11 | (g >> 2) << 5 | b >> 3),
        ("8, 8, 8", (0xFF0000, 0xFF00, 0xFF), 32, r << 16 | g << 8 | b),
    ):
        yield Row(
            f"BMP, bit fields {named}",
            partial(_bmp, values.astype(f"<u{bits // 8}").tobytes(), bits, 3,
                    struct.pack("<III", *masks)), magick="yes",
        )  # fmt: skip
    table = b"".join(bytes((c[2], c[1], c[0], 0)) for c in COLOURS) + bytes(4 * 252)
    index = quartered([0, 1, 2, 3])[::-1]
    runs = b"".join(bytes((WIDTH // 2, row[0], WIDTH // 2, row[-1], 0, 0)) for row in index)
    yield Row("BMP, runs", lambda: _bmp(runs + b"\0\1", 8, 1, table), magick="yes")
    yield Row("BMP, palette", lambda: _bmp(index.tobytes(), 8, 0, table), magick="yes")
    sizes: dict[str, Any] = {"sizes": [(16, 16), (32, 24), (WIDTH, HEIGHT)]}
    yield Row("icon, its largest", partial(saved, COLOUR, "ICO", **sizes))
    yield Row("icon of bitmaps", partial(saved, COLOUR, "ICO", bitmap_format="bmp", **sizes))
    yield Row(
        "cursor", lambda: b"\0\0\2\0" + saved(COLOUR, "ICO", bitmap_format="bmp", **sizes)[4:]
    )


def _layered() -> Iterator[Row]:
    yield Row("PSD", lambda: psd(COLOUR, 3), magick="yes")
    yield Row("PSD, grey", lambda: psd(GREY, 1), current(8), magick="yes")
    yield Row("PSD, bitmap", lambda: psd(GREY < 128, 0, 1), current(1), magick="yes")
    ink = quartered([(0, 255, 255, 0), (255, 0, 255, 0), (255, 255, 0, 0), (0, 0, 255, 0)])
    table = bytes(c[n] for n in range(3) for c in (*COLOURS, *[(9, 9, 9)] * 252))
    index = quartered([0, 1, 2, 3])
    yield Row("PSD, palette", lambda: psd(index, 2, palette=table))
    yield Row("PSD, CMYK", lambda: psd(255 - ink, 4), magick="yes")
    said = _resource(1057, b"\0\0\0\1\1" + bytes(16))
    yield Row("PSD whose layers are merged", lambda: psd(COLOUR, 3, resources=said))


def _resource(number: int, body: bytes) -> bytes:
    first = b"8BIM" + struct.pack(">HHI", 1005, 0, 3) + b"abc\0"
    return first + b"8BIM" + struct.pack(">HHI", number, 0, len(body)) + body + b"\0" * (
        len(body) % 2
    )  # fmt: skip


def _wavelets() -> Iterator[Row]:
    coded = partial(imagecodecs.jpeg2k_encode, level=0, codecformat="j2k")
    yield Row("JPEG 2000", lambda: imagecodecs.jpeg2k_encode(COLOUR, level=0), magick="yes")
    yield Row("JPEG 2000, codestream", lambda: coded(COLOUR), magick="yes")
    yield Row("JPEG 2000, 16 bit", lambda: imagecodecs.jpeg2k_encode(_DEEP, level=0), windowed(),
              magick="deep")  # fmt: skip
    yield Row(
        "JPEG 2000, RGB of 16 bit, low values",
        lambda: imagecodecs.jpeg2k_encode(COLOUR.astype(np.uint16) * 2, level=0),
    )
    table = box(b"pclr", struct.pack(">HB3B", 4, 3, 7, 7, 7) + bytes(v for c in COLOURS for v in c))
    plan = box(b"cmap", b"".join(struct.pack(">HBB", 0, 1, n) for n in range(3)))
    index = quartered([0, 1, 2, 3])
    yield Row("JPEG 2000, palette", lambda: jp2(coded(index), 1, 16, table + plan))
    swapped = box(b"cdef", struct.pack(">H9H", 3, 0, 0, 3, 1, 0, 2, 2, 0, 1))
    yield Row(
        "JPEG 2000, its channels from blue to red",
        lambda: jp2(coded(np.ascontiguousarray(COLOUR[..., ::-1]), mct=False), 3, 16, swapped),
    )
    with_alpha = box(b"cdef", struct.pack(">H12H", 4, 0, 0, 3, 1, 0, 2, 2, 0, 1, 3, 1, 0))
    turned = np.ascontiguousarray(_OVER[..., [2, 1, 0, 3]])
    yield Row(
        "JPEG 2000, blue to red and alpha",
        lambda: jp2(coded(turned, mct=False), 4, 16, with_alpha), COVERED,
    )  # fmt: skip
    luma = np.asarray(Image.fromarray(COLOUR).convert("YCbCr"))
    first = box(b"cdef", struct.pack(">H12H", 4, 0, 1, 0, 1, 0, 1, 2, 0, 2, 3, 0, 3))
    yield Row(
        "JPEG 2000, alpha first",
        lambda: jp2(coded(np.ascontiguousarray(_OVER[..., [3, 0, 1, 2]]), mct=False), 4, 16, first),
        COVERED,
    )
    plain = box(b"cdef", struct.pack(">H12H", 4, 0, 0, 1, 1, 0, 2, 2, 0, 3, 3, 1, 0))
    yield Row("JPEG 2000, alpha", lambda: jp2(coded(_OVER, mct=False), 4, 16, plain), COVERED)
    covered = _OVER.astype(np.uint16) * 4
    yield Row(
        "JPEG 2000, alpha of 10 bit",
        lambda: jp2(coded(covered, mct=False, bitspersample=10), 4, 16, plain, bits=10),
        COVERED,
        near=2,
    )
    yield Row("JPEG 2000, sYCC", lambda: jp2(coded(luma, mct=False), 3, 18), near=3)
    yield Row("JPEG 2000, grey", lambda: jp2(coded(GREY), 1, 17), current(8))
    whole = {"lossless": True}
    yield Row("JPEG XL", lambda: imagecodecs.jpegxl_encode(COLOUR, **whole))
    yield Row("JPEG XL, 16 bit", lambda: imagecodecs.jpegxl_encode(_DEEP, **whole), windowed())
    yield Row("JPEG XL with alpha", lambda: imagecodecs.jpegxl_encode(_OVER, **whole), COVERED)
    yield Row("JPEG XL, alpha of 10 bit", lambda: imagecodecs.jpegxl_encode(
        _OVER.astype(np.uint16) * 4, bitspersample=10, **whole), COVERED, near=2)  # fmt: skip
    yield Row("JPEG XL in boxes", lambda: imagecodecs.jpegxl_encode(
        COLOUR, usecontainer=True, **whole))  # fmt: skip
    yield Row("JPEG XR", lambda: imagecodecs.jpegxr_encode(COLOUR, level=1.0))
    yield Row("JPEG XR, 16 bit", lambda: imagecodecs.jpegxr_encode(_DEEP), windowed())
    yield Row("AVIF", lambda: imagecodecs.avif_encode(COLOUR, level=98), near=3)
    ten = COLOUR.astype(np.uint16) * 4
    yield Row("AVIF, 10 bit", lambda: imagecodecs.avif_encode(ten, bitspersample=10, level=98),
              near=4)  # fmt: skip


def _packed() -> Iterator[Row]:
    picture = saved(COLOUR, "PNG")
    for name, pack in (("gzip", gzip.compress), ("bzip2", bz2.compress), ("xz", lzma.compress)):
        yield Row(f"one picture in {name}", partial(pack, picture))


def refused() -> Iterator[Refused]:
    un, no = "unsupported", "not_an_image"
    yield Refused("FITS, 16 bit", lambda: _fits(_DEEP, 16), un, "kind")
    yield Refused("FITS of three planes", lambda: _fits(GREY, 8, 3), un, "kind")
    yield Refused("XPM, a colour by its name", lambda: _xpm(b"red"), un, "kind")
    yield Refused("XPM, a colour of 16 bit", lambda: _xpm(b"#ffff00000000"), un, "kind")
    yield Refused("PSD, layers alone", lambda: psd(COLOUR, 3, resources=_resource(
        1057, b"\0\0\0\1\0" + bytes(15))), un, "kind")  # fmt: skip
    yield Refused("PSD of several inks", lambda: psd(COLOUR, 7), un, "kind")
    yield Refused("PSD, Lab", lambda: psd(COLOUR, 9), un, "kind")
    deep = COLOUR.astype(np.uint16) * 257
    yield Refused("PSD, 16 bit", lambda: psd(deep, 3, 16), un, "PSD|kind")
    r, g, b = (COLOUR[..., n].astype("<u4") for n in range(3))
    ten = (r << 22 | g << 12 | b << 2).astype("<u4").tobytes()
    yield Refused("BMP, 10 bits a colour", lambda: _bmp(ten, 32, 3, struct.pack(
        "<III", 0x3FF00000, 0xFFC00, 0x3FF)), un, "BMP|kind")  # fmt: skip
    swapped = (r | g << 8 | b << 16).astype("<u4").tobytes()
    yield Refused("BMP, red at the end", lambda: _bmp(swapped, 32, 3, struct.pack(
        "<III", 0xFF, 0xFF00, 0xFF0000)), un, "BMP|kind")  # fmt: skip
    yield Refused("HEIF, its head alone", lambda: box(b"ftyp", b"heic\0\0\0\0mif1heic"), "damaged",
                  "HEIF|whole")  # fmt: skip
    for name, kind, data in _MARKED:
        yield Refused(f"a file that is {kind} ({name})", partial(bytes, data), un, name)
    yield Refused("a letter by Word", lambda: _document("word/document.xml"), un, "Word")
    yield Refused("a ZIP", lambda: _document("a.png"), un, "archive.*zip")
    yield Refused("text", lambda: b"The patient was seen.\n" * 50, no, "not a picture")
    yield Refused("a table", lambda: b"a;b;c\n1;2;3\n", no, "not a picture")
    yield Refused("a program", lambda: b"\x7fELF\2\1\1" + bytes(500), no, "not a picture")
    yield Refused("a script", lambda: b"#!/bin/sh\necho P5\n", no, "not a picture")
    yield Refused("a drawing in SVG", lambda: b"<svg xmlns='x'></svg>", no, "not a picture")
    yield Refused("sound", _sound, no, "not a picture")
    yield Refused("bytes of nothing", lambda: bytes(5000), no, "not a picture")
    yield Refused("nothing", bytes, "empty", "empty")
    yield Refused("nothing in gzip", lambda: gzip.compress(b""), "empty", "holds nothing")
    yield Refused("text in gzip", lambda: gzip.compress(b"text"), no, "not a picture")
    yield Refused("half a gzip", lambda: gzip.compress(png(COLOUR, 2))[:100], "damaged", "whole")
    for name, pack in (("gzip", gzip.compress), ("bzip2", bz2.compress), ("xz", lzma.compress)):
        yield Refused(
            f"a bomb in {name}", partial(lambda p: p(bytes(80_000_000)), pack), "too_large",
            "unfold",
        )  # fmt: skip


_HEAD = b"\0\0\0\x18ftyp"
_MARKED = (
    ("OpenEXR", "a picture", b"\x76\x2f\x31\x01\2\0\0\0" + bytes(99)),
    ("Radiance HDR", "a picture", b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n"),
    ("MIFF", "a picture", b"id=ImageMagick  version=1.0\n"),
    ("colour PFM", "a picture", b"PF\n2 2\n-1.0\n" + bytes(48)),
    ("PAM", "a picture", b"P7\nWIDTH 1\n"),
    ("GIMP", "a picture", b"gimp xcf file\0" + bytes(40)),
    ("large PSD", "a picture", b"8BPS\0\2" + bytes(40)),
    ("Zeiss CZI", "a picture", b"ZISRAWFILE" + bytes(40)),
    ("NumPy", "a picture", b"\x93NUMPY\1\0" + bytes(40)),
    ("MATLAB", "a picture", b"MATLAB 5.0 MAT-file, made" + bytes(40)),
    ("NIfTI", "a volume", b"\x5c\1\0\0" + bytes(340) + b"n+1\0" + bytes(8)),
    ("Analyze", "a volume", b"\x5c\1\0\0" + bytes(344)),
    ("NRRD", "a volume", b"NRRD0004\ntype: short\n"),
    ("MetaImage", "a volume", b"ObjectType = Image\nNDims = 3\n"),
    ("HDF5", "a volume", b"\x89HDF\r\n\x1a\n" + bytes(40)),
    ("MP4", "a video", _HEAD + b"isom\0\0\2\0isomiso2" + bytes(40)),
    ("QuickTime", "a video", _HEAD + b"qt  \0\0\2\0" + bytes(40)),
    ("AVI", "a video", b"RIFF\x40\0\0\0AVI LIST" + bytes(40)),
    ("Matroska", "a video", b"\x1a\x45\xdf\xa3" + bytes(40)),
    ("7z", "an archive", b"7z\xbc\xaf\x27\x1c" + bytes(40)),
    ("RAR", "an archive", b"Rar!\x1a\x07\1\0" + bytes(40)),
    ("Zstandard", "an archive", b"\x28\xb5\x2f\xfd" + bytes(40)),
    ("tar", "an archive", bytes(257) + b"ustar\x0000" + bytes(248)),
    ("PostScript", "a document", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"),
    ("PostScript with", "a document", b"\xc5\xd0\xd3\xc6" + bytes(40)),
    ("Office", "a document", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)),
    ("RTF", "a document", b"{\\rtf1 words}"),
    ("DjVu", "a document", b"AT&TFORM\0\0\0\x40DJVU" + bytes(40)),
    ("Windows metafile", "a drawing", b"\xd7\xcd\xc6\x9a" + bytes(60)),
    ("enhanced metafile", "a drawing", b"\1\0\0\0" + bytes(36) + b" EMF" + bytes(80)),
)


def _document(member: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr(member, "x" * 50)
    return data.getvalue()


def _sound() -> bytes:
    data = io.BytesIO()
    with wave.open(data, "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(2000))
    return data.getvalue()
