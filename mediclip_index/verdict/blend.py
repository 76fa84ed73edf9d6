"""Words and neighbours → one probability."""

from __future__ import annotations

import numpy as np

from mediclip_index.terms import Ids
from mediclip_index.verdict.words import Floats


def complete_votes(shares: Floats, words: Floats, counts: Ids) -> Floats:
    """Votes (n, c) over all classes: a class known by words alone keeps what the words give it,
    and the votes share out what the words give to the supported ones.

    So a class can be added by words alone, and still win where its words are strong.
    """
    supported = counts > 0
    kept = np.where(supported, 0.0, words)
    return np.asarray(kept + shares * (1.0 - kept.sum(axis=1, keepdims=True)))


def blend(words: Floats, votes: Floats, voted: np.ndarray, alpha: float) -> Floats:
    """(1 - alpha) words + alpha votes, shape (n, c); the words alone where there was no vote.

    alpha 0 gives the words and alpha 1 the votes to the last digit.
    """
    mixed = words if alpha == 0 else votes if alpha == 1 else (1 - alpha) * words + alpha * votes
    return np.where(voted[:, None], mixed, words)
