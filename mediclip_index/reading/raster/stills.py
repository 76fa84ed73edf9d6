"""A file that holds one picture, or an animation's first → that picture, as Pillow decodes it."""

from __future__ import annotations

import contextlib
import io
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice

import numpy as np
from PIL import ExifTags, Image, ImageFile, ImageOps, UnidentifiedImageError

from mediclip_index.reading.raster import codecs, essentials, large
from mediclip_index.reading.raster.samples import TURNED, Samples, seen, turned
from mediclip_index.reading.refusing import Unreadable
from mediclip_index.reading.signatures import signature
from mediclip_index.reading.tones import bounded, pixels, reduction, to_eight_bits
from mediclip_index.types import Attribute, Bounds, Picture, Truncated

# How Pillow says that a file ends before its picture does.
CUT_SHORT = re.compile(r"truncated|not enough image data|unexpected end", re.IGNORECASE)
DEEP = {"I;16", "I;16L", "I;16B", "I;16N", "I", "F"}  # modes of more than 8 bits
_XPM, _XPM_TEXT = b"/* XPM */", re.compile(rb'"([^"\n]*)"')
# Colours of an XPM that Pillow understands.
_XPM_COLOUR = re.compile(rb"\sc\s+(#[0-9A-Fa-f]{6}|None)(\s|$)")
_FITS, _PSD = b"SIMPLE  =", b"8BPS\0\1"
# Bitmap, grey, palette, RGB, CMYK and duotone: what Pillow has all the channels of.
_PSD_KINDS = {(0, 1), (1, 8), (2, 8), (3, 8), (4, 8), (8, 8)}
_XBGR = b"\0\0\0\x20"  # the depth of a Sun raster whose first byte of four is none
# EPS runs another program, WMF and the stubs need one, FPX and MIC are dead.
_NEVER = {"EPS", "WMF", "BUFR", "GRIB", "HDF5", "MPEG", "FPX", "MIC"}


def read(
    data: bytes, path: str, size: int, bounds: Bounds, truncated: Truncated = "refuse"
) -> Picture:
    """Raises Unreadable, or what decoders raise."""
    try:
        return _read(data, path, size, bounds)
    except OSError as error:
        if truncated == "refuse" or not CUT_SHORT.search(str(error)):
            raise
    with _as_far_as_it_goes():
        picture = _read(data, path, size, bounds)
    return replace(picture, metadata={**picture.metadata, "truncated": True})


def _read(data: bytes, path: str, size: int, bounds: Bounds) -> Picture:
    still = Still()
    codec: codecs.Codec | None
    if data.startswith(essentials.PNG):
        png = essentials.png(data)
        data, still = png.data, Still(png.turn, png.frames, png.exponent)
        codec = codecs.of_png(png)
    elif data.startswith(essentials.JPEG):
        several = essentials.jpeg_holds_more(data)
        bare, turn, frame = essentials.jpeg(data)
        codec = codecs.of_jpeg(bare, turn, frame)
        if not several:
            data, still = bare, Still(turn, 1)
    elif essentials.is_psd(data):
        data, codec = essentials.psd(data), None
        _check_odd(data)
    elif data.startswith(b"BM") and signature(data) is None:
        raise UnidentifiedImageError  # a text may begin so
    else:
        codec = codecs.of_other(data)
        _check_odd(data)
    if codec is not None:
        check_pixels(codec.width, codec.height, path, bounds)
        if codec.whole or not large.is_large(codec.width, codec.height, bounds):
            return _of_samples(codec.decode(), codec.name, size, still)
    of_webp, of_netpbm = large.webp_size(data), large.deep_netpbm_size(data)
    full = of_webp or of_netpbm
    if full is not None and (of_netpbm or large.is_large(*full, bounds)):
        check_pixels(*full, path, bounds)
        name = "WEBP" if of_webp else "PPM"
        samples = large.samples(data, name, 1, reduction(full, size))
        if samples is not None:
            return _of_samples(samples, name, size, Still(1, 1), full)
    try:
        with _open(data) as picture:
            return of_pillow(picture, path, size, bounds, still=still, data=data)
    except (OSError, ValueError, SyntaxError):
        known = signature(data)
        samples = codecs.instead(data, known.name) if known else None
        if samples is None:
            raise
        return _of_samples(samples, known.name if known else "", size, still)


@dataclass(frozen=True)
class Still:
    """What is known of a picture before Pillow opens it; 0 where it is not."""

    turn: int = 0
    frames: int = 0
    exponent: float = 1.0


def of_pillow(
    picture: Image.Image,
    path: str,
    size: int,
    bounds: Bounds,
    *,
    still: Still | None = None,
    page: int | None = None,
    data: bytes = b"",
) -> Picture:
    """What Pillow has opened; `data`, the file, is there where it may be decoded in another way."""
    still = still or Still()
    if picture.format == "ICO":
        _take_largest(picture, path, bounds)
    check_pixels(picture.width, picture.height, path, bounds)
    full, mode, name = picture.size, picture.mode, picture.format or "unknown"
    turn = still.turn or _turn(picture)
    if data and large.is_large(*full, bounds):
        samples = large.samples(data, name, turn, reduction(full, size))
        if samples is not None:
            return _of_samples(samples, name, size, still, full)
    if name == "JPEG2000" and large.is_large(*full, bounds):
        # Its wavelets give 1/2, 1/4 ...; Pillow takes no half of them, and no eight, by itself.
        picture.reduce = int(math.log2(reduction(full, size)))  # type: ignore[method-assign,assignment]
    if name == "JPEG" and size:
        # Decoded at 1/2, 1/4 or 1/8, never below twice what the model sees on the short side.
        scale = 2 * size / min(full)
        asked = (max(1, int(full[0] * scale)), max(1, int(full[1] * scale)))
        picture.draft(None, asked)
        picture = _whole(picture, data, asked)
    if name == "PCX" and data[2:3] == b"\0":
        raise NotImplementedError  # its rows are not packed, which Pillow does not look at
    if (name == "FITS" and mode in DEEP) or (name == "SUN" and data[12:16] == _XBGR):
        raise NotImplementedError  # Pillow mistakes their numbers
    picture.load()
    told = {"frames": still.frames} if still.frames else _frames(picture)
    if mode in DEEP:
        picture = Image.fromarray(to_eight_bits(np.asarray(picture)))
    if name == "GIF":
        picture = _on_its_canvas(picture)
    if name == "XBM" or (name == "PSD" and mode == "1"):  # whose ones are ink
        picture = ImageOps.invert(picture.convert("L"))
    if still.exponent != 1.0:
        picture = _brightened(picture, still.exponent)
    upright = _over_white(turned(picture, turn))
    width, height = full[::-1] if turn in TURNED else full
    return Picture(
        pixels=pixels(bounded(upright, size)),
        width=width,
        height=height,
        format=name,
        page=page,
        metadata={"mode": mode, **told},
    )


def _check_odd(data: bytes) -> None:
    """Kinds of which Pillow understands a part alone, and takes the rest for damage or for
    another picture: NotImplementedError for these."""
    if data.startswith(_XPM):
        texts = (found[1] for found in _XPM_TEXT.finditer(data))
        said = next(texts, b"").split()
        colours, letters = (int(n) if n.isdigit() else 0 for n in (said[2:4] or (b"", b"")))
        if not all(_XPM_COLOUR.search(text[letters:]) for text in islice(texts, colours)):
            raise NotImplementedError
    elif data.startswith(_FITS):
        deep = re.search(rb"NAXIS3  = +(\d+)", data[:2880])
        if deep and int(deep[1]) > 1:  # Pillow takes the first of several planes
            raise NotImplementedError
    elif data.startswith(_PSD):
        depth, mode = (int.from_bytes(data[at : at + 2], "big") for at in (22, 24))
        if (mode, depth) not in _PSD_KINDS or _has_no_composite(data):
            raise NotImplementedError


def _has_no_composite(data: bytes) -> bool:
    """Whether a PSD says (in its resource 1057) that its layers were not merged: what stands in
    the picture's place is white."""
    place = 34 + int.from_bytes(data[26:30], "big")
    end = place + int.from_bytes(data[place - 4 : place], "big")
    while place + 12 <= min(end, len(data)) and data[place : place + 4] == b"8BIM":
        name = data[place + 6] + 1
        body = place + 6 + name + name % 2 + 4
        length = int.from_bytes(data[body - 4 : body], "big")
        if data[place + 4 : place + 6] == b"\x04\x21":
            return length >= 5 and data[body + 4] == 0
        place = body + length + length % 2
    return False


def _take_largest(icon: Image.Image, path: str, bounds: Bounds) -> None:
    """The largest picture of an icon that can be had: its list of sizes may lie."""
    for width, height in sorted(icon.ico.sizes(), reverse=True):  # type: ignore[attr-defined]
        with contextlib.suppress(Exception):
            check_pixels(width, height, path, bounds)
            found = icon.ico.getimage((width, height))  # type: ignore[attr-defined]
            check_pixels(found.width, found.height, path, bounds)
            found.load()
            icon.size = (width, height)  # type: ignore[misc]
            return


def _of_samples(
    samples: Samples, name: str, size: int, still: Still, full: tuple[int, int] | None = None
) -> Picture:
    """What another decoder gave; `full` is the size before it was reduced."""
    width, height = full or samples.values.shape[1::-1]
    if samples.orientation in TURNED:
        width, height = height, width
    picture = seen(samples)
    if still.exponent != 1.0:
        picture = _brightened(picture, still.exponent)
    return Picture(
        pixels=pixels(bounded(picture, size)),
        width=width,
        height=height,
        format=name,
        metadata={
            "mode": f"{samples.colours};{samples.bits}", "frames": max(1, still.frames)
        },
    )  # fmt: skip


def _on_its_canvas(picture: Image.Image) -> Image.Image:
    """A GIF's first frame where it lies; what it leaves of the canvas is nothing, not black."""
    extent = getattr(picture, "dispose_extent", None)
    if extent is None or tuple(extent) == (0, 0, *picture.size):
        return picture
    canvas = Image.new("RGBA", picture.size, (255, 255, 255, 0))
    canvas.paste(picture.convert("RGBA").crop(extent), (extent[0], extent[1]))
    return canvas


def _brightened(picture: Image.Image, exponent: float) -> Image.Image:
    """A picture whose file says by which power its brightness is to be raised."""
    if picture.mode in ("1", "P", "PA") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
    table = [round(255 * (value / 255) ** exponent) for value in range(256)]
    same = list(range(256))
    bands = picture.getbands()
    return picture.point([v for band in bands for v in (same if band == "A" else table)])


def _open(data: bytes) -> Image.Image:
    limit = Image.MAX_IMAGE_PIXELS
    # Our own bounds say how many pixels are too many, before anything is decoded.
    Image.MAX_IMAGE_PIXELS = None
    try:
        return Image.open(io.BytesIO(data), formats=_formats())
    finally:
        Image.MAX_IMAGE_PIXELS = limit


@lru_cache(maxsize=1)
def _formats() -> tuple[str, ...]:
    """The kinds of picture that Pillow is let try."""
    import pi_heif

    pi_heif.register_heif_opener()
    Image.init()
    return tuple(name for name in Image.ID if name not in _NEVER)


def _whole(picture: Image.Image, data: bytes, asked: tuple[int, int]) -> Image.Image:
    """A JPEG, decoded; one that lacks its end mark alone is whole."""
    try:
        picture.load()
        return picture
    except OSError as error:
        if not CUT_SHORT.search(str(error)) or not data:
            raise
        try:
            one, other = (_drafted(ended, asked) for ended in essentials.cut_short(data))
        except OSError:
            raise error from None
        if one.tobytes() != other.tobytes():
            raise
        return one


@contextlib.contextmanager
def _as_far_as_it_goes() -> Iterator[None]:
    """Have Pillow show the part of a picture that is there."""
    before, ImageFile.LOAD_TRUNCATED_IMAGES = ImageFile.LOAD_TRUNCATED_IMAGES, True
    try:
        yield
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = before


def _drafted(data: bytes, asked: tuple[int, int]) -> Image.Image:
    picture = _open(data)
    picture.draft(None, asked)
    picture.load()
    return picture


def _turn(picture: Image.Image) -> int:
    """EXIF's orientation; nothing else of EXIF is needed, so nothing else of it can do harm."""
    try:
        return int(picture.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:
        return 1


def _frames(picture: Image.Image) -> Mapping[str, Attribute]:
    if picture.format == "GIF":
        # Counting its frames reads through all of them, and there may be a million.
        return {"animated": bool(getattr(picture, "is_animated", False))}
    return {"frames": int(getattr(picture, "n_frames", 1))}


def _over_white(picture: Image.Image) -> Image.Image:
    if picture.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info:
        above = picture.convert("RGBA")
        white = Image.new("RGBA", above.size, "white")
        return Image.alpha_composite(white, above).convert("RGB")
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def check_pixels(width: int, height: int, path: str, bounds: Bounds) -> None:
    """Refuse a picture by its header, before it is decoded."""
    if width * height > bounds.max_pixels:
        raise Unreadable(
            "too_large",
            f"{path} has {width} x {height} pixels; at most {bounds.max_pixels:,} are read.",
        )
    if width < 1 or height < 1:
        raise Unreadable("no_pixels", f"{path} has no pixels.")
