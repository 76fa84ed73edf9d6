"""Which images are near copies of each other: by the model's cosine, and by their thumbnails."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mediclip_index.neighbours import copies
from mediclip_index.terms import Ids, Progress, Vectors

BLOCK = 512
CANDIDATE = 0.3  # cosine from which thumbnails are compared
BY_COSINE = 0.998  # cosine from which images are near copies that can't be compared otherwise
_BATCH = 256  # pairs laid over each other at once


@dataclass(frozen=True)
class Pairs:
    """Near copies: rows of the vectors (pairs,), the first before the second, and their cosines."""

    first: Ids
    second: Ids
    cosine: Vectors


def by_cosine(vectors: Vectors, least: float, progress: Progress) -> Pairs:
    """All pairs of unit vectors (n, dim) with a cosine of at least `least`."""
    return _pairs(vectors, None, least, progress)


def by_thumbnails(
    vectors: Vectors, thumbnails: npt.NDArray[np.uint8], there: Ids, progress: Progress
) -> Pairs:
    """Pairs of which the thumbnails show one picture; where one has none, or a flat one, pairs with
    a cosine of at least BY_COSINE. thumbnails (m, side, side) are those of the rows `there` (m,)
    of vectors (n, dim)."""
    compared = _Compared(len(vectors), thumbnails, there)
    return _pairs(vectors, compared, BY_COSINE, progress)


class _Compared:
    """The thumbnails of some rows, and what tells most pairs of them apart at once."""

    def __init__(self, rows: int, thumbnails: npt.NDArray[np.uint8], there: Ids) -> None:
        self.thumbnails = thumbnails
        self.place = np.full(rows, -1, dtype=np.int64)
        self.place[there] = np.arange(len(there))
        self.coarse = np.zeros((rows, 63), dtype=np.float32)
        self.least = np.ones(rows, dtype=np.float32)
        for start in range(0, len(there), BLOCK):
            part = slice(start, start + BLOCK)
            self.coarse[there[part]], self.least[there[part]] = copies.descriptors(thumbnails[part])
        self.told = np.asarray(self.coarse.any(axis=1), dtype=np.bool_)

    def confirmed(self, first: Ids, second: Ids) -> npt.NDArray[np.bool_]:
        found = np.zeros(len(first), dtype=bool)
        for start in range(0, len(first), _BATCH):
            part = slice(start, start + _BATCH)
            found[part] = copies.are_copies(
                self.thumbnails[self.place[first[part]]], self.thumbnails[self.place[second[part]]]
            )
        return found


def _pairs(vectors: Vectors, compared: _Compared | None, least: float, progress: Progress) -> Pairs:
    firsts, seconds, cosines = [], [], []
    for start in range(0, len(vectors), BLOCK):
        found = vectors[start : start + BLOCK] @ vectors[start:].T
        near = found >= least
        if compared is not None:
            both = np.logical_and.outer(compared.told[start : start + BLOCK], compared.told[start:])
            coarse = compared.coarse[start : start + BLOCK] @ compared.coarse[start:].T
            alike = coarse >= np.minimum(
                compared.least[start : start + BLOCK, None], compared.least[start:]
            )
            near = np.where(both, (found >= CANDIDATE) & alike, near)
        rows, columns = np.nonzero(np.triu(near, 1))
        if compared is not None and len(rows):
            sure = np.logical_not(both[rows, columns])
            asked = np.flatnonzero(~sure)
            sure[asked] = compared.confirmed(rows[asked] + start, columns[asked] + start)
            rows, columns = rows[sure], columns[sure]
        firsts.append(rows + start)
        seconds.append(columns + start)
        cosines.append(found[rows, columns])
        progress.advance(min(BLOCK, len(vectors) - start))
    if not firsts:
        nobody = np.zeros(0, dtype=np.int64)
        return Pairs(nobody, nobody, np.zeros(0, dtype=np.float32))
    return Pairs(np.concatenate(firsts), np.concatenate(seconds), np.concatenate(cosines))
