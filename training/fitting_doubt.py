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

from mediclip_index import verdict
from training.bench_rows import Row
from training.heads import source_weights

Floats = npt.NDArray[np.float64]
COVERAGES = (0.95, 0.955, 0.96, 0.965, 0.97, 0.975, 0.98, 0.985, 0.99)
DRAWN = 40_000
RIGHT = 0.975  # of the sure verdicts


def fit_doubt(rows: Sequence[Row], medical: Floats, classes: Sequence[str]) -> dict[str, Any]:
    """What a calibration file holds of slope, coverage and thresholds.

    medical (n,): probability of each row's being medical by a model that never saw its family.
    """
    truth = np.array([classes.index(row.label) for row in rows])
    chance = source_weights(rows, power=1.0, even=True)
    drawn = np.random.default_rng(0).choice(len(rows), DRAWN, p=chance)
    said, wanted = _both(medical, classes)[drawn], truth[drawn]
    slope = round(verdict.fit_slope(said, wanted), 4)
    sharp = verdict.sharpen(said, slope)
    right = sharp.argmax(axis=1) == wanted
    for coverage in COVERAGES:
        thresholds = verdict.conformal_thresholds(sharp, wanted, coverage)
        sure = verdict.conformal_sets(sharp, thresholds).sum(axis=1) == 1
        if right[sure].mean() >= RIGHT:
            break
    return {
        "slope": slope,
        "coverage": coverage,
        "thresholds": {name: float(t) for name, t in zip(classes, thresholds, strict=True)},
        "strange": None,
        "kind": None,
        "images": len(rows),
        "families": len({row.family for row in rows}),
    }


def applied(
    doubt: dict[str, Any], medical: Floats, classes: Sequence[str]
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """(n,) probabilities of `medical` and which verdicts are sure, by a fitted doubt."""
    sharp = verdict.sharpen(_both(medical, classes), doubt["slope"])
    thresholds = np.array([doubt["thresholds"][name] for name in classes])
    sure = verdict.conformal_sets(sharp, thresholds).sum(axis=1) == 1
    return sharp[:, classes.index("medical")], sure


def _both(medical: Floats, classes: Sequence[str]) -> Floats:
    return np.stack([medical if name == "medical" else 1 - medical for name in classes], axis=1)
