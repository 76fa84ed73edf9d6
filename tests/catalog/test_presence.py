"""What is there is told by what is not; both ways of asking must say the same, at any time."""

from __future__ import annotations

import numpy as np
import pytest

from mediclip_index.catalog import Catalog, images, presence, removals
from tests.catalog.conftest import add


@pytest.mark.parametrize("seed", range(3))
def test_what_is_there_is_what_the_view_of_images_shows_at_any_time(
    seed: int, filled: Catalog
) -> None:
    """Files come, go, change and return, images are taken out and brought back, at random."""
    rng = np.random.default_rng(seed)
    for step in range(40):
        path = f"/pile/{'abcdef'[rng.integers(6)]}.png"
        with filled.writing("step") as work:
            match rng.integers(4):
                case 0:
                    add(work, {path: f"c{rng.integers(8)}"}, seed=step)
                case 1:
                    images.close_files(work, [path])
                case 2:
                    removals.mark(work, [int(rng.integers(1, 5))], "removed")
                case _:
                    removals.mark(work, [int(rng.integers(1, 5))], "restored")
    with filled.reading() as look:
        numbers: list[int] = []
        for tx in range(look.tx + 1):
            then = look.as_of(tx)
            rows = look.db.execute("SELECT id FROM images_at(?) ORDER BY id", [tx]).fetchall()
            there = presence.present_ids(then)
            assert there.tolist() == [i for (i,) in rows]
            every = {i for (i,) in look.db.execute("SELECT id FROM images").fetchall()}
            assert set(presence.absent_ids(then).tolist()) == every - set(there.tolist())
            assert presence.image_count(then) == len(there)
            out = {
                i for (i,) in look.db.execute("SELECT image FROM removed_at(?)", [tx]).fetchall()
            }
            gone = set(presence.gone_ids(then).tolist())
            assert gone <= every - set(there.tolist()) - out
            numbers += [len(there), len(gone), len(out)]
        assert len(set(numbers)) > 4, "the history is a varied one"
