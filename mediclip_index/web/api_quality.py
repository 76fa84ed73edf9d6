"""`/api/v1`: how good verdicts are, and long work with its progress."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import StreamingResponse

from mediclip_index.index import Index
from mediclip_index.show.records import plain
from mediclip_index.types import Progress
from mediclip_index.web.requests import Number, TheIndex, TheSite
from mediclip_index.web.site import NotFound, Site
from mediclip_index.web.tasks import Task

router = APIRouter(tags=["quality"])
_TICK = 0.2  # seconds between looks at a task
Kind = Literal["build", "tune", "evaluate", "mistakes", "duplicates", "map"]


class Work(BaseModel):
    """Which long work is wanted; `split` is of `evaluate` alone."""

    kind: Kind
    split: Annotated[str, Field(max_length=100)] = "all"


def _works(index: Index, work: Work) -> Callable[[Progress], Any]:
    works: dict[str, Callable[[Progress], Any]] = {
        "build": lambda progress: index.build(progress=progress),
        "tune": lambda progress: index.tune(progress=progress),
        "evaluate": lambda progress: index.evaluate(split=work.split, progress=progress),
        "mistakes": lambda progress: index.mistakes(progress=progress),
        "duplicates": lambda progress: index.duplicates(progress=progress),
        "map": lambda progress: index.map.make(progress=progress),
    }
    return works[work.kind]


@router.get("/evaluations")
def evaluations(index: TheIndex) -> Any:
    """The kept evaluations, the latest first."""
    return {"evaluations": plain(index.evaluations.all())}


@router.get("/evaluations/compare")
def compare(index: TheIndex, first: Number, second: Number) -> Any:
    """Two kept evaluations by number."""
    return plain(index.evaluations.compare(first, second))


@router.get("/evaluations/{number}")
def evaluation(index: TheIndex, number: Number) -> Any:
    """One kept evaluation."""
    return index.evaluations.get(number)


@router.get("/tasks")
def tasks(site: TheSite) -> Any:
    """Long work, the latest first."""
    return {"tasks": [task.told() for task in site.tasks.all()]}


@router.post("/tasks", status_code=202)
def begin(site: TheSite, index: TheIndex, work: Work) -> Any:
    """Begin long work; one at a time."""
    return site.tasks.begin(work.kind, index.author, _works(index, work)).told()


@router.get("/tasks/{task}")
def task(site: TheSite, task: str) -> Any:
    """Long work and, once it is done, its report."""
    found = _found(site, task)
    return {**found.told(), "report": plain(found.report)}


@router.delete("/tasks/{task}")
def stop(site: TheSite, task: str) -> Any:
    """Ask long work to stop; what it has committed stays."""
    found = _found(site, task)
    site.tasks.stop(found)
    return found.told()


@router.get("/tasks/{task}/events", response_class=StreamingResponse)
async def events(request: Request, site: TheSite, task: str) -> StreamingResponse:
    """How far long work is, as server-sent events until it has ended."""
    return StreamingResponse(
        _told(request, site, _found(site, task)), media_type="text/event-stream"
    )


async def _told(request: Request, site: Site, task: Task) -> AsyncIterator[str]:
    last = ""
    while not site.closing:
        told = task.told()
        seen = json.dumps({k: v for k, v in told.items() if k != "seconds"})
        if seen != last:
            yield f"data: {json.dumps(told)}\n\n"
            last = seen
        if told["state"] != "running" or await request.is_disconnected():
            return
        await asyncio.sleep(_TICK)


def _found(site: Site, task: str) -> Task:
    found = site.tasks.get(task)
    if found is None:
        raise NotFound("There is no such work; it may have ended long ago.")
    return found
