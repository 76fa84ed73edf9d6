"""What an index holds, list after list, for a page that asks again and again.

Verdicts of all images take seconds on a large index, so they are given once and kept, with the
transaction that they are as of; after a change they are a little old until `refresh` has run. What
a list shows of each image (label, path) is read anew each time.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mediclip_index.catalog import ReadTransaction, conditions, images, labels, models, presence
from mediclip_index.catalog.models import StoredEncoder
from mediclip_index.jobs import search as search_job
from mediclip_index.jobs.columns import Judged, judged
from mediclip_index.session.session import Session
from mediclip_index.session.snapshot import open_snapshot
from mediclip_index.types import (
    Ids,
    IndexBusy,
    ListPage,
    ListQuery,
    MediclipError,
    Progress,
    SearchHit,
    Silent,
    UsageError,
    Vectors,
)

AT_ONCE = 2_000  # images that are judged while somebody waits
DEPTHS = (100, 500, 2_000, 10_000)  # how far a list in order of likeness is known, as it is read
_KEPT = 32  # lists


def _told_apart(judged: Judged, by: str) -> np.ndarray:
    columns = judged.columns
    if by == "unsure":
        return np.where(columns.unsure, "unsure", "sure").astype(object)
    if by == "correct":
        right = columns.guess == columns.verdict
        told = np.where(right, "as the machine says", "other than the machine says")
        return np.where(judged.labelled, told, "").astype(object)
    return columns.verdict


@dataclass(frozen=True)
class _List:
    ids: np.ndarray
    similarities: np.ndarray | None
    named: str
    notes: tuple[str, ...]


class Listing:
    """Lists of one index's images; of use to several threads."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._lists: OrderedDict[object, _List] = OrderedDict()
        self._judged: tuple[int, Judged] | None = None
        nothing = np.zeros(0, dtype=np.int64), np.zeros((0, 0), dtype=np.float32)
        self._newest = 0
        self._labelled: tuple[str, Ids, Vectors] = ("", *nothing)
        self._guard = threading.Lock()
        self._judging = threading.Lock()

    @property
    def judged_through(self) -> int | None:
        """The transaction that the kept verdicts are as of; None where there are none yet."""
        return None if self._judged is None else self._judged[0]

    def refresh(self, progress: Progress | None = None) -> bool:
        """Give all verdicts anew where anything has changed since; whether it had."""
        with self._judging:
            with self._session.catalog.reading() as read:
                now = read.tx
            if self.judged_through == now:
                return False
            base = open_snapshot(self._session)
            found = judged(self._session, base, progress=progress or Silent())
            self._judged = (base.tx, found)
            return True

    def behind(self) -> bool:
        """Whether anything was written since the kept verdicts."""
        try:
            with self._session.catalog.reading() as read:
                return read.tx != self.judged_through
        except MediclipError:
            return False

    def page(self, query: ListQuery, start: int = 0, count: int = 100) -> ListPage:
        """`count` images of a list from a place on. Raises UsageError where the query is refused,
        IndexBusy where it asks for verdicts that are still being given."""
        self._prepare(query)
        if query.search.images:  # files are read, which may take long
            return self._page(query, start, count)
        return self._session.at_one_moment(lambda: self._page(query, start, count))

    def _prepare(self, query: ListQuery) -> None:
        """What takes long, before the index is held still: the model loaded, verdicts given."""
        asked = query.search
        with self._session.catalog.reading() as read:
            stored = models.encoder(read)
            judging = query.order == "doubtful" or bool(asked.kinds)
            if asked.where is not None and not judging:
                judging = conditions.asks_for_verdicts(read, asked.where)
        if asked.text or asked.without:
            self._session.encoder(stored)
        if judging:
            self._verdicts()

    def _page(self, query: ListQuery, start: int, count: int) -> ListPage:
        depth = next((d for d in DEPTHS if d >= start + count), DEPTHS[-1])
        found, tx = self._list(query, depth)
        part = found.ids[start : start + count]
        likeness = (
            [1.0] * len(part)
            if found.similarities is None
            else found.similarities[start : start + count].tolist()
        )
        return ListPage(
            self.described(part.tolist(), likeness),
            start=start,
            total=len(found.ids),
            ranked=found.similarities is not None,
            more=found.similarities is not None and len(found.ids) == depth < DEPTHS[-1],
            named=found.named,
            notes=found.notes,
            tx=tx,
            judged_through=self.judged_through,
        )

    def ids(self, query: ListQuery) -> tuple[int, ...]:
        """All images of a list, in its order; of those in order of likeness the first 500."""
        return tuple(self._list(query, DEPTHS[1])[0].ids.tolist())

    def coloured(self, ids: Ids, by: str, most: int) -> tuple[list[str], np.ndarray]:
        """The values by which these images (sorted ids, (n,)) are told apart, the most frequent
        first and at most `most` of them, and each image's place among them, (n,) uint8, 255 for
        others and none. by: verdict, label, unsure, source or correct (a person's class held
        against the machine's)."""
        kept = self._judged
        if by in ("label", "source"):
            with self._session.catalog.reading() as read:
                given = conditions.values(read, "label" if by == "label" else "split")
            texts = np.array([given.get(int(i)) or "" for i in ids], dtype=object)
        elif kept is None:
            texts = np.full(len(ids), "", dtype=object)
        else:
            columns = kept[1].columns
            places = np.minimum(np.searchsorted(columns.ids, ids), max(len(columns.ids) - 1, 0))
            there = columns.ids[places] == ids if len(columns.ids) else np.zeros(len(ids), bool)
            texts = np.where(there, _told_apart(kept[1], by)[places], "")
            if by == "verdict":
                # What a person said counts at once.
                with self._session.catalog.reading() as read:
                    hands = labels.by_hand(read)
                spots = np.searchsorted(ids, np.array(list(hands), dtype=np.int64))
                for spot, (image, hand) in zip(spots.tolist(), hands.items(), strict=True):
                    if spot < len(ids) and ids[spot] == image and hand.label:
                        texts[spot] = hand.label
        names, counts = np.unique(texts.astype(str), return_counts=True)
        order = [n for n in np.argsort(-counts, kind="stable") if names[n]][:most]
        chosen = [str(names[n]) for n in order]
        found = np.full(len(ids), 255, dtype=np.uint8)
        for place, name in enumerate(chosen):
            found[texts == name] = place
        return chosen, found

    def described(
        self, ids: Sequence[int], similarities: Sequence[float] | None = None
    ) -> tuple[SearchHit, ...]:
        """What is known of these images, with the kept verdicts."""
        given = [1.0] * len(ids) if similarities is None else similarities
        with self._session.catalog.reading() as read:
            hits = search_job.hits(read, ids, given)
            hands = labels.by_hand(read, ids) if ids else {}
        kept = self._judged
        if kept is None:
            return hits
        columns, labelled = kept[1].columns, kept[1].labelled
        places = np.searchsorted(columns.ids, np.array([h.id for h in hits], dtype=np.int64))

        def told(hit: SearchHit, place: int) -> SearchHit:
            if place >= len(columns.ids) or columns.ids[place] != hit.id:
                return hit
            hand = hands.get(hit.id)
            share = float(columns.probability[place])
            guess = columns.guess[place]
            said = hand.label if hand is not None else None
            # What a person had said then counts no more where it was taken back.
            then = guess if labelled[place] else columns.verdict[place]
            kind = columns.kind[place] if (said or then) == columns.verdict[place] else None
            return replace(
                hit,
                guess=guess,
                verdict=said or then,
                kind=hand.kind if hand is not None and hand.kind else kind,
                probability=None if np.isnan(share) else share,
                unsure=bool(columns.unsure[place]) and said is None,
                labelled_by=hand.author if hand is not None and said else None,
            )

        return tuple(told(h, int(p)) for h, p in zip(hits, places, strict=True))

    def beside(
        self, image: int, classes: Sequence[str], count: int
    ) -> dict[str, tuple[SearchHit, ...]]:
        """The labelled images of each class (of those that vote) that are most like an indexed one.
        UsageError where the index has no vector of it."""
        with self._session.catalog.at_one_moment():
            with self._session.catalog.reading() as read:
                stored = models.encoder(read)
                support = labels.support(read, classes)
                _, own = images.vectors(read, stored, [image])
                if not len(own):
                    raise UsageError(f"There is no image {image} in this index.")
                vectors = self._labelled_vectors(read, stored, support.ids)
            cosines = vectors @ own[0]
            cosines[support.ids == image] = -np.inf
            found: dict[str, list[int]] = {}
            for place, name in enumerate(classes):
                of_class = np.flatnonzero(support.classes == place)
                best = of_class[np.argsort(-cosines[of_class], kind="stable")[:count]]
                found[name] = [int(n) for n in best if np.isfinite(cosines[n])]
            flat = [n for some in found.values() for n in some]
            hits = self.described(
                [int(support.ids[n]) for n in flat], [float(cosines[n]) for n in flat]
            )
        told = {hit.id: hit for hit in hits}
        return {
            name: tuple(told[i] for n in some if (i := int(support.ids[n])) in told)
            for name, some in found.items()
        }

    def _labelled_vectors(self, read: ReadTransaction, stored: StoredEncoder, ids: Ids) -> Vectors:
        """The vectors of labelled images (n, dim), in order of id; only those that are new since
        the last time are fetched."""
        with self._guard:
            kept_of, kept_ids, kept = self._labelled
        if kept_of != stored.fingerprint:
            kept_ids, kept = ids[:0], np.empty((0, stored.dim), dtype=np.float32)
        new_ids, new = images.vectors(read, stored, np.setdiff1d(ids, kept_ids).tolist())
        all_ids = np.concatenate([kept_ids, new_ids])
        order = np.argsort(all_ids)
        all_ids, vectors = all_ids[order], np.concatenate([kept, new])[order]
        wanted = np.isin(all_ids, ids)
        all_ids, vectors = all_ids[wanted], vectors[wanted]
        with self._guard:
            self._labelled = stored.fingerprint, all_ids, vectors
        found = np.zeros((len(ids), stored.dim), dtype=np.float32)
        found[np.searchsorted(ids, all_ids)] = vectors
        return found

    def _list(self, query: ListQuery, depth: int) -> tuple[_List, int]:
        with self._session.catalog.reading() as read:
            tx = read.tx
        depth = depth if query.search.asks else 0
        key = (query, depth, tx, self.judged_through)
        with self._guard:
            if key in self._lists:
                self._lists.move_to_end(key)
                return self._lists[key], tx
        found = self._made(query, depth)
        with self._guard:
            if tx > self._newest:  # nobody asks for what was before
                self._lists.clear()
                self._newest = tx
            self._lists[key] = found
            while len(self._lists) > _KEPT:
                self._lists.popitem(last=False)
        return found, tx

    def _made(self, query: ListQuery, depth: int) -> _List:
        asked = query.search
        where = search_job.condition_of(self._session, asked)
        met = self._met(where, query)
        if asked.asks:
            wanted = replace(asked, k=asked.k or depth)
            found = search_job.ranked(self._session, wanted, met)
            return _List(
                np.array(found.ids, dtype=np.int64),
                np.array(found.similarities),
                found.named,
                found.notes,
            )
        ids = self._all() if met is None else np.array(met, dtype=np.int64)
        return _List(self._ordered(ids, query.order), None, where or "", ())

    def _all(self) -> np.ndarray:
        with self._session.catalog.reading() as read:
            return presence.present_ids(read)

    def _met(self, where: str | None, query: ListQuery) -> list[int] | None:
        if where is None:
            return None
        with self._session.catalog.reading() as read:
            if not conditions.asks_for_verdicts(read, where):
                return conditions.matching(read, where)
        kept = self._verdicts()
        with self._session.catalog.reading() as read:
            return conditions.matching(read, where, kept.columns)

    def _verdicts(self) -> Judged:
        if self._judged is None:
            with self._session.catalog.reading() as read:
                few = presence.image_count(read) <= AT_ONCE
            if not few:
                raise IndexBusy(
                    "The verdicts of all pictures are still being given; ask again in a moment."
                )
            self.refresh()
        assert self._judged is not None
        return self._judged[1]

    def _ordered(self, ids: np.ndarray, order: str) -> np.ndarray:
        if order == "newest":
            return ids[::-1]
        if order == "doubtful":
            kept = self._verdicts()
            places = np.searchsorted(kept.columns.ids, ids)
            inside = places < len(kept.columns.ids)
            inside[inside] = kept.columns.ids[places[inside]] == ids[inside]
            share = np.ones(len(ids))
            share[inside] = np.nan_to_num(kept.columns.probability[places[inside]], nan=1.0)
            return ids[np.argsort(share, kind="stable")]
        if order == "random":
            return np.random.default_rng(0).permutation(ids)
        return ids
