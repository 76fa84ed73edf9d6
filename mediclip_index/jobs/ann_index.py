"""Vectors in the catalog → the neighbour files that answer for them.

A small index has one file, written anew whenever vectors came. Beside a big one, what is new is
first searched from the catalog, then stands in a supplement that each build writes anew, until it
has grown to a tenth of the whole; then all become one file again.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import get_args

import numpy as np

from mediclip_index import neighbours
from mediclip_index.catalog import ReadTransaction, ann_files, images, models
from mediclip_index.catalog.files import alive
from mediclip_index.catalog.models import StoredEncoder
from mediclip_index.neighbours import VectorSource
from mediclip_index.session.session import Session
from mediclip_index.types import Ids, IndexType, NeighbourFile, UsageError, Vectors

FEW_NEW = 1_000  # vectors newer than all files that a query may read from the catalog
SHARE = 0.1  # of a whole file, that a supplement to it may grow to
PIECE = 16_384  # vectors in memory at once
SENTENCES = 128  # that a new file is tuned on, besides images


def refresh_neighbours(session: Session, stored: StoredEncoder) -> None:
    """Bring the neighbour files up to the vectors in the catalog; does nothing where they are."""
    while not _refreshed(session, stored):
        pass


def _refreshed(session: Session, stored: StoredEncoder) -> bool:
    """Write the file that is due; False where vectors were erased or replaced meanwhile, so that it
    would hold what is no more."""
    with session.catalog.reading() as read:
        asked = ann_files.index_type(read)
        files = ann_files.files(read, stored.fingerprint)
        through = read.tx
        since = 0 if not _sound(session, files) else due(read, stored, asked, files)
    if since is None:
        return True
    with session.catalog.reading() as read:
        ids = ann_files.vector_ids(read.as_of(through), stored, since=since)
        sentences = models.some_sentences(read, stored, SENTENCES)
    if not len(ids):
        return True
    vector_source = vector_source_of(session, stored, ids, since, through, sentences)
    kind = neighbours.kind_for(asked, len(ids), stored.dim)
    written = neighbours.write_file(session.catalog.folder, vector_source, kind)
    with session.catalog.writing("neighbours", by=session.author) as write:
        if not np.array_equal(ann_files.vector_ids(write.as_of(through), stored, since=since), ids):
            written.path.unlink(missing_ok=True)
            return False
        file = neighbours.place_file(
            written,
            generation=ann_files.next_generation(write),
            fingerprint=stored.fingerprint,
            since_tx=since,
            through_tx=through,
        )
        ann_files.record(write, file)
        kept = ann_files.files(write, stored.fingerprint)
    neighbours.sweep(session.catalog.folder, [*files, *kept], alive=alive)
    session.catalog.checkpoint()
    return True


def vector_source_of(
    session: Session, stored: StoredEncoder, ids: Ids, since: int, through: int, sentences: Vectors
) -> VectorSource:
    """The catalog's vectors of these ids (sorted), written after `since` and up to `through`."""
    return VectorSource(
        count=len(ids),
        dim=stored.dim,
        pieces=partial(_pieces, session, stored, ids, since, through),
        sample=partial(_sample, session, stored, ids),
        asked=sentences,
    )


def due(
    read: ReadTransaction, stored: StoredEncoder, asked: str, files: list[NeighbourFile]
) -> int | None:
    """The transaction after which the file that is due begins (0: a whole one), None: none is."""
    if not files:
        return 0
    whole = files[0]
    fresh = len(ann_files.vector_ids(read, stored, since=files[-1].through_tx))
    added = fresh + sum(file.count for file in files[1:])
    if whole.kind != neighbours.kind_for(asked, whole.count + added, stored.dim):
        return 0
    if fresh == 0:
        return None
    if whole.count * stored.dim <= neighbours.EXACT_NUMBERS or added > SHARE * whole.count:
        return 0
    return None if fresh <= FEW_NEW else whole.through_tx


def ask_for(session: Session, index_type: IndexType) -> None:
    """Have neighbour files be of a kind from now on. Raises UsageError where there is none such."""
    if index_type not in get_args(IndexType):
        one = ", ".join(get_args(IndexType))
        raise UsageError(f"There is no index type {index_type}; give one of {one}.")
    with session.catalog.reading() as read:
        before = ann_files.index_type(read)
    if index_type != before:
        with session.catalog.writing("index type", by=session.author) as write:
            ann_files.ask_for(write, index_type)


def _sound(session: Session, files: list[NeighbourFile]) -> bool:
    try:
        for file in files:
            neighbours.open_file(session.catalog.folder, file)
    except neighbours.Damaged:
        return False
    return True


def _pieces(
    session: Session, stored: StoredEncoder, ids: Ids, since: int, through: int
) -> Iterator[tuple[Ids, Vectors]]:
    """Vectors in pieces. Each in a transaction of its own: nobody waits meanwhile."""
    for start in range(0, len(ids), PIECE):
        part = ids[start : start + PIECE]
        with session.catalog.reading() as read:
            now = read.as_of(through)
            piece = ann_files.vectors_between(now, stored, int(part[0]), int(part[-1]), since=since)
        yield piece


def _sample(session: Session, stored: StoredEncoder, ids: Ids, size: int) -> tuple[Ids, Vectors]:
    """Some of the vectors; by pieces: DuckDB keeps in memory what one transaction has read."""
    chosen = ids[neighbours.spread(len(ids), size)]
    parts = []
    for start in range(0, len(ids), PIECE):
        first, last = np.searchsorted(chosen, [ids[start], ids[start : start + PIECE][-1] + 1])
        with session.catalog.reading() as read:
            parts.append(images.vectors(read, stored, chosen[first:last].tolist()))
    return np.concatenate([keys for keys, _ in parts]), np.concatenate([rows for _, rows in parts])
