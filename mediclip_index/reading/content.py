"""A file's bytes: read once, hashed, and turned into pictures by what they are."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import os
import stat
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mediclip_index.reading import archives, dicom, pdf, raster
from mediclip_index.reading.refusing import Item, Unreadable
from mediclip_index.reading.tones import Shape, shaped
from mediclip_index.types import Bounds, Picture, ReadOptions, Refusal

# Files that are compressed as a whole, by their marks.
_COMPRESSED: dict[bytes, Callable[..., Any]] = {
    b"\x1f\x8b\x08": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\0": lzma.open,
}
MOST_UNFOLDED = 200  # times a compressed file's size
LEAST_UNFOLDED = 64 * 1024**2  # bytes; so much any of them may unfold to


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


def starts_as_pdf(path: str) -> bool:
    """Whether a file, or a member of an archive, is a PDF; False where it can't be read."""
    try:
        return bool(pdf.is_pdf(_unfolded(read_bytes(path), path, Bounds())))
    except Unreadable:
        return False


def items(
    data: bytes,
    *,
    path: str,
    size: int,
    bounds: Bounds | None = None,
    options: ReadOptions | None = None,
    shape: Shape | None = None,
    first: int = 1,
) -> Iterator[Item]:
    """The pictures and refusals of a file's bytes, one after another as they are made.

    Before each page (frame) that is worth starting again after comes a `Begun`; pages before
    `first` are passed over by those readers that send it. Other arguments are those of `read`.
    Raises Unreadable where the file as a whole can't be used.
    """
    bounds, options = bounds or Bounds(), options or ReadOptions()
    if not data:
        raise Unreadable("empty", f"{path} is empty.")
    if len(data) > bounds.max_bytes:
        raise Unreadable(
            "too_large", f"{path} has {len(data):,} bytes; at most {bounds.max_bytes:,} are read."
        )
    data = _unfolded(data, path, bounds)
    if pdf.is_pdf(data):
        found = pdf.items(data, path, size, bounds, options.pdf, first)
    elif dicom.is_dicom(data):
        found = dicom.items(data, path, size, bounds, options, first)
    else:
        found = raster.items(data, path, size, bounds, first, options.truncated)
    # At once: the thousand pages of a file must not wait in memory larger than a model sees them.
    for item in found:
        yield shaped(item, shape) if isinstance(item, Picture) else item


def gathered(found: Iterable[Item]) -> ReadResult:
    """All of a file's items; one of which no picture could be had is refused once, as a whole."""
    pictures: list[Picture] = []
    refused: list[Refusal] = []
    for item in found:
        if isinstance(item, Picture):
            pictures.append(item)
        elif isinstance(item, Refusal):
            refused.append(item)
    if not pictures:
        refused = [replace(why, page=None) for why in refused[:1]]
    return ReadResult(tuple(pictures), tuple(refused))


def read(
    data: bytes,
    *,
    path: str,
    size: int,
    bounds: Bounds | None = None,
    shape: Shape | None = None,
    **changes: Any,
) -> ReadResult:
    """The pictures of a file's bytes, read by ReadOptions by name; `size` is the side of what the
    model sees, in pixels.

    Each picture's pixels go through `shape` at once, where there is one. Raises Unreadable where
    the file as a whole can't be used; `path` is for messages only.
    """
    options = ReadOptions.changed(**changes)
    result = gathered(
        items(data, path=path, size=size, bounds=bounds, options=options, shape=shape)
    )
    if not result.pictures and result.refused:
        raise Unreadable(result.refused[0].reason, result.refused[0].message)
    return result


def _unfolded(data: bytes, path: str, bounds: Bounds) -> bytes:
    """What a file holds that is one file, compressed (`scan.dcm.gz`); other files as they are."""
    opened = next((o for mark, o in _COMPRESSED.items() if data.startswith(mark)), None)
    if opened is None:
        return data
    limit = min(bounds.max_bytes, max(MOST_UNFOLDED * len(data), LEAST_UNFOLDED))
    try:
        with opened(io.BytesIO(data)) as file:
            inner: bytes = file.read(limit + 1)
    except (OSError, EOFError, ValueError, lzma.LZMAError, zlib.error):
        raise Unreadable(
            "damaged", f"{path} is compressed and ends too soon; get a whole copy of it."
        ) from None
    if len(inner) > limit:
        raise Unreadable(
            "too_large", f"{path} would unfold to over {limit:,} bytes; unpack it if you trust it."
        )
    if not inner:
        raise Unreadable("empty", f"{path} holds nothing.")
    return inner


def read_file(
    path: str | Path,
    *,
    size: int,
    bounds: Bounds | None = None,
    **changes: Any,
) -> tuple[str, ReadResult]:
    """(sha256, pictures) of one file, from one reading of its bytes. Raises Unreadable."""
    data = read_bytes(str(path), bounds)
    return content_hash(data), read(data, path=str(path), size=size, bounds=bounds, **changes)
