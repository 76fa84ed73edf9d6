"""Sentences → features by a compiled text tower."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from mediclip_index.encoding.bpe import BPETokenizer, Tokens
from mediclip_index.types import Ids, Vectors

_AT_ONCE = 64


class Texts:
    """Sentences → features, (n, dim), not yet of unit length.

    In a causal tower what stands behind a sentence's end can't reach its vector. Such a tower takes
    tokens of any length, and gets each sentence no longer than it is: class words take an eighth of
    the time that their full context would.
    """

    def __init__(
        self, tower: Callable[[Tokens], Vectors], tokenizer: BPETokenizer, causal: bool
    ) -> None:
        self._tower, self._tokenizer, self._causal = tower, tokenizer, causal

    def __call__(self, sentences: Sequence[str]) -> Vectors:
        tokens = self._tokenizer(sentences)
        parts = [(rows, self._tower(part)) for rows, part in self._parts(tokens)]
        features = np.empty((len(tokens), parts[0][1].shape[1]), dtype=np.float32)
        for rows, part in parts:
            features[rows] = part
        return features

    def _parts(self, tokens: Tokens) -> Iterator[tuple[Ids, Tokens]]:
        whole = tokens.shape[1]
        lengths = np.full(len(tokens), whole)
        if self._causal:
            lengths = tokens.argmax(axis=1) + 1  # the end's number is the largest
        for length in np.unique(lengths):
            alike = np.flatnonzero(lengths == length)
            for start in range(0, len(alike), _AT_ONCE):
                rows = alike[start : start + _AT_ONCE]
                yield rows, np.ascontiguousarray(tokens[rows, :length])
