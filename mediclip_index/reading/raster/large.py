"""Pictures too large to be decoded whole → their samples, reduced while they are decoded.

libvips decodes row by row and forgets what it has reduced; Pillow needs four bytes a pixel, twice.
"""

from __future__ import annotations

import numpy as np

from mediclip_index.reading.raster.samples import Colours, Samples
from mediclip_index.terms import Bounds

LARGE = 48_000_000  # pixels
_LEAST_MEMORY = 256 * 1024**2  # GLib, on which libvips stands, ends the process where it gets none
# Of these kinds libvips can decode a part at a time.
_LOADERS = {"PNG": "pngload_buffer", "PPM": "ppmload_buffer", "WEBP": "webpload_buffer"}
_DEEP = {"ushort": (np.uint16, 16), "uchar": (np.uint8, 8)}


def is_large(width: int, height: int, bounds: Bounds) -> bool:
    """Whether a picture is decoded a part at a time."""
    return width * height > LARGE and bounds.max_memory >= _LEAST_MEMORY


def samples(data: bytes, kind: str, turn: int, factor: int) -> Samples | None:
    """Every `factor` x `factor` pixels averaged into one; None where only the whole can be had."""
    loader = _LOADERS.get(kind)
    if loader is None or factor < 2:
        return None
    import pyvips

    pyvips.cache_set_max(0)
    picture = getattr(pyvips.Image, loader)(data, access="sequential")
    if picture.format not in _DEEP:
        return None
    dtype, bits = _DEEP[picture.format]
    small = picture.shrink(factor, factor)
    values = np.frombuffer(small.write_to_memory(), dtype=dtype)
    values = values.reshape(small.height, small.width, small.bands)
    alpha = values[..., -1] if small.bands in (2, 4) else None
    own = values if alpha is None else values[..., :-1]
    grey = own.shape[-1] == 1
    colours: Colours = "grey" if grey else "RGB"
    return Samples(
        own[..., 0] if grey else own, bits=bits, colours=colours, alpha=alpha, orientation=turn
    )
