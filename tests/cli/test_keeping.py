"""Keeping an index whole from the command line: exit codes, JSON, and what is asked first."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mediclip_index import Index
from tests.cli.conftest import run


@pytest.fixture
def folder(built: Index) -> Path:
    return built.path


def test_verify_and_repair_say_what_and_end_with_one_or_nought(folder: Path) -> None:
    whole = run(folder, "verify", "--json")
    assert (whole.exit_code, json.loads(whole.stdout)["findings"]) == (0, [])
    next(folder.glob("neighbours-*.faiss")).unlink()
    found = run(folder, "verify", "--json")
    assert found.exit_code == 1
    report = json.loads(found.stdout)
    assert report["ok"] is False
    assert [set(f) for f in report["findings"]] == [{"kind", "what", "mend"}]
    assert "mediclip-index repair" in run(folder, "verify").stdout
    assert run(folder, "repair", "--json").exit_code == 0
    assert run(folder, "verify", "--deep", "4").exit_code == 0


def test_a_purge_is_asked_about_or_said_twice(folder: Path) -> None:
    asked = run(folder, "remove", "--purge", "1")
    assert (asked.exit_code, "--yes" in asked.stderr) == (2, True)
    assert run(folder, "remove", "--purge", "--restore", "1").exit_code == 2
    planned = json.loads(run(folder, "remove", "--purge", "1", "--dry-run", "--json").stdout)
    assert (planned["dry_run"], [i["id"] for i in planned["images"]]) == (True, [1])
    done = json.loads(run(folder, "remove", "--purge", "1", "--yes", "--json").stdout)
    assert (done["what"], len(done["images"])) == ("purged", 1)


def test_an_export_and_a_backup_come_back(folder: Path, tmp_path: Path) -> None:
    written = run(folder, "export", str(tmp_path / "out"))
    assert written.exit_code == 0
    first, second, *_ = written.stdout.splitlines()
    assert first.startswith("library.csv, library.parquet: 12 images, ")
    assert second.startswith("tables, by rows: ")
    built_again = run(tmp_path / "again", "build", str(tmp_path / "out"), "--json")
    assert json.loads(built_again.stdout)["added"] == 12
    assert "README.md" in run(tmp_path / "again", "export", str(tmp_path / "out2")).stdout
    kept = json.loads(run(folder, "backup", str(tmp_path / "one.tar"), "--json").stdout)
    assert kept["images"] == 12
    back = run(tmp_path / "back", "backup", "--restore", str(tmp_path / "one.tar"))
    assert back.exit_code == 0
    assert "12 in 12 files" in back.stdout
    assert isinstance(
        run(folder, "backup", "--restore", str(tmp_path / "one.tar")).exception, Exception
    )
