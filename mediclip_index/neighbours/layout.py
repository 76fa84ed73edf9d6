"""Vectors → positions in two dimensions, like beside like; and the search for nearest landmarks.

umap and its compiler are imported where a layout is made, and nowhere else.
"""

from __future__ import annotations

import math
import threading
import warnings
from typing import Any

import numpy as np

from mediclip_index.neighbours.placing import in_frame
from mediclip_index.types import Ids, Vectors

FEW = 50  # up to here the two directions in which they differ most say enough
_NEIGHBOURS = 15
_ROOM = 0.5  # between likes, in units of umap: with its 0.1 a map is small dots in much white
_EXACT = 20_000  # vectors that are compared each with each
_VISITED = 8  # lists of a larger searcher that a query visits: 98 % of the five nearest, measured
_TRAINED = 50  # vectors a list
_ONE = threading.Lock()  # a process ends where two threads run umap's compiled code at once


class Landmarks:
    """Unit vectors (n, dim) that may be asked for their nearest, by cosine."""

    def __init__(self, vectors: Vectors) -> None:
        import faiss

        count, dim = vectors.shape
        self.count = count
        rows = np.ascontiguousarray(vectors)
        flat = faiss.IndexFlatIP(dim)
        if count <= _EXACT:
            self._index: Any = flat
        else:
            lists = math.isqrt(count)
            self._index = faiss.IndexIVFFlat(flat, dim, lists, faiss.METRIC_INNER_PRODUCT)
            self._index.cp.niter = 8
            self._index.cp.max_points_per_centroid = _TRAINED
            self._index.train(rows)
            self._index.nprobe = _VISITED
        self._index.add(rows)

    def nearest(self, queries: Vectors, k: int) -> tuple[Ids, Vectors]:
        """Rows and cosines, both (q, min(k, n)), nearest first; the tail of a row that has fewer is
        -1 and -inf."""
        near, rows = self._index.search(np.ascontiguousarray(queries), min(k, self.count))
        return rows.astype(np.int64), np.where(rows >= 0, near, -np.inf).astype(np.float32)


def laid_out(vectors: Vectors, seed: int, landmarks: Landmarks | None = None) -> Vectors:
    """Positions (n, 2) from -1 to 1 of unit vectors (n, dim), no two of them the same.

    The same vectors and seed give the same positions. landmarks: these vectors' own, if there is
    one already.
    """
    start = principal(vectors)
    if len(vectors) <= FEW:
        return in_frame(start)
    return in_frame(_by_neighbours(vectors, seed, start, landmarks or Landmarks(vectors)))


def principal(vectors: Vectors) -> Vectors:
    """Vectors (n, dim) along the two directions in which they differ most, (n, 2)."""
    count = len(vectors)
    found = np.zeros((count, 2), dtype=np.float32)
    if count < 2:
        return found
    mean = vectors.mean(axis=0, dtype=np.float64)
    # Through the (dim, dim) covariance: no copy of all vectors in double precision.
    spread = np.asarray(vectors.T @ vectors, dtype=np.float64) / count - np.outer(mean, mean)
    variances, directions = np.linalg.eigh(spread)
    for axis, n in enumerate(np.argsort(variances)[::-1][:2]):
        if variances[n] > 1e-9:
            direction = directions[:, n]
            direction = direction * np.sign(direction[np.abs(direction).argmax()])
            found[:, axis] = vectors @ direction.astype(np.float32) - float(mean @ direction)
    return found


def _by_neighbours(vectors: Vectors, seed: int, start: Vectors, landmarks: Landmarks) -> Vectors:
    k = min(_NEIGHBOURS, len(vectors) - 1)
    rows, cosines = _with_self_first(*landmarks.nearest(vectors, k), k)
    far = np.sqrt(np.maximum(2.0 - 2.0 * cosines, 0.0)).astype(np.float32)
    with _ONE, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that new points can't be transformed, and need not
        import umap

        reducer = umap.UMAP(
            n_neighbors=k,
            min_dist=_ROOM,
            metric="euclidean",
            init=_spread_out(start),
            precomputed_knn=(rows, far),
            random_state=seed,
            n_jobs=1,
        )
        return np.asarray(reducer.fit_transform(vectors), dtype=np.float32)


def _with_self_first(rows: Ids, cosines: Vectors, k: int) -> tuple[Ids, Vectors]:
    """Each vector's neighbours beginning with itself, as the layout wants them: among copies FAISS
    may name others first. A place where the search found none says itself once more."""
    own = np.arange(len(rows))
    missing = rows < 0
    rows = np.where(missing, own[:, None], rows)
    cosines = np.where(missing, 1.0, cosines)
    # Itself as the nearest of all, wherever it was found, or in place of the last.
    rank = np.where(rows == own[:, None], np.inf, cosines)
    lacking = ~(rows == own[:, None]).any(axis=1)
    rows[lacking, -1], rank[lacking, -1] = own[lacking], np.inf
    order = np.argsort(-rank, axis=1, kind="stable")[:, :k]
    rows = np.take_along_axis(rows, order, axis=1)
    cosines = np.take_along_axis(np.where(np.isinf(rank), 1.0, rank), order, axis=1)
    return rows.astype(np.int32), cosines.astype(np.float32)


def _spread_out(start: Vectors) -> Vectors:
    """A start of the size that umap begins with."""
    size = float(np.abs(start).max())
    return np.asarray(10.0 * start / size if size > 0 else start, dtype=np.float32)
