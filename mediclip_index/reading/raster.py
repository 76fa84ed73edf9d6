"""What Pillow reads → upright RGB pictures."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator
from importlib.util import find_spec

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from mediclip_index.reading.refusing import Unreadable
from mediclip_index.reading.tones import bounded, pixels, to_eight_bits
from mediclip_index.terms import Bounds, Picture, Refusal

_GREY = {"I;16", "I;16L", "I;16B", "I;16N", "I", "F"}
_BRANDS_HEIF = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"hevm", b"hevs", b"mif1", b"msf1")
_TURNED = {5, 6, 7, 8}  # EXIF orientations that swap width and height
_VECTOR = (b"<svg", b"<?xml", b"<!doctype", b"<html")


def read(data: bytes, path: str, size: int, bounds: Bounds) -> tuple[list[Picture], list[Refusal]]:
    """The pictures of a raster file: the first frame, but every page of a TIFF.

    Raises Unreadable where there is none; a page that fails is refused by itself.
    """
    if data[4:8] == b"ftyp" and data[8:12] in _BRANDS_HEIF:
        _admit_heif(path)
    with warnings.catch_warnings():
        # Pillow warns of what it mends; bombs are weighed by our own bounds below.
        warnings.simplefilter("ignore")
        with _decoding(path, data), _open(data) as picture:
            pages = getattr(picture, "n_frames", 1) if picture.format == "TIFF" else 1
            if pages > bounds.max_pages:
                raise Unreadable(
                    "too_large", f"{path} has {pages} pages; at most {bounds.max_pages} are read."
                )
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
    except NotImplementedError as error:
        raise Unreadable(
            "unsupported", f"{path} is of a kind Pillow can't read: {error}."
        ) from None
    except Exception as error:
        # Decoders of hostile files raise nearly anything: ValueError, SyntaxError, struct.error …
        why = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise Unreadable(
            "damaged", f"{path} is damaged ({why.rstrip('.')}); get a whole copy of it."
        ) from None


def _open(data: bytes) -> Image.Image:
    limit = Image.MAX_IMAGE_PIXELS
    # Our own bounds say how many pixels are too many, before anything is decoded.
    Image.MAX_IMAGE_PIXELS = None
    try:
        return Image.open(io.BytesIO(data))
    finally:
        Image.MAX_IMAGE_PIXELS = limit


def _picture(
    picture: Image.Image, path: str, size: int, bounds: Bounds, page: int | None
) -> Picture:
    if picture.format == "ICO":
        picture.size = max(picture.ico.sizes())  # type: ignore[attr-defined,misc]
    check_pixels(picture.width, picture.height, path, bounds)
    full = picture.size
    turned = picture.getexif().get(ExifTags.Base.Orientation) in _TURNED
    mode, name = picture.mode, picture.format or "unknown"
    frames = int(getattr(picture, "n_frames", 1))
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
        metadata={"mode": mode, "frames": frames},
    )


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


def _admit_heif(path: str) -> None:
    if find_spec("pillow_heif") is None:
        raise Unreadable(
            "unsupported",
            f"{path} is a HEIC picture; `pip install pillow-heif` to have such files read.",
        )
    import pillow_heif

    pillow_heif.register_heif_opener()
