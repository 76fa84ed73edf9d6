"""Reports that hold two things against each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mediclip_index.types.reports import ClassFigures, IndexFacts, McNemar, Proportion


@dataclass(frozen=True)
class MethodChange:
    """One method in two evaluations: what each figure gained from the first to the second.
    mcnemar: on the images that both judged, "first" against "second"."""

    accuracy: float
    macro_f1: float
    ece: float
    log_loss: float
    per_class_recall: Mapping[str, float]
    mcnemar: McNemar


@dataclass(frozen=True)
class EvaluationComparison:
    """Two kept evaluations, as plain values; what changed; the images (ids) whose blend turned
    right or wrong. both: how many images both judged."""

    first: Mapping[str, Any]
    second: Mapping[str, Any]
    both: int
    change: Mapping[str, MethodChange]
    mended: tuple[int, ...]
    broken: tuple[int, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class SentenceWorth:
    """What one sentence is worth to the words: how much the log loss and the number of right images
    would change without it (above 0: it helps)."""

    prompt: str
    class_name: str
    group: str
    loss_without: float
    right_without: int


@dataclass(frozen=True)
class GroupUse:
    """How many labelled images fall into a group, and how many of them are of its class."""

    class_name: str
    group: str
    images: int
    of_class: int


@dataclass(frozen=True)
class WordsReport:
    """What each sentence of a prompt set is worth on a split, the most harmful first; groups, those
    that nobody falls into first."""

    prompts: str
    split: str
    n: int
    accuracy: float
    log_loss: float
    sentences: tuple[SentenceWorth, ...]
    groups: tuple[GroupUse, ...]


@dataclass(frozen=True)
class MethodResult:
    """One method in a comparison. images_per_second counts what comes after the vectors (for a
    network, all of it); learning_curve: accuracy by number of labels."""

    method: str
    accuracy: Proportion
    per_class: Mapping[str, ClassFigures]
    train_seconds: float
    images_per_second: float
    labels: int
    learning_curve: Mapping[str, float]


@dataclass(frozen=True)
class CompareReport:
    """Methods on the same pictures, the most accurate first."""

    index: IndexFacts
    split: str
    n: int
    support: int
    contenders: tuple[MethodResult, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class KeptEvaluation:
    """An evaluation in short. accuracy: of the blend."""

    number: int
    split: str
    n: int
    accuracy: float
    settings: int
    time: str
    by: str
