"""Indexed images read from their files and embedded again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Literal

from mediclip_index import reading
from mediclip_index.catalog import images
from mediclip_index.catalog.words import KnownEncoder
from mediclip_index.jobs.desk import Desk
from mediclip_index.jobs.intake import Frames, Loaded, Manner, Pdf, Readers, entry_of
from mediclip_index.terms import Encoder, Entry, Progress, Vectors, WrongUsage

Why = Literal["unread", "changed"]


def again(
    desk: Desk, known: KnownEncoder, ids: Sequence[int], progress: Progress
) -> tuple[dict[int, Vectors], list[tuple[str, Why]]]:
    """(vectors (dim,) by id, files that can't be read or hold other content now)."""
    with desk.catalog.reading() as look:
        wanted = images.images(look, ids)
        ways = images.ways_of_reading(look, [image.sha256 for image in wanted.values()])
    by_content: dict[str, list[images.KnownImage]] = defaultdict(list)
    for image in wanted.values():
        by_content[image.sha256].append(image)
    by_way: dict[tuple[Frames, Pdf], list[Entry]] = defaultdict(list)
    unread: list[tuple[str, Why]] = []
    contents: dict[str, str] = {}
    for sha, asked in by_content.items():
        path = asked[0].path
        try:
            by_way[ways.get(sha, ("first", "images"))].append(entry_of(path))
            contents[path] = sha
        except (WrongUsage, reading.Unreadable):
            unread.append((path, "unread"))
    fresh: dict[int, Vectors] = {}
    progress.start("embed again", len(wanted))
    with Readers() as readers:
        for way, entries in by_way.items():
            encoder = desk.encoder(known)
            for loaded in readers.ahead(entries, Manner(encoder, *way)):
                sha = contents[loaded.entry.path]
                asked = by_content[sha]
                if loaded.sha256 is None or (loaded.sha256 == sha and not loaded.pictures):
                    unread.append((loaded.entry.path, "unread"))
                elif loaded.sha256 != sha:
                    unread.append((loaded.entry.path, "changed"))
                else:
                    fresh |= _vectors(encoder, asked, loaded)
                progress.advance(len(asked))
    progress.finish()
    return fresh, unread


def _vectors(
    encoder: Encoder, asked: Sequence[images.KnownImage], loaded: Loaded
) -> dict[int, Vectors]:
    pictures = {(p.page, p.item): p for p in loaded.pictures}
    found = [(i, pictures[(i.page, i.item)]) for i in asked if (i.page, i.item) in pictures]
    vectors = encoder.encode_pictures([picture for _, picture in found])
    return {i.id: vector for (i, _), vector in zip(found, vectors, strict=True)}
