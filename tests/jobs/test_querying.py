"""Verdicts: what they rest on, and that each is kept."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mediclip_index import Index
from mediclip_index.catalog import Catalog
from mediclip_index.jobs import record
from mediclip_index.types import ModelUnavailable, UsageError, Verdict
from stress.piles import write_model

THREE = """
name = "three"
[classes.medical.groups]
scan = ["a medical scan"]
[classes.non_medical.groups]
photo = ["a photograph"]
[classes.dental.groups]
teeth = ["a photograph of teeth"]
"""


def one(index: Index, path: Path, **options: object) -> Verdict:
    return index.query([str(path)], **options).verdicts[0]  # type: ignore[arg-type]


def test_a_verdicts_parts_fit_together(built: Index, pile: Path) -> None:
    verdict = one(built, pile / "p10.png")
    assert verdict.votes is not None
    assert 0.5 <= verdict.alpha <= 0.6  # no single voter gives more than half
    for name, share in verdict.probabilities.items():
        mixed = (1 - verdict.alpha) * verdict.zero_shot[name] + verdict.alpha * verdict.votes[name]
        assert share == pytest.approx(mixed)
    assert verdict.label == max(verdict.probabilities, key=lambda n: verdict.probabilities[n])
    assert verdict.probability == verdict.probabilities[verdict.label]
    assert sum(n.weight for n in verdict.neighbours) == pytest.approx(1)
    assert (verdict.width, verdict.height) == (100, 60)
    assert verdict.path == str(pile / "p10.png")


def test_alpha_0_is_the_words_and_alpha_1_the_neighbours_to_the_digit(
    built: Index, pile: Path
) -> None:
    words = one(built, pile / "p10.png", alpha=0.0)
    votes = one(built, pile / "p10.png", alpha=1.0)
    assert words.probabilities == words.zero_shot == votes.zero_shot
    assert votes.probabilities == votes.votes == words.votes


def test_a_picture_never_votes_for_itself(built: Index, pile: Path) -> None:
    verdict = one(built, pile / "p00.png")
    assert len(verdict.neighbours) == 7
    assert str(pile / "p00.png") not in {n.path for n in verdict.neighbours}
    indexed = built.query_indexed(where="path like '%/p00.png'").verdicts[0]
    assert [n.id for n in indexed.neighbours] == [n.id for n in verdict.neighbours]
    assert indexed.probabilities == pytest.approx(verdict.probabilities)


def test_held_out_images_do_not_vote(built: Index, pile: Path) -> None:
    near = one(built, pile / "p10.png").neighbours[0]
    built.labels.set(None, [near.id], split="test")
    assert near.id not in {n.id for n in one(built, pile / "p10.png").neighbours}


def test_without_labels_the_nearest_are_listed_and_the_words_decide(
    index: Index, pile: Path
) -> None:
    index.build([str(pile)])
    verdict = one(index, pile / "p10.png")
    assert verdict.votes is None
    assert verdict.probabilities == verdict.zero_shot
    assert len(verdict.neighbours) == 11
    assert {n.weight for n in verdict.neighbours} == {0.0}
    assert verdict.words_share == 1.0


def test_equal_pictures_each_get_a_verdict_in_the_order_given(built: Index, pile: Path) -> None:
    asked = [str(pile / n) for n in ("p10.png", "p09.png", "p10.png")]
    assert [v.path for v in built.query(asked).verdicts] == asked


def test_what_can_not_be_read_is_refused_and_the_rest_is_answered(built: Index, pile: Path) -> None:
    (pile / "notes.txt").write_text("no picture")
    report = built.query([str(pile / "notes.txt"), "/no/such.png", str(pile / "p10.png")])
    assert len(report.verdicts) == 1
    assert {r.reason for r in report.refused} == {"not_an_image", "unreadable"}


def test_a_picture_may_come_from_stdin(built: Index, pile: Path) -> None:
    data = (pile / "p10.png").read_bytes()
    verdict = built.query(["-"], stdin=data).verdicts[0]
    assert verdict.path == "-"
    assert verdict.sha256 == one(built, pile / "p10.png").sha256


def test_a_class_is_added_by_words_alone(built: Index, pile: Path, tmp_path: Path) -> None:
    before = one(built, pile / "p10.png", alpha=0.0)
    file = tmp_path / "three.toml"
    file.write_text(THREE)
    facts = built.prompts.add(file)
    assert facts.classes == ("medical", "non_medical", "dental")
    verdict = one(built, pile / "p10.png")
    assert set(verdict.probabilities) == {"medical", "non_medical", "dental"}
    assert verdict.votes is not None
    assert verdict.votes["dental"] == pytest.approx(verdict.zero_shot["dental"])
    assert verdict.probabilities["dental"] == pytest.approx(verdict.zero_shot["dental"])
    assert built.info().index.images == 12
    with_old = one(built, pile / "p10.png", alpha=0.0, prompts="medical")
    assert with_old.probabilities == before.probabilities


def test_every_verdict_is_in_the_audit_and_the_chain_holds(built: Index, pile: Path) -> None:
    given = built.query([str(pile)]).verdicts
    rows = built.audit.find(limit=None)
    assert {row.verdict.id for row in rows} == {v.id for v in given}
    shown = built.audit.show(given[3].id)
    # What people said, and the id, are told on the day of the question; no part of what is kept.
    assert shown.verdict == replace(given[3], hand=None, image=None)
    report = built.audit.verify()
    assert (report.ok, report.verdicts) == (True, 12)


def test_no_audit_leaves_no_row(built: Index, pile: Path) -> None:
    one(built, pile / "p10.png", audit=False)
    assert built.audit.find() == []


def test_a_verdict_waits_in_the_spool_while_the_index_is_busy(
    built: Index, pile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "AUDIT_PATIENCE", 0.05)
    real = Catalog.writing

    def busy(self: Catalog, command: str, **options: object) -> object:
        if command == "query":
            # Another reader holds the lock for as long as this verdict is ready to wait.
            with self._lock.shared(1), real(self, command, **options) as write:  # type: ignore[arg-type]
                return write
        return real(self, command, **options)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(Catalog, "writing", busy)
        waiting = one(built, pile / "p10.png")
    assert built.info().spooled == 1
    assert built.audit.find()[0].verdict.id == waiting.id
    assert built.audit.show(waiting.id).chain is None
    one(built, pile / "p11.png")
    assert built.info().spooled == 0
    assert built.audit.show(waiting.id).chain is not None
    assert built.audit.verify().verdicts == 2


@pytest.fixture
def changed_model(tmp_path: Path, pile: Path) -> Iterator[Index]:
    folder = tmp_path / "model"
    folder.mkdir()
    index = Index.create(tmp_path / "other", model=write_model(folder, seed=1))
    index.build([str(pile)])
    write_model(folder, seed=2)
    os.utime(folder / "open_clip_model.safetensors", ns=(1, 1))
    yield Index.open(tmp_path / "other")


def test_changed_weights_are_never_mixed_with_old_vectors(changed_model: Index, pile: Path) -> None:
    with pytest.raises(ModelUnavailable, match="no longer the one"):
        changed_model.query([str(pile / "p10.png")])
    # What needs no model still works.
    assert len(changed_model.search(like=[1], k=3).results) == 3


@pytest.mark.parametrize(("alpha", "k"), [(1.5, None), (-0.1, None), (None, 0), (None, 10**6)])
def test_impossible_numbers_are_refused(
    alpha: float | None, k: int | None, built: Index, pile: Path
) -> None:
    with pytest.raises(UsageError):
        built.query([str(pile)], alpha=alpha, k=k)


def test_search_by_id_text_file_and_condition(built: Index, pile: Path) -> None:
    kin = built.search(like=[1], k=3).results
    assert len(kin) == 3
    assert 1 not in {h.id for h in kin}
    itself = built.search(images=[str(pile / "p05.png")], k=1).results[0]
    assert itself.path == str(pile / "p05.png")
    assert itself.similarity == pytest.approx(1, abs=1e-4)
    assert all(
        h.label == "medical" for h in built.search(["a dog"], where="label = 'medical'").results
    )
    everything = built.search(where="label is null")
    assert [h.similarity for h in everything.results] == [1.0] * 4
    near = built.search(images=[str(pile / "p05.png")], min_similarity=0.9999).results
    assert [h.path for h in near] == [str(pile / "p05.png")]


def test_a_weighted_mix_is_the_sum_of_its_parts(built: Index, pile: Path) -> None:
    plain = built.search(["a dog"], k=5)
    with_nothing = built.search(["a dog::2.5", "a cat::0"], k=5)
    assert [h.id for h in plain.results] == [h.id for h in with_nothing.results]
    away = built.search(["a dog"], without=["a dog::2"], k=12)
    assert [h.id for h in away.results] == [h.id for h in built.search(["a dog"], k=12).results][
        ::-1
    ]


def test_an_unknown_id_or_empty_search_is_refused(built: Index) -> None:
    with pytest.raises(UsageError, match="no image 99"):
        built.search(like=[99])
    with pytest.raises(UsageError, match="what to search for"):
        built.search()
    with pytest.raises(UsageError, match="cancel out"):
        built.search(["a dog"], without=["a dog"])


def test_the_counterfactual_is_true(built: Index, pile: Path) -> None:
    told = next(v for v in built.query([str(pile)], alpha=0.9).verdicts if v.without)
    built.labels.set("", list(told.without))
    after = built.query([told.path], alpha=0.9).verdicts[0]
    assert after.label == told.otherwise


def test_one_picture_costs_three_openings_of_the_catalog(
    built: Index, pile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[bool] = []
    real = Catalog._connected

    def counted(self: Catalog, *, read_only: bool, **options: object) -> object:
        opened.append(read_only)
        return real(self, read_only=read_only, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Catalog, "_connected", counted)
    report = Index.open(built.path).query([str(pile / "p10.png")])
    assert opened == [True, True, False]
    monkeypatch.undo()
    assert report.index.chain_head == built.audit.verify().head


def test_what_the_index_holds_is_judged_without_an_engine_even_where_one_was_loaded(
    built: Index, pile: Path
) -> None:
    seen = one(built, pile / "p10.png")
    stored = built.query_indexed(where="path like '%/p00.png'").verdicts[0]
    assert built.audit.show(seen.id).engine != "none"
    assert built.audit.show(stored.id).engine == "none"
