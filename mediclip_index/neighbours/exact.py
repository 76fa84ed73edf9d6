"""Exact nearest neighbours by matrix product, and the one way in which cosines are computed.

Every answer, of whatever kind of file, is ranked by `cosines` last, so that the same two vectors
have the same cosine to the last bit wherever they were found, and equal vectors tie.
"""

from __future__ import annotations

import numpy as np

from mediclip_index.types import Ids, Vectors

# Rounding of a float32 product of unit vectors; nothing nearer than this to the k-th is left out.
ROUNDING = 4e-6
_BLOCK = 1 << 23  # cosines held at once


def cosines(query: Vectors, vectors: Vectors) -> Vectors:
    """Cosines of one unit vector (dim,) and unit rows (n, dim): shape (n,), float32.

    Summed row by row in double precision: a BLAS product depends on the place of a row.
    """
    products = vectors.astype(np.float64) * query.astype(np.float64)
    return np.asarray(products.sum(axis=1), dtype=np.float32)


def ranked(query: Vectors, ids: Ids, vectors: Vectors, k: int) -> tuple[Ids, Vectors]:
    """The k nearest rows of `vectors` to one query, nearest first, equal ones in order of id."""
    near = cosines(query, vectors)
    order = np.lexsort((ids, -near))[:k]
    return ids[order], near[order]


def nearest(queries: Vectors, ids: Ids, vectors: Vectors, k: int) -> tuple[Ids, Vectors]:
    """The k nearest rows of `vectors` for each query, by cosine (rows are of unit length).

    queries (q, dim), ids (n,), vectors (n, dim). Returns ids and cosines, both (q, min(k, n)),
    nearest first; equal cosines in order of id, so that answers repeat.
    """
    k = min(k, len(ids))
    found = np.empty((len(queries), k), dtype=np.int64)
    near = np.empty((len(queries), k), dtype=np.float32)
    if k == 0:
        return found, near
    step = max(1, _BLOCK // len(ids))
    for start in range(0, len(queries), step):
        rough = queries[start : start + step] @ vectors.T
        least = np.partition(rough, len(ids) - k, axis=1)[:, len(ids) - k] - ROUNDING
        for row, (values, border) in enumerate(zip(rough, least, strict=True), start):
            some = np.flatnonzero(values >= border)
            found[row], near[row] = ranked(queries[row], ids[some], vectors[some], k)
    return found, near


def merge(first: tuple[Ids, Vectors], second: tuple[Ids, Vectors], k: int) -> tuple[Ids, Vectors]:
    """The k nearest of two answers to the same queries."""
    ids = np.concatenate([first[0], second[0]], axis=1)
    near = np.concatenate([first[1], second[1]], axis=1)
    order = np.lexsort((ids, -near), axis=1)[:, :k]
    return np.take_along_axis(ids, order, axis=1), np.take_along_axis(near, order, axis=1)
