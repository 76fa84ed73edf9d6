"""A whole PDF: opened, or refused for what it is, and read page by page."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import Any

import pypdfium2
from pypdfium2 import raw

from mediclip_index.reading.pdf.marks import marks
from mediclip_index.reading.pdf.page import Met, Page
from mediclip_index.reading.refusing import Begun, Item, Unreadable
from mediclip_index.types import Bounds, Pdf, Refusal


def items(
    data: bytes,
    path: str,
    size: int,
    bounds: Bounds,
    pages: Pdf,
    first: int,
) -> Iterator[Item]:
    with opened(data, path) as document:
        count = len(document)
        if count > bounds.max_pages:
            raise Unreadable(
                "too_large", f"{path} has {count} pages; at most {bounds.max_pages} are read."
            )
        some = first > 1
        met = Met()
        told = marks(data)
        for number in range(first, count + 1):
            yield Begun(number, count)
            try:
                with loaded(document, number) as loaded_page:
                    page = Page(document, loaded_page, number, path, size, bounds)
                    if pages == "pages":
                        some = True
                        yield page.whole()
                        continue
                    for item in page.figures(told, met):
                        some = True
                        yield item
            except Unreadable as why:
                some = True
                yield Refusal(path, why.reason, why.message, number)
            except MemoryError:
                some = True
                large = f"Page {number} of {path} needs more memory than one page may cost."
                yield Refusal(path, "too_large", large, number)
            except Exception:
                some = True
                yield Refusal(path, "damaged", f"Page {number} of {path} is damaged.", number)
    if not some:
        raise Unreadable(
            "no_pixels",
            f"{path} has no embedded pictures; --pdf pages reads its pages as pictures.",
        )


@contextlib.contextmanager
def opened(data: bytes, path: str) -> Iterator[Any]:
    """The document of a file's bytes. Raises Unreadable."""
    # PDFium keeps the last error of the process, and sets none for some files that it can't open:
    # without this they would be refused for what ailed the file before.
    raw.FPDF_LoadMemDocument64(b"", 0, None)
    logging.getLogger("pypdfium2").setLevel(logging.CRITICAL)  # it is for nobody's eyes
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        said = str(error).lower()
        if "password" in said:
            raise Unreadable(
                "unsupported", f"{path} is locked with a password; save it without one."
            ) from None
        if "security" in said:
            raise Unreadable(
                "unsupported", f"{path} is locked in a way that can't be opened; save it unlocked."
            ) from None
        if _has_no_pages(data):
            raise Unreadable("damaged", f"{path} is a PDF without pages.") from None
        raise Unreadable("damaged", f"{path} is a damaged PDF.") from None
    try:
        # Fields are filled in over the page; this must be before its pages are loaded.
        if document.get_formtype() != raw.FORMTYPE_NONE:
            document.init_forms()
        yield document
    finally:
        document.close()


def _has_no_pages(data: bytes) -> bool:
    """Whether it is for this that PDFium's binding could not open a document."""
    document = raw.FPDF_LoadMemDocument64(data, len(data), None)
    if not document:
        return False
    count = raw.FPDF_GetPageCount(document)
    raw.FPDF_CloseDocument(document)
    return bool(count == 0)


@contextlib.contextmanager
def loaded(document: Any, number: int) -> Iterator[Any]:
    page = document[number - 1]
    try:
        yield page
    finally:
        page.close()
