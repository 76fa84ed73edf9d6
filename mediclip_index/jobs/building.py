"""Sources → images, vectors, labels and a neighbour file in the index."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from uuid6 import uuid7

from mediclip_index import reading
from mediclip_index.catalog import (
    Reading,
    Writing,
    exports,
    images,
    labels,
    removals,
    words,
)
from mediclip_index.catalog.images import NewFile, NewImage
from mediclip_index.catalog.words import KnownEncoder
from mediclip_index.jobs.desk import Desk
from mediclip_index.jobs.intake import Frames, Loaded, Pdf, ahead, load
from mediclip_index.jobs.labelling import check_labels, classes_of
from mediclip_index.jobs.neighbouring import refresh_neighbours
from mediclip_index.terms import (
    BuildReport,
    Encoder,
    Entry,
    Facts,
    IndexType,
    Progress,
    Refusal,
    WrongUsage,
)

SAMPLES = "samples:"
COMMIT_IMAGES = 256
COMMIT_SECONDS = 5.0
MOST_MISSING = 0.1  # share of a source's files that may vanish without a question


@dataclass(frozen=True)
class Plan:
    """One source, scanned: what lies there, and how it is to be read."""

    source: str
    labels: str
    frames: Frames
    pdf: Pdf
    entries: tuple[Entry, ...]
    refused: tuple[Refusal, ...]
    notes: tuple[str, ...]


@dataclass
class Tally:
    """What became of each input so far; exactly one of the first six counts it."""

    added: int = 0
    unchanged: int = 0
    renamed: int = 0
    duplicates: int = 0
    returned: int = 0
    refused: list[Refusal] = field(default_factory=list)
    gone: int = 0
    embedded: int = 0
    labelled: int = 0
    notes: list[str] = field(default_factory=list)


@dataclass
class Known:
    """What the index knew when the build began, kept up to date as it goes on."""

    files: dict[str, images.KnownFile]
    past: set[tuple[str, str]]
    contents: set[str]
    refusals: dict[str, list[Refusal]]


def build(
    desk: Desk,
    sources: Sequence[str],
    *,
    labels: str,
    frames: Frames,
    pdf: Pdf,
    rehash: bool,
    allow_missing: bool,
    prune: bool = False,
    batch_size: int,
    index_type: IndexType | None,
    progress: Progress,
) -> BuildReport:
    """See Index.build."""
    started = time.monotonic()
    tally = Tally()
    with desk.catalog.reading() as look:
        encoder_row = words.encoder(look)
        known = Known(
            images.known_files(look),
            images.past_contents(look),
            images.known_contents(look, encoder_row),
            images.known_refusals(look),
        )
        before = images.sources(look)
    plans = list(_plans(desk, sources, before, tally, labels=labels, frames=frames, pdf=pdf))
    check_labels(desk, (e.facts.label for p in plans for e in p.entries if e.facts.label))
    work = _Build(desk, encoder_row, known, tally, batch_size, progress, run=str(uuid7()))
    for plan in plans:
        work.take(plan, rehash=rehash, allow_missing=allow_missing)
    pruned = _prune(desk) if prune else 0
    refresh_neighbours(desk, encoder_row, index_type)
    seconds = time.monotonic() - started
    with desk.catalog.reading() as look:
        facts = desk.facts(look)
    return BuildReport(
        index=facts,
        added=tally.added,
        unchanged=tally.unchanged,
        renamed=tally.renamed,
        duplicates=tally.duplicates,
        gone=tally.gone,
        returned=tally.returned,
        labelled=tally.labelled,
        refused=tuple(tally.refused),
        images=facts.images,
        seconds=seconds,
        images_per_second=tally.embedded / seconds,
        notes=(*tally.notes, *desk.notes),
        pruned=pruned,
    )


def _prune(desk: Desk) -> int:
    """Images of which no file is left are gone for good: marked as removed."""
    with desk.catalog.writing("build --prune", by=desk.author) as work:
        gone = removals.vanished(work)
        removals.mark(work, gone, "removed")
    return len(gone)


def _plans(
    desk: Desk,
    sources: Sequence[str],
    before: Sequence[images.Source],
    tally: Tally,
    *,
    labels: str,
    frames: Frames,
    pdf: Pdf,
) -> Iterator[Plan]:
    if sources:
        wanted = [(os.path.abspath(s), labels, frames, pdf) for s in sources]
    elif before:
        wanted = [(s.source, s.labels, s.frames, s.pdf) for s in before]  # type: ignore[misc]
    else:
        wanted = [(SAMPLES, "auto", frames, pdf)]
        tally.notes.append(
            "No source was named and the index was new, so the sample collection was taken in; "
            "name a folder to take in your own pictures."
        )
    classes = classes_of(desk)
    for source, how, these_frames, this_pdf in wanted:
        if source == SAMPLES:
            from mediclip_index import samples

            found = samples.collection()
            yield Plan(source, how, "first", "images", found.entries, (), found.notes)
            continue
        if not os.path.lexists(source):
            if source not in {s.source for s in before}:
                raise WrongUsage(f"There is no file or folder {source} to build from.")
            # Known files that are missing with it; whether they are gone is asked below.
            yield Plan(source, how, these_frames, this_pdf, (), (), ())
            continue
        if exports.manifest(Path(source)) is not None:
            raise WrongUsage(
                f"{source} is an export, and becomes an index of its own: name a new folder for it "
                "with --index."
            )
        scan = reading.scan(source, classes=classes, labels=how)
        inside = str(desk.catalog.folder) + os.sep
        entries = tuple(e for e in scan.entries if not e.path.startswith(inside))
        yield Plan(source, how, these_frames, this_pdf, entries, scan.refused, scan.notes)


class _Build:
    """One run of build over its plans: reads ahead, encodes in batches, commits in small steps."""

    def __init__(
        self,
        desk: Desk,
        encoder: KnownEncoder,
        known: Known,
        tally: Tally,
        batch_size: int,
        progress: Progress,
        run: str,
    ) -> None:
        self._desk = desk
        self._row = encoder
        self._known = known
        self._tally = tally
        self._batch_size = batch_size
        self._progress = progress
        self._run = run
        self._source = 0
        self._waiting: list[Loaded] = []
        self._files: list[NewFile] = []
        self._images: list[NewImage] = []
        self._refusals: list[Refusal] = []
        self._facts: dict[str, Facts] = {}
        self._committed = time.monotonic()

    def take(self, plan: Plan, *, rehash: bool, allow_missing: bool) -> None:
        """Bring the index up to date with one source."""
        tally, known = self._tally, self._known
        vanished = self._vanished(plan)
        fresh, settled = self._sorted(plan, rehash)
        expected = self._source_size(plan)
        unexplained = vanished - self._renamed_away(vanished, fresh)
        if len(unexplained) > MOST_MISSING * max(expected, 1) and not allow_missing:
            tally.refused.append(_missing(plan.source, len(unexplained), expected))
            return
        tally.notes += plan.notes
        self._record_refused(plan)
        with self._writing() as work:
            self._source = images.add_source(
                work, plan.source, labels=plan.labels, frames=plan.frames, pdf=plan.pdf
            )
        by_content: dict[str, list[str]] = {}
        for path in vanished:
            sha = known.files[path].sha256
            if sha is not None:
                by_content.setdefault(sha, []).append(path)
        self._progress.start(plan.source, len(fresh))
        read = partial(
            load,
            size=self._encoder.image_size if fresh else 0,
            frames=plan.frames,
            pdf=plan.pdf,
            known=known.contents,
        )
        for loaded in ahead(fresh, read):
            self._settle(loaded, by_content)
            self._progress.advance(1)
        self._encode()
        self._commit()
        self._progress.finish()
        self._close(vanished)
        self._say({e.path: e.facts for e in settled if e.facts != Facts()})

    @property
    def _encoder(self) -> Encoder:
        return self._desk.encoder(self._row)

    def _sorted(self, plan: Plan, rehash: bool) -> tuple[list[Entry], list[Entry]]:
        """(files to read, files that are as they were)."""
        fresh, settled = [], []
        for entry in plan.entries:
            file = self._known.files.get(entry.path)
            # A file of which only another model's vectors are kept is read again for this one.
            as_it_was = (
                file is not None
                and (file.size, file.mtime_ns) == (entry.size, entry.mtime_ns)
                and (file.sha256 in self._known.contents or entry.path in self._known.refusals)
            )
            if file is None or not as_it_was or rehash:
                fresh.append(entry)
                continue
            settled.append(entry)
            if file.sha256 in self._known.contents:
                self._tally.unchanged += 1
            else:
                self._tally.refused += self._known.refusals[entry.path]
        return fresh, settled

    def _vanished(self, plan: Plan) -> set[str]:
        """Known files of a source that are no longer on disk."""
        listed = {entry.path for entry in plan.entries}
        return {p for p in self._of_source(plan) if p not in listed and not os.path.lexists(p)}

    def _of_source(self, plan: Plan) -> Iterable[str]:
        if os.path.isdir(plan.source) or not os.path.lexists(plan.source):
            root = plan.source.rstrip(os.sep) + os.sep
            return (p for p in self._known.files if p.startswith(root))
        # Of a list: what it names now, a file that it names in vain (refused by the scan) included.
        named = (*(e.path for e in plan.entries), *(r.path for r in plan.refused))
        return (path for path in named if path in self._known.files)

    def _source_size(self, plan: Plan) -> int:
        return sum(1 for _ in self._of_source(plan))

    def _renamed_away(self, vanished: set[str], fresh: Sequence[Entry]) -> set[str]:
        """Vanished files whose content lies under a new name (only files of equal size can)."""
        sizes = {self._known.files[path].size for path in vanished}
        contents = set()
        for entry in fresh:
            if entry.size in sizes:
                try:
                    contents.add(reading.content_hash(reading.read_bytes(entry.path)))
                except reading.Unreadable:
                    continue
        return {p for p in vanished if self._known.files[p].sha256 in contents}

    def _settle(self, loaded: Loaded, vanished: dict[str, list[str]]) -> None:
        """Say what became of one file that was read, and queue what is to be kept of it."""
        entry, sha = loaded.entry, loaded.sha256
        tally, known = self._tally, self._known
        refused = [replace(refusal, path=entry.path) for refusal in loaded.refused]
        self._refusals += refused
        tally.refused += refused
        if entry.facts != Facts():
            self._facts[entry.path] = entry.facts
        if sha is not None and sha in known.contents:
            before = known.files.get(entry.path)
            if before is not None and before.sha256 == sha:
                tally.unchanged += 1
            elif (entry.path, sha) in known.past:
                tally.returned += 1
            elif vanished.get(sha):
                vanished[sha].pop()
                tally.renamed += 1
            else:
                tally.duplicates += 1
        elif loaded.pictures:
            assert sha is not None
            known.contents.add(sha)
            tally.added += 1
            self._waiting.append(loaded)
        self._files.append(NewFile(entry.path, entry.size, entry.mtime_ns, sha))
        known.files[entry.path] = images.KnownFile(entry.size, entry.mtime_ns, sha)
        if sum(len(item.pictures) for item in self._waiting) >= self._batch_size:
            self._encode()
        overdue = time.monotonic() - self._committed > COMMIT_SECONDS
        if len(self._images) + self._batch_size > COMMIT_IMAGES or overdue:
            self._encode()
            self._commit()

    def _encode(self) -> None:
        pictures = [picture for item in self._waiting for picture in item.pictures]
        if not pictures:
            return
        vectors = iter(self._encoder.encode_pictures(pictures))
        for item in self._waiting:
            assert item.sha256 is not None
            self._images += [
                NewImage(
                    sha256=item.sha256,
                    page=picture.page,
                    item=picture.item,
                    width=picture.width,
                    height=picture.height,
                    format=picture.format,
                    bytes=item.entry.size,
                    technical=picture.metadata,
                    vector=next(vectors),
                )
                for picture in item.pictures
            ]
        self._waiting.clear()

    def _commit(self) -> None:
        """One transaction: images with their vectors, paths, refusals and facts."""
        if self._files or self._refusals:
            with self._writing() as work:
                self._tally.embedded += images.add_images(work, self._row, self._images)
                images.add_files(work, self._source, self._files)
                images.add_refusals(work, self._refusals)
                self._tally.labelled += labels.say(work, _by_id(work, self._facts))
            self._files, self._images, self._refusals, self._facts = [], [], [], {}
        self._committed = time.monotonic()

    def _writing(self) -> AbstractContextManager[Writing]:
        return self._desk.catalog.writing("build", by=self._desk.author, run=self._run)

    def _record_refused(self, plan: Plan) -> None:
        self._tally.refused += plan.refused
        self._refusals += [
            refusal
            for refusal in plan.refused
            if refusal not in self._known.refusals.get(refusal.path, [])
        ]

    def _close(self, vanished: set[str]) -> None:
        if vanished:
            with self._writing() as work:
                images.close_files(work, vanished)
            self._tally.gone += len(vanished)

    def _say(self, facts: dict[str, Facts]) -> None:
        """Facts of files that were not read: a CSV or a folder may have changed its mind."""
        with self._desk.catalog.reading() as look:
            news = labels.news(look, _by_id(look, facts)) if facts else None
        if news is not None and news.changed:
            with self._writing() as work:
                self._tally.labelled += labels.say(work, _by_id(work, facts))


def _by_id(look: Reading, facts: dict[str, Facts]) -> dict[int, Facts]:
    known = images.ids_by_path(look, facts) if facts else {}
    return {i: fact for path, fact in facts.items() for i in known.get(path, ())}


def _missing(source: str, missing: int, known: int) -> Refusal:
    return Refusal(
        source,
        "unreadable",
        f"{missing} of the {known} files known from {source} are missing (an unmounted drive?), so "
        "nothing was changed there; if they are really gone, build with --allow-missing.",
    )
