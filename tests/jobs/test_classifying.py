"""Many pictures at once are what each is by itself; and which kept verdicts a label would turn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediclip_index import Index
from mediclip_index.catalog import ReadTransaction, audit, labels, models
from mediclip_index.jobs import classify, classify_many
from mediclip_index.jobs.columns import judged
from mediclip_index.session import calibrations
from mediclip_index.session.kinds import prompt_set
from mediclip_index.session.snapshot import open_snapshot
from mediclip_index.types import Calibration, UsageError


def alike(index: Index) -> None:
    """Columns of all images say what query says of each."""
    found = judged(index._session, open_snapshot(index._session)).columns
    said = index.query_indexed(audit=False).verdicts
    assert len(found.ids) == len(said) > 0
    for row, one in enumerate(said):
        assert (found.verdict[row], found.kind[row]) == (one.effective, one.kind)
        assert found.unsure[row] == one.in_doubt
        assert found.probability[row] == pytest.approx(one.probabilities[one.effective], abs=1e-6)


def calibrate(index: Index, **options: float) -> None:
    """Put a calibration in force that holds for the labels as they are."""
    session = index._session
    chosen = prompt_set(session)
    with session.catalog.writing("test", by="test") as write:
        settings = models.settings(write)
        support = labels.support(write, chosen.class_names)
        fitted = Calibration(
            slope=0.7,
            coverage=0.9,
            thresholds={"medical": 0.55, "non_medical": 0.45},
            bound=calibrations.bound(models.encoder(write), chosen, support),
            images=40,
            **options,  # type: ignore[arg-type]
        )
        models.add_settings(write, replace(settings, calibration=fitted))


def test_columns_say_what_query_says_without_a_calibration(built: Index) -> None:
    built.labels.set("medical", [9], kind="fundus")
    alike(built)


def test_columns_say_what_query_says_by_a_calibration(
    built: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(classify_many, "CHUNK", 5)  # what one chunk learned serves the next
    seen = set()
    for strange in (None, 0.0, 0.004, 0.5):
        calibrate(built, strange=strange, kind=0.02)  # type: ignore[arg-type]
        alike(built)
        seen.add(sum(v.unsure for v in built.query_indexed(audit=False).verdicts))
    assert len(seen) > 1  # strangeness did decide


def test_columns_say_what_query_says_where_nothing_is_labelled(index: Index, pile: Path) -> None:
    index.build([str(pile)])
    alike(index)


@given(
    st.integers(1, 6).flatmap(
        lambda width: st.lists(
            st.lists(st.sampled_from([-1.0, 0.0, 0.25, 0.5]), min_size=width, max_size=width),
            min_size=1, max_size=5,
        )
    ),
    st.integers(1, 8),
)  # fmt: skip
def test_the_largest_come_as_a_stable_sort_gives_them(rows: list[list[float]], k: int) -> None:
    values = np.array(rows, dtype=np.float32)
    order = np.argsort(-values, axis=1, kind="stable")[:, :k]
    places, found = classify.largest(values, k)
    np.testing.assert_array_equal(places, order)
    np.testing.assert_array_equal(found, np.take_along_axis(values, order, axis=1))


def test_a_label_names_the_verdicts_that_it_would_turn(
    built: Index, pile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with built._session.catalog.writing("test", by="test") as write:
        models.add_settings(write, replace(models.settings(write), alpha=1.0))  # neighbours alone
    given = {v.path: v for v in built.query([str(pile)]).verdicts}
    first = built.labels.set("non_medical", [1, 2, 3])
    others = built.labels.set("medical", [5, 6, 7, 8])
    assert first.would_turn + others.would_turn > 0
    told = built.audit.turned()
    now = {v.path: v for v in built.query([str(pile)], audit=False).verdicts}
    turned = {path for path, verdict in given.items() if now[path].label != verdict.label}
    assert {one.path for one in told.turned} == turned != set()
    assert told.verdicts == len(given)
    for one in told.turned:
        assert (one.label, one.now) == (given[one.path].label, now[one.path].label)
        assert one.now_probability == pytest.approx(now[one.path].probability, abs=1e-6)
    taken: list[int] = []
    before = audit.before

    def counted(read: ReadTransaction, place: tuple[int, int] | None, count: int) -> Any:
        taken.append(count)
        return before(read, place, count)

    with monkeypatch.context() as few:
        few.setattr("mediclip_index.jobs.turned.CHUNK", 2)
        few.setattr(audit, "before", counted)
        assert {one.id for one in built.audit.turned().turned} == {one.id for one in told.turned}
    assert set(taken) == {2}  # never more than that in memory
    assert len(taken) == len(given) // 2 + 1
    named = built.audit.turned([5, 6, 7, 8])
    assert len(named.turned) == others.would_turn
    assert f"{others.would_turn} verdict" in others.notes[-1]
    assert "`mediclip-index audit turned 5 6 7 8` shows which" in others.notes[-1]
    built.query([str(pile)])  # the latest verdicts are as they would be
    assert built.audit.turned().turned == ()


def test_only_verdicts_in_which_an_image_has_a_say_are_laid_at_its_door(
    built: Index, pile: Path
) -> None:
    built.query([str(pile)])
    built.labels.set(None, [4], split="test")  # it has no vote any more
    built.query([str(pile)])
    assert built.labels.set("non_medical", [4]).would_turn == 0
    with pytest.raises(UsageError, match="no image 99"):
        built.audit.turned([99])


def test_what_ifs_and_other_words_are_not_held_against_the_settings(
    built: Index, pile: Path
) -> None:
    built.query([str(pile)], alpha=0.0)
    built.query([str(pile)], prompts="mediclip")
    built.query([str(pile)], k=1)
    assert built.audit.turned().verdicts == 0
