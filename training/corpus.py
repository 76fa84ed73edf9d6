"""The sentences that the text tower learns from its teacher: of pictures, then of everything."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from training.bench_rows import Row
from training.captions import captions_of
from training.families import BRANCH_WORDS, MEDICAL_WORDS, OTHER_WORDS
from training.more_words import ANATOMY, FINDINGS, IMAGING, OTHER_KINDS, TEMPLATES
from training.words import KINDS

WORDNET = Path("/usr/share/wordnet")
MEDICAL_LIST = Path("/usr/share/hunspell/en_med_glut.dic")
LONGEST = 140  # characters; about what 32 tokens hold


def imagenet_names() -> list[tuple[str, ...]]:
    """For each of the 1,000 ImageNet classes its names, the usual one first."""
    from open_clip.zero_shot_metadata import IMAGENET_CLASSNAMES
    from timm.data.imagenet_info import ImageNetInfo

    info = ImageNetInfo("imagenet-1k")
    names = []
    for number, usual in enumerate(IMAGENET_CLASSNAMES):
        lemmas = [word.strip() for word in info.index_to_description(number).split(",")]
        names.append(tuple(dict.fromkeys([lemmas[0], usual, *lemmas[1:]])))
    return names


def imaging_phrases() -> list[str]:
    """Every phrase of imaging and everyday subjects that the word lists hold or make up."""
    phrases = [phrase for kind in KINDS.values() for phrase in kind]
    phrases += list(OTHER_KINDS) + list(MEDICAL_WORDS)
    phrases += [p for group in (*BRANCH_WORDS.values(), *OTHER_WORDS.values()) for p in group]
    for part in ANATOMY:
        for how in IMAGING:
            phrases += [f"a {part} {how}", f"{how} of the {part}"]
        phrases += [f"the {part} of a patient", f"a disease of the {part}"]
        phrases += [f"{found} in the {part}" for found in FINDINGS]
    phrases += [f"{how} showing {found}" for how in IMAGING for found in FINDINGS]
    phrases += [f"{kind[0]} with {found}" for kind in KINDS.values() for found in FINDINGS]
    return list(dict.fromkeys(phrases))


def make_corpus(rows: Iterable[Row], seed: int = 0) -> tuple[list[str], int, list[int]]:
    """All sentences, each once, in a fixed order; how many, at the front, speak of pictures; and
    the places of those that name an ImageNet class.

    Rows give the wording of the captions only.
    """
    dice = random.Random(seed)
    names = [name for group in imagenet_names() for name in group]
    close = imaging_phrases() + names
    for row in rows:
        levels = captions_of(row)
        close += levels.fine
    close = list(dict.fromkeys(close))
    sentences = list(close)
    for phrase in close:
        sentences += [t.format(phrase) for t in dice.sample(TEMPLATES[1:], 3)]
    named = [t.format(n) for n in names for t in (*TEMPLATES[:4], "a photo of a {}")]
    sentences += named
    near = len(dict.fromkeys(sentences))
    sentences += _imagenet_descriptions()
    for lemmas, gloss in _wordnet():
        sentences += [lemmas[0], gloss]
        if dice.random() < 0.35:
            sentences.append(f"{lemmas[0]}: {gloss}")
        if dice.random() < 0.35:
            sentences.append(dice.choice(TEMPLATES[1:]).format(dice.choice(lemmas)))
    sentences += _medical_terms(dice)
    pairs = zip(dice.choices(close, k=8000), dice.choices(close, k=8000), strict=True)
    both = [f"{a} and {b}" for a, b in pairs]
    both += [f"{dice.choice(close)} with {dice.choice(close)}" for _ in range(4000)]
    cut = (_cut(sentence) for sentence in sentences + both)
    found = list(dict.fromkeys(sentence for sentence in cut if sentence))
    place = {sentence: n for n, sentence in enumerate(found)}
    return found, near, [place[s] for s in dict.fromkeys(named) if s in place]


def _cut(sentence: str) -> str:
    sentence = re.sub(r"\s+", " ", sentence).strip()
    return sentence if len(sentence) <= LONGEST else sentence[:LONGEST].rsplit(" ", 1)[0]


def _imagenet_descriptions() -> list[str]:
    from timm.data.imagenet_info import ImageNetInfo

    info = ImageNetInfo("imagenet-22k")
    found = []
    for number in range(info.num_classes()):  # type: ignore[no-untyped-call]
        names = info.index_to_description(number)
        found += [names, f"a photo of a {names.split(',')[0]}"]
    return found


def _wordnet() -> Iterator[tuple[list[str], str]]:
    """Names and gloss of every noun, adjective and verb of WordNet."""
    for part in ("noun", "adj", "verb"):
        for line in (WORDNET / f"data.{part}").read_text("utf-8").splitlines():
            if line.startswith(" ") or " | " not in line:
                continue
            record, gloss = line.split(" | ", 1)
            fields = record.split()
            count = int(fields[3], 16)
            lemmas = [fields[4 + 2 * n].replace("_", " ") for n in range(count)]
            lemmas = [re.sub(r"\(\w+\)$", "", lemma) for lemma in lemmas]
            yield lemmas, gloss.split('; "')[0].strip()


def _medical_terms(dice: random.Random) -> list[str]:
    words = [line.split("/")[0] for line in MEDICAL_LIST.read_text("utf-8").splitlines()[1:]]
    words = sorted(word for word in words if word.isalpha() and 4 <= len(word) <= 24)
    chosen = dice.sample(words, 16000)
    return chosen[:10000] + [f"a medical image of {word}" for word in chosen[10000:]]
