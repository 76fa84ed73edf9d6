"""The past: verdicts given again from their files, and the index asked as it stood at a moment."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image

from mediclip_index import Index, verdict
from mediclip_index.catalog import audit
from mediclip_index.types import IndexBusy, UsageError


def photo(listed: Path, tmp_path: Path) -> Path:
    """A file of our own with the content of a tile."""
    file = tmp_path / "photo.png"
    file.write_bytes((listed.parent / "retina-05.png").read_bytes())
    return file


def test_a_file_that_is_as_it_was_gives_the_same_verdict_again(
    mixed: Index, listed: Path, tmp_path: Path
) -> None:
    mixed.query([str(photo(listed, tmp_path))])
    report = mixed.audit.replay(from_files=True)
    assert (report.replayed, report.identical) == (1, 1)


def test_a_file_that_changed_or_vanished_is_said(
    mixed: Index, listed: Path, tmp_path: Path
) -> None:
    file = photo(listed, tmp_path)
    mixed.query([str(file)])
    Image.new("RGB", (60, 60), "red").save(file)
    assert mixed.audit.replay().identical == 1
    changed = mixed.audit.replay(from_files=True).different
    assert [d.why for d in changed] == [f"the file {file} has changed since"]
    os.unlink(file)
    assert "has vanished" in mixed.audit.replay(from_files=True).different[0].why


def test_another_engine_is_named_as_the_reason(
    mixed: Index, listed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mixed.query([str(photo(listed, tmp_path))])
    encoder = mixed._session.loaded
    assert encoder is not None
    true_vectors = type(encoder).encode_pictures

    def other_vectors(self, pictures):  # type: ignore[no-untyped-def]
        return -true_vectors(self, pictures)

    monkeypatch.setattr(type(encoder), "encode_pictures", other_vectors)
    assert "same engine" in mixed.audit.replay(from_files=True).different[0].why
    then = f"{encoder.engine} {encoder.precision}"
    monkeypatch.setattr(type(encoder), "engine", "abacus", raising=False)
    why = mixed.audit.replay(from_files=True).different[0].why
    assert f"another engine: {then} then, abacus {encoder.precision} now" in why


def test_verdicts_that_wait_in_the_spool_replay_too(
    mixed: Index, listed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object) -> None:
        raise IndexBusy("busy")

    monkeypatch.setattr(audit, "take_in", busy)
    given = mixed.query([str(photo(listed, tmp_path))]).verdicts[0]
    assert len(audit.spooled(mixed._session.catalog.spool)) == 1
    assert mixed.audit.replay([given.id]).identical == 1


def test_the_audit_of_one_run_is_listed_alone(mixed: Index) -> None:
    mixed.query_indexed(where="path like '%retina-05%'")
    mixed.query_indexed(where="path like '%coffee-1_%'")
    rows = mixed.audit.find()
    assert len(rows) == 11
    of_first = mixed.audit.find(run=rows[-1].run)
    assert [r.verdict.id for r in of_first] == [rows[-1].verdict.id]


def test_the_index_answers_as_it_stood_at_a_moment(mixed: Index) -> None:
    where = "path like '%retina-05%'"
    before = mixed.query_indexed(where=where, audit=False).verdicts[0]
    moment = mixed.info().last_build
    assert moment is not None
    later = f"{int(moment[:4]) + 1}{moment[4:]}"
    rows = mixed.search(where="split = 'train' and source = 'retina'", k=50).results
    mixed.labels.set("non_medical", [r.id for r in rows])
    now = mixed.query_indexed(where=where, audit=False).verdicts[0]
    assert now.probabilities != before.probabilities
    last_tx = mixed.labels.history(rows[0].id)[-1].time
    # A millisecond before the labels were changed.
    past = mixed.query_indexed(where=where, as_of=_before(last_tx))
    assert past.verdicts[0].probabilities == pytest.approx(before.probabilities)
    assert past.notes[0].startswith("Answered as of")
    again = mixed.query_indexed(where=where, as_of=later).verdicts[0]
    assert again.probabilities == pytest.approx(now.probabilities)
    assert mixed.audit.replay().identical == 2


def test_a_moment_before_the_index_is_refused_with_its_beginning(mixed: Index) -> None:
    with pytest.raises(UsageError, match="could answer from 20"):
        mixed.query_indexed(as_of="2001-01-01")
    with pytest.raises(UsageError, match="is no time"):
        mixed.query_indexed(as_of="yesterday")


def _before(time: str) -> str:
    import datetime as dt

    moment = dt.datetime.fromisoformat(time.replace("Z", "+00:00"))
    return (moment - dt.timedelta(milliseconds=1)).isoformat()


def test_what_no_file_can_give_again_is_told_with_the_reason(
    mixed: Index, listed: Path, tmp_path: Path
) -> None:
    file = photo(listed, tmp_path)
    mixed.query(["-"], stdin=file.read_bytes())
    assert mixed.audit.replay(from_files=True).identical == 1, "stdin has no file: its kept vector"
    mixed.query([str(file)])
    os.unlink(file)
    file.mkdir()
    report = mixed.audit.replay(from_files=True)
    assert report.identical == 1
    assert [d.why for d in report.different] == [f"{file} is not one picture"]


def test_an_index_of_hashes_reads_no_file_again(tmp_path: Path, listed: Path, mixed: Index) -> None:
    hidden = Index.create(tmp_path / "hidden", model="lite", hash_paths=True)
    hidden.build([str(listed)])
    hidden.query([str(listed.parent / "retina-05.png")])
    assert hidden.audit.replay().identical == 1
    (told,) = hidden.audit.replay(from_files=True).different
    assert told.why == "this index does not keep where files lie"


def test_a_verdict_of_an_earlier_rule_counts_as_not_told(
    mixed: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = mixed.query_indexed(where="path like '%retina-05%'").verdicts[0]
    monkeypatch.setattr(verdict, "RULE", verdict.RULE + 1)
    later = mixed.query_indexed(where="path like '%retina-05%'").verdicts[0]
    report = mixed.audit.replay()
    assert (report.replayed, report.identical) == (2, 1)
    assert [(d.id, d.told) for d in report.different] == [(given.id, False)]
    assert "another rule" in report.different[0].why
    assert later.id not in {d.id for d in report.different}
