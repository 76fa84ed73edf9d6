"""Calibration and conformal sets: what they promise, held on drawn data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mediclip_index.types import Calibration
from mediclip_index.verdict import (
    calibrated,
    conformal_sets,
    conformal_thresholds,
    fit_slope,
    images_needed,
    log_loss,
    mean_distance,
    ood_score,
    sharpen,
    with_slope,
)


def drawn(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities that keep their word, and the truth drawn from them."""
    p = rng.uniform(0.02, 0.98, count)
    said = np.stack([p, 1 - p], axis=1)
    return said, (rng.uniform(size=count) > p).astype(np.int64)


def test_a_slope_of_one_changes_nothing_and_none_changes_the_likeliest_class() -> None:
    said = np.array([[0.7, 0.2, 0.1], [0.1, 0.45, 0.45]])
    np.testing.assert_allclose(sharpen(said, 1.0), said)
    for slope in (0.1, 3.0, 40.0):
        assert (sharpen(said, slope).argmax(axis=1) == said.argmax(axis=1)).all()
        np.testing.assert_allclose(sharpen(said, slope).sum(axis=1), 1)


def test_certainty_stays_finite() -> None:
    said = np.array([[1.0, 0.0]])
    assert np.isfinite(sharpen(said, 9.0)).all()
    assert np.isfinite(log_loss(said, np.array([1])))


@pytest.mark.parametrize("slope", [0.4, 1.0, 2.5])
def test_the_fitted_slope_undoes_a_wrong_one(rng: np.random.Generator, slope: float) -> None:
    said, truth = drawn(rng, 20_000)
    assert fit_slope(sharpen(said, 1 / slope), truth) == pytest.approx(slope, rel=0.05)


def test_the_slope_has_the_least_log_loss(rng: np.random.Generator) -> None:
    said, truth = drawn(rng, 2_000)
    said = sharpen(said, 3.0)
    best = fit_slope(said, truth)
    least = log_loss(sharpen(said, best), truth)
    assert all(least <= log_loss(sharpen(said, best * f), truth) for f in (0.8, 0.95, 1.05, 1.25))


@pytest.mark.parametrize("coverage", [0.8, 0.95])
def test_sets_hold_the_truth_of_each_class_as_often_as_promised(
    rng: np.random.Generator, coverage: float
) -> None:
    held: list[list[float]] = [[], []]
    for _ in range(60):
        thresholds = conformal_thresholds(*drawn(rng, 400), coverage)
        fresh, answer = drawn(rng, 1_000)
        inside = conformal_sets(fresh, thresholds)[np.arange(len(answer)), answer]
        for c in (0, 1):
            held[c].append(float(inside[answer == c].mean()))
    for c in (0, 1):
        assert coverage - 0.01 <= np.mean(held[c]) <= coverage + 0.02


def test_the_threshold_is_the_promised_order_statistic() -> None:
    said = np.stack([np.linspace(0.99, 0.01, 39), np.linspace(0.01, 0.99, 39)], axis=1)
    truth = np.zeros(39, dtype=np.int64)
    truth = np.concatenate([truth, np.ones(39, dtype=np.int64)])
    both = np.concatenate([said, said[:, ::-1]])
    thresholds = conformal_thresholds(both, truth, 0.95)  # the ceil(40 * .95) = 38th of 39
    assert thresholds == pytest.approx([np.sort(1 - said[:, 0])[37]] * 2)


def test_too_few_images_are_refused_and_counted() -> None:
    assert images_needed(0.95) == 19
    said = np.array([[0.9, 0.1]] * 18 + [[0.1, 0.9]] * 30)
    truth = np.array([0] * 18 + [1] * 30)
    with pytest.raises(ValueError, match="class 0 has 18"):
        conformal_thresholds(said, truth, 0.95)


def test_an_empty_set_takes_the_likeliest_class() -> None:
    sets = conformal_sets(np.array([[0.6, 0.4], [0.95, 0.05]]), np.array([0.1, 0.1]))
    assert sets.tolist() == [[True, False], [True, False]]


def test_the_distance_is_the_mean_over_the_nearest_that_are_there() -> None:
    near = np.full((3, 12), -np.inf, dtype=np.float32)
    near[0] = np.linspace(0.9, 0.35, 12)  # the last two are beyond the nearest ten
    near[1, :2] = [0.9, 0.5]
    assert mean_distance(near) == pytest.approx([1 - np.linspace(0.9, 0.45, 10).mean(), 0.3, 2.0])


def test_the_same_distance_is_stranger_beside_a_close_knit_crowd() -> None:
    distances, neighbour_distances = np.array([0.3, 0.3, 0.5]), np.array([0.05, 0.3, 0.3])
    close, loose, farther = ood_score(distances, neighbour_distances)
    assert close == pytest.approx(6 * loose)
    assert loose == pytest.approx(np.sqrt(0.3))
    assert farther > loose
    assert np.isfinite(ood_score(np.array([0.1]), np.array([0.0]))).all()


def test_another_slope_leaves_what_is_in_doubt_in_doubt(rng: np.random.Generator) -> None:
    raw = rng.dirichlet((0.7, 0.7), 500)
    fitted = Calibration(
        slope=0.6, coverage=0.95, thresholds={"a": 0.7, "b": 0.55}, strange=None, bound="",
        images=0, factors={"a": 0.4, "b": 1.0},
    )  # fmt: skip
    moved = with_slope(fitted, 1.1, ("a", "b"))

    def sets(one: Calibration) -> np.ndarray:
        final = calibrated(raw, one, ("a", "b"))
        return conformal_sets(final, np.array([one.thresholds["a"], one.thresholds["b"]]))

    np.testing.assert_array_equal(sets(moved), sets(fitted))
    assert 0 < (sets(moved).sum(axis=1) > 1).sum() < 500
    never = with_slope(replace(fitted, thresholds={"a": 1.0, "b": 0.5}), 2.0, ("a", "b"))
    assert never.thresholds["a"] == 1.0
