"""open_clip's own tokenizer, word for word, without open_clip: importing that loads torch.

The vocabulary is read from the installed open_clip package. Rules and order of the steps are those
of `open_clip.tokenizer.SimpleTokenizer` (OpenAI's CLIP, MIT licence), against which this is tested.
"""

from __future__ import annotations

import gzip
import html
import importlib.util
import string
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Tokens = npt.NDArray[np.int64]

_VOCABULARY = "bpe_simple_vocab_16e6.txt.gz"
_MERGES = 49152 - 256 - 2
_SPECIAL = ("<start_of_text>", "<end_of_text>")
_WORD_END = "</w>"


class BPETokenizer:
    """Sentences → tokens, (n, context_length) int64, zeros behind the end."""

    def __init__(self, context_length: int, clean: str = "lower") -> None:
        import regex

        self.context_length = context_length
        self._clean = _CLEAN[clean]
        self._letters = _letters_of_bytes()
        merges = _merges()
        pieces = list(self._letters.values())
        pieces += [piece + _WORD_END for piece in pieces]
        pieces += ["".join(pair) for pair in merges]
        pieces += _SPECIAL
        self._numbers = {piece: number for number, piece in enumerate(pieces)}
        self._ranks = {pair: rank for rank, pair in enumerate(merges)}
        self._known: dict[str, list[int]] = {mark: [self._numbers[mark]] for mark in _SPECIAL}
        self._words = regex.compile(
            "|".join(_SPECIAL) + r"""|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+""",
            regex.IGNORECASE,
        )

    def __call__(self, sentences: Sequence[str]) -> Tokens:
        tokens = np.zeros((len(sentences), self.context_length), dtype=np.int64)
        first, last = (self._numbers[mark] for mark in _SPECIAL)
        for row, sentence in zip(tokens, sentences, strict=True):
            numbers = [first, *self._encoded(sentence), last][: self.context_length]
            numbers[-1] = last
            row[: len(numbers)] = numbers
        return tokens

    def _encoded(self, sentence: str) -> list[int]:
        numbers: list[int] = []
        for word in self._words.findall(self._clean(sentence)):
            letters = "".join(self._letters[byte] for byte in word.encode("utf-8"))
            if letters not in self._known:
                self._known[letters] = [self._numbers[piece] for piece in self._pieces(letters)]
            numbers += self._known[letters]
        return numbers

    def _pieces(self, letters: str) -> list[str]:
        """Neighbouring pieces are joined, the commonest pair first, until no known pair is left."""
        pieces = [*letters[:-1], letters[-1] + _WORD_END]
        while len(pieces) > 1:
            pairs = set(pairwise(pieces))
            best = min(pairs, key=lambda pair: self._ranks.get(pair, len(self._ranks)))
            if best not in self._ranks:
                break
            joined: list[str] = []
            for piece in pieces:
                # A piece that was just joined is no first half: its pair was (first, second).
                if joined and joined[-1] == best[0] and piece == best[1]:
                    joined[-1] = best[0] + best[1]
                else:
                    joined.append(piece)
            pieces = joined
        return pieces


def settings(text_cfg: Mapping[str, Any], context_length: int) -> dict[str, Any] | None:
    """How BPETokenizer must be set up for a model of this text configuration; None where the model
    has a tokenizer of another kind."""
    more = dict(text_cfg.get("tokenizer_kwargs") or {})
    clean = more.pop("clean", "lower")
    if text_cfg.get("hf_tokenizer_name") or more or clean not in _CLEAN:
        return None
    return {"context_length": context_length, "clean": clean}


def vocabulary_file() -> Path | None:
    """The vocabulary inside the installed open_clip, found without importing it."""
    found = importlib.util.find_spec("open_clip")
    for folder in (found.submodule_search_locations or ()) if found is not None else ():
        file = Path(folder) / _VOCABULARY
        if file.is_file():
            return file
    return None


def _merges() -> list[tuple[str, str]]:
    file = vocabulary_file()
    if file is None:
        raise FileNotFoundError(f"open_clip's {_VOCABULARY} is missing from this installation")
    lines = gzip.decompress(file.read_bytes()).decode("utf-8").split("\n")
    pairs = []
    for line in lines[1 : _MERGES + 1]:
        first, second = line.split()
        pairs.append((first, second))
    return pairs


def _letters_of_bytes() -> dict[int, str]:
    """A printable letter for each byte: itself where it is printable, else one from 256 on."""
    plain = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1)]
    plain += range(ord("®"), ord("ÿ") + 1)
    others = [byte for byte in range(256) if byte not in plain]
    letters = {byte: chr(byte) for byte in plain}
    return letters | {byte: chr(256 + number) for number, byte in enumerate(others)}


def _mended(text: str) -> str:
    import ftfy

    return html.unescape(html.unescape(ftfy.fix_text(text))).strip()


def _spaced(text: str) -> str:
    return " ".join(_mended(text).split())


def _lower(text: str) -> str:
    return _spaced(text).lower()


def _canonical(text: str) -> str:
    bare = _mended(text).replace("_", " ").translate(str.maketrans("", "", string.punctuation))
    return " ".join(bare.lower().split())


_CLEAN: Mapping[str, Callable[[str], str]] = {
    "lower": _lower,
    "whitespace": _spaced,
    "canonicalize": _canonical,
}
