"""Raster files of all kinds → upright RGB pictures.

JPEG and PNG go without what they don't need (essentials) to Pillow, as most kinds do (stills). What
Pillow reads not at all, or only its upper bits, goes to imagecodecs (codecs), TIFF to tifffile
(tiff). What would not fit into memory whole is reduced while it is decoded (large).
"""

from mediclip_index.reading.raster.files import items
from mediclip_index.reading.raster.stills import check_pixels

__all__ = ["check_pixels", "items"]
