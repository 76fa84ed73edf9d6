"""Reports as the plain values of the JSON output; their keys are a promise to scripts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass, replace
from typing import Any

from mediclip_index.show.text import safe
from mediclip_index.types import (
    AuditRow,
    IndexFacts,
    Mistake,
    Proposal,
    QueryReport,
    SearchHit,
    SuspectLabel,
    Verdict,
)

_IMAGES = (SearchHit, Mistake, SuspectLabel, Proposal)  # whose `id` is an image's


def plain(report: Any) -> Any:
    """A report as dicts, lists, strings and numbers, ready for json.dumps."""
    if isinstance(report, Verdict):
        return _verdict(report) | _words(report)
    if isinstance(report, AuditRow):
        return _audit_row(report)
    if isinstance(report, IndexFacts):
        return asdict(report)
    if isinstance(report, QueryReport):
        return {
            "index": plain(report.index),
            "verdicts": [plain(v) for v in report.verdicts],
            "refused": [plain(r) for r in report.refused],
            "notes": list(report.notes),
        }
    if is_dataclass(report) and not isinstance(report, type):
        record = {f.name: plain(getattr(report, f.name)) for f in fields(report)}
        return record | ({"image": report.id} if isinstance(report, _IMAGES) else {})
    if isinstance(report, Mapping):
        return {str(k): plain(v) for k, v in report.items()}
    if isinstance(report, (list, tuple)):
        return [plain(item) for item in report]
    return report


def harmless(report: Any) -> Any:
    """A report whose every text can't steer a terminal, whatever names files and labels bear."""
    if isinstance(report, str):
        return safe(report)
    if is_dataclass(report) and not isinstance(report, type):
        texts = {f.name: harmless(getattr(report, f.name)) for f in fields(report)}
        return replace(report, **texts)
    if isinstance(report, Mapping):
        return {harmless(k): harmless(v) for k, v in report.items()}
    if isinstance(report, (list, tuple)):
        return type(report)(harmless(item) for item in report)
    return report


def _verdict(verdict: Verdict) -> dict[str, Any]:
    record = {f.name: plain(getattr(verdict, f.name)) for f in fields(verdict)}
    del record["hand"]
    record["prompts"] = [
        {"prompt": p.prompt, "class": p.class_name, "group": p.group, "similarity": p.similarity}
        for p in verdict.prompts
    ]
    return record


def _words(verdict: Verdict) -> dict[str, Any]:
    """What a person said of the picture, and what counts; no part of what the audit keeps."""
    return {
        "labelled": verdict.hand.label if verdict.hand else None,
        "labelled_by": verdict.hand.author if verdict.hand else None,
        "effective": verdict.effective,
        "kind": verdict.kind,
    }


def _audit_row(row: AuditRow) -> dict[str, Any]:
    record = _verdict(row.verdict)
    record |= {
        f.name: getattr(row, f.name) for f in fields(row) if f.name not in ("verdict", "prompts")
    }
    record["prompt_set"] = row.prompts
    return record
