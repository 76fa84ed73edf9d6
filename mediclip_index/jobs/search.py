"""Text, pictures and indexed images → the indexed images nearest to their weighted mix."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from mediclip_index.catalog import ReadTransaction, conditions, images, models, removals
from mediclip_index.catalog.models import StoredEncoder
from mediclip_index.catalog.schema import literal
from mediclip_index.jobs import live_paths
from mediclip_index.jobs.columns import matching_by_doubt
from mediclip_index.jobs.unlearned import note_on_likeness, note_on_words
from mediclip_index.neighbours import Stored
from mediclip_index.reading.pool import first_picture
from mediclip_index.session.kinds import known_kinds
from mediclip_index.session.session import Session, unit
from mediclip_index.types import Progress, SearchHit, SearchQuery, SearchReport, UsageError, Vectors

MOST_RESULTS = 10_000
DEFAULT_RESULTS = 10


@dataclass(frozen=True)
class Ranked:
    """What a search found, in order: ids and cosines (of images that were only filtered: 1), what
    was asked in words, and how many more meet the condition."""

    ids: tuple[int, ...]
    similarities: tuple[float, ...]
    named: str
    notes: tuple[str, ...] = ()
    more: int = 0


def search(session: Session, query: SearchQuery, *, progress: Progress) -> SearchReport:
    """See Index.search."""
    k = query.k
    if k is not None and not 1 <= k <= MOST_RESULTS:
        raise UsageError(f"k is {k}; give a number of results from 1 to {MOST_RESULTS}.")
    if not query.asks and query.where is None and not query.kinds:
        raise UsageError(
            "Say what to search for: a text, --image FILE, --like ID, --where or --kind."
        )
    where = condition_of(session, query)
    met = None if where is None else matching_by_doubt(session, where, progress=progress)
    found = ranked(session, query, met)
    with session.catalog.reading() as read:
        results, facts = hits(read, found.ids, found.similarities), session.facts(read)
    notes = found.notes
    if found.more:
        shows = "them" if found.more + len(found.ids) <= MOST_RESULTS else f"{MOST_RESULTS:,}"
        least = min(found.more + len(found.ids), MOST_RESULTS)
        notes = (*notes, f"{found.more:,} more match; `-k {least}` shows {shows}.")
    return SearchReport(facts, found.named, results, notes)


def condition_of(session: Session, query: SearchQuery) -> str | None:
    """The one condition that images must meet: `where`, and one of `kinds`."""
    return _of_kinds(query.where, known_kinds(session, query.kinds))


def ranked(session: Session, query: SearchQuery, met: Sequence[int] | None) -> Ranked:
    """The images nearest to what is asked for; `met`: only those that meet a condition, None: all.
    With nothing but a condition, those that meet it, in their order."""
    where = condition_of(session, query)
    with session.catalog.reading() as read:
        stored = models.encoder(read)
        target = _of_indexed(read, stored, query.like)
    if met is not None and not query.asks:
        shown = met[: query.k]
        more = len(met) - len(shown)
        return Ranked(tuple(shown), (1.0,) * len(shown), f"where {where}", more=more)
    k = DEFAULT_RESULTS if query.k is None else query.k
    target = target + _of_texts(session, stored, query.text, query.without)
    target = target + _of_files(session, stored, query.images)
    if not np.any(target):
        raise UsageError("What was asked for and what was subtracted cancel out; ask for more.")
    among = None if met is None else np.array(sorted(met), dtype=np.int64)
    with session.catalog.reading() as read:
        vector_index, notes = session.vector_index(read, stored)
        ids, similarities = vector_index.search(
            unit(target)[None], k + len(query.like), among, _stored(read, stored)
        )
    # An image that was asked for by id is no answer to itself.
    pairs = [
        (int(i), float(s))
        for i, s in zip(ids[0], similarities[0], strict=True)
        if i >= 0
        and i not in query.like
        and (query.min_similarity is None or s >= query.min_similarity)
    ][:k]
    named = " + ".join(_said(session, query)) + (f" where {where}" if where else "")
    words = [name for name, _ in map(weighted, (*query.text, *query.without))]
    alike: tuple[str, ...] = ()
    if pairs and query.text and not (query.images or query.like or query.without):
        alike = note_on_likeness(stored, pairs[0][1])
    unlearned = note_on_words(stored.name, words)
    notes = [*notes, *_files_in(query.text), *unlearned, *alike, *session.notes]
    return Ranked(
        tuple(i for i, _ in pairs), tuple(s for _, s in pairs), named, tuple(notes)
    )  # fmt: skip


def _said(session: Session, query: SearchQuery) -> list[str]:
    return [
        *query.text,
        *map(session.names.of, query.images),
        *(f"#{i}" for i in query.like),
        *(f"not {t}" for t in query.without),
    ]


def _files_in(text: Sequence[str]) -> list[str]:
    """A text that is a file's name was perhaps meant as a picture."""
    return [
        f"{name} was taken as words; to search for what looks like that file: --image {name}"
        for name, _ in map(weighted, text)
        if os.path.isfile(name)
    ]


def weighted(asked: str) -> tuple[str, float]:
    """A text or file and its weight, `TEXT::0.5`; 1 where none is given."""
    name, mark, weight = asked.rpartition("::")
    if not mark:
        return asked, 1.0
    try:
        found = float(weight)
    except ValueError:
        return asked, 1.0
    if not math.isfinite(found):
        raise UsageError(f"{asked}: a weight is a number, as in {name}::0.5.")
    return name, found


def _stored(read: ReadTransaction, stored: StoredEncoder) -> Stored:
    return partial(images.vectors, read, stored)


def _of_kinds(where: str | None, kinds: Sequence[str]) -> str | None:
    """A condition that asks for one of these kinds too."""
    if not kinds:
        return where
    listed = ", ".join(map(literal, kinds))
    of_kind = f"kind IN ({listed})"
    return of_kind if where is None else f"({where}\n) AND {of_kind}"


def _of_indexed(read: ReadTransaction, stored: StoredEncoder, like: Sequence[int]) -> Vectors:
    ids, vectors = images.vectors(read, stored, like)
    missing = set(like) - set(ids.tolist())
    if missing:
        raise UsageError(f"There is no image {min(missing)} in this index.")
    out = set(like) & set(removals.removed(read))
    if out:
        raise UsageError(
            f"Image {min(out)} was removed; `mediclip-index remove --restore {min(out)}` brings it "
            "back."
        )
    return np.asarray(vectors.sum(axis=0), dtype=np.float32)


def _of_texts(
    session: Session, stored: StoredEncoder, text: Sequence[str], without: Sequence[str]
) -> Vectors:
    signed = [weighted(t) for t in text] + [(t, -w) for t, w in map(weighted, without)]
    total = np.zeros(stored.dim, dtype=np.float32)
    if signed:
        if any(not t.strip() for t, _ in signed):
            raise UsageError("A text to search for is empty.")
        vectors = session.encoder(stored).encode_texts([t for t, _ in signed])
        total += np.array([w for _, w in signed], dtype=np.float32) @ vectors
    return total


def _of_files(session: Session, stored: StoredEncoder, files: Sequence[str]) -> Vectors:
    total = np.zeros(stored.dim, dtype=np.float32)
    if files:
        encoder = session.encoder(stored)
        for name, weight in map(weighted, files):
            picture = first_picture(name, encoder)
            total += np.float32(weight) * encoder.encode_pictures([picture])[0]
    return total


def hits(
    read: ReadTransaction, ids: Sequence[int], similarities: Sequence[float]
) -> tuple[SearchHit, ...]:
    """What the library says of these images, in the order given."""
    rows = conditions.rows(read, ids)
    paths = live_paths.paths(read, {i: row["path"] for i, row in rows.items()})
    return tuple(
        SearchHit(
            id=i,
            path=paths[i],
            similarity=similarity,
            label=rows[i].get("label"),
            split=rows[i].get("split"),
            metadata={
                **{
                    n: v
                    for n, v in rows[i].items()
                    if n in ("subject", "width", "height", "format", "page", "item")
                },
                **rows[i]["meta"],
            },
            sha256=rows[i]["sha256"],
            labelled_by=rows[i].get("labelled_by"),
        )
        for i, similarity in zip(ids, similarities, strict=True)
        if i in rows
    )


def vectors_of(session: Session, ids: Sequence[int]) -> Vectors:
    """See Index.vectors."""
    with session.catalog.reading() as read:
        keys, vectors = images.vectors(read, models.encoder(read), ids)
    place = {int(i): n for n, i in enumerate(keys)}
    missing = [i for i in ids if i not in place]
    if missing:
        raise UsageError(f"There is no image #{missing[0]} in the index.")
    return np.asarray(vectors[[place[i] for i in ids]])


def encode_texts(session: Session, texts: Sequence[str]) -> Vectors:
    """See Index.encode_texts."""
    with session.catalog.reading() as read:
        stored = models.encoder(read)
    return session.encoder(stored).encode_texts(list(texts))
