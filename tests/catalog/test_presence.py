"""What is there is told by what is not; both ways of asking must say the same, at any time."""

from __future__ import annotations

import numpy as np
import pytest

from mediclip_index.catalog import Catalog, images, presence, removals
from mediclip_index.catalog.images import NewFile
from tests.catalog.conftest import add


@pytest.mark.parametrize("seed", range(3))
def test_what_is_there_is_what_the_view_of_images_shows_at_any_time(
    seed: int, filled: Catalog
) -> None:
    """Files come, go, change and return, images are taken out and brought back, at random."""
    rng = np.random.default_rng(seed)
    for step in range(40):
        path = f"/pile/{'abcdef'[rng.integers(6)]}.png"
        with filled.writing("step") as write:
            match rng.integers(5):
                case 4:  # a file that holds no picture, or can't be read
                    images.add_files(write, 1, [NewFile(path, 9, step, None)])
                case 0:
                    add(write, {path: f"c{rng.integers(8)}"}, seed=step)
                case 1:
                    images.close_files(write, [path])
                case 2:
                    removals.mark(write, [int(rng.integers(1, 5))], "removed")
                case _:
                    removals.mark(write, [int(rng.integers(1, 5))], "restored")
    with filled.reading() as read:
        numbers: list[tuple[int, int, int]] = []

        def ids(query: str, tx: int) -> set[int]:
            return {i for (i,) in read.db.execute(query, [tx]).fetchall()}

        for tx in range(read.tx + 1):
            then = read.as_of(tx)
            there = presence.present_ids(then)
            assert there.tolist() == sorted(ids("SELECT id FROM images_at(?)", tx))
            absent = ids("SELECT id FROM images WHERE ? >= 0", tx) - set(there.tolist())
            assert set(presence.absent_ids(then).tolist()) == absent
            assert presence.image_count(then) == len(there)
            out = ids("SELECT image FROM removed_at(?)", tx)
            known = ids("SELECT id FROM images WHERE tx <= ?", tx)
            gone = set(presence.gone_ids(then).tolist())
            assert gone == known - set(there.tolist()) - out
            numbers.append((len(there), len(gone), len(out)))
        assert all(len({n[place] for n in numbers}) > 2 for place in range(3)), "a varied history"
