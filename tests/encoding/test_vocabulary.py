"""Which words the bundled model has learned."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediclip_index.encoding import bundled_versions, unknown_words
from mediclip_index.encoding.vocabulary import hashed, joined_words_of, words_of

WORDS = (
    "dog",
    "stop",
    "city",
    "leaf",
    "metastasis",
    "tumor",
    "white",
    "board",
    "xray",
    "hemorrhage",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a model lies that learned a few words."""
    np.save(tmp_path / "lite-7-words.npy", hashed(WORDS))
    return tmp_path


@pytest.mark.parametrize(
    "text",
    [
        "dog", "Dogs", "stopped", "stopping", "stopper", "cities", "leaves", "metastases",
        "tumours", "whiteboards", "haemorrhages", "X-ray xray", "12 dogs, 3", "a dog's", "",
    ],
)  # fmt: skip
def test_words_are_known_in_their_forms_spellings_and_compounds(text: str, folder: Path) -> None:
    assert unknown_words("lite-7", text, folder) == (("ray",) if "X-ray" in text else ())


def test_other_words_are_named_once_each_and_in_order(folder: Path) -> None:
    assert unknown_words("lite-7", "Röntgenbild: dog, HUND; hund 犬", folder) == (
        "röntgenbild",
        "hund",
        "犬",
    )


def test_a_very_long_word_is_no_compound(folder: Path) -> None:
    assert unknown_words("lite-7", "white" * 20_000, folder) == ("white" * 20_000,)


@pytest.mark.parametrize("model", ["ViT-B-32:openai", "local-dir:/lite-7", "lite-8", "lite-7/../x"])
def test_nothing_is_said_of_models_whose_words_are_not_there(model: str, folder: Path) -> None:
    assert unknown_words(model, "xyzzy", folder) == ()


def test_a_hyphened_word_counts_without_its_hyphen_too() -> None:
    assert words_of("T-shirt, Ångström") == ["t", "shirt", "ångström"]
    assert joined_words_of("a T-shirt and an X-ray") == ["tshirt", "xray"]


@given(st.lists(st.text(min_size=1, max_size=8), max_size=20))
def test_hashes_are_sorted_and_each_there_once(words: list[str]) -> None:
    found = hashed(words)
    assert found.dtype == np.uint32
    assert len(found) <= len(set(words))
    assert (np.diff(found.astype(np.int64)) > 0).all()


def test_the_model_that_comes_with_the_package_knows_english_and_no_german() -> None:
    newest = f"lite-{bundled_versions()[-1]}"
    assert unknown_words(newest, "a chest X-ray of a patient with pneumonia, two dogs") == ()
    assert unknown_words(newest, "Röntgenbild der Lunge") == ("röntgenbild",)
