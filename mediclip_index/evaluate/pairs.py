"""Which images are near copies of each other: by the model's cosine, and by their thumbnails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from mediclip_index.neighbours import copies
from mediclip_index.types import Ids, Progress, Vectors

BLOCK = 512
CANDIDATE = 0.3  # cosine from which thumbnails are compared
BY_COSINE = 0.998  # cosine from which images are near copies that can't be compared otherwise
MOST = 50  # of those that follow an image, the nearest, are compared with it
_COLUMNS = 4096
_NOBODY: Ids = np.zeros(0, dtype=np.int64)
_BATCH = 256  # pairs laid over each other at once


@dataclass(frozen=True)
class Pairs:
    """Near copies: rows of the vectors (pairs,), the first before the second, and their cosines;
    cut: the rows (rows,) of which not all that look alike were compared."""

    first: Ids
    second: Ids
    cosine: Vectors
    cut: Ids

    def some(self, which: Ids) -> Pairs:
        return Pairs(self.first[which], self.second[which], self.cosine[which], self.cut)


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
        self.units = np.zeros((rows, 63), dtype=np.float32)
        self.bases = np.zeros((5, rows, 63), dtype=np.float32)
        for start in range(0, len(there), BLOCK):
            part = slice(start, start + BLOCK)
            self.units[there[part]], self.bases[:, there[part]] = copies.tangents(thumbnails[part])
        self.told = np.asarray(self.units.any(axis=1), dtype=np.bool_)

    def apart(self, rows: slice, columns: slice) -> Vectors:
        """See copies.apart; 0 where one of the two can't be told by its thumbnail."""
        found = copies.apart(
            (self.units[rows], self.bases[:, rows]), (self.units[columns], self.bases[:, columns])
        )
        return np.where(np.logical_and.outer(self.told[rows], self.told[columns]), found, 0)

    def confirmed(self, first: Ids, second: Ids) -> npt.NDArray[np.bool_]:
        found = np.zeros(len(first), dtype=bool)
        for start in range(0, len(first), _BATCH):
            part = slice(start, start + _BATCH)
            found[part] = copies.are_copies(
                self.thumbnails[self.place[first[part]]], self.thumbnails[self.place[second[part]]]
            )
        return found


def _pairs(vectors: Vectors, compared: _Compared | None, least: float, progress: Progress) -> Pairs:
    found = [_nobody()]
    for start in range(0, len(vectors), BLOCK):
        part = slice(start, start + BLOCK)
        near = _nearest(vectors, compared, least, part)
        if compared is not None:
            sure = ~(compared.told[near.first] & compared.told[near.second])
            asked = np.flatnonzero(~sure)
            sure[asked] = compared.confirmed(near.first[asked], near.second[asked])
            near = near.some(np.flatnonzero(sure))
        found.append(near)
        progress.advance(len(vectors[part]))
    return _joined(found)


def _nearest(vectors: Vectors, compared: _Compared | None, least: float, rows: slice) -> Pairs:
    """Pairs that may be copies, of these rows and of all that follow; where thumbnails are
    compared, of each row with the MOST nearest alone."""
    found, apart = _nobody(), np.zeros(0, dtype=np.float32)
    for start in range(rows.start, len(vectors), _COLUMNS):
        columns = slice(start, start + _COLUMNS)
        cosine = vectors[rows] @ vectors[columns].T
        near = cosine >= least
        far = np.zeros_like(cosine)
        if compared is not None:
            far = compared.apart(rows, columns)
            both = np.logical_and.outer(compared.told[rows], compared.told[columns])
            near = np.where(both, (cosine >= CANDIDATE) & (far <= copies.MOST_APART), near)
        first, second = np.nonzero(np.triu(near, 1 + rows.start - start))
        more = Pairs(first + rows.start, second + start, cosine[first, second], _NOBODY)
        found, apart = _joined([found, more]), np.concatenate([apart, far[first, second]])
        if compared is not None:
            order = np.lexsort((apart, found.first))
            first = found.first[order]
            place = np.arange(len(first)) - np.searchsorted(first, first)
            kept = np.sort(order[place < MOST])
            cut = np.union1d(found.cut, first[place >= MOST])
            found, apart = replace(found.some(kept), cut=cut), apart[kept]
    return found


def _nobody() -> Pairs:
    return Pairs(_NOBODY, _NOBODY, np.zeros(0, dtype=np.float32), _NOBODY)


def _joined(parts: Sequence[Pairs]) -> Pairs:
    return Pairs(
        np.concatenate([part.first for part in parts]),
        np.concatenate([part.second for part in parts]),
        np.concatenate([part.cosine for part in parts]),
        np.concatenate([part.cut for part in parts]),
    )
