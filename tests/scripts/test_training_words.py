"""What is said of the pictures that the bundled model learns from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mediclip_index import prompts
from training import rare_words as rare
from training import unseen_words as unseen
from training.bench_rows import RESTRICTED, Row, read_rows, source_families
from training.captions import ALL_BRANCHES, ALL_FAMILIES, ALL_KINDS, captions_of
from training.families import BRANCH_WORDS, BRANCHES, FAMILIES, OTHER_WORDS
from training.fine_words import SAID, described
from training.judge_groups import FURTHER_QUERIES, GROUPS_OF_CATEGORY, rightly_named
from training.words import KINDS

ROW = Row(
    path=Path("a.jpg"),
    label="medical",
    category="mri",
    fine="lumbar spine T2 MRI",
    source="somebody/somewhere",
    licence="",
    split="support",
    subject="",
    family="",
)


@pytest.fixture(scope="module")
def rows(bench: Path) -> list[Row]:
    return read_rows(bench)


def test_every_row_of_the_lists_has_captions_that_are_sentences(rows: list[Row]) -> None:
    for row in rows:
        captions = captions_of(row)
        assert captions.kind
        assert captions.family
        assert all(phrase.strip() == phrase and phrase for phrase in captions.fine)


def test_every_source_of_the_lists_has_a_family(rows: list[Row]) -> None:
    assert {row.source for row in rows} <= set(source_families())


def test_nothing_is_learned_of_sources_that_restrict_use_nor_of_those_that_judge(
    rows: list[Row],
) -> None:
    learned = [row for row in rows if row.learned]
    assert learned
    assert not RESTRICTED & {row.source for row in learned}
    assert {row.split for row in learned} <= {"train", "support"}


def test_a_row_is_learned_from_by_its_split_and_its_source() -> None:
    assert ROW.learned
    assert not replace(ROW, split="gate").learned
    assert not any(replace(ROW, source=source).learned for source in RESTRICTED)


def test_each_kind_is_worded_once_and_belongs_to_one_side() -> None:
    groups = (KINDS, unseen.KINDS, rare.KINDS)
    assert sum(len(kinds) for kinds in groups) == len(ALL_KINDS)
    sides = (BRANCHES, unseen.BRANCHES, rare.BRANCHES, FAMILIES, unseen.FAMILIES, rare.FAMILIES)
    placed = [kind for side in sides for kind in side]
    assert sorted(placed) == sorted(ALL_KINDS)
    assert {b for branches in ALL_BRANCHES.values() for b in branches} <= set(BRANCH_WORDS)
    assert set(ALL_FAMILIES.values()) == set(OTHER_WORDS)
    for phrases in rare.KINDS.values():
        assert 5 <= len(set(phrases)) == len(phrases) <= 9


def test_what_is_said_of_a_fine_class_belongs_to_a_kind_that_there_is() -> None:
    assert {category for category, _ in SAID} <= set(ALL_KINDS)


def test_groups_that_name_a_category_rightly_are_groups_of_the_shipped_set(
    rows: list[Row],
) -> None:
    medical = {g.name for g in prompts.load_bundled("medical").classes[0].groups}
    named = {group for groups in GROUPS_OF_CATEGORY.values() for group in groups}
    assert named <= medical
    categories = {row.category for row in rows if row.label == "medical"}
    assert categories <= set(GROUPS_OF_CATEGORY)


def test_searches_in_other_words_are_three_for_each_medical_category() -> None:
    assert set(FURTHER_QUERIES) == set(GROUPS_OF_CATEGORY)
    asked = [sentence for sentences in FURTHER_QUERIES.values() for sentence in sentences]
    assert len(set(asked)) == 3 * len(FURTHER_QUERIES)
    shipped = prompts.load_bundled("medical").sentences
    assert not {s.casefold() for s in asked} & {s.casefold() for s in shipped}


def test_a_part_of_a_modality_names_it_rightly() -> None:
    assert rightly_named("ultrasound", "fetal_ultrasound")
    assert rightly_named("chart", "chart")
    assert not rightly_named("ct", "mri")


@pytest.mark.parametrize(
    ("category", "fine", "said"),
    [
        ("mri", "lumbar spine T2 MRI", "an MRI of the lower back"),
        ("mri", "brain tumour", "an MRI of the brain tumour"),
        ("ct", "chest CT Bengin", "a chest CT benign scan"),
        ("pollen", "tilia platyphyllos", "tilia platyphyllos pollen"),
        ("satellite", "RiverLake", "an aerial photo of a River Lake"),
    ],
)
def test_a_fine_class_is_told_in_words(category: str, fine: str, said: str) -> None:
    assert said in described(category, fine)


@pytest.mark.parametrize("fine", ["", "MR", "MR 3-PLANE LOC", "MIAS name"])
def test_shorthand_describes_nothing(fine: str) -> None:
    assert described("mri", fine) == ()
