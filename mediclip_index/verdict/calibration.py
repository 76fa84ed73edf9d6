"""Probabilities that keep their word, and doubt at a stated coverage.

Calibration raises probabilities to one power and normalises them again (temperature scaling, Guo et
al. 2017, on the logarithms of the blend): it never changes which class is likeliest. Doubt comes
from class-conditional (Mondrian) conformal sets (Vovk et al. 2005): among images of class c, at
least `coverage` of the sets hold c, whatever the model, as long as new images are like those that
the thresholds were fitted on. For images that are not, there is the distance to what is known.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mediclip_index.types import Calibration, Ids, Vectors
from mediclip_index.verdict.zero_shot import Floats

LEAST = 1e-9  # no probability is taken for smaller
NEAREST = 10  # neighbours that tell how well a picture is known
CLOSEST = 0.005  # no neighbours are taken for closer to theirs
_STEEPEST = 4.0  # slopes are sought between exp(-4) and exp(4)


def sharpen(probabilities: Floats, slope: float) -> Floats:
    """p ** slope, each row normalised; shape (n, c)."""
    logs = slope * np.log(np.clip(probabilities, LEAST, 1.0))
    powers = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def prior_corrected(probabilities: Floats, factors: Floats) -> Floats:
    """p * factor, each row normalised; shape (n, c).

    With factors of new prevalence / old prevalence this is Bayes' rule for a pile in which classes
    are otherwise frequent, but look the same (Saerens et al. 2002).
    """
    shares = probabilities * factors
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def calibrated(probabilities: Floats, fitted: Calibration, classes: Sequence[str]) -> Floats:
    """A blend's probabilities (n, c) as a calibration says them."""
    sharpened = sharpen(probabilities, fitted.slope)
    if not fitted.factors:
        return sharpened
    return prior_corrected(sharpened, np.array([fitted.factors.get(name, 1.0) for name in classes]))


def with_slope(fitted: Calibration, slope: float, classes: tuple[str, str]) -> Calibration:
    """The calibration of two classes with another slope, its thresholds moved along: the same
    blends stay in doubt, and only how probable their classes are said to be changes."""
    thresholds = {}
    for own, other in (classes, classes[::-1]):
        least = 1.0 - fitted.thresholds[own]  # probability that is still in the set
        if 0 < least < 1:
            lean = math.log(fitted.factors.get(own, 1.0) / fitted.factors.get(other, 1.0))
            raw = (math.log(least / (1 - least)) - lean) / fitted.slope
            least = 1 / (1 + math.exp(-(slope * raw + lean)))
        thresholds[own] = 1.0 - least
    return replace(fitted, slope=slope, thresholds=thresholds)


def least_factor(
    probabilities: Floats, wanted: np.ndarray, weights: Floats, precision: float
) -> tuple[float, float, float] | None:
    """The factor on a class with which the most of it is found at a stated precision.

    probabilities (n,) of the class against all others, wanted (n,) whether it is the truth,
    weights (n,) of the images. Returns (factor, precision, recall) as counted on these images; None
    where no threshold reaches the precision.
    """
    order = np.argsort(-probabilities, kind="stable")
    said, hits = probabilities[order], np.cumsum((weights * wanted)[order])
    share = hits / np.cumsum(weights[order])
    # A threshold lies between two images, never between equals.
    apart = np.append(said[:-1] > said[1:], True)
    reached = np.flatnonzero((share >= precision) & apart & (hits > 0))
    if len(reached) == 0:
        return None
    last = int(reached[hits[reached].argmax()])
    following = said[last + 1] if last + 1 < len(said) else 0.0
    at = np.clip((said[last] + following) / 2, LEAST, 1 - LEAST)
    return float((1 - at) / at), float(share[last]), float(hits[last] / hits[-1])


def log_loss(probabilities: Floats, truth: Ids) -> float:
    """Mean of -log p(truth)."""
    said = np.clip(probabilities[np.arange(len(truth)), truth], LEAST, 1.0)
    return float(-np.log(said).mean())


def fit_slope(probabilities: Floats, truth: Ids) -> float:
    """The slope with the least log loss, by golden section (the loss is convex in the slope)."""
    ratio = (math.sqrt(5) - 1) / 2
    low, high = -_STEEPEST, _STEEPEST

    def loss(power: float) -> float:
        return log_loss(sharpen(probabilities, math.exp(power)), truth)

    left, right = high - ratio * (high - low), low + ratio * (high - low)
    at_left, at_right = loss(left), loss(right)
    while high - low > 1e-4:
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - ratio * (high - low)
            at_left = loss(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + ratio * (high - low)
            at_right = loss(right)
    return math.exp((low + high) / 2)


def images_needed(coverage: float) -> int:
    """Calibration images a class needs at least: n with ceil((n + 1) coverage) <= n."""
    return math.ceil(coverage / (1 - coverage) - 1e-9)


def conformal_thresholds(probabilities: Floats, truth: Ids, coverage: float) -> Floats:
    """For each class (c,) the largest 1 - p at which it stays in the set.

    The ceil((n + 1) coverage)-th smallest of 1 - p(truth) among the class's n calibration images.
    Raises ValueError where a class has fewer than `images_needed`.
    """
    found = np.empty(probabilities.shape[1])
    for c in range(probabilities.shape[1]):
        scores = np.sort(1.0 - probabilities[truth == c, c])
        place = math.ceil((len(scores) + 1) * coverage - 1e-9)
        if place > len(scores):
            raise ValueError(f"class {c} has {len(scores)} images")
        found[c] = scores[place - 1]
    return found


def conformal_sets(probabilities: Floats, thresholds: Floats) -> np.ndarray:
    """Which classes can't be ruled out, (n, c) bool; the likeliest never is: where its threshold
    would, the verdict says it and is in doubt."""
    # Rounding in the power must not put an image out of the set that its own score defined.
    sets = 1.0 - probabilities <= thresholds + 1e-12
    sets[np.arange(len(sets)), probabilities.argmax(axis=1)] = True
    return np.asarray(sets)


def mean_distance(similarities: Vectors) -> Floats:
    """Mean of 1 - cosine to the nearest `NEAREST` neighbours, (n,); 2, the most, without any.

    similarities (n, k), nearest first, -inf where there is none.
    """
    near = similarities[:, :NEAREST].astype(np.float64)
    there = np.isfinite(near)
    total = np.where(there, 1.0 - near, 0.0).sum(axis=1)
    return np.where(there.any(axis=1), total / np.maximum(there.sum(axis=1), 1), 2.0)


def ood_score(distances: Floats, neighbour_distances: Floats) -> Floats:
    """How unlike everything labelled pictures are, (n,); larger is further out.

    distances (n,) to their nearest labelled images; neighbour_distances (n,) how far these lie, in
    the mean, from their own nearest. The ratio is the local outlier factor (Breunig et al. 2000) in
    one step: noise may lie as near to a close-knit kind of picture as one photograph lies to
    another. The distance itself counts by its root.
    """
    return np.asarray(np.sqrt(distances) * distances / np.maximum(neighbour_distances, CLOSEST))
