"""How far few labels may move settings: towards what was chosen, by how much they can tell.

Settings that ship were chosen on thousands of pictures of hundreds of sources. What a few dozen
labels choose differs from them by chance as much as by reason, so it is drawn back towards them, as
an estimate is towards its prior: n images that say something of their own count n / (n + PRIOR).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from mediclip_index.types import Ids, Settings

FEWEST = 40  # labelled images; fewer choose nothing
FEWEST_OF_A_CLASS = 8
PRIOR = 200.0  # images that what ships is worth
_WHOLE = 0.5  # from this share on, what can't be divided is taken as it was chosen


def too_few(truth: Ids, classes: tuple[str, ...]) -> str | None:
    """Why images with these classes (n,) are too few to choose settings by; None where they are
    enough."""
    counts = np.bincount(truth, minlength=len(classes))
    if (counts > 0).sum() >= 2:  # a class that is known by words alone asks for no labels
        classes = tuple(name for name, count in zip(classes, counts, strict=True) if count)
        counts = counts[counts > 0]
    scarce = int(counts.argmin())
    if len(truth) >= FEWEST and counts[scarce] >= FEWEST_OF_A_CLASS:
        return None
    have = f"{len(truth)} labelled images, {counts[scarce]} of them {classes[scarce]},"
    return (
        f"{have} can't tell settings apart, so those in force stay; the labels themselves vote "
        f"already. From {FEWEST} on, with {FEWEST_OF_A_CLASS} of each class, tune fits how sure "
        "verdicts are, and with enough of each to calibrate (19 at a coverage of 0.95) all "
        "settings: `mediclip-index label next` names images worth labelling."
    )


def share_of(images: int) -> float:
    """How far (0 to 1) so many independent images move the settings."""
    return images / (images + PRIOR)


def shrunk_slope(shipped: float, fitted: float, images: int) -> float:
    """The slope of a calibration, on a logarithmic scale between the shipped and the fitted one."""
    share = images / (images + PRIOR)
    return float(shipped ** (1 - share) * fitted**share)


def shrunk(start: Settings, chosen: Settings, share: float, model_scale: float) -> Settings:
    """Settings between `start` (a share of 0) and `chosen` (1): numbers that multiply on a
    logarithmic scale, others on their own. model_scale: what a scale of None stands for."""

    def between(a: float, b: float) -> float:
        return a if a == b else float((1 - share) * a + share * b)

    def multiplied(a: float, b: float) -> float:
        return a if a == b else float(np.exp(between(np.log(a), np.log(b))))

    def factors(a: Mapping[str, float], b: Mapping[str, float]) -> dict[str, float]:
        return {n: multiplied(a.get(n, 1.0), b.get(n, 1.0)) for n in {**a, **b}}

    scale = chosen.scale
    if start.scale != chosen.scale:
        scale = multiplied(start.scale or model_scale, chosen.scale or model_scale)
    return replace(
        chosen,
        alpha=between(start.alpha, chosen.alpha),
        k=round(multiplied(start.k, chosen.k)),
        beta=multiplied(start.beta, chosen.beta),
        near=between(start.near, chosen.near),
        scale=scale,
        biases=factors(start.biases, chosen.biases),
        pooling=chosen.pooling if share >= _WHOLE else start.pooling,
    )
