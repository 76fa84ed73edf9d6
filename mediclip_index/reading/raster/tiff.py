"""TIFF in all its kinds → samples, page by page, reduced while they are decoded.

tifffile reads the structure and, with imagecodecs, the pixels; what only libtiff knows (subsampled
YCbCr without JPEG, ThunderScan, NeXT) is left to Pillow by whoever calls.
"""

from __future__ import annotations

import io
import logging
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile
from tifffile import EXTRASAMPLE, PHOTOMETRIC, SAMPLEFORMAT

from mediclip_index.reading.raster.averaging import bins, summed
from mediclip_index.reading.raster.samples import Colours, Samples, raised
from mediclip_index.reading.refusing import Unreadable
from mediclip_index.types import Bounds

MARKS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"MM*\0", b"II\0*")
_ORIENTATION, _NO_DATA, _INK_SET = 274, 42113, 332
_REDUCED, _MASK = 1, 4  # bits of NewSubfileType
_CMYK = 1
_PIECE = 16 * 1024**2  # bytes of samples that are averaged at once
# Fax and the JPEG of TIFF 6: libtiff, which Pillow brings, knows more of their odd kinds.
BY_LIBTIFF = {2, 3, 4, 6, 32766, 32771, 32809}
# Tiles of slide scanners: the first page is the tissue, others are its levels, a thumbnail, the
# slide's label, which may name a patient, and a view of the whole slide.
_SLIDES = ("is_svs", "is_ndpi", "is_scn", "is_bif", "is_philips", "is_qpi")
_LONGEST_OME = 1 << 22
_OME_IMAGE = re.compile(r"<(?:\w+:)?Image(?=\s)")
_OME_LABEL = re.compile(r"[^>]*\sName=[\"'](?:label|macro)(?:[ _-]?image)?[\"']", re.IGNORECASE)
_OME_PAGE = re.compile(r"<(?:\w+:)?TiffData\s[^>]*\bIFD=[\"'](\d{1,9})[\"']")
_TYPICAL_SAMPLES = {
    PHOTOMETRIC.MINISWHITE: 1,
    PHOTOMETRIC.MINISBLACK: 1,
    PHOTOMETRIC.RGB: 3,
    PHOTOMETRIC.PALETTE: 1,
    PHOTOMETRIC.MASK: 1,
    PHOTOMETRIC.SEPARATED: 4,
    PHOTOMETRIC.YCBCR: 3,
    PHOTOMETRIC.CIELAB: 3,
    PHOTOMETRIC.ICCLAB: 3,
}
_COLOURS: dict[Any, Colours] = {
    PHOTOMETRIC.RGB: "RGB",
    PHOTOMETRIC.PALETTE: "RGB",
    PHOTOMETRIC.SEPARATED: "CMYK",
    PHOTOMETRIC.YCBCR: "RGB",  # tifffile has its decoder turn it
    PHOTOMETRIC.CIELAB: "LAB",
    PHOTOMETRIC.ICCLAB: "ICCLAB",
}


@dataclass(frozen=True)
class Page:
    """A picture of a TIFF. `number` counts from 1 among all of its pages."""

    number: int
    page: Any
    level: Any  # the same picture, perhaps smaller, where the whole is too large


def pages(tiff: Any, path: str, size: int, bounds: Bounds) -> list[Page]:
    """The pages that are pictures of their own: no reduced copies, masks, labels and views of
    slides. Raises Unreadable where there are too many."""
    every: list[Any] = []
    met: set[int] = set()
    for page in tiff.pages:
        if page.offset in met:  # the directories lead in a circle
            break
        met.add(page.offset)
        every.append(page)
        if len(every) > bounds.max_pages:
            raise Unreadable(
                "too_large", f"{path} has over {bounds.max_pages} pages; at most those are read."
            )
    if not every:
        raise Unreadable("damaged", f"{path} ends before its first page; get a whole copy.")
    if any(getattr(tiff, kind) for kind in _SLIDES):
        return [Page(1, every[0], _level(every[0], every, size, bounds))]
    labels = _labels(tiff)
    own = [
        (number, page)
        for number, page in enumerate(every, 1)
        if not int(page.subfiletype) & (_REDUCED | _MASK)
        and not _is_level(page, every[0])
        and number not in labels
    ]
    if not own:  # all call themselves reduced
        own = [max(enumerate(every, 1), key=lambda one: one[1].imagewidth * one[1].imagelength)]
    return [
        Page(
            number,
            page,
            _level(page, every, size, bounds) if _pixels(page) > bounds.max_pixels else page,
        )
        for number, page in own
    ]


def _labels(tiff: Any) -> set[int]:
    """The pages of an OME-TIFF, made of a slide, that show its label or all of its glass."""
    if not tiff.is_ome:
        return set()
    _, *images = _OME_IMAGE.split(str(tiff.pages[0].description)[:_LONGEST_OME])
    labels = (image for image in images if _OME_LABEL.match(image))
    return {int(number) + 1 for image in labels for number in _OME_PAGE.findall(image)}


def _pixels(page: Any) -> int:
    return int(page.imagewidth) * int(page.imagelength)


def _is_level(page: Any, first: Any) -> bool:
    """Whether a page is the first one again, in tiles as it is, at half its size or less."""
    return (
        page is not first
        and page.is_tiled
        and first.is_tiled
        and page.imagewidth * 2 <= first.imagewidth + 1
        and page.samplesperpixel == first.samplesperpixel
        and _same_shape(page, first)
    )


def _same_shape(page: Any, first: Any) -> bool:
    scale = first.imagewidth / max(1, page.imagewidth)
    return bool(abs(page.imagelength * scale - first.imagelength) <= max(2.0 * scale, 2.0))


def _level(first: Any, every: list[Any], size: int, bounds: Bounds) -> Any:
    """The smallest copy of a page that still has twice as many pixels as the model sees."""
    levels = [first]
    levels += [p for p in every if p is not first and p.is_tiled and _same_shape(p, first)]
    levels += [p for p in (first.pages or ()) if isinstance(p, tifffile.TiffPage)]
    enough = [p for p in levels if min(p.imagewidth, p.imagelength) >= 2 * size] or [first]
    return min(enough, key=_pixels)


def opened(data: bytes) -> Any:
    """A TIFF's structure. Raises what tifffile raises."""
    # It logs of odd files, and may quote what they say.
    logging.getLogger("tifffile").disabled = True
    return tifffile.TiffFile(io.BytesIO(data))


def samples(page: Any, data: bytes, path: str, factor: int) -> Samples:
    """A page's samples, each `factor` x `factor` of them averaged into one; `data` is the file.

    Raises Unreadable where it is of a kind that has no colours; else what decoders raise.
    """
    kind = page.photometric
    if kind not in _TYPICAL_SAMPLES:
        name = getattr(kind, "name", kind)
        raise Unreadable("unsupported", f"{path} keeps its colours as {name}; save it as RGB.")
    if page.sampleformat in (SAMPLEFORMAT.COMPLEXINT, SAMPLEFORMAT.COMPLEXIEEEFP):
        raise Unreadable("unsupported", f"{path} holds complex numbers, which are no picture.")
    if page.compression not in tifffile.TIFF.DECOMPRESSORS:
        if page.compression in BY_LIBTIFF:
            raise NotImplementedError
        name = getattr(page.compression, "name", f"by method {page.compression}")
        raise Unreadable("unsupported", f"{path} is a TIFF compressed {name}.")
    if kind == PHOTOMETRIC.SEPARATED and _tag(page, _INK_SET, _CMYK) != _CMYK:
        raise Unreadable("unsupported", f"{path} is printed in inks other than CMYK.")
    wanted = _TYPICAL_SAMPLES[kind]
    if kind == PHOTOMETRIC.RGB and page.samplesperpixel < wanted:
        # Two channels of a microscope are no colours; it calls whatever has several so.
        kind, wanted = PHOTOMETRIC.MINISBLACK, 1
    if page.samplesperpixel < wanted:
        raise Unreadable("damaged", f"{path} has fewer samples than its colours need.")
    no_data = _no_data(page)
    values, told = _gathered(page, data, wanted, factor, no_data)
    alpha = None
    at = _alpha_at(page, wanted)
    if at is not None:
        values, alpha = values[..., :-1], values[..., -1]
    bits = 8 if values.dtype in (np.uint8, np.bool_) else int(page.bitspersample)
    if kind == PHOTOMETRIC.PALETTE:
        bits = 8
    if alpha is not None and alpha.dtype.kind == "u":
        alpha = raised(alpha, bits)
    return Samples(
        values[..., 0] if values.shape[-1] == 1 else values,
        bits=bits,
        colours=_COLOURS.get(kind, "grey"),
        white_is_zero=kind == PHOTOMETRIC.MINISWHITE,
        alpha=alpha,
        premultiplied=at is not None and EXTRASAMPLE.UNASSALPHA not in page.extrasamples,
        valid=told,
        orientation=_tag(page, _ORIENTATION, 1),
    )


def _gathered(
    page: Any, data: bytes, wanted: int, factor: int, no_data: float | None
) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_] | None]:
    """(h, w, samples): colours, then alpha where there is one; and which of them were measured."""
    at = _alpha_at(page, wanted)
    chosen = [*range(wanted)] + ([] if at is None else [at])
    look_up = _palette(page) if page.photometric == PHOTOMETRIC.PALETTE else None
    height, width = page.imagelength, page.imagewidth
    out_h, out_w = -(-height // factor), -(-width // factor)
    clear = at is not None and EXTRASAMPLE.UNASSALPHA in page.extrasamples
    depth = (3 if look_up is not None else wanted) + (at is not None)
    first: npt.NDArray[Any] | None = None
    counts: npt.NDArray[np.float32] | None = None
    dtype: Any = None
    for top, left, plane, part in _parts(page, data):
        dtype = part.dtype if look_up is None else np.dtype(np.uint8)
        if part.dtype == np.bool_:
            part, dtype = part.view(np.uint8) * np.uint8(255), np.dtype(np.uint8)
        elif part.dtype == np.uint8 and page.bitspersample < 8:
            scale = np.uint8(255 // (2**page.bitspersample - 1))
            if look_up is None:
                part = part * scale
            else:  # a place in the palette stays, alpha beside it is brightness
                part = np.concatenate([part[..., :1], part[..., 1:] * scale], axis=-1)
        if plane is None:
            part, channels = part[..., chosen], slice(None)
            if look_up is not None:
                part = np.concatenate(
                    [look_up[np.minimum(part[..., 0], len(look_up) - 1)], part[..., 1:]], axis=-1
                )
        elif plane in chosen:
            channels = slice(chosen.index(plane), chosen.index(plane) + 1)
        else:
            continue
        h, w = part.shape[:2]
        if factor == 1:
            if first is None:
                first = np.zeros((height, width, depth), dtype)
            first[top : top + h, left : left + w, channels] = part
            continue
        if first is None:
            first = np.zeros((out_h, out_w, depth), np.float64 if dtype.kind == "f" else np.int64)
            counts = np.zeros((out_h, out_w, depth), np.float32)
        assert counts is not None
        there = _measured(part, no_data)
        rows, columns = bins(top, h, factor), bins(left, w, factor)
        y, x = top // factor, left // factor
        place = (slice(y, y + len(rows)), slice(x, x + len(columns)), channels)
        clean = (part if there is None else np.where(there, part, 0)).astype(first.dtype)
        weight = np.ones(part.shape, np.float32) if there is None else there.astype(np.float32)
        if clear and plane is None:  # what can't be seen must not be averaged into what can
            clean[..., :-1] *= clean[..., -1:]
            weight[..., :-1] *= clean[..., -1:]
        first[place] += summed(clean, rows, columns)
        counts[place] += summed(weight, rows, columns)
    if first is None:
        raise ValueError("no data")
    if factor == 1:
        return first, _known(first, no_data)
    assert counts is not None
    known = counts[..., 0] > 0
    mean = first / np.where(counts > 0, counts, 1)
    values = mean.astype(np.float32) if dtype.kind == "f" else np.floor(mean + 0.5).astype(dtype)
    return values, None if known.all() else known


def _parts(page: Any, data: bytes) -> Iterator[tuple[int, int, int | None, npt.NDArray[Any]]]:
    """Strips or tiles as they are decoded: where they lie, of which plane, (h, w, samples)."""
    planes = int(page.planarconfig) == 2 and page.samplesperpixel > 1
    whole = _in_place(page, data, planes)
    if whole is not None:
        rows = max(1, _PIECE // max(1, whole[:1].nbytes))
        for top in range(0, len(whole), rows):
            yield top, 0, None, whole[top : top + rows]
        return
    for part, index, shape in page.segments(maxworkers=1):
        plane, _, top, left, _ = index
        # What a writer left out of a sparse file is its zero.
        block = np.zeros(shape, page.dtype) if part is None else part[tuple(map(slice, shape[:3]))]
        own = block[0][: page.imagelength - top, : page.imagewidth - left]
        yield top, left, int(plane) if planes else None, own


def _in_place(page: Any, data: bytes, planes: bool) -> npt.NDArray[Any] | None:
    """The samples of a page that stand in the file as they are, without a copy; None for others."""
    plain = page.compression == 1 and page.is_contiguous and int(page.fillorder) == 1
    if not plain or planes or page.is_tiled or page.bitspersample != page.dtype.itemsize * 8:
        return None
    shape = (page.imagelength, page.imagewidth, page.samplesperpixel)
    dtype = page.dtype.newbyteorder(page.parent.byteorder)
    start, count = int(page.dataoffsets[0]), math.prod(shape)
    if start + count * dtype.itemsize > len(data):
        return None
    return np.frombuffer(data, dtype, count, start).reshape(shape)


def _measured(part: npt.NDArray[Any], no_data: float | None) -> npt.NDArray[np.bool_] | None:
    known = None if no_data is None else part != no_data
    if part.dtype.kind != "f":
        return known
    finite = np.abs(part) < 1e30
    return np.asarray(finite if known is None else finite & known)


def _known(values: npt.NDArray[Any], no_data: float | None) -> npt.NDArray[np.bool_] | None:
    if no_data is None:
        return None
    known = np.asarray(values[..., 0] != no_data)
    return known if known.any() else None


def _palette(page: Any) -> npt.NDArray[np.uint8]:
    """(colours, 3). Its fields have 16 bits; some programs write 8-bit values into them."""
    table = np.asarray(page.colormap)
    wide = table.max(initial=0) > 255
    return np.asarray((table >> 8 if wide else table).T.astype(np.uint8))


def _alpha_at(page: Any, wanted: int) -> int | None:
    """Which sample says how much covers the white."""
    for place, kind in enumerate(page.extrasamples):
        if kind in (EXTRASAMPLE.ASSOCALPHA, EXTRASAMPLE.UNASSALPHA):
            at: int = wanted + place
            return at if at < page.samplesperpixel else None
    # Panorama tools leave out to say that the fourth of four is alpha, and libtiff knows it.
    unsaid = page.photometric == PHOTOMETRIC.RGB and not page.extrasamples
    return 3 if unsaid and page.samplesperpixel == 4 else None


def _no_data(page: Any) -> float | None:
    """The value that stands for none, as GDAL writes it."""
    try:
        return float(str(_tag(page, _NO_DATA, "")).strip("\0 "))
    except ValueError:
        return None


def _tag(page: Any, code: int, default: Any) -> Any:
    found = page.tags.get(code)
    return default if found is None else found.value


def kind_of(page: Any) -> str:
    """A page's colours and bits, as `mode` of other pictures."""
    return f"{getattr(page.photometric, 'name', page.photometric)};{page.bitspersample}"
