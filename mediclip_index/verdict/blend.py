"""Words and neighbours → one probability."""

from __future__ import annotations

import numpy as np

from mediclip_index.types import Ids
from mediclip_index.verdict.zero_shot import Floats


def complete_votes(shares: Floats, words: Floats, counts: Ids | Floats) -> Floats:
    """Votes (n, c) over all classes: a class known by words alone keeps what the words give it,
    and the votes share out what the words give to the supported ones.

    So a class can be added by words alone, and still win where its words are strong.
    """
    supported = counts > 0
    kept = np.where(supported, 0.0, words)
    return np.asarray(kept + shares * (1.0 - kept.sum(axis=1, keepdims=True)))


def blend(words: Floats, votes: Floats, voted: np.ndarray, alpha: float | Floats) -> Floats:
    """(1 - alpha) words + alpha votes, shape (n, c); the words alone where there was no vote.

    alpha is one number, or one a row; 0 gives the words and 1 the votes to the last digit.
    """
    part = np.broadcast_to(np.asarray(alpha, dtype=np.float64), len(words))[:, None]
    mixed = np.where(part == 1, votes, (1 - part) * words + part * votes)
    return np.where(voted[:, None] & (part != 0), mixed, words)
