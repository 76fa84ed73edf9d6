"""Exact nearest neighbours by matrix product: for few vectors, and for what no file holds yet."""

from __future__ import annotations

import numpy as np

from mediclip_index.terms import Ids, Vectors


def nearest(queries: Vectors, ids: Ids, vectors: Vectors, k: int) -> tuple[Ids, Vectors]:
    """The k nearest rows of `vectors` for each query, by cosine (rows are of unit length).

    queries (q, dim), ids (n,), vectors (n, dim). Returns ids and cosines, both (q, min(k, n)),
    nearest first; equal cosines in order of id, so that answers repeat.
    """
    similarities = queries @ vectors.T
    return top(np.broadcast_to(ids, similarities.shape), similarities, k)


def top(ids: Ids, similarities: Vectors, k: int) -> tuple[Ids, Vectors]:
    """The k largest of each row of similarities (q, n), with their ids (q, n)."""
    k = min(k, similarities.shape[1])
    order = np.lexsort((ids, -similarities), axis=1)[:, :k]
    return np.take_along_axis(ids, order, axis=1), np.take_along_axis(similarities, order, axis=1)


def merge(first: tuple[Ids, Vectors], second: tuple[Ids, Vectors], k: int) -> tuple[Ids, Vectors]:
    """The k nearest of two answers to the same queries."""
    return top(
        np.concatenate([first[0], second[0]], axis=1),
        np.concatenate([first[1], second[1]], axis=1),
        k,
    )
