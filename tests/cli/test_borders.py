"""The command between other programs: pipes, plain locales, builds that come to nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from mediclip_index import Index
from mediclip_index.types import UsageError
from tests.cli.conftest import run


@pytest.fixture
def folder(built: Index) -> Path:
    return built.path


def command(folder: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "mediclip_index", "--index", str(folder), *words]


@pytest.mark.parametrize(
    "words",
    [
        ("search", "--where", "true", "--format", "paths"),
        ("search", "--where", "true", "--json", "-k", "12"),
        ("--help",),
        ("search", "--help"),
    ],
)
def test_a_reader_that_has_seen_enough_ends_the_command_well(
    words: tuple[str, ...], folder: Path
) -> None:
    """As `| head -1` does: the pipe is closed before anything is written to it."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            command(folder, *words), stdout=writing, stderr=subprocess.PIPE, timeout=300,
            check=False,
        )  # fmt: skip
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("locale", ["C", "POSIX"])
def test_a_plain_locale_shows_every_name(
    locale: str, built: Index, pile: Path, photographs: list[Image.Image]
) -> None:
    photographs[20].save(pile / "Röntgen ✓.png")
    odd = os.fsdecode(b"l\xf6we.png")
    photographs[21].save(pile / "odd.png")
    (pile / "odd.png").rename(pile / odd)
    built.build()
    plain = {**os.environ, "LC_ALL": locale, "LANG": locale}
    plain.pop("PYTHONUTF8", None)
    for form in ("paths", "table", "json", "csv"):
        done = subprocess.run(
            command(built.path, "search", "--where", "true", "-k", "99", "--format", form),
            env=plain, capture_output=True, timeout=300, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, b""), form
        if form != "json":
            assert "Röntgen ✓.png".encode() in done.stdout, form
        if form == "paths":
            assert b"l\xf6we.png\n" in done.stdout


def test_a_condition_alone_lists_all_paths_and_else_says_how_many_more(folder: Path) -> None:
    every = run(folder, "search", "--where", "true", "--format", "paths")
    assert (every.exit_code, len(every.stdout.splitlines()), every.stderr) == (0, 12, "")
    table = run(folder, "search", "--where", "true")
    assert "2 more match" in table.stderr
    few = run(folder, "search", "--where", "true", "--format", "paths", "-k", "3")
    assert len(few.stdout.splitlines()) == 3
    assert "9 more match" in few.stderr


def test_a_picture_that_was_taken_for_words_is_told(folder: Path, pile: Path) -> None:
    done = run(folder, "search", str(pile / "p00.png"), "-k", "1")
    assert done.exit_code == 0
    assert "was taken as words" in " ".join(done.stderr.split())
    assert "was taken" not in run(folder, "search", "a cat", "-k", "1").stderr


def wrongly(place: Path, *words: str) -> bool:
    return isinstance(run(place, "build", *words).exception, UsageError)


def test_a_first_build_that_is_asked_wrongly_leaves_no_index(
    tmp_path: Path, tiny_model: str, pile: Path
) -> None:
    place, table = tmp_path / "new", pile / "list.csv"
    for text in (
        "path,label\np00.png,cat\n", "file\np00.png\n", "path,page\np00.png,x\n",
        "path,label,probability,unsure\np00.png,medical,1,\n",
    ):  # fmt: skip
        table.write_text(text)
        assert wrongly(place, "--model", tiny_model, str(table)), text
        assert not place.exists(), text
    assert wrongly(place, "--model", tiny_model, str(pile), "--exclude", "!")
    assert not place.exists()


def test_an_index_that_holds_images_outlives_a_wrong_build(folder: Path, pile: Path) -> None:
    (pile / "list.csv").write_text("path,label\np00.png,cat\n")
    assert wrongly(folder, str(pile / "list.csv"))
    assert Index.open(folder).info().index.images == 12


def test_what_is_excluded_is_said_on_the_command_line(folder: Path, pile: Path) -> None:
    done = run(folder, "query", "--exclude", "p0*", "--json", str(pile))
    assert done.exit_code == 0
    assert done.stdout.count('"probability"') >= 2
    assert "10 files or folders by --exclude" in " ".join(done.stderr.split())


def test_a_truncated_picture_is_shown_where_that_is_asked_for(folder: Path, tmp_path: Path) -> None:
    noise = Image.effect_noise((400, 300), 90)
    noise.save(tmp_path / "a.jpg")
    whole = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(whole[: len(whole) * 2 // 3])
    refused = run(folder, "query", str(tmp_path / "a.jpg"))
    assert refused.exit_code == 3
    assert "--truncated show" in " ".join((refused.stderr + refused.stdout).split())
    assert run(folder, "query", "--truncated", "show", str(tmp_path / "a.jpg")).exit_code == 0


def test_reread_is_told_by_the_command(folder: Path) -> None:
    done = run(folder, "build", "--reread")
    assert done.exit_code == 0
    assert "were read as this version reads them" in " ".join(done.stderr.split())
