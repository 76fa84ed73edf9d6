"""`query` and `evaluate` decide by one rule: equal to the digit on the same images, and a change of
the rule is seen by both."""

from __future__ import annotations

import csv
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mediclip_index import Index, verdict
from mediclip_index.catalog import models
from mediclip_index.evaluate.leave_one_out import Predictions, labelled, leave_one_out, predict
from mediclip_index.types import Verdict


@pytest.fixture(scope="module")
def dev(bench: Path, tmp_path_factory: pytest.TempPathFactory) -> Index:
    """Images of dev: some of the support, and of the test split."""
    folder = tmp_path_factory.mktemp("dev")
    with (bench / "dev.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    wanted = [r for r in rows if r["split"] == "train"][::8] + [
        r for r in rows if r["split"] == "test"
    ][::2]
    listed = folder / "dev.csv"
    with listed.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, ["path", "label", "split", "source"], extrasaction="ignore")
        writer.writeheader()
        writer.writerows({**r, "path": str((bench / r["path"]).resolve())} for r in wanted)
    index = Index.create(folder / "index", model="lite")
    index.build([str(listed)])
    return index


def asked(index: Index) -> list[Verdict]:
    return list(index.query_indexed(where="split = 'test'", audit=False).verdicts)


def evaluated(index: Index, ids: list[int]) -> Predictions:
    """What `evaluate` would say of these images, their near-duplicates and sources voting, as they
    do for `query`."""
    session = index._session
    with session.catalog.reading() as read:
        settings = models.settings(read)
    data = labelled(session, settings)
    data.source[:] = ""
    places = np.searchsorted(data.ids, ids)
    return predict(leave_one_out(data, places, twins=True), settings, data.calibration)


def test_query_and_evaluate_give_equal_verdicts_to_the_digit(dev: Index) -> None:
    verdicts = asked(dev)
    assert len(verdicts) > 100
    told = evaluated(dev, [v.image or 0 for v in verdicts])
    classes = list(verdicts[0].probabilities)
    said = np.array([[v.probabilities[name] for name in classes] for v in verdicts])
    np.testing.assert_allclose(told.decision.probabilities, said, rtol=0, atol=1e-6)
    assert [classes[n] for n in told.decision.winners] == [v.label for v in verdicts]
    assert told.decision.unsure.tolist() == [v.unsure for v in verdicts]
    assert 0 < sum(v.unsure for v in verdicts) < len(verdicts)


MUTANTS: dict[str, tuple[str, str, Any]] = {
    "rare classes weigh less": ("votes", "SMOOTHING", 200),
    "one neighbour bears little": ("decision", "MOST_OF_ONE", 0.05),
    "more is in doubt": ("decision", "conformal_sets", lambda p, thresholds: p > 0.02),
}


@pytest.mark.parametrize(("where", "name", "other"), MUTANTS.values(), ids=MUTANTS)
def test_a_change_of_the_rule_is_seen_by_both(
    dev: Index, monkeypatch: pytest.MonkeyPatch, where: str, name: str, other: Any
) -> None:
    before = asked(dev)
    ids = [v.image or 0 for v in before]
    predicted = evaluated(dev, ids).decision
    module = import_module(f"mediclip_index.verdict.{where}")
    monkeypatch.setattr(module, name, other)
    now, later = asked(dev), evaluated(dev, ids).decision
    assert [(v.probabilities, v.unsure) for v in now] != [
        (v.probabilities, v.unsure) for v in before
    ]
    changed = ~np.isclose(later.probabilities, predicted.probabilities, rtol=0, atol=1e-9).all(
        axis=1
    )
    assert (changed | (later.unsure != predicted.unsure)).any()
    assert verdict.RULE == 2  # whoever changes the rule for good raises its number
    said = np.array([list(v.probabilities.values()) for v in now])
    np.testing.assert_allclose(later.probabilities, said, rtol=0, atol=1e-6)
    assert later.unsure.tolist() == [v.unsure for v in now]
