"""`evaluate --compare`: two kept evaluations, and whether the second is really better."""

from __future__ import annotations

from typing import Any

import numpy as np

from mediclip_index.catalog import evaluations, labels
from mediclip_index.evaluate import metrics
from mediclip_index.session.session import Session
from mediclip_index.types import EvaluationComparison, Ids, KeptEvaluation, MethodChange


def kept(session: Session) -> tuple[KeptEvaluation, ...]:
    """See Evaluations.all."""
    with session.catalog.reading() as read:
        rows = evaluations.all_of(read)
    return tuple(
        KeptEvaluation(
            number=number,
            split=body["split"],
            n=body["n"],
            accuracy=body["methods"]["blend"]["accuracy"]["value"],
            settings=body["settings"],
            time=labels.iso(time_us),
            by=author,
        )
        for number, body, time_us, author in rows
    )


def report(session: Session, number: int) -> dict[str, Any]:
    """See Evaluations.get."""
    with session.catalog.reading() as read:
        body = {**evaluations.find(read, number), "number": number}
    body.pop("answers", None)
    return body


def wrong(session: Session, number: int) -> list[int]:
    """See Evaluations.wrong."""
    with session.catalog.reading() as read:
        answers = evaluations.find(read, number).get("answers", {})
    return [int(i) for i in answers.get("wrong", {}).get("blend", [])]


def compared(session: Session, first: int, second: int) -> EvaluationComparison:
    """See Evaluations.compare."""
    with session.catalog.reading() as read:
        one = {**evaluations.find(read, first), "number": first}
        other = {**evaluations.find(read, second), "number": second}
    answers = [report.pop("answers", {"images": [], "wrong": {}}) for report in (one, other)]
    judged = [np.array(a["images"], dtype=np.int64) for a in answers]
    both = np.intersect1d(judged[0], judged[1])
    right = {
        name: [~np.isin(both, a["wrong"].get(name, [])) for a in answers] for name in one["methods"]
    }
    notes = [
        f"The two differ in {what}: {_named(one[key])} and {_named(other[key])}."
        for key, what in (("split", "the split"), ("leave_out", "what was left out"))
        if one[key] != other[key]
    ]
    if len(both) < max(one["n"], other["n"]):
        notes.append(f"McNemar's test counts the {len(both)} images that both judged.")
    before, after = right["blend"]
    return EvaluationComparison(
        first=one,
        second=other,
        both=len(both),
        change={
            name: _change(one["methods"][name], other["methods"][name], *right[name])
            for name in one["methods"]
            if name in other["methods"]
        },
        mended=_ids(both, ~before & after),
        broken=_ids(both, before & ~after),
        notes=tuple(notes),
    )


def _named(what: str | list[str]) -> str:
    return what if isinstance(what, str) else ", ".join(what) or "nothing"


def _change(
    one: dict[str, Any], other: dict[str, Any], before: np.ndarray, after: np.ndarray
) -> MethodChange:
    pair = metrics.mcnemar({"first": before, "second": after}, [("first", "second")])
    return MethodChange(
        accuracy=other["accuracy"]["value"] - one["accuracy"]["value"],
        macro_f1=other["macro"]["f1"] - one["macro"]["f1"],
        ece=other["ece"] - one["ece"],
        log_loss=other["log_loss"] - one["log_loss"],
        per_class_recall={
            name: figure["recall"] - one["per_class"][name]["recall"]
            for name, figure in other["per_class"].items()
            if name in one["per_class"]
        },
        mcnemar=pair["first vs second"],
    )


def _ids(both: Ids, which: np.ndarray) -> tuple[int, ...]:
    return tuple(int(i) for i in both[which])
