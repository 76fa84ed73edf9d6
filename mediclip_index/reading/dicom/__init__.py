"""DICOM → pictures as a viewer would show them. No patient tag is read, kept or shown.

A file goes through `elements` (its bytes) → `header` (how values are laid out) → `stored` (the
values of a frame) → `hints` and `display`, or `colour` (brightness). A hint that is no use costs
the hint, a frame that can't be read the frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from mediclip_index.reading import pdf
from mediclip_index.reading.dicom import colour, display, kinds
from mediclip_index.reading.dicom.elements import PIXELS, Elements, is_dicom, parse
from mediclip_index.reading.dicom.header import Header, header, technical
from mediclip_index.reading.dicom.hints import hints
from mediclip_index.reading.dicom.stored import Frame, PixelData
from mediclip_index.reading.raster import check_pixels
from mediclip_index.reading.refusing import Begun, Item, Unreadable
from mediclip_index.reading.tones import bounded, pixels
from mediclip_index.types import Attribute, Bounds, Picture, ReadOptions, Refusal

__all__ = ["is_dicom", "items"]

MOST_DEFLATED = 512 * 1024**2  # bytes
_BLANK = 2.0  # of 255: a frame whose shades spread less has nothing on it
_HIDDEN = 1_000
_TRIED = 5  # frames that are decoded at most to find one that is not blank


def items(
    data: bytes, path: str, size: int, bounds: Bounds, options: ReadOptions, first: int = 1
) -> Iterator[Item]:
    """One frame, the representative one, or all of them from `first` on, each refused by itself
    where it fails; of an encapsulated PDF what `pdf.items` gives. Raises Unreadable."""
    try:
        elements = parse(data, min(MOST_DEFLATED, bounds.max_bytes))
    except OverflowError:
        most = min(MOST_DEFLATED, bounds.max_bytes)
        raise Unreadable("too_large", f"{path} unfolds to over {most:,} bytes.") from None
    except MemoryError:
        raise
    except Exception:
        raise Unreadable("damaged", f"{path} is a damaged DICOM file.") from None
    kinds.refuse_label(elements, path)
    held = next((tag for tag in PIXELS if tag in elements), None)
    if held is None:
        document = kinds.document(elements)
        if document is not None:
            yield from pdf.items(bytes(document), path, size, bounds, options.pdf, first)
            return
        if elements.broken and 0x00280010 in elements:
            raise Unreadable("damaged", f"{path} ends before its picture; get a whole copy of it.")
        raise kinds.without_picture(elements, path)
    about = header(elements)
    check_pixels(about.columns or 1, about.rows or 1, path, bounds)
    if not elements.raw(held):
        raise Unreadable("no_pixels", f"{path} is a DICOM file with an empty picture.")
    tiles = kinds.is_slide(elements)
    kept = PixelData(elements, about, path, bounds)
    if about.frames > bounds.max_frames:
        if kept.count > bounds.max_frames and not (tiles and options.frames == "first"):
            raise Unreadable(
                "too_large",
                f"{path} has {about.frames} frames; at most {bounds.max_frames} are read.",
            )
        about = replace(about, frames=kept.count)  # it says more than there are
    source = _Source(elements, about, kept, path, size)
    if options.frames == "first":
        yield source.representative(tiles)
    else:
        yield from source.every(first)


class _Source:
    """The frames of one data set, as pictures."""

    def __init__(
        self, elements: Elements, about: Header, data: PixelData, path: str, size: int
    ) -> None:
        self._elements, self._about, self._data = elements, about, data
        self._path, self._size = path, size

    def every(self, first: int) -> Iterator[Item]:
        count = self._about.frames
        for number in range(first - 1, count):
            page = number + 1 if count > 1 else None
            if page is not None:
                yield Begun(page, count)
            try:
                picture = self._picture(self._shown(number), number, page)
            except Unreadable as why:
                yield Refusal(self._path, why.reason, why.message, page)
            except MemoryError:
                message = f"A frame of {self._path} needs more memory than one may cost."
                yield Refusal(self._path, "too_large", message, page)
            else:
                yield picture

    def representative(self, tiles: bool) -> Picture:
        """The frame that the file names, or the first; of those that are blank or damaged, and of
        tiles of which most are glass, another one."""
        best: tuple[float, int, Any] | None = None
        refusal: Unreadable | None = None
        for number in self._candidates(tiles):
            try:
                shown = self._shown(number)
            except Unreadable as why:
                refusal = refusal or why
                continue
            spread = float(shown[0][::7, ::5].std())
            if any(name.endswith(display.HIDING) for name in shown[1]):
                spread /= _HIDDEN  # nothing of interest on it, so what is shown is noise
            if best is None or spread > best[0]:
                best = (spread, number, shown)
            if spread >= _BLANK and not tiles:
                break
        if best is None:
            assert refusal is not None
            raise refusal
        return self._picture(best[2], best[1], None)

    def _candidates(self, tiles: bool) -> Iterator[int]:
        count = max(1, min(self._about.frames, self._data.count))
        named = self._elements.whole_number(0x00286010)
        first = named - 1 if named and 0 < named <= count else count // 2 if tiles else 0
        order = [first, *(count * share // 8 for share in (4, 2, 6, 1, 7)), 0]
        return iter(list(dict.fromkeys(order))[:_TRIED])

    def _shown(self, number: int) -> tuple[npt.NDArray[np.uint8], list[str]]:
        """(h, w) or (h, w, 3) uint8, and what was left out. Raises Unreadable."""
        frame = self._data.frame(number)
        try:
            return _as_shown(frame, self._elements, number)
        except MemoryError:
            raise
        except Exception:
            raise Unreadable(
                "damaged", f"{self._path} holds a picture that can't be shown."
            ) from None

    def _picture(
        self, shown: tuple[npt.NDArray[np.uint8], list[str]], number: int, page: int | None
    ) -> Picture:
        eight, left_out = shown
        metadata: dict[str, Attribute] = technical(self._elements, self._about)
        if number and page is None:
            metadata["frame"] = number + 1
        if left_out:
            metadata["left_out"] = ", ".join(dict.fromkeys(left_out))
        return Picture(
            pixels=pixels(bounded(Image.fromarray(eight), self._size)),
            width=int(eight.shape[1]),
            height=int(eight.shape[0]),
            format="DICOM",
            page=page,
            metadata=metadata,
        )


def _as_shown(
    frame: Frame, elements: Elements, number: int
) -> tuple[npt.NDArray[np.uint8], list[str]]:
    about = frame.about
    left_out = ["end of the picture"] if frame.cut else []
    if frame.values.ndim == 3:
        return colour.rgb(frame.values, about), left_out
    if not about.grey:
        narrow = about.allocated <= 16
        palette = colour.palette(elements, about) if narrow else None
        if palette is not None:
            return colour.through(frame.values, palette), left_out
        left_out.append("palette")
    there = frame.there if frame.there < frame.values.size else None
    eight, more = display.shown(frame.values, hints(elements, about, number), there)
    return eight, left_out + more
