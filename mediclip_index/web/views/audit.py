"""Audit: past verdicts, one with all its evidence, computed again, and the chain recomputed."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from mediclip_index.types import AuditFilter
from mediclip_index.web.requests import TheIndex, TheSite, page
from mediclip_index.web.views.picture import voters

router = APIRouter()
SHOWN = 100


@router.get("/audit", response_class=HTMLResponse)
def listed(
    request: Request, index: TheIndex, label: str = "", unsure: str = "", path: str = "",
    since: str = "", until: str = "", limit: int = SHOWN,
) -> HTMLResponse:  # fmt: skip
    """Past verdicts, newest first."""
    limit = max(1, min(limit, 10_000))
    asked = AuditFilter(
        limit=limit, label=label or None, path=path or None, since=since or None,
        until=until or None, unsure={"yes": True, "no": False}.get(unsure),
    )  # fmt: skip
    info = index.info()
    rows = index.audit.find(asked)
    return page(
        request, "audit.html", rows=rows, info=info, limit=limit,
        asked={"label": label, "unsure": unsure, "path": path, "since": since, "until": until},
    )  # fmt: skip


@router.get("/audit/verify", response_class=HTMLResponse)
def verified(request: Request, index: TheIndex) -> HTMLResponse:
    """The chain of hashes over all verdicts, recomputed."""
    return page(request, "audit_chain.html", chain=index.audit.verify())


@router.get("/audit/{verdict}", response_class=HTMLResponse)
def evidence(
    request: Request, site: TheSite, index: TheIndex, verdict: str, replay: bool = False
) -> HTMLResponse:
    """One past verdict as a page to print; `replay`: computed again beside it."""
    row = index.audit.show(verdict)
    again = None
    if replay:
        again = index.audit.replay([row.verdict.id])
    return page(
        request, "evidence.html", row=row, verdict=row.verdict, again=again,
        voters=voters(site, row.verdict),
    )  # fmt: skip
