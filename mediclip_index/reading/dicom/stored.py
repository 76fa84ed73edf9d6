"""Pixel data → the stored values of one frame, native or compressed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from mediclip_index.reading.dicom import codestreams, fragments
from mediclip_index.reading.dicom.elements import PIXELS, Element, Elements
from mediclip_index.reading.dicom.header import Header, fitted
from mediclip_index.reading.raster import check_pixels
from mediclip_index.reading.refusing import Unreadable
from mediclip_index.types import Bounds

_JPEG_BASE = "1.2.840.10008.1.2.4."
_NATIVE = {
    "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2",
    "1.2.840.113619.5.2", "",
}  # fmt: skip
_RUN_LENGTH = "1.2.840.10008.1.2.5"
_DEFLATED_FRAMES = "1.2.840.10008.1.2.8.1"
_BIG_PIXELS = "1.2.840.113619.5.2"  # GE's: a little-endian data set with big-endian pixels
_VIDEO = (
    (range(100, 102), "MPEG-2"), (range(102, 107), "MPEG-4"), (range(107, 109), "HEVC"),
)  # fmt: skip
_LARGER = 4  # a frame that says it is so many times what the data set says of it is damaged
_LEAST_SHARE = 0.02  # of a frame; less of one is no picture


@dataclass(frozen=True)
class Frame:
    """Stored values, (h, w) or (h, w, 3), as integers or floats; `about` is the header as the frame
    itself has it. `there` counts the pixels, in reading order, that the file really holds; those
    after them are filled in."""

    values: npt.NDArray[Any]
    about: Header
    there: int
    cut: bool = False  # the end of it is missing


class PixelData:
    """The frames of a data set, taken one at a time."""

    def __init__(self, elements: Elements, about: Header, path: str, bounds: Bounds) -> None:
        self._path, self._bounds = path, bounds
        tag = next(tag for tag in PIXELS if tag in elements)
        self._element: Element = elements.by_tag[tag]
        self._data = elements.raw(tag)
        self.about = about
        if not self._element.packed and not fragments.is_encapsulated(self._data):
            self.about = fitted(about, len(self._data))
        self._refuse_video(about.syntax)
        self._frames: Sequence[Sequence[memoryview]] | None = None
        if self._element.packed or self._looks_packed():
            self._frames = fragments.frames(self._data, about.frames, elements)
        elif fragments.begins_picture(self._data) and not self._fits():
            self._frames = [[self._data]]  # compressed, but not encapsulated
        if self._frames is None:
            self._has_size()
            per_frame = self._bits() / 8
            self.count = max(1, int(len(self._data) / per_frame)) if per_frame else 1
        else:
            self.count = len(self._frames)

    def _has_size(self) -> None:
        if not self.about.rows or not self.about.columns:
            raise Unreadable("damaged", f"{self._path} is a DICOM file that does not say its size.")

    def _looks_packed(self) -> bool:
        return fragments.is_encapsulated(self._data) and not self._fits()

    def _fits(self) -> bool:
        """Whether the data are just as long as native frames would be."""
        exact = self._bits() * self.about.frames // 8
        return self.about.syntax in _NATIVE and 0 < exact <= len(self._data) <= exact + 1

    def _bits(self) -> int:
        """The bits of one native frame."""
        about = self.about
        samples: float = about.samples
        if about.photometric in ("YBR_FULL_422", "YBR_PARTIAL_422") and self._halved():
            samples = 2
        return int(about.rows * about.columns * samples * about.allocated)

    def _halved(self) -> bool:
        """Whether two pixels share their colour; some say so and store it whole."""
        about = self.about
        whole = about.rows * about.columns * 3 * about.allocated // 8 * about.frames
        return len(self._data) < whole

    def _refuse_video(self, syntax: str) -> None:
        if syntax.startswith(_JPEG_BASE) and syntax[len(_JPEG_BASE) :].split(".")[0].isdigit():
            number = int(syntax[len(_JPEG_BASE) :].split(".")[0])
            for numbers, name in _VIDEO:
                if number in numbers:
                    raise Unreadable(
                        "unsupported",
                        f"{self._path} is {name} video; save a picture of it to have it read.",
                    )

    def frame(self, number: int) -> Frame:
        """Raises Unreadable."""
        if number >= self.count:
            raise Unreadable(
                "damaged", f"{self._path} ends before its frame {number + 1}; get a whole copy."
            )
        try:
            if self._frames is not None:
                return self._packed(self._frames[number])
            return self._native(number)
        except (Unreadable, MemoryError):
            raise
        except codestreams.Undecodable:
            raise self._undecodable("") from None
        except Exception:
            # Decoders of hostile files raise nearly anything, and may quote the file.
            raise self._undecodable("") from None

    def _undecodable(self, kind: str) -> Unreadable:
        what = f"a {kind} picture" if kind else "a picture"
        return Unreadable(
            "damaged",
            f"{self._path} is a DICOM file with {what} that can't be decoded; get a whole copy.",
        )

    # --- compressed -----------------------------------------------------------------------------

    def _packed(self, parts: Sequence[memoryview]) -> Frame:
        data, syntax = b"".join(parts), self.about.syntax
        about = codestreams.sniff(data)
        if about is None and syntax not in (_RUN_LENGTH, _DEFLATED_FRAMES):
            # Some codestreams have a few bytes of something else before them.
            start = data[:512].find(b"\xff\xd8\xff")
            about = codestreams.sniff(data[start:]) if start > 0 else None
            data = data[start:] if about else data
        if about is not None:
            return self._decoded(data, about)
        self._has_size()
        if syntax == _DEFLATED_FRAMES:
            data = codestreams.deflated(data, self._bits() // 8 + 1)
            return self._from_bytes(memoryview(data))
        if syntax == _RUN_LENGTH or (
            syntax not in _NATIVE and fragments.is_run_length(memoryview(data))
        ):
            return self._run_length(data)
        if syntax in _NATIVE:  # cut into items for no reason
            return self._from_bytes(memoryview(data))
        if not any(data):
            raise Unreadable("no_pixels", f"{self._path} is a DICOM file with an empty picture.")
        raise self._undecodable("")

    def _run_length(self, data: bytes) -> Frame:
        about = self.about
        values = codestreams.run_length(data, about.rows, about.columns, about.samples)
        width = values.dtype.itemsize * 8
        if width != about.allocated:
            stored = min(about.stored, width)
            about = replace(about, allocated=width, stored=stored, high=stored - 1)
        return Frame(_meant(values, about), about, about.rows * about.columns)

    def _decoded(self, data: bytes, codestream: codestreams.Codestream) -> Frame:
        pixels, said = codestream.rows * codestream.columns, self.about.rows * self.about.columns
        if pixels > self._bounds.max_pixels or (said and pixels > said * _LARGER):
            raise self._undecodable(codestream.kind)
        colour = self.about.photometric.startswith("YBR")
        try:
            values = codestreams.decoded(data, codestream, colour)
        except codestreams.Undecodable:
            if codestream.rare:
                raise Unreadable(
                    "unsupported",
                    f"{self._path} is compressed as {codestream.rare}; save it uncompressed.",
                ) from None
            raise self._undecodable(codestream.kind) from None
        rows, columns = values.shape[:2]
        check_pixels(columns, rows, self._path, self._bounds)
        samples = values.shape[2] if values.ndim == 3 else 1
        photometric = self.about.photometric
        if codestream.kind == "JPEG" or photometric in ("YBR_RCT", "YBR_ICT"):
            # The decoder has turned YCbCr into RGB.
            photometric = "RGB" if samples == 3 else photometric
        if samples == 1 and photometric not in ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR"):
            photometric = "MONOCHROME2"
        width = values.dtype.itemsize * 8
        # What is compressed in 16 bits may be said to be 12, and the other way round: a sign stands
        # in the highest of the bits that there are, and no bit without one is too many.
        stored = min(self.about.stored, width)
        if codestream.precision and (values.dtype.kind == "i" or not self.about.signed):
            stored = max(stored, codestream.precision)
        elif codestream.precision:
            stored = min(stored, codestream.precision)
        about = replace(
            self.about, rows=rows, columns=columns, samples=samples, photometric=photometric,
            allocated=width, stored=min(stored, width), high=min(stored, width) - 1, planar=False,
        )  # fmt: skip
        if values.dtype.kind == "i":
            about = replace(about, signed=True)
        else:
            values = _meant(values, about)
        return Frame(values, about, rows * columns, cut=codestreams.is_cut(data))

    # --- native ---------------------------------------------------------------------------------

    def _native(self, number: int) -> Frame:
        bits = self._bits()
        start = number * bits
        # One byte more where there is one: words of two bytes may end beyond an odd picture.
        data = self._data[start // 8 : -(-(start + bits) // 8) + 1]
        shift = start % 8
        if shift:  # frames of single bits need not begin at a byte
            bit = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")[shift:]
            data = memoryview(np.packbits(bit, bitorder="little"))  # type: ignore[arg-type]
        return self._from_bytes(data)

    def _from_bytes(self, data: memoryview) -> Frame:
        about = self.about
        needed = self._bits()
        if len(data) * 8 < needed * _LEAST_SHARE:
            raise Unreadable(
                "damaged", f"{self._path} ends before its picture; get a whole copy of it."
            )
        there = about.rows * about.columns
        cut = len(data) * 8 < needed
        if cut:
            there = int(there * (len(data) * 8 / needed))
            data = memoryview(bytes(data) + bytes(-(-needed // 8) - len(data)))
        little = self._element.little and about.syntax != _BIG_PIXELS
        if about.allocated <= 8 and not little and self._element.kind != b"OB":
            data = _swapped(data)
        values = _unpacked(data, about, little)
        count = about.rows * about.columns * about.samples
        if about.photometric.endswith("_422") and self._halved():
            return Frame(_spread(values, about), about, there, cut)
        values = values[:count]
        if about.samples == 1:
            values = values.reshape(about.rows, about.columns)
        elif about.planar:
            values = values.reshape(about.samples, about.rows, about.columns).transpose(1, 2, 0)
        else:
            values = values.reshape(about.rows, about.columns, about.samples)
        return Frame(_meant(values, about), about, there, cut)


def _swapped(data: memoryview) -> memoryview:
    """Bytes that were written as big-endian words of two."""
    own = np.frombuffer(data[: len(data) // 2 * 2], np.uint8).reshape(-1, 2)[:, ::-1]
    return memoryview(own.tobytes() + bytes(data[len(data) // 2 * 2 :]))


def _unpacked(data: memoryview, about: Header, little: bool) -> npt.NDArray[Any]:
    """Values one after another, in the smallest type that holds them."""
    order = "<" if little else ">"
    if about.floating:
        return np.frombuffer(data[: len(data) // 8 * 8 if about.allocated == 64 else None],
                             f"{order}f{about.allocated // 8}")  # fmt: skip
    if about.allocated in (8, 16, 32, 64):
        width = about.allocated // 8
        return np.frombuffer(data[: len(data) // width * width], f"{order}u{width}")
    count = about.rows * about.columns * about.samples
    if about.allocated == 1:
        return np.unpackbits(np.frombuffer(data, np.uint8), count=count, bitorder="little")
    if about.allocated == 12:
        return _twelve(np.frombuffer(data, np.uint8), count)
    # Any other number of bits: one value after another from the lowest bit on, as ACR-NEMA has it.
    bits = np.unpackbits(
        np.frombuffer(data, np.uint8), count=count * about.allocated, bitorder="little"
    )
    total = np.zeros(count, np.uint64)
    for bit in range(about.allocated):
        total |= bits[bit :: about.allocated].astype(np.uint64) << np.uint64(bit)
    return total.astype(np.uint16 if about.allocated <= 16 else np.uint64)


def _twelve(data: npt.NDArray[np.uint8], count: int) -> npt.NDArray[np.uint16]:
    """Two values in three bytes."""
    pairs = data[: len(data) // 3 * 3].reshape(-1, 3).astype(np.uint16)
    values = np.zeros(max(count, 2 * len(pairs)), np.uint16)
    values[0 : 2 * len(pairs) : 2] = pairs[:, 0] | (pairs[:, 1] & 15) << 8
    values[1 : 2 * len(pairs) : 2] = pairs[:, 1] >> 4 | pairs[:, 2] << 4
    return values


def _meant(values: npt.NDArray[Any], about: Header) -> npt.NDArray[Any]:
    """The stored bits of each value without the others, and its sign.

    Bits above those stored may hold an overlay, or the sign carried on.
    """
    if about.floating or values.dtype.kind == "f":
        return values
    width = values.dtype.itemsize * 8
    low = about.high + 1 - about.stored
    if not about.signed:
        if about.stored == width:
            return values
        mask = values.dtype.type((1 << about.stored) - 1)
        return np.asarray((values >> low if low else values) & mask)
    if about.stored == width:
        return values.view(values.dtype.str.replace("u", "i"))
    own = values.astype(values.dtype.newbyteorder("="))
    np.left_shift(own, width - 1 - about.high, out=own)
    signed = own.view(own.dtype.str.replace("u", "i"))
    return np.asarray(np.right_shift(signed, width - about.stored, out=signed))


def _spread(values: npt.NDArray[Any], about: Header) -> npt.NDArray[Any]:
    """Two brightnesses and one colour for each two pixels → (h, w, 3)."""
    pairs = values[: about.rows * about.columns * 2].reshape(-1, 4)
    whole = np.empty((len(pairs), 2, 3), values.dtype)
    whole[:, :, 0] = pairs[:, :2]
    whole[:, :, 1] = pairs[:, 2:3]
    whole[:, :, 2] = pairs[:, 3:4]
    return whole.reshape(about.rows, about.columns, 3)
