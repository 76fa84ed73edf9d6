"""Vectors → nearest vectors: FAISS files that are derived from the catalog and never trusted
unless their checksum is the recorded one. And vectors → positions, by their nearest landmarks: the
map, derived as well.

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
from mediclip_index.neighbours.layout import Landmarks, laid_out
from mediclip_index.neighbours.map_files import (
    FILE as MAP,
)
from mediclip_index.neighbours.map_files import (
    MapFile,
    NoMap,
    forget_map,
    read_map,
    sweep_maps,
    write_map,
)
from mediclip_index.neighbours.placing import NEAREST, placed
from mediclip_index.neighbours.search import Stored, VectorIndex

__all__ = [
    "EXACT_NUMBERS",
    "MAP",
    "NEAREST",
    "Damaged",
    "Landmarks",
    "MapFile",
    "NoMap",
    "StagedFile",
    "Stored",
    "VectorIndex",
    "VectorSource",
    "contents",
    "forget_map",
    "kind_for",
    "laid_out",
    "merge",
    "nearest",
    "open_file",
    "place_file",
    "placed",
    "read_map",
    "spread",
    "sweep",
    "sweep_maps",
    "write_file",
    "write_map",
]
