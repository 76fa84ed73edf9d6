"""Zero-shot: the words' probabilities."""

from __future__ import annotations

import numpy as np
import pytest

from mediclip_index.types import Pooling, PromptClass, PromptGroup, PromptSet
from mediclip_index.verdict import prompt_embeddings, zero_shot
from mediclip_index.verdict.zero_shot import softmax, unit
from tests.conftest import unit_rows

SET = PromptSet(
    name="t",
    pooling="groups",
    classes=(
        PromptClass("a", (PromptGroup("a1", ("p", "q")), PromptGroup("a2", ("r",)))),
        PromptClass("b", (PromptGroup("b1", ("s", "t", "u")),)),
    ),
    source="",
    sha256="",
)


def test_mediclips_pooling_is_a_softmax_over_all_sentences_summed_by_class(
    rng: np.random.Generator,
) -> None:
    sentences, images = unit_rows(rng, 6, 8), unit_rows(rng, 5, 8)
    said = zero_shot(images, prompt_embeddings(SET, sentences, "prompts"), 100.0)
    powers = np.exp(100.0 * images.astype(np.float64) @ sentences.T.astype(np.float64))
    shares = powers / powers.sum(axis=1, keepdims=True)
    expected = np.stack([shares[:, :3].sum(axis=1), shares[:, 3:].sum(axis=1)], axis=1)
    np.testing.assert_allclose(said.classes, expected, atol=1e-5)


def test_a_group_is_scored_by_the_mean_of_its_sentences_as_far_from_the_middle_as_any(
    rng: np.random.Generator,
) -> None:
    sentences, images = unit_rows(rng, 6, 8), unit_rows(rng, 5, 8)
    said = zero_shot(images, prompt_embeddings(SET, sentences, "groups"), 20.0)
    means = np.stack([sentences[:2].mean(0), sentences[2], sentences[3:].mean(0)])
    apart = means - means.mean(axis=0)
    far = np.linalg.norm(apart, axis=1)
    means = means.mean(axis=0) + apart / far[:, None] * far.mean()
    expected = softmax(20.0 * (images @ means.T).astype(np.float64))
    np.testing.assert_allclose(said.groups, expected, atol=1e-6)
    np.testing.assert_allclose(said.classes[:, 0], expected[:, :2].sum(axis=1), atol=1e-6)


def test_a_group_that_has_nothing_to_do_with_the_picture_costs_its_class_nothing() -> None:
    # Class a has a perfect group and a far one; a mean over groups would halve its score.
    sentences = np.eye(6, dtype=np.float32)[[0, 0, 5, 1, 1, 1]]
    image = unit(np.array([[1.0, 0.8, 0, 0, 0, 0]]))
    said = zero_shot(image, prompt_embeddings(SET, sentences, "groups"), 50.0)
    assert said.classes[0, 0] > 0.99


@pytest.mark.parametrize("pooling", ["groups", "mean", "prompts"])
def test_classes_and_groups_each_sum_to_one(pooling: Pooling, rng: np.random.Generator) -> None:
    said = zero_shot(
        unit_rows(rng, 4, 8),
        prompt_embeddings(SET, unit_rows(rng, 6, 8), pooling),
        30.0,
        {"b": 3.0},
    )
    np.testing.assert_allclose(said.classes.sum(axis=1), 1)
    np.testing.assert_allclose(said.groups.sum(axis=1), 1)
    np.testing.assert_allclose(said.groups[:, :2].sum(axis=1), said.classes[:, 0])


def test_a_bias_multiplies_the_odds_of_its_class(rng: np.random.Generator) -> None:
    words, images = prompt_embeddings(SET, unit_rows(rng, 6, 8), "groups"), unit_rows(rng, 4, 8)
    plain = zero_shot(images, words, 10.0).classes
    biased = zero_shot(images, words, 10.0, {"b": 3.0}).classes
    np.testing.assert_allclose(biased[:, 1] / biased[:, 0], 3 * plain[:, 1] / plain[:, 0])


def test_the_order_of_prompts_does_not_matter(rng: np.random.Generator) -> None:
    sentences, images = unit_rows(rng, 6, 8), unit_rows(rng, 4, 8)
    swapped = sentences[[1, 0, 2, 5, 3, 4]]
    first = zero_shot(images, prompt_embeddings(SET, sentences, "groups"), 10.0).classes
    second = zero_shot(images, prompt_embeddings(SET, swapped, "groups"), 10.0).classes
    np.testing.assert_allclose(first, second, atol=1e-6)


def test_large_scales_do_not_overflow(rng: np.random.Generator) -> None:
    said = zero_shot(
        unit_rows(rng, 3, 8), prompt_embeddings(SET, unit_rows(rng, 6, 8), "prompts"), 1e4
    )
    assert np.isfinite(said.classes).all()
