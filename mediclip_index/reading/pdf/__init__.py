"""PDF → the pictures that its pages show, or its pages."""

from __future__ import annotations

from collections.abc import Iterator

from mediclip_index.reading.refusing import Item
from mediclip_index.types import Bounds, Pdf


def is_pdf(data: bytes) -> bool:
    """The mark may stand anywhere in the first kilobyte."""
    return b"%PDF-" in data[:1024]


def items(
    data: bytes,
    path: str,
    size: int,
    bounds: Bounds,
    pages: Pdf,
    first: int = 1,
) -> Iterator[Item]:
    """The figures on each page (page and item count from 1), or each page as one picture; a page
    is begun with `Begun`, and those before `first` are passed over. Raises Unreadable."""
    # Here, so that PDFium is loaded only where there is a PDF.
    from mediclip_index.reading.pdf import document

    return document.items(data, path, size, bounds, pages, first)
