"""Lists as programs and people write them: read for what they say, or refused with a sentence."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from mediclip_index import reading
from mediclip_index.reading.lists import label_rows
from mediclip_index.types import Facts, UsageError

SAID = [("a.png", "medical", "test"), ("b.png", None, None)]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return tmp_path / "list.csv"


def said(table: Path) -> list[tuple[str, str | None, str | None]]:
    folder = f"{table.parent}/"
    return [(r.path.removeprefix(folder), r.facts.label, r.facts.split) for r in label_rows(table)]


PLAIN = "path,label,split\na.png,medical,test\nb.png,,\n"


@pytest.mark.parametrize(
    ("named", "data"),
    [
        ("plain", PLAIN.encode()),
        ("a mark before UTF-8", b"\xef\xbb\xbf" + PLAIN.encode()),
        (
            "a mark before quotes",
            b'\xef\xbb\xbf"path";"label";"split"\na.png;medical;test\nb.png;;\n',
        ),
        (
            "a mark before the delimiter",
            b"\xef\xbb\xbfsep=;\n" + PLAIN.replace(",", ";").encode(),
        ),
        ("UTF-16, little-endian", PLAIN.encode("utf-16")),
        ("UTF-16, big-endian", b"\xfe\xff" + PLAIN.encode("utf-16-be")),
        ("semicolons", PLAIN.replace(",", ";").encode()),
        ("tabs", PLAIN.replace(",", "\t").encode()),
        ("bars", PLAIN.replace(",", "|").encode()),
        ("a line that says the delimiter", b"sep=;\r\n" + PLAIN.replace(",", ";").encode()),
        ("ends of lines of Windows", PLAIN.replace("\n", "\r\n").encode()),
        ("ends of lines of old Macs", PLAIN.replace("\n", "\r").encode()),
        ("quotes", b'"path","label","split"\n"a.png","medical","test"\n"b.png","",""\n'),
        ("names in capitals", PLAIN.replace("path,label", "Path, LABEL ").encode()),
        ("empty rows", PLAIN.replace("\nb", "\n\n,,\n  ,\t,\nb").encode()),
        ("columns without a name", b"path,label,split,,\na.png,medical,test,,\nb.png,,,x,\n"),
        ("short rows", b"path,label,split\na.png,medical,test\nb.png\n"),
        (
            "cells that are empty past the end",
            b"path,label,split\na.png,medical,test,,\nb.png,,,\n",
        ),
        ("cells with room around", b"path, label ,split\na.png, medical ,test \nb.png, ,\n"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_list_of_any_writing_says_the_same(named: str, data: bytes, table: Path) -> None:
    table.write_bytes(data)
    assert said(table) == SAID, named


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("file,label\na,b\n", "needs a column `path`.*file, label"),
        ("", "needs a column `path`"),
        ("path,path\na,b\n", "two columns named `path`"),
        ("path,Label,label\na,b,c\n", "two columns named `label`"),
        ("path,Ward,ward\na,b,c\n", r"two columns of one name \(case aside\); rename one"),
        ("path,label\na.png,medical,extra\n", "line 2 has more cells than the 2 columns"),
        ("path,label\na.png,\n,medical\n", "line 3 has no path"),
        ("path,page\na.pdf,x\n", "line 2: page is no number from 1"),
        ("path,page\na.pdf,0\n", "line 2: page is no number from 1"),
        ("path,page,item\na.pdf,1,1.5\n", "line 2: item is no number from 1"),
        ("path,page\na.pdf,nan\n", "line 2: page is no number from 1"),
        ("path,page\na.pdf,inf\n", "line 2: page is no number from 1"),
        ("path,page\na.pdf,1e300\n", "line 2: page is no number from 1"),
        ("path,label,probability,unsure\na.png,medical,0.9,\n", "list of verdicts"),
        ("path,id,probability,LABEL,why,unsure\na.png,1,1,medical,x,\n", "list of verdicts"),
    ],
)
def test_a_list_that_is_none_is_refused_with_a_sentence(text: str, why: str, table: Path) -> None:
    table.write_text(text)
    with pytest.raises(UsageError, match=why) as caught:
        list(label_rows(table))
    assert str(table) in str(caught.value)


def test_what_a_person_adds_to_a_list_is_kept_but_no_empty_cell(table: Path) -> None:
    table.write_text("path,Hospital,subject\na.png,North,p1\nb.png,,\n")
    facts = [row.facts for row in label_rows(table)]
    assert facts == [Facts(subject="p1", attributes={"Hospital": "North"}), Facts()]


def test_paths_with_backslashes_are_found_where_there_is_such_a_file(table: Path) -> None:
    (table.parent / "ward").mkdir()
    for name in ("ward/a.png", "odd\\name.png"):
        (table.parent / name).touch()
    table.write_text("path\nward\\a.png\nodd\\name.png\n.\\ward\\a.png\nward\\none.png\n")
    names = [path for path, _, _ in said(table)]
    assert names == ["ward/a.png", "odd\\name.png", "ward/a.png", "ward\\none.png"]


@pytest.mark.parametrize(("there", "written"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_names_in_another_form_of_unicode_are_found(there: str, written: str, table: Path) -> None:
    name = "Röntgen é.png"
    on_disk = unicodedata.normalize(there, name)  # type: ignore[arg-type]
    (table.parent / on_disk).touch()
    table.write_text("path\n" + unicodedata.normalize(written, name) + "\n")  # type: ignore[arg-type]
    assert [path for path, _, _ in said(table)] == [on_disk]
    (entry,) = reading.scan(str(table)).entries
    assert Path(entry.path).exists()


def test_names_that_are_no_utf_8_are_found(table: Path) -> None:
    name = b"r\xf6ntgen.png"
    (table.parent / name.decode("utf-8", "surrogateescape")).touch()
    table.write_bytes(b"path,label\n" + name + b",medical\n")
    (entry,) = reading.scan(str(table)).entries
    assert (Path(entry.path).exists(), entry.facts.label) == (True, "medical")


def test_rows_of_one_file_go_together_and_the_last_of_a_page_counts(table: Path) -> None:
    for name in ("a.pdf", "b.tif"):
        (table.parent / name).touch()
    table.write_text(
        "path,page,item,label\na.pdf,,,medical\na.pdf,2,1,non_medical\na.pdf,3.0,,medical\n"
        "b.tif,1,,medical\na.pdf,3,,non_medical\nb.tif,,,non_medical\n"
    )
    found = reading.scan(str(table))
    assert [(Path(e.path).name, e.facts.label) for e in found.entries] == [
        ("a.pdf", "medical"), ("b.tif", "non_medical"),
    ]  # fmt: skip
    parts = [(page, item, facts.label) for page, item, facts in found.entries[0].facts.parts]
    assert parts == [(2, 1, "non_medical"), (3, None, "non_medical")]
    assert found.entries[1].facts.parts == ((1, None, Facts(label="medical")),)
    assert "contradicts itself on 1 of its paths" in found.notes[0]
    assert "line 6" in found.notes[0]


def test_rows_that_say_the_same_twice_are_counted_and_no_contradiction(table: Path) -> None:
    (table.parent / "a.png").touch()
    table.write_text("path,label\na.png,medical\na.png,medical\na.png,\n")
    assert "2 paths stand more than once" in reading.scan(str(table)).notes[0]


def test_a_list_that_is_a_pipe_or_a_folder_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.csv"):
        with pytest.raises(UsageError):
            list(label_rows(path))
