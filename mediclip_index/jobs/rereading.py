"""Indexed images read from their files and embedded again."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from typing import Literal

from mediclip_index.catalog import images
from mediclip_index.catalog.words import KnownEncoder
from mediclip_index.jobs.desk import Desk
from mediclip_index.jobs.intake import Loaded, load
from mediclip_index.terms import Entry, Progress, Vectors

BATCH = 32
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
    fresh: dict[int, Vectors] = {}
    unread: list[tuple[str, Why]] = []
    progress.start("embed again", len(wanted))
    for sha, asked in by_content.items():
        loaded = _read(desk, known, asked[0].path, ways.get(sha, ("first", "images")))
        if loaded is None or (loaded.sha256 == sha and not loaded.pictures):
            unread.append((asked[0].path, "unread"))
        elif loaded.sha256 != sha:
            unread.append((asked[0].path, "changed"))
        else:
            pictures = {(p.page, p.item): p for p in loaded.pictures}
            found = [(i, pictures[(i.page, i.item)]) for i in asked if (i.page, i.item) in pictures]
            for start in range(0, len(found), BATCH):
                part = found[start : start + BATCH]
                vectors = desk.encoder(known).encode_pictures([p for _, p in part])
                fresh |= {i.id: v for (i, _), v in zip(part, vectors, strict=True)}
        progress.advance(len(asked))
    progress.finish()
    return fresh, unread


def _read(desk: Desk, known: KnownEncoder, path: str, way: tuple[str, str]) -> Loaded | None:
    try:
        stat = os.stat(path)
    except OSError:
        return None
    loaded = load(
        Entry(path, path, stat.st_size, stat.st_mtime_ns),
        size=desk.encoder(known).image_size,
        frames=way[0],  # type: ignore[arg-type]
        pdf=way[1],  # type: ignore[arg-type]
    )
    return None if loaded.sha256 is None else loaded
