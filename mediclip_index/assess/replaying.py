"""`audit replay`: past verdicts given again as of their moment, and held against what was said."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mediclip_index.catalog import audit, images, removals, words
from mediclip_index.jobs.desk import Desk
from mediclip_index.jobs.judging import Asked, ground_at, judge
from mediclip_index.jobs.records import Body, vector_of
from mediclip_index.prompts import parse
from mediclip_index.terms import (
    Progress,
    ReplayDifference,
    ReplayReport,
    Vectors,
    Verdict,
    WrongUsage,
)

TOLERANCE = 1e-3
Moment = tuple[int, int, str, int, float, bool, str]


def replay(
    desk: Desk, verdicts: Sequence[str], *, last: int | None, progress: Progress
) -> ReplayReport:
    """See Index.audit_replay."""
    bodies, erased = _bodies(desk, verdicts, last)
    # Verdicts of one run rest on one state: it is brought back once for all of them.
    moments: dict[Moment, list[Body]] = defaultdict(list)
    for body in bodies:
        moments[
            (
                body["tx"],
                body["settings"],
                body["prompts_sha256"],
                body["k"],
                body["alpha"],
                body["calibrated"],
                body["fingerprint"],
            )
        ].append(body)
    different: list[ReplayDifference] = []
    progress.start("replay", len(bodies))
    for moment, given in moments.items():
        different += _again(desk, moment, given)
        progress.advance(len(given))
    progress.finish()
    with desk.catalog.reading() as look:
        facts = desk.facts(look)
        purged_at = removals.last_purge(look)
    # What was erased since may have voted: such a verdict can't be told from one that was bent.
    unsettled = {b["id"] for b in bodies if b["tx"] < purged_at}
    purged = [ReplayDifference(i, "purged", "its content was erased") for i in erased]
    purged += [
        replace(d, what="purged", why=f"images it may rest on were erased ({d.what})")
        for d in different
        if d.id in unsettled
    ]
    different = [d for d in different if d.id not in unsettled]
    replayed = len(bodies) - (len(purged) - len(erased))
    return ReplayReport(facts, replayed, replayed - len(different), tuple(different), tuple(purged))


def _bodies(desk: Desk, verdicts: Sequence[str], last: int | None) -> tuple[list[Body], list[str]]:
    """(verdicts to give again, ids of those whose content was erased)."""
    with desk.catalog.reading() as look:
        if not verdicts:
            erased = audit.erased(look) if last is None else []
            return [body for body, _ in audit.find(look, limit=last)], erased
        found, erased = [], []
        for beginning in verdicts:
            rows = audit.find(look, limit=2, beginning=beginning)
            without = audit.erased(look, beginning)
            if not rows and len(without) == 1:
                erased += without
                continue
            if len(rows) != 1:
                many = "several verdicts" if rows else "no verdict"
                raise WrongUsage(
                    f"There is {many} with an id that begins with {beginning}; `mediclip-index "
                    "audit list` shows them."
                )
            found.append(rows[0][0])
        return found, erased


def _again(desk: Desk, moment: Moment, bodies: list[Body]) -> list[ReplayDifference]:
    tx, number, prompts_sha256, k, alpha, calibrated, fingerprint = moment
    with desk.catalog.reading() as look:
        known = words.encoder(look.as_of(tx))
        settings = words.settings(look, number)
        source = words.prompts_by_content(look, prompts_sha256)
    if known.fingerprint != fingerprint or source is None:
        gone = "its prompt set" if source is None else "its model"
        return [ReplayDifference(b["id"], "not replayed", f"{gone} is not here") for b in bodies]
    base = ground_at(
        desk,
        tx=tx,
        settings=replace(
            settings,
            k=k,
            alpha=alpha,
            calibration=settings.calibration if calibrated else None,
        ),
        prompts=parse(source.source, source.name),
    )
    found: list[ReplayDifference] = []
    stored = _stored(desk, [b["image"] for b in bodies if b["image"] is not None])
    asked, vectors, then = [], [], []
    for body in bodies:
        vector = vector_of(body) if body["image"] is None else stored.get(body["image"])
        if vector is None:
            found.append(ReplayDifference(body["id"], "not replayed", "its vector is gone"))
            continue
        asked.append(_asked(body))
        vectors.append(vector)
        then.append(body)
    if asked:
        for body, now in zip(then, judge(desk, base, asked, np.stack(vectors)), strict=True):
            difference = _difference(body, now)
            if difference is not None:
                found.append(difference)
    return found


def _stored(desk: Desk, ids: list[int]) -> dict[int, Vectors]:
    with desk.catalog.reading() as look:
        keys, vectors = images.vectors(look, words.encoder(look), ids)
    return {int(i): v for i, v in zip(keys, vectors, strict=True)}


def _asked(body: Body) -> Asked:
    names = ("path", "page", "item", "sha256", "width", "height", "image")
    return Asked(**{name: body[name] for name in names})


def _difference(then: Body, now: Verdict) -> ReplayDifference | None:
    apart = max(
        abs(then["probabilities"].get(name, 0.0) - p) for name, p in now.probabilities.items()
    )
    if now.label == then["label"] and now.unsure == then["unsure"] and apart <= TOLERANCE:
        return None
    engine = f"given by {then['engine']}, {then['precision']}"
    return ReplayDifference(
        then["id"],
        f"{then['label']} {then['probability']:.4f} is now {now.label} {now.probability:.4f}",
        f"probabilities differ by {apart:.2g}; {engine}",
    )
