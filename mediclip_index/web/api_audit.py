"""`/api/v1`: past verdicts."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from mediclip_index.show.records import plain
from mediclip_index.types import AuditFilter
from mediclip_index.web.requests import TheIndex, TheSite

router = APIRouter(tags=["audit"])


@router.get("/audit")
def audit(
    index: TheIndex,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 20,
    label: str | None = None,
    unsure: bool | None = None,
    path: str | None = None,
    run: str | None = None,
    since: str | None = None,
    until: str | None = None,
) -> Any:
    """Past verdicts, newest first."""
    asked = AuditFilter(
        limit=limit, label=label, unsure=unsure, path=path, run=run, since=since, until=until
    )
    return {"index": plain(index.info().index), "verdicts": plain(index.audit.find(asked))}


@router.get("/audit/verify")
def verify(index: TheIndex) -> Any:
    """Recompute the chain of hashes over all verdicts."""
    return plain(index.audit.verify())


@router.get("/audit/turned")
def turned(index: TheIndex, site: TheSite) -> Any:
    """Which kept verdicts would be of another class by today's labels, words and settings."""
    return plain(index.audit.turned())


@router.get("/audit/{verdict}")
def show(index: TheIndex, verdict: str) -> Any:
    """One past verdict by its id, or an unambiguous beginning of it."""
    return plain(index.audit.show(verdict))


@router.get("/audit/{verdict}/replay")
def replay(index: TheIndex, site: TheSite, verdict: str) -> Any:
    """Compute a past verdict again, as of its moment."""
    return plain(index.audit.replay([index.audit.show(verdict).verdict.id]))
