"""A file's bytes: read once, hashed, and turned into pictures by what they are."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mediclip_index.reading import archives, dicom, pdf, raster
from mediclip_index.reading.refusing import Unreadable
from mediclip_index.reading.tones import Shape, shaped
from mediclip_index.terms import Bounds, Picture, Refusal

# Any change to the way a file becomes pixels changes this name, and with it the fingerprint.
RECIPE = "decode-1: upright, over white, grey 0.5-99.5 %, JPEG draft 2x, box above 4x"


@dataclass(frozen=True)
class ReadResult:
    """The pictures of one file, and those of its pages that were refused."""

    pictures: tuple[Picture, ...]
    refused: tuple[Refusal, ...]


def content_hash(data: bytes) -> str:
    """The identity of a content: sha256 of all of its bytes, lower-case hex."""
    return hashlib.sha256(data).hexdigest()


def read_bytes(path: str, bounds: Bounds | None = None) -> bytes:
    """The whole content of a regular file, or of a member of an archive (`a.zip!/b.png`);
    Unreadable where there is none or it is too large."""
    limit = (bounds or Bounds()).max_bytes
    if archives.MARK in path and not os.path.lexists(path) and archives.split(path):
        return archives.member_bytes(path, limit)
    try:
        # Never wait for the other end of a pipe.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            facts = os.fstat(file.fileno())
            if stat.S_ISDIR(facts.st_mode) or not stat.S_ISREG(facts.st_mode):
                raise Unreadable("unreadable", f"{path} is not a regular file.")
            if facts.st_size > limit:
                raise Unreadable(
                    "too_large", f"{path} has {facts.st_size:,} bytes; at most {limit:,} are read."
                )
            data = file.read(facts.st_size + 1)  # that much is allocated at once
            if len(data) > facts.st_size:  # it is growing
                data += file.read(limit + 1 - len(data))
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise Unreadable("unreadable", f"{path} can't be read: {why}.") from None
    if len(data) > limit:
        raise Unreadable("too_large", f"{path} grew past {limit:,} bytes while it was read.")
    return data


def read(
    data: bytes,
    *,
    path: str,
    size: int,
    bounds: Bounds | None = None,
    frames: Literal["first", "all"] = "first",
    pages: Literal["images", "pages"] = "images",
    shape: Shape | None = None,
) -> ReadResult:
    """The pictures of a file's bytes; `size` is the side of what the model sees, in pixels.

    Each picture's pixels go through `shape` at once, where there is one. Raises Unreadable where
    the file as a whole can't be used; `path` is for messages only.
    """
    bounds = bounds or Bounds()
    if not data:
        raise Unreadable("empty", f"{path} is empty.")
    if len(data) > bounds.max_bytes:
        raise Unreadable(
            "too_large", f"{path} has {len(data):,} bytes; at most {bounds.max_bytes:,} are read."
        )
    with shaped(shape):
        if pdf.is_pdf(data):
            found, refused = pdf.read(data, path, size, bounds, pages)
        elif dicom.is_dicom(data):
            found, refused = dicom.read(data, path, size, bounds, frames, pages)
        else:
            found, refused = raster.read(data, path, size, bounds)
    return ReadResult(tuple(found), tuple(refused))


def read_file(
    path: str | Path,
    *,
    size: int,
    bounds: Bounds | None = None,
    frames: Literal["first", "all"] = "first",
    pages: Literal["images", "pages"] = "images",
) -> tuple[str, ReadResult]:
    """(sha256, pictures) of one file, from one reading of its bytes. Raises Unreadable."""
    data = read_bytes(str(path), bounds)
    return content_hash(data), read(
        data, path=str(path), size=size, bounds=bounds, frames=frames, pages=pages
    )
