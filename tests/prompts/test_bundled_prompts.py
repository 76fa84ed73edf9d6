"""The sets that come with the package, and one in other people's words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mediclip_index import prompts
from mediclip_index.prompts.lines import lines_of
from mediclip_index.types import UsageError

SECOND_WORDS = Path(__file__).parent / "second_words.toml"

BENCH_MEDICAL = {
    "chest_xray", "ultrasound", "endoscopy", "ct", "wound_photo", "blood_smear",
    "histopathology", "mammography", "mri", "fundus", "dermatology", "bone_xray", "dental_xray",
}  # fmt: skip
BENCH_NON_MEDICAL = {
    "animal", "food", "person", "chart", "thermal", "industrial_el", "room",
    "industrial_surface", "document", "drawing", "building", "texture", "vehicle", "plant",
    "landscape", "satellite", "baggage_xray", "screenshot", "skin_tattoo", "insect",
    "electron_microscopy", "fingerprint", "sport", "raw_meat", "astronomy", "map", "underwater",
    "depth_map", "greyscale_photo", "object", "street", "sonar", "diagram", "circuit_diagram",
    "cover_art", "flow_image", "game_art", "game_screenshot", "logo", "medicine_box",
    "oscilloscope", "pollen", "render_3d", "sheet_music", "text_photo", "thin_section",
    "wallpaper",
}  # fmt: skip

# MediCLIP's own phrases, as its script has them
FORERUNNER = {
    "medical": [
        "a medical image", "an X-ray scan", "an MRI scan", "a CT scan", "an ultrasound image",
        "a histopathology slide", "a medical diagnostic image", "a clinical photograph",
        "a medical examination image", "a healthcare image", "a radiology image",
        "a medical test result", "a patient scan", "a medical procedure image",
    ],
    "non_medical": [
        "a natural image", "a landscape", "an animal", "a building", "a cityscape",
        "a household object", "a nature photograph", "a street scene", "a portrait",
        "a food image", "a vehicle", "a sports image", "a fashion image", "an art piece",
    ],
}  # fmt: skip


def test_two_sets_come_with_the_package() -> None:
    assert prompts.bundled_names() == ("medical", "mediclip")


@pytest.mark.parametrize("name", prompts.bundled_names())
def test_a_bundled_set_bears_its_file_name_and_says_what_it_is(name: str) -> None:
    found = prompts.load_bundled(name)
    assert found.name == name
    assert found.description
    assert found.class_names == ("medical", "non_medical")


def test_the_default_set_has_a_group_for_every_kind_of_picture() -> None:
    medical, non_medical = prompts.load_bundled("medical").classes
    assert {g.name for g in medical.groups} >= BENCH_MEDICAL
    assert {g.name for g in non_medical.groups} >= BENCH_NON_MEDICAL


def test_no_group_name_of_the_default_set_stands_in_both_classes() -> None:
    names = [g.name for c in prompts.load_bundled("medical").classes for g in c.groups]
    assert sorted(names) == sorted(set(names))


def test_every_group_of_the_default_set_has_three_to_eight_plain_sentences() -> None:
    default = prompts.load_bundled("medical")
    assert default.pooling == "groups"
    for group in (g for c in default.classes for g in c.groups):
        assert 3 <= len(group.prompts) <= 8, group.name
        for sentence in group.prompts:
            assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 ,-]*", sentence), sentence


def test_the_set_mediclip_is_the_forerunners_own() -> None:
    found = prompts.load_bundled("mediclip")
    assert found.pooling == "prompts"
    assert {c.name: [g.prompts for g in c.groups] for c in found.classes} == {
        name: [tuple(f"a photo of {phrase}" for phrase in phrases)]
        for name, phrases in FORERUNNER.items()
    }
    assert [len(phrases) for phrases in FORERUNNER.values()] == [14, 14]


def test_other_peoples_words_name_the_same_classes_with_no_sentence_of_ours() -> None:
    second, ours = prompts.load_file(SECOND_WORDS), prompts.load_bundled("medical")
    assert second.class_names == ours.class_names
    assert not {s.casefold() for s in second.sentences} & {s.casefold() for s in ours.sentences}


def test_a_name_that_is_no_bundled_set_gets_the_nearest_one() -> None:
    with pytest.raises(UsageError, match=r"`medcal` comes with .* did you mean `medical`"):
        prompts.load_bundled("medcal")
    with pytest.raises(UsageError, match="there are: medical, mediclip"):
        prompts.load_bundled("../terms")


def test_every_sentence_of_the_default_set_is_found_in_its_own_line() -> None:
    found = prompts.load_bundled("medical")
    lines, text = lines_of(found.source), found.source.split("\n")
    for a_class in found.classes:
        for group in a_class.groups:
            key = ("classes", a_class.name, "groups", group.name)
            assert text[lines[key] - 1] == f"{group.name} = ["
            for i, sentence in enumerate(group.prompts):
                assert text[lines[(*key, i)] - 1].strip() == f'"{sentence}",'
