"""One picture: large, with its verdict, the evidence, and all that was said of it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from mediclip_index.index import Index
from mediclip_index.types import SearchQuery, UsageError, Verdict
from mediclip_index.types.serving import ListQuery
from mediclip_index.web.requests import TheIndex, TheSite, image_of, page, verdict_of
from mediclip_index.web.site import Site

router = APIRouter()
KIN = 12  # images like it


@router.get("/picture/{image}", response_class=HTMLResponse)
def picture(request: Request, site: TheSite, index: TheIndex, image: int) -> HTMLResponse:
    """All about one image."""
    shown = index.at_one_moment(lambda: _shown(site, index, image))
    return page(
        request, "picture.html", classes=site.facts.info.classes, kinds=site.facts.kinds,
        hashed=index.hashes_paths, **shown,
    )  # fmt: skip


def _shown(site: Site, index: Index, image: int) -> dict[str, Any]:
    found = image_of(site, image)
    verdict = verdict_of(index, image)
    past = [
        row for row in index.audit.find(path=found.path, limit=200)
        if (row.verdict.sha256, row.verdict.page, row.verdict.item)
        == (found.sha256, found.metadata.get("page"), found.metadata.get("item"))
    ]  # fmt: skip
    return {
        "image": found, "verdict": verdict, "kin": _kin(site, image), "past": past,
        "voters": voters(site, verdict), "history": index.labels.history(image),
    }  # fmt: skip


def voters(site: Site, verdict: Verdict | None) -> list[dict[str, Any]]:
    """The indexed neighbours of a verdict that had a vote, with what is known of them now."""
    if verdict is None:
        return []
    heard = [n for n in verdict.neighbours if n.weight > 0]
    known = {hit.id: hit for hit in site.listing.described([n.id for n in heard])}
    return [{"neighbour": n, "image": known.get(n.id)} for n in heard]


def _kin(site: Site, image: int) -> Any:
    try:
        return site.listing.page(ListQuery(search=SearchQuery(like=(image,), k=KIN)), 0, KIN).images
    except UsageError:
        return ()
