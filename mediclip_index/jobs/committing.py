"""What a build has whole → the catalog, in small transactions beside the work."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from mediclip_index.catalog import Reading, images, labels, origins
from mediclip_index.catalog.images import NewFile, NewImage
from mediclip_index.catalog.words import KnownEncoder
from mediclip_index.jobs.desk import Desk
from mediclip_index.terms import Facts, Refusal


@dataclass
class Whole:
    """Files of which everything is known: their images with vectors, refusals and facts."""

    source: int
    files: list[NewFile] = field(default_factory=list)
    images: list[NewImage] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    facts: dict[str, Facts] = field(default_factory=dict)


class Committer:
    """Writes one batch after another in a thread of its own; a context manager.

    At most one batch is being written while the next one grows, so memory stays bounded. What goes
    wrong in the thread is raised by whichever call comes next, and nothing is written after it.
    """

    def __init__(self, desk: Desk, encoder: KnownEncoder, run: str) -> None:
        self._desk = desk
        self._encoder = encoder
        self._run = run
        self._thread = ThreadPoolExecutor(1, "commit")
        self._under_way: Future[tuple[int, int]] | None = None
        self.embedded = 0
        self.labelled = 0

    def __enter__(self) -> Committer:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown()

    def put(self, batch: Whole) -> None:
        """Have a batch written once the one before it is; the batch is no longer the caller's."""
        self.finish()
        self._under_way = self._thread.submit(self._write, batch)

    def check(self) -> None:
        """Raise what went wrong so far, without waiting."""
        if self._under_way is not None and self._under_way.done():
            self.finish()

    def finish(self) -> None:
        """Wait until everything is written."""
        if self._under_way is not None:
            embedded, labelled = self._under_way.result()
            self.embedded += embedded
            self.labelled += labelled
            self._under_way = None

    def _write(self, batch: Whole) -> tuple[int, int]:
        """One transaction; how many images were embedded, and how many newly labelled."""
        catalog, by = self._desk.catalog, self._desk.author
        with catalog.writing("build", by=by, run=self._run) as work:
            embedded = images.add_images(work, self._encoder, batch.images)
            images.add_files(work, batch.source, batch.files)
            origins.add_refusals(work, batch.refusals)
            return embedded, labels.say(work, by_id(work, batch.facts), of_source=True)


def by_id(look: Reading, facts: Mapping[str, Facts]) -> dict[int, Facts]:
    """What is said of paths, by the images that lie there."""
    known = images.ids_by_path(look, facts) if facts else {}
    return {i: fact for path, fact in facts.items() for i in known.get(path, ())}
