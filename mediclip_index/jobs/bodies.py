"""Verdicts as the audit keeps them, and back."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mediclip_index import verdict as rules
from mediclip_index.catalog.labels import iso
from mediclip_index.types import (
    AuditRow,
    GroupShare,
    HeaderVote,
    Neighbour,
    PromptMatch,
    ReferenceVote,
    Vectors,
    Verdict,
)

Body = dict[str, Any]
_NOT_KEPT = ("hand", "image")  # what an index says of a picture on the day it is asked


@dataclass(frozen=True)
class Circumstances:
    """Under which a verdict was given; with them and its vector it can be given again. The files of
    references and of the shipped calibration are None where they were not used."""

    time_us: int
    by: str
    run: str
    tx: int
    engine: str
    precision: str
    model: str
    fingerprint: str
    settings: int
    prompts: str
    prompts_sha256: str
    k: int
    what_if: bool
    references_sha256: str | None
    doubt_sha256: str | None


def to_body(
    verdict: Verdict, circumstances: Circumstances, *, vector: Vectors | None, image: int | None
) -> Body:
    """A verdict as plain JSON values, without what people said of the picture: the catalog has
    that with its history. `vector` (dim,) is kept where no indexed `image` has it."""
    said = {name: value for name, value in asdict(verdict).items() if name not in _NOT_KEPT}
    kept = None if vector is None else base64.b64encode(vector.astype("<f4").tobytes()).decode()
    return {
        **said,
        "neighbours": [asdict(n) for n in verdict.neighbours],
        "references": [asdict(r) for r in verdict.references],
        "prompts": [asdict(p) for p in verdict.prompts],
        "without": list(verdict.without),
        **{("prompt_set" if k == "prompts" else k): v for k, v in asdict(circumstances).items()},
        "rule": rules.RULE,
        "vector": kept,
        "image": image,
    }


def vector_of(body: Body) -> Vectors | None:
    """The query vector, shape (dim,), where the audit keeps it itself."""
    kept = body.get("vector")
    return None if kept is None else np.frombuffer(base64.b64decode(kept), dtype="<f4")


def rule_of(body: Mapping[str, Any]) -> int:
    """The number of the rule that gave a verdict; the first was not numbered."""
    return int(body.get("rule", 1))


def header_of(body: Mapping[str, Any]) -> HeaderVote | None:
    """What the picture's DICOM header said; verdicts of earlier versions did not ask."""
    said = body.get("header")
    return None if said is None else HeaderVote(**said)


def to_row(body: Mapping[str, Any], chain: str | None) -> AuditRow:
    """The audit row of a body; `chain` is its hash, None while it waits in the spool."""
    plain = {
        name: body[name]
        for name in (
            "id",
            "path",
            "page",
            "item",
            "sha256",
            "width",
            "height",
            "label",
            "probability",
            "unsure",
            "probabilities",
            "zero_shot",
            "votes",
            "alpha",
            "calibrated",
            "words_share",
            "otherwise",
            "why",
        )
    }
    verdict = Verdict(
        **plain,
        group=GroupShare(**body["group"]),
        neighbours=tuple(Neighbour(**n) for n in body["neighbours"]),
        prompts=tuple(PromptMatch(**p) for p in body["prompts"]),
        without=tuple(body["without"]),
        # Verdicts of earlier versions knew none of these.
        references=tuple(ReferenceVote(**r) for r in body.get("references", ())),
        calibration=body.get("calibration", "tuned" if body["calibrated"] else None),
        header=header_of(body),
        image=body.get("image"),
    )
    return AuditRow(
        verdict=verdict,
        time=iso(body["time_us"]),
        by=body["by"],
        tx=body["tx"],
        engine=body["engine"],
        precision=body["precision"],
        model=body["model"],
        fingerprint=body["fingerprint"],
        settings=body["settings"],
        prompts=body["prompt_set"],
        run=body["run"],
        chain=chain,
    )
