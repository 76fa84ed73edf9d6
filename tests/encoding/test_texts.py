"""Sentences reach a compiled text tower no longer than they are, and come back in their order."""

from __future__ import annotations

import numpy as np

from mediclip_index.encoding.bpe import BPETokenizer, Tokens
from mediclip_index.encoding.texts import Texts
from mediclip_index.types import Vectors

SENTENCES = [
    "a cat",
    "a photo of " + "very " * 40 + "much",
    "",
    "a chest X-ray of two lungs",
    "dog",
]


def asked(causal: bool, sentences: list[str]) -> tuple[Vectors, list[tuple[int, ...]]]:
    """What comes back from a tower that says a sentence's length and last word, and the shapes of
    what it was given."""
    shapes: list[tuple[int, ...]] = []

    def tower(tokens: Tokens) -> Vectors:
        shapes.append(tokens.shape)
        ends = tokens.argmax(axis=1)
        last = np.take_along_axis(tokens, ends[:, None] - 1, axis=1)[:, 0]
        return np.stack([ends, last], axis=1).astype(np.float32)

    return Texts(tower, BPETokenizer(77), causal)(sentences), shapes


def test_a_causal_tower_is_spared_what_stands_behind_the_end() -> None:
    cut, shapes = asked(True, SENTENCES)
    whole, full = asked(False, SENTENCES)
    assert full == [(5, 77)]
    assert shapes == [(1, 2), (1, 3), (1, 4), (1, 10), (1, 46)]
    assert np.array_equal(cut, whole)


def test_many_sentences_go_in_parts() -> None:
    many = [SENTENCES[n % 5] for n in range(330)]
    cut, shapes = asked(True, many)
    assert np.array_equal(cut, asked(False, many)[0])
    assert max(rows for rows, _ in shapes) == 64
    assert sum(rows for rows, _ in shapes) == 330
