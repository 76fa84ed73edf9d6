"""Ask, look, say, ask again: the lists that go around carry ids, what the machine guesses and what
people said, and nothing that only the machine said becomes a label unasked."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

from click.testing import Result

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
    ids = typed("duplicates", "--min-similarity", "0.5", "--format", "ids").stdout.splitlines()
    assert [int(i) for i in ids] == list(dict.fromkeys(i for g in groups for i in g["ids"])) != []
    unlabelled(typed)
    proposed = json.loads(typed("label", "next", "--json").stdout)["next"]
    ids = typed("label", "next", "--format", "ids").stdout.splitlines()
    assert [int(i) for i in ids] == [row["image"] for row in proposed]
