"""What a build has whole → the catalog, in small transactions beside the work."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from mediclip_index.catalog import (
    ReadTransaction,
    WriteTransaction,
    images,
    indexed,
    labels,
    provenance,
)
from mediclip_index.catalog.images import NewFile, NewImage
from mediclip_index.catalog.models import StoredEncoder
from mediclip_index.session.session import Session
from mediclip_index.types import Facts, Refusal


@dataclass
class Batch:
    """Files of which everything is known: their images with vectors, refusals and facts.

    previously_seen_paths: those of the paths that held something when the build began, or earlier
    in it. partially_embedded: those of the contents with pictures of which some were kept before,
    without vectors. All other contents with pictures are new: of what is on record whole, no
    picture comes here.
    """

    source: int
    previously_seen_paths: set[str] = field(default_factory=set)
    partially_embedded: set[str] = field(default_factory=set)
    files: list[NewFile] = field(default_factory=list)
    images: list[NewImage] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    facts: dict[str, Facts] = field(default_factory=dict)


class Committer:
    """Writes one batch after another in a thread of its own; a context manager.

    At most one batch is being written while the next one grows, so memory stays bounded. What goes
    wrong in the thread is raised by whichever call comes next, and nothing is written after it.
    """

    def __init__(self, session: Session, encoder: StoredEncoder, run: str, since: int) -> None:
        """`since`: the transaction as of which the batches tell what was there before."""
        self._since = since
        self.session = session
        self.encoder = encoder
        self.run = run
        self._thread = ThreadPoolExecutor(1, "commit")
        self._under_way: Future[tuple[int, int]] | None = None
        self.embedded = 0
        self.labelled = 0

    def __enter__(self) -> Committer:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown()

    def put(self, batch: Batch) -> None:
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

    def _write(self, batch: Batch) -> tuple[int, int]:
        """One transaction; how many images were embedded, and how many newly labelled."""
        catalog, by = self.session.catalog, self.session.author
        with catalog.writing("build", by=by, run=self.run) as write:
            # Where another build went on meanwhile, anything may be on record by now.
            alone = not write.other_builds_since(self._since)
            paths, partially_embedded = (
                (batch.previously_seen_paths, batch.partially_embedded) if alone else (None, None)
            )
            embedded = images.add_images(write, self.encoder, batch.images, partially_embedded)
            images.add_files(write, batch.source, batch.files, paths)
            provenance.add_refusals(write, batch.refusals)
            facts = _of_batch(write, batch, partially_embedded) if batch.facts else {}
            return embedded, labels.say(write, facts, of_source=True)


def _of_batch(
    write: WriteTransaction, batch: Batch, partially_embedded: Collection[str] | None
) -> dict[int, Facts]:
    """`by_id` of a batch's facts, which asks the catalog for no content of which all images were
    just added."""
    new = (
        {}
        if partially_embedded is None
        else {c: i for c, i in images.added(write).items() if c not in partially_embedded}
    )
    whole = {path: fact for path, fact in batch.facts.items() if not fact.parts}
    there = {f.path: new[f.sha256] for f in batch.files if f.sha256 in new and f.path in whole}
    rest = {path: fact for path, fact in batch.facts.items() if path not in there}
    found = {i: whole[path] for path, ids in there.items() for i in ids}
    return found | by_id(write, rest)


def by_id(read: ReadTransaction, facts: Mapping[str, Facts]) -> dict[int, Facts]:
    """What is said of paths, and of their pages and items, by the images that lie there."""
    known = indexed.places(read, facts) if facts else {}
    return {
        i: fact.of(page, item) if fact.parts else fact
        for path, fact in facts.items()
        for i, page, item in known.get(path, ())
    }
