"""FAISS files: renamed into place when whole, opened only when they are the recorded ones."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mediclip_index.neighbours.index_types import VectorSource, is_exact, listed_ids, make
from mediclip_index.types import Ids, NeighbourFile, Vectors, WriteError


class Damaged(Exception):
    """A FAISS file that is missing, or is not the one that the catalog recorded."""


@dataclass(frozen=True)
class StagedFile:
    """A file that is written whole, under a temporary name. recall: as measured, None if exact."""

    path: Path
    kind: str
    count: int
    recall: float | None


def write_file(folder: Path, vector_source: VectorSource, kind: str) -> StagedFile:
    """Write a FAISS file of a kind (`index_types.kind_for`) under a temporary name; place it
    once its generation is known."""
    import faiss

    index, recall = make(kind, vector_source)
    unfinished = folder / f".neighbours-{os.getpid()}-{time.time_ns()}"
    try:
        faiss.write_index(index, str(unfinished))
        with unfinished.open("rb+") as file:
            os.fsync(file.fileno())
    except RuntimeError as error:  # FAISS's word for a write that failed
        unfinished.unlink(missing_ok=True)
        raise WriteError(
            f"No neighbour file can be written in {folder} (is the disk full?): the catalog is "
            "whole; make room, then give the same command again."
        ) from error
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    return StagedFile(unfinished, kind, index.ntotal, recall)


def place_file(
    written: StagedFile, *, generation: int, fingerprint: str, since_tx: int, through_tx: int
) -> NeighbourFile:
    """Move a written file into its place; returns what the catalog is to record of it."""
    checksum = _checksum(written.path)
    path = written.path.with_name(f"neighbours-{generation}.faiss")
    written.path.replace(path)
    stat = path.stat()
    return NeighbourFile(
        generation=generation,
        file=path.name,
        kind=written.kind,
        fingerprint=fingerprint,
        count=written.count,
        through_tx=through_tx,
        sha256=checksum,
        size=stat.st_size,
        mtime_ns=stat.st_mtime_ns,
        inode=stat.st_ino,
        since_tx=since_tx,
        recall=written.recall,
    )


def sweep(folder: Path, keep: Collection[NeighbourFile], *, alive: Callable[[int], bool]) -> None:
    """Delete every generation but these and newer ones: those in force, and those that were until
    now, since a reader may be about to open them. What a writer left unfinished that is not `alive`
    (by its process number) goes too."""
    names = {file.file for file in keep}
    newest = max((file.generation for file in keep), default=0)
    for path in folder.glob("neighbours-*.faiss"):
        number = path.stem.rpartition("-")[2]
        if number.isdigit() and int(number) < newest and path.name not in names:
            path.unlink(missing_ok=True)
    for path in folder.glob(".neighbours-*"):
        writer = path.name.split("-")[1]
        if writer.isdigit() and not alive(int(writer)):
            path.unlink(missing_ok=True)


def open_file(folder: Path, recorded: NeighbourFile) -> Any:
    """The FAISS index of a recorded file, memory-mapped.

    The checksum is computed again where size, time or inode differ from the recorded ones; FAISS
    never sees a file that is not ours. Raises Damaged.
    """
    import faiss

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
    import faiss

    path = folder / recorded.file
    try:
        if _checksum(path) != recorded.sha256:
            raise Damaged(f"{path} is not the file that was written")
    except OSError as error:
        raise Damaged(f"{path} can't be read ({error})") from error
    index = open_file(folder, recorded)
    if not is_exact(index):
        return listed_ids(index), None
    ids = faiss.vector_to_array(index.id_map).astype(np.int64)
    flat = faiss.downcast_index(index.index)
    return ids, np.asarray(flat.reconstruct_n(0, flat.ntotal), dtype=np.float32)


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
