"""Which images are there: whose content lies in a file, and which nobody took out.

What is there is nearly everything, so it is told by what is not: only a content of which a file was
closed can be gone. Asked the other way round, a query waits for a join of all images and all files.
"""

from __future__ import annotations

import numpy as np

from mediclip_index.catalog.rows import scalar
from mediclip_index.catalog.store import ReadTransaction
from mediclip_index.types import Ids

# Images of which no file is left, as of the transaction $1.
GONE = """
    SELECT id FROM images WHERE tx <= $1
    AND sha256 IN (SELECT sha256 FROM files WHERE until_tx <= $1)
    AND sha256 NOT IN (
        SELECT sha256 FROM files_at($1) WHERE sha256 IN (
            SELECT sha256 FROM files WHERE until_tx <= $1
        )
    )
"""
# Those, what was taken out, and what came later.
ABSENT = f"""
    {GONE} UNION SELECT image FROM removed_at($1) UNION SELECT id FROM images WHERE tx > $1
"""


def present_ids(read: ReadTransaction) -> Ids:
    """The images that are there, in order of id; for who goes through them all anyway."""
    return _ids(read, "SELECT id FROM images_at($1) ORDER BY id")


def absent_ids(read: ReadTransaction) -> Ids:
    """The images that are known and not there, in order of id."""
    return _ids(read, f"SELECT id FROM images WHERE id IN ({ABSENT}) ORDER BY id")


def gone_ids(read: ReadTransaction) -> Ids:
    """Images of which no file is left, and which were not taken out, in order of id."""
    return _ids(read, f"{GONE} AND id NOT IN (SELECT image FROM removed_at($1)) ORDER BY id")


def image_count(read: ReadTransaction) -> int:
    """How many images are there."""
    return int(
        scalar(read.db, f"SELECT count(*) FROM images WHERE id NOT IN ({ABSENT})", [read.tx])
    )


def _ids(read: ReadTransaction, query: str) -> Ids:
    columns = read.db.execute(query, [read.tx]).fetchnumpy()
    return np.asarray(next(iter(columns.values())), dtype=np.int64)
