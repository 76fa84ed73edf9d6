"""Splits dealt by one command: whole groups, the shares that were asked for, class by class."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mediclip_index import Index
from mediclip_index.jobs.split import deal
from mediclip_index.types import UsageError
from tests.jobs.conftest import index, tiny_model

__all__ = ["index", "tiny_model"]


@pytest.fixture
def filled(index: Index, tmp_path: Path, rng: np.random.Generator) -> Index:
    """120 images of two classes in 40 folders of three; two folders share a subject."""
    lines = ["path,label,subject"]
    for folder in range(40):
        place = tmp_path / "pile" / f"{folder:02}"
        place.mkdir(parents=True)
        for number in range(3):
            file = place / f"{number}.png"
            Image.fromarray(rng.integers(0, 255, (40, 40, 3), dtype=np.uint8)).save(file)
            subject = "one" if folder in (3, 17) and number == 0 else ""
            lines.append(f"{file},{'medical' if folder % 4 == 0 else 'non_medical'},{subject}")
    listed = tmp_path / "pile.csv"
    listed.write_text("\n".join(lines) + "\n")
    index.build([str(listed)])
    return index


def splits(index: Index) -> dict[str, str]:
    found = index.search(where="label is not null", k=None).results
    return {hit.path: hit.split or "support" for hit in found}


def test_folders_and_subjects_stay_whole_and_shares_are_met(filled: Index) -> None:
    filled.labels.split({"test": 0.3, "val": 0.1}, by="folder")
    by_folder: dict[str, set[str]] = defaultdict(set)
    for path, split in splits(filled).items():
        by_folder[Path(path).parent.name].add(split)
    assert all(len(found) == 1 for found in by_folder.values())
    assert by_folder["03"] == by_folder["17"]  # of one subject
    counts = Counter(splits(filled).values())
    assert counts["test"] == pytest.approx(36, abs=6)
    assert counts["val"] == pytest.approx(12, abs=6)


def test_what_has_a_split_keeps_it_and_the_same_seed_deals_the_same(filled: Index) -> None:
    first = filled.search(where="true", k=1).results[0]
    filled.labels.set(None, [first.id], split="calibrate")
    filled.labels.split({"test": 0.5}, by="folder", seed=3)
    assert splits(filled)[first.path] == "calibrate"
    before = splits(filled)
    filled.labels.split({"test": 0.5}, by="folder", where="split is null", seed=3)
    assert {p: s for p, s in splits(filled).items() if before[p] != "support"} == {
        p: s for p, s in before.items() if s != "support"
    }


@pytest.mark.parametrize(
    ("shares", "by", "told"),
    [
        ({}, "folder", "Say which splits"),
        ({"test": 0.7, "val": 0.3}, "folder", "leave some for the support"),
        ({"test": 0.3}, "nothing", "There is no column nothing"),
        ({"test": 0.3}, "verdict", "is what the machine says"),
    ],
)
def test_what_can_not_be_dealt_is_said(
    filled: Index, shares: dict[str, float], by: str, told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        filled.labels.split(shares, by=by)
    assert set(splits(filled).values()) == {"support"}


@given(
    st.lists(st.lists(st.sampled_from("ab"), min_size=1, max_size=3), min_size=60, max_size=120),
    st.floats(0.1, 0.4),
    st.integers(0, 5),
)
def test_small_groups_meet_the_share_of_each_class(
    groups: list[list[str]], share: float, seed: int
) -> None:
    dealt = deal(groups, {"test": share}, seed)
    total = Counter(c for group in groups for c in group)
    taken = Counter(c for group, s in zip(groups, dealt, strict=True) if s for c in group)
    for name, count in total.items():
        assert abs(taken[name] - share * count) <= 3
    assert dealt == deal(groups, {"test": share}, seed)
