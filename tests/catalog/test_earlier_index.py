"""An index that an earlier commit made, committed as it was: it opens, answers the same, replays
and verifies."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from mediclip_index import Index

EARLIER = Path(__file__).parent / "earlier"
EXPECTED = json.loads((EARLIER / "expected.json").read_text(encoding="utf-8"))


@pytest.fixture
def earlier(tmp_path: Path) -> Index:
    with tarfile.open(EARLIER / "index.tar.xz") as packed:
        packed.extractall(tmp_path, filter="data")
    return Index.open(tmp_path / "index")


def test_it_answers_to_the_digit_what_it_answered_then(earlier: Index) -> None:
    now = earlier.query_indexed(audit=False).verdicts
    assert [(v.image, v.label, v.unsure, v.group.name) for v in now] == [
        (then["image"], then["label"], then["unsure"], then["group"])
        for then in EXPECTED["verdicts"]
    ]
    for verdict, then in zip(now, EXPECTED["verdicts"], strict=True):
        assert verdict.probabilities == pytest.approx(then["probabilities"], abs=1e-6)


def test_its_verdicts_replay_and_its_chain_holds(earlier: Index) -> None:
    report = earlier.audit.replay()
    assert (report.replayed, report.identical) == (EXPECTED["count"], EXPECTED["count"])
    assert earlier.audit.verify().ok


def test_it_is_whole_but_for_the_pictures_that_stayed_behind(earlier: Index) -> None:
    assert {finding.kind for finding in earlier.verify().findings} <= {"gone"}


def test_it_goes_on(earlier: Index, tmp_path: Path) -> None:
    first = EXPECTED["verdicts"][0]["image"]
    assert [event.label for event in earlier.labels.history(first)]
    earlier.labels.set("non_medical", [first])
    assert earlier.info().labels["non_medical"] >= 1
    assert earlier.verify().checked["verdicts"] == EXPECTED["count"]
    assert earlier.audit.replay().identical == EXPECTED["count"]
