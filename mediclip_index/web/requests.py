"""What routes take from a request, and how they answer."""

from __future__ import annotations

import functools
import json
import math
from pathlib import Path
from typing import Annotated, Any, cast

from fastapi import Depends, Query
from jinja2 import Environment
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse

from mediclip_index import __version__
from mediclip_index.index import Index
from mediclip_index.show.environment import environment
from mediclip_index.show.text import counted, percent
from mediclip_index.types import (
    MediclipError,
    ModelUnavailable,
    SearchHit,
    UsageError,
    Verdict,
)
from mediclip_index.web.site import NotFound, Site

LARGEST_ID = 2**63 - 1
PAGES = (
    ("/", "Pile"), ("/ask", "Ask"), ("/review", "Review"), ("/map", "Map"),
    ("/quality", "Quality"), ("/audit", "Audit"),
)  # fmt: skip


class Wrong(BaseModel):
    """What went wrong, in one sentence."""

    error: str


REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"model": Wrong, "description": "What was asked can't be done as it was put."},
    403: {"model": Wrong, "description": "No token, another site, or a page that is read-only."},
    404: {"model": Wrong, "description": "What was asked for is not there."},
    408: {"model": Wrong, "description": "The upload stopped half way."},
    413: {"model": Wrong, "description": "More than one request may bring."},
    421: {"model": Wrong, "description": "The page has another name."},
    422: {"model": Wrong, "description": "A parameter is none."},
    500: {"model": Wrong, "description": "A fault of the program."},
    503: {"model": Wrong, "description": "The index is busy, damaged or gone, or has no model."},
}


class Answer(JSONResponse):
    """JSON as the command line gives it: a name may hold bytes that are no UTF-8, which escapes
    alone can say. What is no number is null, since browsers read nothing else."""

    def render(self, content: Any) -> bytes:
        try:
            return json.dumps(content, allow_nan=False).encode()
        except ValueError:
            return json.dumps(_finite(content)).encode()


def _finite(content: Any) -> Any:
    if isinstance(content, float):
        return content if math.isfinite(content) else None
    if isinstance(content, dict):
        return {name: _finite(value) for name, value in content.items()}
    return [_finite(value) for value in content] if isinstance(content, list) else content


async def site_of_request(request: Request) -> Site:
    return site_of(request)


def site_of(request: Request) -> Site:
    return cast(Site, request.app.state.site)


async def index_of(request: Request) -> Index:
    """The index, signed by who asks."""
    return site_of(request).of(request)


Start = Annotated[int, Query(ge=0, le=10**9)]  # where a part of a list begins
Number = Annotated[int, Field(ge=1, le=LARGEST_ID)]  # of an evaluation
TheSite = Annotated[Site, Depends(site_of_request)]
TheIndex = Annotated[Index, Depends(index_of)]


def image_of(site: Site, image: int) -> SearchHit:
    """An indexed image; NotFound where there is none of this id."""
    if not 0 < image <= LARGEST_ID:
        raise NotFound(f"There is no image #{image} in this index.")
    found = site.listing.described([image])
    if not found:
        removed = any(one.id == image for one in site.index.images.removed())
        why = "was removed" if removed else "is not in this index, or its file is gone"
        raise NotFound(f"Image #{image} {why}.")
    return found[0]


def verdict_of(index: Index, image: int) -> Verdict | None:
    """The verdict on an indexed image by its stored vector, None where it has none; not kept."""
    try:
        report = index.query_indexed(where=f"id = {int(image)}", audit=False)
    except ModelUnavailable:
        return None
    return report.verdicts[0] if report.verdicts else None


@functools.cache
def _templates() -> Environment:
    templates = environment("mediclip_index.web", lstrip_blocks=True)
    templates.globals |= {
        "counted": counted, "percent": percent, "pages": PAGES, "version": __version__,
        "name_of": lambda path: Path(path).name or path,
    }  # fmt: skip
    return templates


def page(request: Request, template: str, status: int = 200, **shown: Any) -> HTMLResponse:
    """A template as an answer."""
    site = site_of(request)
    text = (
        _templates()
        .get_template(template)
        .render(
            request=request,
            path=request.url.path,
            user=site.of(request).author,
            read_only=site.read_only,
            index_name=site.index.path.name,
            index_id=site.index_id,
            **shown,
        )
    )
    return HTMLResponse(text, status)


def status_of(error: MediclipError) -> int:
    """The status that says best what an error is."""
    from mediclip_index.types import IndexBusy, IndexUnavailable, WriteError

    if isinstance(error, NotFound):
        return 404
    if isinstance(error, UsageError):
        return 400
    if isinstance(error, (IndexBusy, IndexUnavailable, ModelUnavailable, WriteError)):
        return 503
    return 500
