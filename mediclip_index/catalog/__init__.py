"""What is known: the DuckDB catalog, the single truth of an index folder.

store opens and locks it; images, labels, models, ann_files, provenance and audit read and write its
rows; conditions answers `--where`; stats counts.
"""

from mediclip_index.catalog import (
    ann_files,
    audit,
    backups,
    checks,
    conditions,
    exports,
    images,
    labels,
    models,
    provenance,
    removals,
    schema,
    stats,
    thumbnails,
)
from mediclip_index.catalog.store import (
    Catalog,
    ReadTransaction,
    WriteTransaction,
    WrittenAtOneMoment,
    operating_user,
)

__all__ = [
    "Catalog",
    "ReadTransaction",
    "WriteTransaction",
    "WrittenAtOneMoment",
    "ann_files",
    "audit",
    "backups",
    "checks",
    "conditions",
    "exports",
    "images",
    "labels",
    "models",
    "operating_user",
    "provenance",
    "removals",
    "schema",
    "stats",
    "thumbnails",
]
