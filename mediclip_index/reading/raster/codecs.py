"""Pictures that Pillow reads not at all, or only their upper bits: by imagecodecs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from mediclip_index.reading.raster import essentials
from mediclip_index.reading.raster.samples import Colours, Samples

_LOSSLESS = 0xC3  # a JPEG process


@dataclass(frozen=True)
class Codec:
    """A kind of picture that is decoded here: its name, size, and how to get its samples."""

    name: str
    width: int
    height: int
    decode: Callable[[], Samples]


def of_png(png: essentials.Png) -> Codec | None:
    """How to decode a PNG of which Pillow would keep the upper bits alone; else None."""
    if not png.deep_colour:
        return None
    width, height = (int.from_bytes(png.data[i : i + 4], "big") for i in (16, 20))
    return Codec("PNG", width, height, lambda: _png(png))


def of_jpeg(data: bytes, turn: int, frame: essentials.Frame | None) -> Codec | None:
    """How to decode a JPEG that is no everyday one; None where it is."""
    if frame is None or frame.everyday:
        return None
    name = "JPEG-LS" if frame.process == essentials.JPEG_LS else "JPEG"
    return Codec(name, frame.width, frame.height, lambda: _jpeg(data, turn, frame))


def of_other(data: bytes) -> Codec | None:
    """How to decode JPEG XL and JPEG XR; None for anything else."""
    if data.startswith((b"\xff\x0a", b"\0\0\0\x0cJXL ")):
        return Codec("JPEG XL", *_jpeg_xl_size(data), lambda: _by_channels(_jpeg_xl(data)))
    if data.startswith(b"II\xbc"):
        return Codec("JPEG XR", *_jpeg_xr_size(data), lambda: _by_channels(_jpeg_xr(data)))
    return None


def instead(data: bytes, name: str) -> Samples | None:
    """What Pillow did not manage of a kind that it knows, by another build of its decoder; None
    where there is no other."""
    import imagecodecs

    if name == "JPEG 2000":
        return jpeg_2000(data)
    if name == "AVIF":
        return _by_channels(imagecodecs.avif_decode(data, index=0))
    return None


def jpeg_2000(data: bytes) -> Samples:
    """Alpha of less than 16 bits is made as bright as one of 16."""
    import imagecodecs

    samples = _by_channels(imagecodecs.jpeg2k_decode(data))
    bits = essentials.jpeg_2000_bits(data)
    if samples.alpha is None or samples.alpha.dtype != np.uint16 or not 8 < bits < 16:
        return samples
    return replace(samples, alpha=samples.alpha << (16 - bits))


def _png(png: essentials.Png) -> Samples:
    import imagecodecs

    return replace(_by_channels(imagecodecs.png_decode(png.data)), orientation=png.turn)


def _jpeg(data: bytes, turn: int, frame: essentials.Frame) -> Samples:
    import imagecodecs

    if frame.process == essentials.JPEG_LS:
        values = imagecodecs.jpegls_decode(data)
    elif frame.process == _LOSSLESS:
        values = imagecodecs.ljpeg_decode(data)
    else:
        values = imagecodecs.jpeg8_decode(data)
    values = np.squeeze(values)
    colours: Colours = "grey"
    if values.ndim == 3:
        colours = "CMYK" if values.shape[-1] == 4 else "RGB"
    return Samples(values, bits=frame.bits, colours=colours, orientation=turn)


def _jpeg_xl(data: bytes) -> npt.NDArray[Any]:
    import imagecodecs

    return np.asarray(imagecodecs.jpegxl_decode(data, index=0))


def _jpeg_xr(data: bytes) -> npt.NDArray[Any]:
    import imagecodecs

    return np.asarray(imagecodecs.jpegxr_decode(data))


def _by_channels(values: npt.NDArray[Any]) -> Samples:
    """One channel is grey, two grey and alpha, three RGB, four RGB and alpha."""
    if values.ndim == 2:
        values = values[..., None]
    channels = values.shape[-1]
    if values.ndim != 3 or channels > 4:
        raise NotImplementedError
    alpha = values[..., -1] if channels in (2, 4) else None
    colours = values[..., : channels - 1] if channels in (2, 4) else values
    grey = colours.shape[-1] == 1
    return Samples(
        colours[..., 0] if grey else colours,
        bits=values.dtype.itemsize * 8,
        colours="grey" if grey else "RGB",
        alpha=alpha,
    )


def _jpeg_xr_size(data: bytes) -> tuple[int, int]:
    """Its container is built like a TIFF: tags 0xBC80 and 0xBC81."""
    place = int.from_bytes(data[4:8], "little")
    count = int.from_bytes(data[place : place + 2], "little")
    said = {}
    for entry in range(place + 2, place + 2 + 12 * min(count, 1000), 12):
        kind = int.from_bytes(data[entry + 2 : entry + 4], "little")
        length = 2 if kind == 3 else 4
        said[int.from_bytes(data[entry : entry + 2], "little")] = int.from_bytes(
            data[entry + 8 : entry + 8 + length], "little"
        )
    return said[0xBC80], said[0xBC81]


class _Bits:
    """Bits of a JPEG XL codestream, least first."""

    def __init__(self, data: bytes) -> None:
        self._number = int.from_bytes(data[:64], "little")
        self._at = 0

    def take(self, count: int) -> int:
        got = (self._number >> self._at) & ((1 << count) - 1)
        self._at += count
        return got


def _jpeg_xl_size(data: bytes) -> tuple[int, int]:
    """The size header (ISO/IEC 18181-1, D.2) of the codestream, bare or in its box."""
    start = 0
    if not data.startswith(b"\xff\x0a"):
        boxes = [data.find(b"jxlc"), data.find(b"jxlp")]
        start = min((b for b in boxes if b > 0), default=-1)
        if start < 0:
            raise ValueError("no codestream")
        start = data.index(b"\xff\x0a", start)
    bits = _Bits(data[start + 2 : start + 66])

    def number() -> int:
        return 1 + bits.take((9, 13, 18, 30)[bits.take(2)])

    small = bits.take(1)
    height = 8 * (1 + bits.take(5)) if small else number()
    ratio = bits.take(3)
    if ratio:
        above, below = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))[ratio - 1]
        return height * above // below, height
    return (8 * (1 + bits.take(5)) if small else number()), height
