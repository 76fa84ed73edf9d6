"""Captions of the training pictures, on three levels: exactly what, its kind, its family."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bench_rows import IMAGENET_SOURCE, Row
from families import BRANCH_WORDS, BRANCHES, FAMILIES, MEDICAL_WORDS, OTHER_WORDS
from simulated import kinds as simulated
from words import KINDS

ALL_KINDS = {**KINDS, **simulated.KINDS}
ALL_BRANCHES = {**BRANCHES, **simulated.BRANCHES}
ALL_FAMILIES = {**FAMILIES, **simulated.FAMILIES}

# `fine` words of the lists that are file-naming habits, not descriptions.
_OPAQUE = {"", "MIAS name", "STARE", "DRIVE", "CHASEDB", "VEVIO", "AV-WIDE"}
_FINE_PHRASES: dict[str, tuple[str, ...]] = {
    "mammography": ("a mammogram, {}", "a mammography with a {} finding"),
    "ultrasound": ("an ultrasound of the {}", "a breast ultrasound, {}"),
    "mri": ("an MRI of the {}", "a brain or spine MRI, {}"),
    "chest_xray": ("a chest X-ray with {}", "a chest radiograph, {}"),
    "ct": ("a {} scan", "{}"),
    "dermatology": ("a photo of skin with {}", "{} on the skin"),
    "room": ("a {}", "the {} of a house"),
    "satellite": ("an aerial photo of a {}", "a {} from above"),
    "industrial_surface": ("{}", "a surface with {}"),
}


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
    if row.fine in _OPAQUE:
        return ()
    fine = re.sub(r"[-_]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", row.fine)).strip()
    fine = fine.replace("Bengin", "benign")
    if row.source == IMAGENET_SOURCE:
        return (fine,)
    phrases = _FINE_PHRASES.get(row.category, ("{}",))
    return tuple(phrase.format(fine) for phrase in phrases)
