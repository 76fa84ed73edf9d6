"""What is known: the DuckDB catalog, the single truth of an index folder.

store opens and locks it; images, labels, words, derived and audit read and write its rows; library
answers conditions; tallies counts.
"""

from mediclip_index.catalog import (
    audit,
    backups,
    checks,
    derived,
    exports,
    images,
    labels,
    library,
    origins,
    removals,
    schema,
    tallies,
    thumbnails,
    words,
)
from mediclip_index.catalog.store import Catalog, Reading, Writing, operating_user

__all__ = [
    "Catalog",
    "Reading",
    "Writing",
    "audit",
    "backups",
    "checks",
    "derived",
    "exports",
    "images",
    "labels",
    "library",
    "operating_user",
    "origins",
    "removals",
    "schema",
    "tallies",
    "thumbnails",
    "words",
]
