"""Sources → images, vectors, labels and a neighbour file in the index."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace

from uuid6 import uuid7

from mediclip_index import reading
from mediclip_index.catalog import WriteTransaction, images, labels, models, provenance
from mediclip_index.catalog.images import NewFile, NewImage
from mediclip_index.jobs import migrate, remove
from mediclip_index.jobs.ann_index import ask_for, refresh_neighbours
from mediclip_index.jobs.commit import Batch, Committer, by_id
from mediclip_index.jobs.label import at_odds, check_labels
from mediclip_index.jobs.plan import Plan, check_read_alike, plans
from mediclip_index.jobs.reread import make_thumbnails, renew_headers
from mediclip_index.jobs.stored import Moved, Tally, holds_none, known_before, missing, placed
from mediclip_index.reading.pool import Loaded, Readers, ReadSpec
from mediclip_index.session import unrelated
from mediclip_index.session.session import Session
from mediclip_index.types import (
    BuildOptions,
    BuildReport,
    Encoder,
    Entry,
    Facts,
    Progress,
    Refusal,
)

COMMIT_IMAGES = 1024
COMMIT_SECONDS = 5.0
NOTHING = Facts()
MOST_MISSING = 0.1  # share of a source's files that may vanish without a question


def build(
    session: Session, sources: Sequence[str], options: BuildOptions, progress: Progress
) -> BuildReport:
    """See Index.build."""
    started = time.monotonic()
    tally = Tally()
    with session.catalog.reading() as read:
        before = provenance.sources(read)
    found = list(plans(session, sources, before, tally.notes, options))
    check_labels(session, (label for p in found for e in p.entries for label in e.facts.labels()))
    if options.index_type is not None:
        ask_for(session, options.index_type)
    if options.reread:
        named = [session.names.of(os.path.abspath(s)) for s in sources]
        check_read_alike(found, before)
        tally.notes += migrate.move(session, named, [s.source for s in before])
    with session.catalog.reading() as read:
        encoder = models.encoder(read)
        since = read.tx
    tally.notes += migrate.advice(session, encoder)
    run = str(uuid7())
    with Readers(options.workers) as readers, Committer(session, encoder, run, since) as committer:
        run_of_build = _Build(committer, readers, tally, options, progress)
        if options.reread:
            run_of_build.try_refused_again()
        while found:
            run_of_build.take(found.pop(0))
        run_of_build.settle()
    tally.labelled += committer.labelled
    del run_of_build  # and with it what it knew of every file: the vectors need the room
    pruned = remove.prune(session) if options.prune else 0
    refresh_neighbours(session, encoder)
    unrelated.after_build(session, encoder)
    seconds = time.monotonic() - started
    later = renew_headers(session, progress) if options.reread else []
    if options.thumbnails:
        later.append(make_thumbnails(session, progress))
    with session.catalog.reading() as read:
        facts = session.facts(read)
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
        images_per_second=committer.embedded / seconds,
        notes=(*tally.notes, *session.notes, *later),
        pruned=pruned,
    )


class _Build:
    """One run of build over its plans: reads ahead, encodes in batches, commits in small steps."""

    def __init__(
        self,
        committer: Committer,
        readers: Readers,
        tally: Tally,
        options: BuildOptions,
        progress: Progress,
    ) -> None:
        session, encoder, run = committer.session, committer.encoder, committer.run
        self._session = session
        self._options = options
        self._names = session.names
        self._row = encoder
        with session.catalog.reading() as read:
            self._known = known_before(read, encoder, hashed=session.names.hashed)
        self._tally = tally
        self._progress = progress
        self._readers = readers
        self._committer = committer
        self._run = run
        self._renamed: set[str] = set()  # paths whose content lies under a new name
        self._moved = Moved(self._known.files, hashed=session.names.hashed)
        self._again = migrate.ReadAgain(session, encoder, run)
        self._waiting: list[Loaded] = []
        self._pictures = 0  # in those waiting
        self._whole = Batch(0)
        self._committed = time.monotonic()

    def try_refused_again(self) -> None:
        """What an earlier version refused, this one may read."""
        known = self._known
        again = {known.files[path].sha256 for path in known.refusals if path in known.files}
        known.incomplete |= known.contents.intersection(sha for sha in again if sha)
        known.contents -= known.incomplete
        known.refusals = {}

    def take(self, plan: Plan) -> None:
        """Bring the index up to date with one source."""
        tally, known = self._tally, self._known
        vanished = self._vanished(plan)
        fresh, settled = self._sorted(plan)
        # Text files and the like, which earlier versions put on record, may come and go.
        expected = sum(1 for path in self._of_source(plan) if self._is_pictured(path))
        unexplained = set(filter(self._is_pictured, vanished - self._moved.away(vanished, fresh)))
        if len(unexplained) > MOST_MISSING * max(expected, 1) and not self._options.allow_missing:
            tally.refused.append(missing(plan.source, len(unexplained), expected))
            return
        tally.notes += plan.notes
        with self._writing() as write:
            source = provenance.add_source(
                write, plan.source, labels=plan.labels, read=plan.read, scan=plan.scan
            )
        self._whole = Batch(source, refusals=self._news(plan.refused))
        mended = self._note_refused(plan)
        by_content: dict[str, list[str]] = {}
        for path in vanished:
            sha = known.files[path].sha256
            if sha is not None:
                by_content.setdefault(sha, []).append(path)
        self._progress.start(plan.source, len(fresh))
        if fresh:
            self._read(fresh, plan, by_content)
        else:
            self._commit()
        self._progress.finish()
        self._committer.finish()
        self._close(vanished | self._moved.found, mended)
        self._say({e.path: e.facts for e in settled if e.facts != NOTHING})
        with self._session.catalog.reading() as read:
            tally.notes += at_odds(
                read, {e.path: e.facts for e in plan.entries if e.facts != NOTHING}
            )

    def _read(self, fresh: list[Entry], plan: Plan, by_content: dict[str, list[str]]) -> None:
        """Read files, encode their pictures, and commit as it goes; whatever stops it, what is
        whole by then is kept."""
        self._readers.expect(len(fresh))  # they start while the model is loaded
        read_spec = ReadSpec(self._encoder, plan.read)
        try:
            for loaded in self._readers.ahead(fresh, read_spec, known=self._known.contents):
                self._settle(loaded, by_content)
                self._progress.advance(1)
            self._encode()
        finally:
            self._commit()
            self._committer.finish()

    @property
    def _encoder(self) -> Encoder:
        return self._session.encoder(self._row)

    def _sorted(self, plan: Plan) -> tuple[list[Entry], list[Entry]]:
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
            if file is None or not as_it_was or self._options.rehash:
                fresh.append(entry)
                continue
            settled.append(entry)
            if file.sha256 in self._known.contents:
                self._tally.unchanged += 1
            else:
                self._tally.refused += self._known.refusals[entry.path]
        return fresh, settled

    def _vanished(self, plan: Plan) -> set[str]:
        """Known files of a source that are no longer on disk. A hash can't be looked for there, so
        where a folder or an archive can't be looked into, none of them is known to be gone."""
        if self._names.hashed and plan.closed:
            if any(True for _ in self._of_source(plan)):
                self._tally.notes.append(
                    f"{plan.source}: {plan.closed} folders or archives can't be looked into, and "
                    "hashed paths can't be looked for, so none of its files is taken for gone."
                )
            return set()
        listed = {entry.path for entry in plan.entries}
        return {
            path
            for path in self._of_source(plan)
            if path not in listed and (self._names.hashed or not reading.is_there(path))
        }

    def _of_source(self, plan: Plan) -> Iterable[str]:
        if self._names.hashed:
            return self._known.of_source.get(plan.source, ())
        # Of a folder or an archive: what lies in it. Of a list: what it names now, a file that it
        # names in vain (refused by the scan) included.
        within = (plan.source.rstrip(os.sep) + os.sep, plan.source + reading.MEMBER)
        named = {plan.source, *(e.path for e in plan.entries), *(r.path for r in plan.refused)}
        return (p for p in self._known.files if p in named or p.startswith(within))

    def _is_pictured(self, path: str) -> bool:
        """Whether a known file holds images."""
        sha = self._known.files[path].sha256
        return sha in self._known.contents or sha in self._known.incomplete

    def _settle(self, loaded: Loaded, vanished: dict[str, list[str]]) -> None:
        """Say what became of one file that was read, and queue what is to be kept of it."""
        entry, sha = loaded.entry, loaded.sha256
        tally, known = self._tally, self._known
        tally.refused += placed(loaded, self._names)
        if sha is not None and sha in known.contents:
            before = known.files.get(entry.path)
            as_before = before is not None and before.sha256 == sha
            if not as_before and sha not in vanished:
                vanished[sha] = self._moved.from_elsewhere(sha)
            if as_before:
                tally.unchanged += 1
            elif (entry.path, sha) in known.past:
                tally.returned += 1
            elif vanished.get(sha):
                self._renamed.add(vanished[sha].pop())
                tally.renamed += 1
            else:
                tally.duplicates += 1
            loaded = replace(loaded, pictures=())
        elif loaded.pictures:
            assert sha is not None
            known.contents.add(sha)
            if sha in known.incomplete:
                self._again.wait(sha, loaded.pictures, loaded.refused)
            tally.added += 1
        elif sha is not None and sha in known.incomplete and holds_none(loaded):
            self._again.wait(sha, (), ())
        if entry.path in known.files:
            self._whole.previously_seen_paths.add(entry.path)
        known.files[entry.path] = images.StoredFile(entry.size, entry.mtime_ns, sha)
        self._waiting.append(loaded)
        self._pictures += len(loaded.pictures)
        if self._pictures >= self._options.batch_size:
            self._encode()
        overdue = time.monotonic() - self._committed > COMMIT_SECONDS
        if len(self._whole.images) + self._options.batch_size > COMMIT_IMAGES or overdue:
            self._encode()
            self._commit()
        self._committer.check()

    def _encode(self) -> None:
        """Make whole what was read: files in the order in which they were read."""
        pictures = [picture for item in self._waiting for picture in item.pictures]
        vectors = iter(self._encoder.encode_pictures(pictures) if pictures else ())
        whole = self._whole
        for item in self._waiting:
            entry = item.entry
            whole.files.append(NewFile(entry.path, entry.size, entry.mtime_ns, item.sha256))
            whole.refusals += placed(item, self._names)
            if entry.facts != NOTHING:
                whole.facts[entry.path] = entry.facts
            whole.images += [
                NewImage(
                    sha256=item.sha256 or "",
                    page=picture.page,
                    item=picture.item,
                    width=picture.width,
                    height=picture.height,
                    format=picture.format,
                    bytes=entry.size,
                    technical=picture.metadata,
                    vector=next(vectors),
                    thumbnail=picture.thumbnail,
                )
                for picture in item.pictures
            ]
        self._waiting, self._pictures = [], 0

    def _commit(self) -> None:
        """Have everything written that is whole: images with vectors, paths, refusals and facts."""
        whole = self._whole
        if whole.files or whole.refusals:
            if self._again.waiting:
                self._committer.finish()
                self._again.take_back()
            whole.partially_embedded = self._known.incomplete.intersection(
                i.sha256 for i in whole.images
            )
            self._committer.put(whole)
            self._whole = Batch(whole.source)
        self._committed = time.monotonic()

    def _writing(self) -> AbstractContextManager[WriteTransaction]:
        return self._session.catalog.writing("build", by=self._session.author, run=self._run)

    def _news(self, refused: Sequence[Refusal]) -> list[Refusal]:
        """What the scan of a source refused, and of it what is not on record yet."""
        self._tally.refused += refused
        before = self._known.refusals
        return [refusal for refusal in refused if refusal not in before.get(refusal.path, [])]

    def _note_refused(self, plan: Plan) -> set[str]:
        """Put on record the archives that the scan refused, as files that hold nothing; returns
        those on record that are refused no more."""
        refused = {refusal.path for refusal in plan.refused}
        listed = {entry.path for entry in plan.entries}
        known = self._known.files
        for path in sorted(refused - known.keys() - listed):
            with contextlib.suppress(OSError, ValueError):
                facts = os.stat(path)  # of a hash there is no file to be asked
                known[path] = images.StoredFile(facts.st_size, facts.st_mtime_ns, None)
                self._whole.files.append(NewFile(path, facts.st_size, facts.st_mtime_ns, None))
        return {
            path
            for path in self._of_source(plan)
            if known[path].sha256 is None and path not in refused and path not in listed
        }

    def _close(self, vanished: set[str], mended: set[str]) -> None:
        if vanished | mended:
            with self._writing() as write:
                images.close_files(write, vanished | mended)
            self._tally.gone += len(vanished - self._renamed)
            self._moved.forget(vanished)

    def settle(self) -> None:
        """What contents that were read again leave to do."""
        self._tally.notes += self._again.settle()

    def _say(self, facts: dict[str, Facts]) -> None:
        """Facts of files that were not read: a CSV or a folder may have changed its mind."""
        with self._session.catalog.reading() as read:
            label_changes = (
                labels.label_changes(read, by_id(read, facts), of_source=True) if facts else None
            )
        if label_changes is not None and (label_changes.labels or label_changes.attributes):
            with self._writing() as write:
                self._tally.labelled += labels.say(write, by_id(write, facts), of_source=True)
