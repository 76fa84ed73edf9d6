"""Images taken out: marked, brought back, or erased for good."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Literal

import numpy as np

from mediclip_index import reading
from mediclip_index.catalog import (
    ReadTransaction,
    audit,
    conditions,
    images,
    labels,
    presence,
    previews,
    quarantine,
    removals,
)
from mediclip_index.catalog.removals import PurgeSet
from mediclip_index.jobs import keep
from mediclip_index.jobs.columns import judged, matching
from mediclip_index.jobs.repair import sweep_erased
from mediclip_index.session.session import Session
from mediclip_index.session.snapshot import open_snapshot
from mediclip_index.types import RemovedImage, RemoveReport, TakenImage, UsageError

What = Literal["removed", "restored", "purged"]
_COMMANDS = {"removed": "remove", "restored": "remove --restore", "purged": removals.PURGE}
_NAMED = 20


def remove(
    session: Session,
    ids: Sequence[int],
    *,
    where: str | None,
    what: What,
    dry_run: bool,
    last: bool = False,
) -> RemoveReport:
    """See Index.remove."""
    if last and (what != "restored" or ids or where is not None):
        raise UsageError("--last undoes the last removal: it goes with --restore alone.")
    if where is not None and ids:
        raise UsageError("Name images by id or by --where, not by both.")
    met = None if where is None else _met(session, where, what)
    with session.catalog.reading() as read:
        wanted = _last(read) if last else _chosen(read, ids, what) if met is None else met
        unknown = tuple(sorted(set(ids) - set(wanted)))
        erased = removals.purged(read).intersection(unknown)
        done = set(removals.removed(read))
        if what == "purged":
            purge_set = removals.purge_set(read, wanted)
            wanted = list(purge_set.ids)
        else:
            wanted = [i for i in wanted if (i in done) == (what == "restored")]
            purge_set = PurgeSet((), frozenset(), frozenset(), 0)
        known = images.images(read, wanted)
        verdicts = audit.count_of(read, purge_set.ids, purge_set.contents, purge_set.paths)
    unchanged = 0
    if ids and what != "purged":
        unchanged = len(set(ids)) - len(unknown) - len(wanted)
    if wanted and not dry_run:
        if what == "purged":
            verdicts = _purge(session, wanted)
        else:
            with session.catalog.writing(_COMMANDS[what], by=session.author) as write:
                removals.mark(write, wanted, what)
    on_disk = tuple(sorted(path for path in purge_set.paths if reading.is_there(path)))
    notes = [_why_not(i, i in erased) for i in unknown]
    if on_disk:
        notes.append(
            f"{len(on_disk)} of the files still lie on disk: a build of their folder takes them "
            "in as new images."
        )
    return RemoveReport(
        path=str(session.catalog.folder),
        what=what,
        dry_run=dry_run,
        images=tuple(TakenImage(i, known[i].path if i in known else "") for i in wanted),
        unchanged=unchanged,
        verdicts=verdicts,
        on_disk=on_disk,
        notes=tuple(notes),
        unknown=unknown,
    )


def removed(session: Session) -> tuple[RemovedImage, ...]:
    """See Index.removed."""
    with session.catalog.reading() as read:
        current = removals.current(read)
        known = images.images(read, [removal.image for removal in current])
    return tuple(
        RemovedImage(
            r.image,
            known[r.image].path if r.image in known else "",
            labels.iso(r.time_us),
            r.author,
        )
        for r in current
    )


def prune(session: Session) -> int:
    """Images of which no file is left are gone for good: marked as removed. Returns how many."""
    with session.catalog.writing("build --prune", by=session.author) as write:
        gone = presence.gone_ids(write).tolist()
        removals.mark(write, gone, "removed")
    return len(gone)


def _why_not(image: int, erased: bool) -> str:
    if erased:
        return f"#{image} was purged: nothing of it is left to act on."
    return f"There is no image #{image} in this index."


def _last(read: ReadTransaction) -> list[int]:
    """What the last removal took out and is not back yet."""
    current = removals.current(read)
    latest = max((removal.tx for removal in current), default=0)
    return [removal.image for removal in current if removal.tx == latest]


def _met(session: Session, where: str, what: What) -> list[int]:
    """The images that meet a condition; of those that were removed, as they were when they were
    taken out, with the verdicts of today."""
    if what != "restored":
        return matching(session, where)
    by_tx: dict[int, set[int]] = defaultdict(set)
    with session.catalog.reading() as read:
        for removal in removals.current(read):
            by_tx[removal.tx].add(removal.image)
        judging = conditions.asks_for_verdicts(read, where)  # refuses what is no condition, too
    verdicts = None
    if judging and by_tx:
        base = open_snapshot(session)
        taken = np.array(sorted(set().union(*by_tx.values())), dtype=np.int64)
        verdicts = judged(session, base, taken).columns
    found: list[int] = []
    with session.catalog.reading() as read:
        for tx, gone in by_tx.items():
            then = read.as_of(tx - 1)
            found += gone.intersection(conditions.matching(then, where, verdicts))
    return sorted(found)


def _chosen(read: ReadTransaction, ids: Sequence[int], what: What) -> list[int]:
    if not ids:
        said = "Name the images by id or by --where."
        if what == "restored":
            removed = removals.removed(read)
            more = ", …" if len(removed) > _NAMED else ""
            listed = ", ".join(f"#{i}" for i in removed[:_NAMED]) + more
            said = (
                "Name the images by id or by --where, or say --last; "
                f"removed are: {listed or 'none'}."
            )
        raise UsageError(said)
    known = set(images.images(read, list(ids)))
    if not known:
        said = f"There is no image {min(ids)} in this index; nothing was changed."
        if removals.unfinished_purge(read):
            said += " A purge was interrupted: `mediclip-index repair` finishes it."
        raise UsageError(said)
    return sorted(known)


def _purge(session: Session, ids: Sequence[int]) -> int:
    with session.catalog.writing(_COMMANDS["purged"], by=session.author) as write:
        # Waiting verdicts may be of these images too.
        taken = audit.take_in_spool(write, session.catalog.spool)
        purge_set = removals.purge_set(write, ids)
        verdicts = removals.purge(write, purge_set)
        # Once committed, nobody would know any more what to look for there.
        quarantine.forget(session.catalog.folder, {*purge_set.contents, *purge_set.paths})
        previews.forget(session.catalog.folder, purge_set.ids)
        keep.forget(session.catalog.folder, purge_set.paths)
    for file in taken:
        file.unlink(missing_ok=True)
    sweep_erased(session)
    return verdicts + _late(session, purge_set)


def _late(session: Session, purge_set: removals.PurgeSet) -> int:
    """Queries that began before a purge had to wait for it, and then kept their verdicts: only here
    is it still known what those must not name. Returns how many had been kept."""
    with session.catalog.reading() as read:
        kept = audit.count_of(read, purge_set.ids, purge_set.contents, purge_set.paths)
    if not kept and not any(audit.spool_files(session.catalog.spool)):
        return 0
    with session.catalog.writing(_COMMANDS["purged"], by=session.author) as write:
        contents, paths = purge_set.contents, purge_set.paths
        taken = audit.take_in_spool(write, session.catalog.spool, contents=contents, paths=paths)
        erased = audit.erase(write, ids=purge_set.ids, contents=contents, paths=paths)
    for file in taken:
        file.unlink(missing_ok=True)
    session.catalog.rewrite()
    return erased
