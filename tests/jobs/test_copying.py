"""An index goes out and comes back with nothing lost: in open files, or in one."""

from __future__ import annotations

import csv
import hashlib
import json
import multiprocessing as mp
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from mediclip_index import Index
from mediclip_index.catalog import Catalog, audit
from mediclip_index.types import AuditFilter, IndexUnavailable, UsageError


@pytest.fixture
def lived(built: Index, pile: Path) -> Index:
    """An index with a history: labels changed by others, a removal, verdicts, one in the spool."""
    other = Index.open(built.path, by="bob")
    other.labels.set("non_medical", [1], split="train", subject="s1")
    other.labels.set("", [2])
    built.query([str(pile / "p08.png"), str(pile / "p09.png")])
    built.remove([12])
    catalog = Catalog.open(built.path)
    with catalog.reading() as read:
        body = audit.find(read, AuditFilter(limit=1))[0][0]
    audit.put_in_spool(catalog.spool, [{**body, "id": "0199-spooled"}])
    return built


def the_same(first: Index, second: Index) -> None:
    ids = list(range(1, 13))
    assert [first.images.path_of(i) for i in ids] == [second.images.path_of(i) for i in ids]
    assert [first.labels.history(i) for i in ids] == [second.labels.history(i) for i in ids]
    np.testing.assert_array_equal(first.vectors(ids), second.vectors(ids))
    assert second.verify().findings == ()
    replayed = second.audit.replay()
    assert replayed.identical == replayed.replayed >= 2
    assert [r.verdict for r in second.audit.find()] == [r.verdict for r in first.audit.find()]
    one, two = first.info(), second.info()
    for what in ("labels", "splits", "files", "gone", "removed", "settings", "sources", "columns"):
        assert getattr(one, what) == getattr(two, what), what


def test_an_export_makes_the_same_index_again(lived: Index, tmp_path: Path) -> None:
    report = lived.export(tmp_path / "out")
    assert report.rows["images"] == 12
    assert report.rows["verdicts"] == 3
    again = Index.from_export(tmp_path / "again", tmp_path / "out")
    the_same(lived, again)
    assert again.info().index.chain_head == lived.info().index.chain_head
    assert again.build().unchanged == 12


def test_an_export_is_read_by_anyone(lived: Index, tmp_path: Path) -> None:
    lived.export(tmp_path / "out")
    answer = duckdb.sql(
        f"SELECT label, author FROM '{tmp_path}/out/labels.parquet' "
        f"JOIN '{tmp_path}/out/transactions.parquet' USING (tx) WHERE image = 1 ORDER BY tx"
    )
    assert answer is not None
    said = answer.fetchall()
    assert [s[0] for s in said] == ["medical", "non_medical"]
    assert said[1][1] == "bob"
    with (tmp_path / "out" / "library.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 11
    assert rows[0]["label"] == "non_medical"
    assert "transactions" in (tmp_path / "out" / "README.md").read_text()


def test_an_export_that_was_changed_makes_no_index(lived: Index, tmp_path: Path) -> None:
    lived.export(tmp_path / "out")
    file = tmp_path / "out" / "labels.parquet"
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    with pytest.raises(UsageError, match=r"labels\.parquet"):
        Index.from_export(tmp_path / "again", tmp_path / "out")
    assert not (tmp_path / "again").exists()


def test_an_export_goes_over_nothing(lived: Index, tmp_path: Path, pile: Path) -> None:
    lived.export(tmp_path / "out")
    for taken in (tmp_path / "out", pile, lived.path / "out"):
        with pytest.raises(UsageError):
            lived.export(taken)
    with pytest.raises(UsageError, match="--index"):
        Index.from_export(lived.path, tmp_path / "out")
    with pytest.raises(UsageError, match="--index"):
        lived.build([str(tmp_path / "out")])


def test_a_backup_brings_the_same_index_back(lived: Index, tmp_path: Path) -> None:
    report = lived.backup(tmp_path / "one.tar")
    assert (report.images, report.verdicts) == (11, 2)
    again = Index.restore(tmp_path / "again", tmp_path / "one.tar")
    assert again.info().spooled == 1
    the_same(lived, again)


def test_a_restore_goes_over_no_index_and_no_backup_over_a_file(
    lived: Index, tmp_path: Path
) -> None:
    lived.backup(tmp_path / "one.tar")
    with pytest.raises(UsageError, match="already"):
        lived.backup(tmp_path / "one.tar")
    with pytest.raises(UsageError, match="already"):
        Index.restore(lived.path, tmp_path / "one.tar")
    with pytest.raises(UsageError, match="no folder"):
        lived.backup(tmp_path / "nowhere" / "one.tar")
    with pytest.raises(UsageError, match="inside the index"):
        lived.backup(lived.path / "one.tar")
    with pytest.raises(UsageError, match="can't be read"):
        Index.restore(tmp_path / "again", tmp_path / "none.tar")
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="is a file"):
        Index.restore(tmp_path / "file", tmp_path / "one.tar")


def test_a_backup_comes_back_where_a_founding_was_killed(lived: Index, tmp_path: Path) -> None:
    lived.backup(tmp_path / "one.tar")
    folder = tmp_path / "again"
    (folder / "spool").mkdir(parents=True)
    (folder / "lock").touch()
    the_same(lived, Index.restore(folder, tmp_path / "one.tar"))


@pytest.mark.parametrize("added", ["../climbs.txt", "link"])
def test_a_backup_with_something_of_its_own_in_it_writes_nothing(
    added: str, lived: Index, tmp_path: Path
) -> None:
    file = tmp_path / "one.tar"
    lived.backup(file)
    with tarfile.open(file, "a") as tar:
        member = tarfile.TarInfo(added)
        if added == "link":
            member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(member)
    with pytest.raises(UsageError, match="is no backup"):
        Index.restore(tmp_path / "again", file)
    assert not (tmp_path / "again").exists()
    assert not (tmp_path / "climbs.txt").exists()


def test_a_tar_of_other_things_is_no_backup(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "one.tar", "w") as tar:
        tar.addfile(tarfile.TarInfo("catalog.duckdb"))
    with pytest.raises(UsageError, match="it has no"):
        Index.restore(tmp_path / "again", tmp_path / "one.tar")


def _forge(out: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change an export's manifest, as somebody would who knows how it is made."""
    manifest = out / "manifest.json"
    said = json.loads(manifest.read_text())
    change(said)
    manifest.write_text(json.dumps(said))


def test_an_export_whose_head_was_forged_makes_no_index(lived: Index, tmp_path: Path) -> None:
    lived.export(tmp_path / "out")
    _forge(tmp_path / "out", lambda said: said.update(chain_head="0" * 64))
    with pytest.raises(UsageError, match="does not hold the audit"):
        Index.from_export(tmp_path / "again", tmp_path / "out")
    assert not Index.exists(tmp_path / "again")


def test_an_export_with_a_table_that_no_index_has_makes_none(lived: Index, tmp_path: Path) -> None:
    out = tmp_path / "out"
    lived.export(out)
    shutil.copy(out / "labels.parquet", out / "patients.parquet")
    content = (out / "patients.parquet").read_bytes()

    def add(said: dict[str, Any]) -> None:
        said["rows"]["patients"] = said["rows"]["labels"]
        said["files"]["patients.parquet"] = hashlib.sha256(content).hexdigest()

    _forge(out, add)
    with pytest.raises(UsageError, match="a table patients that no index has"):
        Index.from_export(tmp_path / "again", out)


@pytest.mark.parametrize("harm", ["flip", "cut", "foreign"])
def test_a_damaged_backup_writes_nothing(harm: str, lived: Index, tmp_path: Path) -> None:
    file = tmp_path / "one.tar"
    lived.backup(file)
    data = bytearray(file.read_bytes())
    if harm == "flip":
        data[4096] ^= 0xFF
    elif harm == "cut":
        data = data[: len(data) // 2]
    else:
        data = bytearray(b"no tar at all")
    file.write_bytes(data)
    with pytest.raises(UsageError, match=r"one\.tar"):
        Index.restore(tmp_path / "again", file)
    assert not (tmp_path / "again").exists()


def _label(folder: str) -> None:
    index = Index.open(folder)
    for n in range(30):
        index.labels.set("medical" if n % 2 else "non_medical", [1])


def test_a_backup_of_an_index_in_use_is_one_moment_of_it(lived: Index, tmp_path: Path) -> None:
    writer = mp.get_context("spawn").Process(target=_label, args=(str(lived.path),))
    writer.start()
    files = [tmp_path / f"{n}.tar" for n in range(3)]
    for file in files:
        lived.backup(file)
    writer.join(60)
    assert writer.exitcode == 0
    for n, file in enumerate(files):
        assert Index.restore(tmp_path / f"again{n}", file).verify().ok


def test_an_export_of_a_newer_program_is_refused(lived: Index, tmp_path: Path) -> None:
    lived.export(tmp_path / "out")
    manifest = tmp_path / "out" / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"schema": ', '"schema": 9'))
    with pytest.raises(IndexUnavailable, match="--upgrade"):
        Index.from_export(tmp_path / "again", tmp_path / "out")
