"""Placing is a mean of landmarks, and a layout puts like beside like."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediclip_index.neighbours import Landmarks, laid_out, placed
from mediclip_index.neighbours.layout import FEW, _with_self_first
from mediclip_index.neighbours.placing import BESIDE, in_frame
from tests.conftest import unit_rows

SEEDS = st.integers(0, 2**32 - 1)


@given(seed=SEEDS, count=st.integers(1, 20), k=st.integers(1, 6), queries=st.integers(1, 30))
@settings(max_examples=100, deadline=None)
def test_a_picture_lies_among_its_landmarks_and_nearest_to_the_nearest_of_two(
    seed: int, count: int, k: int, queries: int
) -> None:
    rng = np.random.default_rng(seed)
    positions = rng.uniform(-1, 1, (count, 2)).astype(np.float32)
    k = min(k, count)
    places = np.stack([rng.choice(count, k, replace=False) for _ in range(queries)])
    cosines = -np.sort(-rng.uniform(-1, 1, (queries, k)).astype(np.float32), axis=1)
    xy = placed(places, cosines, positions)
    around = positions[places]
    assert xy.shape == (queries, 2)
    assert xy.dtype == np.float32
    assert (xy >= around.min(axis=1) - 1e-6).all()
    assert (xy <= around.max(axis=1) + 1e-6).all()
    if k == 2:
        near, far = (np.linalg.norm(xy - around[:, n], axis=1) for n in (0, 1))
        assert (near <= far + 1e-6).all()
    # Each for itself: in another order, or alone, it lies where it lay.
    order = rng.permutation(queries)
    assert np.array_equal(placed(places[order], cosines[order], positions), xy[order])
    assert np.array_equal(placed(places[:1], cosines[:1], positions), xy[:1])


@given(seed=SEEDS, missing=st.integers(1, 4))
@settings(max_examples=50, deadline=None)
def test_landmarks_that_were_not_found_do_not_pull(seed: int, missing: int) -> None:
    rng = np.random.default_rng(seed)
    positions = rng.uniform(-1, 1, (9, 2)).astype(np.float32)
    cosines = -np.sort(-rng.uniform(-1, 1, (3, 5)).astype(np.float32), axis=1)
    places = np.stack([rng.choice(9, 5, replace=False) for _ in range(3)])
    fewer = places.copy()
    fewer[:, 5 - missing :] = -1
    cosines[:, 5 - missing :] = -np.inf
    short = placed(places[:, : 5 - missing], cosines[:, : 5 - missing], positions)
    assert np.allclose(placed(fewer, cosines, positions), short, atol=1e-6)
    assert placed(np.full((1, 5), -1), np.full((1, 5), -np.inf, np.float32), positions).any() == 0


def test_a_copy_of_a_landmark_lies_beside_it_and_many_copies_are_no_single_dot() -> None:
    positions = np.array([[0.5, 0.5], [-0.9, 0.1]], dtype=np.float32)
    count = 2_000
    places = np.tile([0, 1], (count, 1))
    cosines = np.tile(np.array([1.0, 0.3], dtype=np.float32), (count, 1))
    ids = np.arange(1, count + 1)
    xy = placed(places, cosines, positions, ids)
    away = np.linalg.norm(xy - positions[0], axis=1)
    assert away.max() <= BESIDE + 1e-6
    assert len(np.unique(xy, axis=0)) > 0.99 * count
    assert abs(np.corrcoef((xy - positions[0]).T)[0, 1]) < 0.1, "a disc, not a line"
    assert np.median(away) == pytest.approx(BESIDE / np.sqrt(2), rel=0.1)
    assert np.array_equal(placed(places[5:6], cosines[5:6], positions, ids[5:6]), xy[5:6])
    assert np.allclose(placed(places[:1], cosines[:1], positions), positions[0], atol=1e-6)


@given(seed=SEEDS, count=st.integers(0, 40), same=st.integers(0, 10), scale=st.floats(1e-3, 1e3))
@settings(max_examples=100, deadline=None)
def test_a_frame_holds_all_positions_and_none_is_hidden(
    seed: int, count: int, same: int, scale: float
) -> None:
    rng = np.random.default_rng(seed)
    positions = (scale * rng.standard_normal((count, 2))).astype(np.float32)
    positions = np.concatenate([positions, np.repeat(positions[:1], same, axis=0)])
    xy = in_frame(positions)
    assert xy.shape == positions.shape
    assert np.isfinite(xy).all()
    assert np.abs(xy).max(initial=0) <= 1
    assert len(np.unique(xy, axis=0)) == len(xy)
    if count > 1 and not same:
        assert np.ptp(xy, axis=0).max() == pytest.approx(2, abs=1e-3)
        apart, before = np.linalg.norm(xy[0] - xy[1]), np.linalg.norm(positions[0] - positions[1])
        size = float(np.ptp(positions.astype(np.float64), axis=0).max())
        assert apart == pytest.approx(2 * before / size, abs=1e-3), "both axes alike"


@pytest.mark.parametrize("count", [0, 1, 2, 3, FEW, FEW + 1])
def test_few_and_equal_vectors_are_laid_out_too(count: int, rng: np.random.Generator) -> None:
    vectors = unit_rows(rng, count, 8)
    for some in (vectors, np.repeat(vectors[:1], count, axis=0)):
        xy = laid_out(some, 0)
        assert xy.shape == (count, 2)
        assert np.isfinite(xy).all()
        assert np.abs(xy).max(initial=0) <= 1
        assert len(np.unique(xy, axis=0)) == count
        assert np.array_equal(laid_out(some, 0), xy)


def test_each_vector_is_the_first_of_its_neighbours() -> None:
    rows = np.array([[1, 0, 2], [0, 2, 1], [0, 1, -1]])
    cosines = np.array([[1, 1, 0.5], [1, 0.6, 0.2], [0.9, 0.8, -np.inf]], dtype=np.float32)
    own, near = _with_self_first(rows, cosines, 3)
    assert own.tolist() == [[0, 1, 2], [1, 0, 2], [2, 0, 1]]
    assert near.tolist() == [
        [1.0, 1.0, 0.5],
        [1.0, 1.0, pytest.approx(0.6)],
        [1.0, pytest.approx(0.9), pytest.approx(0.8)],
    ]


def test_many_landmarks_are_searched_by_lists_and_found(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    centres = unit_rows(rng, 40, 16)
    vectors = centres[rng.integers(40, size=2_000)] + 0.05 * unit_rows(rng, 2_000, 16)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    exact, _ = Landmarks(vectors).nearest(vectors[:100], 5)
    monkeypatch.setattr("mediclip_index.neighbours.layout._EXACT", 1_000)
    rows, cosines = Landmarks(vectors).nearest(vectors[:100], 5)
    assert (rows == exact).mean() > 0.95
    assert (np.diff(cosines, axis=1) <= 0).all()


THREADS = """
from concurrent.futures import ThreadPoolExecutor
import numpy as np
from mediclip_index.neighbours import laid_out

vectors = np.random.default_rng(0).standard_normal((3_000, 16), dtype=np.float32)
vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
first = laid_out(vectors, 0)
with ThreadPoolExecutor(3) as pool:
    others = list(pool.map(lambda _: laid_out(vectors, 0), range(4)))
assert all(np.array_equal(other, first) for other in others)
"""


def test_threads_may_ask_for_layouts_at_once() -> None:
    # In a process of its own: that of numba's ways which is everywhere ends one where two meet.
    done = subprocess.run(
        [sys.executable, "-c", THREADS],
        env={**os.environ, "NUMBA_THREADING_LAYER": "workqueue"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
