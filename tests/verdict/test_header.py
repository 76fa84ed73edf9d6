"""What a DICOM header says, as factors on the odds of classes and kinds."""

from __future__ import annotations

import numpy as np
import pytest

from mediclip_index.prompts import load_bundled
from mediclip_index.types import HeaderVote
from mediclip_index.verdict import (
    FAMILIES,
    PromptEmbeddings,
    family_of,
    header_factors,
    header_vote,
    kind_factors,
    prior_corrected,
    prompt_embeddings,
)
from mediclip_index.verdict.header import KINDS_OF_MODALITY, ODDS, ODDS_OF_CAPTURES
from tests.conftest import unit_rows


@pytest.fixture(scope="module")
def words() -> PromptEmbeddings:
    text_classifier = load_bundled("medical")
    sentences = unit_rows(np.random.default_rng(1), len(text_classifier.sentences), 32)
    return prompt_embeddings(text_classifier, sentences, "groups")


def test_every_modality_speaks_for_medical_kinds_that_the_shipped_words_have(
    words: PromptEmbeddings,
) -> None:
    for modality, kinds in KINDS_OF_MODALITY.items():
        assert set(kinds) <= set(words.groups), modality
        assert header_vote(modality, False, words) == HeaderVote(modality, "medical", ODDS)


def test_every_family_is_of_kinds_that_the_shipped_words_have(words: PromptEmbeddings) -> None:
    for name, kinds in FAMILIES.items():
        assert set(kinds) <= set(words.groups), name
        assert name not in words.groups or name in kinds, name
    assert family_of("echocardiography") == "ultrasound"
    assert family_of("histopathology") == "microscopy"
    assert family_of("fundus") == "fundus"
    assert family_of(None) == ""


@pytest.mark.parametrize("modality", ["", "OT", "DOC", "SEG", "mr"])
def test_what_tells_nothing_of_a_picture_has_no_voice(
    words: PromptEmbeddings, modality: str
) -> None:
    assert header_vote(modality, False, words) is None


def test_a_header_weighs_as_bayes_says(words: PromptEmbeddings) -> None:
    votes = [header_vote("MR", False, words), None, header_vote("CT", True, words)]
    said = np.array([[0.04, 0.96], [0.04, 0.96], [0.5, 0.5]])
    final = prior_corrected(said, header_factors(votes, words.classes))
    odds = final[:, 0] / final[:, 1]
    assert odds == pytest.approx([ODDS * 4 / 96, 4 / 96, ODDS_OF_CAPTURES])


def test_a_header_lifts_its_own_kinds_alone(words: PromptEmbeddings) -> None:
    factors = kind_factors(header_vote("US", False, words), words)
    lifted = {group for group, factor in zip(words.groups, factors, strict=True) if factor > 1}
    assert lifted == set(KINDS_OF_MODALITY["US"])
    assert (kind_factors(None, words) == 1).all()


def test_a_prompt_set_without_such_kinds_is_left_alone() -> None:
    text_classifier = load_bundled("mediclip")
    sentences = unit_rows(np.random.default_rng(1), len(text_classifier.sentences), 32)
    assert (
        header_vote("MR", False, prompt_embeddings(text_classifier, sentences, "prompts")) is None
    )
