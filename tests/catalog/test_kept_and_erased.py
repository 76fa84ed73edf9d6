"""What is set aside, erased or written out, row by row."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields, replace
from pathlib import Path

import pytest

from mediclip_index.catalog import Catalog, aside, audit, evaluations, exports, removals, words
from mediclip_index.terms import Settings, WrongUsage
from tests.catalog.test_audit import audited as audited
from tests.catalog.test_audit import body


def test_what_is_set_aside_stays_but_for_what_a_purge_takes(tmp_path: Path) -> None:
    file = aside.keep(tmp_path, "labels", [b'{"path": "/a.png"}', b'{"path": "/b.png"}\r\n'])
    other = aside.keep(tmp_path, "spool", [b'{"path": "/a.png"}'])
    assert (file.parent, file.read_bytes().count(b"\n")) == (tmp_path / "aside", 2)
    aside.forget(tmp_path, {"/none.png", ""})
    assert file.read_bytes().count(b"\n") == 2
    aside.forget(tmp_path, {"/a.png"})
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
    with audited.writing("evil") as work:
        work.db.execute("DELETE FROM verdicts")
    with audited.writing("query") as work:
        audit.take_in(work, said)
    with audited.writing("purge") as work:
        erased = audit.erase(work, ids={7}, contents={"7" * 64}, paths={"/pile/seven.png"})
        rows = work.db.execute("SELECT path, body FROM verdicts ORDER BY position").fetchall()
    assert erased == 4
    assert [path for path, _ in rows] == ["", "", "names it", "is it", "other"]
    assert [text is None for _, text in rows] == [True, True, True, True, False]
    with audited.reading() as look:
        assert audit.verify(look)[2] == []
        assert audit.erased(look) == ["v7", "v6", "v5", "v4"]
        assert audit.erased(look, "v6") == ["v6"]


@pytest.mark.parametrize("digit", "0f")
def test_a_link_that_was_forged_with_its_hash_is_found(digit: str, audited: Catalog) -> None:
    with audited.writing("evil") as work:
        (digest,) = work.db.execute("SELECT body_sha256 FROM verdicts WHERE id = 'v3'").fetchall()[
            0
        ]
        own = hashlib.sha256((digit * 64 + digest).encode()).hexdigest()
        work.db.execute(
            "UPDATE verdicts SET previous = ?, hash = ? WHERE id = 'v3'", [digit * 64, own]
        )
    with audited.reading() as look:
        assert audit.verify(look)[2] == ["Verdict v3 does not follow the one before it."]


def test_a_purge_is_unfinished_until_the_file_is_written_anew(filled: Catalog) -> None:
    with filled.reading() as look:
        assert not removals.unfinished_purge(look)
        assert removals.last_purge(look) == 0
    for image in (1, 2):
        with filled.writing("remove --purge") as work:
            doomed = removals.doomed(work, [image])
            assert (doomed.ids, doomed.files) == ((image,), 1)
            removals.purge(work, doomed)
        with filled.reading() as look:
            assert removals.unfinished_purge(look)
            assert removals.last_purge(look) == look.tx
        filled.rewrite()
        with filled.reading() as look:
            assert not removals.unfinished_purge(look)
            assert removals.removed(look) == []


def test_settings_come_back_whole(catalog: Catalog) -> None:
    said = Settings(
        pooling="prompts", alpha=0.25, k=7, beta=3.0, scale=50.0, near=0.5, threshold=0.8,
        biases={"medical": 0.5},
    )  # fmt: skip
    changed = [f.name for f in fields(Settings) if getattr(said, f.name) != f.default]
    assert len(changed) >= 8
    with catalog.writing("tune") as work:
        words.add_settings(work, said)
    with catalog.reading() as look:
        kept = words.settings(look)
    assert replace(kept, number=said.number) == said


def test_what_is_no_manifest_makes_no_export(tmp_path: Path) -> None:
    file = tmp_path / exports.MANIFEST
    for text in ("", "[]", "7", '"mediclip-index export"', '{"format": "another"}'):
        file.write_text(text)
        assert exports.manifest(tmp_path) is None
    file.write_text(json.dumps({"format": exports.FORMAT}))
    assert exports.manifest(tmp_path) == {"format": exports.FORMAT}
    file.unlink()
    with pytest.raises(WrongUsage, match="no export"):
        exports.check(tmp_path)


def test_reports_are_kept_by_number_and_lose_names_that_a_purge_takes(catalog: Catalog) -> None:
    with catalog.writing("evaluate") as work:
        first = evaluations.add(work, "evaluation", {"by": {"source": {"A": 1, "B": 2, "C": 3}}})
        second = evaluations.add(work, "evaluation", {"n": 5})
    assert (first, second) == (1, 2)
    with catalog.writing("remove --purge") as work:
        evaluations.forget(work, {("source", "A"), ("source", "C"), ("split", "B")})
        assert evaluations.find(work, 1) == {
            "by": {"source": {"(erased 1)": 1, "B": 2, "(erased 2)": 3}}
        }
        assert evaluations.find(work, 2) == {"n": 5}
        with pytest.raises(WrongUsage, match="no evaluation 3"):
            evaluations.find(work, 3)
