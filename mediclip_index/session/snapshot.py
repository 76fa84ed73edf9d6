"""Everything that verdicts rest on, read at once: the index as it stood at one transaction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from mediclip_index import encoding, verdict
from mediclip_index.catalog import ReadTransaction, images, labels, models, presence
from mediclip_index.catalog.models import StoredEncoder
from mediclip_index.neighbours import VectorIndex
from mediclip_index.prompts import parse
from mediclip_index.session import calibrations
from mediclip_index.session.calibrations import InForce
from mediclip_index.session.kinds import classes_by_kind
from mediclip_index.session.moments import microseconds
from mediclip_index.session.session import Session
from mediclip_index.session.text_classifier import (
    TextClassifier,
    classifier_of,
    load_text_classifier,
    named_prompts,
    ready_classifier,
)
from mediclip_index.types import (
    Ids,
    IndexFacts,
    PromptSet,
    QueryOptions,
    Settings,
    WhatIf,
)

STALE = (
    "Labels, words or the model changed since the calibration, so probabilities are uncalibrated; "
    "`mediclip-index tune` makes a new one."
)


@dataclass(frozen=True, eq=False)
class Snapshot:
    """What all verdicts of one run rest on. `settings` count in plain cosines; references: the
    model's own, where they vote."""

    facts: IndexFacts
    stored: StoredEncoder
    settings: Settings
    text_classifier: TextClassifier
    support: labels.Support
    vector_index: VectorIndex
    tx: int
    notes: tuple[str, ...]
    calibration: InForce | None = None  # where one holds for all of the above
    references: encoding.References | None = None
    what_if: bool = False  # whether something stands in for the settings in force

    @cached_property
    def rule(self) -> verdict.Rule:
        """What verdicts are decided by."""
        fitted = None if self.calibration is None else self.calibration.fitted
        return verdict.Rule(self.settings, self.text_classifier.vectors, fitted)

    @cached_property
    def counts(self) -> Ids:
        """Support images by class, in the order of the text classifier's classes."""
        return np.bincount(
            self.support.classes, minlength=len(self.text_classifier.vectors.classes)
        )

    @cached_property
    def classes_by_kind(self) -> dict[str, tuple[str, ...]]:
        """Every kind of the prompt set, and the classes that it is of."""
        return classes_by_kind(self.text_classifier.prompts)

    @cached_property
    def reference_classes(self) -> Ids:
        """The place of each reference's class in the text classifier's."""
        if self.references is None:
            return np.zeros(0, dtype=np.int64)
        place = {name: n for n, name in enumerate(self.text_classifier.vectors.classes)}
        return np.array([place[name] for name in self.references.label.tolist()], dtype=np.int64)


def open_snapshot(
    session: Session, options: QueryOptions | None = None, *, needs_model: bool = False
) -> Snapshot:
    """Read the index once, as a query with these options would have it: by another prompt set, with
    what-ifs, or as of a past moment. With `needs_model` the model is loaded meanwhile where it can
    be."""
    options = options or QueryOptions()
    if options.as_of is not None:
        return _past(session, options.as_of, options)
    with session.catalog.reading() as read:
        if needs_model:
            session.expect(models.encoder(read))
        session.names_in(read)
        settings = models.settings(read)
        text_classifier = ready_classifier(read, options.prompts, settings)
        if text_classifier is not None:
            return _present(session, read, settings, text_classifier, options)
    text_classifier = load_text_classifier(session, options.prompts, settings)
    with session.catalog.reading() as read:
        return _present(session, read, settings, text_classifier, options)


def _present(
    session: Session,
    read: ReadTransaction,
    settings: Settings,
    text_classifier: TextClassifier,
    options: QueryOptions,
) -> Snapshot:
    stored = models.encoder(read)
    vector_index, notes = session.vector_index(read, stored)
    found = _snapshot_of(
        session, read, _Wanted(settings, text_classifier, vector_index, options.what_if)
    )
    fitted = settings.calibration is not None and found.calibration is None
    if fitted and options.what_if == WhatIf() and options.prompts is None:
        notes.append(STALE)
    return replace(found, notes=tuple(notes))


def _past(session: Session, as_of: str, options: QueryOptions) -> Snapshot:
    with session.catalog.reading() as read:
        tx = models.tx_at(read, microseconds(as_of))
        then = read.as_of(tx)
        settings, in_force = models.settings(then), models.prompts(then, options.prompts)
    chosen = (
        named_prompts(options.prompts or "")
        if in_force is None
        else parse(in_force.source, f"prompt set {in_force.name}")
    )
    if in_force is None:  # a set that the index did not know then; kept, so that replay knows it
        classifier_of(session, chosen, settings, keep=True)
    base = snapshot_at(session, tx=tx, settings=settings, prompts=chosen, what_if=options.what_if)
    return replace(base, notes=(f"Answered as of {as_of} (transaction {tx}).",))


def snapshot_at(
    session: Session,
    *,
    tx: int,
    settings: Settings,
    prompts: PromptSet,
    what_if: WhatIf | None = None,
    shipped: bool = True,
) -> Snapshot:
    """The snapshot at a transaction, searched exactly from the catalog's vectors;
    `shipped`: by the calibration that comes with the model too, where it holds."""
    with session.catalog.reading() as now:
        stored = models.encoder(now.as_of(tx))
    text_classifier = classifier_of(session, prompts, settings, stored=stored)
    with session.catalog.reading() as now:
        read = now.as_of(tx)
        support = labels.support(read, text_classifier.vectors.classes)
        among = support.ids if len(support.ids) else presence.present_ids(read)
        ids, vectors = images.vectors(read, stored, among.tolist())
        searched = VectorIndex([], ids, vectors)
        wanted = _Wanted(settings, text_classifier, searched, what_if or WhatIf(), shipped)
        return _snapshot_of(session, read, wanted)


@dataclass(frozen=True, eq=False)
class _Wanted:
    """What a snapshot is to be of; `shipped`: by the calibration that comes with the model too."""

    settings: Settings
    text_classifier: TextClassifier
    vector_index: VectorIndex
    what_if: WhatIf
    shipped: bool = True


def _snapshot_of(session: Session, read: ReadTransaction, wanted: _Wanted) -> Snapshot:
    stored = models.encoder(read)
    asked = wanted.what_if.of(wanted.settings)
    prompts = wanted.text_classifier.prompts
    support = labels.support(read, wanted.text_classifier.vectors.classes)
    plain = wanted.what_if == WhatIf()
    return Snapshot(
        facts=session.facts(read),
        stored=stored,
        settings=verdict.in_cosines(asked, stored.unrelated),
        text_classifier=wanted.text_classifier,
        support=support,
        vector_index=wanted.vector_index,
        tx=read.tx,
        notes=(),
        calibration=calibrations.in_force(
            session, stored, asked, prompts, support, shipped=wanted.shipped and plain
        ),
        references=session.references(stored, asked, prompts),
        what_if=not plain,
    )
