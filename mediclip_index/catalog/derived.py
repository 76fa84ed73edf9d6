"""What the catalog knows of the derived FAISS files."""

from __future__ import annotations

from dataclasses import astuple

from mediclip_index.catalog.rows import scalar
from mediclip_index.catalog.store import Reading, Writing
from mediclip_index.terms import NeighbourFile


def next_generation(look: Reading) -> int:
    return int(scalar(look.db, "SELECT coalesce(max(generation), 0) + 1 FROM neighbour_files"))


def record(work: Writing, file: NeighbourFile) -> None:
    work.db.execute(
        "INSERT INTO neighbour_files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [*astuple(file), work.tx],
    )


def newest(look: Reading, fingerprint: str) -> NeighbourFile | None:
    """The latest file of an encoder's vectors."""
    rows = look.db.execute(
        "SELECT generation, file, kind, fingerprint, count, through_tx, sha256, size, mtime_ns, "
        "inode FROM neighbour_files WHERE fingerprint = ? ORDER BY generation DESC LIMIT 1",
        [fingerprint],
    ).fetchall()
    return NeighbourFile(*rows[0]) if rows else None
