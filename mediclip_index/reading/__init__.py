"""A source (folder, list, PDF, DICOM, picture) → upright RGB pictures. No model, no database."""

from mediclip_index.reading.content import (
    RECIPE,
    ReadResult,
    content_hash,
    read,
    read_bytes,
    read_file,
)
from mediclip_index.reading.lists import label_rows
from mediclip_index.reading.refusing import Unreadable
from mediclip_index.reading.sources import Scan, scan

__all__ = [
    "RECIPE",
    "ReadResult",
    "Scan",
    "Unreadable",
    "content_hash",
    "label_rows",
    "read",
    "read_bytes",
    "read_file",
    "scan",
]
