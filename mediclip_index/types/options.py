"""Options that travel whole: declared once, passed as one value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Frames = Literal["first", "all"]
Pdf = Literal["images", "pages"]
Truncated = Literal["refuse", "show"]


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """How files become pictures.

    frames: of a DICOM file with several, the first or all. pdf: of a PDF, its figures or its pages.
    truncated: a picture whose file ends too soon is refused, or shown as far as it goes.
    """

    frames: Frames = "first"
    pdf: Pdf = "images"
    truncated: Truncated = "refuse"


@dataclass(frozen=True, kw_only=True)
class ScanOptions:
    """Which files of a folder or archive are looked at.

    exclude, include: patterns as of `.gitignore`'s simple kind (`*.png`, `thumbs/`, `**/raw/*`),
    matched against the path below the source and each of its parts; a file is taken where it is
    included (or nothing is) and not excluded. follow_links: links that lead out of the folder are
    followed.
    """

    exclude: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    follow_links: bool = False


@dataclass(frozen=True, kw_only=True)
class ImportOptions:
    """How a list of labels is taken.

    machine_labels: the machine's own classes too (`guess` where label is empty, and lists whose
    labels are its own). all_pages: a path with several pictures labels all of them, else none.
    keep_columns: columns that are not known become attributes.
    """

    machine_labels: bool = False
    all_pages: bool = False
    keep_columns: bool = False


@dataclass(frozen=True)
class Bounds:
    """How much one file may cost before it, or the rest of it, is refused as `too_large`.

    `max_seconds` (of one page, frame or single picture), `max_file_seconds` (of all of them) and
    `max_memory` (bytes beside the file's own) hold where a file is read in a process of its own.
    Seconds are processor time where the system tells it, so that a busy machine refuses no more.
    """

    max_bytes: int = 2 * 1024**3
    max_pixels: int = 250_000_000
    max_frames: int = 2_000
    max_pages: int = 2_000
    max_seconds: float = 30.0
    max_file_seconds: float = 1_800.0
    max_memory: int = 900 * 1024**2  # with Python and its libraries about a gigabyte
