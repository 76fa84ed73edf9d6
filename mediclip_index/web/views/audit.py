"""Audit: past verdicts, one with all its evidence, computed again, and the chain recomputed."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import HTMLResponse

from mediclip_index.types import AuditFilter, ListQuery, SearchQuery, Verdict
from mediclip_index.web.queries import PastVerdicts, given
from mediclip_index.web.requests import TheIndex, TheSite, page
from mediclip_index.web.site import Site
from mediclip_index.web.views.picture import voters

router = APIRouter()
SHOWN = 100


class Listed(PastVerdicts):
    """What the form says; "" is nothing."""

    unsure: Literal["", "yes", "no"] = ""  # type: ignore[assignment]
    limit: Annotated[int, Field(ge=1, le=10_000)] = SHOWN

    def filter(self) -> AuditFilter:
        unsure = {"yes": True, "no": False}.get(self.unsure)
        return replace(PastVerdicts(**self.model_dump(exclude={"unsure"})).filter(), unsure=unsure)


@router.get("/audit", response_class=HTMLResponse)
def listed(request: Request, index: TheIndex, asked: Annotated[Listed, Query()]) -> HTMLResponse:
    """Past verdicts, newest first."""
    rows = index.audit.find(asked.filter())
    return page(
        request, "audit.html", rows=rows, info=index.info(), limit=asked.limit, asked=given(asked)
    )


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
        voters=voters(site, row.verdict), image=row.verdict.image or _by_content(site, row.verdict),
    )  # fmt: skip


def _by_content(site: Site, verdict: Verdict) -> int | None:
    """The image that a verdict is of, where the index came to hold it only later."""
    if not verdict.sha256.isalnum():
        return None
    query = ListQuery(search=SearchQuery(where=f"sha256 = '{verdict.sha256}'", k=None))
    place = verdict.page, verdict.item
    return next(
        (
            one.id
            for one in site.listing.page(query).images
            if (one.metadata.get("page"), one.metadata.get("item")) == place
        ),
        None,
    )
