"""A camera's raw file → the preview that the camera put into it: what the photographer saw."""

from __future__ import annotations

import io
import struct
from importlib.util import find_spec
from typing import Any

from PIL import ExifTags, Image, ImageOps

from mediclip_index.reading.refusing import Unreadable
from mediclip_index.reading.tones import bounded, pixels
from mediclip_index.types import Bounds, Picture

_MARKS = (b"FUJIFILMCCD-RAW", b"FOVb", b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"\0MRM")
_DNG_VERSION, _MAKE, _SUBFILE, _COMPRESSION, _SUB_IFDS = 50706, 271, 254, 259, 330
_RAW_COMPRESSIONS = {32767, 32770, 34713, 65535}  # Sony, Samsung, Nikon, Pentax
# LibRaw's quarter turns, for a preview that does not say itself how it lies.
_TURNS = {
    3: Image.Transpose.ROTATE_180,
    5: Image.Transpose.ROTATE_90,
    6: Image.Transpose.ROTATE_270,
}


def is_raw(data: bytes) -> bool:
    """By content. Many raw files are TIFFs whose first picture is a thumbnail of what lies in a
    directory below; one whose further pictures are pages is a scanner's."""
    if data.startswith(_MARKS) or data[4:12] == b"ftypcrx ":
        return True
    if data[:4] not in (b"II*\0", b"MM\0*"):
        return False
    if data[8:10] == b"CR":
        return True
    tags = _first_tags(data)
    return _DNG_VERSION in tags or (
        _MAKE in tags
        and (
            bool(tags.get(_SUBFILE, 0) & 1 and _SUB_IFDS in tags)
            or tags.get(_COMPRESSION) in _RAW_COMPRESSIONS
        )
    )


def _first_tags(data: bytes) -> dict[int, int]:
    """The tags of a TIFF's first directory and what stands in their value fields."""
    order = "<" if data[:2] == b"II" else ">"
    try:
        (place,) = struct.unpack_from(order + "I", data, 4)
        (count,) = struct.unpack_from(order + "H", data, place)
        entries = [
            struct.unpack_from(order + "HHI", data, place + 2 + 12 * i) for i in range(count)
        ]
        return {
            tag: struct.unpack_from(order + ("H" if kind == 3 else "I"), data, place + 10 + 12 * i)[
                0
            ]
            for i, (tag, kind, _) in enumerate(entries)
        }
    except struct.error:
        return {}


def preview(data: bytes, path: str, size: int, bounds: Bounds) -> Picture:
    """The embedded preview, upright. Raises Unreadable."""
    if find_spec("rawpy") is None:
        raise Unreadable(
            "unsupported",
            f"{path} is a camera's raw file; `pip install 'mediclip-index[raw]'` to have the "
            "previews of such files read.",
        )
    import rawpy

    try:
        with rawpy.imread(io.BytesIO(data)) as raw:
            flip = int(raw.sizes.flip)
            thumbnail = raw.extract_thumb()
    except (rawpy.LibRawNoThumbnailError, rawpy.LibRawUnsupportedThumbnailError):
        raise Unreadable("no_pixels", f"{path} is a raw file without a preview.") from None
    except rawpy.LibRawFileUnsupportedError:
        raise Unreadable(
            "unsupported", f"{path} is a raw file of a camera that is not known; save it as TIFF."
        ) from None
    except rawpy.LibRawError:
        raise Unreadable("damaged", f"{path} is a raw file that can't be read.") from None
    picture = _opened(thumbnail, rawpy)
    if picture.width * picture.height > bounds.max_pixels:
        raise Unreadable("too_large", f"{path} holds too many pixels to be read.")
    if ExifTags.Base.Orientation in picture.getexif():
        upright = ImageOps.exif_transpose(picture)
    else:
        upright = picture.transpose(_TURNS[flip]) if flip in _TURNS else picture
    return Picture(
        pixels=pixels(bounded(upright.convert("RGB"), size)),
        width=upright.width,
        height=upright.height,
        format="RAW",
        metadata={"mode": picture.mode, "frames": 1},
    )


def _opened(thumbnail: Any, rawpy: Any) -> Image.Image:
    if thumbnail.format == rawpy.ThumbFormat.JPEG:
        return Image.open(io.BytesIO(thumbnail.data), formats=("JPEG",))
    return Image.fromarray(thumbnail.data)
