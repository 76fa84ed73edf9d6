"""What the catalog knows of the derived FAISS files, and the vectors that they are made of."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np

from mediclip_index.catalog.rows import fetch_vectors, scalar
from mediclip_index.catalog.store import Reading, Writing
from mediclip_index.catalog.words import KnownEncoder
from mediclip_index.types import Ids, NeighbourFile, Vectors

_COLUMNS = (
    "generation, file, kind, fingerprint, count, through_tx, sha256, size, mtime_ns, inode, "
    "since_tx, recall"
)


def next_generation(look: Reading) -> int:
    return int(scalar(look.db, "SELECT coalesce(max(generation), 0) + 1 FROM neighbour_files"))


def record(work: Writing, file: NeighbourFile) -> None:
    row = {**asdict(file), "tx": work.tx}
    marks = ", ".join("?" for _ in row)
    work.db.execute(
        f"INSERT INTO neighbour_files ({', '.join(row)}) VALUES ({marks})", list(row.values())
    )


def files(look: Reading, fingerprint: str) -> list[NeighbourFile]:
    """The files of an encoder's vectors that are in force: none, the latest whole one, or that and
    the latest supplement to it."""
    rows = look.db.execute(
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


def newest(look: Reading, fingerprint: str) -> NeighbourFile | None:
    """The latest file of an encoder's vectors; it may be a supplement (see `files`)."""
    known = files(look, fingerprint)
    return known[-1] if known else None


def index_type(look: Reading) -> str:
    """The kind of file that was asked for last; "auto" where none was."""
    return str(scalar(look.db, "SELECT coalesce(arg_max(kind, tx), 'auto') FROM index_types"))


def ask_for(work: Writing, kind: str) -> None:
    """Files are of this kind from now on."""
    work.db.execute("INSERT INTO index_types VALUES (?, ?)", [work.tx, kind])


def vector_ids(look: Reading, known: KnownEncoder, *, since: int = 0) -> Ids:
    """The images, there or not, whose vectors were written after transaction `since` and up to
    this look; in order of id."""
    rows = look.db.execute(
        f"SELECT image FROM {known.vectors} WHERE tx > ? AND tx <= ? ORDER BY image",
        [since, look.tx],
    ).fetchnumpy()
    return np.asarray(rows["image"], dtype=np.int64)


def vectors_since(look: Reading, known: KnownEncoder, since: int) -> tuple[Ids, Vectors]:
    """As vector_ids, with the vectors (n, dim)."""
    ids = vector_ids(look, known, since=since)
    if len(ids) == 0:
        return ids, np.empty((0, known.dim), dtype=np.float32)
    return vectors_between(look, known, int(ids[0]), int(ids[-1]), since=since)


def vectors_between(
    look: Reading, known: KnownEncoder, first: int, last: int, *, since: int = 0
) -> tuple[Ids, Vectors]:
    """As vector_ids, of the ids from `first` to `last`, with the vectors (n, dim)."""
    keys, found = fetch_vectors(
        look.db,
        f"SELECT image, vector FROM {known.vectors} WHERE image BETWEEN ? AND ? "
        "AND tx > ? AND tx <= ? ORDER BY image",
        [first, last, since, look.tx],
        known.dim,
    )
    return np.array(keys, dtype=np.int64), found
