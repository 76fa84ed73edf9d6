"""`/api/v1`: what the command line gives as `--json`, one path a command."""

from __future__ import annotations

import os
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse, Response

from mediclip_index.catalog import previews
from mediclip_index.index import Index
from mediclip_index.reading import member_of
from mediclip_index.show.records import plain
from mediclip_index.show.text import safe
from mediclip_index.types import QueryOptions, QueryReport
from mediclip_index.web.queries import Search, TheList
from mediclip_index.web.requests import Start, TheIndex, TheSite, image_of, verdict_of
from mediclip_index.web.site import NotFound, Site
from mediclip_index.web.uploads import received

router = APIRouter(tags=["index"])
MOST = 500  # images of one page of a list
Count = Annotated[int, Query(ge=1, le=MOST)]


@router.get("/info")
def info(index: TheIndex) -> Any:
    """What the index holds."""
    return plain(index.info())


@router.get("/search")
def search(index: TheIndex, asked: Annotated[Search, Query()]) -> Any:
    """The images nearest to texts and indexed images, or those that meet a condition."""
    return plain(index.search((), asked.query(), guess=True))


@router.get("/images")
def images(site: TheSite, query: TheList, start: Start = 0, count: Count = 100) -> Any:
    """A part of a list, with the verdicts that are kept for the page."""
    return plain(site.listing.page(query, start, count))


@router.get("/images/ids")
def ids(site: TheSite, query: TheList) -> Any:
    """The ids of all images of a list."""
    return {"ids": site.listing.ids(query)}


@router.get("/images/{image}")
def image(index: TheIndex, site: TheSite, image: int) -> Any:
    """One image: what is known of it, its verdict with the evidence, and its labels so far."""
    found = image_of(site, image)
    verdict = verdict_of(index, image)
    return {
        "image": plain(found),
        "verdict": plain(verdict),
        "history": plain(index.labels.history(image)),
    }


@router.get("/images/{image}/preview", response_class=Response)
async def preview(
    site: TheSite, index: TheIndex, image: int, side: int = previews.SIDES[0]
) -> Response:
    """A JPEG of an image, its longer side 240 or 1200 pixels. Where its file is gone: the small
    grey picture that the index keeps."""
    kept = previews.get(site.index.path, image, side) if side in previews.SIDES else None
    if kept is not None:  # a small file, read sooner than a thread is found for it
        return Response(kept, media_type="image/jpeg")
    return await run_in_threadpool(_made, site, index, image, side)


def _made(site: Site, index: Index, image: int, side: int) -> Response:
    image_of(site, image)
    data = site.previews.get(image, side)
    if data is not None:
        return Response(data, media_type="image/jpeg")
    grey = site.previews.grey(image)
    if grey is None:
        raise NotFound(f"The file of image #{image} is gone or changed.")
    return Response(grey, media_type="image/png", headers={"x-preview": "grey"})


@router.get("/images/{image}/original", response_class=Response)
def original(site: TheSite, index: TheIndex, image: int) -> Response:
    """The file that an image lies in, as it is: to be saved, never shown by the browser."""
    path = image_of(site, image).path
    if index.hashes_paths or member_of(path) is not None:
        raise NotFound("This file can't be saved: it lies in an archive, or its name is hashed.")
    if not os.path.isfile(path):
        raise NotFound(f"The file of image #{image} is gone.")
    name = safe(os.path.basename(path))
    return FileResponse(path, media_type="application/octet-stream", filename=name)


@router.post("/query", openapi_extra={
    "requestBody": {"content": {"application/octet-stream": {
        "schema": {"type": "string", "format": "binary"}}}},
})  # fmt: skip
async def query(request: Request, site: TheSite, index: TheIndex, audit: bool = True) -> Any:
    """Verdicts on the files of a form, or on the body as one file (named by `X-Filename`)."""
    async with received(request, site) as files:
        return plain(await run_in_threadpool(ask, site, index, [str(f) for f in files], audit))


def ask(site: Site, index: Any, files: list[str], audit: bool) -> QueryReport:
    """Verdicts on uploaded files, named as they came."""
    report: QueryReport = index.query(
        files, QueryOptions(audit=audit and not site.read_only), called=_called(files)
    )
    return report


def _called(files: list[str]) -> dict[str, str]:
    return {path: f"upload:{path.rsplit('/', 1)[-1]}" for path in files}


@router.get("/summary")
def summary(index: TheIndex, site: TheSite, by: str = "kind", where: str | None = None) -> Any:
    """How many images there are of each class and kind."""
    return plain(index.summary(by=by, where=where))


@router.get("/duplicates")
def duplicates(index: TheIndex, site: TheSite, least: float | None = None) -> Any:
    """Copies and near copies."""
    return plain(index.duplicates(least=least))


@router.get("/prompts")
def prompts(index: TheIndex) -> Any:
    """The prompt sets of the index."""
    return {"prompt_sets": plain(index.prompts.sets())}


@router.get("/settings")
def settings(index: TheIndex) -> Any:
    """All settings that the index has had."""
    return plain(index.settings.all())


@router.get("/removed")
def removed(index: TheIndex) -> Any:
    """The images that are removed now."""
    return {"removed": plain(index.images.removed())}
