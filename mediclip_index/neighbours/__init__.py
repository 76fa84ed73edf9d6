"""Vectors → nearest vectors: FAISS files that are derived from the catalog and never trusted
unless their checksum is the recorded one.

faiss is imported where it is used: that takes a tenth of a second, and most commands need none.
"""

from mediclip_index.neighbours.exact import merge, nearest
from mediclip_index.neighbours.files import (
    Damaged,
    StagedFile,
    contents,
    open_file,
    place_file,
    sweep,
    write_file,
)
from mediclip_index.neighbours.index_types import (
    EXACT_NUMBERS,
    VectorSource,
    kind_for,
    spread,
)
from mediclip_index.neighbours.search import Stored, VectorIndex

__all__ = [
    "EXACT_NUMBERS",
    "Damaged",
    "StagedFile",
    "Stored",
    "VectorIndex",
    "VectorSource",
    "contents",
    "kind_for",
    "merge",
    "nearest",
    "open_file",
    "place_file",
    "spread",
    "sweep",
    "write_file",
]
