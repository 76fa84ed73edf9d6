"""The page as one ASGI application."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from mediclip_index import __version__
from mediclip_index.types import MediclipError
from mediclip_index.web import api, api_audit, api_labels, api_quality
from mediclip_index.web.doors import Doors
from mediclip_index.web.gate import Gate
from mediclip_index.web.requests import REFUSALS, Answer, page, status_of
from mediclip_index.web.site import Site
from mediclip_index.web.views import ask, audit, map_, picture, pile, quality, review

STATIC = Path(__file__).parent / "static"
LOG = logging.getLogger("mediclip_index.web")


def make_app(site: Site, doors: Doors) -> Gate:
    """The page over a site, behind its doors."""

    @asynccontextmanager
    async def living(_: FastAPI) -> AsyncIterator[None]:
        site.start()
        yield
        await run_in_threadpool(site.close)

    app = FastAPI(
        title="mediclip-index", version=__version__, lifespan=living,
        docs_url=None, redoc_url=None, openapi_url="/api/v1/openapi.json",
        default_response_class=Answer,
    )  # fmt: skip
    app.state.site = site
    for part in (api, api_labels, api_quality, api_audit):
        app.include_router(part.router, prefix="/api/v1", responses=REFUSALS)
    for view in (pile, picture, ask, review, map_, quality, audit):
        app.include_router(view.router, include_in_schema=False)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.add_exception_handler(MediclipError, _told)
    app.add_exception_handler(HTTPException, _told)
    app.add_exception_handler(RequestValidationError, _told)
    app.add_exception_handler(Exception, _told)
    return Gate(app, doors, site.touch)


async def _told(request: Request, error: Exception) -> Response:
    """An error as one sentence, where the person looks."""
    status, why = _sentence(error)
    if request.url.path.startswith("/api/"):
        return Answer({"error": why}, status)
    if "hx-request" in request.headers or "x-fragment" in request.headers:
        return await run_in_threadpool(page, request, "notice.html", status, why=why)
    return await run_in_threadpool(page, request, "error.html", status, why=why)


def _sentence(error: Exception) -> tuple[int, str]:
    if isinstance(error, MediclipError):
        return status_of(error), str(error)
    if isinstance(error, HTTPException):
        told = {404: "There is no such page.", 405: "This page can't be asked in that way."}
        return error.status_code, told.get(error.status_code, str(error.detail))
    if isinstance(error, RequestValidationError):
        first = error.errors()[0]
        place = str(first["loc"][-1]) if first.get("loc") else "the request"
        return 422, f"{place}: {first['msg']}."
    LOG.error("unexpected error", exc_info=error)
    what = (str(error).splitlines() or ["no message"])[0][:200]
    return 500, f"Unexpected {type(error).__name__}: {what} - please report it."
