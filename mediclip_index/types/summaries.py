"""Reports on what is in the pile, and on what new labels change."""

from __future__ import annotations

from dataclasses import dataclass

from mediclip_index.types.reports import IndexFacts


@dataclass(frozen=True)
class SummaryRow:
    """Images of one class (`verdict`: the person's word, else the machine's) and one `value` of
    what was asked by.

    images = sure + unsure + labelled (by a person). id, path, page, item and probability (of that
    class, by the machine) are of the likeliest of them; `further`: ids of the next likeliest.
    """

    value: str | None
    verdict: str
    images: int
    share: float
    sure: int
    unsure: int
    labelled: int
    id: int
    path: str
    probability: float | None
    further: tuple[int, ...]
    page: int | None = None
    item: int | None = None


@dataclass(frozen=True)
class SummaryReport:
    """What is in the pile; rows in the order of the prompt set's classes, in a class the largest
    first, kinds of one family together."""

    index: IndexFacts
    by: str
    where: str | None
    images: int
    rows: tuple[SummaryRow, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class TurnedVerdict:
    """A kept verdict that would be of another class `now`."""

    id: str
    path: str
    page: int | None
    item: int | None
    label: str
    probability: float
    now: str
    now_probability: float


@dataclass(frozen=True)
class TurnedReport:
    """The latest verdict of each picture held against what the index would say now; `verdicts`
    counts those that were looked at."""

    index: IndexFacts
    verdicts: int
    turned: tuple[TurnedVerdict, ...]


@dataclass(frozen=True)
class Foreseen:
    """What a label would do: how many of the images around it (`looked_at`) would be of another
    class."""

    image: int
    label: str
    looked_at: int
    turned: int
