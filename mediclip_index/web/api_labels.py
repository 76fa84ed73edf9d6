"""`/api/v1`: labels, removals, and what is kept of an upload."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from mediclip_index.show.records import plain
from mediclip_index.types import MediclipError
from mediclip_index.web.requests import LARGEST_ID, TheIndex, TheSite, image_of
from mediclip_index.web.uploads import received

router = APIRouter(tags=["labels"])
Id = Annotated[int, Field(ge=1, le=LARGEST_ID)]
MOST = 100_000  # images labelled at once


class Labels(BaseModel):
    """What is said of images: "" takes away what was said, null leaves it as it is."""

    ids: Annotated[list[Id], Field(min_length=1, max_length=MOST)]
    label: Annotated[str, Field(max_length=200)] | None = None
    kind: Annotated[str, Field(max_length=200)] | None = None
    split: Annotated[str, Field(max_length=200)] | None = None
    subject: Annotated[str, Field(max_length=200)] | None = None


class Undo(BaseModel):
    """The transaction to undo, as `label` gave it."""

    tx: Annotated[int, Field(ge=1, le=LARGEST_ID)]


class Removal(BaseModel):
    ids: Annotated[list[Id], Field(min_length=1, max_length=MOST)]
    what: Literal["removed", "restored"] = "removed"


@router.post("/labels")
def label(site: TheSite, index: TheIndex, said: Labels) -> Any:
    """Label images; the answer's `tx` undoes it."""
    report = index.labels.set(
        said.label, said.ids, kind=said.kind, split=said.split, subject=said.subject,
        count_turned=False,
    )  # fmt: skip
    site.changed()
    return plain(report)


@router.post("/labels/undo")
def undo(site: TheSite, index: TheIndex, undo: Undo) -> Any:
    """Take a label back; what others have said since stays."""
    report = index.labels.undo(undo.tx)
    site.changed()
    return plain(report)


@router.get("/labels/next")
def next_labels(index: TheIndex, count: Annotated[int, Query(ge=1, le=200)] = 10) -> Any:
    """The images whose labels would teach most."""
    return {"next": plain(index.labels.next(count))}


@router.get("/labels/{image}")
def history(site: TheSite, index: TheIndex, image: int) -> Any:
    """All that was ever said of an image, oldest first."""
    image_of(site, image)
    return {"history": plain(index.labels.history(image))}


@router.get("/labels/{image}/turns")
def turns(
    site: TheSite, index: TheIndex, image: int, label: Annotated[str, Query(max_length=200)]
) -> Any:
    """How many verdicts on other images a label would turn, before it is set."""
    image_of(site, image)
    try:
        return plain(index.labels.would_turn(image, label))
    except MediclipError as error:
        return {"turned": None, "error": str(error)}


@router.post("/remove")
def remove(site: TheSite, index: TheIndex, removal: Removal) -> Any:
    """Remove images, or bring them back; for good only the command line erases."""
    report = index.remove(removal.ids, what=removal.what)
    site.changed()
    return plain(report)


@router.post("/keep", openapi_extra={
    "requestBody": {"content": {"application/octet-stream": {
        "schema": {"type": "string", "format": "binary"}}}},
})  # fmt: skip
async def keep(request: Request, site: TheSite, index: TheIndex) -> Any:
    """Add the files of a form, or the body as one file, to the index."""
    async with received(request, site) as files:
        report = await run_in_threadpool(index.keep, [str(file) for file in files])
    site.changed()
    return plain(report)
