"""`tune`: the numbers of the verdict, chosen on one split and calibrated on another.

The test split is never looked at. Where sources are known, each image is judged without its own
source: the tune split is like the support, and would else teach that neighbours can always be
trusted, and images of new sources would pay for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mediclip_index import encoding, verdict
from mediclip_index.catalog import models
from mediclip_index.evaluate import grids, objectives, shrinkage
from mediclip_index.evaluate.grids import blend, search, worded
from mediclip_index.evaluate.leave_one_out import (
    Evidence,
    Floats,
    Labelled,
    labelled,
    leave_one_out,
    ood_scores,
    predict,
)
from mediclip_index.evaluate.splits import (
    FOLDS,
    LEAST_TUNED,
    Splits,
    refuse_duplicates,
    refuse_shared_subjects,
    to_tune,
)
from mediclip_index.session import calibrations, unrelated
from mediclip_index.session.calibrations import InForce
from mediclip_index.session.session import Session
from mediclip_index.show.text import counted
from mediclip_index.types import (
    Calibration,
    Ids,
    Progress,
    Settings,
    TuneOptions,
    TuneReport,
    Tuning,
    Unrelated,
    UsageError,
)

FAMILIAR = 0.97  # share of calibration images that count as known


def tune(session: Session, options: TuneOptions, progress: Progress) -> TuneReport:
    """See Index.tune."""
    objective, coverage, prevalence = options.objective, options.coverage, options.prevalence
    with session.catalog.reading() as read:
        stored = models.encoder(read)
        in_force = models.settings(read)
    before = replace(in_force, calibration=None)
    measured = unrelated.measured(session, stored)
    if measured is not None:
        before = verdict.in_spreads(before, measured)
    if options.references is not None:
        before = replace(before, references=options.references)
    data = replace(labelled(session, before, options.prompts), unrelated=measured)
    goal = objectives.objective(objective, data.classes)
    splits = to_tune(data)
    notes = list(splits.notes)
    apart = {"tune": splits.tune, "calibrate": splits.calibrate, "test": data.places("test")}
    if splits.folds is not None:
        apart = {"the support": splits.tune, "test": apart["test"]}
    refuse_duplicates(data, apart, options.allow_duplicates, notes)
    refuse_shared_subjects(data, options.allow_shared_subjects, notes)
    sources = set(data.source[splits.tune].tolist()) - {""}
    out = options.leave_sources_out
    out = len(sources) > 1 if out is None else out
    why_not = shrinkage.too_few(data.truth[np.union1d(splits.tune, splits.calibrate)], data.classes)
    scarce = _uncalibrated(data.truth[splits.calibrate], data.classes, coverage)
    if why_not is None and scarce is not None:
        if prevalence or goal.recalled is not None:
            raise UsageError(f"{scarce}; a prevalence or a precision can't be held without them.")
        fitted_here = in_force.calibration
        if data.calibration is not None and len(data.classes) == 2:
            shipped = data.calibration.fitted
            if fitted_here is None or fitted_here.bound == shipped.bound:
                notes.append(f"{scarce}: settings stay as they are, and so does what is unsure.")
                chosen, losses = _slope_alone(data, splits, before, shipped, options, notes)
                number = _put_in_force(session, measured, before, chosen, options)
                return _report(session, replace(chosen, number=number), losses, options, notes)
        if data.calibration is not None or fitted_here is not None:
            # Else verdicts would be sure by probabilities that nothing vouches for.
            why_not = f"{scarce}: settings and calibration stay as they are."
    if why_not is not None:
        return _nothing_chosen(session, data, objective, splits, (*notes, why_not))
    progress.start("tune", None)
    evidence = leave_one_out(data, splits.tune, leave_out=("source",) if out else ())
    evidence, by_heart = _not_by_heart(session, evidence, notes) if out else (evidence, False)
    wanted = objectives.shares(prevalence, data.classes, evidence.truth)
    weight = objectives.weights(evidence.truth, wanted)
    chosen, start, loss = search(evidence, before, goal, weight, by_heart)
    notes.append(
        f"Each image was judged without its own source ({len(sources)} sources)."
        if out
        else "Sources were not left out."
    )
    asked = leave_one_out(data, splits.calibrate)
    raw = blend(asked, chosen)
    for fold in range(FOLDS) if splits.folds is not None and not by_heart else ():
        own = np.asarray(splits.folds == fold)
        others = ~np.isin(evidence.places, asked.places[own])
        if not own.any() or not others.any():
            continue
        theirs, *_ = search(evidence.of(others), before, goal, weight[others], by_heart)
        raw[own] = blend(asked.of(own), theirs)
    data = worded(data, chosen)
    slope = calibrations.shipped_slope(session, stored, data.text_classifier.prompts)
    fitted: Calibration | None = None
    if scarce is not None:
        notes.append(f"Not calibrated: {scarce}.")
    else:
        fitted = _calibrated(
            replace(evidence, labelled=data), replace(asked, labelled=data), raw, chosen, slope,
            options, notes,
        )  # fmt: skip
    if fitted is not None:
        chosen = replace(chosen, threshold=_threshold(fitted))
        earlier = in_force.calibration
        held = data.calibration if earlier is None else InForce(earlier, "tuned")
        doubted = [
            int(predict(replace(asked, labelled=data), one, by).decision.unsure.sum())
            for one, by in ((before, held), (chosen, InForce(fitted, "tuned")))
        ]
        notes.append(
            f"Of {counted(len(asked.places), 'labelled image')}, {doubted[0]} were unsure before, "
            f"{doubted[1]} are now; `mediclip-index tune --reset` goes back to the defaults."
        )
    chosen = replace(
        chosen,
        calibration=fitted,
        tuned=Tuning(
            objective=objective,
            tune_sha256=_digest(data, evidence.places),
            calibrate_sha256=_digest(data, splits.calibrate),
            tuned_on=len(evidence.places),
            calibrated_on=len(splits.calibrate),
            sources_left_out=out,
            prevalence=dict(prevalence),
        ),
    )
    progress.finish()
    number = _put_in_force(session, measured, before, chosen, options)
    return _report(session, replace(chosen, number=number), (start, loss), options, notes)


def _slope_alone(
    data: Labelled,
    splits: Splits,
    before: Settings,
    shipped: Calibration,
    options: TuneOptions,
    notes: list[str],
) -> tuple[Settings, tuple[float, float]]:
    """Settings with the calibration that came with the model, its slope drawn towards what few
    labels say; and its log loss on them before and after. What is in doubt stays in doubt."""
    evidence = leave_one_out(data, splits.calibrate)
    raw, truth = blend(evidence, before), evidence.truth
    slope = _slope(raw, truth, shipped.slope)
    fitted = verdict.with_slope(shipped, slope, (data.classes[0], data.classes[1]))
    losses = [
        verdict.log_loss(verdict.calibrated(raw, one, data.classes), truth)
        for one in (shipped, fitted)
    ]
    tuned = Tuning(
        objective=options.objective,
        tune_sha256=_digest(data, evidence.places),
        calibrate_sha256=_digest(data, evidence.places),
        tuned_on=0,
        calibrated_on=len(truth),
        sources_left_out=False,
        prevalence={},
    )
    notes.append(f"Only the slope of the calibration moved: {shipped.slope:.3f} → {slope:.3f}.")
    return replace(before, calibration=fitted, tuned=tuned), (losses[0], losses[1])


def _put_in_force(
    session: Session,
    measured: Unrelated | None,
    before: Settings,
    chosen: Settings,
    options: TuneOptions,
) -> int:
    """Keep the settings and answer by them from now on; returns their number."""
    if options.dry_run:
        return before.number
    with session.catalog.writing("tune", by=session.author) as write:
        stored = models.encoder(write)
        if stored.unrelated is None and measured is not None:
            models.add_unrelated(write, stored, measured)
        return models.add_settings(write, chosen)


def _report(
    session: Session,
    chosen: Settings,
    losses: tuple[float, float],
    options: TuneOptions,
    notes: Sequence[str],
) -> TuneReport:
    tuned = chosen.tuned
    assert tuned is not None
    with session.catalog.reading() as read:
        return TuneReport(
            index=session.facts(read),
            settings=chosen,
            objective=tuned.objective,
            before=losses[0],
            after=losses[1],
            tuned_on=tuned.tuned_on,
            calibrated_on=tuned.calibrated_on,
            tune_sha256=tuned.tune_sha256,
            calibrate_sha256=tuned.calibrate_sha256,
            sources_left_out=tuned.sources_left_out,
            kept=not options.dry_run,
            notes=tuple(notes),
        )


def _nothing_chosen(
    session: Session,
    data: Labelled,
    objective: str,
    splits: Splits,
    notes: tuple[str, ...],
) -> TuneReport:
    """The report where the settings in force stay."""
    with session.catalog.reading() as read:
        return TuneReport(
            index=session.facts(read),
            settings=models.settings(read),
            objective=objective,
            before=None,
            after=None,
            tuned_on=0,
            calibrated_on=0,
            tune_sha256=_digest(data, splits.tune),
            calibrate_sha256=_digest(data, splits.calibrate),
            sources_left_out=False,
            kept=False,
            notes=notes,
        )


def _not_by_heart(session: Session, evidence: Evidence, notes: list[str]) -> tuple[Evidence, bool]:
    """The images of sources that the model did not learn from; all of them, and True, where these
    are too few. Leaving a source out of the votes is only half of it: what the words know by heart
    they say rightly and surely, and images of new sources would pay for an alpha chosen on it."""
    with session.catalog.reading() as read:
        learned = encoding.learned_from(models.encoder(read).name)
    fresh = ~np.isin(evidence.labelled.source[evidence.places], list(learned))
    if fresh.all():
        return evidence, False
    if fresh.sum() < LEAST_TUNED:
        notes.append(
            "The model learned from the sources of these images, so its words are no witness here: "
            "alpha, k and the like stay as they were; only the calibration is sought."
        )
        return evidence, True
    notes.append(
        f"{int((~fresh).sum())} images of sources that the model learned from were not used."
    )
    return evidence.of(fresh), False


def _calibrated(
    tuned: Evidence,
    evidence: Evidence,
    raw: Floats,
    settings: Settings,
    shipped_slope: float,
    options: TuneOptions,
    notes: list[str],
) -> Calibration:
    """A calibration on `evidence`, whose blend is `raw` (n, c). A precision is held on the `tuned`
    images."""
    data, truth = evidence.labelled, evidence.truth
    coverage, prevalence = options.coverage, options.prevalence
    goal = objectives.objective(options.objective, data.classes)
    have = np.bincount(truth, minlength=len(data.classes))
    fitted = Calibration(
        slope=_slope(raw, truth, shipped_slope),
        coverage=coverage,
        thresholds={},
        strange=float(np.quantile(ood_scores(evidence), FAMILIAR)),
        bound=data.bound,
        images=len(truth),
    )
    wanted = objectives.shares(prevalence, data.classes, truth)
    factors = wanted / (have / len(truth)) if prevalence else np.ones(len(data.classes))
    if goal.recalled is not None:
        sharpened = verdict.sharpen(predict(tuned, settings).blend, fitted.slope)
        held = objectives.hold(
            goal,
            verdict.prior_corrected(sharpened, factors),
            tuned.truth,
            objectives.weights(tuned.truth, wanted),
        )
        factors[goal.recalled] *= held.factor
        notes.append(
            f"On the tune images, precision {held.precision:.4f} and recall {held.recall:.4f}; "
            "verdicts lean to hold it, so their probabilities are shifted by as much."
        )
    if prevalence or goal.recalled is not None:
        fitted = replace(
            fitted, factors=dict(zip(data.classes, (factors / factors.max()).tolist(), strict=True))
        )
    final = verdict.calibrated(raw, fitted, data.classes)
    if goal.recalled is not None:
        reached = objectives.measured(goal, final, truth, objectives.weights(truth, wanted))
        notes.append(
            f"On the calibration images, which did not choose it: precision {reached[0]:.4f}, "
            f"recall {reached[1]:.4f}."
        )
    thresholds = verdict.conformal_thresholds(final, truth, coverage)
    return replace(
        fitted,
        thresholds={name: float(v) for name, v in zip(data.classes, thresholds, strict=True)},
    )


def _uncalibrated(truth: Ids, classes: Sequence[str], coverage: float) -> str | None:
    """Why images of these classes (n,) can't calibrate; None where they can."""
    needed = verdict.images_needed(coverage)
    have = np.bincount(truth, minlength=len(classes))
    if have.min() >= needed:
        return None
    scarce = int(have.argmin())
    return (
        f"A coverage of {coverage:g} needs {needed} calibration images of each class, "
        f"and {classes[scarce]} has {have[scarce]}"
    )


def _slope(raw: Floats, truth: Ids, shipped: float) -> float:
    """The slope for a blend (n, c), drawn back to the shipped one where images are few; the lesser
    of the two where the greater would be wrong, and sure of it, more often."""
    fitted = verdict.fit_slope(raw, truth)
    if (raw.argmax(axis=1) == truth).all():
        fitted = min(fitted, shipped)  # without an error nothing tells how sure one may be
    found = shrinkage.shrunk_slope(shipped, fitted, len(truth))

    def grave(slope: float) -> int:
        told = verdict.sharpen(raw, slope)
        wrong = told.argmax(axis=1) != truth
        return int((wrong & (told.max(axis=1) > grids.SURE)).sum())

    return shipped if found > shipped and grave(found) > grave(shipped) else found


def _threshold(fitted: Calibration) -> float:
    """The raw probability that two classes' calibration takes to the coverage: below it a verdict
    is unsure once labels have changed and the calibration no longer holds."""
    odds = (fitted.coverage / (1 - fitted.coverage)) ** (1 / fitted.slope)
    return float(np.clip(odds / (1 + odds), 0.5, 0.99))


def _digest(data: Labelled, places: Ids) -> str:
    """What a split held: contents and labels, whatever their ids."""
    rows = sorted(f"{data.sha256[p]} {data.classes[data.truth[p]]}" for p in places)
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()
