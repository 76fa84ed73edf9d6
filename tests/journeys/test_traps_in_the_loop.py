"""Ask, look, say, ask again: the lists that go around carry ids, what the machine guesses and what
people said, and nothing that only the machine said becomes a label unasked."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from PIL import Image

from tests.journeys.conftest import Typed, verdicts


def rows(result: Result) -> list[dict[str, str]]:
    assert result.exit_code in (0, 3), result.output
    return list(csv.DictReader(io.StringIO(result.stdout)))


def written(file: Path, table: list[dict[str, str]]) -> Path:
    with file.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(table[0]))
        writer.writeheader()
        writer.writerows(table)
    return file


def labels_by_hand(typed: Typed) -> dict[int, Any]:
    return {i: v["labelled"] for i, v in verdicts(typed).items() if v["labelled"]}


def unlabelled(typed: Typed) -> None:
    """So that there is something to be labelled next."""
    everyone = typed("search", "--where", "true", "--format", "ids").stdout.split()
    assert typed("label", "set", "--clear", *everyone).exit_code == 0


def test_a_list_keeps_apart_what_the_machine_guesses_and_what_people_said(typed: Typed) -> None:
    found = verdicts(typed)
    image = next(i for i, v in found.items() if v["label"] == "non_medical")
    typed("label", "set", "medical", image)
    table = rows(typed("query", "--indexed", "--no-audit", "--format", "csv"))
    assert list(table[0])[:5] == ["path", "page", "label", "probability", "unsure"]
    for row in table:
        assert row["guess"] == found[int(row["image"])]["label"]
        assert row["label"] == ("medical" if int(row["image"]) == image else "")
        assert {"image", "path", "page", "item", "guess", "label"} <= set(row)
    near = rows(typed("search", "a picture", "-k", "5", "--format", "csv"))
    assert [(r["image"], r["guess"]) for r in near] == [
        (r["id"], found[int(r["id"])]["label"]) for r in near
    ]
    unlabelled(typed)
    proposed = rows(typed("label", "next", "--format", "csv"))
    assert len(proposed) == 10
    guesses = {
        r["id"]: r["label"] for r in json.loads(typed("label", "next", "--json").stdout)["next"]
    }
    for row in proposed:
        assert row["image"] == row["id"]
        assert (row["label"], row["guess"]) == ("", guesses[int(row["id"])])


def test_a_picture_asked_by_path_is_known_by_its_content_page_and_item(
    typed: Typed, tmp_path: Path
) -> None:
    found = verdicts(typed)
    image, verdict = next((i, v) for i, v in found.items() if v["page"] is None)
    copy = tmp_path / "copy.png"
    copy.write_bytes(Path(verdict["path"]).read_bytes())
    other = tmp_path / "other.pgm"
    other.write_bytes(b"P5 64 64 255\n" + bytes(range(64)) * 64)
    asked = typed("query", copy, other, "--json", "--no-audit")
    assert [v["image"] for v in json.loads(asked.stdout)["verdicts"]] == [image, None]
    assert f"#{image}" in typed("query", copy, "--no-audit").stdout
    ids = typed("query", copy, other, "--format", "ids", "--no-audit")
    assert ids.stdout.split() == [str(image)]
    assert "1 picture not in the index" in ids.stderr
    typed("remove", image)
    removed = typed("query", copy, "--json", "--no-audit")
    assert json.loads(removed.stdout)["verdicts"][0]["image"] is None


def test_ids_go_from_every_list_into_labels(typed: Typed) -> None:
    found = verdicts(typed)
    unsure = {i for i, v in found.items() if v["unsure"]}
    listed = typed("query", "--indexed", "--only", "unsure", "--no-audit", "--format", "ids")
    assert {int(i) for i in listed.stdout.splitlines()} == unsure
    assert typed("label", "set", "medical", "-", stdin=listed.stdout).exit_code == 0
    assert labels_by_hand(typed) == dict.fromkeys(unsure, "medical")
    for command, key in (
        (("search", "hand", "-k", "3"), "results"),
        (("mistakes",), "mistakes"),
    ):
        told = json.loads(typed(*command, "--json").stdout)[key]
        ids = [int(i) for i in typed(*command, "--format", "ids").stdout.splitlines()]
        assert ids == [row["image"] for row in told] != []
    groups = json.loads(typed("duplicates", "--min-similarity", "0.5", "--json").stdout)["groups"]
    listed = typed("duplicates", "--min-similarity", "0.5", "--format", "ids")
    assert (
        [int(i) for i in listed.stdout.split()]
        == list(dict.fromkeys(i for g in groups for i in g["ids"]))
        != []
    )
    unlabelled(typed)
    proposed = json.loads(typed("label", "next", "--json").stdout)["next"]
    listed = typed("label", "next", "--format", "ids")
    assert [int(i) for i in listed.stdout.split()] == [row["image"] for row in proposed]


def imported(typed: Typed, file: Path, *words: str) -> Any:
    done = typed("label", "import", file, "--json", *words)
    assert done.exit_code in (0, 3), (done.output, done.exception)
    return json.loads(done.stdout)


def refused(done: Result) -> str:
    assert getattr(done.exception, "exit_code", None) == 2, done.output
    return str(done.exception)


@pytest.mark.parametrize(
    "command", [("query", "--indexed", "--no-audit"), ("label", "next"), ("search", "cat")]
)
def test_a_list_is_filled_in_and_imported(
    typed: Typed, tmp_path: Path, command: tuple[str, ...]
) -> None:
    unlabelled(typed)
    table = rows(typed(*command, "--format", "csv"))
    assert imported(typed, written(tmp_path / "list.csv", table))["changed"] == 0
    chosen = [int(row["image"]) for row in table[1:4]]
    for row in table[1:4]:
        row["label"] = "Non-Medical"
    report = imported(typed, written(tmp_path / "list.csv", table))
    assert (report["changed"], report["missing"]) == (3, [])
    assert labels_by_hand(typed) == dict.fromkeys(chosen, "non_medical")
    assert any("passed over" in note and "--keep-columns" in note for note in report["notes"])
    assert "why" not in json.loads(typed("info", "--json").stdout)["columns"]


def test_a_kind_written_into_a_list_of_verdicts_is_said_to_be_passed_over(
    typed: Typed, tmp_path: Path
) -> None:
    table = rows(typed("query", "--indexed", "--no-audit", "--format", "csv"))
    free = [row for row in table if not row["labelled_by"]][:3]
    assert not any("kind" in n for n in imported(typed, written(tmp_path / "l.csv", free))["notes"])
    free[0]["kind"], free[1]["kind"] = "mammography", "mamography"
    notes = imported(typed, written(tmp_path / "list.csv", free))["notes"]
    (note,) = [note for note in notes if "image,label,kind" in note]
    assert "(2 rows)" in note
    assert "'mamography' is no kind" in note


def test_the_machines_labels_are_refused_unless_asked_for(typed: Typed, tmp_path: Path) -> None:
    unlabelled(typed)
    found = verdicts(typed)
    table = rows(typed("query", "--indexed", "--no-audit", "--format", "csv"))
    earlier = [
        {n: v for n, v in {**row, "label": row["guess"]}.items() if n not in ("guess", "image")}
        for row in table
    ]
    next_before = [
        {n: row[n] for n in ("id", "path", "probability", "why")} | {"label": row["guess"]}
        for row in rows(typed("label", "next", "--format", "csv"))
    ]
    only_why = [{n: row[n] for n in ("path", "page", "item", "label", "why")} for row in earlier]
    lists = [
        written(tmp_path / f"{n}.csv", one)
        for n, one in enumerate((earlier, next_before, only_why))
    ]
    lists.append(tmp_path / "verdicts.json")
    lists[-1].write_text(typed("query", "--indexed", "--no-audit", "--json").stdout)
    lists.append(tmp_path / "verdicts.jsonl")
    lists[-1].write_text(typed("query", "--indexed", "--no-audit", "--format", "jsonl").stdout)
    for file in lists:
        said = refused(typed("label", "import", file))
        assert "--machine-labels" in said
        assert said.count(". ") == 0, said
        assert labels_by_hand(typed) == {}
    for file in (lists[0], *lists[3:]):
        imported(typed, file, "--machine-labels")
        assert labels_by_hand(typed) == {i: v["label"] for i, v in found.items()}
        unlabelled(typed)
    # Today's list has no label of the machine's; asked for, its guesses stand in.
    file = written(tmp_path / "today.csv", table)
    imported(typed, file, "--machine-labels")
    assert labels_by_hand(typed) == {i: v["label"] for i, v in found.items()}


def test_people_may_have_a_column_of_that_name(typed: Typed, tmp_path: Path) -> None:
    found = verdicts(typed)
    other = {"medical": "non_medical", "non_medical": "medical"}
    i, v = next((i, v) for i, v in found.items() if v["page"] is None)
    row = {"path": v["path"], "label": other[v["label"]], "why": "I know it"}
    file = written(tmp_path / "mine.csv", [row])
    assert imported(typed, file)["missing"] == []
    assert labels_by_hand(typed) == {i: row["label"]}
    assert imported(typed, file, "--keep-columns")["notes"] == []
    met = typed("search", "--where", "why = 'I know it'", "--format", "ids")
    assert met.stdout.split() == [str(i)]


def test_a_list_of_another_index_changes_nothing(typed: Typed, tmp_path: Path) -> None:
    table = rows(typed("search", "cat", "--format", "csv"))
    one, other = table[0], table[1]
    one["image"], one["label"] = other["image"], "medical"
    said = refused(typed("label", "import", written(tmp_path / "list.csv", table)))
    assert f"line 2: image {other['image']} is not the picture" in said
    assert labels_by_hand(typed) == {}
    far = written(tmp_path / "far.csv", [{"image": "999", "label": "medical"}])
    assert imported(typed, far)["missing"] == ["#999"]


def test_ids_beside_paths_that_the_index_never_saw_are_of_another_one(
    typed: Typed, tmp_path: Path
) -> None:
    foreign = [{"image": "3", "path": "/elsewhere/scan.png", "label": "medical"}]
    said = refused(typed("label", "import", written(tmp_path / "marks.csv", foreign)))
    assert "none of its paths is in this index" in said
    assert labels_by_hand(typed) == {}


def test_a_list_of_a_search_that_nobody_edited_is_nobodys_word(
    typed: Typed, tmp_path: Path
) -> None:
    table = rows(typed("search", "cat", "-k", "3", "--format", "csv"))
    assert all(row["label"] for row in table)  # folders said so
    imported(typed, written(tmp_path / "list.csv", table))
    assert labels_by_hand(typed) == {}
    table[0]["label"] = "medical" if table[0]["label"] == "non_medical" else "non_medical"
    imported(typed, written(tmp_path / "list.csv", table))
    assert labels_by_hand(typed) == {int(table[0]["image"]): table[0]["label"]}


@pytest.fixture
def scan(typed: Typed, tmp_path: Path) -> tuple[Path, list[int]]:
    """A TIFF of three pages that the index holds, and their ids."""
    drawn = [Image.effect_noise((80, 80), 30 + 40 * n).convert("RGB") for n in range(3)]
    folder = tmp_path / "scans"
    folder.mkdir()
    drawn[0].save(folder / "scan.tif", save_all=True, append_images=drawn[1:])
    assert typed("build", folder, "--json").exit_code == 0
    listed = typed("search", "--where", "path like '%scan.tif'", "--format", "ids")
    return folder / "scan.tif", [int(i) for i in listed.stdout.split()]


def test_a_path_of_several_pictures_labels_none_unless_all_are_meant(
    typed: Typed, scan: tuple[Path, list[int]], tmp_path: Path
) -> None:
    path, ids = scan
    assert len(ids) == 3
    row = {"path": str(path), "page": "", "label": "medical", "subject": "p7"}
    file = written(tmp_path / "list.csv", [row])
    report = imported(typed, file)
    assert report["several"] == [f"{path} (3 pictures)"]
    assert labels_by_hand(typed) == {}
    assert "--all-pages" in typed("label", "import", file).stdout
    assert typed("label", "import", file).exit_code == 3
    of_page = written(tmp_path / "page.csv", [{**row, "page": "2"}])
    imported(typed, of_page)
    assert labels_by_hand(typed) == {ids[1]: "medical"}
    imported(typed, file, "--all-pages")
    assert labels_by_hand(typed) == dict.fromkeys(ids, "medical")
    for command in (
        ("label", "set", "non_medical"), ("label", "history"), ("remove",), ("search", "--like"),
    ):  # fmt: skip
        said = refused(typed(*command, path))
        assert f"holds 3 pictures (#{ids[0]} page 1, #{ids[1]} page 2" in said
    assert typed("label", "set", "non_medical", path, "--all-pages").exit_code == 0
    assert labels_by_hand(typed) == dict.fromkeys(ids, "non_medical")


def test_pictures_are_named_by_path_wherever_they_are_named_by_id(typed: Typed) -> None:
    i, v = next((i, v) for i, v in verdicts(typed).items() if v["page"] is None)
    path = v["path"]
    assert typed("label", "set", "medical", path).exit_code == 0
    assert labels_by_hand(typed) == {i: "medical"}
    assert typed("label", "set", "--split", "test", path).exit_code == 0
    assert typed("label", "set", "non_medical", "-", stdin=f"{path}\n").exit_code == 0
    assert labels_by_hand(typed) == {i: "non_medical"}
    history = json.loads(typed("label", "history", path, "--json").stdout)["history"]
    assert [e["label"] for e in history if e["by"] == "anna" and e["label"]] == [
        "medical", "non_medical",
    ]  # fmt: skip
    by_id, by_path = (
        json.loads(typed("search", "--like", one, "--json").stdout)["results"] for one in (i, path)
    )
    assert by_id == by_path != []
    assert json.loads(typed("remove", path, "--json").stdout)["images"] == [{"id": i, "path": path}]
    assert typed("remove", "--restore", path, "--json").exit_code == 0
    assert i in verdicts(typed)
    for command in (("label", "set", "medical"), ("label", "history"), ("remove",)):
        assert "The index does not hold nowhere.png" in refused(typed(*command, "nowhere.png"))
