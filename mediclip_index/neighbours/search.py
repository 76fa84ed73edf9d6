"""A query → its nearest images, in all files of an index and in what is newer than they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from mediclip_index.neighbours.exact import merge, nearest, ranked
from mediclip_index.neighbours.index_types import is_exact, shortlist
from mediclip_index.types import Ids, Vectors

Stored = Callable[[Sequence[int]], tuple[Ids, Vectors]]
FEW_NUMBERS = 1 << 22  # up to here (8,192 vectors of 512) what is allowed is compared one by one
MANY = 256  # queries for which it pays to fetch more of them
MANY_NUMBERS = 1 << 26  # up to here (131,072 vectors of 512, 256 MB) for so many
_BLOCK = 64  # queries whose short lists are fetched together
_NOBODY = np.empty(0, dtype=np.int64)


class VectorIndex:
    """All vectors of an index: those of its FAISS files, and those that are newer, beside them.

    `files` are what open_file gave; `ids` (n,), in order, and `vectors` (n, dim) are in none of
    them. `absent` (sorted ids) are images that are not there now, though a file may hold them.
    """

    def __init__(
        self, files: Sequence[Any], ids: Ids, vectors: Vectors, absent: Ids = _NOBODY
    ) -> None:
        self._files = [_File(index) for index in files]
        self._ids = ids
        self._vectors = vectors
        self._absent = absent
        self._few: tuple[Ids, Ids, Vectors] | None = None  # the last few asked for, their vectors

    def search(
        self, queries: Vectors, k: int, among: Ids | None, stored: Stored
    ) -> tuple[Ids, Vectors]:
        """The k nearest of the images `among` (sorted ids, (m,); None: all that are there) for each
        query (q, dim).

        `stored` gives the true vectors of ids that a compressed file lists, in order of id. Returns
        ids and cosines, both (q, <= k), nearest first, equal ones in order of id; where a row has
        fewer, its tail has id -1 and cosine -inf. With `among` the answer does not rest on what a
        compressed file was tuned to: a few are compared one by one, and for more every list of the
        file is visited.
        """
        most = MANY_NUMBERS if len(queries) >= MANY else FEW_NUMBERS
        if among is not None and len(among) * queries.shape[1] <= most:
            return nearest(queries, *self._exactly(among, stored), k)
        listed = self._absent if among is None else among
        allowed = np.isin(self._ids, listed, invert=among is None)
        answer = nearest(queries, *_rows(self._ids, self._vectors, allowed), k)
        only = _Only(among, self._absent)
        for file in self._files:
            near = file.nearest(queries, k, only, stored)
            answer = merge(answer, near, k)
        return answer

    def _exactly(self, among: Ids, stored: Stored) -> tuple[Ids, Vectors]:
        """Ids and vectors of a few images; kept, since a run asks among the same ones again."""
        if self._few is None or not np.array_equal(self._few[0], among):
            fresh = np.isin(self._ids, among)
            parts = [_rows(self._ids, self._vectors, fresh)]
            rest = np.setdiff1d(among, parts[0][0], assume_unique=True)
            for file in self._files:
                if file.exact and len(rest):
                    parts.append(file.vectors(rest))
                    rest = np.setdiff1d(rest, parts[-1][0], assume_unique=True)
            if len(rest) and self._files:
                parts.append(stored(rest.tolist()))
            ids = np.concatenate([part[0] for part in parts])
            self._few = among, ids, np.concatenate([part[1] for part in parts])
        return self._few[1], self._few[2]


class _Only:
    """Which images may be found, as FAISS wants to be told."""

    def __init__(self, among: Ids | None, absent: Ids) -> None:
        import faiss

        self.everything = among is None
        self._bits: npt.NDArray[np.uint8] | None = None
        self._inner: Any = None
        self.selector: Any = None
        listed = absent if among is None else among
        if len(listed) or among is not None:
            flags = np.zeros(int(listed[-1]) + 1 if len(listed) else 1, dtype=np.bool_)
            flags[listed] = True
            # Held here, since FAISS keeps only pointers to them.
            self._bits = np.packbits(flags, bitorder="little")
            bitmap: Any = faiss.IDSelectorBitmap  # takes an array, unlike what its types say
            self._inner = bitmap(self._bits)
            self.selector = faiss.IDSelectorNot(self._inner) if among is None else self._inner


class _File:
    """One opened FAISS file."""

    def __init__(self, index: Any) -> None:
        import faiss

        self.index = index
        self.exact = is_exact(index)
        if self.exact:
            flat: Any = faiss.downcast_index(index.index)
            held = faiss.rev_swig_ptr(flat.get_xb(), index.ntotal * index.d)
            self._held: Vectors = held.reshape(index.ntotal, index.d)
            self._keys: Ids = faiss.vector_to_array(index.id_map)

    def vectors(self, ids: Ids) -> tuple[Ids, Vectors]:
        """Those of the ids that this exact file holds, and their vectors."""
        if len(self._keys) == 0:
            return _NOBODY, np.empty((0, self.index.d), dtype=np.float32)
        places = np.minimum(np.searchsorted(self._keys, ids), len(self._keys) - 1)
        there = self._keys[places] == ids
        return ids[there], self._held[places[there]]

    def nearest(self, queries: Vectors, k: int, only: _Only, stored: Stored) -> tuple[Ids, Vectors]:
        found = np.full((len(queries), k), -1, dtype=np.int64)
        near = np.full((len(queries), k), -np.inf, dtype=np.float32)
        for start in range(0, len(queries), _BLOCK):
            block = queries[start : start + _BLOCK]
            listed = shortlist(self.index, block, k, only.selector, everywhere=not only.everything)
            wanted = np.unique(listed[listed >= 0])
            ids, vectors = self.vectors(wanted) if self.exact else stored(wanted.tolist())
            for row, (query, some) in enumerate(zip(block, listed, strict=True), start):
                places = np.flatnonzero(np.isin(ids, some))
                best = ranked(query, ids[places], vectors[places], k)
                found[row, : len(best[0])], near[row, : len(best[0])] = best
        return found, near


def _rows(ids: Ids, vectors: Vectors, which: npt.NDArray[np.bool_]) -> tuple[Ids, Vectors]:
    return (ids, vectors) if which.all() else (ids[which], vectors[which])
