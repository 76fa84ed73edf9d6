"""Pictures that are drawn where photographed ones are lacking."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts" / "train_lite"))

from captions import ALL_BRANCHES, ALL_FAMILIES, ALL_KINDS
from simulated.pictures import KINDS, Kind, simulated_rows

QUICK = tuple(kind for kind in KINDS if kind.name in ("ecg", "code_pattern", "chromosomes"))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_each_kind_draws_a_picture_with_something_in_it(kind: Kind) -> None:
    drawn = kind.draw(np.random.default_rng(1))
    assert drawn.dtype == np.uint8
    assert drawn.ndim == 3
    assert drawn.shape[2] == 3
    assert min(drawn.shape[:2]) > 100
    assert drawn.std() > 8


def test_a_picture_is_the_same_whenever_it_is_drawn_and_unlike_the_next() -> None:
    for kind in QUICK:
        once, again, other = (kind.draw(np.random.default_rng(seed)) for seed in (3, 3, 4))
        assert np.array_equal(once, again)
        assert not np.array_equal(once, other)


def test_pictures_are_drawn_once_and_each_kind_is_a_source_that_nobody_is_judged_by(
    tmp_path: Path,
) -> None:
    rows = simulated_rows(tmp_path, 2, QUICK)
    drawn = {row.path: row.path.stat().st_mtime_ns for row in rows}
    assert len(drawn) == 2 * len(QUICK)
    assert len({row.source for row in rows}) == len(QUICK)
    assert all(row.simulated and row.learned for row in rows)
    assert simulated_rows(tmp_path, 2, QUICK) == rows
    assert {path: path.stat().st_mtime_ns for path in drawn} == drawn


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_kind_has_words_of_its_own_side(kind: Kind) -> None:
    assert ALL_KINDS[kind.category]
    assert (kind.category in ALL_BRANCHES) == kind.medical
    assert (kind.category in ALL_FAMILIES) != kind.medical
