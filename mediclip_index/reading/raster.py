"""What Pillow reads → upright RGB pictures."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from mediclip_index.reading import camera
from mediclip_index.reading.refusing import Unreadable
from mediclip_index.reading.tones import bounded, pixels, to_eight_bits
from mediclip_index.terms import Attribute, Bounds, Picture, Refusal

_GREY = {"I;16", "I;16L", "I;16B", "I;16N", "I", "F"}
# EPS runs another program, WMF and the stubs need one, FPX and MIC are dead.
_NEVER = {"EPS", "WMF", "BUFR", "GRIB", "HDF5", "MPEG", "FPX", "MIC"}
_TURNED = {5, 6, 7, 8}  # EXIF orientations that swap width and height
_VECTOR = (b"<svg", b"<?xml", b"<!doctype", b"<html")


def read(data: bytes, path: str, size: int, bounds: Bounds) -> tuple[list[Picture], list[Refusal]]:
    """The pictures of a raster file: the first frame, but every page of a TIFF.

    Raises Unreadable where there is none; a page that fails is refused by itself.
    """
    if camera.is_raw(data):
        with _decoding(path, data):
            return [camera.preview(data, path, size, bounds)], []
    with warnings.catch_warnings():
        # Pillow warns of what it mends; bombs are weighed by our own bounds below.
        warnings.simplefilter("ignore")
        with _decoding(path, data), _open(data) as picture:
            pages = _pages(picture, path, bounds)
            if pages == 1:
                return [_picture(picture, path, size, bounds, None)], []
            found, refused = [], []
            for page in range(1, pages + 1):
                try:
                    with _decoding(path, data):
                        picture.seek(page - 1)
                        found.append(_picture(picture, path, size, bounds, page))
                except Unreadable as why:
                    refused.append(Refusal(path, why.reason, why.message, page))
            if not found:
                raise Unreadable(refused[0].reason, refused[0].message)
            return found, refused


def _pages(picture: Image.Image, path: str, bounds: Bounds) -> int:
    """The pages of a TIFF, counted no further than is allowed; 1 for all others."""
    if picture.format != "TIFF":
        return 1
    # One by one: after a leap beyond the end Pillow takes that for the number of pages.
    pages = 0
    with contextlib.suppress(EOFError):
        while pages <= bounds.max_pages:
            picture.seek(pages)
            pages += 1
        raise Unreadable(
            "too_large", f"{path} has over {bounds.max_pages} pages; at most those are read."
        )
    picture.seek(0)
    return pages


@contextlib.contextmanager
def _decoding(path: str, data: bytes) -> Iterator[None]:
    """Whatever a decoder throws at a bad file becomes a reason."""
    try:
        yield
    except Unreadable:
        raise
    except Image.DecompressionBombError:
        raise Unreadable("too_large", f"{path} holds too many pixels to be read.") from None
    except UnidentifiedImageError:
        start = data[:512].lstrip().lower()
        if start.startswith(_VECTOR) or not _looks_like_picture(data):
            raise Unreadable("not_an_image", f"{path} is not a picture.") from None
        raise Unreadable("damaged", f"{path} begins like a picture but can't be read.") from None
    except MemoryError:
        raise Unreadable("too_large", f"{path} needs more memory than there is.") from None
    except NotImplementedError:
        raise Unreadable(
            "unsupported", f"{path} is a picture of a kind that can't be read."
        ) from None
    except Exception as error:
        # Decoders of hostile files raise nearly anything: ValueError, SyntaxError, struct.error …
        # and may quote the file, names and all: what they say is not passed on.
        how = "ends too soon" if "truncated" in str(error) else "is damaged"
        raise Unreadable("damaged", f"{path} {how}; get a whole copy of it.") from None


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


def _picture(
    picture: Image.Image, path: str, size: int, bounds: Bounds, page: int | None
) -> Picture:
    if picture.format == "ICO":
        picture.size = max(picture.ico.sizes())  # type: ignore[attr-defined,misc]
    check_pixels(picture.width, picture.height, path, bounds)
    full = picture.size
    turned = picture.getexif().get(ExifTags.Base.Orientation) in _TURNED
    mode, name = picture.mode, picture.format or "unknown"
    if name == "JPEG" and size:
        # Decoded at 1/2, 1/4 or 1/8, never below twice what the model sees on the short side.
        scale = 2 * size / min(full)
        picture.draft(None, (max(1, int(full[0] * scale)), max(1, int(full[1] * scale))))
    picture.load()
    upright = ImageOps.exif_transpose(picture)
    if upright.mode in _GREY:
        upright = Image.fromarray(to_eight_bits(np.asarray(upright)))
    rgb = _over_white(upright)
    width, height = (full[1], full[0]) if turned else full
    return Picture(
        pixels=pixels(bounded(rgb, size)),
        width=width,
        height=height,
        format=name,
        page=page,
        metadata={"mode": mode, **_frames(picture)},
    )


def _frames(picture: Image.Image) -> dict[str, Attribute]:
    if picture.format == "GIF":
        # Counting its frames reads through all of them, and there may be a million.
        return {"animated": bool(getattr(picture, "is_animated", False))}
    return {"frames": int(getattr(picture, "n_frames", 1))}


def _over_white(picture: Image.Image) -> Image.Image:
    if picture.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info:
        above = picture.convert("RGBA")
        white = Image.new("RGBA", above.size, "white")
        return Image.alpha_composite(white, above).convert("RGB")
    return picture.convert("RGB")


def check_pixels(width: int, height: int, path: str, bounds: Bounds) -> None:
    """Refuse a picture by its header, before it is decoded."""
    if width * height > bounds.max_pixels:
        raise Unreadable(
            "too_large",
            f"{path} has {width} x {height} pixels; at most {bounds.max_pixels:,} are read.",
        )
    if width < 1 or height < 1:
        raise Unreadable("no_pixels", f"{path} has no pixels.")


def _looks_like_picture(data: bytes) -> bool:
    return data.startswith((b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM", b"II*\0", b"MM\0*")) or (
        data[:4] == b"RIFF" and data[8:12] == b"WEBP"
    )
