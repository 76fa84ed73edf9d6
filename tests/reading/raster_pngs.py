"""PNG and JPEG files of many kinds, and what is seen of each."""

from __future__ import annotations

import struct
import zlib
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
    Quarters,
    chunk,
    current,
    exif,
    grey,
    imagecodecs,
    laid,
    of_bits,
    png,
    quartered,
    saved,
    segment,
    windowed,
)
from tests.reading.raster_rows import Refused, Row
from tests.reading.raster_tiffs import COVERED

_HALF = quartered((255, 128, 0, 255))
_DEEP = GREY.astype(np.uint16) * 257
_LOW = COLOUR.astype(np.uint16) * 2  # 16 bits of which the upper seven say next to nothing


def rows() -> Iterator[Row]:
    yield from _depths()
    yield from _chunks()
    yield from _everyday_jpeg()
    yield from _rare_jpeg()


def refused() -> Iterator[Refused]:
    yield Refused("PNG, cut short", lambda: png(COLOUR, 2)[:120], "damaged", "ends too soon")
    yield Refused("JPEG, cut short", partial(_cut_jpeg, 0.5), "damaged", "--truncated show")
    yield Refused("JPEG, a start alone", lambda: saved(COLOUR, "JPEG")[:20], "damaged", "x")
    yield Refused(
        "PNG of no width", lambda: png(COLOUR[:, :0], 2), "damaged", "x"
    )  # fmt: skip


def _depths() -> Iterator[Row]:
    for bits in (1, 2, 4, 8, 16):
        kind = np.uint16 if bits == 16 else np.uint8
        for interlaced in (False, True):
            yield Row(
                f"PNG, grey, {bits} bit" + (", interlaced" if interlaced else ""),
                partial(png, quartered(of_bits(bits), kind), 0, bits, interlaced=interlaced),
                windowed() if bits == 16 else current(bits),
                magick="deep" if bits == 16 else "yes",
            )
    for bits in (1, 2, 4, 8):
        clear = chunk(b"tRNS", struct.pack(">H", of_bits(bits)[1]))
        one = of_bits(bits)[1]
        yield Row(
            f"PNG, grey, {bits} bit, one value of it clear",
            partial(png, quartered(of_bits(bits)), 0, bits, before=clear),
            tuple((255,) * 3 if value == one else seen
                  for value, seen in zip(of_bits(bits), current(bits), strict=True)),
        )  # fmt: skip
    yield Row("PNG, RGB, 16 bit, low values", partial(png, _LOW, 2, 16), magick="deep")
    yield Row(
        "PNG, RGBA, 16 bit, low values",
        partial(png, np.dstack([_LOW, _HALF.astype(np.uint16) * 257]), 6, 16), COVERED,
    )  # fmt: skip
    yield Row(
        "PNG, grey and alpha, 16 bit",
        partial(png, np.dstack([_DEEP // 300, np.full_like(_DEEP, 65535)]), 4, 16),
        windowed([v * 257 // 300 for v in GREYS]),
    )
    yield Row("PNG, RGBA", partial(png, np.dstack([COLOUR, _HALF]), 6), COVERED)
    yield Row("PNG, RGB, interlaced", partial(png, COLOUR, 2, interlaced=True), magick="yes")
    table = chunk(b"PLTE", bytes(v for c in COLOURS for v in c))
    for bits in (2, 4, 8):
        yield Row(
            f"PNG, palette, {bits} bit",
            partial(png, quartered([0, 1, 2, 3]), 3, bits, before=table), magick="yes",
        )  # fmt: skip
    yield Row(
        "PNG, palette of which some is clear",
        partial(png, quartered([0, 1, 2, 3]), 3, 8,
                before=table + chunk(b"tRNS", bytes((255, 128, 0)))), COVERED,
    )  # fmt: skip


def _linear() -> Quarters:
    """What is seen of the grey face where its values count light."""
    return grey(*(round(255 * (value / 255) ** 0.45455) for value in GREYS))


def _chunks() -> Iterator[Row]:
    bomb = zlib.compress(bytes(80_000_000))
    for named, before in (
        ("a profile that unfolds to 80 MB", chunk(b"iCCP", b"p\0\0" + bomb)),
        ("text that unfolds to 80 MB", chunk(b"zTXt", b"t\0\0" + bomb)),
        ("2 MB of text", chunk(b"tEXt", b"t\0" + b"x" * 2_000_000)),
        ("a wrong check of text", chunk(b"tEXt", b"t\0x", wrong=True)),
        ("a profile that is none", chunk(b"iCCP", b"nonsense")),
        ("a time that can't be", chunk(b"tIME", b"\xff" * 3)),
        ("EXIF that can't be parsed", chunk(b"eXIf", b"II*\0\xff\xff\xff\xff")),
        ("EXIF that is no EXIF", chunk(b"eXIf", b"\1")),
        ("EXIF of odd kinds", chunk(b"eXIf", exif(
            1, 4, struct.pack("<HHII", 271, 99, 7, 0xFFFFFFF0)))),
    ):  # fmt: skip
        yield Row(f"PNG, {named}", partial(png, COLOUR, 2, before=before))
    yield Row("PNG without its end", partial(png, COLOUR, 2, end=False))
    yield Row("PNG of 16 bit without its end", partial(png, _LOW, 2, 16, end=False))
    yield Row("PNG, bytes after its end", lambda: png(COLOUR, 2) + b"\0" * 100)
    for orientation in (2, 6, 8):
        yield Row(
            f"PNG, turned by EXIF, {orientation}",
            partial(png, laid(COLOUR, orientation), 2,
                    before=chunk(b"eXIf", exif(orientation, order=">"))),
        )  # fmt: skip
        yield Row(
            f"PNG, 16 bit, turned by EXIF, {orientation}",
            partial(png, laid(_LOW, orientation), 2, 16,
                    before=chunk(b"eXIf", exif(orientation))),
        )  # fmt: skip
    for named, gamma, seen in (("linear light", 100_000, _linear()), ("sRGB's", 45_455,
                                current(8)), ("a senseless gamma", 1, current(8))):  # fmt: skip
        yield Row(
            f"PNG, gAMA of {named}",
            partial(png, GREY, 0, before=chunk(b"gAMA", struct.pack(">I", gamma))), seen,
        )  # fmt: skip
    yield Row(
        "PNG, gAMA and sRGB",
        partial(png, GREY, 0, before=chunk(b"gAMA", struct.pack(">I", 100_000))
                + chunk(b"sRGB", b"\0")), current(8),
    )  # fmt: skip
    yield Row("APNG of three frames", _apng, told=(("frames", 3),))


def _apng() -> bytes:
    more = [Image.fromarray(255 - COLOUR), Image.fromarray(COLOUR // 2)]
    return saved(COLOUR, "PNG", save_all=True, append_images=more)


def _jpeg(*parts: bytes, **how: Any) -> bytes:
    """A JPEG with segments after its start."""
    data = saved(COLOUR, "JPEG", quality=95, **how)
    return data[:2] + b"".join(parts) + data[2:]


def _app1(body: bytes) -> bytes:
    return segment(0xE1, b"Exif\0\0" + body)


def _cut_jpeg(share: float) -> bytes:
    noise = np.random.default_rng(3).integers(0, 40, COLOUR.shape, dtype=np.uint8)
    data = saved(np.where(COLOUR > 0, COLOUR - noise, noise), "JPEG", quality=95)
    return data[: int(len(data) * share)]


def _everyday_jpeg() -> Iterator[Row]:
    lens = struct.pack("<HHII", 42034, 12, 0xFFFFFF, 3)
    for kind in (1, 3, 4):
        yield Row(
            f"JPEG, turned by EXIF, a field of kind {kind}",
            partial(_turned_jpeg, 6, _app1(exif(6, kind, lens))), near=3,
        )  # fmt: skip
    for orientation in range(2, 9):
        yield Row(
            f"JPEG, turned by EXIF, {orientation}",
            partial(_turned_jpeg, orientation, _app1(exif(orientation, order=">"))), near=3,
            told=(("frames", 1),),
        )  # fmt: skip
    for named, part in (
        ("EXIF that can't be parsed", _app1(b"II*\0\xff\xff\xff\xff")),
        ("EXIF of no length", segment(0xE1, b"Exif\0\0")),
        ("an empty JFIF", segment(0xE0, b"")),
        ("bytes between segments", b"\0\1\2\3garbage"),
        ("fill bytes", b"\xff\xff\xff"),
        ("a profile that is none", segment(0xE2, b"ICC_PROFILE\0\1\2broken")),
        ("a long comment", segment(0xFE, b"x" * 60_000) * 20),
        ("a Photoshop segment that is none", segment(0xED, b"Photoshop 3.0\0" + b"8BIM" * 9)),
    ):
        yield Row(f"JPEG, {named}", partial(_jpeg, part), near=3)
    yield Row("JPEG without its end", lambda: _jpeg()[:-2], near=3)
    yield Row("JPEG, bytes after its end", lambda: _jpeg() + b"more" * 99, near=3)
    yield Row(
        "JPEG, cut short, shown as far as it goes", partial(_cut_jpeg, 0.9),
        (*((255, 0, 0), (0, 255, 0)), (0, 0, 255), (255, 255, 0)), near=60,
        told=(("truncated", True),), truncated="show",
    )  # fmt: skip
    for named, how in (("progressive", {"progressive": True}), ("4:2:0", {"subsampling": 2}),
                       ("RGB", {"keep_rgb": True})):  # fmt: skip
        yield Row(f"JPEG, {named}", partial(_jpeg, **how), near=12, magick="yes")
    yield Row("JPEG, grey", partial(saved, GREY, "JPEG", quality=95), current(8), near=2,
              magick="yes")  # fmt: skip
    yield Row("JPEG of two pictures", _mpo, near=3, told=(("frames", 2),))


def _turned_jpeg(orientation: int, part: bytes) -> bytes:
    data = saved(laid(COLOUR, orientation), "JPEG", quality=95)
    return data[:2] + part + data[2:]


def _mpo() -> bytes:
    other = Image.fromarray(255 - COLOUR)
    return saved(COLOUR, "MPO", save_all=True, append_images=[other], quality=95)


def _rare_jpeg() -> Iterator[Row]:
    twelve = _DEEP >> 4
    deep = {"bitspersample": 12, "level": 95}
    yield Row("JPEG, 12 bit", lambda: imagecodecs.jpeg8_encode(twelve, **deep), windowed())
    yield Row("JPEG, lossless, grey", lambda: imagecodecs.ljpeg_encode(GREY), current(8))
    yield Row("JPEG, lossless, 12 bit",
              lambda: imagecodecs.ljpeg_encode(twelve, bitspersample=12), windowed())  # fmt: skip
    yield Row("JPEG, lossless, RGB", lambda: imagecodecs.jpeg8_encode(COLOUR, lossless=True))
    yield Row("JPEG-LS", lambda: imagecodecs.jpegls_encode(COLOUR))
    yield Row("JPEG-LS, 16 bit", lambda: imagecodecs.jpegls_encode(_DEEP), windowed())
    ink = 255 - np.dstack([COLOUR, np.full((HEIGHT, WIDTH), 255, np.uint8)])
    yield Row("JPEG, CMYK as Adobe inverts it", lambda: _cmyk(ink), near=6, magick="yes")
    turned = _app1(exif(3))
    yield Row("JPEG, 12 bit, turned", lambda: _after_start(imagecodecs.jpeg8_encode(
        laid(twelve, 3), bitspersample=12, level=95), turned), windowed())  # fmt: skip


def _after_start(data: bytes, part: bytes) -> bytes:
    return data[:2] + part + data[2:]


def _cmyk(ink: Any) -> bytes:
    import io

    out = io.BytesIO()
    Image.fromarray(ink, mode="CMYK").save(out, "JPEG", quality=95)
    return out.getvalue()
