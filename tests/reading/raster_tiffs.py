"""TIFF files of many kinds, and what is seen of each."""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import tifffile

from tests.reading.raster_made import (
    COLOUR,
    COLOURS,
    GREY,
    GREYS,
    HEIGHT,
    WIDTH,
    Directory,
    Quarters,
    Values,
    current,
    laid,
    of_bits,
    page,
    quartered,
    saved,
    tiff,
    windowed,
)
from tests.reading.raster_rows import Refused, Row

WHITE = (255, 255, 255)
_HALF = quartered((255, 128, 0, 255))
# Colours of which each quarter is covered wholly, by half, not at all, and wholly.
COVERED: Quarters = (COLOURS[0], (127, 255, 127), WHITE, COLOURS[3])
_UINT = {1: np.uint8, 2: np.uint8, 4: np.uint8, 8: np.uint8, 12: np.uint16, 16: np.uint16,
         32: np.uint32, 64: np.uint64}  # fmt: skip


def rows() -> Iterator[Row]:
    yield from _greys()
    yield from _colours()
    yield from _alphas()
    yield from _no_data()
    yield from _compressed()
    yield from _layouts()
    yield from _pages()


def refused() -> Iterator[Refused]:
    yield Refused(
        "an unknown compression",
        lambda: tiff(page(GREY, t259=(3, [1000]))), "unsupported", "by method 1000",
    )  # fmt: skip
    yield Refused(
        "complex numbers", lambda: _written(GREY.astype(np.complex64)), "unsupported", "complex"
    )
    yield Refused(
        "inks other than CMYK",
        lambda: tiff(page(_cmyk(), 5, t332=(3, [2]))), "unsupported", "inks",
    )  # fmt: skip
    yield Refused(
        "a filter's colours", lambda: tiff(page(GREY, 32803)), "unsupported", "CFA"
    )  # fmt: skip
    yield Refused("half of a TIFF", lambda: tiff(page(GREY))[:9_000], "damaged", "whole copy")


def _written(values: Values, **how: Any) -> bytes:
    data = io.BytesIO()
    tifffile.imwrite(data, values, **how)
    return data.getvalue()


def _greys() -> Iterator[Row]:
    for bits in (1, 2, 4, 8, 12, 16, 32, 64):
        seen = current(bits) if bits <= 8 else windowed()
        for order, named in (("<", "little"), (">", "big")):
            for photometric, way in ((1, "black"), (0, "white")):
                four = of_bits(bits)
                if photometric == 0:
                    four = [2**bits - 1 - value for value in four]
                yield Row(
                    f"{way} is zero, {bits} bit, {named}-endian",
                    partial(_made, quartered(four, _UINT[bits]), photometric, bits, order),
                    seen,
                    magick=_magick(bits, photometric),
                )
    for kind in (np.float16, np.float32, np.float64):
        for photometric, way in ((1, "black"), (0, "white")):
            shares = [v / 255 if photometric else 1 - v / 255 for v in GREYS]
            yield Row(
                f"{way} is zero, {kind.__name__}",
                partial(_made, quartered(shares, kind), photometric, None, ">"),
                windowed(),
                magick="deep" if kind is np.float32 and photometric else "",
            )
    for signed in (np.int8, np.int16, np.int32):
        bits = signed(0).itemsize * 8
        four = [value - 2 ** (bits - 1) for value in of_bits(bits)]
        yield Row(
            f"signed, {bits} bit",
            partial(_made, quartered(four, signed), 1, None, "<"),
            windowed(),
        )
    yield Row(
        "BigTIFF", lambda: tiff(page(GREY, order=">"), order=">", big=True), current(8),
        magick="yes",
    )  # fmt: skip


def _magick(bits: int, photometric: int) -> str:
    """ImageMagick 6 knows white that is zero in some depths alone."""
    if bits > 32 or (photometric == 0 and bits not in (1, 8, 16)):
        return ""
    return "deep" if bits > 8 else "yes"


def _made(values: Values, photometric: int, bits: int | None, order: str) -> bytes:
    return tiff(page(values, photometric, bits, order=order, strips=50), order=order)


def _cmyk(top: int = 255, kind: Any = np.uint8) -> Values:
    return quartered([(0, top, top, 0), (top, 0, top, 0), (top, top, 0, 0), (0, 0, top, 0)], kind)


def _lab(encoded: bool, deep: bool) -> Values:
    from skimage.color import rgb2lab

    light, a, b = np.moveaxis(rgb2lab(COLOUR), -1, 0)
    if encoded:  # as ICC writes it
        unit = 256 if deep else 1
        found = [light * ((0xFF00 if deep else 255) / 100), (a + 128) * unit, (b + 128) * unit]
    else:
        found = [light * ((65535 if deep else 255) / 100)]
        found += [part * (256 if deep else 1) % (65536 if deep else 256) for part in (a, b)]
    kind = np.uint16 if deep else np.uint8
    return np.stack([np.floor(part + 0.5).astype(np.int64).astype(kind) for part in found], axis=-1)


def _palette(scale: int) -> list[int]:
    return [
        value * scale for channel in range(3)
        for value in [colour[channel] for colour in COLOURS] + [9] * 252
    ]  # fmt: skip


def _colours() -> Iterator[Row]:
    yield Row("RGB", lambda: tiff(page(COLOUR, 2)), magick="yes")
    yield Row("RGB, planar", lambda: tiff(page(COLOUR, 2, planar=True, strips=33)), magick="yes")
    deep = COLOUR.astype(np.uint16) * 257
    yield Row("RGB, 16 bit", lambda: tiff(page(deep, 2)), magick="yes")
    yield Row("RGB, 16 bit of 10 that are used", lambda: tiff(page(deep // 64, 2)))
    yield Row("RGB, float", lambda: tiff(page(COLOUR.astype(np.float32) / 255, 2)), magick="yes")
    four = COLOUR >> 4
    yield Row("RGB, 4 bit", lambda: tiff(page(four, 2, 4)), magick="yes")
    index = quartered([0, 1, 2, 3])
    for scale, said in ((257, "16"), (1, "8")):
        yield Row(
            f"palette of {said} bit in fields of 16",
            lambda scale=scale: tiff(page(index, 3, t320=(3, _palette(scale)))),  # type: ignore[misc]
            magick="yes",
        )
    yield Row(
        "palette, 4 bit",
        lambda: tiff(page(index, 3, 4, t320=(3, [
            value * 257 for c in range(3) for value in [k[c] for k in COLOURS] + [0] * 12
        ]))),
        magick="yes",
    )  # fmt: skip
    yield Row("CMYK", lambda: tiff(page(_cmyk(), 5)), magick="yes")
    yield Row("CMYK, 16 bit", lambda: tiff(page(_cmyk(65535, np.uint16), 5)), magick="yes")
    yield Row("CMYK, planar", lambda: tiff(page(_cmyk(), 5, planar=True)), magick="yes")
    yield Row("CIELAB", lambda: tiff(page(_lab(False, False), 8)), near=8)
    yield Row("CIELAB, 16 bit", lambda: tiff(page(_lab(False, True), 8)), near=2)
    yield Row("ICCLAB", lambda: tiff(page(_lab(True, False), 9)), near=8)
    yield Row("ICCLAB, 16 bit", lambda: tiff(page(_lab(True, True), 9)), near=2)
    yield Row(
        "YCbCr, subsampled, JPEG",
        lambda: saved(COLOUR, "TIFF", compression="jpeg", quality=95), near=10, magick="yes",
    )  # fmt: skip


def _alphas() -> Iterator[Row]:
    over = np.dstack([COLOUR, _HALF])
    dimmed = np.dstack([(COLOUR * (_HALF[..., None] / 255.0)).round().astype(np.uint8), _HALF])
    deep = over.astype(np.uint16) * 257
    yield Row("alpha, unassociated", lambda: tiff(page(over, 2, t338=(3, [2]))), COVERED)
    yield Row("alpha, associated", lambda: tiff(page(dimmed, 2, t338=(3, [1]))), COVERED)
    yield Row("alpha, 16 bit", lambda: tiff(page(deep, 2, t338=(3, [2]))), COVERED)
    yield Row("alpha, 12 bit", lambda: tiff(page(deep >> 4, 2, 12, t338=(3, [2]))), COVERED)
    yield Row("alpha, 4 bit", lambda: tiff(page(over >> 4, 2, 4, t338=(3, [2]))), COVERED, near=9)
    dark = np.dstack([GREY, np.full((HEIGHT, WIDTH), 255, np.uint8)])
    yield Row("grey with alpha", lambda: tiff(page(dark, 1, t338=(3, [2]))), current(8))
    yield Row(
        "alpha, associated, 16 bit",
        lambda: tiff(page(dimmed.astype(np.uint16) * 257, 2, t338=(3, [1]))), COVERED, near=3,
    )  # fmt: skip
    yield Row("a fourth sample of which nothing is said", lambda: tiff(page(over, 2)), COVERED)
    yield Row("a fourth sample that is something else",
              lambda: tiff(page(over, 2, t338=(3, [0]))))  # fmt: skip


def _no_data() -> Iterator[Row]:
    def rimmed(kind: Any, nothing: float) -> Values:
        values = quartered(GREYS).astype(kind) + 1000
        values[:10], values[:, -10:] = nothing, nothing
        return values

    said = (2, b"-9999\0")
    yield Row("GDAL's no-data", lambda: tiff(page(rimmed(np.int16, -9999), t42113=said)),
              windowed())  # fmt: skip
    yield Row("GDAL's no-data, float", lambda: tiff(page(rimmed(np.float32, -9999), t42113=said)),
              windowed())  # fmt: skip
    for nothing in (np.nan, np.inf, -3.4028235e38, 1e38):
        yield Row(
            f"{nothing} for none",
            partial(lambda n: tiff(page(rimmed(np.float32, n))), nothing),
            windowed(),
        )


def _compressed() -> Iterator[Row]:
    deep = (GREY.astype(np.uint16)) * 257
    for how in ("lzw", "deflate", "packbits", "zstd", "lzma", "lerc", "jpegxl", "jpeg2000", "webp",
                "png"):  # fmt: skip
        level = {"jpegxl": {"lossless": True}, "webp": {"lossless": True}}.get(how, {})
        known = how in ("lzw", "deflate", "packbits", "zstd", "lzma")
        yield Row(
            f"compressed by {how}",
            partial(_written, COLOUR, photometric="rgb", compression=how, compressionargs=level,
                    tile=(64, 64)),
            magick="yes" if known else "",
        )  # fmt: skip
        if how != "webp":
            yield Row(
                f"compressed by {how}, 16 bit",
                partial(_written, deep, compression=how, compressionargs=level, rowsperstrip=32),
                windowed(),
                magick="deep" if known else "",
            )
    yield Row(
        "compressed by JPEG",
        partial(_written, COLOUR, photometric="rgb", compression="jpeg", compressionargs={
            "level": 95}), near=10, magick="yes",
    )  # fmt: skip
    yield Row(
        "compressed by LERC, float",
        partial(_written, GREY.astype(np.float32), compression="lerc"), windowed(),
    )  # fmt: skip
    for fax in ("group3", "group4", "tiff_ccitt"):
        yield Row(f"fax, {fax}", partial(_fax, fax), current(1), magick="yes")


def _fax(how: str) -> bytes:
    return saved(GREY > 127, "TIFF", compression=how)


def _layouts() -> Iterator[Row]:
    deep, real = GREY.astype(np.uint16) * 257, GREY.astype(np.float32) / 255
    for named, values, how in (
        ("predictor", COLOUR, {"predictor": 2, "compression": "lzw"}),
        ("predictor, 16 bit, big-endian", deep, {
            "predictor": 2, "compression": "deflate", "byteorder": ">"}),
        ("predictor of floats", real, {"predictor": 3, "compression": "deflate"}),
        ("tiles that lap over", COLOUR, {"tile": (96, 112)}),
        ("tiles, planar", COLOUR, {"tile": (32, 48), "planarconfig": "separate"}),
        ("strips of one row", deep, {"rowsperstrip": 1}),
    ):  # fmt: skip
        colours = values.ndim == 3
        own = np.moveaxis(values, -1, 0) if "planarconfig" in how else values
        yield Row(
            named,
            partial(_written, np.ascontiguousarray(own),
                    photometric="rgb" if colours else "minisblack", **how),
            COLOURS if colours else windowed(),
            magick="yes" if colours else "deep",
        )  # fmt: skip
    for orientation in range(1, 9):
        yield Row(
            f"orientation {orientation}",
            partial(_turned, orientation),
        )
    yield Row(
        "a strip that was left out is zero",
        lambda: _sparse(), ((255, 0, 0), (0, 255, 0), (0, 0, 0), (0, 0, 0)),
    )  # fmt: skip


def _turned(orientation: int) -> bytes:
    return tiff(page(laid(COLOUR, orientation), 2, strips=200, t274=(3, [orientation])))


def _sparse() -> bytes:
    one = page(COLOUR, 2, strips=60)
    return tiff(Directory({**one.tags}, [one.blocks[0], b""]))


def _tiled(values: Values, **tags: Any) -> Directory:
    """A page in one tile of plain samples."""
    height, width = (-(-side // 16) * 16 for side in values.shape[:2])
    block = np.zeros((height, width, *values.shape[2:]), values.dtype)
    block[: values.shape[0], : values.shape[1]] = values
    own = page(values, 2, **tags)
    own.tags.pop(278)
    own.tags |= {322: (4, [width]), 323: (4, [height])}
    return Directory(own.tags, [block.tobytes()], tiled=True)


def _pages() -> Iterator[Row]:
    small, other = COLOUR[::2, ::2], 255 - COLOUR
    text = (2, b"Aperio Image Library v12\0")
    yield Row("two pages", lambda: tiff(page(COLOUR, 2), page(COLOUR, 2)), pages=(1, 2))
    yield Row(
        "a reduced copy is no picture of its own",
        lambda: tiff(page(COLOUR, 2), page(small, 2, t254=(4, [1]))), pages=(1,),
    )  # fmt: skip
    yield Row(
        "a mask is no picture of its own",
        lambda: tiff(page(COLOUR, 2), page(GREY > 90, 4, 1, t254=(4, [4]))), pages=(1,),
    )  # fmt: skip
    yield Row(
        "a reduced copy that stands alone is read",
        lambda: tiff(page(COLOUR, 2, t254=(4, [1]))),
    )
    yield Row(
        "a pyramid by its flags",
        lambda: tiff(_tiled(COLOUR), _tiled(small, t254=(4, [1]))), pages=(1,),
    )  # fmt: skip
    yield Row(
        "a pyramid without flags",
        lambda: tiff(_tiled(COLOUR), _tiled(small), _tiled(COLOUR[::4, ::4])), pages=(1,),
    )  # fmt: skip
    yield Row(
        "a pyramid below its page",
        lambda: tiff(Directory({**_tiled(COLOUR).tags}, _tiled(COLOUR).blocks, True, [
            _tiled(small, t254=(4, [1]))])),
    )  # fmt: skip
    yield Row(
        "a slide, whose label is never read",
        lambda: tiff(_tiled(COLOUR, t270=text), page(small, 2, t270=text), page(
            other, 2, t270=(2, b"Aperio Image Library\nlabel 387x463\0"), t254=(4, [1])), page(
            other, 2, t270=(2, b"Aperio Image Library\nmacro 1280x431\0"), t254=(4, [9]))),
        pages=(1,),
    )  # fmt: skip
    yield Row(
        "one page of three is bad",
        lambda: tiff(page(COLOUR, 2), page(COLOUR, 2, t259=(3, [8])), page(COLOUR, 2)),
        pages=(1, 3), refused=(("damaged", 2),),
    )  # fmt: skip
