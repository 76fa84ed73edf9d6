"""Neighbours' votes, and their blend with the words."""

from __future__ import annotations

import numpy as np
import pytest

from mediclip_index.verdict import blend, complete_votes, vote_weights, votes


def weighted(
    similarities: list[float], classes: list[int], counts: list[int], *, near: float = 0.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    s = np.array([similarities], dtype=np.float32)
    c, n = np.array([classes]), np.array(counts)
    return vote_weights(s, c, n, beta=10.0, near=near), c, n, s


def test_a_vote_is_exp_of_minus_beta_times_distance_over_its_classs_smoothed_share() -> None:
    weights, *_ = weighted([0.9, 0.8], [0, 1], [30, 50])
    shares = np.array([40, 60]) / 100
    np.testing.assert_allclose(weights[0], np.exp(-10 * np.array([0.1, 0.2])) / shares, rtol=1e-6)


def test_a_class_with_ten_times_the_support_wins_nothing_by_it() -> None:
    # Around the picture both classes lie equally thick for their size: of 11 neighbours 10 are
    # of the big class, all equally near.
    even, c, n, _ = weighted([0.9] * 11, [0] * 10 + [1], [10_000, 1_000])
    shares, voted = votes(even, c, n)
    assert voted[0]
    assert shares[0, 0] == pytest.approx(0.5, abs=0.01)


def test_support_of_ten_times_the_size_shifts_no_verdict_between_two_clouds() -> None:
    for sizes in ((100, 100), (1_000, 100), (100, 1_000)):
        shares = np.concatenate([between(*sizes, seed) for seed in range(8)])
        # Votes that were not divided by the class's share would give the big class over 80 %.
        assert (shares > 0.5).mean() == pytest.approx(0.5, abs=0.05)


def between(first: int, second: int, seed: int) -> np.ndarray:
    """What the first class gets (200,) of pictures half-way between two clouds of these sizes."""
    dice = np.random.default_rng(seed)
    centres = np.eye(2, 32)

    def around(centre: np.ndarray, count: int) -> np.ndarray:
        scattered = centre + 0.18 * dice.standard_normal((count, 32))
        return np.asarray(scattered / np.linalg.norm(scattered, axis=1, keepdims=True))

    support = np.concatenate([around(centres[0], first), around(centres[1], second)])
    classes, counts = np.repeat([0, 1], [first, second]), np.array([first, second])
    cosines = (around(centres.mean(axis=0) * np.sqrt(2), 200) @ support.T).astype(np.float32)
    order = np.argsort(-cosines, axis=1)[:, :40]
    near = np.take_along_axis(cosines, order, axis=1)
    weights = vote_weights(near, classes[order], counts, beta=10.0, near=-1.0)
    return np.asarray(votes(weights, classes[order], counts)[0][:, 0])


def test_neighbours_that_are_not_near_have_no_vote() -> None:
    weights, c, n, _ = weighted([0.9, 0.2], [0, 1], [5, 5], near=0.5)
    assert weights[0, 1] == 0
    shares, _ = votes(weights, c, n)
    np.testing.assert_allclose(shares[0], [1, 0])


def test_there_is_no_vote_without_two_supported_classes() -> None:
    weights, c, n, _ = weighted([0.9, 0.8], [0, 0], [5, 0])
    shares, voted = votes(weights, c, n)
    assert not voted[0]
    assert not shares.any()


def test_there_is_no_vote_without_a_near_neighbour() -> None:
    weights, c, n, _ = weighted([-np.inf, 0.1], [-1, 0], [5, 5], near=0.5)
    assert not votes(weights, c, n)[1][0]


def test_a_missing_neighbour_weighs_nothing() -> None:
    weights, *_ = weighted([0.9, -np.inf], [0, -1], [5, 5])
    assert weights[0, 1] == 0


def test_a_class_known_by_words_alone_keeps_what_the_words_give_it() -> None:
    words = np.array([[0.1, 0.2, 0.7]])
    full = complete_votes(np.array([[0.75, 0.25, 0.0]]), words, np.array([5, 5, 0]))
    np.testing.assert_allclose(full, [[0.3 * 0.75, 0.3 * 0.25, 0.7]])


def test_alpha_0_is_the_words_and_alpha_1_the_votes_to_the_last_digit() -> None:
    words, said = np.array([[0.1, 0.9]]), np.array([[0.7, 0.3]])
    voted = np.array([True])
    assert (blend(words, said, voted, 0.0) == words).all()
    assert (blend(words, said, voted, 1.0) == said).all()
    np.testing.assert_allclose(blend(words, said, voted, 0.25), [[0.25, 0.75]])


def test_without_a_vote_the_verdict_is_the_words() -> None:
    words = np.array([[0.1, 0.9]])
    assert (blend(words, np.zeros((1, 2)), np.array([False]), 1.0) == words).all()
