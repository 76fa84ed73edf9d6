"""Vectors → nearest vectors: FAISS files that are derived from the catalog and never trusted
unless their checksum is the recorded one."""

from mediclip_index.neighbours.exact import nearest
from mediclip_index.neighbours.files import (
    Damaged,
    Neighbourhood,
    contents,
    open_file,
    place_file,
    sweep,
    write_file,
)

__all__ = [
    "Damaged",
    "Neighbourhood",
    "contents",
    "nearest",
    "open_file",
    "place_file",
    "sweep",
    "write_file",
]
