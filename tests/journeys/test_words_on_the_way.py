"""What a hurried person types, and what is answered."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from mediclip_index.cli.root import COMMANDS, cli
from mediclip_index.prompts import load_bundled
from tests.journeys.conftest import Typed


@pytest.mark.parametrize(
    "words",
    [
        ["info", "--index", "PLACE", "--json"],
        ["info", "--json", "--index=PLACE", "--by", "anna"],
        ["--index", "PLACE", "info", "--json"],
        ["--by", "anna", "info", "--device", "cpu", "--index", "PLACE", "--json"],
    ],
)
def test_options_of_the_whole_command_stand_where_people_write_them(
    samples_index: Path, words: list[str]
) -> None:
    done = CliRunner().invoke(cli, [w.replace("PLACE", str(samples_index)) for w in words])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["index"]["path"] == str(samples_index)


def test_a_commands_own_option_of_that_name_stays_its_own(samples_index: Path) -> None:
    words = ["summary", "--by", "label", "--json", "--index", str(samples_index)]
    done = CliRunner().invoke(cli, words)
    assert json.loads(done.stdout)["by"] == "label"


def test_what_follows_two_dashes_is_left_alone(samples_index: Path) -> None:
    words = ["--index", str(samples_index), "query", "--json", "--", "--index"]
    done = CliRunner().invoke(cli, words)
    assert [r["path"] for r in json.loads(done.stdout)["refused"]] == ["--index"]


@pytest.mark.parametrize(
    ("typed", "meant"), [("quer", "query"), ("biuld", "build"), ("duplicate", "duplicates")]
)
def test_a_slip_of_the_fingers_is_told_what_was_meant(typed: str, meant: str) -> None:
    done = CliRunner().invoke(cli, [typed, "x"])
    assert done.exit_code == 2
    assert f"There is no command {typed}. Did you mean {meant}?" in done.output
    far = CliRunner().invoke(cli, ["zzzz"])
    assert "Did you mean" not in far.output
    assert "There is no command zzzz." in far.output


def test_every_verdict_names_a_sentence_of_its_own_class_as_reason(typed: Typed) -> None:
    report = json.loads(typed("query", "--indexed", "--no-audit", "--json").stdout)
    classes = {
        sentence: one.name
        for one in load_bundled("medical").classes
        for group in one.groups
        for sentence in group.prompts
    }
    doubted = [v for v in report["verdicts"] if v["prompts"][0]["class"] != v["label"]]
    assert doubted  # where the closest sentence of all is another class's
    for v in report["verdicts"]:
        named = re.search("closest: “(.*?)”", v["why"])
        assert named is not None
        assert classes[named[1]] == v["label"], v["why"]


def test_words_that_nothing_is_like_are_said_to_find_nothing(typed: Typed) -> None:
    assert "Nothing is much like this: the best cosine is 0.0" in typed("search", "zebra").stderr
    assert "Nothing is much like" not in typed("search", "chest X-ray").stderr
    assert "Nothing is much like" not in typed("search", "--where", "id < 3").stderr


def test_a_replay_always_tells_what_could_not_be_told(typed: Typed, tmp_path: Path) -> None:
    typed("query", "--indexed", "--where", "id < 4")
    assert "3 of 3 verdicts came out the same, 0 otherwise; 0 could not be told." in (
        typed("audit", "replay").stdout
    )
    typed("remove", "--purge", "--yes", "1")
    told = typed("audit", "replay").stdout
    assert re.search(r"otherwise; [1-3] could not be told\.", told), told


def test_settings_are_listed_used_and_reset(typed: Typed) -> None:
    def kept() -> list[tuple[int, bool]]:
        report = json.loads(typed("settings", "list", "--json").stdout)
        return [(one["settings"]["number"], one["in_force"]) for one in report["kept"]]

    assert kept() == [(1, True)]
    few = typed("tune")
    assert few.exit_code == 0
    assert "can't tell settings apart, so those in force stay" in few.output.replace("\n", " ")
    assert kept() == [(1, True)]
    wrong = typed("settings", "use", "7")
    assert "There are no settings number 7" in str(wrong.exception)
    assert typed("tune", "--reset").exit_code == 0
    assert kept() == [(1, True)]


def test_the_demo_ends_with_a_line_that_can_be_pasted(tmp_path: Path) -> None:
    place = tmp_path / "a folder"
    done = CliRunner().invoke(cli, ["--index", str(place), "demo"])
    assert done.exit_code == 0, done.output
    lines = [line.strip() for line in done.output.splitlines() if line.strip()]
    assert f"mediclip-index --index '{place}' summary" in lines
    assert lines[-1] == f"mediclip-index --index '{place}' serve"
    assert {"summary", "serve"} <= set(COMMANDS)
