"""The whole index in open files, or in one, and back."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from mediclip_index.catalog import (
    Catalog,
    audit,
    backups,
    conditions,
    exports,
    models,
    presence,
)
from mediclip_index.catalog.conditions import VerdictColumns
from mediclip_index.catalog.files import put_in_place
from mediclip_index.jobs.ann_index import refresh_neighbours
from mediclip_index.jobs.columns import judged
from mediclip_index.session.session import Session
from mediclip_index.session.snapshot import open_snapshot
from mediclip_index.types import BackupReport, ExportReport, ModelUnavailable, UsageError


def export(session: Session, folder: Path) -> ExportReport:
    """See Index.export."""
    folder = folder.absolute()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is there already; name a new folder for the export.")
    if session.catalog.folder in (folder, *folder.parents):
        raise UsageError("An export inside the index goes with it; name a folder elsewhere.")
    verdicts = _verdicts(session)
    with session.catalog.writing("export", by=session.author) as write:
        taken = audit.take_in_spool(write, session.catalog.spool)
    for file in taken:
        file.unlink(missing_ok=True)
    coming = folder.with_name(f".{folder.name}.{os.getpid()}.new")
    shutil.rmtree(coming, ignore_errors=True)
    coming.mkdir(parents=True)
    try:
        with session.catalog.reading(into=coming) as read:
            rows = exports.write(read, coming, verdicts)
            images = presence.image_count(read)
            labelled = len(conditions.matching(read, "label is not null"))
        size = sum(p.stat().st_size for p in coming.iterdir())
        put_in_place(coming, folder)
    finally:
        shutil.rmtree(coming, ignore_errors=True)
    return ExportReport(str(folder), rows, size, images, labelled)


def _verdicts(session: Session) -> VerdictColumns | None:
    """What each image is; None where no verdict can be given now (its model is gone, say)."""
    try:
        return judged(session, open_snapshot(session)).columns
    except ModelUnavailable:
        return None


def from_export(path: Path, folder: Path) -> Catalog:
    """See Index.from_export."""
    if Catalog.exists(path):
        raise UsageError(
            f"{folder} is an export, and becomes an index of its own: name a new folder for it "
            "with --index."
        )
    return _ready(exports.read(path, folder))


def backup(session: Session, file: Path) -> BackupReport:
    """See Index.backup."""
    held = backups.write(session.catalog, file)
    with session.catalog.reading() as read:
        verdicts, head = audit.head(read)
        return BackupReport(
            path=str(session.catalog.folder),
            file=str(file.absolute()),
            images=presence.image_count(read),
            verdicts=verdicts,
            chain_head=head,
            bytes=file.stat().st_size,
            held_seconds=held,
        )


def restore(path: Path, file: Path) -> Catalog:
    """See Index.restore."""
    return _ready(backups.restore(file, path))


def is_export(folder: Path) -> bool:
    return exports.manifest(folder) is not None


def _ready(catalog: Catalog) -> Catalog:
    session = Session(catalog)
    with catalog.reading() as read:
        stored = models.encoder(read)
    # The file that the catalog has on record stayed behind.
    refresh_neighbours(session, stored)
    return catalog
