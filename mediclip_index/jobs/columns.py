"""Verdicts as columns of the library: what each image is, for `--where`, lists, summary and export.

The class and kind that count: a person's word where there is one, else the verdict by the settings,
words and labels in force, given anew from the stored vectors; nothing is written to the audit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mediclip_index.catalog import conditions, images, indexed, labels, library, presence
from mediclip_index.catalog.conditions import VerdictColumns
from mediclip_index.jobs import classify_many
from mediclip_index.jobs.classify_many import Classifier
from mediclip_index.jobs.hand_labels import hand_label
from mediclip_index.jobs.headers import dicom_headers
from mediclip_index.session.session import Session
from mediclip_index.session.snapshot import Snapshot, open_snapshot
from mediclip_index.types import (
    Ids,
    ModelUnavailable,
    Progress,
    SearchHit,
    SearchReport,
    Silent,
)


@dataclass(frozen=True, eq=False)
class Judged:
    """What the images that are there are, in order of id, all (n,). `columns` are those of the
    library; kind_shares: what the words give to each image's kind; labelled: whether a person said
    what it is; guesses: the classes by the machine alone; lacking: how many images have no vector
    by the model in force, and are left out."""

    columns: VerdictColumns
    kind_shares: np.ndarray
    labelled: np.ndarray
    lacking: int


def judged(
    session: Session, base: Snapshot, ids: Ids | None = None, *, progress: Progress | None = None
) -> Judged:
    """All images that are there as of the snapshot's transaction, or these of them."""
    progress = progress or Silent()
    with session.catalog.reading() as read:
        wanted = presence.present_ids(read.as_of(base.tx)) if ids is None else ids
    classifier = Classifier(session, base)
    parts = []
    progress.start("judge", len(wanted))
    for start in range(0, len(wanted), classify_many.CHUNK):
        part = wanted[start : start + classify_many.CHUNK]
        parts.append(_chunk(session, base, classifier, part))
        progress.advance(len(part))
    progress.finish()
    columns = {
        name: np.concatenate([getattr(p.columns, name) for p in parts] or [np.zeros(0)])
        for name in ("ids", *library.OF_VERDICTS)
    }
    shares = np.concatenate([p.kind_shares for p in parts] or [np.zeros(0)])
    labelled = np.concatenate([p.labelled for p in parts] or [np.zeros(0, dtype=np.bool_)])
    found = VerdictColumns(**columns)
    return Judged(found, shares, labelled, len(wanted) - len(found.ids))


def _chunk(session: Session, base: Snapshot, classifier: Classifier, part: Ids) -> Judged:
    names, kinds = base.text_classifier.vectors.classes, base.text_classifier.vectors.groups
    with session.catalog.reading() as read:
        then = read.as_of(base.tx)
        ids, vectors = images.vectors(then, base.stored, part.tolist())
        contents = indexed.contents(then, ids)
        hands = labels.by_hand(then, ids.tolist())
        headers = dicom_headers(then, base.text_classifier.vectors, ids.tolist())
    if len(ids) == 0:
        nothing, texts, flags = np.zeros(0), np.zeros(0, dtype=object), np.zeros(0, dtype=np.bool_)
        columns = VerdictColumns(ids, texts, texts, nothing, flags, texts)
        return Judged(columns, nothing, flags, 0)
    found = classifier.classify(contents, vectors, headers).decision
    rows = np.arange(len(ids))
    guesses = np.array(names, dtype=object)[found.winners]
    verdict = guesses.copy()
    kind = np.array(kinds, dtype=object)[found.kinds[rows, found.winners]]
    shares = found.kind_shares[rows, found.winners]
    probability, unsure = found.probabilities[rows, found.winners], found.unsure.copy()
    labelled = np.zeros(len(ids), dtype=np.bool_)
    for row in [row for row, image in enumerate(ids.tolist()) if image in hands]:
        said = hand_label(hands[int(ids[row])], base, found.kinds[row])
        if said is None:
            continue
        verdict[row], kind[row], unsure[row] = said.label, said.kind, False
        labelled[row] = True
        known = said.label in names
        probability[row] = found.probabilities[row, names.index(said.label)] if known else np.nan
        # Of each class only the likeliest kind is known, so no more is told.
        place = kinds.index(said.kind) if said.kind else -1
        shares[row] = found.kind_shares[row][found.kinds[row] == place].sum()
    columns = VerdictColumns(ids, verdict, kind, probability, unsure, guesses)
    return Judged(columns, shares, labelled, 0)


def with_verdicts(
    session: Session, report: SearchReport, *, progress: Progress | None = None
) -> SearchReport:
    """A search report that says of each image found what it is; these alone are judged. It stays as
    it is where no verdict can be given now (the model is gone, say)."""
    if not report.results:
        return report
    try:
        base = open_snapshot(session)
    except ModelUnavailable:
        return report
    ids = np.array(sorted({hit.id for hit in report.results}), dtype=np.int64)
    found = judged(session, base, ids, progress=progress)
    columns = found.columns
    place = {image: n for n, image in enumerate(columns.ids.tolist())}
    with session.catalog.reading() as read:
        hands = labels.by_hand(read.as_of(base.tx), ids.tolist())

    def told(hit: SearchHit) -> SearchHit:
        n = place.get(hit.id)
        if n is None:
            return hit
        share = float(columns.probability[n])
        return replace(
            hit,
            guess=columns.guess[n],
            verdict=columns.verdict[n],
            kind=columns.kind[n],
            probability=None if np.isnan(share) else share,
            unsure=bool(columns.unsure[n]),
            labelled_by=hands[hit.id].author if found.labelled[n] else None,
        )

    return replace(report, results=tuple(map(told, report.results)))


def matching(
    session: Session, where: str, base: Snapshot | None = None, *, progress: Progress | None = None
) -> list[int]:
    """The ids, in order, of images that meet a condition, as of the snapshot's transaction where
    one is given. All are judged first where the condition asks for verdicts."""
    return _matching(session, where, base, progress)[0]


def matching_by_doubt(
    session: Session, where: str, *, progress: Progress | None = None
) -> list[int]:
    """As `matching`; what asks for the unsure is in order of doubt, the most doubtful first."""
    ids, columns = _matching(session, where, None, progress)
    if columns is None:
        return ids
    with session.catalog.reading() as read:
        if not conditions.asks_for_verdicts(read, where, ["unsure"]):
            return ids
    sure = dict(zip(columns.ids.tolist(), columns.probability.tolist(), strict=True))
    return sorted(ids, key=lambda image: (np.nan_to_num(sure.get(image, 1.0), nan=1.0), image))


def _matching(
    session: Session, where: str, base: Snapshot | None, progress: Progress | None
) -> tuple[list[int], VerdictColumns | None]:
    with session.catalog.reading() as read:
        then = read if base is None else read.as_of(base.tx)
        if not conditions.asks_for_verdicts(then, where):
            return conditions.matching(then, where), None
    base = base or open_snapshot(session)
    columns = judged(session, base, progress=progress).columns
    with session.catalog.reading() as read:
        return conditions.matching(read.as_of(base.tx), where, columns), columns
