"""Write which words the text tower learned: `python -m training.vocabulary --out FILE`.

FILE is `<model>-words.npy` beside the model's weights; a model that keeps another's text tower
keeps its words too. With `--judge FILE` it prints how often queries of `queries.txt` hold a word
that stands in no such file: of English ones that is a false alarm, of others what is wanted. The
parts `anew` and `last` were written after a rule stood, and each was followed by one change of it.
Needs what the text tower's training needs (Debian's wordnet-base and hunspell-en-med), no picture.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from mediclip_index.encoding.vocabulary import hashed, joined_words_of, unknown_words, words_of
from training.corpus import make_corpus

QUERIES = Path(__file__).parent / "queries.txt"
LEAST = 2  # sentences that a word must stand in: what was met once is not learned


def main() -> None:
    """Parse the command line; write or judge."""
    parser = argparse.ArgumentParser(prog="vocabulary", description=__doc__)
    parser.add_argument("--out", type=Path, metavar="FILE")
    parser.add_argument("--judge", type=Path, metavar="FILE")
    options = parser.parse_args()
    if options.out:
        sentences, _, _ = make_corpus([])
        found = hashed(word for word, count in _counted(sentences).items() if count >= LEAST)
        np.save(options.out, found)
        print(f"{options.out}: {len(found):,} words of {len(sentences):,} sentences")
    if options.judge:
        model = options.judge.name.removesuffix("-words.npy")
        for part, asked in queries().items():
            told = [q for q in asked if unknown_words(model, q, options.judge.parent)]
            print(f"{part}: {len(told)} of {len(asked)} ({len(told) / len(asked):.1%})")


def _counted(sentences: Iterable[str]) -> Counter[str]:
    """In how many sentences each word stands."""
    counts: Counter[str] = Counter()
    for sentence in sentences:
        counts.update({*words_of(sentence), *joined_words_of(sentence)})
    return counts


def queries() -> dict[str, list[str]]:
    """The queries of each part of `queries.txt`."""
    found: dict[str, list[str]] = {}
    for line in QUERIES.read_text("utf-8").splitlines():
        if line.startswith("["):
            part = found.setdefault(line.strip("[]"), [])
        elif line:
            part.append(line)
    return found


if __name__ == "__main__":
    main()
