"""Vectors → verdicts, by a snapshot of an index as it stood at one moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from uuid6 import uuid7

from mediclip_index import verdict
from mediclip_index.catalog import images, labels, removals
from mediclip_index.jobs import familiarity
from mediclip_index.jobs.familiarity import Near, Who
from mediclip_index.jobs.hand_labels import Place, hand_label, said_of
from mediclip_index.session.session import Session
from mediclip_index.session.snapshot import Snapshot
from mediclip_index.session.text_classifier import TextClassifier
from mediclip_index.types import (
    GroupShare,
    HeaderVote,
    Ids,
    Neighbour,
    PromptMatch,
    ReferenceVote,
    Vectors,
    Verdict,
)

TOP_PROMPTS = 3


@dataclass(frozen=True)
class QueryImage:
    """A picture to be judged. `image` is its id where the index holds its vector; `header` what its
    DICOM header says."""

    path: str
    page: int | None
    item: int | None
    sha256: str
    width: int
    height: int
    image: int | None = None
    header: HeaderVote | None = None

    @property
    def place(self) -> Place:
        return self.sha256, self.page, self.item


@dataclass(frozen=True, eq=False)
class _Row:
    """What one verdict rests on. ids, similarities (m,) of images, nearest first; places,
    reference_similarities (r,) of references; near: those that tell how well it is known; itself:
    the ids of images with the same content."""

    ids: Ids
    similarities: Vectors
    places: Ids
    reference_similarities: Vectors
    near: Near
    itself: frozenset[int]


@dataclass(frozen=True, eq=False)
class _About:
    """What the catalog says of those that verdicts rest on. known: images by id; current_labels:
    their labels, where these don't vote; around: how far those that are near lie from their own
    nearest; hands and there: what people said, and ids, of the pictures that are there, by
    place."""

    known: Mapping[int, images.StoredImage]
    current_labels: Mapping[int, labels.CurrentLabels]
    around: Mapping[Who, float]
    hands: Mapping[Place, labels.ByHand]
    there: Mapping[Place, int]


def classify(
    session: Session,
    base: Snapshot,
    asked: Sequence[QueryImage],
    vectors: Vectors,
    alphas: Sequence[float] | None = None,
) -> list[Verdict]:
    """Verdicts for pictures with unit vectors (n, dim), in order. `alphas` (n,): the neighbours'
    parts of their blends, where these are given."""
    scores = verdict.zero_shot(
        vectors,
        base.text_classifier.vectors,
        base.settings.scale or base.stored.logit_scale,
        base.settings.biases,
    )
    may_vote = len(base.support.ids) > 0
    among = base.support.ids if may_vote else None
    places, reference_similarities = nearest_references(base, vectors)
    with session.catalog.reading() as read:
        then = read.as_of(base.tx)
        pictures = images.identified(then, {a.sha256 for a in asked})
        itself: dict[str, set[int]] = {}
        for (content, _, _), image in pictures.items():
            itself.setdefault(content, set()).add(image)
        out = set(removals.removed(then)) if pictures else set()
        there = {place: i for place, i in pictures.items() if i not in out}
        hands = said_of(then, there)
        # Twice k: those beyond k step in when an explanation takes a neighbour away.
        spare = max((len(ids) for ids in itself.values()), default=0)
        ids, similarities = base.vector_index.search(
            vectors,
            2 * base.settings.k + spare,
            among,
            partial(images.vectors, then, base.stored),
        )
        kept = [
            [
                (int(i), float(s))
                for i, s in zip(row, near, strict=True)
                if i >= 0 and int(i) not in itself.get(a.sha256, ())
            ][: 2 * base.settings.k]
            for a, row, near in zip(asked, ids, similarities, strict=True)
        ]
        known = images.images(then, sorted({i for row in kept for i, _ in row}))
        rows = [
            _row(
                base,
                # What was erased since this run began is in none of these, and has no say.
                [(i, s) for i, s in row if i in known],
                places[n],
                reference_similarities[n],
                itself.get(asked[n].sha256, set()),
            )
            for n, row in enumerate(kept)
        ]
        about = _About(
            known=known,
            current_labels={} if may_vote else labels.current_labels(then),
            around=familiarity.neighbour_distances(then, base, [row.near for row in rows]),
            hands=hands,
            there=there,
        )
    return [
        _verdict(
            base,
            one,
            scores.of(slice(n, n + 1)),
            rows[n],
            about,
            None if alphas is None else np.array([alphas[n]], dtype=np.float64),
        )
        for n, one in enumerate(asked)
    ]


def _row(
    base: Snapshot,
    near: Sequence[tuple[int, float]],
    places: Ids,
    reference_similarities: Vectors,
    itself: set[int],
) -> _Row:
    ids = np.array([i for i, _ in near], dtype=np.int64)
    similarities = np.clip(np.array([s for _, s in near], dtype=np.float32), -1.0, 1.0)
    return _Row(
        ids=ids,
        similarities=similarities,
        places=places,
        reference_similarities=reference_similarities,
        near=familiarity.nearest(base, ids, similarities, places, reference_similarities),
        itself=frozenset(itself),
    )


def nearest_references(base: Snapshot, vectors: Vectors) -> tuple[Ids, Vectors]:
    """Places and cosines, (n, k), of the nearest references, nearest first."""
    if base.references is None:
        none = np.zeros((len(vectors), 0))
        return none.astype(np.int64), none.astype(np.float32)
    cosines = np.clip(vectors @ base.references.vectors.T, -1.0, 1.0)
    return largest(cosines, base.settings.k)


def largest(values: Vectors, k: int) -> tuple[Ids, Vectors]:
    """Places and values, (n, min(k, m)), of the k largest in each row of (n, m), largest first,
    equal ones in order: what a stable sort gives, without sorting the rest."""
    count, width = values.shape
    k = min(k, width)
    border = np.partition(values, width - k, axis=1)[:, width - k]
    rows, places = np.nonzero(values >= border[:, None])
    found = values[rows, places]
    order = np.lexsort((places, -found, rows))
    chosen = order[np.searchsorted(rows, np.arange(count))[:, None] + np.arange(k)]
    return places[chosen], found[chosen]


def _verdict(
    base: Snapshot,
    asked: QueryImage,
    scores: verdict.ZeroShotScores,
    on: _Row,
    about: _About,
    alpha: np.ndarray | None,
) -> Verdict:
    """The verdict on one picture; `scores` are of it alone."""
    embeddings, settings = base.text_classifier.vectors, base.settings
    names, words = embeddings.classes, scores.classes[0]
    # x itself never votes, nor does it count as support.
    own = classes_of(base.support, np.array(sorted(on.itself), dtype=np.int64))
    counts = base.counts - np.bincount(own[own >= 0], minlength=len(names))
    classes = classes_of(base.support, on.ids)
    of_references = base.reference_classes
    behind = verdict.support(counts, np.bincount(of_references, minlength=len(names)), settings)
    voters, order = verdict.joined(
        on.similarities[None], classes[None], on.reference_similarities[None],
        of_references[on.places][None],
    )  # fmt: skip
    decision = verdict.decide(
        base.rule, scores, voters, behind,
        headers=[asked.header], alpha=alpha,
        ood_scores=familiarity.ood_score(on.near, about.around),
    )  # fmt: skip
    blended, winner = decision.blended, int(decision.winners[0])
    header = verdict.header_factors([asked.header], names)
    reasons = verdict.explain(
        words, voters, behind, settings, alpha, _prior_factors(base, names, header[0])
    )
    reasons = replace(reasons, without=tuple(int(order[0, n]) for n in reasons.without))
    otherwise = None if reasons.otherwise is None else names[reasons.otherwise]
    shares = np.zeros(order.shape[1])  # of all votes, by place in images and references
    if blended.voted[0]:
        shares[order[0, : settings.k]] = blended.weights[0] / blended.weights.sum()
    neighbours = _neighbours(base, on, classes, shares, about)
    references = _votes_of_references(base, on, order[0, : settings.k], shares)
    preferred = int(np.argmax(words))
    return Verdict(
        id=str(uuid7()),
        path=asked.path,
        page=asked.page,
        item=asked.item,
        sha256=asked.sha256,
        width=asked.width,
        height=asked.height,
        label=names[winner],
        probability=float(decision.probabilities[0, winner]),
        unsure=bool(decision.unsure[0]),
        probabilities=_named(names, decision.probabilities[0]),
        zero_shot=_named(names, words),
        votes=_named(names, blended.votes[0]) if blended.voted[0] else None,
        alpha=float(blended.alpha[0]),
        calibrated=base.calibration is not None,
        group=GroupShare(
            embeddings.groups[int(decision.kinds[0, winner])],
            float(decision.kind_shares[0, winner]),
        ),
        neighbours=tuple(neighbours),
        prompts=tuple(_top_prompts(base.text_classifier, scores)),
        words_share=reasons.words_share,
        without=tuple(int(on.ids[place]) for place in reasons.without),
        otherwise=otherwise,
        why=verdict.why(
            names[winner],
            float(words[winner]),
            _top_prompts(base.text_classifier, scores, winner)[0],
            neighbours,
            reasons,
            otherwise,
            bool(decision.outliers[0]),
            references,
            asked.header,
            None if preferred == winner else (names[preferred], float(words[preferred])),
        ),
        references=tuple(references),
        calibration=base.calibration.kind if base.calibration is not None else None,
        header=asked.header,
        hand=hand_label(about.hands.get(asked.place), base, decision.kinds[0]),
        image=about.there.get(asked.place),
    )


def _neighbours(
    base: Snapshot, on: _Row, classes: Ids, shares: np.ndarray, about: _About
) -> list[Neighbour]:
    """The k nearest images, with what each gave of all votes."""
    names = base.text_classifier.vectors.classes
    return [
        Neighbour(
            id=int(i),
            path=about.known[int(i)].path,
            similarity=float(s),
            label=names[c]
            if c >= 0
            else about.current_labels.get(int(i), labels.CurrentLabels()).label,
            weight=float(w),
        )
        for i, s, c, w in list(zip(on.ids, on.similarities, classes, shares, strict=False))[
            : base.settings.k
        ]
    ]


def _prior_factors(base: Snapshot, names: Sequence[str], header: np.ndarray) -> np.ndarray:
    """Factors (c,) on the raw blend that have the same class win as calibration and header do."""
    if base.calibration is None:
        return header
    fitted = base.calibration.fitted
    factors = np.array([fitted.factors.get(name, 1.0) for name in names])
    return np.asarray((factors * header) ** (1 / fitted.slope))


def _votes_of_references(
    base: Snapshot, on: _Row, asked: Ids, shares: np.ndarray
) -> list[ReferenceVote]:
    """The references among those that were `asked`, by place in images and references."""
    if base.references is None:
        return []
    own = len(on.ids)
    return [
        ReferenceVote(
            kind=str(base.references.kind[on.places[n - own]]),
            source=str(base.references.source[on.places[n - own]]),
            label=str(base.references.label[on.places[n - own]]),
            similarity=float(on.reference_similarities[n - own]),
            weight=float(shares[n]),
        )
        for n in asked.tolist()
        if n >= own
    ]


def classes_of(support: labels.Support, ids: Ids) -> Ids:
    """The place of each image's class, of any shape; -1 where it is not of the support."""
    if len(support.ids) == 0:
        return np.full(np.shape(ids), -1, dtype=np.int64)
    places = np.minimum(np.searchsorted(support.ids, ids), len(support.ids) - 1)
    return np.where(support.ids[places] == ids, support.classes[places], -1)


def _top_prompts(
    text_classifier: TextClassifier, scores: verdict.ZeroShotScores, winner: int | None = None
) -> list[PromptMatch]:
    """The sentences closest to one picture; with a `winner` those of this class alone."""
    sentences = text_classifier.prompts.sentences
    vectors = text_classifier.vectors
    order = np.argsort(-scores.sentences[0], kind="stable")
    if winner is not None:
        order = order[vectors.group_class[vectors.sentence_group[order]] == winner]
    return [
        PromptMatch(
            prompt=sentences[t],
            class_name=vectors.classes[vectors.group_class[vectors.sentence_group[t]]],
            group=vectors.groups[vectors.sentence_group[t]],
            similarity=float(scores.sentences[0][t]),
        )
        for t in order[:TOP_PROMPTS]
    ]


def _named(names: Sequence[str], values: np.ndarray) -> dict[str, float]:
    return {name: float(value) for name, value in zip(names, values, strict=True)}
