"""Indexed images read from their files again: to be embedded, shown, or learned from."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np

from mediclip_index import reading
from mediclip_index.catalog import images, indexed
from mediclip_index.catalog import thumbnails as kept
from mediclip_index.catalog.models import StoredEncoder
from mediclip_index.reading.pool import InputSpec, Readers, ReadSpec, entry_of
from mediclip_index.session.session import Session
from mediclip_index.show.text import counted
from mediclip_index.types import (
    Entry,
    Picture,
    Pixels,
    Progress,
    ReadOptions,
    Silent,
    UsageError,
    Vectors,
)

_KEPT_AT_ONCE = 1024  # thumbnails
_NO_PIXELS = np.zeros((0, 0, 3), dtype=np.uint8)
_SEEN = 224  # pixels: files are decoded no smaller than twice that for their thumbnails
Why = Literal["unread", "changed"]


@dataclass(frozen=True)
class Reread:
    """The images asked for of one file: their pictures by id, or why there are none. A page that
    the file no longer has is in neither."""

    path: str
    asked: int
    pictures: dict[int, Picture]
    why: Why | None = None


@dataclass(frozen=True)
class Square:
    """An input spec that wants whole pictures as squares."""

    image_size: int

    @property
    def framing(self) -> Callable[[Pixels], Pixels]:
        return partial(reading.squared, side=self.image_size)


@dataclass(frozen=True)
class WholePicture:
    """An input spec that wants pictures as they are, drawn with `image_size` pixels or more."""

    image_size: int

    @property
    def framing(self) -> Callable[[Pixels], Pixels]:
        return reading.unshaped


@dataclass(frozen=True)
class Small:
    """An input spec that wants whole pictures, small."""

    image_size: int

    @property
    def framing(self) -> Callable[[Pixels], Pixels]:
        return partial(reading.within, side=self.image_size)


def reread(
    session: Session,
    ids: Sequence[int],
    input_spec: InputSpec,
    readers: Readers | None = None,
) -> Iterator[Reread]:
    """The pictures of indexed images, file by file, as `input_spec` wants them: each the very page,
    frame or item that was indexed, and only of a file that still holds what was. `readers`: the
    processes that read, where there are some already."""
    with session.catalog.reading() as read:
        wanted = images.images(read, ids)
        ways = images.ways_of_reading(read, [image.sha256 for image in wanted.values()])
    by_content: dict[str, list[images.StoredImage]] = defaultdict(list)
    for image in wanted.values():
        by_content[image.sha256].append(image)
    by_way: dict[ReadOptions, list[Entry]] = defaultdict(list)
    contents: dict[str, str] = {}
    for sha, asked in by_content.items():
        path = asked[0].path
        try:
            by_way[ways.get(sha, ReadOptions())].append(entry_of(path))
            contents[path] = sha
        except (UsageError, reading.Unreadable):
            yield Reread(path, len(asked), {}, "unread")
    with contextlib.nullcontext(readers) if readers is not None else Readers() as at_work:
        for way, entries in by_way.items():
            for loaded in at_work.ahead(entries, ReadSpec(input_spec, way)):
                sha = contents[loaded.entry.path]
                asked = by_content[sha]
                if loaded.sha256 is not None and loaded.sha256 != sha:
                    yield Reread(loaded.entry.path, len(asked), {}, "changed")
                elif not loaded.pictures:
                    yield Reread(loaded.entry.path, len(asked), {}, "unread")
                else:
                    own = {(p.page, p.item): p for p in loaded.pictures}
                    found = {i.id: own[i.page, i.item] for i in asked if (i.page, i.item) in own}
                    yield Reread(loaded.entry.path, len(asked), found)


def again(
    session: Session, stored: StoredEncoder, ids: Sequence[int], progress: Progress
) -> tuple[dict[int, Vectors], list[tuple[str, Why]]]:
    """(vectors (dim,) by id, files that can't be read or hold other content now)."""
    encoder = session.encoder(stored)
    fresh: dict[int, Vectors] = {}
    unread: list[tuple[str, Why]] = []
    progress.start("embed again", len(ids))
    for file in reread(session, ids, encoder):
        if file.why is not None:
            unread.append((file.path, file.why))
        vectors = encoder.encode_pictures(list(file.pictures.values()))
        fresh |= dict(zip(file.pictures, vectors, strict=True))
        progress.advance(file.asked)
    progress.finish()
    return fresh, unread


def pixels(
    session: Session, ids: Sequence[int], input_spec: InputSpec, progress: Progress | None = None
) -> dict[int, Pixels]:
    """The pixels of indexed images by id; those whose file is gone or another are missing."""
    progress = progress or Silent()
    found: dict[int, Pixels] = {}
    for file in reread(session, ids, input_spec):
        found |= {i: picture.pixels for i, picture in file.pictures.items()}
        progress.advance(file.asked)
    return found


def make_thumbnails(session: Session, progress: Progress) -> str:
    """Read the files of images that have no thumbnail again, and keep theirs; returns a note."""
    with session.catalog.reading() as read:
        lacking = kept.lacking(read)
    found: dict[int, bytes] = {}
    made = 0
    progress.start("thumbnails", len(lacking))
    for file in reread(session, lacking, Small(_SEEN)) if lacking else ():
        found |= {i: picture.thumbnail for i, picture in file.pictures.items()}
        made += len(file.pictures)
        progress.advance(file.asked)
        if len(found) >= _KEPT_AT_ONCE:
            _keep(session, found)
            found = {}
    _keep(session, found)
    progress.finish()
    left = len(lacking) - made
    more = f"; {counted(left, 'image')} could not be read" if left else ""
    return f"{counted(made, 'thumbnail')} made{more}."


def renew_headers(session: Session, progress: Progress) -> list[str]:
    """Read the DICOM files of which an earlier version kept less than this one does again, and keep
    what their headers say; returns notes."""
    with session.catalog.reading() as read:
        lacking = indexed.without_header(read)
    if not lacking:
        return []
    found: dict[int, Picture] = {}
    progress.start("read headers", len(lacking))
    for file in reread(session, lacking, Small(_SEEN)):
        found |= {i: replace(picture, pixels=_NO_PIXELS) for i, picture in file.pictures.items()}
        progress.advance(file.asked)
    progress.finish()
    with session.catalog.writing("build --reread", by=session.author) as write:
        indexed.renew(write, found)
    left = len(lacking) - len(found)
    more = f"; {counted(left, 'image')} could not be read" if left else ""
    return [f"What DICOM headers say was read again of {counted(len(found), 'image')}{more}."]


def _keep(session: Session, found: dict[int, bytes]) -> None:
    if found:
        with session.catalog.writing("build --thumbnails", by=session.author) as write:
            there = images.images(write, list(found))
            kept.put(write, {i: grey for i, grey in found.items() if i in there})


def thumbnails(session: Session, ids: Sequence[int], side: int) -> dict[int, Pixels]:
    """See Index.thumbnails."""
    return pixels(session, ids, Small(side))
