"""Ask: verdicts on files that are dropped, with their evidence; keep takes them into the index."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse

from mediclip_index.types import QueryReport
from mediclip_index.web.api import ask
from mediclip_index.web.requests import TheIndex, TheSite, page
from mediclip_index.web.uploads import received
from mediclip_index.web.views.picture import voters

router = APIRouter()


@router.get("/ask", response_class=HTMLResponse)
def form(request: Request, index: TheIndex) -> HTMLResponse:
    """Where files are dropped or chosen."""
    return page(request, "ask.html", report=None, hashed=index.hashes_paths)


@router.post("/ask", response_class=HTMLResponse)
async def answers(request: Request, site: TheSite, index: TheIndex) -> HTMLResponse:
    """Verdicts on the files that came, as a part of the page or as a page where no script runs."""
    async with received(request, site) as files:
        report = await run_in_threadpool(ask, site, index, [str(f) for f in files], True)
    return await run_in_threadpool(_shown, request, site, report)


def _shown(request: Request, site: Any, report: QueryReport) -> HTMLResponse:
    told = [{"verdict": v, "voters": voters(site, v)} for v in report.verdicts]
    fragment = "x-fragment" in request.headers
    return page(request, "answers.html" if fragment else "ask.html", report=report, told=told,
                hashed=False)  # fmt: skip
