"""Many stored vectors → classes, kinds and doubts at once, by the rule of `verdict.decide`.

What a verdict says, without its evidence: no sentence, no smallest change. `jobs/classify.py`
gives the same with its evidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from mediclip_index import verdict
from mediclip_index.catalog import ReadTransaction, images
from mediclip_index.jobs import familiarity
from mediclip_index.jobs.classify import classes_of, nearest_references
from mediclip_index.jobs.familiarity import NEAREST, Near, Who
from mediclip_index.session.session import Session
from mediclip_index.session.snapshot import Snapshot
from mediclip_index.types import HeaderVote, Ids, Vectors

CHUNK = 2_048  # pictures judged at a time
NOBODY = -1


@dataclass(frozen=True, eq=False)
class Classified:
    """What n pictures are. voters (n, <= k): ids of labelled images that had a vote, NOBODY where a
    reference had it, or nobody."""

    decision: verdict.Decision
    voters: Ids


@dataclass(frozen=True, eq=False)
class _Near:
    """Labelled images (n, 2 k), nearest first, NOBODY and -inf beyond them, itself never among
    them; counts (n, c): how many of each class a picture itself is among the support."""

    ids: Ids
    similarities: Vectors
    counts: Ids


class Classifier:
    """Classifies chunk by chunk; what it learns of neighbours it keeps for the next chunk."""

    def __init__(self, session: Session, base: Snapshot) -> None:
        self._session = session
        self._base = base
        self._distances: dict[Who, float] = {}

    def classify(
        self, contents: Sequence[str], vectors: Vectors, headers: Sequence[HeaderVote | None]
    ) -> Classified:
        """Pictures with these contents (sha256), unit vectors (n, dim) and DICOM headers, at most
        CHUNK or so."""
        base = self._base
        names = base.text_classifier.vectors.classes
        scores = verdict.zero_shot(
            vectors,
            base.text_classifier.vectors,
            base.settings.scale or base.stored.logit_scale,
            base.settings.biases,
        )
        places, reference_similarities = nearest_references(base, vectors)
        with self._session.catalog.reading() as read:
            then = read.as_of(base.tx)
            near = self._nearest(then, contents, vectors)
            ood_ids, ood_similarities = _known_by(base, near, places, reference_similarities)
            self._look_around(then, ood_ids)
        classes = classes_of(base.support, near.ids)
        of_references = base.reference_classes
        voters, order = verdict.joined(
            near.similarities, classes, reference_similarities, of_references[places]
        )
        reference_counts = np.bincount(of_references, minlength=len(names))
        # What stands behind a class differs by x itself, which is left out of it.
        behind = verdict.support(base.counts - near.counts, reference_counts, base.settings)
        decision = verdict.decide(
            base.rule, scores, voters, behind, headers=headers,
            ood_scores=verdict.ood_score(
                verdict.mean_distance(ood_similarities), self._around(ood_ids)
            ),
        )  # fmt: skip
        listed = np.concatenate([near.ids, np.full(places.shape, NOBODY)], axis=1)
        ids = np.take_along_axis(listed, order[:, : base.settings.k], axis=1)
        heard = (decision.blended.weights > 0) & decision.blended.voted[:, None]
        return Classified(decision, np.where(heard, ids, NOBODY))

    def _nearest(self, then: ReadTransaction, contents: Sequence[str], vectors: Vectors) -> _Near:
        base = self._base
        counts = np.zeros((len(vectors), len(base.text_classifier.vectors.classes)), dtype=np.int64)
        k = 2 * base.settings.k
        if len(base.support.ids) == 0:
            nobody = np.full((len(vectors), 0), NOBODY, dtype=np.int64)
            return _Near(nobody, nobody.astype(np.float32), counts)
        itself = images.ids_by_content(then, contents)
        spare = max((len(ids) for ids in itself.values()), default=0)
        found, similarities = base.vector_index.search(
            vectors, k + spare, base.support.ids, partial(images.vectors, then, base.stored)
        )
        ids, near = found.copy(), np.clip(similarities, -1.0, 1.0)
        near[ids < 0] = -np.inf
        for row, content in enumerate(contents):
            own = np.array(sorted(itself.get(content, ())), dtype=np.int64)
            if len(own):
                out = np.isin(ids[row], own)
                ids[row, out], near[row, out] = NOBODY, -np.inf
                of_own = classes_of(base.support, own)
                counts[row] = np.bincount(of_own[of_own >= 0], minlength=counts.shape[1])
        order = np.argsort(-near, axis=1, kind="stable")[:, :k]
        return _Near(
            np.take_along_axis(ids, order, axis=1), np.take_along_axis(near, order, axis=1), counts
        )

    def _look_around(self, then: ReadTransaction, codes: Ids) -> None:
        """Learn how close-knit the surroundings of those are that were not asked after before."""
        who = [_who(code) for code in np.unique(codes[codes != NOBODY]).tolist()]
        new = tuple(one for one in who if one not in self._distances)
        if new:
            near = Near(new, np.zeros(len(new), dtype=np.float32))
            self._distances |= familiarity.neighbour_distances(then, self._base, [near])

    def _around(self, codes: Ids) -> np.ndarray:
        """The mean of it over those that are near, (n,)."""
        distinct, places = np.unique(codes, return_inverse=True)
        known = [0.0 if c == NOBODY else self._distances[_who(c)] for c in distinct.tolist()]
        far = np.array(known, dtype=np.float64)[places.reshape(codes.shape)]
        return np.asarray(far.sum(axis=1) / np.maximum((codes != NOBODY).sum(axis=1), 1))


def _known_by(
    base: Snapshot, near: _Near, places: Ids, reference_similarities: Vectors
) -> tuple[Ids, Vectors]:
    """What `familiarity.nearest` lists, as codes (n, <= NEAREST) that `_who` reads, NOBODY beyond
    them, and their cosines."""
    found = base.calibration
    if found is None or found.fitted.strange is None:
        none = np.zeros((len(places), 0))
        return none.astype(np.int64), none.astype(np.float32)
    if found.kind == "tuned":
        return near.ids[:, :NEAREST], near.similarities[:, :NEAREST]
    codes = np.concatenate([near.ids, -2 - places], axis=1)
    cosines = np.concatenate([near.similarities, reference_similarities], axis=1)
    order = np.argsort(-cosines, axis=1, kind="stable")[:, :NEAREST]
    return np.take_along_axis(codes, order, axis=1), np.take_along_axis(cosines, order, axis=1)


def _who(code: int) -> Who:
    return (True, -2 - code) if code < NOBODY else (False, code)
