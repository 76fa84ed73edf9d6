"""How `Index` is kept whole: verify, repair, remove, export, backup."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from mediclip_index.jobs import export as export_job
from mediclip_index.jobs import remove as remove_job
from mediclip_index.jobs import repair as repair_job
from mediclip_index.jobs import verify as verify_job
from mediclip_index.session import session as session_job
from mediclip_index.types import (
    BackupReport,
    ExportReport,
    Progress,
    RemovedImage,
    RemoveReport,
    RepairReport,
    Silent,
    VerifyReport,
)


class Keeping:
    """Verify, repair, remove, export and backup; see Index."""

    _session: session_job.Session

    def verify(self, *, deep: int | None = None, progress: Progress | None = None) -> VerifyReport:
        """Hold the catalog against itself, against the files on disk and against the neighbour
        file; `deep` images are read and embedded again too. Writes nothing."""
        return verify_job.verify(self._session, deep=deep, progress=progress or Silent())

    def repair(self, *, progress: Progress | None = None) -> RepairReport:
        """Make again what is derived (neighbour file, vectors whose files are there), delete
        unfinished files, set aside what fits nowhere. Throws away nothing else; may be killed and
        done again. Raises IndexUnavailable where the catalog itself can't be read."""
        return repair_job.repair(self._session, progress=progress or Silent())

    def remove(
        self,
        ids: Sequence[int] = (),
        *,
        where: str | None = None,
        what: Literal["removed", "restored", "purged"] = "removed",
        dry_run: bool = False,
        last: bool = False,
    ) -> RemoveReport:
        """Take images out, by id or by a condition; bring back also the `last` removal.

        A removed image is not there for any command and does not come back with its file, but
        nothing is lost: "restored" brings it back. "purged" erases: vectors, paths, labels,
        attributes, technical metadata and all verdicts on it or that name it, for the whole file
        with all its pages; only a tombstone stays, so that the audit's chain holds.

        Ids that the index does not have are told in `unknown`; UsageError where it has none of
        them. To restore, `where` is asked of removed images as they were when they were taken out.
        """
        return remove_job.remove(
            self._session, ids, where=where, what=what, dry_run=dry_run, last=last
        )

    def removed(self) -> tuple[RemovedImage, ...]:
        """The images that are removed now, by id: when, and by whom."""
        return remove_job.removed(self._session)

    def export(self, folder: str | Path) -> ExportReport:
        """Write every table as Parquet, and the library as CSV, into a new folder."""
        return export_job.export(self._session, Path(folder))

    def backup(self, file: str | Path) -> BackupReport:
        """Write the index as it stands at this moment to one new file; it may be in use."""
        return export_job.backup(self._session, Path(file))
