"""Probabilities and truth → the figures of a report. scikit-learn and scipy do the counting;
they take a second to import, so each is imported where it counts: a query passes through here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from mediclip_index import verdict
from mediclip_index.evaluate.leave_one_out import Floats
from mediclip_index.types import ClassFigures, Ids, McNemar, MethodFigures, Proportion

BINS = 15


def share(hits: npt.NDArray[np.bool_]) -> Proportion:
    """A proportion with its 95 % Wilson interval."""
    from scipy.stats import binomtest

    if len(hits) == 0:
        return Proportion(float("nan"), float("nan"), float("nan"))
    found = binomtest(int(hits.sum()), len(hits)).proportion_ci(method="wilson")
    return Proportion(float(hits.mean()), float(found.low), float(found.high))


def method(said: Floats, truth: Ids, classes: Sequence[str]) -> MethodFigures:
    """All figures of one method's probabilities (n, c)."""
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    guess = said.argmax(axis=1)
    each = range(len(classes))
    precision, recall, f1, support = precision_recall_fscore_support(
        truth, guess, labels=list(each), zero_division=0.0
    )
    there = support > 0
    counts = confusion_matrix(truth, guess, labels=list(each))
    error, bins = reliability(said, truth)
    return MethodFigures(
        accuracy=share(guess == truth),
        per_class={
            classes[c]: ClassFigures(
                float(precision[c]), float(recall[c]), float(f1[c]), int(support[c])
            )
            for c in each
        },
        macro=ClassFigures(
            float(precision[there].mean()),
            float(recall[there].mean()),
            float(f1[there].mean()),
            len(truth),
        ),
        ece=error,
        log_loss=verdict.log_loss(said, truth),
        confusion={
            classes[true]: {classes[c]: int(counts[true, c]) for c in each} for true in each
        },
        reliability=bins,
    )


def reliability(said: Floats, truth: Ids) -> tuple[float, tuple[tuple[float, float, int], ...]]:
    """Expected calibration error of the likeliest class over 15 bins of equal width (Naeini et al.
    2015), and the bins that hold images."""
    sure = said.max(axis=1)
    hit = said.argmax(axis=1) == truth
    place = np.minimum((sure * BINS).astype(int), BINS - 1)
    bins = [
        (float(sure[place == b].mean()), float(hit[place == b].mean()), int((place == b).sum()))
        for b in range(BINS)
        if (place == b).any()
    ]
    error = sum(n * abs(mean - right) for mean, right, n in bins) / len(truth)
    return float(error), tuple(bins)


def mcnemar(
    hits: Mapping[str, npt.NDArray[np.bool_]], pairs: Sequence[tuple[str, str]]
) -> dict[str, McNemar]:
    """McNemar's exact test for pairs of methods, keyed "first vs second"."""
    from scipy.stats import binomtest

    found = {}
    for one, other in pairs:
        first = int((hits[one] & ~hits[other]).sum())
        second = int((~hits[one] & hits[other]).sum())
        p = binomtest(first, first + second).pvalue if first + second else 1.0
        found[f"{one} vs {other}"] = McNemar(first, second, float(p))
    return found
