"""The Pile: a grid of all images, or of those that a search finds."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse

from mediclip_index.types import IndexBusy, InfoReport, ListQuery, SearchQuery, UsageError
from mediclip_index.web.queries import PileQuery, TheList
from mediclip_index.web.requests import Start, TheIndex, TheSite, page
from mediclip_index.web.site import Site
from mediclip_index.web.uploads import received

router = APIRouter()
PART = 100  # images that come at a time
NAMES = tuple(PileQuery.model_fields)


@router.get("/", response_class=HTMLResponse)
def pile(request: Request, site: TheSite, query: TheList) -> HTMLResponse:
    """The search line, the chips, and the first images."""
    why, found = None, None
    try:
        found = site.listing.page(query, 0, PART)
    except (UsageError, IndexBusy) as error:
        why = error
    facts = site.facts
    info = facts.info
    return page(
        request, "pile.html", 200 if why is None else 503 if isinstance(why, IndexBusy) else 400,
        info=info, found=found, why=str(why) if why else None, busy=isinstance(why, IndexBusy),
        asked=_asked(request), kinds=facts.kinds, part=PART,
        further=_further(request, found, PART), choices=_choices(info),
    )  # fmt: skip


@router.get("/pile/part", response_class=HTMLResponse)
def part(request: Request, site: TheSite, query: TheList, start: Start = 0) -> HTMLResponse:
    """The next images of a list, as the grid takes them in."""
    found = site.listing.page(query, start, PART)
    return page(request, "cards.html", found=found, further=_further(request, found, start + PART))


@router.post("/search/picture", response_class=HTMLResponse)
async def like_picture(request: Request, site: TheSite, index: TheIndex) -> HTMLResponse:
    """The images most like a picture that was dropped or pasted; it is not kept."""
    async with received(request, site) as files:
        found = await run_in_threadpool(_like, site, index, str(files[0]))
    return page(request, "cards.html", found=found, further=None)


def _like(site: Site, index: Any, file: str) -> Any:
    query = ListQuery(search=SearchQuery(images=(file,), k=PART))
    return site.listing.page(query, 0, PART)


def _asked(request: Request) -> dict[str, str]:
    given = request.query_params
    return {name: given.get(name, "oldest" if name == "order" else "") for name in NAMES}


def _further(request: Request, found: Any, start: int) -> str | None:
    """Where the next images are to be had; None where there are none."""
    if found is None or (start >= found.total and not found.more):
        return None
    asked = [(n, v) for n, v in request.query_params.items() if n in NAMES and v]
    return "/pile/part?" + urlencode([*asked, ("start", str(start))])


def _choices(info: InfoReport) -> dict[str, list[str]]:
    return {"classes": list(info.classes), "splits": sorted(info.splits)}
