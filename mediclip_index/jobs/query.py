"""Pictures, given or indexed → verdicts, each kept in the audit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice

import numpy as np
from uuid6 import uuid7

from mediclip_index import reading
from mediclip_index.catalog import audit as chain
from mediclip_index.catalog import images, presence
from mediclip_index.jobs import live_paths
from mediclip_index.jobs.classify import QueryImage, classify
from mediclip_index.jobs.columns import matching
from mediclip_index.jobs.headers import dicom_headers, header_of_picture
from mediclip_index.jobs.record import keep
from mediclip_index.reading.pool import Loaded, Readers, ReadSpec
from mediclip_index.session.session import Session
from mediclip_index.session.snapshot import Snapshot, open_snapshot
from mediclip_index.types import (
    Entry,
    Pixels,
    Progress,
    QueryOptions,
    QueryReport,
    Refusal,
    ScanOptions,
    UsageError,
    Verdict,
    WhatIf,
)

BATCH = 64  # verdicts given, and written to the audit, at a time
STDIN = "-"


def query_files(
    session: Session,
    sources: Sequence[str],
    options: QueryOptions,
    *,
    stdin: bytes | None,
    progress: Progress,
    seen: Callable[[Verdict, Pixels], None] | None = None,
    called: Mapping[str, str] | None = None,
) -> QueryReport:
    """See Index.query."""
    if not sources:
        raise UsageError("Name at least one picture, folder or list; - reads a picture from stdin.")
    notes: list[str] = []
    refused: list[Refusal] = []
    entries = list(_entries(sources, options.scan, refused, notes))
    entries = [_called(entry, called or {}) for entry in entries]
    refused = [_refused(refusal, called or {}) for refusal in refused]
    notes = [_renamed(note, called or {}) for note in notes]
    head = None
    with Readers() as readers:
        readers.expect(len(entries))  # they start while the model is loaded, which does
        base = open_snapshot(
            session, options, needs_model=bool(entries)
        )  # while the catalog is read
        names = session.names
        entries = [names.entry(e) if e.given != STDIN else e for e in entries]
        refused = [names.refusal(refusal) for refusal in refused]
        notes = [names.note(note, *sources) for note in notes]
        encoder = session.encoder(base.stored)
        run = str(uuid7())
        verdicts: list[Verdict] = []
        progress.start("query", len(entries))
        read_spec = ReadSpec(encoder, options.read)
        for batch in _batches(readers.ahead(entries, read_spec, given={STDIN: stdin or b""})):
            refused += [names.refusal(refusal) for loaded in batch for refusal in loaded.refused]
            asked = [
                QueryImage(
                    path=loaded.entry.given,
                    page=picture.page,
                    item=picture.item,
                    sha256=loaded.sha256 or "",
                    width=picture.width,
                    height=picture.height,
                    header=header_of_picture(picture, base.text_classifier.vectors),
                )
                for loaded in batch
                for picture in loaded.pictures
            ]
            if asked:
                vectors = encoder.encode_pictures([p for loaded in batch for p in loaded.pictures])
                given = classify(session, base, asked, vectors)
                if options.audit:
                    head = keep(session, base, run, asked, given, vectors, encoder)
                verdicts += given
                if seen is not None:
                    pictures = [p for loaded in batch for p in loaded.pictures]
                    for one, picture in zip(given, pictures, strict=True):
                        seen(one, picture.pixels)
            progress.advance(len(batch))
    progress.finish()
    return _report(session, base, verdicts, head, refused, notes)


def query_indexed(
    session: Session, options: QueryOptions, *, where: str | None, progress: Progress
) -> QueryReport:
    """See Index.query_indexed."""
    base = open_snapshot(session, options)
    if where is not None:
        plain = options.what_if == WhatIf() and options.prompts is None
        in_force = base if plain else open_snapshot(session, QueryOptions(as_of=options.as_of))
        ids = matching(session, where, in_force, progress=progress)
    else:
        with session.catalog.reading() as read:
            ids = presence.present_ids(read.as_of(base.tx)).tolist()
    run = str(uuid7())
    verdicts: list[Verdict] = []
    head = None
    progress.start("query", len(ids))
    for start in range(0, len(ids), BATCH):
        part = ids[start : start + BATCH]
        with session.catalog.reading() as read:
            now = read.as_of(base.tx)
            known = images.images(now, part)
            paths = live_paths.paths(now, {i: image.path for i, image in known.items()})
            having, vectors = images.vectors(now, base.stored, part)
            headers = dict(
                zip(part, dicom_headers(now, base.text_classifier.vectors, part), strict=True)
            )
        asked = [
            QueryImage(
                paths[i.id], i.page, i.item, i.sha256, i.width, i.height, image=i.id,
                header=headers[i.id],
            )
            for i in (known[int(j)] for j in having)
        ]  # fmt: skip
        given = classify(session, base, asked, vectors)
        if options.audit:
            head = keep(session, base, run, asked, given, np.asarray(vectors), None)
        verdicts += given
        progress.advance(len(part))
    progress.finish()
    return _report(session, base, verdicts, head, [], [])


def _no_file(source: str) -> str:
    image = source.lstrip("#")
    if not image.isdecimal():
        return f"There is no file {source}."
    return f'There is no file {source}; an indexed image: --indexed --where "id = {image}".'


def _entries(
    sources: Sequence[str], options: ScanOptions, refused: list[Refusal], notes: list[str]
) -> Iterator[Entry]:
    for source in sources:
        if source == STDIN:
            yield Entry(STDIN, STDIN, 0, 0)
        elif not reading.is_there(source):
            refused.append(Refusal(source, "unreadable", _no_file(source)))
        else:
            scan = reading.scan(source, labels="none", options=options)
            refused += scan.refused
            notes += scan.notes
            yield from scan.entries


def _called(entry: Entry, called: Mapping[str, str]) -> Entry:
    """A file under another name than that of where it lies; what is in an archive, too."""
    for source, name in called.items():
        if entry.given.startswith(source):
            given = name + entry.given.removeprefix(source)
            return replace(entry, path=given, given=given, at=entry.where)
    return entry


def _refused(refusal: Refusal, called: Mapping[str, str]) -> Refusal:
    path, message = _renamed(refusal.path, called), _renamed(refusal.message, called)
    return replace(refusal, path=path, message=message)


def _renamed(text: str, called: Mapping[str, str]) -> str:
    for source, name in called.items():
        text = text.replace(source, name)
    return text


def _batches(loaded: Iterator[Loaded]) -> Iterator[list[Loaded]]:
    while batch := list(islice(loaded, BATCH)):
        yield batch


def _report(
    session: Session,
    base: Snapshot,
    verdicts: Sequence[Verdict],
    head: str | None,
    refused: Sequence[Refusal],
    notes: Sequence[str],
) -> QueryReport:
    """The state that the verdicts rest on, with the chain as it stands after them."""
    if head is None:
        with session.catalog.reading() as read:
            head = chain.head(read)[1]
    facts = replace(base.facts, chain_head=head)
    told = (*base.notes, *notes, *session.notes)
    return QueryReport(facts, tuple(verdicts), tuple(refused), told)
