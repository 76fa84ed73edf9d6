"""Files → pictures with their content's hash, read ahead of whoever needs them."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

from mediclip_index import reading
from mediclip_index.types import (
    Bounds,
    Encoder,
    Entry,
    Picture,
    Pixels,
    ReadOptions,
    Refusal,
    UsageError,
)

MOST_WORKERS = 16  # more would wait for the disk and the model
AHEAD = 64  # files read before they are asked for
AHEAD_BYTES = 256 * 1024**2  # of pictures that wait; one file may go beyond
# What a worker needs to shape pictures for a model.
_PRELOAD = ("mediclip_index.encoding.preprocess",)


@dataclass(frozen=True)
class Loaded:
    """A file's content. `pictures` is empty where it was refused, or was known and not decoded;
    `sha256` is None where it could not be read at all."""

    entry: Entry
    sha256: str | None
    pictures: tuple[Picture, ...]
    refused: tuple[Refusal, ...]


class InputSpec(Protocol):
    """What pictures are read for (an Encoder, say): how many pixels it looks at, and how it wants
    them framed, by what can be pickled."""

    @property
    def image_size(self) -> int: ...
    @property
    def framing(self) -> Callable[[Pixels], Pixels]: ...


@dataclass(frozen=True)
class ReadSpec:
    """How files are read for a model."""

    input_spec: InputSpec
    options: ReadOptions = field(default_factory=ReadOptions)
    bounds: Bounds = field(default_factory=Bounds)

    def task(self, entry: Entry, data: bytes | None) -> reading.Task:
        return reading.Task(
            path=entry.where,
            given=entry.given,
            data=data,
            size=self.input_spec.image_size,
            bounds=self.bounds,
            options=self.options,
            shape=self.input_spec.framing,
        )


class Readers:
    """Processes that read files ahead, each driven by a thread of its own; a context manager.

    A file's bytes are read once, hashed and decoded, so that a file which changes meanwhile can't
    pair one content's hash with another's picture. A decoder that crashes or hangs costs its file.
    """

    def __init__(self, workers: int | None = None) -> None:
        count = workers or _sensible()
        self._threads = ThreadPoolExecutor(count, "read")
        self._apart = [reading.WorkerProcess(_PRELOAD) for _ in range(count)]
        self._idle = self._apart[::-1]
        self._held = 0  # bytes of pictures read and not taken yet
        self._next = 0  # the number of the file that is taken next
        self._changed = threading.Condition()

    def __enter__(self) -> Readers:
        return self

    def __exit__(self, *_: object) -> None:
        # What is still under way is ended, not waited for.
        for worker in self._apart:
            worker.stop()
        with self._changed:
            self._held = -(1 << 62)
            self._changed.notify_all()
        self._threads.shutdown(cancel_futures=True)
        for worker in self._apart:
            worker.close()

    @property
    def workers(self) -> list[int]:
        """The processes that are there, by their numbers."""
        return [worker.worker for worker in self._apart if worker.worker is not None]

    def expect(self, files: int) -> None:
        """Have processes for so many files started while other things are got ready."""
        for worker in self._apart[:files]:
            worker.start()

    def ahead(
        self,
        entries: Iterable[Entry],
        read_spec: ReadSpec,
        *,
        known: Collection[str] = (),
        given: Mapping[str, bytes] | None = None,
    ) -> Iterator[Loaded]:
        """Each file, in order. A content whose hash is `known` is not decoded; `given` holds the
        bytes, by path, of what is no file."""
        given = given or {}

        def load(number: int, entry: Entry) -> Loaded:
            with self._changed:
                # The one that is taken next never waits, so there is always one that goes on.
                self._changed.wait_for(lambda: self._held < AHEAD_BYTES or number <= self._next)
                worker = self._idle.pop()
            try:
                task = read_spec.task(entry, given.get(entry.path))
                found = worker.read(task, _length(entry), lambda sha256: sha256 not in known)
            finally:
                with self._changed:
                    self._idle.append(worker)
                    self._changed.notify_all()
            with self._changed:
                self._held += _weight(found.pictures)
            return Loaded(entry, found.sha256, found.pictures, found.refused)

        def taken(number: int, coming: Future[Loaded]) -> Loaded:
            with self._changed:
                self._next = number
                self._changed.notify_all()
            loaded = coming.result()
            with self._changed:
                self._held -= _weight(loaded.pictures)
                self._changed.notify_all()
            return loaded

        waiting: deque[tuple[int, Future[Loaded]]] = deque()
        for number, entry in enumerate(entries, self._next + 1):
            waiting.append((number, self._threads.submit(load, number, entry)))
            if len(waiting) >= AHEAD:
                yield taken(*waiting.popleft())
        while waiting:
            yield taken(*waiting.popleft())


def _length(entry: Entry) -> int:
    """The bytes that may have to be gone through for a file: an archive's, for one of its members
    (a worker that is new to a compressed one unpacks its way there)."""
    named = reading.member_of(entry.where)
    return entry.size if named is None else entry.size + os.path.getsize(named[0])


def _weight(pictures: Iterable[Picture]) -> int:
    return sum(picture.pixels.nbytes for picture in pictures)


def _sensible() -> int:
    """As many workers as this process may use cores."""
    here = getattr(os, "sched_getaffinity", None)
    return min(len(here(0)) if here else os.cpu_count() or 1, MOST_WORKERS)


def first_picture(path: str, encoder: Encoder) -> Picture:
    """The (first) picture of a file, for a model; UsageError where it holds none."""
    with Readers(1) as readers:
        loaded = next(readers.ahead([entry_of(path)], ReadSpec(encoder)))
    if not loaded.pictures:
        why = loaded.refused[0].message if loaded.refused else "it holds no picture"
        raise UsageError(f"{path} can't be used: {why}")
    return loaded.pictures[0]


def entry_of(path: str) -> Entry:
    """A single file as an entry; UsageError where it is not there."""
    entries = reading.scan(path, labels="none").entries if not os.path.isdir(path) else ()
    if len(entries) != 1:
        raise UsageError(f"{path} is not one picture.")
    return entries[0]
