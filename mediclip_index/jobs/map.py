"""All vectors of an index → a map in two dimensions, in a file beside the neighbour files.

Landmarks, chosen by chance, are laid out together; every other image, and every one that comes
later, is placed among its nearest landmarks. So nothing moves until an index has grown to twice
what its map was made of, and a million images take minutes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from mediclip_index import neighbours
from mediclip_index.catalog import ReadTransaction, ann_files, images, models, presence, removals
from mediclip_index.catalog.files import alive
from mediclip_index.catalog.models import StoredEncoder
from mediclip_index.neighbours import Landmarks, MapFile, NoMap
from mediclip_index.session.session import Session
from mediclip_index.types import (
    Ids,
    MapOptions,
    MapPoints,
    MapReport,
    Progress,
    UsageError,
    Vectors,
)

GROWN = 2  # times the images that a map was made of: from here on it is made anew
PIECE = 16_384  # vectors in memory at once
_NOBODY = np.empty(0, dtype=np.int64)


def project(session: Session, options: MapOptions, progress: Progress) -> MapReport:
    """See Map.make."""
    with session.catalog.reading() as read:
        known = models.encoder(read)
        through, index = read.tx, read.index_id()
        ids = ann_files.vector_ids(read, known)
        there = np.setdiff1d(ids, presence.absent_ids(read), assume_unique=True)
        old = _usable(session, read, known)
        came = _NOBODY if old is None else ann_files.vector_ids(read, known, since=old.tx)
    searcher = None
    if old is None or options.anew or old.seed != options.seed or len(there) >= GROWN * old.made_of:
        made = "anew"
        base, searcher = _laid_out(session, known, there, options, progress)
        base = replace(base, index=index, tx=through)
    else:
        made = "extended"
        # Vectors that `repair` replaced are placed again; a landmark among them is one no more.
        base = old.among(np.setdiff1d(ids, came, assume_unique=True))
    todo = np.setdiff1d(ids, np.concatenate([base.landmark_ids, base.placed_ids]))
    if base is old and not len(todo):
        return _report(session, "unchanged", base, 0)
    fresh = _placed(session, known, base, todo, through, searcher, progress)
    whole = replace(base.with_placed(*fresh), tx=through)
    # Purges wait while it lasts, and what one erased meanwhile has no place here.
    with session.catalog.reading() as read:
        whole = whole.among(ann_files.vector_ids(read, known))
        _keep(session, whole)
    neighbours.sweep_maps(session.catalog.folder, alive=alive)
    laid_out = len(whole.landmark_ids) if made == "anew" else 0
    return _report(session, made, whole, laid_out + len(fresh[0]))


def points(session: Session) -> MapPoints | None:
    """See Map.points."""
    with session.catalog.reading() as read:
        held = _usable(session, read, models.encoder(read))
        if held is None:
            return None
        erased = np.array(sorted(removals.purged(read)), dtype=np.int64)
        hidden = np.concatenate([presence.absent_ids(read), erased])
        count = presence.image_count(read)
    ids, xy = held.points()
    shown = np.isin(ids, hidden, invert=True)
    return MapPoints(ids[shown], xy[shown], held.tx, max(0, count - int(shown.sum())))


def place(session: Session, vectors: Vectors) -> Vectors:
    """See Map.place."""
    queries = np.asarray(vectors, dtype=np.float32)
    with session.catalog.reading() as read:
        known = models.encoder(read)
        if queries.ndim != 2 or queries.shape[1] != known.dim or not np.isfinite(queries).all():
            raise UsageError(f"Vectors to place are rows of {known.dim} numbers, (n, {known.dim}).")
        held = _usable(session, read, known)
        if held is None or not len(held.landmark_ids):
            raise UsageError("There is no map to place pictures on; make one first.")
        if not len(queries):
            return np.empty((0, 2), dtype=np.float32)
        index, _ = session.vector_index(read, known)
        stored = partial(images.vectors, read, known)
        near, cosines = index.search(queries, neighbours.NEAREST, held.landmark_ids, stored)
    rows = np.where(near >= 0, np.searchsorted(held.landmark_ids, near), -1)
    return neighbours.placed(rows, cosines, held.landmark_xy)


def strip(session: Session) -> None:
    """Leave nothing in the map of images whose vector is no more; a map that is of no use goes."""
    neighbours.sweep_maps(session.catalog.folder, alive=alive)
    with session.catalog.reading() as read:
        known = models.encoder(read)
        held = _usable(session, read, known)
        if held is None:
            neighbours.forget_map(session.catalog.folder)
            return
        left = held.among(ann_files.vector_ids(read, known))
        if left is not held:
            _keep(session, left)


def drop_useless(session: Session) -> bool:
    """Delete a map that is damaged or of another model or index; returns whether one was."""
    if not (session.catalog.folder / neighbours.MAP).exists():
        return False
    with session.catalog.reading() as read:
        if _usable(session, read, models.encoder(read)) is not None:
            return False
    neighbours.forget_map(session.catalog.folder)
    return True


def _usable(session: Session, read: ReadTransaction, known: StoredEncoder) -> MapFile | None:
    """The map, where it is whole, of this index and model, and not of a later state than this."""
    try:
        held = neighbours.read_map(session.catalog.folder)
    except NoMap:
        return None
    own = (held.index, held.fingerprint) == (read.index_id(), known.fingerprint)
    return held if own and held.tx <= read.tx else None


def _keep(session: Session, whole: MapFile) -> None:
    if len(whole.landmark_ids):
        neighbours.write_map(session.catalog.folder, whole)
    else:
        neighbours.forget_map(session.catalog.folder)


def _report(session: Session, made: str, whole: MapFile, placed: int) -> MapReport:
    landmarks = len(whole.landmark_ids)
    count = landmarks + len(whole.placed_ids)
    return MapReport(str(session.catalog.folder), made, count, landmarks, placed)


def _laid_out(
    session: Session, known: StoredEncoder, there: Ids, options: MapOptions, progress: Progress
) -> tuple[MapFile, Landmarks]:
    """A map of landmarks alone."""
    chosen = there
    if len(there) > options.landmarks:
        rng = np.random.default_rng(options.seed)
        chosen = np.sort(rng.choice(there, options.landmarks, replace=False))
    ids, vectors = _vectors_of(session, known, chosen)
    progress.start("lay out", None)
    searcher = Landmarks(vectors)
    xy = neighbours.laid_out(vectors, options.seed, searcher)
    progress.finish()
    nowhere = np.empty((0, 2), dtype=np.float32)
    base = MapFile(
        index="",
        fingerprint=known.fingerprint,
        seed=options.seed,
        tx=0,
        made_of=len(there),
        landmark_ids=ids,
        landmark_xy=xy,
        placed_ids=_NOBODY,
        placed_xy=nowhere,
    )
    return base, searcher


def _placed(
    session: Session,
    known: StoredEncoder,
    base: MapFile,
    todo: Ids,
    through: int,
    searcher: Landmarks | None,
    progress: Progress,
) -> tuple[Ids, Vectors]:
    """Ids and positions of images that have none yet. searcher: of all landmarks, or None."""
    landmark_xy = base.landmark_xy
    if searcher is None and len(todo):
        landmarks, vectors = _vectors_of(session, known, base.landmark_ids)
        landmark_xy = landmark_xy[np.searchsorted(base.landmark_ids, landmarks)]
        searcher = Landmarks(vectors)
    if searcher is None or not searcher.count:
        return _NOBODY, np.empty((0, 2), dtype=np.float32)
    found_ids, found_xy = [_NOBODY], [np.empty((0, 2), dtype=np.float32)]
    progress.start("place", len(todo))
    for ids, vectors in _pieces(session, known, todo, through):
        rows, cosines = searcher.nearest(vectors, neighbours.NEAREST)
        found_ids.append(ids)
        found_xy.append(neighbours.placed(rows, cosines, landmark_xy, ids))
        progress.advance(len(ids))
    progress.finish()
    return np.concatenate(found_ids), np.concatenate(found_xy)


def _pieces(
    session: Session, known: StoredEncoder, ids: Ids, through: int
) -> Iterator[tuple[Ids, Vectors]]:
    """Vectors of these ids (sorted) in pieces, each in a transaction of its own: nobody waits."""
    for start in range(0, len(ids), PIECE):
        part = ids[start : start + PIECE]
        with session.catalog.reading() as read:
            if part[-1] - part[0] < 2 * PIECE:
                now = read.as_of(through)
                keys, found = ann_files.vectors_between(now, known, int(part[0]), int(part[-1]))
            else:
                keys, found = images.vectors(read, known, part.tolist())
        wanted = np.isin(keys, part) & _sound(found)
        yield (keys, found) if wanted.all() else (keys[wanted], found[wanted])


def _vectors_of(session: Session, known: StoredEncoder, ids: Ids) -> tuple[Ids, Vectors]:
    """Ids and vectors of those of these images whose vector is there and sound."""
    found = np.empty((len(ids), known.dim), dtype=np.float32)
    parts = [_NOBODY]
    count = 0
    for keys, vectors in _pieces(session, known, ids, np.iinfo(np.int64).max):
        parts.append(keys)
        found[count : count + len(keys)] = vectors
        count += len(keys)
    return np.concatenate(parts), found[:count]


def _sound(vectors: Vectors) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which rows are vectors at all; `verify` tells of the others and `repair` mends them."""
    lengths = np.einsum("nd,nd->n", vectors, vectors)
    return np.asarray(np.isfinite(lengths) & (lengths > 0.25))
