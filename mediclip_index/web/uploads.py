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

from mediclip_index.types import MediclipError, UsageError, WriteError
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
        try:
            if kind.startswith("multipart/form-data"):
                files = await _of_form(request, folder)
            else:
                name = plain_name(request.headers.get("x-filename", "picture"))
                files = [await _of_body(request, folder / name)]
        except OSError as error:
            why = error.strerror or error
            raise WriteError(f"The upload could not be kept on this computer: {why}.") from None
        _no_lists(files)
        try:
            yield files
        except MediclipError as error:
            # Where it lay for a moment says nothing to who sent it.
            why = re.sub(re.escape(f"{folder}/") + r"(\d{4}/)?", "", str(error))
            raise type(error)(why) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def plain_name(given: str) -> str:
    """A file name out of whatever a browser says: no folder, nothing that is no plain letter."""
    from urllib.parse import unquote

    name = _ODD.sub("_", Path(unquote(given).replace("\\", "/")).name).strip(". ")
    stem, dot, ending = name.rpartition(".")
    short = _cut(stem, 120) + dot + _cut(ending, 24) if dot else _cut(name, 120)
    return short or "picture"


def _cut(text: str, most: int) -> str:
    """At most so many bytes: that is how file systems count."""
    return text.encode()[:most].decode(errors="ignore")


def _no_lists(files: list[Path]) -> None:
    # Its lines would be read as files of this computer.
    listed = next((file.name for file in files if file.suffix.lower() == ".csv"), None)
    if listed is not None:
        raise UsageError(f"{listed} is a list of files and holds none; send the pictures.")


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
