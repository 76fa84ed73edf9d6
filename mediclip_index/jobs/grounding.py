"""Everything that verdicts rest on, read at once: the index as it stood at one transaction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from mediclip_index import encoding, verdict
from mediclip_index.catalog import ReadTransaction, images, labels, models, presence
from mediclip_index.catalog.models import StoredEncoder
from mediclip_index.jobs import calibrating
from mediclip_index.jobs.calibrating import InForce
from mediclip_index.jobs.desk import Desk, Wording, named_prompts
from mediclip_index.jobs.kinds import classes_by_kind
from mediclip_index.jobs.moments import microseconds
from mediclip_index.neighbours import VectorIndex
from mediclip_index.prompts import parse
from mediclip_index.types import (
    Ids,
    IndexFacts,
    PromptSet,
    Settings,
    WhatIf,
)

STALE = (
    "Labels, words or the model changed since the calibration, so probabilities are uncalibrated; "
    "`mediclip-index tune` makes a new one."
)


@dataclass(frozen=True, eq=False)
class Ground:
    """What all verdicts of one run rest on. `settings` count in plain cosines; references: the
    model's own, where they vote."""

    facts: IndexFacts
    known: StoredEncoder
    settings: Settings
    wording: Wording
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
        return verdict.Rule(self.settings, self.wording.vectors, fitted)

    @cached_property
    def counts(self) -> Ids:
        """Support images by class, in the order of the wording's classes."""
        return np.bincount(self.support.classes, minlength=len(self.wording.vectors.classes))

    @cached_property
    def classes_by_kind(self) -> dict[str, tuple[str, ...]]:
        """Every kind of the wording, and the classes that it is of."""
        return classes_by_kind(self.wording.prompts)

    @cached_property
    def reference_classes(self) -> Ids:
        """The place of each reference's class in the wording's."""
        if self.references is None:
            return np.zeros(0, dtype=np.int64)
        place = {name: n for n, name in enumerate(self.wording.vectors.classes)}
        return np.array([place[name] for name in self.references.label.tolist()], dtype=np.int64)


def ground(
    desk: Desk,
    *,
    what_if: WhatIf,
    prompts: str | None,
    as_of: str | None = None,
    seeing: bool = False,
) -> Ground:
    """Read the index once. `as_of` is a past moment (ISO 8601) whose labels, images, words and
    settings are to answer. With `seeing` the model is going to be needed, and is loaded meanwhile
    where it can be."""
    if as_of is not None:
        return _past(desk, as_of, what_if=what_if, prompts=prompts)
    with desk.catalog.reading() as read:
        if seeing:
            desk.expect(models.encoder(read))
        desk.names_in(read)
        settings = models.settings(read)
        wording = desk.ready_wording(read, prompts, settings)
        if wording is not None:
            return _present(desk, read, settings, wording, what_if=what_if, prompts=prompts)
    wording = desk.wording(prompts, settings)
    with desk.catalog.reading() as read:
        return _present(desk, read, settings, wording, what_if=what_if, prompts=prompts)


def _present(
    desk: Desk,
    read: ReadTransaction,
    settings: Settings,
    wording: Wording,
    *,
    what_if: WhatIf,
    prompts: str | None,
) -> Ground:
    known = models.encoder(read)
    vector_index, notes = desk.vector_index(read, known)
    found = _ground(desk, read, known, settings, wording, vector_index, what_if)
    fitted = settings.calibration is not None and found.calibration is None
    if fitted and what_if == WhatIf() and prompts is None:
        notes.append(STALE)
    return replace(found, notes=tuple(notes))


def _past(desk: Desk, as_of: str, *, what_if: WhatIf, prompts: str | None) -> Ground:
    with desk.catalog.reading() as read:
        tx = models.tx_at(read, microseconds(as_of))
        then = read.as_of(tx)
        settings, in_force = models.settings(then), models.prompts(then, prompts)
    chosen = (
        named_prompts(prompts or "")
        if in_force is None
        else parse(in_force.source, f"prompt set {in_force.name}")
    )
    if in_force is None:  # a set that the index did not know then; kept, so that replay knows it
        desk.wording_of(chosen, settings, keep=True)
    base = ground_at(desk, tx=tx, settings=settings, prompts=chosen, what_if=what_if)
    return replace(base, notes=(f"Answered as of {as_of} (transaction {tx}).",))


def ground_at(
    desk: Desk,
    *,
    tx: int,
    settings: Settings,
    prompts: PromptSet,
    what_if: WhatIf | None = None,
    shipped: bool = True,
) -> Ground:
    """The ground as it was at a transaction, searched exactly from the catalog's vectors;
    `shipped`: by the calibration that comes with the model too, where it holds."""
    with desk.catalog.reading() as now:
        known = models.encoder(now.as_of(tx))
    wording = desk.wording_of(prompts, settings, known=known)
    with desk.catalog.reading() as now:
        read = now.as_of(tx)
        support = labels.support(read, wording.vectors.classes)
        among = support.ids if len(support.ids) else presence.present_ids(read)
        ids, vectors = images.vectors(read, known, among.tolist())
        searched = VectorIndex([], ids, vectors)
        return _ground(
            desk, read, known, settings, wording, searched, what_if or WhatIf(), shipped=shipped
        )


def _ground(
    desk: Desk,
    read: ReadTransaction,
    known: StoredEncoder,
    settings: Settings,
    wording: Wording,
    vector_index: VectorIndex,
    what_if: WhatIf,
    *,
    shipped: bool = True,
) -> Ground:
    asked = what_if.of(settings)
    support = labels.support(read, wording.vectors.classes)
    references = desk.references(known, asked, wording.prompts)
    return Ground(
        facts=desk.facts(read),
        known=known,
        settings=verdict.in_cosines(asked, known.unrelated),
        wording=wording,
        support=support,
        vector_index=vector_index,
        tx=read.tx,
        notes=(),
        calibration=calibrating.in_force(
            desk, known, asked, wording.prompts, support, shipped=shipped and what_if == WhatIf()
        ),
        references=references,
        what_if=what_if != WhatIf(),
    )
