"""Exact and compressed files answer alike: the true neighbours, with their true cosines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mediclip_index import neighbours
from mediclip_index.neighbours import Stored, VectorIndex, VectorSource, kind_for, open_file
from mediclip_index.neighbours.exact import cosines
from mediclip_index.types import Ids, Vectors
from tests.conftest import unit_rows
from tests.neighbours.test_neighbours import brute, placed, unasked

DIM, COUNT, K = 32, 3000, 10
KINDS = ["exact", "compressed"]


def clustered(rng: np.random.Generator, count: int) -> Vectors:
    """Sixty clusters of like images; the centres are the same for every call."""
    centres = unit_rows(np.random.default_rng(5), 60, DIM)
    noise = unit_rows(rng, count, DIM)
    rows = centres[rng.integers(0, 60, count)] + 0.6 * noise
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


@pytest.fixture
def vectors(rng: np.random.Generator) -> Vectors:
    return clustered(rng, COUNT)


@pytest.fixture
def ids() -> Ids:
    return np.arange(COUNT) * 2 + 1


def opened(folder: Path, ids: Ids, vectors: Vectors, kind: str) -> VectorIndex:
    """Nine tenths in a file, the rest beside it."""
    cut = len(ids) * 9 // 10
    file = open_file(folder, placed(folder, ids[:cut], vectors[:cut], kind))
    return VectorIndex([file], ids[cut:], vectors[cut:])


def catalog_of(ids: Ids, vectors: Vectors) -> Stored:
    def stored(wanted: Sequence[int]) -> tuple[Ids, Vectors]:
        there = np.isin(ids, np.array(wanted))
        return ids[there], vectors[there]

    return stored


def share_found(found: Ids, expected: Ids) -> float:
    return float(
        np.mean([len(set(f) & set(e)) / len(e) for f, e in zip(found, expected, strict=True)])
    )


@pytest.mark.parametrize("kind", KINDS)
def test_the_true_neighbours_are_found_with_their_true_cosines(
    kind: str, tmp_path: Path, ids: Ids, vectors: Vectors, rng: np.random.Generator
) -> None:
    everything = opened(tmp_path, ids, vectors, kind)
    queries = clustered(rng, 100)
    found, near = everything.search(queries, K, None, catalog_of(ids, vectors))
    assert share_found(found, brute(queries, ids, vectors, K)) >= (1 if kind == "exact" else 0.97)
    for query, row, said in zip(queries, found, near, strict=True):
        np.testing.assert_array_equal(said, cosines(query, vectors[np.searchsorted(ids, row)]))
        np.testing.assert_array_equal(np.lexsort((row, -said)), np.arange(K))


@pytest.mark.parametrize("few", [0, 1 << 22])
@pytest.mark.parametrize("kind", KINDS)
def test_a_condition_gives_the_nearest_of_those_that_meet_it(
    kind: str,
    few: int,
    tmp_path: Path,
    ids: Ids,
    vectors: Vectors,
    rng: np.random.Generator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mediclip_index.neighbours.search.FEW_NUMBERS", few)
    everything = opened(tmp_path, ids, vectors, kind)
    # The farthest from the queries' own clusters, where a file tuned without them does not look.
    queries = clustered(rng, 20)
    some = np.sort(ids[np.argsort((queries @ vectors.T).max(axis=0))[: COUNT // 4]])
    rows = np.searchsorted(ids, some)
    found, _ = everything.search(queries, K, some, catalog_of(ids, vectors))
    assert share_found(found, brute(queries, some, vectors[rows], K)) >= 0.995


@pytest.mark.parametrize("kind", KINDS)
def test_images_that_are_not_there_are_not_found(
    kind: str, tmp_path: Path, ids: Ids, vectors: Vectors
) -> None:
    file = open_file(tmp_path, placed(tmp_path, ids[:2700], vectors[:2700], kind))
    absent = ids[::3]
    everything = VectorIndex([file], ids[2700:], vectors[2700:], absent)
    found, _ = everything.search(vectors[:90], K, None, catalog_of(ids, vectors))
    assert not np.isin(found, absent).any()
    there = np.setdiff1d(ids, absent)
    expected = brute(vectors[:90], there, vectors[np.searchsorted(ids, there)], K)
    assert share_found(found, expected) >= (1 if kind == "exact" else 0.97)


@pytest.mark.parametrize("kind", KINDS)
def test_hundreds_of_equal_images_come_in_order_of_id(
    kind: str, tmp_path: Path, ids: Ids, vectors: Vectors, rng: np.random.Generator
) -> None:
    equal = np.sort(rng.choice(COUNT, 400, replace=False))
    vectors[equal] = vectors[0]
    everything = opened(tmp_path, ids, vectors, kind)
    found, near = everything.search(vectors[:1], 20, None, catalog_of(ids, vectors))
    assert found[0].tolist() == sorted({int(ids[0]), *ids[equal].tolist()})[:20]
    assert len(set(near[0].tolist())) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_query_has_the_same_answer_alone_and_among_others(
    kind: str, tmp_path: Path, ids: Ids, vectors: Vectors, rng: np.random.Generator
) -> None:
    everything = opened(tmp_path, ids, vectors, kind)
    queries = clustered(rng, 70)
    stored = catalog_of(ids, vectors)
    together = everything.search(queries, K, None, stored)
    for row in (0, 69):
        alone = everything.search(queries[row : row + 1], K, None, stored)
        np.testing.assert_array_equal(alone[0][0], together[0][row])
        np.testing.assert_array_equal(alone[1][0], together[1][row])


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    seed=st.integers(0, 1000),
    cut=st.integers(0, 40),
    k=st.integers(1, 50),
    among=st.sets(st.integers(0, 39)) | st.none(),
    absent=st.sets(st.integers(0, 39)),
)
def test_an_exact_file_and_what_is_beside_it_are_brute_force(
    tmp_path: Path, seed: int, cut: int, k: int, among: set[int] | None, absent: set[int]
) -> None:
    # Few directions, so that many cosines are equal.
    rng = np.random.default_rng(seed)
    vectors = np.eye(4, dtype=np.float32)[rng.integers(0, 4, 40)] * rng.choice([-1, 1], (40, 1))
    vectors = vectors.astype(np.float32)
    ids = np.arange(40) + 7
    files = (
        [open_file(tmp_path, placed(tmp_path, ids[:cut], vectors[:cut], "exact"))] if cut else []
    )
    gone = np.array(sorted(absent), dtype=np.int64) + 7
    wanted = None if among is None else np.array(sorted(among), dtype=np.int64) + 7
    everything = VectorIndex(files, ids[cut:], vectors[cut:], gone)
    found, near = everything.search(vectors[:3], k, wanted, unasked)
    there = np.setdiff1d(ids, gone) if wanted is None else wanted
    cosine = vectors[:3] @ vectors[there - 7].T
    for row in range(3):
        expected = there[np.lexsort((there, -cosine[row]))][:k]
        assert found[row][found[row] >= 0].tolist() == expected.tolist()
        assert (near[row][len(expected) :] == -np.inf).all()


def test_a_file_is_tuned_for_images_and_for_sentences(
    tmp_path: Path, ids: Ids, vectors: Vectors, rng: np.random.Generator
) -> None:
    sentences = unit_rows(rng, 60, DIM)
    only_images = neighbours.write_file(tmp_path, VectorSource.of(ids, vectors), "compressed")
    both = neighbours.write_file(tmp_path, VectorSource.of(ids, vectors, sentences), "compressed")
    assert only_images.recall is not None and only_images.recall >= 0.98
    assert both.recall is not None and both.recall >= 0.98
    placed_file = neighbours.place_file(
        both, generation=1, fingerprint="f", since_tx=0, through_tx=1
    )
    none = np.empty(0, dtype=np.int64)
    everything = VectorIndex(
        [open_file(tmp_path, placed_file)], none, np.empty((0, DIM), dtype=np.float32)
    )
    asked = unit_rows(rng, 60, DIM)
    found, _ = everything.search(asked, K, None, catalog_of(ids, vectors))
    assert share_found(found, brute(asked, ids, vectors, K)) >= 0.95


@pytest.mark.parametrize("count", [1, 2, 30])
def test_few_vectors_can_be_compressed_too(count: int, tmp_path: Path, vectors: Vectors) -> None:
    ids = np.arange(count) + 1
    file = open_file(tmp_path, placed(tmp_path, ids, vectors[:count], "compressed"))
    none = np.empty(0, dtype=np.int64)
    everything = VectorIndex([file], none, np.empty((0, DIM), dtype=np.float32))
    found, _ = everything.search(vectors[:1], 5, None, catalog_of(ids, vectors[:count]))
    assert found[0][0] == 1
    assert (found[0] >= 1).sum() == min(5, count)


def test_vectors_erased_from_the_catalog_are_not_found_in_a_compressed_file(
    tmp_path: Path, ids: Ids, vectors: Vectors
) -> None:
    everything = opened(tmp_path, ids, vectors, "compressed")
    found, _ = everything.search(vectors[:1], K, None, catalog_of(ids[1:], vectors[1:]))
    assert ids[0] not in found


def test_a_file_is_exact_while_comparing_with_all_is_quick() -> None:
    assert kind_for("auto", 15_000, 512) == "exact"
    assert kind_for("auto", 1_000_000, 512) == "compressed"
    assert kind_for("exact", 1_000_000, 512) == "exact"
    assert kind_for("compressed", 10, 512) == "compressed"
