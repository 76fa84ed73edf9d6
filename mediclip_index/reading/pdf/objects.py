"""What lies on a page: its pictures with their places, as PDFium lists them."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pypdfium2 import raw

from mediclip_index.reading.pdf.figures import Box, Placed, Point, around
from mediclip_index.reading.pdf.marks import Marks

DEEPEST = 10  # forms in forms
MOST_SEGMENTS = 2_000  # of a clipping path; more of it is not looked at, and clips less
LEAST_SIDE = 1e-3  # points: what is thinner is not seen
LEAST_TILED, MOST_TILED = 10, 5_000  # units: PDFium makes a picture of it, a pixel each
MOST_MARKS = 20  # around one object, from the outermost
PATTERN_DENSITY = 150 / 72  # pixels a point, of pictures that do not say how many they have
_NOT_SHOWN = 0x02 | 0x20  # annotations that are hidden, or only printed
_SLOW_TO_CHECK = {b"JPXDecode", b"JBIG2Decode"}  # PDFium decodes these whole to say what they are

_LAYER = "OC\0".encode("utf-16-le")

Matrix = tuple[float, float, float, float, float, float]
UNIT: Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)


@dataclass(frozen=True)
class Shown:
    """A picture where it lies. drawn: the object that draws it. layer: the name of what may be a
    layer that it belongs to, which may be hidden. What is no plain picture (a pattern, a stamp) has
    no `image`."""

    placed: Placed
    drawn: Any
    image: bool
    layer: str | None


class Sheet:
    """A page as it is shown: how points of its own lie on it, and how large it is."""

    def __init__(self, page: Any) -> None:
        area = raw.FS_RECTF()
        if not raw.FPDF_GetPageBoundingBox(page, area):
            raise ValueError("a page without an area")
        left, bottom, right, top = area.left, area.bottom, area.right, area.top
        self.turned = raw.FPDFPage_GetRotation(page) % 4
        self.matrix: Matrix = (
            (1.0, 0.0, 0.0, -1.0, -left, top),
            (0.0, 1.0, 1.0, 0.0, -bottom, -left),
            (-1.0, 0.0, 0.0, 1.0, right, -bottom),
            (0.0, -1.0, -1.0, 0.0, top, right),
        )[self.turned]
        width, height = right - left, top - bottom
        self.box = Box(0.0, 0.0, *((height, width) if self.turned % 2 else (width, height)))


@dataclass(frozen=True)
class Seeker:
    """Finds what draws pictures on a page."""

    document: Any
    page: Any
    number: int
    sheet: Sheet
    marks: Marks

    def content(self) -> Iterator[Shown]:
        """Every picture that the page's content draws, in that order."""
        page = self.page
        count = max(0, raw.FPDFPage_CountObjects(page))
        objects = (raw.FPDFPage_GetObject(page, number) for number in range(count))
        yield from self._within(objects, self.sheet.matrix, self.sheet.box, 0, None)

    def stamps(self) -> Iterator[Shown]:
        """Every annotation that draws pictures: one picture, which fills the annotation's place."""
        for number in range(max(0, raw.FPDFPage_GetAnnotCount(self.page))):
            annotation = raw.FPDFPage_GetAnnot(self.page, number)
            if not annotation:
                continue
            try:
                stamp = self._stamp(annotation)
                if stamp is not None:
                    yield stamp
            finally:
                raw.FPDFPage_CloseAnnot(annotation)

    def _stamp(self, annotation: Any) -> Shown | None:
        place = raw.FS_RECTF()
        if raw.FPDFAnnot_GetFlags(annotation) & _NOT_SHOWN:
            return None
        if not raw.FPDFAnnot_GetRect(annotation, place):
            return None
        count = max(0, raw.FPDFAnnot_GetObjectCount(annotation))
        objects = (raw.FPDFAnnot_GetObject(annotation, number) for number in range(count))
        inside = [shown.placed for shown in self._within(objects, UNIT, None, 0, None)]
        if not inside:
            return None
        largest = max(inside, key=lambda one: one.columns * one.rows)
        wide, high = place.right - place.left, place.top - place.bottom
        over = times((wide, 0.0, 0.0, high, place.left, place.bottom), self.sheet.matrix)
        placed = _placed(over, largest.columns, largest.rows, self.sheet.box)
        return None if placed is None else Shown(placed, None, False, None)

    def _within(
        self,
        objects: Iterator[Any],
        matrix: Matrix,
        clip: Box | None,
        depth: int,
        layer: str | None,
    ) -> Iterator[Shown]:
        for drawn in objects:
            kind = raw.FPDFPageObj_GetType(drawn)
            if kind == raw.FPDF_PAGEOBJ_IMAGE:
                size = _size(drawn)
                placed = self._image(drawn, size, matrix, clip)
                if placed is not None:
                    own = layer or self._mark(drawn) or self.marks.layers.get(size)
                    yield Shown(placed, drawn, True, own)
            elif kind == raw.FPDF_PAGEOBJ_PATH and self.marks.tiled:
                placed = self._tiling(drawn, matrix, clip)
                if placed is not None:
                    yield Shown(placed, drawn, False, layer or self._mark(drawn))
            elif kind == raw.FPDF_PAGEOBJ_FORM and depth < DEEPEST:
                count = max(0, raw.FPDFFormObj_CountObjects(drawn))
                yield from self._within(
                    (raw.FPDFFormObj_GetObject(drawn, number) for number in range(count)),
                    times(_matrix(drawn), matrix),
                    _clip(drawn, matrix, clip),
                    depth + 1,
                    layer or self._mark(drawn) or self._form(drawn),
                )

    def _mark(self, drawn: Any) -> str | None:
        """A name for the layer's marks that an object stands within, on this page."""
        name, length = (raw.FPDF_WCHAR * 3)(), ctypes.c_ulong()
        for number in range(min(MOST_MARKS, raw.FPDFPageObj_CountMarks(drawn))):
            mark = raw.FPDFPageObj_GetMark(drawn, number)
            told = raw.FPDFPageObjMark_GetName(mark, name, ctypes.sizeof(name), length)
            if told and bytes(name) == _LAYER:
                return f"mark {ctypes.cast(mark, ctypes.c_void_p).value} on {self.number}"
        return None

    def _form(self, drawn: Any) -> str | None:
        if not self.marks.forms:
            return None
        return f"form {ctypes.cast(drawn, ctypes.c_void_p).value} on {self.number}"

    def _image(
        self, drawn: Any, own: tuple[int, int], matrix: Matrix, clip: Box | None
    ) -> Placed | None:
        # Ink of few pixels, or one, is cut out by a mask that has many.
        mask = self.marks.masks.get(own, own)
        size = max(own[0], mask[0]), max(own[1], mask[1])
        return _placed(times(_matrix(drawn), matrix), *size, _clip(drawn, matrix, clip))

    def _tiling(self, drawn: Any, matrix: Matrix, clip: Box | None) -> Placed | None:
        """An area that is filled by a tiling pattern."""
        sides = [ctypes.c_float() for _ in range(4)]
        if not raw.FPDFPageObj_GetBounds(drawn, *sides):
            return None
        left, bottom, right, top = (side.value for side in sides)
        wide, high = right - left, top - bottom
        if not LEAST_TILED < min(wide, high) < max(wide, high) < MOST_TILED:
            return None
        bitmap = raw.FPDFPageObj_GetRenderedFillPattern(self.document, drawn)
        if not bitmap:
            return None
        raw.FPDFBitmap_Destroy(bitmap)
        over = times((wide, 0.0, 0.0, high, left, bottom), matrix)
        columns = max(1, round(math.hypot(over[0], over[1]) * PATTERN_DENSITY))
        rows = max(1, round(math.hypot(over[2], over[3]) * PATTERN_DENSITY))
        return _placed(over, columns, rows, _clip(drawn, matrix, clip))


def is_damaged(page: Any, drawn: Any, surely: bool) -> bool:
    """Whether PDFium can't make anything of a picture. Some kinds are asked only where `surely`."""
    if not surely and _filters(drawn) & _SLOW_TO_CHECK:
        return False
    facts = raw.FPDF_IMAGEOBJ_METADATA()
    if not raw.FPDFImageObj_GetImageMetadata(drawn, page, facts):
        return True
    return not facts.bits_per_pixel


def times(one: Matrix, then: Matrix) -> Matrix:
    a, b, c, d, e, f = one
    g, h, i, j, k, m = then
    return (
        a * g + b * i,
        a * h + b * j,
        c * g + d * i,
        c * h + d * j,
        e * g + f * i + k,
        e * h + f * j + m,
    )


def _placed(matrix: Matrix, columns: int, rows: int, clip: Box | None) -> Placed | None:
    """A unit square's picture, upper row last; None where nothing of it is seen."""
    a, b, c, d, e, f = matrix
    if not all(math.isfinite(value) for value in matrix) or columns < 1 or rows < 1:
        return None
    corners: tuple[Point, Point, Point, Point] = (
        (c + e, d + f),
        (a + c + e, b + d + f),
        (a + e, b + f),
        (e, f),
    )
    if min(math.hypot(a, b), math.hypot(c, d)) < LEAST_SIDE or abs(a * d - b * c) < LEAST_SIDE**2:
        return None
    box = around(corners)
    shown = box if clip is None else box.within(clip)
    return None if shown is None else Placed(columns, rows, corners, shown)


def _matrix(drawn: Any) -> Matrix:
    matrix = raw.FS_MATRIX()
    if not raw.FPDFPageObj_GetMatrix(drawn, matrix):
        return UNIT
    return (matrix.a, matrix.b, matrix.c, matrix.d, matrix.e, matrix.f)


def _clip(drawn: Any, matrix: Matrix, clip: Box | None) -> Box | None:
    """A box around what an object's clipping leaves of `clip`, which is all there was before."""
    path = raw.FPDFPageObj_GetClipPath(drawn)
    for number in range(max(0, raw.FPDFClipPath_CountPaths(path)) if path else 0):
        count = raw.FPDFClipPath_CountPathSegments(path, number)
        if not 0 < count <= MOST_SEGMENTS:
            continue
        points = []
        for i in range(count):
            across, down = ctypes.c_float(), ctypes.c_float()
            segment = raw.FPDFClipPath_GetPathSegment(path, number, i)
            if raw.FPDFPathSegment_GetPoint(segment, across, down):
                points.append((across.value, down.value))
        if points:
            box = around(_moved(point, matrix) for point in points)
            common = box if clip is None else box.within(clip)
            # Nothing is left of it: a box that has nothing in common with any.
            clip = common or Box(-1e9, -1e9, -1e9, -1e9)
    return clip


def _moved(point: Point, matrix: Matrix) -> Point:
    (x, y), (a, b, c, d, e, f) = point, matrix
    return a * x + c * y + e, b * x + d * y + f


def _size(drawn: Any) -> tuple[int, int]:
    columns, rows = ctypes.c_uint(), ctypes.c_uint()
    raw.FPDFImageObj_GetImagePixelSize(drawn, columns, rows)
    return columns.value, rows.value


def _filters(drawn: Any) -> set[bytes]:
    found = set()
    for number in range(max(0, raw.FPDFImageObj_GetImageFilterCount(drawn))):
        name = ctypes.create_string_buffer(32)
        raw.FPDFImageObj_GetImageFilter(drawn, number, name, len(name))
        found.add(name.value)
    return found
