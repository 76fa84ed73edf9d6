"""Which FAISS files may be trusted, and the vectors that they are made of.

`jobs/ann_index.py` writes the files, and can always write them again.
"""

from __future__ import annotations

from dataclasses import asdict

import numpy as np

from mediclip_index.catalog.models import StoredEncoder
from mediclip_index.catalog.rows import fetch_vectors, scalar
from mediclip_index.catalog.store import ReadTransaction, WriteTransaction
from mediclip_index.types import Ids, NeighbourFile, Vectors

_COLUMNS = (
    "generation, file, kind, fingerprint, count, through_tx, sha256, size, mtime_ns, inode, "
    "since_tx, recall"
)


def next_generation(read: ReadTransaction) -> int:
    return int(scalar(read.db, "SELECT coalesce(max(generation), 0) + 1 FROM neighbour_files"))


def record(write: WriteTransaction, file: NeighbourFile) -> None:
    row = {**asdict(file), "tx": write.tx}
    marks = ", ".join("?" for _ in row)
    write.db.execute(
        f"INSERT INTO neighbour_files ({', '.join(row)}) VALUES ({marks})", list(row.values())
    )


def files(read: ReadTransaction, fingerprint: str) -> list[NeighbourFile]:
    """The files of an encoder's vectors that are in force: none, the latest whole one, or that and
    the latest supplement to it."""
    rows = read.db.execute(
        f"SELECT {_COLUMNS} FROM neighbour_files WHERE fingerprint = ? ORDER BY generation DESC",
        [fingerprint],
    ).fetchall()
    known = [NeighbourFile(*row) for row in rows]
    whole = next((file for file in known if file.since_tx == 0), None)
    if whole is None:
        return []
    added = next(
        (
            file
            for file in known
            if file.since_tx == whole.through_tx and file.generation > whole.generation
        ),
        None,
    )
    return [whole] if added is None else [whole, added]


def newest(read: ReadTransaction, fingerprint: str) -> NeighbourFile | None:
    """The latest file of an encoder's vectors; it may be a supplement (see `files`)."""
    known = files(read, fingerprint)
    return known[-1] if known else None


def index_type(read: ReadTransaction) -> str:
    """The kind of file that was asked for last; "auto" where none was."""
    return str(scalar(read.db, "SELECT coalesce(arg_max(kind, tx), 'auto') FROM index_types"))


def ask_for(write: WriteTransaction, kind: str) -> None:
    """Files are of this kind from now on."""
    write.db.execute("INSERT INTO index_types VALUES (?, ?)", [write.tx, kind])


def vector_ids(read: ReadTransaction, stored: StoredEncoder, *, since: int = 0) -> Ids:
    """The images, there or not, whose vectors were written after transaction `since` and up to
    this transaction; in order of id."""
    rows = read.db.execute(
        f"SELECT image FROM {stored.vectors} WHERE tx > ? AND tx <= ? ORDER BY image",
        [since, read.tx],
    ).fetchnumpy()
    return np.asarray(rows["image"], dtype=np.int64)


def vectors_since(read: ReadTransaction, stored: StoredEncoder, since: int) -> tuple[Ids, Vectors]:
    """As vector_ids, with the vectors (n, dim)."""
    ids = vector_ids(read, stored, since=since)
    if len(ids) == 0:
        return ids, np.empty((0, stored.dim), dtype=np.float32)
    return vectors_between(read, stored, int(ids[0]), int(ids[-1]), since=since)


def vectors_between(
    read: ReadTransaction, stored: StoredEncoder, first: int, last: int, *, since: int = 0
) -> tuple[Ids, Vectors]:
    """As vector_ids, of the ids from `first` to `last`, with the vectors (n, dim)."""
    keys, found = fetch_vectors(
        read.db,
        f"SELECT image, vector FROM {stored.vectors} WHERE image BETWEEN ? AND ? "
        "AND tx > ? AND tx <= ? ORDER BY image",
        [first, last, since, read.tx],
        stored.dim,
    )
    return np.array(keys, dtype=np.int64), found
