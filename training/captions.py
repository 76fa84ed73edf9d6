"""Captions of the training pictures, on three levels: exactly what, its kind, its family."""

from __future__ import annotations

from dataclasses import dataclass

from training import further_words as further
from training import rare_words as rare
from training import unseen_words as unseen
from training.bench_rows import IMAGENET_SOURCE, Row
from training.families import BRANCH_WORDS, BRANCHES, FAMILIES, MEDICAL_WORDS, OTHER_WORDS
from training.fine_words import described, spaced
from training.words import KINDS

ALL_KINDS = {
    kind: (*named, *further.WORDS.get(kind, ()))
    for kind, named in {**KINDS, **unseen.KINDS, **rare.KINDS}.items()
}
ALL_BRANCHES = {**BRANCHES, **unseen.BRANCHES, **rare.BRANCHES}
ALL_FAMILIES = {**FAMILIES, **unseen.FAMILIES, **rare.FAMILIES}


@dataclass(frozen=True)
class Captions:
    """The wordings that fit one group of pictures, by level; an empty level says nothing."""

    fine: tuple[str, ...]
    kind: tuple[str, ...]
    family: tuple[str, ...]


def captions_of(row: Row) -> Captions:
    """All captions that are true of one picture."""
    if row.label == "medical":
        family = MEDICAL_WORDS + tuple(
            phrase for branch in ALL_BRANCHES[row.category] for phrase in BRANCH_WORDS[branch]
        )
    else:
        family = OTHER_WORDS[ALL_FAMILIES[row.category]]
    return Captions(fine=_fine(row), kind=ALL_KINDS[row.category], family=family)


def _fine(row: Row) -> tuple[str, ...]:
    if row.source == IMAGENET_SOURCE:
        return (spaced(row.fine),) if row.fine else ()
    return described(row.category, row.fine)
