"""Samples averaged over squares, a piece at a time. Pure numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

_PIECE = 16 * 1024**2  # samples


def bins(start: int, length: int, factor: int) -> npt.NDArray[np.intp]:
    """Where, in a block that begins at `start`, each bin of `factor` begins."""
    first = -start % factor
    inner = np.arange(first, length, factor, dtype=np.intp)
    return inner if first == 0 else np.concatenate([np.zeros(1, np.intp), inner])


def summed(
    values: npt.NDArray[Any], rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp]
) -> npt.NDArray[Any]:
    """Sums over the bins that begin at these rows and columns, (bins, bins, ...)."""
    return np.asarray(np.add.reduceat(np.add.reduceat(values, rows, axis=0), columns, axis=1))


def averaged(values: npt.NDArray[Any], factor: int) -> npt.NDArray[Any]:
    """(h, w, channels) to (h / factor, w / factor, channels), both rounded up, of the same type:
    each square's mean, rounded; squares at the edge are as large as what is left for them."""
    height, width = values.shape[:2]
    columns = bins(0, width, factor)
    across = np.diff([*columns, width]).reshape(1, -1, 1)
    step = factor * max(1, _PIECE // max(1, values[:factor].size))
    parts = []
    for top in range(0, height, step):
        part = values[top : top + step]
        rows = bins(0, len(part), factor)
        down = np.diff([*rows, len(part)]).reshape(-1, 1, 1)
        mean = summed(part.astype(np.int64), rows, columns) / (down * across)
        parts.append(np.floor(mean + 0.5).astype(values.dtype))
    return np.concatenate(parts)
