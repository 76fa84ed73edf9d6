"""The rule of the verdict, once: words and the k nearest that may vote → a blend.

Labelled images and the model's own references are asked together, by cosine. A reference's vote
counts `reference_weight` of a labelled image's, and so does a reference in the shares of the
classes.

No single neighbour can bear a verdict: it gives a blend at most half, so where one has most of the
votes alpha is less. A label of a class still never turns a picture near it to another one: until
then alpha is as it was, and from then on the class has that half.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mediclip_index.types import Ids, Settings, Vectors
from mediclip_index.verdict.blend import blend, complete_votes
from mediclip_index.verdict.votes import vote_weights, votes
from mediclip_index.verdict.zero_shot import Floats

Flags = np.ndarray  # of bool
RULE = 2  # raised with every change that turns verdicts: pooling, votes, blend, doubt
BORNE = 0.5  # the most of a blend that one neighbour gives


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
class Decision:
    """What comes of it: votes (n, c) over all classes; who had a vote (n,); the weight of each of
    the k voters (n, k), before normalising; the neighbours' part of the blend (n,); the blend
    (n, c)."""

    votes: Floats
    voted: Flags
    weights: Floats
    alpha: Floats
    blend: Floats


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
    """What stands behind each class (c,): its labelled images, and its references by their
    weight."""
    return np.asarray(counts + settings.reference_weight * references, dtype=np.float64)


def decide(
    words: Floats,
    voters: Voters,
    support: Floats,
    settings: Settings,
    alpha: Floats | None = None,
) -> Decision:
    """words (n, c); support (c,) behind each class; settings in cosines. `alpha` (n,) stands
    for the settings' own, held by the heaviest voter, where it is given."""
    k = settings.k
    near, classes = voters.similarities[:, :k], voters.classes[:, :k]
    factors = np.where(voters.references[:, :k], settings.reference_weight, 1.0)
    weights = factors * vote_weights(near, classes, support, beta=settings.beta, near=settings.near)
    shares, voted = votes(weights, classes, support)
    full = complete_votes(shares, words, support)
    if alpha is None:
        alpha = trusted(settings.alpha, weights)
    return Decision(full, voted, weights, alpha, blend(words, full, voted, alpha))


def trusted(alpha: float, weights: Floats) -> Floats:
    """The neighbours' part (n,) of each blend, by the weights (n, k) of their votes. An alpha of 1
    asks for the neighbours alone, and gets them."""
    if alpha == 1 or weights.shape[1] == 0:
        return np.full(len(weights), alpha, dtype=np.float64)
    heaviest, total = weights.max(axis=1), weights.sum(axis=1)
    most = np.divide(BORNE * total, heaviest, out=np.full(len(weights), 1.0), where=heaviest > 0)
    return np.asarray(np.minimum(alpha, most))
