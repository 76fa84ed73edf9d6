"""Neighbours: how much the nearest labelled images and references say of an image.

Each of the k nearest votes exp(-beta (1 - cos)), as in Tip-Adapter (Zhang et al., 2022), divided
by its class's smoothed share of the support, (n_c + 10) / (N + 10 C), where n_c counts the labelled
images of class c and its references by their weight, N all and C the classes: a class with ten
times the support wins nothing by it.
"""

from __future__ import annotations

import numpy as np

from mediclip_index.types import Ids, Vectors
from mediclip_index.verdict.zero_shot import Floats

SMOOTHING = 10


def vote_weights(
    similarities: Vectors, classes: Ids, counts: Ids | Floats, *, beta: float, near: float
) -> Floats:
    """The weight of each neighbour's vote, before normalising.

    similarities (n, k) cosines, -inf where there is no neighbour; classes (n, k) their class, -1
    where none; counts (c,), or (n, c) where they differ: what stands behind each class, labelled
    images of the whole support and references by their weight (`decision.support`). beta and near
    in plain cosines; zero below `near`.
    """
    total = counts.sum(axis=-1, keepdims=True) + SMOOTHING * counts.shape[-1]
    smoothed = np.broadcast_to((counts + SMOOTHING) / total, (len(classes), counts.shape[-1]))
    with np.errstate(over="ignore"):
        raw = np.exp(-beta * (1.0 - similarities.astype(np.float64)))
    raw = np.where((similarities >= near) & (classes >= 0), raw, 0.0)
    return np.asarray(raw / np.take_along_axis(smoothed, np.maximum(classes, 0), axis=1))


def votes(weights: Floats, classes: Ids, counts: Ids | Floats) -> tuple[Floats, np.ndarray]:
    """Shares of the supported classes, shape (n, c), and which rows had a vote at all, shape (n,).

    There is no vote where fewer than two classes have support, or no neighbour was near enough;
    such rows are zero.
    """
    tally = np.zeros((len(weights), counts.shape[-1]))
    for c in range(tally.shape[1]):
        tally[:, c] = np.where(classes == c, weights, 0.0).sum(axis=1)
    total = tally.sum(axis=1)
    voted = (total > 0) & ((counts > 0).sum(axis=-1) >= 2)
    shares = np.divide(tally, total[:, None], out=np.zeros_like(tally), where=voted[:, None])
    return shares, voted
