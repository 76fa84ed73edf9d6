"""Reports: what the commands and the methods of `Index` give back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mediclip_index.types.verdicts import CalibrationKind, Settings, Verdict
from mediclip_index.types.words import Refusal


@dataclass(frozen=True)
class IndexFacts:
    """The head of every report: which index spoke (id: wherever it lies), in which state."""

    path: str
    generation: int
    model: str
    fingerprint: str
    images: int
    settings: int
    chain_head: str
    id: str = ""


@dataclass(frozen=True)
class BuildReport:
    """Every input ends in exactly one of added, unchanged, renamed, duplicates or refused."""

    index: IndexFacts
    added: int
    unchanged: int
    renamed: int
    duplicates: int
    gone: int
    returned: int
    labelled: int
    refused: tuple[Refusal, ...]
    images: int
    seconds: float
    images_per_second: float
    notes: tuple[str, ...] = ()
    pruned: int = 0


@dataclass(frozen=True)
class QueryReport:
    index: IndexFacts
    verdicts: tuple[Verdict, ...]
    refused: tuple[Refusal, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class SearchHit:
    """What was asked for of the verdict, else None: `guess`, the class by the machine; `verdict`
    and `kind`, those that count, a person's word first (`labelled_by` says whose); `probability`,
    what the machine gives to that class; `unsure`: it doubts, and nobody has said what it is."""

    id: int
    path: str
    similarity: float
    label: str | None
    split: str | None
    metadata: Mapping[str, Any]
    guess: str | None = None
    sha256: str = ""
    verdict: str | None = None
    kind: str | None = None
    probability: float | None = None
    unsure: bool | None = None
    labelled_by: str | None = None


@dataclass(frozen=True)
class SearchReport:
    index: IndexFacts
    query: str
    results: tuple[SearchHit, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class LabelEvent:
    """One row of an image's label history; None fields were not touched by it."""

    tx: int
    time: str
    by: str
    image: int
    label: str | None
    split: str | None
    subject: str | None
    kind: str | None = None


@dataclass(frozen=True)
class LabelReport:
    """would_turn: how many kept verdicts, the latest of each picture, would be of another class
    now; those that a changed image had a vote in, or has one now. several: paths with several
    pictures, of which none was labelled. tx: the transaction that wrote it, by which it can be
    undone; None where there was none."""

    index: IndexFacts
    changed: int
    unchanged: int
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    would_turn: int = 0
    several: tuple[str, ...] = ()
    tx: int | None = None


@dataclass(frozen=True)
class PromptSetFacts:
    name: str
    classes: tuple[str, ...]
    groups: int
    sentences: int
    pooling: str
    default: bool
    bundled: bool
    description: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class PromptTrial:
    """What one sentence pulls: its nearest indexed images, and their labels' shares."""

    prompt: str
    class_name: str
    group: str
    results: tuple[SearchHit, ...]
    labels: Mapping[str, int]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class AuditRow:
    """A verdict as it stands in the audit. `chain` is None while it waits in the spool."""

    verdict: Verdict
    time: str
    by: str
    tx: int
    engine: str
    precision: str
    model: str
    fingerprint: str
    settings: int
    prompts: str
    run: str
    chain: str | None


@dataclass(frozen=True)
class ChainReport:
    ok: bool
    verdicts: int
    spooled: int
    head: str
    findings: tuple[str, ...]


@dataclass(frozen=True)
class InfoReport:
    """What the index holds. `columns` are the names that a `--where` condition may use;
    `references`: how many of the model's own vote; `calibration`: which one is in force;
    `without`: how many of the files hold no image, as they were refused."""

    index: IndexFacts
    dim: int
    logit_scale: float
    prompts: str
    classes: tuple[str, ...]
    settings: Settings
    files: int
    gone: int
    refusals: Mapping[str, int]
    labels: Mapping[str, int]
    splits: Mapping[str, int]
    verdicts: int
    spooled: int
    sources: tuple[str, ...]
    columns: tuple[str, ...]
    neighbours: str
    catalog_bytes: int
    created: str
    last_build: str | None
    removed: int = 0
    references: int = 0
    calibration: CalibrationKind | None = None
    without: int = 0


@dataclass(frozen=True)
class TuneReport:
    """What `tune` chose. before and after: the objective's loss under the settings that were in
    force and under those chosen. The digests tell which images it was chosen on."""

    index: IndexFacts
    settings: Settings
    objective: str
    before: float | None
    after: float | None
    tuned_on: int
    calibrated_on: int
    tune_sha256: str
    calibrate_sha256: str
    sources_left_out: bool
    kept: bool
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class KeptSettings:
    """Settings of an index, whether they are in force, and when and by whom they were kept."""

    settings: Settings
    in_force: bool
    time: str
    by: str


@dataclass(frozen=True)
class SettingsReport:
    """All settings of an index, in order."""

    index: IndexFacts
    kept: tuple[KeptSettings, ...]


@dataclass(frozen=True)
class Proportion:
    """A proportion with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class ClassFigures:
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class MethodFigures:
    """How one method did. confusion[TRUE][PREDICTED] counts images; bins of the reliability plot
    are (mean probability, accuracy, images)."""

    accuracy: Proportion
    per_class: Mapping[str, ClassFigures]
    macro: ClassFigures
    ece: float
    log_loss: float
    confusion: Mapping[str, Mapping[str, int]]
    reliability: tuple[tuple[float, float, int], ...]


@dataclass(frozen=True)
class McNemar:
    """McNemar's exact test: images that only the first and only the second method got right."""

    only_first: int
    only_second: int
    p: float


@dataclass(frozen=True)
class SureFigures:
    """What is not unsure. coverage: share of images whose set holds the truth (an unsure verdict
    counts as covered), over all and by class. accuracy_sure: None where none is sure."""

    coverage: float
    coverage_by_class: Mapping[str, float]
    share_sure: float
    accuracy_sure: float | None


@dataclass(frozen=True)
class PartFigures:
    """Accuracy on a part of the images."""

    n: int
    zero_shot: Proportion
    neighbours: Proportion
    blend: Proportion


@dataclass(frozen=True)
class EvaluationReport:
    index: IndexFacts
    number: int
    split: str
    n: int
    leave_out: tuple[str, ...]
    methods: Mapping[str, MethodFigures]
    mcnemar: Mapping[str, McNemar]
    unsure: SureFigures
    by: Mapping[str, Mapping[str, PartFigures]]
    settings: int
    calibrated: bool
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReplayDifference:
    """A verdict that did not come out as it was; `told`: it could be given again."""

    id: str
    what: str
    why: str
    told: bool = True


@dataclass(frozen=True)
class ReplayReport:
    """Past verdicts given again as of their moment. `purged`: those that can't be told any more,
    because they, or images that they may rest on, were erased."""

    index: IndexFacts
    replayed: int
    identical: int
    different: tuple[ReplayDifference, ...]
    purged: tuple[ReplayDifference, ...] = ()

    @property
    def untold(self) -> int:
        """How many could not be given again, for want of what they rested on."""
        return len(self.purged) + sum(not d.told for d in self.different)


@dataclass(frozen=True)
class NearDuplicates:
    """Images that are (nearly) the same: a group, with what a leak between them would touch. sizes:
    (width, height) by id; parts: (page, item) by id; contents: sha256 by id; best: the id to keep,
    a labelled one before others, then that of most pixels, then of the largest file."""

    kind: str
    ids: tuple[int, ...]
    paths: tuple[str, ...]
    labels: tuple[str, ...]
    splits: tuple[str, ...]
    similarity: float
    sizes: tuple[tuple[int, int], ...] = ()
    best: int = 0
    parts: tuple[tuple[int | None, int | None], ...] = ()
    contents: tuple[str, ...] = ()


@dataclass(frozen=True)
class DuplicatesReport:
    """leaks: by held-out split, how many of its images have a twin that votes, and the neighbours'
    accuracy with those twins voting and without."""

    index: IndexFacts
    groups: tuple[NearDuplicates, ...]
    across_splits: int
    across_labels: int
    leaks: Mapping[str, Mapping[str, float]]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Proposal:
    """An image whose label would teach much, and why; label and kind are what the words say."""

    id: int
    path: str
    label: str
    probability: float
    why: str
    page: int | None = None
    item: int | None = None
    kind: str = ""
