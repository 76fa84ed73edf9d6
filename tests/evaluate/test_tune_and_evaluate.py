"""Tuning, calibration and evaluation on real pictures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mediclip_index import Index
from mediclip_index.evaluate import tune
from mediclip_index.evaluate.grids import _standard_error
from mediclip_index.evaluate.leave_one_out import Evidence, labelled, leave_one_out, predict
from mediclip_index.evaluate.splits import _folds
from mediclip_index.show import pages
from mediclip_index.types import Settings, UsageError
from tests.evaluate.conftest import SOURCES


def test_tune_lessens_the_loss_and_puts_its_settings_in_force(mixed: Index) -> None:
    before = mixed.info().settings
    report = mixed.tune(leave_sources_out=False)
    assert report.before is not None
    assert report.after is not None
    assert report.after < report.before
    now = mixed.info().settings
    assert now.number == before.number + 1 == report.settings.number
    assert now.calibration is not None
    assert now.calibration.images == report.calibrated_on == 64
    assert report.tuned_on == 32


def test_the_tuned_blend_beats_the_untuned_one_on_pictures_it_never_saw(mixed: Index) -> None:
    before = mixed.evaluate(split="test")
    mixed.tune(leave_sources_out=False)
    after = mixed.evaluate(split="test")
    assert after.calibrated
    assert after.methods["blend"].log_loss < before.methods["blend"].log_loss
    assert after.methods["blend"].accuracy.value >= before.methods["blend"].accuracy.value
    both = mixed.evaluations.compare(before.number, after.number)
    assert (both.first["n"], both.second["n"], both.both) == (32, 32, 32)
    gain = after.methods["blend"].accuracy.value - before.methods["blend"].accuracy.value
    assert both.change["blend"].accuracy == pytest.approx(gain)
    assert len(both.mended) - len(both.broken) == round(32 * gain)


def test_a_mended_label_shows_as_a_gain_of_the_second_evaluation(mixed: Index) -> None:
    ids = [h.id for h in mixed.search(where="split = 'test' and source = 'retina'", k=3).results]
    mixed.labels.set("non_medical", ids)
    wrong = mixed.evaluate()
    mixed.labels.set("medical", ids)
    right = mixed.evaluate()
    both = mixed.evaluations.compare(wrong.number, right.number)
    assert set(both.mended) == set(ids)
    assert both.change["blend"].mcnemar.only_second == 3
    assert both.change["blend"].mcnemar.only_first == len(both.broken) == 0
    unlike = mixed.evaluations.compare(right.number, mixed.evaluate(split="train").number)
    assert unlike.both == 0
    assert any("split" in note for note in unlike.notes)


def test_words_that_know_a_source_by_heart_choose_no_settings(
    mixed: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mediclip_index import encoding

    before = mixed.info().settings
    assert not any("learned from" in note for note in mixed.tune(dry_run=True).notes)
    monkeypatch.setattr(
        encoding, "learned_from", lambda _: frozenset(Path(n).stem for n in SOURCES)
    )
    kept = mixed.tune(dry_run=True)
    assert any("learned from" in note for note in kept.notes)
    assert replace(kept.settings, threshold=0.6, calibration=None, tuned=None) == before
    assert kept.settings.calibration is not None


def test_images_of_one_source_count_as_one_witness(rng: np.random.Generator) -> None:
    gain = np.repeat(rng.standard_normal(10), 50)
    alone = _standard_error(gain, np.arange(500))
    together = _standard_error(gain, np.repeat(np.arange(10), 50))
    assert together > 5 * alone


def test_a_dry_run_keeps_nothing(mixed: Index) -> None:
    before = mixed.info().settings
    assert not mixed.tune(dry_run=True).kept
    assert mixed.info().settings == before


def test_test_images_do_not_change_what_is_tuned(mixed: Index) -> None:
    first = mixed.tune(dry_run=True).settings
    test = [h.id for h in mixed.search(where="split = 'test'", k=100).results]
    mixed.labels.set("medical", test)
    second = mixed.tune(dry_run=True).settings
    assert (first.alpha, first.k, first.beta, first.scale, first.biases) == (
        second.alpha, second.k, second.beta, second.scale, second.biases,
    )  # fmt: skip


def test_val_alone_is_halved_and_without_it_the_support_is_used(mixed: Index) -> None:
    held = [h.id for h in mixed.search(where="split in ('tune', 'calibrate')", k=200).results]
    mixed.labels.set(None, held, split="val")
    report = mixed.tune(dry_run=True)
    assert report.tuned_on + report.calibrated_on == len(held)
    mixed.labels.set(None, held, split="")
    report = mixed.tune(dry_run=True)
    assert "cross-fitted" in " ".join(report.notes)
    # No image of the support is spared for either, and none of test is used.
    assert report.tuned_on == report.calibrated_on == 160


def test_cross_fitting_calibrates_each_image_by_what_others_chose(
    mixed: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = [h.id for h in mixed.search(where="split in ('tune', 'calibrate')", k=200).results]
    mixed.labels.set(None, held, split="")
    asked: list[set[int]] = []

    def search(evidence: Evidence, start: Settings, *_: object) -> tuple[Settings, float, float]:
        asked.append(set(evidence.places.tolist()))
        return start, 0.0, 0.0

    monkeypatch.setattr(tune, "search", search)
    mixed.tune(dry_run=True)
    whole, *parts = asked
    assert len(parts) == 3
    left = [whole - part for part in parts]
    assert set.union(*left) == whole
    assert sum(len(each) for each in left) == len(whole)


def test_a_subject_on_two_sides_is_refused_unless_told(mixed: Index) -> None:
    ids = [mixed.search(where=f"split = '{s}'", k=1).results[0].id for s in ("train", "test")]
    mixed.labels.set(None, ids, subject="patient-7")
    for refused in (mixed.tune, mixed.evaluate):
        with pytest.raises(UsageError, match="patient-7 in support and test"):
            refused()
    told = mixed.evaluate(allow_shared_subjects=True)
    assert any("in more than one split" in note for note in told.notes)
    assert not any("patient-7" in note for note in told.notes)  # notes are kept, names are not
    tuned = mixed.tune(allow_shared_subjects=True, dry_run=True)
    assert any("in more than one split" in note for note in tuned.notes)
    # Neither where all is judged as new, nor of splits that it is not in.
    mixed.evaluate(split="all")
    mixed.evaluate(split="tune")


def test_folds_keep_subjects_together_and_are_of_one_size(rng: np.random.Generator) -> None:
    clusters = np.sort(rng.integers(0, 40, 600))
    folds = _folds(clusters)
    assert all(len(set(folds[clusters == c].tolist())) == 1 for c in range(40))
    assert np.ptp(np.bincount(folds)) <= np.bincount(clusters).max()


def test_verdicts_are_calibrated_until_a_label_changes(mixed: Index) -> None:
    mixed.tune(leave_sources_out=False)
    where = "path like '%retina-05%'"
    verdict = mixed.query_indexed(where=where).verdicts[0]
    assert verdict.calibrated
    raw = mixed.query_indexed(where=where, alpha=0.0).verdicts[0]
    assert not raw.calibrated
    assert raw.probabilities == raw.zero_shot
    voter = mixed.search(where="split = 'train'", k=1).results[0]
    mixed.labels.set("non_medical", [voter.id])
    report = mixed.query_indexed(where=where)
    assert not report.verdicts[0].calibrated
    assert any("calibration" in note for note in report.notes)


def test_too_few_calibration_images_are_said_and_take_no_doubt_away(
    mixed: Index, tmp_path: Path
) -> None:
    ids = [h.id for h in mixed.search(where="split = 'calibrate'", k=100).results]
    mixed.labels.set(None, ids[16:], split="train")
    before = mixed.query_indexed(audit=False).verdicts
    report = mixed.tune()
    assert any("needs 19 calibration images" in note for note in report.notes)
    # What the model's own calibration vouches for stays: only its slope moves.
    assert report.kept
    assert mixed.info().calibration == "shipped"
    assert replace(report.settings, number=0, calibration=None, tuned=None) == Settings()
    assert (report.tuned_on, report.calibrated_on > 0) == (0, True)
    assert report.after is not None and report.before is not None
    now = mixed.query_indexed().verdicts
    assert [(v.label, v.unsure) for v in now] == [(v.label, v.unsure) for v in before]
    assert [v.probability for v in now] != [v.probability for v in before]
    assert mixed.audit.replay().different == ()
    mixed.labels.set("medical", [now[0].image or 0])  # and holds with other labels too
    assert mixed.info().calibration == "shipped"
    assert mixed.audit.replay().different == ()
    mixed.settings.reset()
    again = mixed.query_indexed(audit=False).verdicts
    assert again[5].probability == pytest.approx(before[5].probability, abs=0.2)
    mixed._session.bundled = tmp_path  # a model that brings no calibration has none to lose
    report = mixed.tune()
    assert report.kept
    assert any(note.startswith("Not calibrated") for note in report.notes)


def test_splits_with_near_duplicates_are_refused_unless_told(
    mixed: Index, tmp_path: Path, listed: Path
) -> None:
    from PIL import Image

    where = "split = 'tune'"
    known = mixed.search(where=where, k=1).results[0]
    with Image.open(known.path) as picture:
        picture.save(tmp_path / "again.png", compress_level=1)
    mixed.build([str(tmp_path / "again.png")])
    mine = mixed.search(where="path like '%again%'", k=1).results[0]
    mixed.labels.set(known.label, [mine.id], split="test")
    with pytest.raises(UsageError, match="near-duplicate in test"):
        mixed.tune()
    assert mixed.tune(allow_duplicates=True, dry_run=True).notes


def test_figures_agree_with_verdicts_one_by_one(mixed: Index) -> None:
    report = mixed.evaluate(split="test")
    verdicts = mixed.query_indexed(where="split = 'test'").verdicts
    truth = {h.path: h.label for h in mixed.search(where="split = 'test'", k=100).results}
    right = sum(v.label == truth[v.path] for v in verdicts)
    assert report.methods["blend"].accuracy.value == pytest.approx(right / len(verdicts))
    words = sum(max(v.zero_shot, key=lambda n: v.zero_shot[n]) == truth[v.path] for v in verdicts)
    assert report.methods["zero_shot"].accuracy.value == pytest.approx(words / len(verdicts))
    confusion = report.methods["blend"].confusion
    assert sum(n for row in confusion.values() for n in row.values()) == report.n == 32


def test_a_left_out_source_never_votes(mixed: Index) -> None:
    data = labelled(mixed._session, Settings())
    places = data.places("test")
    free = leave_one_out(data, places)
    bound = leave_one_out(data, places, leave_out=("source",))
    there = np.isfinite(bound.similarities)
    own = data.source[bound.neighbours] == data.source[places][:, None]
    assert not (own & there).any()
    assert (data.source[free.neighbours] == data.source[places][:, None]).any()
    left = mixed.evaluate(split="test", leave_out=["source"])
    full = mixed.evaluate(split="test")
    assert left.methods["neighbours"].accuracy.value < full.methods["neighbours"].accuracy.value


def test_images_never_vote_for_themselves_nor_for_their_subject(mixed: Index) -> None:
    ids = [h.id for h in mixed.search(where="split = 'train'", k=200).results]
    mixed.labels.set(None, ids, subject="one")
    alone = Settings(references=False)
    data = labelled(mixed._session, alone)
    evidence = leave_one_out(data, np.flatnonzero(data.votes))
    assert not np.isfinite(evidence.similarities).any()
    assert not predict(evidence, alone).voted.any()


def test_evaluation_as_a_page_escapes_what_it_shows(mixed: Index, tmp_path: Path) -> None:
    ids = [h.id for h in mixed.search(where="split = 'test'", k=100).results]
    mixed.labels.set(None, ids, split="<script>alert(1)</script>")
    page = pages.evaluation(mixed.evaluate(split="<script>alert(1)</script>"))
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    pages.write(tmp_path / "page.html", page)
    assert (tmp_path / "page.html").read_text("utf-8") == page


def test_an_unknown_split_names_those_that_there_are(mixed: Index) -> None:
    with pytest.raises(UsageError, match="calibrate, test, train, tune"):
        mixed.evaluate(split="tests")
