"""What can be made again is made again; what fits nowhere is set aside, never thrown away.

Each step is whole in itself (one transaction, one rename), so that a repair that was killed is
simply done again.
"""

from __future__ import annotations

import os
from pathlib import Path

from mediclip_index.catalog import audit, checks, images, models, quarantine, removals
from mediclip_index.catalog.files import put_in_place
from mediclip_index.jobs.ann_index import refresh_neighbours
from mediclip_index.jobs.map import drop_useless, strip
from mediclip_index.jobs.reread import again
from mediclip_index.jobs.verify import strays, verify
from mediclip_index.session.session import Session
from mediclip_index.show.text import counted
from mediclip_index.types import (
    IndexDamaged,
    Mended,
    ModelUnavailable,
    Progress,
    RepairReport,
    Silent,
)


def repair(session: Session, *, progress: Progress) -> RepairReport:
    """See Index.repair."""
    for finding in verify(session, deep=None, progress=Silent()).findings:
        if finding.kind in ("catalog", "newer"):
            raise IndexDamaged(f"{finding.what} {finding.mend}")
    with session.catalog.reading() as read:
        stored = models.encoder(read)
    mended: list[Mended] = []
    for path in strays(session):
        if path.suffix == ".jsonl" and path.read_bytes():
            quarantine.keep(
                session.catalog.folder, "unfinished-spool", path.read_bytes().splitlines()
            )
        path.unlink(missing_ok=True)
        mended.append(Mended("stray", f"{path.name} deleted"))
    mended += _spool(session)
    mended += _rows(session, stored.vectors)
    mended += _vectors(session, progress)
    with session.catalog.reading() as read:
        unfinished = removals.unfinished_purge(read)
    if unfinished:
        # Verdicts that were taken in, and erased, before the purge could delete their files.
        with session.catalog.writing("repair", by=session.author) as write:
            taken = audit.take_in_spool(write, session.catalog.spool)
        for file in taken:
            file.unlink(missing_ok=True)
        sweep_erased(session)
        mended.append(Mended("purge", "the interrupted purge was finished"))
    found = verify(session, deep=None, progress=Silent())
    if any(f.kind == "neighbours" for f in found.findings):
        renew_neighbours(session)
        mended.append(Mended("neighbours", "the neighbour file was written anew"))
        found = verify(session, deep=None, progress=Silent())
    if drop_useless(session):
        mended.append(Mended("map", "the map was of no use and is deleted; it can be made anew"))
    return RepairReport(found.path, found.ok, tuple(mended), found.findings)


def renew_neighbours(session: Session) -> None:
    """Write the neighbour file anew, whatever is there."""
    with session.catalog.reading() as read:
        stored = models.encoder(read)
    for path in session.catalog.folder.glob("neighbours-*.faiss"):
        path.unlink(missing_ok=True)
    refresh_neighbours(session, stored)


def sweep_erased(session: Session) -> None:
    """Leave no byte of what a purge erased: catalog, old copies of it, neighbour files, and
    the map."""
    for path in session.catalog.folder.glob("catalog.duckdb.schema-*"):
        path.unlink(missing_ok=True)
    for path in session.catalog.folder.glob("neighbours-*.faiss"):
        path.unlink(missing_ok=True)
    strip(session)
    # The mark that a purge is done stands in the new catalog, so this comes last of the deletions.
    session.catalog.rewrite()
    renew_neighbours(session)


def _spool(session: Session) -> list[Mended]:
    """Torn lines are set aside first, then the file is written anew without them."""
    mended = []
    for file in list(audit.spool_files(session.catalog.spool)):
        whole, torn = audit.sorted_lines(file)
        if not torn:
            continue
        kept = quarantine.keep(session.catalog.folder, "spool", torn)
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


def _rows(session: Session, vectors: str) -> list[Mended]:
    """Rows that point to no image go aside; of two open rows of a path the older is closed."""
    mended = []
    tables = {**checks.OF_IMAGES, vectors: "image"}
    with session.catalog.reading() as read:
        lone = {
            table: rows
            for table, column in tables.items()
            if (rows := quarantine.rows_where(read, table, checks.orphaned(column)))
        }
        twice = checks.duplicate_files(read)
    for table, rows in lone.items():
        kept = quarantine.keep(session.catalog.folder, table, rows)
        with session.catalog.writing("repair", by=session.author) as write:
            quarantine.drop(write, table, checks.orphaned(tables[table]))
        mended.append(
            Mended("orphan", f"{counted(len(rows), 'row')} of {table} put aside in {kept}")
        )
    if twice:
        with session.catalog.writing("repair", by=session.author) as write:
            images.close_older(write)
        mended.append(
            Mended("duplicate", f"the older rows of {counted(len(twice), 'path')} were closed")
        )
    return mended


def _vectors(session: Session, progress: Progress) -> list[Mended]:
    """Missing and useless vectors, from their files; an old one goes when the new one is here."""
    with session.catalog.reading() as read:
        stored = models.encoder(read)
        wanted = sorted({*checks.missing_vectors(read, stored), *checks.bad_vectors(read, stored)})
    if not wanted:
        return []
    try:
        fresh, _ = again(session, stored, wanted, progress)
    except ModelUnavailable:
        return []  # verify goes on finding them
    if not fresh:
        return []
    with session.catalog.writing("repair", by=session.author) as write:
        images.replace_vectors(write, stored, fresh)
    renew_neighbours(session)
    return [Mended("vectors", f"{counted(len(fresh), 'image')} read and embedded again")]
