"""FAISS files: renamed into place when whole, opened only when they are the recorded ones."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from mediclip_index.neighbours.exact import merge, nearest, top
from mediclip_index.terms import Ids, NeighbourFile, Vectors

KIND = "exact"
_CHUNK = 1 << 20


class Damaged(Exception):
    """A FAISS file that is missing, or is not the one that the catalog recorded."""


def write_file(folder: Path, ids: Ids, vectors: Vectors) -> Path:
    """Write ids (n,) and unit vectors (n, dim) as a FAISS file of exact inner products.

    The file has a temporary name; place it once its generation is known.
    """
    index = faiss.IndexIDMap2(faiss.IndexFlatIP(vectors.shape[1]))
    index.add_with_ids(np.ascontiguousarray(vectors), ids)
    unfinished = folder / f".neighbours-{os.getpid()}-{time.time_ns()}"
    faiss.write_index(index, str(unfinished))
    with unfinished.open("rb+") as file:
        os.fsync(file.fileno())
    return unfinished


def place_file(
    unfinished: Path, *, generation: int, fingerprint: str, count: int, through_tx: int
) -> NeighbourFile:
    """Move a written file into its place; returns what the catalog is to record of it."""
    checksum = _checksum(unfinished)
    path = unfinished.with_name(f"neighbours-{generation}.faiss")
    unfinished.replace(path)
    stat = path.stat()
    return NeighbourFile(
        generation=generation,
        file=path.name,
        kind=KIND,
        fingerprint=fingerprint,
        count=count,
        through_tx=through_tx,
        sha256=checksum,
        size=stat.st_size,
        mtime_ns=stat.st_mtime_ns,
        inode=stat.st_ino,
    )


def sweep(folder: Path, newest: int) -> None:
    """Delete generations older than the one before the newest: a reader may be about to open it."""
    for path in folder.glob("neighbours-*.faiss"):
        number = path.stem.rpartition("-")[2]
        if number.isdigit() and int(number) < newest - 1:
            path.unlink(missing_ok=True)


def open_file(folder: Path, recorded: NeighbourFile) -> Any:
    """The FAISS index of a recorded file, memory-mapped.

    The checksum is computed again where size, time or inode differ from the recorded ones; FAISS
    never sees a file that is not ours. Raises Damaged.
    """
    path = folder / recorded.file
    try:
        stat = path.stat()
        if stat.st_size != recorded.size:
            raise Damaged(f"{path} has {stat.st_size} bytes instead of {recorded.size}")
        unchanged = (stat.st_mtime_ns, stat.st_ino) == (recorded.mtime_ns, recorded.inode)
        if not unchanged and _checksum(path) != recorded.sha256:
            raise Damaged(f"{path} is not the file that was written")
        index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
    except (OSError, RuntimeError) as error:
        raise Damaged(f"{path} can't be read ({error})") from error
    if index.ntotal != recorded.count:
        raise Damaged(f"{path} holds {index.ntotal} vectors instead of {recorded.count}")
    return index


def contents(folder: Path, recorded: NeighbourFile) -> tuple[Ids, Vectors | None]:
    """What a recorded file holds, its checksum verified in full: ids (n,) and, where the file keeps
    them unchanged, vectors (n, dim). Raises Damaged."""
    path = folder / recorded.file
    try:
        if _checksum(path) != recorded.sha256:
            raise Damaged(f"{path} is not the file that was written")
    except OSError as error:
        raise Damaged(f"{path} can't be read ({error})") from error
    index = open_file(folder, recorded)
    ids = faiss.vector_to_array(index.id_map).astype(np.int64)
    if recorded.kind != KIND:
        return ids, None
    flat = faiss.downcast_index(index.index)
    return ids, np.asarray(flat.reconstruct_n(0, flat.ntotal), dtype=np.float32)


def _checksum(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


class Neighbourhood:
    """All vectors of an index: those of the FAISS file, and those that are newer, searched beside.

    `index` is what open_file gave, or None; `ids` (n,) and `vectors` (n, dim) are not in it.
    """

    def __init__(self, index: Any, ids: Ids, vectors: Vectors) -> None:
        self._index = index
        self._ids = ids
        self._vectors = vectors

    def search(self, queries: Vectors, k: int, among: Ids) -> tuple[Ids, Vectors]:
        """The k nearest of the images `among` (sorted ids, (m,)) for each query (q, dim).

        Returns ids and cosines, both (q, <= k), nearest first, equal ones in order of id; where a
        row has fewer, its tail has id -1 and cosine -inf.
        """
        fresh = np.isin(self._ids, among, assume_unique=True)
        beside = nearest(queries, self._ids[fresh], self._vectors[fresh], k)
        if self._index is None or len(among) == 0:
            return beside
        selector = faiss.IDSelectorBatch(among)
        parameters = faiss.SearchParameters()
        parameters.sel = selector
        # A few more than k, so that equal cosines at the border are ordered by id, not by chance.
        similarities, ids = self._index.search(queries, min(k + 8, len(among)), params=parameters)
        similarities = np.where(ids < 0, -np.inf, similarities).astype(np.float32)
        return merge(top(ids, similarities, k), beside, k)
