"""Positions of landmarks → positions of everything that is like them. Pure numpy.

A picture lies at the mean of its nearest landmarks' positions, the nearer the heavier, so that a
map of many thousands takes in others without moving.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mediclip_index.types import Ids, Vectors

NEAREST = 5  # landmarks that say where a picture lies
COPY = 1e-5  # of 1 - cosine: up to here a picture and a landmark are the same to the model
BESIDE = 0.004  # how far from its landmark a copy of it may be drawn; a map is 2 wide
_STEEP = 4  # how fast the weight of a landmark falls with its distance
_GOLDEN = 0.6180339887498949
_EVEN = 0.7548776662466927, 0.5698402909980532  # their multiples fill a square evenly

Vectors64 = npt.NDArray[np.float64]


def placed(places: Ids, cosines: Vectors, positions: Vectors, ids: Ids | None = None) -> Vectors:
    """Positions (q, 2) of pictures by their nearest landmarks.

    places (q, k): rows of `positions` (n, 2), nearest first, -1 where there are fewer; one that has
    none lies in the middle. cosines (q, k). Where `ids` (q,) are given, copies of a landmark are
    set beside it, each by its id, or all of them would be one dot.
    """
    there = places >= 0
    far = np.where(there, np.maximum(1.0 - cosines.astype(np.float64), 0.0), 2.0)
    weights = np.where(there, _weights(far, there), 0.0)
    weights /= np.maximum(weights.sum(axis=1, keepdims=True), 1e-300)
    around = positions[np.where(there, places, 0)].astype(np.float64)
    found = np.einsum("qk,qkd->qd", weights, around)
    if ids is not None and len(ids):
        copies = far[:, 0] <= COPY
        found[copies] += _beside(ids[copies])
    return np.asarray(np.clip(found, -1.0, 1.0), dtype=np.float32)


def _weights(far: npt.NDArray[np.float64], there: npt.NDArray[np.bool_]) -> Vectors64:
    """Nearly all to the nearest where it is much nearer than the others, the same to each where
    all are as near: distances between vectors of many numbers differ little, so they fall fast."""
    least = np.maximum(far[:, :1], COPY)
    return np.where(there, (least / np.maximum(far, least)) ** _STEEP, 0.0)


def _beside(ids: Ids) -> Vectors64:
    """Small offsets, even over a disc, that follow from the ids alone."""
    angle = 2 * np.pi * ((ids * _EVEN[0]) % 1.0)
    radius = BESIDE * np.sqrt((ids * _EVEN[1]) % 1.0)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def in_frame(positions: Vectors) -> Vectors:
    """Positions (n, 2) moved and scaled, both axes alike, to lie from -1 to 1; those that would be
    one dot are drawn beside each other."""
    if len(positions) == 0:
        return np.empty((0, 2), dtype=np.float32)
    exact = positions.astype(np.float64)
    low, high = exact.min(axis=0), exact.max(axis=0)
    half = float((high - low).max()) / 2
    middle = (low + high) / 2
    framed = (exact - middle) / half if half > 1e-9 else np.zeros_like(exact)
    return _apart(framed).astype(np.float32)


def _apart(positions: Vectors64) -> Vectors64:
    """Positions of which no two are the same: those that are stand in a spiral around it, one that
    fills the frame where all are."""
    _, group, size = np.unique(
        np.round(positions, 6), axis=0, return_inverse=True, return_counts=True
    )
    group = group.reshape(-1)
    if len(size) == 1 and len(positions) > 1:
        return 0.99 * _spiral(len(positions))
    shared = np.flatnonzero(size[group] > 1)
    moved = positions.copy()
    order = shared[np.argsort(group[shared], kind="stable")]
    start = 0
    while start < len(order):
        count = int(size[group[order[start]]])
        moved[order[start : start + count]] += BESIDE * _spiral(count)
        start += count
    return np.clip(moved, -1.0, 1.0)


def _spiral(count: int) -> Vectors64:
    """So many points, even over a disc of radius 1."""
    n = np.arange(count)
    angle, radius = 2 * np.pi * _GOLDEN * n, np.sqrt(n / max(1, count - 1))
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
