"""Review: one picture at a time, out of a queue, labelled by keys."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse

from mediclip_index.index import Index
from mediclip_index.types import SearchQuery, Silent, UsageError
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
BESIDE = 4  # labelled pictures of each class beside one


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
        classes=site.facts.info.classes, kinds=site.facts.kinds,
    )  # fmt: skip


@router.get("/review/{image}", response_class=HTMLResponse)
def one(request: Request, site: TheSite, index: TheIndex, image: int) -> HTMLResponse:
    """One picture of a queue, with the nearest labelled ones of each class beside it."""
    found = image_of(site, image)
    classes = tuple(site.facts.info.classes)
    beside = site.listing.beside(image, classes, BESIDE)
    return page(request, "review_one.html", image=found, classes=classes, beside=beside)


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


def _given(ids: str) -> list[int]:
    words = ids.replace(",", " ").split()
    if not all(word.isdecimal() and len(word) < 19 for word in words):
        raise UsageError("A list to review is of image numbers, as in 3,17,20.")
    return [int(word) for word in words]
