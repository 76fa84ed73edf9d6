"""Commands that look back or set right: what they print and write, and the code they end with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mediclip_index import Index
from mediclip_index.catalog import Catalog
from tests.cli.conftest import run


@pytest.fixture
def folder(built: Index, pile: Path) -> Path:
    """An index with labelled pictures of two classes and two verdicts."""
    built.query([str(pile / "p08.png"), str(pile / "p09.png")])
    return built.path


def test_mistakes_end_with_one_where_that_was_asked_for(folder: Path, tmp_path: Path) -> None:
    report = json.loads(run(folder, "mistakes", "--json").stdout)
    if not report["mistakes"]:  # the random words happen to be right: turn all labels round
        for label, ids in (("medical", "5 6 7 8"), ("non_medical", "1 2 3 4")):
            run(folder, "label", "set", label, *ids.split())
        report = json.loads(run(folder, "mistakes", "--json").stdout)
    wrong = len(report["mistakes"])
    assert wrong > 0
    page = tmp_path / "mistakes.html"
    assert run(folder, "mistakes", "--html", str(page)).exit_code == 0
    assert f"{wrong} of 8" in page.read_text()
    assert run(folder, "mistakes", "--fail").exit_code == 1
    for mistake in report["mistakes"]:
        other = {"medical": "non_medical", "non_medical": "medical"}[mistake["label"]]
        assert mistake["predicted"] == other
        assert f"#{mistake['id']}" in page.read_text()


def test_evaluations_are_kept_shown_as_a_page_and_compared(folder: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    first = run(folder, "evaluate", "--split", "all", "--html", str(page), "--json")
    assert first.exit_code == 0
    assert json.loads(first.stdout)["n"] == 8
    assert "<html" in page.read_text()
    assert run(folder, "label", "set", "medical", "5").exit_code == 0
    assert run(folder, "evaluate", "--split", "all").exit_code == 0
    both = run(folder, "evaluate", "--compare", "1", "2", "--json")
    assert both.exit_code == 0
    found = json.loads(both.stdout)
    assert (found["first"]["number"], found["second"]["number"]) == (1, 2)
    assert "points" in run(folder, "evaluate", "--compare", "1", "2").stdout


def test_replay_and_the_chain_end_with_one_where_a_verdict_was_tampered_with(folder: Path) -> None:
    assert run(folder, "audit", "verify").exit_code == 0
    assert run(folder, "audit", "replay").exit_code == 0
    with Catalog.open(folder).writing("evil") as write:
        write.db.execute("UPDATE verdicts SET body = replace(body, 'p08.png', 'p07.png')")
    assert run(folder, "audit", "verify").exit_code == 1
    with Catalog.open(folder).writing("evil") as write:
        write.db.execute("UPDATE verdicts SET body = replace(body, '0.', '0.1')")
    again = run(folder, "audit", "replay")
    assert (again.exit_code, "0 of 2 verdicts" in again.stdout) == (1, True)
    found = json.loads(run(folder, "audit", "verify", "--json").stdout)
    assert (found["ok"], len(found["findings"]) > 0) == (False, True)


def test_what_was_said_of_an_image_is_told(folder: Path) -> None:
    (first,) = json.loads(run(folder, "label", "history", "1", "--json").stdout)["history"]
    assert (first["label"], first["image"]) == ("medical", 1)
    assert "Nothing was ever said" in run(folder, "label", "history", "12").stdout


def test_an_old_index_keeps_its_model_and_its_names(folder: Path, pile: Path) -> None:
    for words, says in (
        (("--model", "lite"), "vectors of two models"),
        (("--prompts", "mediclip"), "prompts add mediclip"),
        (("--hash-paths",), "keeps paths already"),
    ):
        answer = run(folder, "build", str(pile), *words)
        assert says in str(answer.exception)
    assert run(folder, "build", str(pile), "--prompts", "medical").exit_code == 0


def test_a_build_that_refused_a_file_ends_with_three(folder: Path, pile: Path) -> None:
    (pile / "empty.png").touch()
    answer = run(folder, "build", str(pile))
    assert answer.exit_code == 3
    assert "empty.png is empty" in answer.stdout
    assert "12 in 12 files (1 more refused), 0 gone" in run(folder, "info").stdout


def test_labels_by_path_tell_which_paths_are_not_there(folder: Path, pile: Path) -> None:
    listed = pile.parent / "labels.csv"
    listed.write_text("path,label\npile/p10.png,medical\npile/none.png,medical\n")
    answer = run(folder, "label", "import", str(listed))
    assert answer.exit_code == 3
    assert "none.png" in answer.stdout
    listed.write_text("path,label\npile/p11.png,medical\n")
    assert run(folder, "label", "import", str(listed)).exit_code == 0


def test_a_label_is_taken_away_by_ids_alone(folder: Path) -> None:
    assert run(folder, "label", "set", "--clear", "medical", "1").exit_code == 2
    assert run(folder, "label", "set", "--clear", "1").exit_code == 0
    report = json.loads(run(folder, "info", "--json").stdout)
    assert report["labels"] == {"medical": 3, "non_medical": 4}


def test_a_command_that_is_not_there_is_said(folder: Path) -> None:
    answer = run(folder, "biuld")
    assert answer.exit_code == 2
    assert "There is no command biuld. Did you mean build?" in answer.stderr
