"""Pictures too large to be decoded whole → their samples, reduced while they are decoded.

libvips decodes row by row and forgets what it has reduced; Pillow needs four bytes a pixel, twice.
"""

from __future__ import annotations

import re

import numpy as np

from mediclip_index.reading.raster.averaging import averaged
from mediclip_index.reading.raster.samples import Colours, Samples
from mediclip_index.types import Bounds

LARGE = 48_000_000  # pixels
_LEAST_MEMORY = 256 * 1024**2  # GLib, on which libvips stands, ends the process where it gets none
# Of these kinds libvips can decode a part at a time.
_LOADERS = {"PNG": "pngload_source", "WEBP": "webpload_source"}
_NETPBM = re.compile(rb"P([56])" + rb"(?:\s|#[^\n]*\n)++(\d+)" * 3 + rb"\s")
_DEEP = {"ushort": (np.uint16, 16), "uchar": (np.uint8, 8)}


def is_large(width: int, height: int, bounds: Bounds) -> bool:
    """Whether a picture is decoded a part at a time."""
    return width * height > LARGE and bounds.max_memory >= _LEAST_MEMORY


def webp_size(data: bytes) -> tuple[int, int] | None:
    """The size of a WebP (its container's specification), which Pillow can't open without room for
    the whole; None where it is none, or not to be told."""
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        return None
    if data[12:16] == b"VP8X":
        width, height = (int.from_bytes(data[at : at + 3], "little") for at in (24, 27))
        return width + 1, height + 1
    if data[12:16] == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if data[12:16] == b"VP8 ":
        width, height = (int.from_bytes(data[at : at + 2], "little") & 0x3FFF for at in (26, 28))
        return width, height
    return None


def samples(data: bytes, kind: str, turn: int, factor: int) -> Samples | None:
    """Every `factor` x `factor` pixels averaged into one; None where only the whole can be had."""
    if kind == "PPM":
        return _netpbm(data, factor)
    if factor < 2:
        return None
    loader = _LOADERS.get(kind)
    if loader is None:
        return None
    import pyvips

    pyvips.cache_set_max(0)
    source = pyvips.Source.new_from_memory(data)
    # libwebp holds what it decodes, so it is told to decode no more than is wanted.
    scale = {"scale": 1 / factor} if kind == "WEBP" else {}
    picture = getattr(pyvips.Image, loader)(source, access="sequential", **scale)
    if picture.format not in _DEEP:
        return None
    dtype, bits = _DEEP[picture.format]
    covered = picture.bands in (2, 4)
    if covered:  # what can't be seen must not be averaged into what can
        if bits == 8:
            picture = picture.flatten(background=[255])
        else:
            picture = picture.premultiply(max_alpha=65535).cast("ushort")
    small = picture if scale else picture.shrink(factor, factor)
    values = np.frombuffer(small.write_to_memory(), dtype=dtype)
    values = values.reshape(small.height, small.width, small.bands)
    alpha = values[..., -1] if small.bands in (2, 4) else None
    own = values if alpha is None else values[..., :-1]
    grey = own.shape[-1] == 1
    colours: Colours = "grey" if grey else "RGB"
    return Samples(
        own[..., 0] if grey else own,
        bits=bits,
        colours=colours,
        alpha=alpha,
        premultiplied=covered,
        orientation=turn,
    )


def deep_netpbm_size(data: bytes) -> tuple[int, int] | None:
    """The size of a raw PPM whose samples have 16 bits, of which Pillow keeps the upper ones; None
    for anything else."""
    head = _NETPBM.match(data[:4096]) if data.startswith(b"P6") else None
    return (int(head[2]), int(head[3])) if head and int(head[4]) > 255 else None


def _netpbm(data: bytes, factor: int) -> Samples | None:
    """A raw PGM or PPM, whose samples stand in the file as they are."""
    head = _NETPBM.match(data[:4096])
    if head is None:
        return None
    channels = 3 if head[1] == b"6" else 1
    width, height, most = int(head[2]), int(head[3]), int(head[4])
    dtype = np.dtype(">u2" if most > 255 else "u1")
    count = width * height * channels
    if head.end() + count * dtype.itemsize > len(data):
        raise OSError("truncated")
    values = np.frombuffer(data, dtype, count, head.end()).reshape(height, width, channels)
    small = averaged(values, factor) if factor > 1 else values
    if most < 255:
        small = (small.astype(np.uint16) * 255 // most).astype(np.uint8)
    grey = channels == 1
    return Samples(
        small[..., 0] if grey else small,
        bits=dtype.itemsize * 8,
        colours="grey" if grey else "RGB",
    )
