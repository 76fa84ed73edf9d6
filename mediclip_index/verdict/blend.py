"""Zero-shot probabilities and votes → one probability."""

from __future__ import annotations

import numpy as np

from mediclip_index.types import Ids
from mediclip_index.verdict.zero_shot import Floats


def complete_votes(shares: Floats, zero_shot: Floats, counts: Ids | Floats) -> Floats:
    """Votes (n, c) over all classes: a class without support keeps its zero-shot probability, and
    the votes share out those of the supported ones.

    So a class can be added by sentences alone, and still win where its zero-shot probability is
    high.
    """
    supported = counts > 0
    kept = np.where(supported, 0.0, zero_shot)
    return np.asarray(kept + shares * (1.0 - kept.sum(axis=1, keepdims=True)))


def blend(zero_shot: Floats, votes: Floats, voted: np.ndarray, alpha: float | Floats) -> Floats:
    """(1 - alpha) zero_shot + alpha votes, shape (n, c); zero_shot alone where there was no vote.

    alpha is one number, or one a row; 0 gives zero_shot and 1 the votes to the last digit.
    """
    part = np.broadcast_to(np.asarray(alpha, dtype=np.float64), len(zero_shot))[:, None]
    mixed = np.where(part == 1, votes, (1 - part) * zero_shot + part * votes)
    return np.where(voted[:, None] & (part != 0), mixed, zero_shot)
