"""Reports on what is judged wrong, and on labels that look wrong."""

from __future__ import annotations

from dataclasses import dataclass

from mediclip_index.types.reports import IndexFacts
from mediclip_index.types.verdicts import ReferenceVote

# Least score of a suspect label: from here on words and neighbours together believe another class
# more. Of the sample collection's 38 labels, all of them right, 8 reach 0.3 and 4 reach 0.5; of
# labels turned round 95 % and 89 %.
SUSPECT = 0.5


@dataclass(frozen=True)
class SimilarImage:
    """A labelled image that resembles another."""

    id: int
    path: str
    label: str
    similarity: float


@dataclass(frozen=True)
class Mistake:
    """A labelled image whose verdict, given as if it were new, is another class. labelled_by: the
    person who gave the label in this index; None where a folder or list did."""

    id: int
    path: str
    split: str | None
    label: str
    predicted: str
    probability: float
    why: str
    like_true: tuple[SimilarImage, ...]
    like_predicted: tuple[SimilarImage, ...]
    references: tuple[ReferenceVote, ...] = ()
    labelled_by: str | None = None
    page: int | None = None
    item: int | None = None


@dataclass(frozen=True)
class SuspectLabel:
    """A labelled image whose label looks wrong; score from 0 to 1, 1 most suspect. labelled_by as a
    Mistake's."""

    id: int
    path: str
    label: str
    suggested: str
    score: float
    labelled_by: str | None = None
    page: int | None = None
    item: int | None = None


@dataclass(frozen=True)
class Contradiction:
    """Near-duplicates with different labels."""

    first: SimilarImage
    second: SimilarImage


@dataclass(frozen=True)
class MistakesReport:
    index: IndexFacts
    judged: int
    mistakes: tuple[Mistake, ...]
    suspect_labels: tuple[SuspectLabel, ...]
    contradictions: tuple[Contradiction, ...]
    notes: tuple[str, ...] = ()

    @property
    def only_suspect(self) -> tuple[SuspectLabel, ...]:
        """Labels that look wrong though the verdict agrees with them: those of no mistake."""
        wrong = {mistake.id for mistake in self.mistakes}
        return tuple(one for one in self.suspect_labels if one.id not in wrong)
