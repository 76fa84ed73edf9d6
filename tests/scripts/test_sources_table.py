"""The table of sources that the model's card bears."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mediclip_index.encoding.cards import sources_in
from tests.scripts.test_training_words import ROW
from training.sources_table import commits, table

ROWS = [
    replace(ROW, source="a/One", licence="MIT (repo)"),
    replace(ROW, source="a/One", licence="MIT (repo)", category="ct"),
    replace(ROW, source="a/One", licence="MIT (repo)", category="chart", label="non_medical"),
    replace(ROW, source="debian/two"),
    replace(ROW, source="c/three", licence="unstated in README (X); MIT (repo)"),
    replace(ROW, source="d/judges", split="gate"),
]
COMMITS = {"a/One": "0d3e", "debian/two": "1:2.0+dfsg-1", "c/three": "ff"}


def test_each_source_that_is_learned_from_has_one_line_that_the_package_reads() -> None:
    text = table(ROWS, COMMITS)
    assert sources_in(text) == {"a/One", "debian/two", "c/three"}
    assert "| a/One @ 0d3e | 3 | ct, mri (medical); chart (non_medical) | MIT (repo) |" in text
    assert "| debian/two @ 1:2.0+dfsg-1 | 1 | mri (medical) | unstated |" in text


def test_sources_without_a_licence_for_their_pictures_are_counted() -> None:
    last = table(ROWS, COMMITS).splitlines()[-1]
    assert last.startswith("3 sources, 5 pictures; 2 of these sources (2 pictures) state no")


def test_commits_are_found_in_the_texts_beside_the_lists(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# dev\n- a/One @ 0d3e | dev/one | medical: mri (3)\n")
    (tmp_path / "MORE.md").write_text("- debian/two @ 1:2.0+dfsg-1 | more/two | x\n")
    assert commits(tmp_path) == {"a/One": "0d3e", "debian/two": "1:2.0+dfsg-1"}
