"""The rule of the verdict, once, for any number of pictures: `decide`.

Zero-shot scores and the votes of the k nearest → a blend; the blend, calibrated and weighed by what
a DICOM header says, → a class, its kind, and whether it is in doubt.

Labelled images and the model's own references are asked together, by cosine. A reference's vote
counts `reference_weight` of a labelled image's, and so does a reference in the shares of the
classes.

No single neighbour can bear a verdict. A neighbour gives a blend alpha times its share of the
votes; where that would be more than half, alpha is lowered so that it is half. This never makes a
label turn a picture near it away from the label's class. As long as alpha is not lowered, the label
only adds votes for its class. Once it is, the label by itself gives its class half of the blend,
and no other class can have more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mediclip_index.types import Calibration, HeaderVote, Ids, Settings, Vectors
from mediclip_index.verdict.blend import blend, complete_votes
from mediclip_index.verdict.calibration import calibrated, conformal_sets, prior_corrected
from mediclip_index.verdict.header import header_factors, kind_factors
from mediclip_index.verdict.votes import vote_weights, votes
from mediclip_index.verdict.zero_shot import Floats, PromptEmbeddings, ZeroShotScores

Flags = np.ndarray  # of bool
RULE = 2  # raised with every change that turns verdicts: pooling, votes, blend, doubt
MOST_OF_ONE = 0.5  # the most of a blend that one neighbour gives


@dataclass(frozen=True, eq=False)
class Voters:
    """Who is asked of n pictures, nearest first: cosines (n, m), -inf where there is nobody;
    classes (n, m), -1 where none; whether it is a reference (n, m)."""

    similarities: Vectors
    classes: Ids
    references: Flags

    def of(self, rows: Flags) -> Voters:
        """Those of some of the pictures."""
        return Voters(self.similarities[rows], self.classes[rows], self.references[rows])


@dataclass(frozen=True, eq=False)
class Blend:
    """Zero-shot scores and votes together: votes (n, c) over all classes; who had a vote (n,); the
    weight of each of the k voters (n, k), before normalising; the neighbours' part of the blend
    (n,); the blend (n, c)."""

    votes: Floats
    voted: Flags
    weights: Floats
    alpha: Floats
    blend: Floats


@dataclass(frozen=True, eq=False)
class Decision:
    """What the rule says of n pictures. probabilities (n, c); winners (n,): places of the likeliest
    classes; kinds (n, c): of each class the place of its likeliest kind; kind_shares (n, c): that
    kind's share of all kinds; outliers (n,): like nothing known; unsure (n,): an outlier, or more
    than one class remains, or no clear kind; without a calibration, too little likely."""

    blended: Blend
    probabilities: Floats
    winners: Ids
    kinds: Ids
    kind_shares: Floats
    outliers: Flags
    unsure: Flags


@dataclass(frozen=True, eq=False)
class Rule:
    """What `decide` goes by: settings in plain cosines, classes and kinds, and the calibration that
    holds, None where none does."""

    settings: Settings
    embeddings: PromptEmbeddings
    calibration: Calibration | None = None


def decide(
    rule: Rule,
    scores: ZeroShotScores,
    voters: Voters,
    support: Floats,
    *,
    headers: Sequence[HeaderVote | None],
    ood_scores: Floats | None = None,
    alpha: Floats | None = None,
) -> Decision:
    """The verdicts on n pictures. support (c,) or (n, c) behind each class; headers: what the
    pictures' DICOM headers say; ood_scores (n,): how unlike everything known they are, needed where
    the calibration has a bound for it; alpha (n,) as in `blend_votes`."""
    blended = blend_votes(scores.classes, voters, support, rule.settings, alpha)
    probabilities, groups = blended.blend, scores.groups
    if rule.calibration is not None:
        probabilities = calibrated(probabilities, rule.calibration, rule.embeddings.classes)
    if any(headers):
        odds = header_factors(headers, rule.embeddings.classes)
        probabilities = prior_corrected(probabilities, odds)
        factors = np.stack([kind_factors(header, rule.embeddings) for header in headers])
        groups = prior_corrected(groups, factors)
    winners = probabilities.argmax(axis=1)
    kinds, shares, whole = _kinds(groups, rule.embeddings)
    rows = np.arange(len(winners))
    outliers = np.zeros(len(winners), dtype=np.bool_)
    if rule.calibration is None:
        unsure = probabilities[rows, winners] < rule.settings.threshold
    else:
        fitted = rule.calibration
        thresholds = np.array([fitted.thresholds[name] for name in rule.embeddings.classes])
        unsure = conformal_sets(probabilities, thresholds).sum(axis=1) > 1
        if fitted.kind is not None:
            unsure |= shares[rows, winners] < fitted.kind * whole[rows, winners]
        if fitted.strange is not None and ood_scores is not None:
            outliers = ood_scores > fitted.strange
            unsure |= outliers
    return Decision(blended, probabilities, winners, kinds, shares, outliers, unsure)


def blend_votes(
    zero_shot: Floats,
    voters: Voters,
    support: Floats,
    settings: Settings,
    alpha: Floats | None = None,
) -> Blend:
    """zero_shot (n, c): probabilities by the sentences alone; support (c,) or (n, c) behind each
    class; settings in cosines. `alpha` (n,), where it is given, stands for the settings' own and
    is taken as it is: the heaviest voter does not lower it."""
    k = settings.k
    near, classes = voters.similarities[:, :k], voters.classes[:, :k]
    factors = np.where(voters.references[:, :k], settings.reference_weight, 1.0)
    weights = factors * vote_weights(near, classes, support, beta=settings.beta, near=settings.near)
    shares, voted = votes(weights, classes, support)
    full = complete_votes(shares, zero_shot, support)
    if alpha is None:
        alpha = capped_alpha(settings.alpha, weights)
    return Blend(full, voted, weights, alpha, blend(zero_shot, full, voted, alpha))


def capped_alpha(alpha: float, weights: Floats) -> Floats:
    """The neighbours' part (n,) of each blend, by the weights (n, k) of their votes. An alpha of 1
    asks for the neighbours alone, and gets them."""
    if alpha == 1 or weights.shape[1] == 0:
        return np.full(len(weights), alpha, dtype=np.float64)
    heaviest, total = weights.max(axis=1), weights.sum(axis=1)
    most = np.divide(
        MOST_OF_ONE * total, heaviest, out=np.full(len(weights), 1.0), where=heaviest > 0
    )
    return np.asarray(np.minimum(alpha, most))


def joined(
    similarities: Vectors, classes: Ids, reference_similarities: Vectors, reference_classes: Ids
) -> tuple[Voters, Ids]:
    """Labelled images (n, a) and references (n, b) as voters, nearest first; and the place of each
    in the two lists, one after the other. Of equals the image comes first; one without a class is
    nobody."""
    near = np.where(classes >= 0, similarities, -np.inf).astype(np.float32)
    both = np.concatenate([near, reference_similarities], axis=1)
    order = np.argsort(-both, axis=1, kind="stable")
    whole = np.concatenate([classes, reference_classes], axis=1)
    return Voters(
        np.take_along_axis(both, order, axis=1),
        np.take_along_axis(whole, order, axis=1),
        order >= similarities.shape[1],
    ), order


def support(counts: Ids, references: Ids, settings: Settings) -> Floats:
    """What stands behind each class, (c,) or (n, c): its labelled images, and its references by
    their weight."""
    return np.asarray(counts + settings.reference_weight * references, dtype=np.float64)


def _kinds(groups: Floats, embeddings: PromptEmbeddings) -> tuple[Ids, Floats, Floats]:
    """Of each class (n, c): its likeliest kind, that kind's share, and the share of all its
    kinds."""
    shape = len(groups), len(embeddings.classes)
    kinds = np.zeros(shape, dtype=np.int64)
    shares, whole = np.zeros(shape), np.zeros(shape)
    for place in range(shape[1]):
        in_class = np.flatnonzero(embeddings.group_class == place)
        kinds[:, place] = in_class[groups[:, in_class].argmax(axis=1)]
        shares[:, place] = groups[:, in_class].max(axis=1)
        whole[:, place] = groups[:, in_class].sum(axis=1)
    return kinds, shares, whole
