"""Verdicts → the audit, in the order in which they were given."""

from __future__ import annotations

import time
from collections.abc import Sequence

from mediclip_index.catalog import audit
from mediclip_index.jobs.bodies import Body, Circumstances, to_body
from mediclip_index.jobs.classify import QueryImage
from mediclip_index.session.session import Session
from mediclip_index.session.snapshot import Snapshot
from mediclip_index.types import Encoder, IndexBusy, Vectors, Verdict, WriteError

AUDIT_PATIENCE = 2.0  # seconds; then a verdict goes to the spool


def keep(
    session: Session,
    base: Snapshot,
    run: str,
    asked: Sequence[QueryImage],
    given: Sequence[Verdict],
    vectors: Vectors,
    encoder: Encoder | None,
) -> str | None:
    """Write verdicts to the audit, those waiting in the spool with them; where the index is busy,
    to the spool. `encoder` is what made the vectors just now, None where the index held them.
    Returns the hash of the chain's head after it, None where that isn't known."""
    shipped = base.calibration is not None and base.calibration.kind == "shipped"
    circumstances = Circumstances(
        time_us=time.time_ns() // 1000,
        by=session.author,
        run=run,
        tx=base.tx,
        engine=encoder.engine if encoder else "none",
        precision=encoder.precision if encoder else "fp32",
        model=base.stored.name,
        fingerprint=base.stored.fingerprint,
        settings=base.settings.number,
        prompts=base.text_classifier.name,
        prompts_sha256=base.text_classifier.prompts.sha256,
        k=base.settings.k,
        what_if=base.what_if,
        references_sha256=base.references.sha256 if base.references is not None else None,
        doubt_sha256=base.calibration.fitted.bound if base.calibration and shipped else None,
    )
    bodies: list[Body] = [
        to_body(v, circumstances, vector=None if a.image else x, image=a.image)
        for a, v, x in zip(asked, given, vectors, strict=True)
    ]
    try:
        with session.catalog.writing(
            "query", by=session.author, run=run, timeout=AUDIT_PATIENCE
        ) as write:
            taken = audit.take_in_spool(write, session.catalog.spool)
            audit.take_in(write, bodies)
            head = audit.head(write)[1]
    except IndexBusy:
        audit.put_in_spool(session.catalog.spool, bodies)
        return None
    except WriteError as error:
        raise WriteError(f"{error} No verdict is given unkept; --no-audit asks for that.") from None
    for file in taken:
        file.unlink(missing_ok=True)
    return head
