"""The verdict and the numbers it rests on.

What ships is named here, once: `ALPHA`, `K`, `BETA`, `NEAR` and `REFERENCE_WEIGHT`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from mediclip_index.types.words import Pooling

# The settings of a new index. BETA and NEAR count in spreads of the model's unrelated cosines, so
# that they hold for any model; for lite-4 they are 18 and 0.41 in plain cosines.
ALPHA = 0.6
K = 20
BETA = 2.53
NEAR = 2.3
REFERENCE_WEIGHT = 0.25
THRESHOLD = 0.6

MOST_NEIGHBOURS = 1_000

Unit = Literal["cosines", "spreads"]
CalibrationKind = Literal["tuned", "shipped"]


@dataclass(frozen=True)
class Unrelated:
    """How alike an encoder finds pictures that have nothing to do with each other: the median of
    their cosines, and their spread, 1.4826 times the median distance from it (for a normal
    distribution that is its standard deviation)."""

    median: float
    spread: float


@dataclass(frozen=True)
class Calibration:
    """What makes probabilities keep their word, fitted on images that never vote.

    slope: the power that the blend's probabilities are raised to. thresholds: by class, the largest
    1 - p at which it can't be ruled out, at `coverage`. strange: the greatest outlier score (how
    unlike everything labelled a picture is) of a sure verdict, None where it is not looked at.
    bound: what it was fitted with; with anything else it does not hold. Of one that `tune` fitted a
    digest of the rule, model, prompt set, classes and support; of the shipped one the sha256 of its
    file (see session/calibrations.py). images: how many it rests on. kind: the least share of the
    winning class that its best group has in a sure verdict, None where it is not looked at.
    factors: by class, what probabilities are multiplied by after the power (and normalised): for a
    prevalence unlike that of the calibration images, or to hold a precision.
    """

    slope: float
    coverage: float
    thresholds: Mapping[str, float]
    strange: float | None
    bound: str
    images: int
    factors: Mapping[str, float] = field(default_factory=dict)
    kind: float | None = None


@dataclass(frozen=True)
class Tuning:
    """How `tune` came to some settings: what was to be best, on which images (digests of contents
    and labels), and the prevalence it was told of."""

    objective: str
    tune_sha256: str
    calibrate_sha256: str
    tuned_on: int
    calibrated_on: int
    sources_left_out: bool
    prevalence: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Settings:
    """The numbers a verdict rests on; one row of the catalog, never changed once written.

    alpha: weight of the neighbours in the blend, 0 to 1; less where one has most of the votes. k:
    how many neighbours are asked, labelled images and references together. beta: sharpness of a
    vote, exp(-beta (1 - cos)). near: how near a neighbour must be to vote. unit: in what beta and
    near count. "cosines": plain ones, near is the least cosine. "spreads": spreads of the model's
    unrelated cosines, near is how many of them above their median. scale: multiplies cosines before
    the softmax (None: the model's own logit scale). pooling: None is the prompt set's own.
    threshold: an uncalibrated verdict below it is unsure. biases: one factor a class on the
    zero-shot probabilities. references: the model's own vote too, if it brings any, each by
    reference_weight of a labelled image's vote. calibration: None until `tune` fitted one. tuned:
    how they were chosen; None for those that ship.
    """

    number: int = 0
    alpha: float = ALPHA
    k: int = K
    beta: float = BETA
    scale: float | None = None
    pooling: Pooling | None = None
    near: float = NEAR
    threshold: float = THRESHOLD
    biases: Mapping[str, float] = field(default_factory=dict)
    unit: Unit = "spreads"
    references: bool = True
    reference_weight: float = REFERENCE_WEIGHT
    calibration: Calibration | None = None
    tuned: Tuning | None = None


@dataclass(frozen=True)
class Neighbour:
    """A neighbour of a queried picture; `weight` is its share of all votes (0: it had no vote)."""

    id: int
    path: str
    similarity: float
    label: str | None
    weight: float


@dataclass(frozen=True)
class ReferenceVote:
    """One of the model's own references that was asked: a picture it was trained on, of which only
    the vector is there. kind and source are the model card's names; `weight` as a Neighbour's."""

    kind: str
    source: str
    label: str
    similarity: float
    weight: float


@dataclass(frozen=True)
class PromptMatch:
    """A sentence that lies close to the picture, with its cosine."""

    prompt: str
    class_name: str
    group: str
    similarity: float


@dataclass(frozen=True)
class GroupShare:
    name: str
    probability: float


@dataclass(frozen=True)
class HeaderVote:
    """What a DICOM header says: its modality, the class that this speaks for, and by how much it
    multiplies the odds of that class."""

    modality: str
    label: str
    odds: float


@dataclass(frozen=True)
class HandLabel:
    """What a person said of a picture: its class, its kind (by the words where the person named
    none; None where the words don't know the class), and who."""

    label: str
    kind: str | None
    author: str


@dataclass(frozen=True)
class Verdict:
    """What was said of one picture, and on what evidence. The audit keeps all of it.

    `probabilities` = (1 - alpha) zero_shot + alpha votes, calibrated where `calibrated` is true,
    and weighed by what the DICOM `header` says, where one speaks.
    `votes` is None where neither labelled neighbours nor references could vote; the weights of both
    together sum to 1. `calibration` is "tuned", "shipped" (with the model), or None. `words_share`
    is the part of the winner's margin over the runner-up that the words gave (None where there is
    no margin). `without` lists the ids of the fewest neighbours whose absence would turn the
    verdict to `otherwise`; empty where none would. References stay as they are in that. `hand` is
    what a person said of the very same picture in the index; all else is the machine's own.
    `image` is that picture's id, None where the index does not hold it.
    """

    id: str
    path: str
    page: int | None
    item: int | None
    sha256: str
    width: int
    height: int
    label: str
    probability: float
    unsure: bool
    probabilities: Mapping[str, float]
    zero_shot: Mapping[str, float]
    votes: Mapping[str, float] | None
    alpha: float
    calibrated: bool
    group: GroupShare
    neighbours: tuple[Neighbour, ...]
    prompts: tuple[PromptMatch, ...]
    words_share: float | None
    without: tuple[int, ...]
    otherwise: str | None
    why: str
    references: tuple[ReferenceVote, ...] = ()
    calibration: CalibrationKind | None = None
    header: HeaderVote | None = None
    hand: HandLabel | None = None
    image: int | None = None

    @property
    def effective(self) -> str:
        """The class that counts: the person's word, else the machine's."""
        return self.label if self.hand is None else self.hand.label

    @property
    def kind(self) -> str | None:
        """The kind that counts, within the class that counts."""
        return self.group.name if self.hand is None else self.hand.kind

    @property
    def in_doubt(self) -> bool:
        """Whether the machine is unsure, and no person has said what it is."""
        return self.unsure and self.hand is None
