"""What the index holds, and what it said: info and the audit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mediclip_index.catalog import ann_files, audit, conditions, labels, models, provenance, stats
from mediclip_index.jobs.bodies import to_row
from mediclip_index.prompts import parse
from mediclip_index.session import calibrations
from mediclip_index.session.moments import microseconds
from mediclip_index.session.session import Session
from mediclip_index.types import (
    AuditFilter,
    AuditRow,
    ChainReport,
    InfoReport,
    NeighbourFile,
    UsageError,
)


def info(session: Session) -> InfoReport:
    """See Index.info."""
    with session.catalog.reading() as read:
        stored = models.encoder(read)
        prompts = models.prompts(read)
        assert prompts is not None
        counts = stats.stats(read)
        settings = models.settings(read)
        chosen = parse(prompts.source, prompts.name)
        support = labels.support(read, chosen.class_names)
        references = session.references(stored, settings, chosen)
        holds = calibrations.in_force(session, stored, settings, chosen, support)
        waiting = len(audit.spooled(session.catalog.spool))
        return InfoReport(
            index=session.facts(read),
            dim=stored.dim,
            logit_scale=stored.logit_scale,
            prompts=prompts.name,
            classes=chosen.class_names,
            settings=settings,
            files=counts.files,
            gone=counts.gone,
            without=counts.without,
            removed=counts.removed,
            refusals=counts.refusals,
            labels=counts.labels,
            splits=counts.splits,
            verdicts=counts.verdicts,
            spooled=waiting,
            sources=tuple(s.source for s in provenance.sources(read)),
            columns=conditions.columns(read),
            neighbours=_described(ann_files.files(read, stored.fingerprint)),
            catalog_bytes=session.catalog.file.stat().st_size,
            created=counts.created,
            last_build=counts.last_build,
            references=len(references.vectors) if references is not None else 0,
            calibration=holds.kind if holds is not None else None,
        )


def _described(files: Sequence[NeighbourFile]) -> str:
    """The neighbour files in a few words; recall is that of the worst."""
    if not files:
        return "none yet"
    said = f"{files[0].kind}, {sum(file.count for file in files)} vectors"
    recalls = [file.recall for file in files if file.recall is not None]
    return f"{said}, recall@10 {min(recalls):.3f} when made" if recalls else said


def audit_list(session: Session, wanted: AuditFilter) -> list[AuditRow]:
    """See Index.audit_list."""
    earliest, latest = (
        None if t is None else microseconds(t) for t in (wanted.since, wanted.until)
    )
    if wanted.path is not None:  # of a hash no part is known by a part of the path
        wanted = replace(wanted, path=session.names.of(wanted.path))
    with session.catalog.reading() as read:
        kept = audit.find(read, wanted, since_us=earliest, until_us=latest)
        ids = {body["id"] for body, _ in kept} | set(audit.erased(read))
        waiting = [
            body
            for body in audit.spooled(session.catalog.spool)
            if body["id"] not in ids
            and (wanted.label is None or body["label"] == wanted.label)
            and (wanted.unsure is None or body["unsure"] == wanted.unsure)
            and (wanted.path is None or wanted.path in body["path"])
            and (wanted.run is None or body["run"].startswith(wanted.run))
            and (earliest is None or body["time_us"] >= earliest)
            and (latest is None or body["time_us"] <= latest)
        ]
    rows = [(body, None) for body in waiting] + [(body, chain) for body, chain in kept]
    rows.sort(key=lambda row: row[0]["time_us"], reverse=True)
    return [to_row(body, chain) for body, chain in rows[: wanted.limit]]


def audit_show(session: Session, verdict: str) -> AuditRow:
    """See Index.audit_show."""
    with session.catalog.reading() as read:
        kept = audit.find(read, AuditFilter(limit=2), beginning=verdict)
    kept_or_waiting = [(body, chain) for body, chain in kept] + [
        (body, None)
        for body in audit.spooled(session.catalog.spool)
        if body["id"].startswith(verdict) and body["id"] not in {b["id"] for b, _ in kept}
    ]
    if not kept_or_waiting:
        raise UsageError(f"There is no verdict {verdict}; `mediclip-index audit list` shows ids.")
    if len(kept_or_waiting) > 1:
        raise UsageError(f"Several verdicts begin with {verdict}; give more of the id.")
    return to_row(*kept_or_waiting[0])


def audit_verify(session: Session) -> ChainReport:
    """See Index.audit_verify."""
    with session.catalog.reading() as read:
        count, head, findings = audit.verify(read)
    waiting = len(audit.spooled(session.catalog.spool))
    return ChainReport(not findings, count, waiting, head, tuple(findings))
