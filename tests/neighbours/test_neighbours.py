"""FAISS files are derived: exact, and never trusted unless they are the recorded ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mediclip_index.neighbours import (
    Damaged,
    VectorIndex,
    VectorSource,
    nearest,
    open_file,
    place_file,
    sweep,
    write_file,
)
from mediclip_index.types import Ids, NeighbourFile, Vectors
from tests.conftest import unit_rows

DIM = 16


@pytest.fixture
def vectors(rng: np.random.Generator) -> Vectors:
    return unit_rows(rng, 300, DIM)


@pytest.fixture
def ids() -> Ids:
    return np.arange(10, 310) * 3


@pytest.fixture
def recorded(tmp_path: Path, ids: Ids, vectors: Vectors) -> NeighbourFile:
    return placed(tmp_path, ids[:250], vectors[:250], "exact")


def placed(
    folder: Path, ids: Ids, vectors: Vectors, kind: str, generation: int = 1
) -> NeighbourFile:
    written = write_file(folder, VectorSource.of(ids, vectors), kind)
    return place_file(written, generation=generation, fingerprint="f", since_tx=0, through_tx=7)


def unasked(ids: Sequence[int]) -> tuple[Ids, Vectors]:
    raise AssertionError("an exact file holds its vectors itself")


def brute(queries: Vectors, ids: Ids, vectors: Vectors, k: int) -> Ids:
    order = np.argsort(-(queries @ vectors.T), axis=1, kind="stable")[:, :k]
    return ids[order]


def test_file_and_newer_vectors_together_give_the_exact_neighbours(
    tmp_path: Path, recorded: NeighbourFile, ids: Ids, vectors: Vectors, rng: np.random.Generator
) -> None:
    everything = VectorIndex([open_file(tmp_path, recorded)], ids[250:], vectors[250:])
    queries = unit_rows(rng, 20, DIM)
    found, similarities = everything.search(queries, 10, None, unasked)
    np.testing.assert_array_equal(found, brute(queries, ids, vectors, 10))
    assert (np.diff(similarities, axis=1) <= 0).all()


def test_only_the_images_asked_for_are_found(
    tmp_path: Path, recorded: NeighbourFile, ids: Ids, vectors: Vectors, rng: np.random.Generator
) -> None:
    everything = VectorIndex([open_file(tmp_path, recorded)], ids[250:], vectors[250:])
    some = np.sort(rng.choice(ids, 40, replace=False))
    queries = unit_rows(rng, 5, DIM)
    found, _ = everything.search(queries, 10, some, unasked)
    rows = np.searchsorted(ids, some)
    np.testing.assert_array_equal(found, brute(queries, some, vectors[rows], 10))


def test_fewer_images_than_k_leave_no_stranger_in_the_answer(
    tmp_path: Path, recorded: NeighbourFile, ids: Ids, vectors: Vectors
) -> None:
    everything = VectorIndex([open_file(tmp_path, recorded)], ids[250:], vectors[250:])
    found, _ = everything.search(vectors[:2], 10, ids[[0, 1, 260]], unasked)
    assert {int(i) for i in found.ravel() if i >= 0} == {int(i) for i in ids[[0, 1, 260]]}


def test_nothing_is_found_among_nothing(
    tmp_path: Path, recorded: NeighbourFile, ids: Ids, vectors: Vectors
) -> None:
    everything = VectorIndex([open_file(tmp_path, recorded)], ids[250:], vectors[250:])
    found, _ = everything.search(vectors[:2], 10, np.array([], dtype=np.int64), unasked)
    assert found.shape == (2, 0)


def test_equal_neighbours_come_in_order_of_id() -> None:
    same = np.repeat(np.eye(1, DIM, dtype=np.float32), 6, axis=0)
    found, _ = nearest(same[:1], np.array([9, 3, 7, 1, 5, 2]), same, 4)
    assert found.tolist() == [[1, 2, 3, 5]]


@pytest.mark.parametrize("harm", ["missing", "truncated", "flipped", "foreign"])
def test_a_file_that_is_not_the_recorded_one_is_never_opened(
    harm: str, tmp_path: Path, recorded: NeighbourFile, ids: Ids, vectors: Vectors
) -> None:
    path = tmp_path / recorded.file
    data = bytearray(path.read_bytes())
    if harm == "missing":
        path.unlink()
    elif harm == "truncated":
        path.write_bytes(data[:-100])
    elif harm == "flipped":
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    else:
        placed(tmp_path, ids[:250] + 1, vectors[:250], "exact")
    with pytest.raises(Damaged):
        open_file(tmp_path, recorded)


def test_a_copied_file_is_hashed_again_and_opened(tmp_path: Path, recorded: NeighbourFile) -> None:
    other = replace(recorded, mtime_ns=recorded.mtime_ns - 1, inode=recorded.inode + 1)
    assert open_file(tmp_path, other).ntotal == 250


def test_files_in_force_and_those_before_them_are_kept_and_older_ones_swept(
    tmp_path: Path, ids: Ids, vectors: Vectors
) -> None:
    files = [placed(tmp_path, ids, vectors, "exact", generation) for generation in range(1, 6)]
    sweep(tmp_path, [files[1], files[3]], alive=lambda _: True)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "neighbours-2.faiss",
        "neighbours-4.faiss",
        "neighbours-5.faiss",
    ]


def test_what_a_killed_writer_left_unfinished_is_swept(tmp_path: Path) -> None:
    left, under_way = tmp_path / ".neighbours-7-1", tmp_path / ".neighbours-8-1"
    left.touch()
    under_way.touch()
    sweep(tmp_path, [], alive=lambda process: process == 8)
    assert list(tmp_path.iterdir()) == [under_way]
