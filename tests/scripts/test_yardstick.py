"""How the bundled model is judged by families that it never saw, and what doubt is made of that."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from training.bench_rows import RESTRICTED, Row, read_rows
from training.fitting_doubt import RIGHT, applied, fit_doubt
from training.heads import source_weights
from training.yardstick import FOLDS, folds_of, report


def row(source: str, label: str = "medical", kind: str = "mri", split: str = "support") -> Row:
    return Row(Path("a.jpg"), label, kind, "", source, "", split, "", source)


def test_a_family_is_left_out_whole_and_each_kind_in_as_many_folds_as_it_has_families(
    bench: Path,
) -> None:
    rows = read_rows(bench)
    folds = folds_of(rows)
    of_family, of_kind = defaultdict(set), defaultdict(set)
    families = defaultdict(set)
    for one, fold in zip(rows, folds.tolist(), strict=True):
        if fold >= 0:
            of_family[one.family].add(fold)
            of_kind[one.category].add(fold)
            families[one.category].add(one.family)
    assert all(len(found) == 1 for found in of_family.values())
    medical = {one.category for one in rows if one.label == "medical"} & of_kind.keys()
    for kind in medical:
        # A family of several kinds can lie in one fold only, which may cost one of them a fold.
        assert len(of_kind[kind]) >= min(FOLDS, len(families[kind])) - 1, kind
    assert {one.split for one, fold in zip(rows, folds, strict=True) if fold < 0}.isdisjoint(
        {"train", "support"}
    )


def test_sources_that_restrict_use_and_those_of_the_gate_are_never_learned_from(
    bench: Path,
) -> None:
    rows = read_rows(bench)
    learned = [one for one in rows if one.learned]
    assert len(learned) > 3_000
    assert not {one.source for one in learned} & RESTRICTED
    assert "gate" not in {one.split for one in learned}


def test_a_large_source_has_one_voice_among_sources() -> None:
    rows = [row("large") for _ in range(90)] + [row(f"small {n}") for n in range(2)]
    rows += [row("other", "non_medical", "food") for _ in range(8)]
    said = np.array([0.95] * 90 + [0.4, 0.02] + [0.1] * 8)
    found = report(rows, said, draws=200)
    assert found["pictures"].value == pytest.approx(0.98)
    assert found["mean over sources"].value == pytest.approx(0.5)
    assert found["medical recall, mean over sources"].value == pytest.approx(1 / 3)
    assert found["wrong, surer than 90 %"].value == pytest.approx(0.01)
    spread = found["mean over sources"]
    assert spread.low < spread.value < spread.high


def test_weights_hold_a_large_source_down_and_both_classes_even() -> None:
    rows = [row("large") for _ in range(100)] + [row("small")] + [row("b", "non_medical", "food")]
    weights = source_weights(rows, even=True)
    assert weights.sum() == pytest.approx(1.0)
    assert weights[-1] == pytest.approx(0.5)
    assert weights[100] == pytest.approx(10 * weights[0])


def test_what_is_sure_by_the_fitted_doubt_is_right_as_often_as_it_should_be() -> None:
    dice = np.random.default_rng(0)
    truth = np.arange(2_000) % 2 == 0
    # Too sure of itself: the logit says five times what it knows.
    knows = np.where(truth, 1.5, -1.5) + dice.normal(0, 1.5, len(truth))
    said = 1 / (1 + np.exp(-5 * knows))
    rows = [
        row(f"{label}-{n % 40}", label, "mri" if label == "medical" else "food")
        for n, label in enumerate(np.where(truth, "medical", "non_medical").tolist())
    ]
    fitted = fit_doubt(rows, said, ("medical", "non_medical"))
    assert fitted["slope"] < 0.5
    medical, sure = applied(fitted, said, ("medical", "non_medical"))
    assert np.array_equal(medical > 0.5, said > 0.5)
    right = (medical > 0.5) == truth
    assert 0.2 < sure.mean() < 1
    assert right[sure].mean() >= RIGHT - 0.01 > right.mean()
    # The order in which classes are named is no matter.
    again = applied(
        fit_doubt(rows, said, ("non_medical", "medical")), said, ("non_medical", "medical")
    )
    assert np.allclose(again[0], medical)
