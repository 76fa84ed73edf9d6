"""`evaluate`: how good words, neighbours and blend are on a split, with intervals, part by part."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import numpy.typing as npt

from mediclip_index import verdict
from mediclip_index.catalog import evaluations, models
from mediclip_index.evaluate import metrics
from mediclip_index.evaluate.leave_one_out import (
    Evidence,
    labelled,
    leave_one_out,
    predict,
)
from mediclip_index.evaluate.splits import refuse_shared_subjects
from mediclip_index.session.session import Session
from mediclip_index.show.text import counted
from mediclip_index.types import (
    EvaluateOptions,
    EvaluationReport,
    PartFigures,
    Progress,
    SureFigures,
    UsageError,
    WhatIf,
)

METHODS = ("zero_shot", "neighbours", "blend")
PARTS = ("source", "category", "subject", "split")
SHOWN = ("source", "category", "modality", "split")
EVERYTHING = "all"


def evaluate(session: Session, options: EvaluateOptions, progress: Progress) -> EvaluationReport:
    """See Index.evaluate."""
    split, leave_out, what_if = options.split, options.leave_out, options.what_if
    unknown = [name for name in leave_out if name not in PARTS]
    if unknown:
        raise UsageError(f"Can't leave out {unknown[0]!r}; name one of {', '.join(PARTS)}.")
    with session.catalog.reading() as read:
        settings = what_if.of(models.settings(read))
    data = labelled(session, settings, options.prompts, shipped=what_if == WhatIf())
    places = np.arange(len(data.ids)) if split == EVERYTHING else data.places(split)
    if len(places) == 0:
        known = sorted({s for s in data.split.tolist() if s} | {EVERYTHING})
        raise UsageError(
            f"No labelled image is in the split {split!r}; `mediclip-index label split --test 0.3` "
            f"makes one, or choose by --split: {', '.join(known)}."
        )
    notes: list[str] = []
    if split != EVERYTHING:  # there each image is judged as if it were new, whatever its split
        refuse_shared_subjects(data, options.allow_shared_subjects, notes, split)
    progress.start("evaluate", None)
    evidence = leave_one_out(data, places, leave_out=tuple(leave_out))
    groups = np.array(data.text_classifier.vectors.groups)
    fitted = data.calibration
    if settings.calibration is not None and fitted is None:
        notes.append("Labels, words or the model changed since the calibration: it was not used.")
    said = predict(evidence, settings, fitted)
    truth = evidence.truth
    by_method = {
        "zero_shot": said.zero_shot,
        "neighbours": said.votes,
        "blend": said.decision.probabilities,
    }
    hits = {name: p.argmax(axis=1) == truth for name, p in by_method.items()}
    if not said.voted.all():
        notes.append(
            f"{counted(int((~said.voted).sum()), 'image')} had no neighbour that could vote; there "
            "the words answer for the neighbours."
        )
    progress.finish()
    with session.catalog.reading() as read:
        facts = session.facts(read)
    report = EvaluationReport(
        index=facts,
        number=0,
        split=split,
        n=len(places),
        leave_out=tuple(leave_out),
        methods={n: metrics.method(p, truth, data.classes) for n, p in by_method.items()},
        mcnemar=metrics.mcnemar(
            hits,
            [("blend", "zero_shot"), ("blend", "neighbours"), ("zero_shot", "neighbours")],
        ),
        unsure=_sure(evidence, said.decision),
        by={
            name: _parts(getattr(data, name)[places], hits)
            for name in SHOWN
            if len(set(getattr(data, name)[places].tolist()) - {""}) > 1
        }
        | {"group": _parts(groups[said.kinds], hits)},
        settings=settings.number,
        calibrated=fitted is not None,
        notes=tuple(notes),
    )
    with session.catalog.writing("evaluate", by=session.author) as write:
        answers = {
            "images": data.ids[places].tolist(),
            "wrong": {name: data.ids[places][~hit].tolist() for name, hit in hits.items()},
        }
        kept = {**asdict(report), "answers": answers}
        return replace(report, number=evaluations.add(write, "evaluation", kept))


def _sure(evidence: Evidence, decision: verdict.Decision) -> SureFigures:
    """An unsure verdict says "more than one class", and so counts as covered."""
    truth, classes = evidence.truth, evidence.labelled.classes
    sure = ~decision.unsure
    right = decision.winners == truth
    covered = right | ~sure
    return SureFigures(
        coverage=float(covered.mean()),
        coverage_by_class={
            name: float(covered[truth == c].mean())
            for c, name in enumerate(classes)
            if (truth == c).any()
        },
        share_sure=float(sure.mean()),
        accuracy_sure=float(right[sure].mean()) if sure.any() else None,
    )


def _parts(
    names: npt.NDArray[np.str_], hits: dict[str, npt.NDArray[np.bool_]]
) -> dict[str, PartFigures]:
    return {
        name or "(none)": PartFigures(
            int((names == name).sum()), *(metrics.share(hits[m][names == name]) for m in METHODS)
        )
        for name in sorted(set(names.tolist()))
    }
