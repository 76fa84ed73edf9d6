"""`audit replay`: past verdicts given again as of their moment, and held against what was said.

The kept vectors are asked again: then nothing but the record itself can make a verdict come out
otherwise. From the files, the pictures are read and embedded anew; what differs then is the file
(changed, vanished) or the engine.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from mediclip_index import reading, verdict
from mediclip_index.catalog import audit, images, models, removals
from mediclip_index.catalog.models import StoredEncoder
from mediclip_index.jobs.bodies import Body, header_of, rule_of, vector_of
from mediclip_index.jobs.classify import QueryImage, classify
from mediclip_index.prompts import parse
from mediclip_index.reading.pool import Loaded, Readers, ReadSpec, entry_of
from mediclip_index.session.session import Session
from mediclip_index.session.snapshot import snapshot_at
from mediclip_index.types import (
    AuditFilter,
    Encoder,
    Frames,
    Pdf,
    Progress,
    ReadOptions,
    ReplayDifference,
    ReplayReport,
    Settings,
    UsageError,
    Vectors,
    Verdict,
)

TOLERANCE = 1e-3
STDIN = "-"
# tx, settings, words, k, which calibration, model, files of references and shipped calibration
Moment = tuple[int, int, str, int, str | None, str, str | None, str | None]


def replay(
    session: Session,
    verdicts: Sequence[str],
    *,
    last: int | None,
    from_files: bool,
    progress: Progress,
) -> ReplayReport:
    """See Index.audit_replay."""
    bodies, erased = _bodies(session, verdicts, last)
    # Verdicts of one run rest on one state: it is brought back once for all of them.
    moments: dict[Moment, list[Body]] = defaultdict(list)
    different: list[ReplayDifference] = []
    for body in bodies:
        if rule_of(body) != verdict.RULE:
            different.append(
                _not_replayed(body, "an earlier version of the program, with another rule, gave it")
            )
            continue
        moments[
            (
                body["tx"],
                body["settings"],
                body["prompts_sha256"],
                body["k"],
                body.get("calibration", "tuned" if body["calibrated"] else None),
                body["fingerprint"],
                body.get("references_sha256"),
                body.get("doubt_sha256"),
            )
        ].append(body)
    progress.start("replay", len(bodies))
    for moment, given in moments.items():
        different += _again(session, moment, given, from_files)
        progress.advance(len(given))
    progress.finish()
    with session.catalog.reading() as read:
        facts = session.facts(read)
        purged_at = removals.last_purge(read)
    # What was erased since may have voted: such a verdict can't be told from one that was bent.
    unsettled = {b["id"] for b in bodies if b["tx"] < purged_at}
    purged = [ReplayDifference(i, "purged", "its content was erased", told=False) for i in erased]
    purged += [
        replace(d, what="purged", told=False, why=f"images it may rest on were erased ({d.what})")
        for d in different
        if d.id in unsettled
    ]
    different = [d for d in different if d.id not in unsettled]
    replayed = len(bodies) - (len(purged) - len(erased))
    return ReplayReport(facts, replayed, replayed - len(different), tuple(different), tuple(purged))


def _bodies(
    session: Session, verdicts: Sequence[str], last: int | None
) -> tuple[list[Body], list[str]]:
    """(verdicts to give again, those waiting in the spool too, newest first; ids of those whose
    content was erased)."""
    with session.catalog.reading() as read:
        kept = audit.find(read, AuditFilter(limit=None if verdicts else last))
        gone = audit.erased(read)
    have = {body["id"] for body, _ in kept}
    waiting = [b for b in audit.spooled(session.catalog.spool) if b["id"] not in have]
    bodies = sorted([*waiting, *(b for b, _ in kept)], key=lambda b: -b["time_us"])
    if not verdicts:
        return bodies[:last], gone if last is None else []
    found: list[Body] = []
    erased: list[str] = []
    for beginning in verdicts:
        named = [b for b in bodies if b["id"].startswith(beginning)]
        without = [i for i in gone if i.startswith(beginning)]
        if not named and len(without) == 1:
            erased += without
            continue
        if len(named) != 1:
            many = "several verdicts" if named else "no verdict"
            raise UsageError(
                f"There is {many} with an id that begins with {beginning}; `mediclip-index "
                "audit list` shows them."
            )
        found += named
    return found, erased


def _again(
    session: Session, moment: Moment, bodies: list[Body], from_files: bool
) -> list[ReplayDifference]:
    tx, number, prompts_sha256, k, calibration, fingerprint, references, doubt = moment
    with session.catalog.reading() as read:
        stored_encoder = models.encoder(read.as_of(tx))
        settings = models.settings(read, number)
        source = models.prompts_by_content(read, prompts_sha256)
    if stored_encoder.fingerprint != fingerprint or source is None:
        gone = "its prompt set" if source is None else "its model"
        return [_not_replayed(b, f"{gone} is not here") for b in bodies]
    base = snapshot_at(
        session,
        tx=tx,
        settings=replace(
            settings,
            k=k,
            references=settings.references and references is not None,
            calibration=settings.calibration if _holds(settings, calibration, doubt) else None,
        ),
        prompts=parse(source.source, source.name),
        shipped=calibration == "shipped",
    )
    for what, used, here in (
        ("references", references, base.references.sha256 if base.references else None),
        ("calibration", doubt, base.calibration.fitted.bound if base.calibration else None),
    ):
        if used is not None and used != here:
            return [_changed(b, what, used) for b in bodies]
    found: list[ReplayDifference] = []
    stored = _stored(
        session, stored_encoder, [b["image"] for b in bodies if b["image"] is not None]
    )
    again = _embedded(session, stored_encoder, bodies) if from_files else {}
    asked, vectors, then = [], [], []
    for body in bodies:
        vector = vector_of(body) if body["image"] is None else stored.get(body["image"])
        reason = "" if vector is not None else "its vector is gone"
        if body["id"] in again:
            vector, reason = again[body["id"]]
        if vector is None:
            found.append(_not_replayed(body, reason))
            continue
        asked.append(_asked(body))
        vectors.append(vector)
        then.append(body)
    if asked:
        engine = _engine(session) if from_files else None
        alphas = [body["alpha"] for body in then]
        again_given = classify(session, base, asked, np.stack(vectors), alphas)
        for body, now in zip(then, again_given, strict=True):
            difference = _difference(body, now, engine)
            if difference is not None:
                found.append(difference)
    return found


def _holds(settings: Settings, calibration: str | None, doubt: str | None) -> bool:
    """Whether verdicts went by the settings' own calibration: one that was fitted in the index, or
    the shipped one with a slope of its own."""
    fitted = settings.calibration
    return calibration == "tuned" or (fitted is not None and fitted.bound == doubt)


def _not_replayed(body: Body, why: str) -> ReplayDifference:
    return ReplayDifference(body["id"], "not replayed", why, told=False)


def _changed(body: Body, what: str, sha256: str) -> ReplayDifference:
    return ReplayDifference(
        body["id"],
        f"{what} changed",
        f"the file of the model's own {what} that it used (sha256 {sha256[:12]}) is not here",
        told=False,
    )


def _stored(session: Session, stored: StoredEncoder, ids: list[int]) -> dict[int, Vectors]:
    with session.catalog.reading() as read:
        keys, vectors = images.vectors(read, stored, ids)
    return {int(i): v for i, v in zip(keys, vectors, strict=True)}


def _embedded(
    session: Session, stored: StoredEncoder, bodies: list[Body]
) -> dict[str, tuple[Vectors | None, str]]:
    """By verdict the vector (dim,) of the picture as its file holds it now, or None and why there
    is none; pictures that came through stdin have no file."""
    encoder = session.encoder(stored)
    found: dict[str, tuple[Vectors | None, str]] = {}
    with Readers() as readers:
        for body in bodies:
            if body["path"] == STDIN:
                continue
            if session.names.hashed:
                found[body["id"]] = None, "this index does not keep where files lie"
                continue
            if not reading.is_there(body["path"]):
                found[body["id"]] = None, f"the file {body['path']} has vanished"
                continue
            frames: Frames = "all" if body["page"] else "first"
            pdf: Pdf = "images" if body["item"] else "pages"
            read_spec = ReadSpec(encoder, ReadOptions(frames=frames, pdf=pdf, truncated="show"))
            try:
                entry = entry_of(body["path"])
            except (UsageError, reading.Unreadable) as why:
                found[body["id"]] = None, str(why).rstrip(".")
                continue
            loaded = next(readers.ahead([entry], read_spec))
            found[body["id"]] = _as_then(encoder, body, loaded)
    return found


def _as_then(encoder: Encoder, body: Body, loaded: Loaded) -> tuple[Vectors | None, str]:
    if loaded.sha256 != body["sha256"]:
        return None, f"the file {body['path']} has changed since"
    for picture in loaded.pictures:
        if (picture.page, picture.item) == (body["page"], body["item"]):
            return encoder.encode_pictures([picture])[0], ""
    return None, f"the file {body['path']} can't be read as it was then"


def _engine(session: Session) -> str:
    encoder = session.loaded
    return f"{encoder.engine} {encoder.precision}" if encoder else "none"


def _asked(body: Body) -> QueryImage:
    names = ("path", "page", "item", "sha256", "width", "height", "image")
    return QueryImage(**{name: body[name] for name in names}, header=header_of(body))


def _difference(then: Body, now: Verdict, engine: str | None) -> ReplayDifference | None:
    """None where both say the same; `engine` is what embedded the picture anew."""
    apart = max(
        abs(then["probabilities"].get(name, 0.0) - p) for name, p in now.probabilities.items()
    )
    if now.label == then["label"] and now.unsure == then["unsure"] and apart <= TOLERANCE:
        return None
    what = f"{_said(then)} is now {_said(vars(now))}"
    before = f"{then['engine']} {then['precision']}"
    if engine is None:
        why = "the record was changed, or another version of the program gave it"
    elif engine != before:
        why = f"another engine: {before} then, {engine} now"
    else:
        why = f"the same file has another vector under the same engine ({engine})"
    return ReplayDifference(then["id"], what, f"{why}; probabilities differ by {apart:.2g}")


def _said(body: dict[str, Any]) -> str:
    doubt = ", unsure" if body["unsure"] else ""
    return f"{body['label']} {body['probability']:.4f}{doubt}"
