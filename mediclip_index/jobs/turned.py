"""Which kept verdicts would turn by today's labels, words and settings."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from mediclip_index.catalog import audit, images
from mediclip_index.jobs.bodies import Body, header_of, vector_of
from mediclip_index.jobs.classify_many import CHUNK, Classified, Classifier
from mediclip_index.session.session import Session
from mediclip_index.session.snapshot import Snapshot, open_snapshot
from mediclip_index.types import (
    LabelReport,
    MediclipError,
    TurnedReport,
    TurnedVerdict,
    UsageError,
    Vectors,
)

LOOKED_AT = 2_000  # kept verdicts, the latest, that a new label is held against
_Key = tuple[str, int | None, int | None]  # content, page, item
_NAMED = 5  # images that a note's command names


def turned(session: Session, ids: Sequence[int] = (), *, latest: int | None = None) -> TurnedReport:
    """See Index.audit_turned. `latest`: only so many of the last verdicts are looked at."""
    with session.catalog.reading() as read:
        missing = set(ids) - set(images.images(read, list(ids)))
        facts = session.facts(read)
    if missing:
        raise UsageError(f"There is no image {min(missing)} in this index.")
    seen: set[_Key] = set()
    found: list[TurnedVerdict] = []
    base: Snapshot | None = None
    for kept in _pages(session, latest):
        if base is None:
            base = open_snapshot(session)
            classifier = Classifier(session, base)
        part, vectors = _with_vectors(session, base, _comparable(base, kept, seen))
        if part:
            now = classifier.classify(
                [body["sha256"] for body in part], vectors, [header_of(body) for body in part]
            )
            found += _differing(base, part, now, set(ids))
    return TurnedReport(facts, len(seen), tuple(found))


def _pages(session: Session, latest: int | None) -> Iterator[list[Body]]:
    """Kept verdicts, newest first, some at once: all bodies of a year may not fit in memory."""
    place, left = None, latest
    while left is None or left > 0:
        count = CHUNK if left is None else min(CHUNK, left)
        with session.catalog.reading() as read:
            kept, place = audit.before(read, place, count)
        if not kept:
            return
        yield kept
        left = None if left is None else left - len(kept)


def with_turned(session: Session, report: LabelReport, ids: Iterable[int]) -> LabelReport:
    """What was changed, with how many of the latest verdicts would turn by it."""
    if not report.changed:
        return report
    changed = sorted(set(ids))
    try:
        found = turned(session, changed, latest=LOOKED_AT)
    except (
        MediclipError
    ):  # what was said is kept; that no verdict can be given now is no error here
        return report
    count = len(found.turned)
    if not count:
        return report
    named = f" {' '.join(map(str, changed))}" if len(changed) <= _NAMED else ""
    of = f" of the last {LOOKED_AT:,} verdicts" if found.verdicts >= LOOKED_AT else ""
    what = of or (" verdict" if count == 1 else " verdicts")
    note = f"{count}{what} would turn: `mediclip-index audit turned{named}` shows which."
    return replace(report, would_turn=count, notes=(*report.notes, note))


def _comparable(base: Snapshot, kept: Sequence[Body], seen: set[_Key]) -> list[Body]:
    """The latest verdict of each picture not `seen` yet, of those given with the words and model in
    force and without a what-if."""
    found = []
    for body in kept:  # newest first
        key = (body["sha256"], body["page"], body["item"])
        if (
            key not in seen
            and not body.get("what_if", False)
            and body["prompts_sha256"] == base.text_classifier.prompts.sha256
            and body["fingerprint"] == base.stored.fingerprint
        ):
            seen.add(key)
            found.append(body)
    return found


def _with_vectors(
    session: Session, base: Snapshot, bodies: Sequence[Body]
) -> tuple[list[Body], Vectors]:
    """Those of the verdicts whose vectors are still there, and these (n, dim)."""
    wanted = [body["image"] for body in bodies if body["image"] is not None]
    with session.catalog.reading() as read:
        keys, stored = images.vectors(read, base.stored, wanted)
    by_image = {int(i): v for i, v in zip(keys, stored, strict=True)}
    pairs = [
        (body, by_image.get(body["image"]) if body["image"] is not None else vector_of(body))
        for body in bodies
    ]
    there = [(body, vector) for body, vector in pairs if vector is not None]
    if not there:
        return [], np.empty((0, base.stored.dim), dtype=np.float32)
    return [body for body, _ in there], np.stack([vector for _, vector in there])


def _differing(
    base: Snapshot, bodies: Sequence[Body], now: Classified, ids: Collection[int]
) -> list[TurnedVerdict]:
    """Those of another class now; with `ids`, in which one of these images voted or would."""
    names = base.text_classifier.vectors.classes
    found = []
    for row, body in enumerate(bodies):
        winner = int(now.decision.winners[row])
        if names[winner] == body["label"]:
            continue
        voted = {n["id"] for n in body["neighbours"] if n["weight"] > 0}
        if ids and not (voted | set(now.voters[row].tolist())) & set(ids):
            continue
        found.append(
            TurnedVerdict(
                id=body["id"],
                path=body["path"],
                page=body["page"],
                item=body["item"],
                label=body["label"],
                probability=body["probability"],
                now=names[winner],
                now_probability=float(now.decision.probabilities[row, winner]),
            )
        )
    return found
