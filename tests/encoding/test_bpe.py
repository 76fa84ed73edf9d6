"""Our tokens are open_clip's, for whatever a person may type."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from open_clip.tokenizer import SimpleTokenizer

from mediclip_index.encoding import bpe
from mediclip_index.encoding.bpe import BPETokenizer

CLEANS = ("lower", "whitespace", "canonicalize")
WORDS = st.sampled_from(
    ["chest", "X-ray", "the", "don't", "we'll", "aaaa", "<end_of_text>", "<START_OF_TEXT>", "&amp;",
     "naïve", "ﬁn", "İ", "ſ", "Ã©", "1024×768", "  ", "\n", "_", "…"]
)  # fmt: skip
TEXTS = st.one_of(st.text(max_size=80), st.lists(WORDS, max_size=40).map(" ".join))


@cache
def pair(clean: str, length: int) -> tuple[BPETokenizer, SimpleTokenizer]:
    return BPETokenizer(length, clean), SimpleTokenizer(context_length=length, clean=clean)


@pytest.mark.parametrize("clean", CLEANS)
@given(texts=st.lists(TEXTS, min_size=1, max_size=4), length=st.sampled_from([77, 16]))
@settings(max_examples=150, deadline=None)
def test_tokens_are_open_clips(clean: str, texts: list[str], length: int) -> None:
    ours, theirs = pair(clean, length)
    assert np.array_equal(ours(texts), theirs(texts).numpy())


def test_a_tokenizer_of_another_kind_is_not_taken_for_open_clips_own() -> None:
    assert bpe.settings({}, 77) == {"context_length": 77, "clean": "lower"}
    assert bpe.settings({"tokenizer_kwargs": {"clean": "canonicalize"}}, 64) == {
        "context_length": 64,
        "clean": "canonicalize",
    }
    assert bpe.settings({"hf_tokenizer_name": "bert"}, 77) is None
    assert bpe.settings({"tokenizer_kwargs": {"reduction_mask": "random"}}, 77) is None
    assert bpe.settings({"tokenizer_kwargs": {"clean": "odd"}}, 77) is None
