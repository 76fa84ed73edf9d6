"""Vectors → verdicts, on the ground of an index as it stood at one moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from uuid6 import uuid7

from mediclip_index import verdict
from mediclip_index.catalog import images, labels, removals
from mediclip_index.jobs import doubting
from mediclip_index.jobs.desk import Desk, Wording
from mediclip_index.jobs.doubting import Near
from mediclip_index.jobs.grounding import Ground
from mediclip_index.jobs.hand_labels import hand_label, said_of
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

LOUDEST = 3


@dataclass(frozen=True)
class Asked:
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


@dataclass(frozen=True, eq=False)
class _Row:
    """What one verdict rests on. ids, similarities (m,) of images, nearest first; places,
    reference_similarities (r,) of references; itself: the ids of images with the same content."""

    ids: Ids
    similarities: Vectors
    places: Ids
    reference_similarities: Vectors
    itself: frozenset[int]


def judge(
    desk: Desk,
    base: Ground,
    asked: Sequence[Asked],
    vectors: Vectors,
    alphas: Sequence[float] | None = None,
) -> list[Verdict]:
    """Verdicts for pictures with unit vectors (n, dim), in order. `alphas` (n,): the neighbours'
    parts of their blends, where these are given."""
    said = verdict.zero_shot(
        vectors,
        base.wording.vectors,
        base.settings.scale or base.known.logit_scale,
        base.settings.biases,
    )
    may_vote = len(base.support.ids) > 0
    among = base.support.ids if may_vote else None
    places, reference_similarities = nearest_references(base, vectors)
    with desk.catalog.reading() as read:
        then = read.as_of(base.tx)
        pictures = images.identified(then, {a.sha256 for a in asked})
        itself: dict[str, set[int]] = {}
        for (content, _, _), image in pictures.items():
            itself.setdefault(content, set()).add(image)
        hands = said_of(then, pictures, [(a.sha256, a.page, a.item) for a in asked])
        out = set(removals.removed(then)) if pictures else set()
        there = {place: i for place, i in pictures.items() if i not in out}
        # Twice k: those beyond k step in when an explanation takes a neighbour away.
        spare = max((len(ids) for ids in itself.values()), default=0)
        ids, similarities = base.vector_index.search(
            vectors,
            2 * base.settings.k + spare,
            among,
            partial(images.vectors, then, base.known),
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
                # What was erased since this run began is in none of these, and has no say.
                [(i, s) for i, s in row if i in known],
                places[n],
                reference_similarities[n],
                itself.get(asked[n].sha256, set()),
            )
            for n, row in enumerate(kept)
        ]
        near = [doubting.nearest(base, r.ids, r.similarities, r.places, r.reference_similarities)
                for r in rows]  # fmt: skip
        crowds = doubting.crowds(then, base, near)
        standing = {} if may_vote else labels.standings(then)
    return [
        _verdict(
            base, asked[n], said, n, row, near[n], known, standing, crowds,
            None if alphas is None else np.array([alphas[n]], dtype=np.float64), hands[n],
            there.get((asked[n].sha256, asked[n].page, asked[n].item)),
        )
        for n, row in enumerate(rows)
    ]  # fmt: skip


def _row(
    near: Sequence[tuple[int, float]],
    places: Ids,
    reference_similarities: Vectors,
    itself: set[int],
) -> _Row:
    return _Row(
        ids=np.array([i for i, _ in near], dtype=np.int64),
        similarities=np.clip(np.array([s for _, s in near], dtype=np.float32), -1.0, 1.0),
        places=places,
        reference_similarities=reference_similarities,
        itself=frozenset(itself),
    )


def nearest_references(base: Ground, vectors: Vectors) -> tuple[Ids, Vectors]:
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
    base: Ground,
    asked: Asked,
    said: verdict.ZeroShotScores,
    row: int,
    on: _Row,
    near: Near,
    known: dict[int, images.StoredImage],
    standing: dict[int, labels.Standing],
    crowds: dict[tuple[bool, int], float],
    alpha: np.ndarray | None,
    hand: labels.ByHand | None,
    image: int | None,
) -> Verdict:
    names = base.wording.vectors.classes
    settings = base.settings
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
    spoken = said.classes[row][None]
    decision = verdict.decide(spoken, voters, behind, settings, alpha)
    final = decision.blend[0]
    header = verdict.header_factors([asked.header], names)
    reasons = verdict.explain(
        spoken[0], voters, behind, settings, alpha, _lean(base, names, header[0])
    )
    shares = np.zeros(order.shape[1])  # of all votes, by place in images and references
    if decision.voted[0]:
        shares[order[0, : settings.k]] = decision.weights[0] / decision.weights.sum()
    doubt, unknown = False, False
    if base.calibration is not None:
        final = verdict.calibrated(final[None], base.calibration.fitted, names)[0]
    if asked.header is not None:
        final = verdict.prior_corrected(final[None], header)[0]
    winner = int(np.argmax(final))
    in_class = np.flatnonzero(base.wording.vectors.group_class == winner)
    every = verdict.prior_corrected(
        said.groups[row][None], verdict.kind_factors(asked.header, base.wording.vectors)
    )[0]
    groups = every[in_class]
    if base.calibration is not None:
        doubt, unknown = doubting.unsure(
            base.calibration.fitted, names, final, groups, near.similarities,
            [crowds[one] for one in near.who] if crowds else [],
        )  # fmt: skip
    neighbours = [
        Neighbour(
            id=int(i),
            path=known[int(i)].path,
            similarity=float(s),
            label=names[c] if c >= 0 else standing.get(int(i), labels.Standing()).label,
            weight=float(w),
        )
        for i, s, c, w in list(zip(on.ids, on.similarities, classes, shares, strict=False))[
            : settings.k
        ]
    ]
    references = _votes_of_references(base, on, order[0, : settings.k], shares)
    loudest = _loudest(base.wording, said, row)
    otherwise = None if reasons.otherwise is None else names[reasons.otherwise]
    reasons = replace(reasons, without=tuple(int(order[0, n]) for n in reasons.without))
    probability = float(final[winner])
    preferred = int(np.argmax(spoken[0]))
    rival = None if preferred == winner else (names[preferred], float(spoken[0][preferred]))
    heard = _loudest(base.wording, said, row, winner)[0]
    calibrated = base.calibration is not None
    return Verdict(
        id=str(uuid7()),
        path=asked.path,
        page=asked.page,
        item=asked.item,
        sha256=asked.sha256,
        width=asked.width,
        height=asked.height,
        label=names[winner],
        probability=probability,
        unsure=doubt or unknown if calibrated else probability < settings.threshold,
        probabilities=_named(names, final),
        zero_shot=_named(names, spoken[0]),
        votes=_named(names, decision.votes[0]) if decision.voted[0] else None,
        alpha=float(decision.alpha[0]),
        calibrated=calibrated,
        group=GroupShare(
            base.wording.vectors.groups[int(in_class[np.argmax(groups)])], float(groups.max())
        ),
        neighbours=tuple(neighbours),
        prompts=tuple(loudest),
        words_share=reasons.words_share,
        without=tuple(int(on.ids[place]) for place in reasons.without),
        otherwise=otherwise,
        why=verdict.why(
            names[winner], float(spoken[0][winner]), heard, neighbours, reasons, otherwise,
            unknown, references, asked.header, rival,
        ),
        references=tuple(references),
        calibration=base.calibration.kind if base.calibration is not None else None,
        header=asked.header,
        hand=hand_label(hand, base, every),
        image=image,
    )  # fmt: skip


def _lean(base: Ground, names: Sequence[str], header: np.ndarray) -> np.ndarray:
    """Factors (c,) on the raw blend that have the same class win as calibration and header do."""
    if base.calibration is None:
        return header
    fitted = base.calibration.fitted
    factors = np.array([fitted.factors.get(name, 1.0) for name in names])
    return np.asarray((factors * header) ** (1 / fitted.slope))


def _votes_of_references(
    base: Ground, on: _Row, asked: Ids, shares: np.ndarray
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


def _loudest(
    wording: Wording, said: verdict.ZeroShotScores, row: int, winner: int | None = None
) -> list[PromptMatch]:
    """The closest sentences; with a `winner` those of this class alone."""
    sentences = wording.prompts.sentences
    vectors = wording.vectors
    order = np.argsort(-said.sentences[row], kind="stable")
    if winner is not None:
        order = order[vectors.group_class[vectors.sentence_group[order]] == winner]
    order = order[:LOUDEST]
    return [
        PromptMatch(
            prompt=sentences[t],
            class_name=vectors.classes[vectors.group_class[vectors.sentence_group[t]]],
            group=vectors.groups[vectors.sentence_group[t]],
            similarity=float(said.sentences[row][t]),
        )
        for t in order
    ]


def _named(names: Sequence[str], values: np.ndarray) -> dict[str, float]:
    return {name: float(value) for name, value in zip(names, values, strict=True)}
