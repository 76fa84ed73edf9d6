"""Files → pictures with their content's hash, read ahead of whoever needs them."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mediclip_index import reading
from mediclip_index.terms import Bounds, Entry, Picture, Refusal, WrongUsage

Frames = Literal["first", "all"]
Pdf = Literal["images", "pages"]
READERS = 2
AHEAD = 16  # files read before they are asked for


@dataclass(frozen=True)
class Loaded:
    """A file's content. `pictures` is empty where it was refused, or was known and not decoded;
    `sha256` is None where it could not be read at all."""

    entry: Entry
    sha256: str | None
    pictures: tuple[Picture, ...]
    refused: tuple[Refusal, ...]


def load(
    entry: Entry,
    *,
    size: int,
    frames: Frames,
    pdf: Pdf,
    known: Collection[str] = (),
    bounds: Bounds | None = None,
) -> Loaded:
    """Read one file; its bytes are read once, hashed and decoded, so that a file which changes
    meanwhile can't pair one content's hash with another's picture. A `known` content is not
    decoded."""
    bounds = bounds or Bounds()
    try:
        data = reading.read_bytes(entry.path, bounds)
    except reading.Unreadable as why:
        return Loaded(entry, None, (), (Refusal(entry.given, why.reason, why.message),))
    return decode(entry, data, size=size, frames=frames, pdf=pdf, known=known, bounds=bounds)


def decode(
    entry: Entry,
    data: bytes,
    *,
    size: int,
    frames: Frames,
    pdf: Pdf,
    known: Collection[str] = (),
    bounds: Bounds | None = None,
) -> Loaded:
    """Like load, from a file's bytes."""
    sha256 = reading.content_hash(data)
    if sha256 in known:
        return Loaded(entry, sha256, (), ())
    try:
        result = reading.read(
            data, path=entry.given, size=size, bounds=bounds or Bounds(), frames=frames, pages=pdf
        )
    except reading.Unreadable as why:
        return Loaded(entry, sha256, (), (Refusal(entry.given, why.reason, why.message),))
    return Loaded(entry, sha256, tuple(result.pictures), tuple(result.refused))


def ahead(entries: Iterable[Entry], read: Callable[[Entry], Loaded]) -> Iterator[Loaded]:
    """read(entry) for each entry, in order, a bounded number of files ahead in threads: the
    decoders let go of Python's lock, and the model's arithmetic does too."""
    with ThreadPoolExecutor(READERS) as pool:
        waiting: deque[Future[Loaded]] = deque()
        try:
            for entry in entries:
                waiting.append(pool.submit(read, entry))
                if len(waiting) >= AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def first_picture(path: str, size: int) -> Picture:
    """The (first) picture of a file; WrongUsage where it holds none."""
    loaded = load(entry_of(path), size=size, frames="first", pdf="images")
    if not loaded.pictures:
        why = loaded.refused[0].message if loaded.refused else "it holds no picture"
        raise WrongUsage(f"{path} can't be used: {why}")
    return loaded.pictures[0]


def entry_of(path: str) -> Entry:
    """A single file as an entry; WrongUsage where it is not there."""
    try:
        stat = Path(path).stat()
    except OSError as error:
        raise WrongUsage(f"{path} can't be read: {error.strerror}.") from None
    return Entry(os.path.abspath(path), path, stat.st_size, stat.st_mtime_ns)
