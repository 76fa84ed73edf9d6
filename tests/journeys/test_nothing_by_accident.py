"""Nothing is taken out by accident, all that was can come back, and copies are told apart."""

from __future__ import annotations

import csv
import json
import os
import pty
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from PIL import Image
from reportlab.pdfgen.canvas import Canvas

from mediclip_index import Index
from mediclip_index.types import UsageError
from tests.cli.conftest import run
from tests.jobs.conftest import index, photographs, tiny_model

__all__ = ["index", "photographs", "tiny_model"]


@pytest.fixture
def folder(index: Index, photographs: list[Image.Image], tmp_path: Path) -> Path:
    """An index of thirty photographs."""
    pile = tmp_path / "many"
    pile.mkdir()
    for number, picture in enumerate(photographs[:30]):
        picture.save(pile / f"{number:02}.png")
    index.build([str(pile)])
    return index.path


def test_many_are_not_removed_without_a_yes(folder: Path) -> None:
    refused = run(folder, "remove", "--where", "id > 0")
    assert refused.exit_code == 2
    assert "30 images" in refused.output
    assert "--yes" in refused.output
    assert run(folder, "remove", "--where", "id > 0", "--dry-run").exit_code == 0
    assert Index.open(folder).images.removed() == ()
    assert run(folder, "remove", "--where", "id <= 20").exit_code == 0
    assert run(folder, "remove", "--restore", "--last").exit_code == 0
    assert run(folder, "remove", "--where", "id > 0", "--yes").exit_code == 0
    assert len(Index.open(folder).images.removed()) == 30


@pytest.mark.parametrize(("answer", "left"), [("n\n", 0), ("y\n", 30)])
def test_on_a_terminal_many_are_asked_about(folder: Path, answer: str, left: int) -> None:
    ours, theirs = pty.openpty()
    words = ["--index", str(folder), "remove", "--where", "id > 0"]
    with subprocess.Popen(
        [sys.executable, "-m", "mediclip_index", *words],
        stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        os.close(theirs)
        os.write(ours, answer.encode())
        _, said = process.communicate(timeout=120)
    os.close(ours)
    assert "Remove 30 images?" in said
    assert len(Index.open(folder).images.removed()) == left


def test_what_is_removed_is_listed_and_comes_back_by_condition_or_as_the_last(
    folder: Path,
) -> None:
    assert "No image is removed" in run(folder, "remove", "--list").stdout
    run(folder, "--by", "Ada", "remove", "1", "2")
    run(folder, "remove", "5")
    listed = json.loads(run(folder, "remove", "--list", "--json").stdout)["removed"]
    assert [(row["id"], row["by"]) for row in listed[:2]] == [(1, "Ada"), (2, "Ada")]
    assert all(row["path"].endswith(".png") and row["time"].startswith("20") for row in listed)
    assert run(folder, "remove", "--restore", "--where", "path like '%01.png'").exit_code == 0
    assert [row.id for row in Index.open(folder).images.removed()] == [1, 5]
    assert run(folder, "remove", "--restore", "--last").exit_code == 0
    assert [row.id for row in Index.open(folder).images.removed()] == [1]
    assert run(folder, "remove", "--restore", "--last").exit_code == 0
    assert Index.open(folder).images.removed() == ()
    assert run(folder, "remove", "--last").exit_code == 2


def test_one_that_is_gone_for_good_does_not_stop_the_others(folder: Path) -> None:
    run(folder, "remove", "--purge", "3", "--yes")
    done = run(folder, "remove", "2", "3", "4", "999", "--json")
    assert done.exit_code == 3
    report = json.loads(done.stdout)
    assert [image["id"] for image in report["images"]] == [2, 4]
    assert report["unknown"] == [3, 999]
    assert "#3 was purged" in done.stderr
    assert "no image #999" in done.stderr


def test_copies_keep_their_folders_and_say_what_they_are(
    folder: Path, photographs: list[Image.Image], tmp_path: Path
) -> None:
    crawl = tmp_path / "crawl"
    for ward in ("a", "b/deep"):
        (crawl / ward).mkdir(parents=True)
    photographs[31].save(crawl / "a" / "one.png")
    photographs[32].save(crawl / "b" / "deep" / "one.png")
    photographs[33].save(tmp_path / "in.png")
    with zipfile.ZipFile(crawl / "more.zip", "w") as archive:
        archive.write(tmp_path / "in.png", "x/in.png")
    photographs[34].resize((300, 180)).save(tmp_path / "figure.png")
    paper = Canvas(str(crawl / "paper.pdf"))
    paper.drawImage(str(tmp_path / "figure.png"), 100, 400, 300, 180)
    paper.showPage()
    paper.drawImage(str(tmp_path / "in.png"), 100, 400, 300, 180)
    paper.save()
    pages = [photographs[35], photographs[36]]
    pages[0].save(crawl / "two.tiff", save_all=True, append_images=pages[1:])
    words = ("query", str(crawl), "--copy-to", str(tmp_path / "keep"), "--format", "json")
    done = run(folder, *words)
    assert done.exit_code == 0, done.output
    keep = tmp_path / "keep"
    files = {str(file.relative_to(keep)) for file in keep.rglob("*") if file.is_file()}
    figure = "paper.pdf-page1-1.png"
    assert {"a/one.png", "b/deep/one.png", "more.zip/x/in.png", figure, "manifest.csv"} <= files
    with Image.open(keep / figure) as picture:
        assert abs(picture.width / picture.height - 300 / 180) < 0.02
        assert picture.width >= 300
    verdicts = {(v["path"], v["page"], v["item"]): v for v in json.loads(done.stdout)["verdicts"]}
    with (keep / "manifest.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert {row["file"] for row in rows} == files - {"manifest.csv"}
    assert [row["page"] for row in rows if row["file"] == "two.tiff"] == ["1", "2"]
    for row in rows:
        place = (row["source"], int(row["page"] or 0) or None, int(row["item"] or 0) or None)
        assert row["verdict_id"] == verdicts[place]["id"]
        assert (row["label"], row["verdict"]) == ("", verdicts[place]["label"])
        assert float(row["probability"]) == verdicts[place]["probability"]
    before = {file: file.stat().st_mtime_ns for file in keep.rglob("*.png")}
    again = run(folder, *words)
    assert "0 files copied" in again.stderr
    assert "files were there already" in again.stderr
    assert {file: file.stat().st_mtime_ns for file in keep.rglob("*.png")} == before


def test_a_name_that_is_taken_by_another_picture_gets_a_number(
    folder: Path, photographs: list[Image.Image], tmp_path: Path
) -> None:
    keep = tmp_path / "keep"
    keep.mkdir()
    photographs[36].save(keep / "a.png")
    photographs[35].save(tmp_path / "a.png")
    for _ in range(2):
        run(folder, "query", str(tmp_path / "a.png"), "--copy-to", str(keep))
    assert sorted(file.name for file in keep.glob("*.png")) == ["a-1.png", "a.png"]
    assert (keep / "a-1.png").read_bytes() == (tmp_path / "a.png").read_bytes()
    (keep / "manifest.csv").write_text("mine\n")
    refused = run(folder, "query", str(tmp_path / "a.png"), "--copy-to", str(keep))
    assert isinstance(refused.exception, UsageError)
    assert (keep / "manifest.csv").read_text() == "mine\n"
