"""What tune makes best, for which pile, and that the settings row tells."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner

from mediclip_index import Index, verdict
from mediclip_index.cli.root import cli
from mediclip_index.evaluate import objectives
from mediclip_index.evaluate.leave_one_out import labelled, leave_one_out, predict
from mediclip_index.types import UsageError

CLASSES = ("medical", "non_medical")


def test_the_settings_row_tells_on_which_images_it_was_chosen(mixed: Index) -> None:
    report = mixed.tune(leave_sources_out=False)
    tuned = mixed.info().settings.tuned
    assert tuned is not None
    assert (tuned.objective, tuned.tuned_on, tuned.calibrated_on) == ("log-loss", 32, 64)
    assert tuned.tune_sha256 == report.tune_sha256 != tuned.calibrate_sha256
    one = mixed.search(where="split = 'tune' and label = 'medical'", k=1).results[0]
    mixed.labels.set("non_medical", [one.id])
    assert mixed.tune(dry_run=True).tune_sha256 != tuned.tune_sha256


def test_the_threshold_of_uncalibrated_verdicts_is_tuned_too(mixed: Index) -> None:
    report = mixed.tune(leave_sources_out=False)
    fitted = report.settings.calibration
    assert fitted is not None
    at = report.settings.threshold
    sure = verdict.sharpen(np.array([[at, 1 - at]]), fitted.slope)[0, 0]
    assert sure == pytest.approx(0.95, abs=1e-6) or at in (0.5, 0.99)


def test_a_rare_class_is_said_more_seldom_and_coverage_still_holds(mixed: Index) -> None:
    where = "split = 'test'"
    mixed.tune(leave_sources_out=False)
    even = mixed.query_indexed(where=where, audit=False).verdicts
    report = mixed.tune(leave_sources_out=False, prevalence={"medical": 0.02})
    rare = mixed.query_indexed(where=where, audit=False).verdicts
    factors = report.settings.calibration.factors  # type: ignore[union-attr]
    odds = factors["medical"] / factors["non_medical"]
    assert odds == pytest.approx(0.02 / 0.98)
    for before, after in zip(even, rare, strict=True):
        p, q = before.probabilities["medical"], after.probabilities["medical"]
        assert q == pytest.approx(p * odds / (p * odds + 1 - p), abs=0.02)
        assert after.calibrated
    covered = mixed.evaluate(split="calibrate").unsure.coverage_by_class
    assert min(covered.values()) >= 0.9


def test_a_precision_is_held_and_no_recall_given_away(mixed: Index) -> None:
    ids = [h.id for h in mixed.search(where="split = 'train' and source = 'ihc'", k=9).results]
    mixed.labels.set("non_medical", ids)
    report = mixed.tune(objective="recall-medical@precision=0.99", leave_sources_out=False)
    assert any("recall" in note for note in report.notes)
    data = labelled(mixed._session, report.settings)
    evidence = leave_one_out(data, data.places("tune"))
    fitted = report.settings.calibration
    assert fitted is not None
    said = verdict.calibrated(predict(evidence, report.settings).blend, fitted, data.classes)
    picked, truth = said.argmax(axis=1) == 0, evidence.truth == 0
    assert truth[picked].mean() >= 0.99
    # Any more of the class would cost the precision.
    order = np.argsort(-said[:, 0])
    precisions = np.cumsum(truth[order]) / np.arange(1, len(order) + 1)
    most = np.flatnonzero(precisions >= 0.99)[-1]
    assert truth[picked].sum() == truth[order][: most + 1].sum()


def test_a_precision_that_no_threshold_reaches_is_refused() -> None:
    goal = objectives.objective("recall-medical@precision=0.9", CLASSES)
    said = np.array([[0.9, 0.1], [0.8, 0.2], [0.4, 0.6]])
    truth = np.array([1, 0, 1])
    with pytest.raises(UsageError, match=r"No threshold reaches a precision of 0\.9"):
        objectives.hold(goal, said, truth, np.ones(3))


def test_the_factor_puts_the_boundary_between_two_images() -> None:
    goal = objectives.objective("recall-medical@precision=0.6", CLASSES)
    said = np.array([[0.9, 0.1], [0.7, 0.3], [0.3, 0.7], [0.2, 0.8], [0.1, 0.9]])
    truth = np.array([0, 1, 0, 1, 1])
    held = objectives.hold(goal, said, truth, np.ones(5))
    assert held.precision == pytest.approx(2 / 3)
    assert held.recall == 1.0
    leaning = verdict.prior_corrected(said, np.array([held.factor, 1.0]))
    assert leaning.argmax(axis=1).tolist() == [0, 0, 0, 1, 1]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("recall", "no objective"),
        ("recall-dental@precision=0.9", "no class dental"),
        ("recall-medical@precision=7", "between 0 and 1"),
    ],
)
def test_objectives_that_make_no_sense_are_refused(text: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        objectives.objective(text, CLASSES)


@pytest.mark.parametrize(
    "prevalence",
    [{"dental": 0.1}, {"medical": 0.0}, {"medical": 1.0}, {"medical": 0.5, "non_medical": 0.6}],
)
def test_prevalences_that_make_no_sense_are_refused(prevalence: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        objectives.shares(prevalence, CLASSES, np.array([0, 0, 1]))


def test_the_command_takes_both(mixed: Index) -> None:
    done = CliRunner().invoke(
        cli,
        ["--index", str(mixed.path), "tune", "--json", "--with-sources", "--dry-run",
         "--prevalence", "medical=0.1", "--optimise", "recall-medical@precision=0.5"],
        catch_exceptions=False,
    )  # fmt: skip
    tuned = json.loads(done.stdout)["settings"]["tuned"]
    assert tuned["prevalence"] == {"medical": 0.1}
    assert tuned["objective"] == "recall-medical@precision=0.5"
