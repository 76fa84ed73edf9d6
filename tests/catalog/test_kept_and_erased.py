"""What is set aside, erased or written out, row by row."""

from __future__ import annotations

import csv
import hashlib
import json
import time
from dataclasses import fields, replace
from pathlib import Path

import pytest

from mediclip_index.catalog import (
    Catalog,
    audit,
    conditions,
    evaluations,
    exports,
    labels,
    models,
    quarantine,
    removals,
)
from mediclip_index.types import AuditFilter, Facts, IndexUnavailable, Settings, UsageError
from tests.catalog.test_audit import audited as audited
from tests.catalog.test_audit import body


def test_what_is_set_aside_stays_but_for_what_a_purge_takes(tmp_path: Path) -> None:
    file = quarantine.keep(tmp_path, "labels", [b'{"path": "/a.png"}', b'{"path": "/b.png"}\r\n'])
    other = quarantine.keep(tmp_path, "spool", [b'{"path": "/a.png"}'])
    assert (file.parent, file.read_bytes().count(b"\n")) == (tmp_path / "aside", 2)
    quarantine.forget(tmp_path, {"/none.png", ""})
    assert file.read_bytes().count(b"\n") == 2
    quarantine.forget(tmp_path, {"/a.png"})
    assert file.read_bytes() == b'{"path": "/b.png"}\n'
    assert not other.exists()
    assert [p.name for p in (tmp_path / "aside").iterdir()] == [file.name]


def test_a_purge_takes_bodies_that_name_it_and_the_paths_of_its_own(audited: Catalog) -> None:
    near = [{"id": 7, "path": "/pile/seven.png"}]
    said = [
        body(4, sha256="7" * 64, path="own content", neighbours=[]),
        body(5, sha256="5" * 64, path="/pile/seven.png", neighbours=[]),
        body(6, sha256="6" * 64, path="names it", neighbours=near),
        body(7, sha256="8" * 64, path="is it", image=7, neighbours=[]),
        body(8, sha256="9" * 64, path="other", image=8, neighbours=[{"id": 8, "path": "x"}]),
    ]
    with audited.writing("evil") as write:
        write.db.execute("DELETE FROM verdicts")
    with audited.writing("query") as write:
        audit.take_in(write, said)
    with audited.writing("purge") as write:
        erased = audit.erase(write, ids={7}, contents={"7" * 64}, paths={"/pile/seven.png"})
        rows = write.db.execute("SELECT path, body FROM verdicts ORDER BY position").fetchall()
    assert erased == 4
    assert [path for path, _ in rows] == ["", "", "names it", "is it", "other"]
    assert [text is None for _, text in rows] == [True, True, True, True, False]
    with audited.reading() as read:
        assert audit.verify(read)[2] == []
        assert audit.erased(read) == ["v7", "v6", "v5", "v4"]
        assert audit.erased(read, "v6") == ["v6"]


@pytest.mark.parametrize("digit", "0f")
def test_a_link_that_was_forged_with_its_hash_is_found(digit: str, audited: Catalog) -> None:
    with audited.writing("evil") as write:
        (digest,) = write.db.execute("SELECT body_sha256 FROM verdicts WHERE id = 'v3'").fetchall()[
            0
        ]
        own = hashlib.sha256((digit * 64 + digest).encode()).hexdigest()
        write.db.execute(
            "UPDATE verdicts SET previous = ?, hash = ? WHERE id = 'v3'", [digit * 64, own]
        )
    with audited.reading() as read:
        assert audit.verify(read)[2] == ["Verdict v3 does not follow the one before it."]


def test_a_purge_is_unfinished_until_the_file_is_written_anew(filled: Catalog) -> None:
    with filled.reading() as read:
        assert not removals.unfinished_purge(read)
        assert removals.last_purge(read) == 0
    for image in (1, 2):
        with filled.writing("remove --purge") as write:
            purge_set = removals.purge_set(write, [image])
            assert (purge_set.ids, purge_set.files) == ((image,), 1)
            removals.purge(write, purge_set)
        with filled.reading() as read:
            assert removals.unfinished_purge(read)
            assert removals.last_purge(read) == read.tx
        filled.rewrite()
        with filled.reading() as read:
            assert not removals.unfinished_purge(read)
            assert removals.removed(read) == []


def test_settings_come_back_whole(catalog: Catalog) -> None:
    said = Settings(
        pooling="prompts", alpha=0.25, k=7, beta=3.0, scale=50.0, near=0.5, threshold=0.8,
        biases={"medical": 0.5},
    )  # fmt: skip
    changed = [f.name for f in fields(Settings) if getattr(said, f.name) != f.default]
    assert len(changed) >= 8
    with catalog.writing("tune") as write:
        models.add_settings(write, said)
    with catalog.reading() as read:
        kept = models.settings(read)
    assert replace(kept, number=said.number) == said


def test_what_is_no_manifest_makes_no_export(tmp_path: Path) -> None:
    file = tmp_path / exports.MANIFEST
    for text in ("", "[]", "7", '"mediclip-index export"', '{"format": "another"}'):
        file.write_text(text)
        assert exports.manifest(tmp_path) is None
    file.write_text(json.dumps({"format": exports.FORMAT}))
    assert exports.manifest(tmp_path) == {"format": exports.FORMAT}
    file.unlink()
    with pytest.raises(UsageError, match="no export"):
        exports.check(tmp_path)


def test_reports_are_kept_by_number_and_lose_names_that_a_purge_takes(catalog: Catalog) -> None:
    with catalog.writing("evaluate") as write:
        first = evaluations.add(write, "evaluation", {"by": {"source": {"A": 1, "B": 2, "C": 3}}})
        second = evaluations.add(write, "evaluation", {"n": 5})
    assert (first, second) == (1, 2)
    with catalog.writing("remove --purge") as write:
        evaluations.forget(write, {("source", "A"), ("source", "C"), ("split", "B")})
        assert evaluations.find(write, 1) == {
            "by": {"source": {"(erased 1)": 1, "B": 2, "(erased 2)": 3}}
        }
        evaluations.forget(write, {("source", "B")})
        assert evaluations.find(write, 1) == {
            "by": {"source": {"(erased 1)": 1, "(erased 3)": 2, "(erased 2)": 3}}
        }
        assert evaluations.find(write, 2) == {"n": 5}
        with pytest.raises(UsageError, match="no evaluation 3"):
            evaluations.find(write, 3)


def test_a_transaction_says_when_it_was_in_microseconds(catalog: Catalog) -> None:
    before = time.time_ns() // 1000
    with catalog.writing("query", by="ann") as write:
        pass
    with catalog.reading() as read:
        (kept,) = read.db.execute(
            "SELECT time_us FROM transactions WHERE tx = ?", [write.tx]
        ).fetchall()[0]
        (made,) = read.db.execute(
            "SELECT value FROM identity WHERE name = 'created_us'"
        ).fetchall()[0]
    assert isinstance(write.time_us, int)
    assert before <= kept == write.time_us <= time.time_ns() // 1000
    assert before - 60_000_000 < int(made) <= before


def test_a_verdict_that_is_there_already_holds_no_other_back(audited: Catalog) -> None:
    with audited.writing("query") as write:
        assert audit.take_in(write, [body(2), body(5), body(1), body(6)]) == 2
        assert audit.verify(write)[::2] == (5, [])
        assert [b["id"] for b, _ in audit.find(write, AuditFilter(limit=None))][:2] == ["v6", "v5"]


def test_a_line_is_a_verdict_or_is_torn(tmp_path: Path) -> None:
    whole = audit.canonical(body(1)).encode() + b"\n"
    odd = [b"7\n", b"[]\n", b'{"id": "v9"}\n', b"\xff\n", b'["id", "time_us", "path"]\n']
    file = tmp_path / "1-1.jsonl"
    file.write_bytes(whole + b"".join(odd) + whole[:30])
    assert audit.sorted_lines(file) == ([whole], [*odd, whole[:30]])
    assert audit.sorted_lines(tmp_path / "none") == ([], [])


@pytest.mark.parametrize(("first", "second"), [("alpha", "zeta"), ("zeta", "alpha")])
def test_a_later_word_stands_however_it_sorts(first: str, second: str, filled: Catalog) -> None:
    for said in (first, second):
        facts = Facts(label=said, split=said, subject=said, attributes={"ward": said})
        with filled.writing("label") as write:
            assert labels.say(write, {4: facts}) == 1
            assert labels.say(write, {4: facts}) == 0
    with filled.reading() as read:
        stands = labels.current_labels(read, [4])[4]
        assert (stands.label, stands.split, stands.subject) == (second,) * 3
        row = conditions.rows(read, [4])[4]
        assert row["meta"]["ward"] == second


def test_an_export_says_all_for_people_too(filled: Catalog, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    with filled.reading(into=folder) as read:
        counts = exports.write(read, folder)
    assert (counts["images"], counts["labels"]) == (4, 3)
    with (folder / "library.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(r["path"], r["label"], r["age"], r["meta.split"]) for r in rows] == [
        ("/pile/a.png", "medical", "61", "odd"),
        ("/pile/b.png", "medical", "9", ""),
        ("/pile/c.png", "non_medical", "33", ""),
        ("/pile/d.png", "", "", ""),
    ]
    assert "transactions" in (folder / "README.md").read_text()
    assert exports.check(folder)["rows"] == counts
    for other, refused in ((1, UsageError), (99, IndexUnavailable)):
        said = json.loads((folder / exports.MANIFEST).read_text())
        if other == 99:
            (folder / exports.MANIFEST).write_text(json.dumps({**said, "schema": other}))
        else:
            (folder / "library.csv").write_text("path")
        with pytest.raises(refused):
            exports.check(folder)
