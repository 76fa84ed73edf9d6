"""`/api/v1`: past verdicts."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from mediclip_index.show.records import plain
from mediclip_index.web.queries import PastVerdicts
from mediclip_index.web.requests import TheIndex, TheSite

router = APIRouter(tags=["audit"])


@router.get("/audit")
def audit(index: TheIndex, asked: Annotated[PastVerdicts, Query()]) -> Any:
    """Past verdicts, newest first."""
    found = index.audit.find(asked.filter())
    return {"index": plain(index.info().index), "verdicts": plain(found)}


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
