"""Review: one picture at a time, out of a queue, labelled by keys."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse

from mediclip_index.index import Index
from mediclip_index.types import SearchHit, SearchQuery, Silent, UsageError
from mediclip_index.types.serving import ListQuery
from mediclip_index.web.requests import TheIndex, TheSite, image_of, page
from mediclip_index.web.site import Site

router = APIRouter()
QUEUES = {
    "unsure": "Unsure verdicts",
    "next": "Labels that teach most",
    "suspect": "Suspect labels",
    "mistakes": "Mistakes",
}
Queue = Literal["unsure", "next", "suspect", "mistakes", "list"]
MOST = 1_000  # pictures of a queue


@router.get("/review", response_class=HTMLResponse)
def review(
    request: Request,
    site: TheSite,
    index: TheIndex,
    queue: Queue = "unsure",
    ids: Annotated[str, Query(max_length=20_000)] = "",
) -> HTMLResponse:
    """A queue, and its first picture."""
    why = None
    waiting: list[int] = []
    try:
        waiting = _given(ids) if queue == "list" else queued(site, index, queue)
    except UsageError as error:
        why = str(error)
    return page(
        request, "review.html", queues=QUEUES, queue=queue, waiting=waiting[:MOST], why=why,
        classes=index.info().classes, kinds=index.labels.kinds(),
    )  # fmt: skip


@router.get("/review/{image}", response_class=HTMLResponse)
def one(request: Request, site: TheSite, index: TheIndex, image: int) -> HTMLResponse:
    """One picture of a queue, with the nearest labelled ones of each class beside it."""
    found = image_of(index, image)
    classes = index.info().classes
    beside = {name: nearest(site, image, name) for name in classes}
    described = site.listing.described([image])
    return page(
        request, "review_one.html", image=described[0] if described else found, classes=classes,
        beside=beside,
    )  # fmt: skip


def queued(site: Site, index: Index, queue: str) -> list[int]:
    """The ids of a queue, the first to look at first."""
    if queue == "next":
        return [proposal.id for proposal in index.labels.next(100)]
    if queue in ("suspect", "mistakes"):
        report = index.mistakes(progress=Silent())
        wrong: Any = report.suspect_labels if queue == "suspect" else report.mistakes
        return [one.id for one in wrong]
    asked = ListQuery(
        search=SearchQuery(where="unsure AND label IS NULL", k=None), order="doubtful"
    )
    return list(site.listing.ids(asked))


def nearest(site: Site, image: int, label: str, count: int = 4) -> tuple[SearchHit, ...]:
    """The labelled images of a class that are most like one."""
    where = "label = '" + label.replace("'", "''") + "'"
    query = ListQuery(search=SearchQuery(like=(image,), where=where, k=count))
    return site.listing.page(query, 0, count).images


def _given(ids: str) -> list[int]:
    words = ids.replace(",", " ").split()
    if not all(word.isdecimal() and len(word) < 19 for word in words):
        raise UsageError("A list to review is of image numbers, as in 3,17,20.")
    return [int(word) for word in words]
