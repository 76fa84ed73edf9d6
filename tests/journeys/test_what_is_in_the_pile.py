"""A curator asks what is in the pile: by class and kind, folder, source or any column."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from pathlib import Path

import duckdb
import pytest

from mediclip_index.verdict import family_of
from tests.journeys.conftest import Typed, verdicts


def test_the_summary_counts_what_query_says_of_every_image(typed: Typed) -> None:
    typed("label", "set", "medical", "--kind", "mammography", 20)
    found = verdicts(typed)
    report = json.loads(typed("summary", "--json").stdout)
    rows = report["rows"]
    counted = {(r["verdict"], r["value"]): r["images"] for r in rows}
    assert counted == Counter((v["effective"], v["kind"]) for v in found.values())
    assert report["images"] == sum(counted.values()) == len(found)
    assert sum(r["share"] for r in rows) == pytest.approx(1)
    assert sum(r["labelled"] for r in rows) == 1
    unsure = sum(v["unsure"] and v["labelled"] is None for v in found.values())
    assert sum(r["unsure"] for r in rows) == unsure > 0
    assert all(r["sure"] + r["unsure"] + r["labelled"] == r["images"] for r in rows)
    for row in rows:
        likeliest = found[row["id"]]
        assert (likeliest["effective"], likeliest["kind"]) == (row["verdict"], row["value"])
        assert likeliest["probabilities"][row["verdict"]] == pytest.approx(row["probability"])
        assert likeliest["path"] == row["path"]
    text = typed("summary").stdout
    assert "mammography" in text
    assert f"{len(found)} images: " in text


def test_it_counts_by_folder_source_split_and_any_column(typed: Typed) -> None:
    found = verdicts(typed)
    of = {"folder": Counter(str(Path(v["path"]).parent) for v in found.values())}
    rows = json.loads(typed("search", "--where", "true", "-k", "99", "--json").stdout)["results"]
    of["split"] = Counter(row["split"] for row in rows)
    of["package"] = Counter(row["metadata"]["package"] for row in rows)
    for by, expected in of.items():
        counted: Counter[str] = Counter()
        for row in json.loads(typed("summary", "--by", by, "--json").stdout)["rows"]:
            counted[row["value"]] += row["images"]
        assert counted == expected, by
    sources = json.loads(typed("summary", "--by", "source", "--json").stdout)["rows"]
    assert sum(row["images"] for row in sources) == len(found)
    assert {row["value"] for row in sources} != {None}
    refused = typed("summary", "--by", "colour")
    assert "no column colour to count by" in str(refused.exception)


def test_conditions_speak_of_verdicts(typed: Typed) -> None:
    typed("label", "set", "medical", "--kind", "mammography", 20)
    found = verdicts(typed)

    def ids(condition: str) -> set[int]:
        answer = typed("search", "--where", condition, "-k", "99", "--json")
        assert answer.exit_code == 0, answer.output
        return {row["id"] for row in json.loads(answer.stdout)["results"]}

    assert ids("verdict = 'medical'") == {
        i for i, v in found.items() if v["effective"] == "medical"
    }
    assert ids("unsure") == {i for i, v in found.items() if v["unsure"] and not v["labelled"]}
    assert ids("kind = 'mammography' and labelled_by = 'anna'") == {20}
    other = "non_medical" if found[20]["label"] == "medical" else "medical"
    typed("label", "set", other, 20)
    assert (
        20
        in ids("guess <> label")
        == {i for i, v in verdicts(typed).items() if v["labelled"] and v["labelled"] != v["label"]}
        | ids("guess <> label and labelled_by is null")
    )
    typed("label", "set", "medical", "--kind", "mammography", 20)
    certain = {i for i, v in found.items() if v["probabilities"][v["effective"]] > 0.9}
    assert ids("probability > 0.9") == certain
    narrowed = verdicts(typed, "--where", "verdict = 'medical' and id < 10")
    assert set(narrowed) == {i for i in ids("verdict = 'medical'") if i < 10}
    counted = json.loads(typed("summary", "--where", "verdict = 'medical'", "--json").stdout)
    assert counted["images"] == len(ids("verdict = 'medical'"))
    assert {row["verdict"] for row in counted["rows"]} == {"medical"}


def test_a_kind_is_found_and_copied(typed: Typed, tmp_path: Path) -> None:
    typed("label", "set", "medical", "--kind", "ultrasound", 12)
    found = verdicts(typed)
    other = next(str(v["kind"]) for v in found.values() if v["label"] == "non_medical")
    wanted = {v["path"] for v in found.values() if v["kind"] in ("ultrasound", other)}
    asked = ("search", "--kind", "=ultrasound", "--kind", other)
    assert set(typed(*asked, "--format", "paths").stdout.split()) == wanted
    assert typed(*asked, "--copy-to", tmp_path / "copies").exit_code == 0
    names = {Path(path).name for path in wanted} | {"manifest.csv"}
    copied = {file.name for file in (tmp_path / "copies").rglob("*") if file.is_file()}
    assert copied == names
    near = typed("search", "a picture", "--kind", "=ultrasound", "-k", "99", "--json")
    of_words = {row["path"] for row in json.loads(near.stdout)["results"]}
    assert of_words == {v["path"] for v in found.values() if v["kind"] == "ultrasound"}
    shown = typed("query", "--indexed", "--kind", "=Ultrasound", "--format", "paths", "--no-audit")
    assert set(shown.stdout.split()) == of_words
    for command in (("search",), ("query", "--indexed")):
        refused = typed(*command, "--kind", "chest xrays")
        assert "near are chest_xray" in str(refused.exception)
        assert getattr(refused.exception, "exit_code", None) == 2


def test_a_kind_brings_its_relatives_unless_it_is_meant_alone(typed: Typed) -> None:
    for image, kind in ((12, "ultrasound"), (7, "echocardiography"), (9, "dental_xray")):
        typed("label", "set", "medical", "--kind", kind, image)
    found = verdicts(typed)

    def ids(*words: str) -> set[int]:
        return set(map(int, typed(*words, "--format", "ids").stdout.split()))

    family = {"ultrasound", "organ_ultrasound", "fetal_ultrasound", "echocardiography",
              "doppler_trace"}  # fmt: skip
    wanted = {i for i, v in found.items() if v["kind"] in family}
    alone = {i for i, v in found.items() if v["kind"] == "ultrasound"}
    assert {7, 12} <= wanted > alone
    for command in (("search",), ("query", "--indexed", "--no-audit")):
        assert ids(*command, "--kind", "ultrasound") == wanted
        assert ids(*command, "--kind", "=ultrasound") == alone
        assert 9 in ids(*command, "--kind", "X-ray")
        told = typed(*command, "--kind", "ultrasound").stderr
        assert "fetal_ultrasound, echocardiography, doppler_trace" in told
        assert "--kind =ultrasound" in told


def test_the_summary_is_written_in_every_format_and_as_a_gallery(
    typed: Typed, tmp_path: Path
) -> None:
    page = tmp_path / "pile.html"
    rows = json.loads(typed("summary", "--html", page, "--json").stdout)["rows"]
    text = page.read_text("utf-8")
    shown = {i for row in rows for i in (row["id"], *row["further"])}
    assert text.count("data:image/jpeg;base64,") == len(shown)
    assert all(f"<b>{row['value']}</b>: {row['images']} " in text for row in rows)
    table = list(csv.DictReader(io.StringIO(typed("summary", "--format", "csv").stdout)))
    assert [row["value"] for row in table] == [row["value"] for row in rows]
    lines = typed("summary", "--format", "jsonl").stdout.splitlines()
    assert [json.loads(line) for line in lines] == rows
    paths = typed("summary", "--format", "paths").stdout.splitlines()
    assert paths == [row["path"] for row in rows]
    refused = typed("summary", "--html", tmp_path / "nowhere" / "pile.html")
    assert refused.exit_code == 2


def test_the_exported_library_has_the_verdict_of_every_image(typed: Typed, tmp_path: Path) -> None:
    typed("label", "set", "medical", "--kind", "mammography", 20)
    found = verdicts(typed)
    assert typed("export", tmp_path / "out").exit_code == 0
    with (tmp_path / "out" / "library.csv").open(newline="") as file:
        library = {int(row["id"]): row for row in csv.DictReader(file)}
    assert library.keys() == found.keys()
    for image, row in library.items():
        said = found[image]
        assert (row["verdict"], row["kind"]) == (said["effective"], said["kind"])
        assert row["labelled_by"] == (said["labelled_by"] or "")
        assert row["guess"] == said["label"]
        assert (row["unsure"] == "true") == (said["unsure"] and not said["labelled"])
        share = said["probabilities"][said["effective"]]
        assert float(row["probability"]) == pytest.approx(share, abs=1e-5)
    table = duckdb.read_parquet(str(tmp_path / "out" / "library.parquet"))
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.fetchall()]
    assert [row["id"] for row in rows] == sorted(library)
    for typed_row in rows:
        row = library[typed_row["id"]]
        for name in (
            "path",
            "label",
            "split",
            "verdict",
            "kind",
            "labelled_by",
            "guess",
            "package",
        ):
            assert (typed_row[name] or "") == row[name], name
        assert typed_row["probability"] == pytest.approx(float(row["probability"]), abs=1e-5)
        assert typed_row["unsure"] == (row["unsure"] == "true")
        assert typed_row["width"] == int(row["width"])
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text("utf-8"))
    assert "library.parquet" in manifest["files"]
    again = typed("build", tmp_path / "out", "--json", index=tmp_path / "again")
    assert json.loads(again.stdout)["images"] == len(found)


def test_medical_comes_first_and_relatives_stand_together(typed: Typed) -> None:
    for image, kind in ((12, "ultrasound"), (7, "echocardiography"), (9, "ct"), (20, "ct")):
        typed("label", "set", "medical", "--kind", kind, image)
    rows = json.loads(typed("summary", "--json").stdout)["rows"]
    classes = [row["verdict"] for row in rows]
    assert classes == sorted(classes)  # medical, then non_medical, though these are more
    assert classes.count("medical") < classes.count("non_medical")
    kinds = [row["value"] for row in rows]
    ultrasound = [n for n, kind in enumerate(kinds) if family_of(kind) == "ultrasound"]
    assert len(ultrasound) > 2
    assert ultrasound == list(range(ultrasound[0], ultrasound[-1] + 1))
    by_split = json.loads(typed("summary", "--by", "split", "--json").stdout)["rows"]
    assert [row["verdict"] for row in by_split] == sorted(row["verdict"] for row in by_split)


def test_a_summary_ends_with_what_a_curator_looks_at_next(typed: Typed) -> None:
    assert "Next: mediclip-index query --indexed --only unsure" in typed("summary").stderr
    sure = typed("summary", "--where", "not unsure").stderr
    first = json.loads(typed("summary", "--where", "not unsure", "--json").stdout)["rows"][0]
    assert first["verdict"] == "medical"
    assert f"Next: mediclip-index search --kind {first['value']}" in sure
