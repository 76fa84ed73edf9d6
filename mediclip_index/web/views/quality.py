"""Quality: kept evaluations, one or two side by side, and what is behind their numbers."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from mediclip_index.types import UsageError
from mediclip_index.web.requests import Number, TheIndex, TheSite, page

router = APIRouter()


@router.get("/quality", response_class=HTMLResponse)
def quality(
    request: Request, site: TheSite, index: TheIndex, number: Number | None = None,
    second: Number | None = None,
) -> HTMLResponse:  # fmt: skip
    """The kept evaluations; one in full, or two compared."""
    kept = index.evaluations.all()
    chosen = number if number is not None else (kept[0].number if kept else None)
    report = None if chosen is None else index.evaluations.get(chosen)
    both, why = None, None
    if chosen is not None and second is not None and second != chosen:
        try:
            both = index.evaluations.compare(min(chosen, second), max(chosen, second))
        except UsageError as error:
            why = str(error)
    info = index.info()
    return page(
        request, "quality.html", kept=kept, report=report, chosen=chosen, second=second, both=both,
        why=why, wrong=[] if chosen is None else index.evaluations.wrong(chosen), info=info,
        tasks=[task.told() for task in site.tasks.all()],
    )  # fmt: skip
