"""Pictures that Pillow reads not at all, or only their upper bits: by imagecodecs."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from mediclip_index.reading.raster import essentials
from mediclip_index.reading.raster.samples import Colours, Samples, raised

_JP2, _J2K = b"\0\0\0\x0cjP", b"\xff\x4f\xff\x51"
_LOSSLESS = 0xC3  # a JPEG process


@dataclass(frozen=True)
class Codec:
    """A kind of picture that is decoded here: its name, size, and how to get its samples; `whole`
    where no other decoder makes a large one of it smaller on the way."""

    name: str
    width: int
    height: int
    decode: Callable[[], Samples]
    whole: bool = True


def of_png(png: essentials.Png) -> Codec | None:
    """How to decode a PNG of which Pillow would keep the upper bits alone; else None."""
    if not png.deep_colour:
        return None
    width, height = (int.from_bytes(png.data[i : i + 4], "big") for i in (16, 20))
    return Codec("PNG", width, height, lambda: _png(png), whole=False)


def of_jpeg(data: bytes, turn: int, frame: essentials.Frame | None) -> Codec | None:
    """How to decode a JPEG that is no everyday one; None where it is."""
    if frame is None or frame.everyday:
        return None
    name = "JPEG-LS" if frame.process == essentials.JPEG_LS else "JPEG"
    return Codec(name, frame.width, frame.height, lambda: _jpeg(data, turn, frame))


def of_other(data: bytes) -> Codec | None:
    """How to decode JPEG XL, JPEG XR and odd JPEG 2000; None for anything else."""
    if data.startswith((b"\xff\x0a", b"\0\0\0\x0cJXL ")):
        return Codec("JPEG XL", *_jpeg_xl_size(data), lambda: _by_channels(_jpeg_xl(data)))
    if data.startswith(b"II\xbc"):
        return Codec("JPEG XR", *_jpeg_xr_size(data), lambda: _by_channels(_jpeg_xr(data)))
    if data.startswith((_JP2, _J2K)):
        return _of_jpeg2000(data)
    return None


def _of_jpeg2000(data: bytes) -> Codec | None:
    """Of colours of more than 8 bits Pillow keeps the upper ones, and it passes over the box that
    says which channel is which (ISO/IEC 15444-1, I.5.3.6)."""
    start = data.find(_J2K)
    if start < 0:
        return None
    right, below, left, above = struct.unpack_from(">4I", data, start + 8)
    (count,) = struct.unpack_from(">H", data, start + 40)
    bits = 1 + max(byte & 0x7F for byte in data[start + 42 : start + 42 + 3 * count : 3])
    swapped = _channels_swapped(data[:start])
    if not swapped and (bits <= 8 or count == 1):
        return None
    return Codec(
        "JPEG 2000", right - left, below - above,
        lambda: _jpeg_2000(data), whole=swapped,
    )  # fmt: skip


def _channels_swapped(boxes: bytes) -> bool:
    at = boxes.find(b"cdef")
    if at < 0:
        return False
    (count,) = struct.unpack_from(">H", boxes, at + 4)
    said = struct.iter_unpack(">3H", boxes[at + 6 : at + 6 + 6 * count])
    return any(
        colour != channel + 1 if kind == 0 else channel < count - 1
        for channel, kind, colour in said
        if kind in (0, 1, 2) and not (kind == 0 and colour in (0, 0xFFFF))
    )


def instead(data: bytes, name: str) -> Samples | None:
    """What Pillow did not manage of a kind that it knows, by another build of its decoder; None
    where there is no other."""
    import imagecodecs

    if name == "JPEG 2000":
        return _jpeg_2000(data)
    if name == "AVIF":
        return _by_channels(imagecodecs.avif_decode(data, index=0))
    return None


def _jpeg_2000(data: bytes) -> Samples:
    import imagecodecs

    return _by_channels(imagecodecs.jpeg2k_decode(data))


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
    if alpha is not None and values.dtype == np.uint16:
        # Decoders give 10 bits as 0 to 1023, and don't tell.
        alpha = raised(alpha, int(values.max(initial=256)).bit_length())
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
