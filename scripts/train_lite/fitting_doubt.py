"""The doubt that ships: a calibration made on families of sources that the model never saw.

Answers to left-out pictures are drawn anew so that every source is heard alike, and `medical` and
`non_medical` too; on them the slope and the factor with the least log loss are sought, the
conformal thresholds of each class, and the share that the best group must have of a verdict for it
to be sure.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from bench_rows import Row
from heads import source_weights

from mediclip_index import verdict

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]
COVERAGE = 0.95
DRAWN = 40_000
RIGHT = 0.975  # of the sure verdicts


def fit_doubt(
    rows: Sequence[Row], medical: Floats, kind: Floats, classes: Sequence[str]
) -> dict[str, Any]:
    """What a calibration file holds of slope, factors, thresholds and kind.

    medical (n,): probability of each row's being medical by a model that never saw its family;
    kind (n,): the share of the best group of the winning class.
    """
    yes = classes.index("medical")
    truth = np.array([classes.index(row.label) for row in rows])
    said = np.stack([1 - medical, medical] if yes else [medical, 1 - medical], axis=1)
    chance = source_weights(rows, power=1.0, even=True)
    drawn = np.random.default_rng(0).choice(len(rows), DRAWN, p=chance)
    slope, factor = _least_loss(said[drawn], truth[drawn], yes)
    sharp = _said(said, slope, factor, yes)
    thresholds = verdict.conformal_thresholds(sharp[drawn], truth[drawn], COVERAGE)
    single = verdict.conformal_sets(sharp, thresholds).sum(axis=1) == 1
    right = sharp.argmax(axis=1) == truth
    least = _least_kind(kind[drawn], single[drawn], right[drawn])
    return {
        "slope": slope,
        "factors": {"medical": factor},
        "coverage": COVERAGE,
        "thresholds": {name: float(t) for name, t in zip(classes, thresholds, strict=True)},
        "strange": None,
        "kind": least,
        "images": len(rows),
        "families": len({row.family for row in rows}),
    }


def applied(
    doubt: dict[str, Any], medical: Floats, kind: Floats, classes: Sequence[str]
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """(n,) probabilities of `medical` and which verdicts are sure, by a fitted doubt."""
    yes = classes.index("medical")
    said = np.stack([1 - medical, medical] if yes else [medical, 1 - medical], axis=1)
    sharp = _said(said, doubt["slope"], doubt["factors"]["medical"], yes)
    thresholds = np.array([doubt["thresholds"][name] for name in classes])
    single = verdict.conformal_sets(sharp, thresholds).sum(axis=1) == 1
    return sharp[:, yes], single & (kind >= (doubt["kind"] or 0.0))


def _said(said: Floats, slope: float, factor: float, yes: int) -> Floats:
    factors = np.ones(said.shape[1])
    factors[yes] = factor
    return verdict.weighed(verdict.sharpen(said, slope), factors)


def _least_loss(said: Floats, truth: Indices, yes: int) -> tuple[float, float]:
    best = (np.inf, 1.0, 1.0)
    for slope in np.exp(np.linspace(-1.6, 1.1, 28)):
        for factor in np.exp(np.linspace(-1.5, 2.0, 36)):
            loss = verdict.log_loss(_said(said, slope, factor, yes), truth)
            best = min(best, (loss, round(float(slope), 4), round(float(factor), 4)))
    return best[1], best[2]


def _least_kind(
    kind: Floats, single: npt.NDArray[np.bool_], right: npt.NDArray[np.bool_]
) -> float | None:
    """The least share of a group at which as many of the sure verdicts are right as should be."""
    for least in np.arange(0.0, 0.9, 0.01):
        sure = single & (kind >= least)
        if sure.any() and right[sure].mean() >= RIGHT:
            return round(float(least), 2) or None
    return 0.9
