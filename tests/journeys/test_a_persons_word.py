"""A curator labels pictures by hand: the label is shown with the verdict, counts before it, has its
history, and whatever leans on it is named."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.journeys.conftest import Typed, verdicts


@pytest.fixture
def doubted(typed: Typed) -> tuple[int, dict[str, object]]:
    """A picture that the machine takes for non_medical, unsurely, and its verdict."""
    return next(
        (i, v)
        for i, v in verdicts(typed).items()
        if v["label"] == "non_medical" and v["unsure"] and v["page"] is None
    )


def test_a_label_by_hand_stands_beside_the_machines_verdict_and_leaves_it_as_it_is(
    typed: Typed, doubted: tuple[int, dict[str, object]]
) -> None:
    image, before = doubted
    assert (before["labelled"], before["labelled_by"]) == (None, None)
    assert (before["effective"], before["kind"]) == (before["label"], before["group"]["name"])  # type: ignore[index]
    assert typed("label", "set", "medical", image).exit_code == 0
    after = verdicts(typed)[image]
    for name in ("label", "probability", "probabilities", "unsure", "group"):
        assert after[name] == pytest.approx(before[name]), name
    assert (after["labelled"], after["labelled_by"], after["effective"]) == (
        "medical", "anna", "medical",
    )  # fmt: skip
    shown = typed("query", "--indexed", "--where", f"id = {image}")
    assert "labelled medical by you; the machine says non_medical" in shown.stdout
    theirs = typed("query", before["path"], by="bob")
    assert "labelled medical by anna; the machine says non_medical" in theirs.stdout


def test_the_label_decides_what_only_and_copies_take(
    typed: Typed, doubted: tuple[int, dict[str, object]], tmp_path: Path
) -> None:
    image, before = doubted
    typed("label", "set", "medical", image)
    name = Path(str(before["path"])).name
    for only, there in (("medical", True), ("non_medical", False), ("unsure", False)):
        asked = ("query", "--indexed", "--no-audit", "--only", only)
        assert (before["path"] in typed(*asked, "--format", "paths").stdout.split()) == there, only
        typed(*asked, "--copy-to", tmp_path / only)
        assert any((tmp_path / only).rglob(name)) == there, only


def test_what_folders_and_lists_said_is_no_persons_word_until_a_person_says_so(
    typed: Typed,
) -> None:
    found = verdicts(typed)
    assert {v["labelled"] for v in found.values()} == {None}
    rows = json.loads(typed("search", "--where", "true", "-k", "99", "--json").stdout)["results"]
    assert {row["label"] for row in rows} == {"medical", "non_medical"}
    wrong = next(r for r in rows if found[r["id"]]["label"] != r["label"])
    done = json.loads(typed("label", "set", wrong["label"], wrong["id"], "--json").stdout)
    assert (done["changed"], done["unchanged"]) == (0, 1)
    assert verdicts(typed)[wrong["id"]]["effective"] == wrong["label"]


def test_a_kind_is_corrected_with_its_history(typed: Typed) -> None:
    image = next(i for i, v in verdicts(typed).items() if v["label"] == "medical")
    assert typed("label", "set", "--kind", "Organ Ultrasound", image).exit_code == 0
    now = verdicts(typed)[image]
    assert (now["kind"], now["effective"]) == ("organ_ultrasound", "medical")
    assert now["group"]["name"] != "organ_ultrasound"  # what the machine says stays
    typed("label", "set", "--kind", "mammography", image, by="bob")
    history = json.loads(typed("label", "history", image, "--json").stdout)["history"]
    assert [(e["by"], e["kind"]) for e in history if e["kind"]] == [
        ("anna", "organ_ultrasound"),
        ("bob", "mammography"),
    ]
    typed("label", "set", "--kind", "", image)
    assert verdicts(typed)[image]["kind"] != "mammography"


def test_a_kind_fits_the_class_or_is_refused_in_a_sentence(typed: Typed) -> None:
    unknown = typed("label", "set", "--kind", "ultrasond", 1)
    assert re.search(r"no kind 'ultrasond'.*near are .*ultrasound", str(unknown.exception))
    typed("label", "set", "non_medical", 1)
    other = typed("label", "set", "--kind", "mammography", 1)
    assert "label set medical --kind mammography 1" in str(other.exception)
    assert typed("label", "set", "medical", "--kind", "mammography", 1).exit_code == 0
    typed("label", "set", "non_medical", 1)  # a medical kind can't stay
    assert verdicts(typed)[1]["kind"] != "mammography"
    typed("label", "set", "medical", "--kind", "mammography", 1)
    typed("label", "set", "--clear", 1)
    assert (verdicts(typed)[1]["labelled"], verdicts(typed)[1]["labelled_by"]) == (None, None)


def test_what_a_kind_does_to_the_class_is_said(typed: Typed) -> None:
    typed("label", "set", "--clear", 1)
    first = typed("label", "set", "--kind", "mammography", 1)
    assert "#1 is also labelled medical, since mammography is a kind of it" in first.stderr
    assert "also labelled" not in typed("label", "set", "--kind", "ultrasound", 1).stderr
    taken = typed("label", "set", "--kind", "", 1)
    assert "#1 is still labelled medical" in taken.stderr
    assert "label set --clear 1" in taken.stderr


def test_a_class_after_the_picture_is_told_to_come_first(typed: Typed) -> None:
    said = typed("label", "set", 12, "non_medical")
    assert said.exit_code == 2
    assert "CLASS comes first: mediclip-index label set non_medical 12" in said.stderr


def test_the_word_is_in_export_backup_and_what_is_made_of_them(
    typed: Typed, tmp_path: Path
) -> None:
    typed("label", "set", "medical", "--kind", "mammography", 1)
    out, file = tmp_path / "out", tmp_path / "one.tar"
    assert typed("export", out).exit_code == 0
    assert typed("backup", file).exit_code == 0
    assert typed("build", out, index=tmp_path / "again").exit_code == 0
    assert typed("backup", "--restore", file, index=tmp_path / "back").exit_code == 0
    for index in (tmp_path / "again", tmp_path / "back"):
        asked = ("query", "--indexed", "--where", "id = 1", "--json")
        found = json.loads(typed(*asked, index=index).stdout)["verdicts"][0]
        assert (found["labelled_by"], found["kind"]) == ("anna", "mammography")
    assert typed("remove", "--purge", "--yes", 1).exit_code == 0
    assert "mammography" not in typed("search", "--where", "kind = 'mammography'").stdout


def test_past_verdicts_replay_as_they_were_and_the_chain_holds(typed: Typed) -> None:
    typed("query", "--indexed", "--json")
    label = {"medical": "non_medical", "non_medical": "medical"}
    said = {i: label[str(v["label"])] for i, v in list(verdicts(typed).items())[:6]}
    for image, other in said.items():
        typed("label", "set", other, image)
    typed("query", "--indexed", "--json")
    again = json.loads(typed("audit", "replay", "--json").stdout)
    assert again["different"] == []
    assert again["replayed"] == again["identical"] > 70
    assert typed("audit", "verify").exit_code == 0


def test_what_a_search_finds_is_told_with_its_verdict(typed: Typed) -> None:
    typed("label", "set", "medical", "--kind", "mammography", 20)
    found = verdicts(typed)
    hits = json.loads(typed("search", "a cat", "-k", "99", "--json").stdout)["results"]
    assert {hit["id"] for hit in hits} == set(found)
    for hit in hits:
        said = found[hit["id"]]
        assert (hit["guess"], hit["verdict"], hit["kind"], hit["labelled_by"]) == (
            said["label"], said["effective"], said["kind"], said["labelled_by"],
        )  # fmt: skip
        assert hit["probability"] == pytest.approx(said["probabilities"][said["effective"]])
        assert hit["unsure"] == (said["unsure"] and not said["labelled"])
    text = typed("search", "--where", "id = 20").stdout
    assert "mammography" in text
    assert "by you" in text
    assert "by anna" in typed("search", "--where", "id = 20", by="bob").stdout


def test_who_said_it_is_you_for_you_and_has_a_name_for_others(typed: Typed) -> None:
    typed("label", "set", "medical", 20)
    typed("remove", 3)
    for command in (("label", "history", 20), ("remove", "--list"), ("settings", "list")):
        assert "anna" not in typed(*command).stdout.replace("/anna", ""), command
    for command in (("label", "history", 20), ("remove", "--list")):
        assert " you " in typed(*command).stdout, command
        assert " anna " in typed(*command, by="bob").stdout, command
    assert json.loads(typed("label", "history", 20, "--json").stdout)["history"][-1]["by"] == "anna"
