"""`query` as it is typed: what goes together, and copies of the pictures that were asked for."""

from __future__ import annotations

import csv
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from mediclip_index import Index
from mediclip_index.catalog import audit
from mediclip_index.cli import cli
from mediclip_index.cli.copying import Wanted, copy


@pytest.fixture
def folder(
    tmp_path: Path,
    tiny_model: str,
    photographs: list[Image.Image],
) -> Path:
    Index.create(tmp_path / "index", model=tiny_model)
    for ward, picture in zip(("a", "b"), photographs[:2], strict=True):
        (tmp_path / "pile" / ward).mkdir(parents=True)
        picture.save(tmp_path / "pile" / ward / "one.png")
    photographs[2].save(tmp_path / "three.png")
    with zipfile.ZipFile(tmp_path / "pile" / "more.zip", "w") as archive:
        archive.write(tmp_path / "three.png", "three.png")
    return tmp_path


def query(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(cli, ["--index", str(folder / "index"), "query", *words])


def test_copies_are_made_of_every_file_and_none_is_written_over(folder: Path) -> None:
    keep = folder / "keep"
    done = query(folder, str(folder / "pile"), "--copy-to", str(keep), "--format", "json")
    assert done.exit_code == 0, done.output
    for ward in "ab":
        original = (folder / "pile" / ward / "one.png").read_bytes()
        assert (keep / ward / "one.png").read_bytes() == original
    unpacked = keep / "more.zip" / "three.png"
    assert unpacked.read_bytes() == (folder / "three.png").read_bytes()
    assert sum(file.is_file() for file in keep.rglob("*")) == 4  # with manifest.csv


def test_a_file_that_was_changed_is_not_copied_under_its_old_id(
    folder: Path, photographs: list[Image.Image]
) -> None:
    index = Index.open(folder / "index", by="anna")
    index.build([str(folder / "pile")])
    index.labels.set("medical", [1])
    hits = [Wanted.of_hit(hit) for hit in index.search(where="true", k=None).results]
    changed = Path(hits[1].path)
    photographs[9].save(changed)
    done = copy(hits, folder / "keep")
    assert (done.copied, done.changed, done.missing) == (2, (str(changed),), ())
    assert "1 file not copied, changed since indexed" in done.notes[0]
    assert "build" in done.notes[0]
    assert not list((folder / "keep").rglob(f"{changed.parent.name}/{changed.name}"))
    assert "2 files copied" in done.sentence(folder)
    assert "1 file copied" in replace(done, copied=1).sentence(folder)


def test_the_list_of_copies_says_what_an_export_says_and_goes_on_an_earlier_one(
    folder: Path,
) -> None:
    index = Index.open(folder / "index", by="anna")
    index.build([str(folder / "pile")])
    index.labels.set("medical", [1], kind="mammography")
    (folder / "keep").mkdir()
    earlier = (
        "file,source,page,item,id,label,probability,sha256\nold.png,/old.png,,,7,medical,0.5,ab\n"
    )
    (folder / "keep" / "manifest.csv").write_text(earlier)
    verdict = index.query_indexed(where="id = 1", audit=False).verdicts[0]
    copy([Wanted.of_verdict(verdict)], folder / "keep")
    with (folder / "keep" / "manifest.csv").open(newline="") as lines:
        old, new = csv.DictReader(lines)
    assert (old["label"], old["probability"], old["sha256"], old["kind"]) == (
        "medical", "0.5", "ab", "",
    )  # fmt: skip
    assert [new[n] for n in ("label", "verdict", "kind", "labelled_by")] == [
        "medical", "medical", "mammography", "anna",
    ]  # fmt: skip
    assert float(new["probability"]) == verdict.probability
    assert (new["id"], new["verdict_id"]) == ("1", verdict.id)
    hit = index.search(where="id = 1").results[0]
    copy([Wanted.of_hit(hit)], folder / "keep")
    assert len((folder / "keep" / "manifest.csv").read_text().splitlines()) == 3  # one line yet


def test_a_picture_that_has_gone_since_is_named_and_not_copied(folder: Path) -> None:
    index = Index.open(folder / "index")
    index.build([str(folder / "pile" / "a"), str(folder / "pile" / "b")])
    (folder / "pile" / "b" / "one.png").unlink()
    done = query(folder, "--indexed", "--copy-to", str(folder / "keep"), "--format", "json")
    assert done.exit_code == 3
    assert "Not copied, since it is no longer there" in done.output
    assert list((folder / "keep").rglob("*.png")) == [folder / "keep" / "a" / "one.png"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "Name pictures, or say --indexed"),
        (("three.png", "--indexed"), "not both"),
        (("three.png", "--where", "id = 1"), "--where is for --indexed"),
    ],
)
def test_what_does_not_go_together_is_refused(
    words: tuple[str, ...], says: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    done = query(folder, *words)
    assert done.exit_code == 2
    assert says in done.output


def test_a_class_that_is_not_there_is_refused_with_those_that_are(folder: Path) -> None:
    done = query(folder, str(folder / "three.png"), "--only", "medicla")
    assert done.exit_code == 2
    assert "there is no such class; did you mean medical? There are medical, non" in done.output
    done = query(folder, str(folder / "three.png"), "--only", "unsrue")
    assert "did you mean unsure? There are medical, non_medical, unsure." in done.output
    with Index.open(folder / "index")._session.catalog.reading() as read:
        assert audit.head(read)[0] == 0  # nothing was asked for it


def test_a_class_is_known_however_it_is_spelled(folder: Path) -> None:
    picture = str(folder / "three.png")
    for spelled in (("nonmedical", "Medical"), ("non-medical", "medical")):
        only = [word for name in spelled for word in ("--only", name)]
        done = query(folder, picture, *only, "--format", "json")
        assert len(json.loads(done.stdout)["verdicts"]) == 1, done.output


def test_a_verdict_that_is_not_kept_shows_no_id(folder: Path) -> None:
    picture = str(folder / "three.png")
    assert "  verdict " in query(folder, picture).stdout
    assert "  verdict " not in query(folder, picture, "--no-audit").stdout


def test_a_page_that_was_written_is_told_with_what_to_do_in_it(folder: Path) -> None:
    page = folder / "look.html"
    done = query(folder, str(folder / "three.png"), "--html", str(page))
    assert f"{page} was written: open it in a browser" in done.stderr
    assert "label import marks.csv" in done.stderr


def test_an_index_of_hashes_copies_nothing(
    tmp_path: Path,
    tiny_model: str,
    photographs: list[Image.Image],
) -> None:
    Index.create(tmp_path / "index", model=tiny_model, hash_paths=True)
    photographs[0].save(tmp_path / "a.png")
    done = query(tmp_path, str(tmp_path / "a.png"), "--copy-to", str(tmp_path / "keep"))
    assert done.exit_code == 2
    assert "keeps no paths" in done.output
    assert not (tmp_path / "keep").exists()
