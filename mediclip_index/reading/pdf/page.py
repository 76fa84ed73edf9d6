"""A page → the figures that it shows, each as one picture, or all of it as one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from PIL import Image
from pypdfium2 import raw

from mediclip_index.reading.pdf.figures import Figure, figures
from mediclip_index.reading.pdf.marks import Marks
from mediclip_index.reading.pdf.objects import Seeker, Sheet, Shown, is_damaged
from mediclip_index.reading.pdf.rendering import rendered, shown
from mediclip_index.reading.raster import check_pixels
from mediclip_index.reading.refusing import Unreadable
from mediclip_index.reading.tones import pixels
from mediclip_index.types import Bounds, Picture, Pixels, Refusal

SMALLEST = 32  # pixels: rules, bullets and logos below it are no pictures
LEAST_SEEN = 24  # points
MOST_PICTURES = 1_000  # on one page
MOST_SMALL = 5_000  # parts below SMALLEST on one page; where there are more they are no figure's
LEAST_PAGE = 448  # pixels on a rendered page's short side
_GLANCE = 256  # pixels on the long side, to see whether something is shown
TRIED = 4  # pictures of a layer of which none is seen: it is hidden
WHOLE_PAGE = 0.9  # of a page's area: a scan, which is a page of its own even if two look alike
_PLAIN = 2  # grey values between the darkest and the brightest of what may show nothing


@dataclass(frozen=True)
class Met:
    """What was met on a document's pages so far: digests of figures; by layer, whether it is shown,
    or how often something of it was looked at that was not."""

    figures: set[bytes] = field(default_factory=set)
    layers: dict[str, bool | int] = field(default_factory=dict)


@dataclass(frozen=True)
class Page:
    """A loaded page of a document, and what is wanted of it."""

    document: Any
    loaded: Any
    number: int
    path: str
    size: int
    bounds: Bounds

    def figures(self, marks: Marks, met: Met) -> Iterator[Picture | Refusal]:
        """Each figure, but those that were met before, and what of them can't be read.

        Raises Unreadable where there are too many.
        """
        placed, found = self.placed(marks, met)
        for item, figure in enumerate(found, 1):
            members = [placed[number] for number in figure.members]
            try:
                self._check(members, figure, item)
                damaged = self._damaged(members, surely=False)
                own = None
                if len(damaged) < len(members):
                    own = shown(
                        self.loaded, figure.box, figure.square, self._is_plain(figure), self.size
                    )
                    if int(own.max()) - int(own.min()) <= _PLAIN:
                        damaged = self._damaged(members, surely=True)
                        self._check_drawn(members, item)
            except Unreadable as why:
                yield Refusal(self.path, why.reason, why.message, self.number)
                continue
            if damaged:
                yield self._refused(item, len(damaged) == len(members))
            if own is not None and len(damaged) < len(members) and self._is_new(own, figure, met):
                yield Picture(
                    pixels=pixels(Image.fromarray(own)),
                    width=figure.width,
                    height=figure.height,
                    format="PDF",
                    page=self.number,
                    item=item,
                )

    def placed(self, marks: Marks, met: Met) -> tuple[list[Shown], list[Figure]]:
        """The pictures on the page, and the figures that they make. Raises Unreadable."""
        seeker = Seeker(self.document, self.loaded, self.number, Sheet(self.loaded), marks)
        placed: list[Shown] = []
        small = large = 0
        for one in chain(seeker.content(), seeker.stamps()):
            if min(one.placed.columns, one.placed.rows) < SMALLEST:
                small += 1
                if small <= MOST_SMALL:
                    placed.append(one)
                continue
            large += 1
            # A form in a form in a form, ten times each: a short page can hold a million.
            if large > MOST_PICTURES:
                raise Unreadable(
                    "too_large",
                    f"Page {self.number} of {self.path} holds over {MOST_PICTURES} pictures; "
                    "--pdf pages reads it as one.",
                )
            placed.append(one)
        if small > MOST_SMALL:
            placed = [one for one in placed if min(one.placed.columns, one.placed.rows) >= SMALLEST]
        placed = [one for one in placed if one.layer is None or self._is_shown(one, one.layer, met)]
        found = figures([one.placed for one in placed])
        return placed, [one for one in found if self._is_picture(one, placed)]

    def _is_picture(self, figure: Figure, placed: Sequence[Shown]) -> bool:
        """Whether a figure is large enough: in pixels, or, where it is the visible part of a
        picture that is drawn larger than the page, on paper."""
        if min(figure.width, figure.height) >= SMALLEST:
            return True
        parts = [placed[number].placed for number in figure.members]
        largest = max(min(part.columns, part.rows) for part in parts)
        return largest >= SMALLEST and min(figure.box.width, figure.box.height) >= LEAST_SEEN

    def whole(self) -> Picture:
        """The page as one picture. Raises Unreadable."""
        width, height = self.loaded.get_size()  # points
        if min(width, height) <= 0:
            raise Unreadable("no_pixels", f"Page {self.number} of {self.path} has no area.")
        scale = max(2 * self.size, LEAST_PAGE) / min(width, height)
        check_pixels(int(width * scale), int(height * scale), self.path, self.bounds)
        picture = self.loaded.render(scale=scale).to_pil()
        return Picture(
            pixels=pixels(picture),
            width=picture.width,
            height=picture.height,
            format="PDF page",
            page=self.number,
        )

    def _is_plain(self, figure: Figure) -> bool:
        """Whether it may be drawn as small as it is wanted: fields lie at whole pixels too."""
        return figure.plain and not self.loaded.formenv

    def _check(self, members: Sequence[Shown], figure: Figure, item: int) -> None:
        """Refuse a figure by its size, before any of it is decoded."""
        name = f"Picture {item} on page {self.number} of {self.path}"
        try:
            check_pixels(figure.width, figure.height, name, self.bounds)
            for one in members:
                check_pixels(one.placed.columns, one.placed.rows, name, self.bounds)
        except Unreadable:
            for one in members:
                if one.image:  # nor is it decoded where another one lies over it
                    raw.FPDFPageObj_SetIsActive(one.drawn, False)
            raise

    def _damaged(self, members: Sequence[Shown], surely: bool) -> list[Shown]:
        return [one for one in members if one.image and is_damaged(self.loaded, one.drawn, surely)]

    def _refused(self, item: int, whole: bool) -> Refusal:
        what = "is" if whole else "is in part"
        why = f"Picture {item} on page {self.number} of {self.path} {what} damaged."
        return Refusal(self.path, "damaged", why, self.number)

    def _check_drawn(self, members: Sequence[Shown], item: int) -> None:
        """Refuse what shows nothing because an annotation draws it that PDFium does not draw."""
        if any(one.drawn is not None for one in members):
            return
        raise Unreadable(
            "unsupported",
            f"Picture {item} on page {self.number} of {self.path} is drawn by a field or note that "
            "can't be shown; print the file to a PDF to have it read.",
        )

    def _is_new(self, own: Pixels, figure: Figure, met: Met) -> bool:
        """Whether a figure is none of those met before: a logo on thirty pages is one picture."""
        page = Sheet(self.loaded).box
        area = figure.box.width * figure.box.height
        if area >= WHOLE_PAGE * page.width * page.height:
            return True
        known = hashlib.sha256(f"{figure.width} x {figure.height}".encode())
        known.update(own.tobytes())
        before = len(met.figures)
        met.figures.add(known.digest())
        return len(met.figures) > before

    def _is_shown(self, one: Shown, layer: str, met: Met) -> bool:
        """Whether a picture's layer is shown: one is of which something is seen. Of one of which
        nothing was seen at some places nothing is seen."""
        state = met.layers.get(layer, 0)
        if state is True or (state is not False and self._is_seen(one)):
            met.layers[layer] = True
            return True
        tried = int(state) + 1
        met.layers[layer] = False if state is False or tried >= TRIED else tried
        return False

    def _is_seen(self, one: Shown) -> bool:
        """Whether the page looks otherwise without a picture."""
        with_it = self._glance(one)
        raw.FPDFPageObj_SetIsActive(one.drawn, False)
        without = self._glance(one)
        raw.FPDFPageObj_SetIsActive(one.drawn, True)
        return bool((with_it != without).any())

    def _glance(self, one: Shown) -> Pixels:
        box = one.placed.shown
        scale = _GLANCE / max(box.width, box.height)
        wide, high = (max(1, round(side * scale)) for side in (box.width, box.height))
        return rendered(self.loaded, box, wide, high)
