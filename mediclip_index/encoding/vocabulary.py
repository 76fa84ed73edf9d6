"""Which words a bundled model has learned: beside its weights lies a hash of every one of them.

Its text tower knows a word from the sentences that it learned from and no other way, so that what
is not among them (another language, a rare name, a slip of the fingers) means next to nothing to
it, though it gives a vector for anything. A file of sorted 32-bit hashes takes any other word for
one of them once in sixty thousand times.
"""

from __future__ import annotations

import hashlib
import importlib.resources
import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint32]

_BUNDLED = re.compile(r"lite-\d+")
_WORD = re.compile(r"[^\W\d_]+")
_HYPHENED = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)+")
# English inflections: an ending, and what stands in its place in the word that is inflected.
_ENDINGS = (
    ("s", ""), ("es", ""), ("ies", "y"), ("ves", "f"), ("ses", "sis"), ("ae", "a"), ("ed", ""),
    ("ed", "e"), ("ing", ""), ("ing", "e"), ("er", ""), ("er", "e"), ("est", ""), ("ly", ""),
    ("ness", ""),
)  # fmt: skip
_DOUBLING = {"ed", "ing", "er"}  # stopped, stop
_SHORTEST_STEM = 3
_RESPELLINGS = (("ae", "e"), ("oe", "e"), ("our", "or"))  # haemorrhoid, hemorrhoid
_SHORTEST_PART = 5  # of a compound: white-board; shorter ones make up any foreign word
_LONGEST_COMPOUND = 40


def unknown_words(model: str, text: str, folder: Path | None = None) -> tuple[str, ...]:
    """The words of a text that a bundled model has not learned, each once; none for other models.

    `folder` is where the bundled models lie (None: the package's own). A model that came without
    its words is not asked.
    """
    learned = _learned_words(model, folder) if _BUNDLED.fullmatch(model) else None
    if learned is None:
        return ()
    said = [word for word in words_of(text) if len(word) > 1 or not word.isascii()]
    return tuple(dict.fromkeys(word for word in said if not _known(word, learned)))


def is_bundled(model: str) -> bool:
    """Whether a model of this name comes with the package."""
    return _BUNDLED.fullmatch(model) is not None


def words_of(text: str) -> list[str]:
    """The words of a text in lower case, without numbers and signs."""
    return _WORD.findall(_plain(text))


def joined_words_of(text: str) -> list[str]:
    """Words that a hyphen parts, without it: an X-ray is an xray."""
    return [part.replace("-", "") for part in _HYPHENED.findall(_plain(text))]


def hashed(words: Iterable[str]) -> Hashes:
    """The sorted hashes of words, as they stand in the file."""
    return np.unique(np.array([_hash(word) for word in words], dtype=np.uint32))


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def _known(word: str, learned: Hashes) -> bool:
    if _among(word, learned):
        return True
    if len(word) > _LONGEST_COMPOUND:
        return False
    cuts = range(_SHORTEST_PART, len(word) - _SHORTEST_PART + 1)
    return any(_among(word[:cut], learned) and _among(word[cut:], learned) for cut in cuts)


def _among(word: str, learned: Hashes) -> bool:
    asked = np.array([_hash(form) for form in _forms(word)], dtype=np.uint32)
    places = np.minimum(np.searchsorted(learned, asked), len(learned) - 1)
    return bool((learned[places] == asked).any())


def _forms(word: str) -> Iterator[str]:
    yield from _inflected(word)
    for ours, theirs in _RESPELLINGS:
        if ours in word:
            yield from _inflected(word.replace(ours, theirs))


def _inflected(word: str) -> Iterator[str]:
    yield word
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
            stem = word.removesuffix(ending)
            yield stem + instead
            if ending in _DOUBLING and stem[-1] == stem[-2]:
                yield stem[:-1]


def _hash(word: str) -> int:
    return int.from_bytes(hashlib.blake2b(word.encode(), digest_size=4).digest(), "little")


@cache
def _learned_words(model: str, folder: Path | None) -> Hashes | None:
    place = folder or importlib.resources.files("mediclip_index.encoding") / "lite"
    file = place / f"{model}-words.npy"
    if not file.is_file():
        return None
    with file.open("rb") as stream:
        found: Hashes = np.load(stream, allow_pickle=False)
    return found
