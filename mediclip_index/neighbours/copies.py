"""Whether two pictures show the same: their thumbnails laid over each other.

A copy that was compressed again, resized, cropped by some percent or made lighter differs from its
original by a small shift and scale along each axis and by gain and offset. These six numbers are
fitted to a pair of thumbnails (Gauss-Newton, coarse to fine), and the edges that are left are
judged: of a copy, no more than compressing and sampling between pixels can leave; of the next slice
of the same scan, edges that lie elsewhere.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]
Flags = npt.NDArray[np.bool_]
Thumbnails = npt.NDArray[np.uint8]

# What a copy may leave, chosen with benchmarks/near_copies.py: compression and size alone, other
MOST_LEFT = 1.15  # light as well (no two slices of a scan differ in that), or a crop, which is
MOST_LEFT_RELIT = 3.0  # sampled elsewhere
RELIT = 0.02  # of the gain
MOST_LEFT_MOVED = 7.0  # of one that was cropped, and so sampled elsewhere
MOVED = 0.7  # pixels at the rim from which on it was
MOST_APART = 0.06  # of two pictures' low frequencies, from which on nothing is fitted
DIFFERENT = 1e9  # what is left of a pair that no small move lays over each other
_COARSE = 8  # frequencies an axis that are compared before anything is fitted
_SAMPLED = 0.05  # of what moving a thumbnail by half a pixel and back changes
_COARSE_STEPS, _STEPS = 3, 5
_POOL = 2  # the way is found on thumbnails of half the side
_ALIKE = 0.97  # correlation there, from which on it is worth looking closer
_MOST_SCALE = 0.14  # a crop of 5 % on all sides is a scale of 0.11
_MOST_SHIFT = 0.08  # of the side
_BLUR = 0.7  # pixels
_CLIPPED = 247  # grey level from which on light may have been cut off
_LEAST = 0.2  # of the pixels must be compared
_FLAT = 2.0  # grey levels; less contrast than this tells nothing


def tangents(thumbnails: Thumbnails) -> tuple[Floats, Floats]:
    """(n, side, side) → unit vectors of the low frequencies (n, 63), and for each picture an
    orthonormal basis of what a gain, small shifts and scales make of it (5, n, 63): a copy's vector
    lies close to that space (tangent distance, Simard 1993). Of flat ones, by which nothing can be
    told, the vector is all zero."""
    from scipy.ndimage import gaussian_filter

    grey = thumbnails.astype(np.float32)
    at = np.linspace(-1, 1, grey.shape[1], dtype=np.float32)
    smooth = gaussian_filter(grey, (0, 1, 1))
    down, across = np.gradient(smooth, axis=1), np.gradient(smooth, axis=2)
    own = _low(grey)
    length = np.linalg.norm(own, axis=1, keepdims=True)
    told = length > _FLAT * grey.shape[1]
    moves = [_low(way) for way in (down, across, down * at[:, None], across * at)]
    basis, _ = np.linalg.qr(np.stack([own, *moves], axis=2).astype(np.float64))
    unit = np.where(told, own / np.maximum(length, 1e-6), 0).astype(np.float32)
    return unit, np.ascontiguousarray(basis.transpose(2, 0, 1), dtype=np.float32)


def apart(first: tuple[Floats, Floats], second: tuple[Floats, Floats]) -> Floats:
    """How far each of the second lies from what small moves make of each of the first, or the
    other way round where that is nearer, from 0 to 1: (n, m), both of `tangents`."""
    theirs = np.zeros((len(first[0]), len(second[0])), dtype=np.float32)
    ours = np.zeros_like(theirs)
    for mine, other in zip(first[1], second[1], strict=True):
        theirs += np.square(mine @ second[0].T)
        ours += np.square(first[0] @ other.T)
    return np.asarray(1 - np.maximum(theirs, ours))


def _low(grey: Floats) -> Floats:
    from scipy.fft import dctn

    found = dctn(grey, axes=(1, 2), norm="ortho")
    return np.asarray(found[:, :_COARSE, :_COARSE].reshape(len(found), -1)[:, 1:])


def are_copies(first: Thumbnails, second: Thumbnails) -> Flags:
    """Which pairs of thumbnails, both (pairs, side, side), are of one picture: (pairs,)."""
    left, reach, gain = differences(first, second)
    most = np.where(np.abs(gain - 1) > RELIT, MOST_LEFT_RELIT, MOST_LEFT)
    return np.asarray(left <= np.where(reach > MOVED, MOST_LEFT_MOVED, most))


def differences(first: Thumbnails, second: Thumbnails) -> tuple[Floats, Floats, Floats]:
    """What is left of the edges once `second` is laid over `first`, in units of what a copy may
    leave, how far that moves its rim, in pixels, and the gain; each (pairs,)."""
    pairs, side = len(first), first.shape[1]
    left = np.full(pairs, DIFFERENT, dtype=np.float32)
    move = np.zeros((pairs, 4), dtype=np.float32)  # scale y, scale x, shift y, shift x
    gain = np.ones(pairs, dtype=np.float32)
    small = _pooled(first), _pooled(second)
    for _ in range(_COARSE_STEPS):
        move, _light = _step(*small, move)
    near = np.flatnonzero(_correlation(*small, move) >= _ALIKE)
    move *= _POOL
    if len(near):
        close = _View(first[near], _BLUR), _View(second[near], _BLUR)
        own = move[near]
        for _ in range(_STEPS):
            own, light = _step(*close, own)
        move[near], gain[near] = own, light
        left[near] = _left(*close, own, light)
    far = (np.abs(move[:, :2]) > _MOST_SCALE * side / 2).any(axis=1) | (
        np.abs(move[:, 2:]) > _MOST_SHIFT * side
    ).any(axis=1)
    reach = (np.abs(move[:, :2]) + np.abs(move[:, 2:])).max(axis=1)
    return np.where(far, DIFFERENT, left).astype(np.float32), reach, gain


class _View:
    """Thumbnails made ready to be laid over each other, all (pairs, side, side)."""

    def __init__(self, thumbnails: Thumbnails | Floats, blur: float) -> None:
        from scipy.ndimage import gaussian_filter

        self.grey: Floats = gaussian_filter(thumbnails.astype(np.float32), (0, blur, blur))
        self.clipped: Floats = (thumbnails >= _CLIPPED).astype(np.float32)
        self.slopes = (np.gradient(self.grey, axis=1), np.gradient(self.grey, axis=2))
        self.side = self.grey.shape[1]


def _pooled(thumbnails: Thumbnails) -> _View:
    pairs, side, _ = thumbnails.shape
    half = side // _POOL
    parts = thumbnails.astype(np.float32).reshape(pairs, half, _POOL, half, _POOL)
    return _View(parts.mean(axis=(2, 4)), 1.0)


def _step(a: _View, b: _View, move: Floats) -> tuple[Floats, Floats]:
    """One step of Gauss-Newton: a better move (pairs, 4), and the gain there (pairs,)."""
    pairs, side = len(move), a.side
    at = np.linspace(-1, 1, side, dtype=np.float32)
    rows, columns, seen = _sampling(move, side)
    over, down, across = (
        rows @ image @ columns.transpose(0, 2, 1) for image in (b.grey, *b.slopes)
    )
    types = np.stack(
        [down * at[:, None], across * at, down, across, over, np.ones_like(over)], axis=1
    ).reshape(pairs, 6, -1)
    weighted = types * _told(a, b, rows, columns, seen).reshape(pairs, 1, -1)
    left = weighted @ types.transpose(0, 2, 1) + 1e-2 * np.eye(6, dtype=np.float32)
    right = weighted @ a.grey.reshape(pairs, -1, 1)
    found = np.linalg.solve(left.astype(np.float64), right.astype(np.float64))[..., 0]
    gain = np.clip(found[:, 4], 0.2, 5)
    step = np.clip(found[:, :4] / gain[:, None], -1.5, 1.5)
    return np.clip(move + step, -side / 8, side / 8).astype(np.float32), gain.astype(np.float32)


def _left(a: _View, b: _View, move: Floats, gain: Floats) -> Floats:
    """What is left of the first's edges: in units of what a copy may leave (pairs,)."""
    rows, columns, seen = _sampling(move, a.side)
    weight = _interior(_told(a, b, rows, columns, seen))
    total = np.maximum(weight.sum(axis=(1, 2)), 1)

    def energy(images: Floats) -> Floats:
        return np.asarray((images**2 * weight).sum(axis=(1, 2)) / total)

    half = np.zeros_like(move)
    half[:, 2:] = 0.5
    there, back = _sampling(half, a.side), _sampling(-half, a.side)
    again = there[0] @ a.grey @ there[1].transpose(0, 2, 1)
    again = back[0] @ again @ back[1].transpose(0, 2, 1)
    edges = _laplacian(a.grey)
    over = _laplacian(rows @ b.grey @ columns.transpose(0, 2, 1))
    left = energy(edges - gain[:, None, None] * over)
    return np.asarray(left / (1 + _SAMPLED * energy(edges - _laplacian(again))))


def _told(a: _View, b: _View, rows: Floats, columns: Floats, seen: Floats) -> Floats:
    """Which pixels say something: those that both pictures show, and, where enough are left, in
    which neither is white, for light that was cut off there does not come back."""
    theirs = np.abs(rows @ b.clipped @ columns.transpose(0, 2, 1)) < 0.1
    told = seen * (1 - a.clipped) * theirs
    enough = told.mean(axis=(1, 2), keepdims=True) > _LEAST
    return np.where(enough, told, seen).astype(np.float32)


def _correlation(a: _View, b: _View, move: Floats) -> Floats:
    """Of the grey values, once laid over each other (pairs,)."""
    rows, columns, seen = _sampling(move, a.side)
    weight = _told(a, b, rows, columns, seen)
    total = np.maximum(weight.sum(axis=(1, 2), keepdims=True), 1)
    first, second = a.grey, rows @ b.grey @ columns.transpose(0, 2, 1)
    first = (first - (first * weight).sum(axis=(1, 2), keepdims=True) / total) * weight
    second = (second - (second * weight).sum(axis=(1, 2), keepdims=True) / total) * weight
    energies = (first**2).sum(axis=(1, 2)) * (second**2).sum(axis=(1, 2))
    return np.asarray((first * second).sum(axis=(1, 2)) / np.sqrt(np.maximum(energies, 1e-3)))


def _sampling(move: Floats, side: int) -> tuple[Floats, Floats, Floats]:
    """Matrices that resample rows and columns, each (pairs, side, side), and which pixels they
    find within the picture (pairs, side, side)."""
    at = np.linspace(-1, 1, side, dtype=np.float32)
    pixel = np.arange(side, dtype=np.float32)
    matrices, within = [], []
    for axis in (0, 1):
        place = pixel + move[:, axis, None] * at + move[:, axis + 2, None]
        within.append(((place >= 0) & (place <= side - 1)).astype(np.float32))
        distance = np.abs(np.clip(place, 0, side - 1)[:, :, None] - pixel)
        # Catmull-Rom
        near = 1.5 * distance**3 - 2.5 * distance**2 + 1
        far = -0.5 * distance**3 + 2.5 * distance**2 - 4 * distance + 2
        kernel = np.where(distance < 1, near, np.where(distance < 2, far, 0))
        matrices.append(kernel / kernel.sum(axis=2, keepdims=True))
    return matrices[0], matrices[1], within[0][:, :, None] * within[1][:, None, :]


def _laplacian(images: Floats) -> Floats:
    out = np.zeros_like(images)
    out[:, 1:-1, 1:-1] = (
        images[:, :-2, 1:-1] + images[:, 2:, 1:-1] + images[:, 1:-1, :-2] + images[:, 1:-1, 2:]
        - 4 * images[:, 1:-1, 1:-1]
    )  # fmt: skip
    return out


def _interior(weight: Floats) -> Floats:
    """Without the pixels whose neighbours say nothing."""
    out = np.zeros_like(weight)
    out[:, 1:-1, 1:-1] = (
        weight[:, 1:-1, 1:-1] * weight[:, :-2, 1:-1] * weight[:, 2:, 1:-1]
        * weight[:, 1:-1, :-2] * weight[:, 1:-1, 2:]
    )  # fmt: skip
    return out
