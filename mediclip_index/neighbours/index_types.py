"""The kinds of FAISS file: made from vectors that come in pieces, and asked for a short list.

exact: the vectors as they are. compressed: lists of similar vectors, a byte a number; its short
list is ranked by the true vectors, which stand in the catalog.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from mediclip_index.neighbours.exact import ROUNDING, merge, nearest
from mediclip_index.types import Ids, Vectors

EXACT_NUMBERS = 10_000_000  # up to here (20,000 vectors of 512) comparing with all takes some 6 ms
RECALL = 0.98  # asked of a compressed file on every sort of query
DEPTH = 10  # ... for so many neighbours
PROBES = 256  # images of the index that are asked while a file is made
_MARGIN = 0.005  # by which a recall measured on so few probes may flatter
_PER_LIST = 50  # vectors that a list's centre is found from
_ITERATIONS = 8
_MOST_TIES = 4096


@dataclass(frozen=True)
class VectorSource:
    """What a file is to be made of.

    pieces: all ids (n,) and unit vectors (n, dim) in order of id, in pieces; may be asked for once.
    sample: at most so many of them, spread over all. asked: vectors of sentences as people may ask
    them, (m, dim): they lie apart from images, and a file must find their neighbours too.
    """

    count: int
    dim: int
    pieces: Callable[[], Iterator[tuple[Ids, Vectors]]]
    sample: Callable[[int], tuple[Ids, Vectors]]
    asked: Vectors

    @classmethod
    def of(cls, ids: Ids, vectors: Vectors, asked: Vectors | None = None) -> VectorSource:
        """Of vectors that are in memory."""

        def sample(size: int) -> tuple[Ids, Vectors]:
            rows = spread(len(ids), size)
            return ids[rows], vectors[rows]

        none = np.empty((0, vectors.shape[1]), dtype=np.float32)
        return cls(
            count=len(ids),
            dim=vectors.shape[1],
            pieces=lambda: iter([(ids, vectors)]),
            sample=sample,
            asked=none if asked is None else asked,
        )


def spread(count: int, size: int) -> Ids:
    """At most `size` of `count` places by chance, the same ones each time, in order."""
    if size >= count:
        return np.arange(count)
    return np.sort(np.random.default_rng(0).choice(count, size, replace=False))


def kind_for(asked: str, count: int, dim: int) -> str:
    """The kind of file for so many vectors: the one asked for, or by size."""
    if asked != "auto":
        return asked
    return "exact" if count * dim <= EXACT_NUMBERS else "compressed"


def make(kind: str, vector_source: VectorSource) -> tuple[Any, float | None]:
    """A FAISS index of a kind, and the recall measured (None where it is exact)."""
    import faiss

    if kind == "compressed":
        return _compressed(vector_source)
    index = faiss.IndexIDMap(faiss.IndexFlatIP(vector_source.dim))
    for ids, vectors in vector_source.pieces():
        index.add_with_ids(np.ascontiguousarray(vectors), ids)
    return index, None


def is_exact(index: Any) -> bool:
    import faiss

    return isinstance(index, faiss.IndexIDMap)


def listed_ids(index: Any) -> Ids:
    """The ids (n,) that a compressed index holds, list by list."""
    import faiss

    lists = index.invlists
    parts = [
        faiss.rev_swig_ptr(lists.get_ids(n), lists.list_size(n)).copy()
        for n in range(index.nlist)
        if lists.list_size(n)
    ]
    return np.concatenate(parts).astype(np.int64) if parts else np.empty(0, dtype=np.int64)


def _compressed(vector_source: VectorSource) -> tuple[Any, float]:
    import faiss

    lists = max(1, math.isqrt(vector_source.count))
    keys, sample = vector_source.sample(max(_PER_LIST * lists, PROBES))
    quantizer = faiss.IndexFlatIP(vector_source.dim)
    index = faiss.IndexIVFScalarQuantizer(
        quantizer,
        vector_source.dim,
        lists,
        faiss.ScalarQuantizer.QT_8bit,
        faiss.METRIC_INNER_PRODUCT,
    )
    index.cp.niter = _ITERATIONS
    index.cp.min_points_per_centroid = 1
    index.cp.max_points_per_centroid = 2 * _PER_LIST
    index.train(np.ascontiguousarray(sample))
    rows = spread(len(keys), PROBES)
    probes = np.concatenate([sample[rows], vector_source.asked])
    # One more than asked: an image is its own nearest, which proves nothing.
    truth: tuple[Ids, Vectors] = (
        np.empty((len(probes), 0), dtype=np.int64),
        np.empty((len(probes), 0), dtype=np.float32),
    )
    for ids, vectors in vector_source.pieces():
        index.add_with_ids(np.ascontiguousarray(vectors), ids)
        truth = merge(truth, nearest(probes, ids, vectors, DEPTH + 1), DEPTH + 1)
    own = np.concatenate([keys[rows], np.full(len(vector_source.asked), -1)])
    return index, _tune(index, probes, own, truth[0])


def _tune(index: Any, probes: Vectors, own: Ids, truth: Ids) -> float:
    """Choose how many lists a query visits; returns the recall, of images or sentences the lower.

    A true neighbour that is in the short list is in the answer, which is ranked by true vectors.
    """
    recall = 0.0
    visited = 1
    while True:
        index.nprobe = min(visited, index.nlist)
        found = shortlist(index, probes, DEPTH + 1, None)
        shares = np.array([_share(*row) for row in zip(own, truth, found, strict=True)])
        sorts = (shares[own >= 0], shares[own < 0])
        recall = min(float(part.mean()) for part in sorts if len(part))
        if recall >= RECALL + _MARGIN or index.nprobe == index.nlist:
            return recall
        visited = max(visited + 1, visited * 3 // 2)


def _share(own: int, truth: Ids, found: Ids) -> float:
    """The share of the true neighbours of one probe, itself aside, that were found."""
    there = truth[truth != own][:DEPTH]
    return float(np.isin(there, found).mean()) if len(there) else 1.0


def shortlist(index: Any, queries: Vectors, k: int, only: Any, *, everywhere: bool = False) -> Ids:
    """Ids among which the k nearest of each query (q, dim) are to be sought, (q, >= k); -1: none.

    only: a FAISS selector or None. everywhere: visit all lists; else as many as the file was tuned
    to, and proportionally more where more than DEPTH neighbours are sought.
    """
    import faiss

    exact = is_exact(index)
    # The rest are for what compression, or rounding, may have put in a wrong place.
    size = min(k + 8 if exact else k + 8 + k // 4, index.ntotal)
    parameters: Any = faiss.SearchParameters() if exact else faiss.SearchParametersIVF()
    if not exact:
        times = max(1, math.ceil(k / (DEPTH + 1)))
        parameters.nprobe = index.nlist if everywhere else min(index.nlist, times * index.nprobe)
        # Both cores on one query's lists; several queries are shared out between them.
        index.parallel_mode = 1 if len(queries) == 1 else 0
    if only is not None:
        parameters.sel = only
    most = min(index.ntotal, size + _MOST_TIES)
    while True:
        near, ids = index.search(np.ascontiguousarray(queries), size, params=parameters)
        # Where the last is as near as the k-th, more may be: equal ones must come in order of id.
        place = min(k, size) - 1
        tied = (near[:, -1] >= near[:, place] - ROUNDING) & (ids[:, -1] >= 0)
        if size >= most or not tied.any():
            return np.asarray(ids, dtype=np.int64)
        size = min(4 * size, most)
