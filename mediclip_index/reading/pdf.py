"""PDF → the pictures embedded in it, or its pages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from mediclip_index.reading.raster import check_pixels
from mediclip_index.reading.refusing import Begun, Item, Unreadable
from mediclip_index.reading.tones import bounded, pixels
from mediclip_index.terms import Bounds, Picture, Refusal

SMALLEST = 32  # pixels: rules, bullets and logos below it are no pictures
MOST_PICTURES = 1_000  # on one page
LEAST_PAGE = 448  # pixels on a rendered page's short side


def is_pdf(data: bytes) -> bool:
    """The mark may stand anywhere in the first kilobyte."""
    return b"%PDF-" in data[:1024]


def items(
    data: bytes,
    path: str,
    size: int,
    bounds: Bounds,
    pages: Literal["images", "pages"],
    first: int = 1,
) -> Iterator[Item]:
    """Embedded pictures (page and item count from 1) or rendered pages. Raises Unreadable."""
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise Unreadable(
                "unsupported", f"{path} is locked with a password; save it without one."
            ) from None
        raise Unreadable("damaged", f"{path} is a damaged PDF.") from None
    some = False
    try:
        count = len(document)
        if count > bounds.max_pages:
            raise Unreadable(
                "too_large", f"{path} has {count} pages; at most {bounds.max_pages} are read."
            )
        for number in range(first, count + 1):
            yield Begun(number, count)
            for item in _page(document, number, path, size, bounds, pages):
                some = True
                yield item
    finally:
        document.close()
    if not some and first == 1:
        raise Unreadable(
            "no_pixels",
            f"{path} has no embedded pictures; --pdf pages reads its pages as pictures.",
        )


def _page(
    document: Any,
    number: int,
    path: str,
    size: int,
    bounds: Bounds,
    pages: Literal["images", "pages"],
) -> list[Item]:
    try:
        page = document[number - 1]
        try:
            if pages == "pages":
                return [_rendered(page, number, path, size, bounds)]
            return list(_embedded(page, number, path, size, bounds))
        finally:
            page.close()
    except Unreadable as why:
        return [Refusal(path, why.reason, why.message, number)]
    except MemoryError:
        why = f"Page {number} of {path} needs more memory than one page may cost."
        return [Refusal(path, "too_large", why, number)]
    except Exception:
        return [Refusal(path, "damaged", f"Page {number} of {path} is damaged.", number)]


def _embedded(page: Any, number: int, path: str, size: int, bounds: Bounds) -> list[Picture]:
    from pypdfium2 import raw

    found: list[Picture] = []
    for item in page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE], max_depth=8):
        width, height = item.get_px_size()
        if min(width, height) < SMALLEST:
            continue
        check_pixels(width, height, path, bounds)
        # A form in a form in a form, ten times each: a short page can hold a million.
        if len(found) >= MOST_PICTURES:
            raise Unreadable(
                "too_large",
                f"Page {number} of {path} holds over {MOST_PICTURES} pictures; --pdf pages reads "
                "it as one.",
            )
        # Rendered with its mask: a figure cut out by one shows on white, as it does on the page.
        bitmap = item.get_bitmap(render=False)
        picture = bitmap.to_pil().convert("RGB")
        found.append(
            Picture(
                pixels=pixels(bounded(picture, size)),
                width=width,
                height=height,
                format="PDF",
                page=number,
                item=len(found) + 1,
            )
        )
    return found


def _rendered(page: Any, number: int, path: str, size: int, bounds: Bounds) -> Picture:
    width, height = page.get_size()  # points
    if min(width, height) <= 0:
        raise Unreadable("no_pixels", f"Page {number} of {path} has no area.")
    scale = max(2 * size, LEAST_PAGE) / min(width, height)
    check_pixels(int(width * scale), int(height * scale), path, bounds)
    picture = page.render(scale=scale).to_pil()
    return Picture(
        pixels=pixels(picture),
        width=picture.width,
        height=picture.height,
        format="PDF page",
        page=number,
    )
