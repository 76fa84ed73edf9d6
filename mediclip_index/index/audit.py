"""What was said, when and on what evidence: `index.audit`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mediclip_index.jobs import audit as audit_job
from mediclip_index.jobs import turned as turned_job
from mediclip_index.session.session import Session
from mediclip_index.types import (
    AuditFilter,
    AuditRow,
    ChainReport,
    Progress,
    ReplayReport,
    Silent,
    TurnedReport,
)


class Audit:
    """The past verdicts of an index."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def find(self, filter: AuditFilter | None = None, **changes: Any) -> list[AuditRow]:
        """Past verdicts, newest first, those still in the spool included; which of them is said as
        an AuditFilter, as one value or by name."""
        return audit_job.audit_list(self._session, AuditFilter.changed(filter, **changes))

    def show(self, verdict: str) -> AuditRow:
        """One past verdict by its id, or by an unambiguous beginning of it."""
        return audit_job.audit_show(self._session, verdict)

    def verify(self) -> ChainReport:
        """Recompute the chain of hashes over all verdicts."""
        return audit_job.audit_verify(self._session)

    def replay(
        self,
        verdicts: Sequence[str] = (),
        *,
        last: int | None = None,
        from_files: bool = False,
        progress: Progress | None = None,
    ) -> ReplayReport:
        """Give past verdicts again as of their moment (labels, images, words and settings then in
        force); none named: the `last` ones, or all. Different is another label or doubt, or a
        probability that is off by more than 0.001.

        The kept vectors are asked again; with `from_files` the pictures are read and embedded anew,
        so that a file that changed or vanished, and another engine's other vector, come out too.
        """
        from mediclip_index.jobs import replay as replay_job

        return replay_job.replay(
            self._session, verdicts, last=last, from_files=from_files, progress=progress or Silent()
        )

    def turned(self, images: Sequence[int] = ()) -> TurnedReport:
        """Which kept verdicts, the latest of each picture, would be of another class by today's
        labels, words and settings; with `images` (ids), those in which one of these had a vote, or
        has one now. Verdicts of what-ifs and other prompt sets are passed over."""
        return turned_job.turned(self._session, images)
