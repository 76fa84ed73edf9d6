"""Files that a request brings: to disk in a folder of their own, and away again afterwards."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.datastructures import UploadFile
from starlette.requests import Request

from mediclip_index.types import UsageError
from mediclip_index.web.site import Site

MOST_FILES = 1_000
_PIECE = 1024**2
_LEAST_FREE = 200 * 1024**2  # bytes that an upload leaves free on the disk
_ODD = re.compile(r"[^\w.\- ()+]+")


@asynccontextmanager
async def received(request: Request, site: Site) -> AsyncIterator[list[Path]]:
    """The files of a form, or the body as one file named by `X-Filename`, while the block lasts."""
    folder = site.uploads / os.urandom(8).hex()
    folder.mkdir()
    try:
        kind = request.headers.get("content-type", "")
        if kind.startswith("multipart/form-data"):
            yield await _of_form(request, folder)
        else:
            name = plain_name(request.headers.get("x-filename", "picture"))
            yield [await _of_body(request, folder / name)]
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def plain_name(given: str) -> str:
    """A file name out of whatever a browser says: no folder, nothing that is no plain letter."""
    from urllib.parse import unquote

    name = _ODD.sub("_", Path(unquote(given).replace("\\", "/")).name).strip(". ")
    stem, dot, ending = name.rpartition(".")
    short = f"{stem[:120]}{dot}{ending[:12]}" if dot else name[:120]
    return short or "picture"


async def _of_form(request: Request, folder: Path) -> list[Path]:
    form = await request.form(max_files=MOST_FILES, max_fields=20)
    found: list[Path] = []
    for number, (_, value) in enumerate(form.multi_items()):
        if not isinstance(value, UploadFile) or not value.filename:
            continue
        place = folder / f"{number:04}" / plain_name(value.filename)
        place.parent.mkdir()
        with place.open("wb") as file:
            while piece := await value.read(_PIECE):
                _room(folder)
                file.write(piece)
        found.append(place)
    await form.close()
    if not found:
        raise UsageError("No file came; choose one or more pictures, PDFs or archives.")
    return found


async def _of_body(request: Request, place: Path) -> Path:
    size = 0
    with place.open("wb") as file:
        async for piece in request.stream():
            _room(place.parent)
            file.write(piece)
            size += len(piece)
    if size == 0:
        raise UsageError("No file came; choose a picture, a PDF or an archive.")
    return place


def _room(folder: Path) -> None:
    if shutil.disk_usage(folder).free < _LEAST_FREE:
        raise UsageError("The disk for uploads is full; free some space and send it again.")
