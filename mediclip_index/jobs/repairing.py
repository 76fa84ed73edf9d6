"""What can be made again is made again; what fits nowhere is set aside, never thrown away.

Each step is whole in itself (one transaction, one rename), so that a repair that was killed is
simply done again.
"""

from __future__ import annotations

import os
from pathlib import Path

from mediclip_index.catalog import audit, checks, images, models, quarantine, removals
from mediclip_index.catalog.files import put_in_place
from mediclip_index.jobs.desk import Desk
from mediclip_index.jobs.neighbouring import refresh_neighbours
from mediclip_index.jobs.rereading import again
from mediclip_index.jobs.verifying import strays, verify
from mediclip_index.show.text import counted
from mediclip_index.types import (
    IndexDamaged,
    Mended,
    ModelUnavailable,
    Progress,
    RepairReport,
    Silent,
)


def repair(desk: Desk, *, progress: Progress) -> RepairReport:
    """See Index.repair."""
    for finding in verify(desk, deep=None, progress=Silent()).findings:
        if finding.kind in ("catalog", "newer"):
            raise IndexDamaged(f"{finding.what} {finding.mend}")
    with desk.catalog.reading() as read:
        known = models.encoder(read)
    mended: list[Mended] = []
    for path in strays(desk):
        if path.suffix == ".jsonl" and path.read_bytes():
            quarantine.keep(desk.catalog.folder, "unfinished-spool", path.read_bytes().splitlines())
        path.unlink(missing_ok=True)
        mended.append(Mended("stray", f"{path.name} deleted"))
    mended += _spool(desk)
    mended += _rows(desk, known.vectors)
    mended += _vectors(desk, progress)
    with desk.catalog.reading() as read:
        unfinished = removals.unfinished_purge(read)
    if unfinished:
        # Verdicts that were taken in, and erased, before the purge could delete their files.
        with desk.catalog.writing("repair", by=desk.author) as write:
            taken = audit.take_in_spool(write, desk.catalog.spool)
        for file in taken:
            file.unlink(missing_ok=True)
        sweep_erased(desk)
        mended.append(Mended("purge", "the interrupted purge was finished"))
    found = verify(desk, deep=None, progress=Silent())
    if any(f.kind == "neighbours" for f in found.findings):
        renew_neighbours(desk)
        mended.append(Mended("neighbours", "the neighbour file was written anew"))
        found = verify(desk, deep=None, progress=Silent())
    return RepairReport(found.path, found.ok, tuple(mended), found.findings)


def renew_neighbours(desk: Desk) -> None:
    """Write the neighbour file anew, whatever is there."""
    with desk.catalog.reading() as read:
        known = models.encoder(read)
    for path in desk.catalog.folder.glob("neighbours-*.faiss"):
        path.unlink(missing_ok=True)
    refresh_neighbours(desk, known)


def sweep_erased(desk: Desk) -> None:
    """Leave no byte of what a purge erased: catalog, old copies of it, and neighbour files."""
    for path in desk.catalog.folder.glob("catalog.duckdb.schema-*"):
        path.unlink(missing_ok=True)
    for path in desk.catalog.folder.glob("neighbours-*.faiss"):
        path.unlink(missing_ok=True)
    # The mark that a purge is done stands in the new catalog, so this comes last of the deletions.
    desk.catalog.rewrite()
    renew_neighbours(desk)


def _spool(desk: Desk) -> list[Mended]:
    """Torn lines are set aside first, then the file is written anew without them."""
    mended = []
    for file in list(audit.spool_files(desk.catalog.spool)):
        whole, torn = audit.sorted_lines(file)
        if not torn:
            continue
        kept = quarantine.keep(desk.catalog.folder, "spool", torn)
        _rewrite(file, whole)
        mended.append(Mended("spool", f"{len(torn)} torn lines of {file.name} are in {kept}"))
    return mended


def _rewrite(file: Path, lines: list[bytes]) -> None:
    if not lines:
        file.unlink(missing_ok=True)
        return
    unfinished = file.with_name(f".{file.name}.{os.getpid()}.new")
    unfinished.write_bytes(b"".join(lines))
    put_in_place(unfinished, file)


def _rows(desk: Desk, vectors: str) -> list[Mended]:
    """Rows that point to no image go aside; of two open rows of a path the older is closed."""
    mended = []
    tables = {**checks.OF_IMAGES, vectors: "image"}
    with desk.catalog.reading() as read:
        lone = {
            table: rows
            for table, column in tables.items()
            if (rows := quarantine.rows_where(read, table, checks.orphaned(column)))
        }
        twice = checks.duplicate_files(read)
    for table, rows in lone.items():
        kept = quarantine.keep(desk.catalog.folder, table, rows)
        with desk.catalog.writing("repair", by=desk.author) as write:
            quarantine.drop(write, table, checks.orphaned(tables[table]))
        mended.append(
            Mended("orphan", f"{counted(len(rows), 'row')} of {table} put aside in {kept}")
        )
    if twice:
        with desk.catalog.writing("repair", by=desk.author) as write:
            images.close_older(write)
        mended.append(
            Mended("duplicate", f"the older rows of {counted(len(twice), 'path')} were closed")
        )
    return mended


def _vectors(desk: Desk, progress: Progress) -> list[Mended]:
    """Missing and useless vectors, from their files; an old one goes when the new one is here."""
    with desk.catalog.reading() as read:
        known = models.encoder(read)
        wanted = sorted({*checks.missing_vectors(read, known), *checks.bad_vectors(read, known)})
    if not wanted:
        return []
    try:
        fresh, _ = again(desk, known, wanted, progress)
    except ModelUnavailable:
        return []  # verify goes on finding them
    if not fresh:
        return []
    with desk.catalog.writing("repair", by=desk.author) as write:
        images.replace_vectors(write, known, fresh)
    renew_neighbours(desk)
    return [Mended("vectors", f"{counted(len(fresh), 'image')} read and embedded again")]
