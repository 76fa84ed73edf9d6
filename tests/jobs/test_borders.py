"""What stands between an index and the files of a hospital: lists, pages, archives, sidecars."""

from __future__ import annotations

import io
import unicodedata
import zipfile
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from PIL import Image

from mediclip_index import Index
from mediclip_index.catalog import Catalog, ReadTransaction, labels
from mediclip_index.types import UsageError

ROWS = (
    "path,page,item,label\n"
    "p00.png,,,medical\np01.png,1,,Non-Medical\nt.tif,,,medical\nt.tif,2,,non medical\n"
    "f.pdf,2,1,medical\nf.pdf,1,,Non_Medical\n"
)
# By file, page and item.
EXPECTED = {
    ("p00.png", None, None): "medical",
    ("p01.png", None, None): "non_medical",
    ("t.tif", 1, None): "medical",
    ("t.tif", 2, None): "non_medical",
    ("f.pdf", 1, 1): "non_medical",
    ("f.pdf", 2, 1): "medical",
}


@pytest.fixture
def ward(tmp_path: Path, photographs: list[Image.Image]) -> Path:
    """Two PNG, a TIFF of two pages, a PDF of two pages with a figure each, and a list of them."""
    photographs = [picture.copy() for picture in photographs]  # Pillow notes how it wrote them
    folder = tmp_path / "ward"
    folder.mkdir()
    for number in (0, 1):
        photographs[number].save(folder / f"p0{number}.png")
    photographs[2].save(folder / "t.tif", save_all=True, append_images=[photographs[3]])
    photographs[4].save(folder / "f.pdf", save_all=True, append_images=[photographs[5]])
    (folder / "list.csv").write_text(ROWS)
    return folder


def told(index: Index) -> dict[tuple[str, int | None, int | None], str | None]:
    hits = index.search(where="true", k=None).results
    return {
        (Path(h.path).name, h.metadata.get("page"), h.metadata.get("item")): h.label for h in hits
    }


def test_a_list_is_a_source_that_says_labels_by_page_and_item(index: Index, ward: Path) -> None:
    report = index.build([str(ward / "list.csv")])
    assert (report.added, report.labelled) == (4, 6)
    assert told(index) == EXPECTED


def test_a_list_beside_a_folder_says_the_same(index: Index, ward: Path) -> None:
    index.build([str(ward)], labels=str(ward / "list.csv"))
    assert told(index) == EXPECTED


def test_an_imported_list_says_the_same_and_which_pages_are_not_there(
    index: Index, ward: Path
) -> None:
    index.build([str(ward)], labels="none")
    with (ward / "list.csv").open("a") as table:
        table.write("t.tif,9,,medical\nf.pdf,1,7,medical\ngone.png,,,medical\n")
    report = index.labels.from_csv(ward / "list.csv", all_pages=True)
    assert told(index) == EXPECTED
    assert report.changed == 6
    assert [name.removeprefix(f"{ward}/") for name in report.missing] == [
        "gone.png", "t.tif (page 9)", "f.pdf (page 1, item 7)",
    ]  # fmt: skip


def test_a_list_that_contradicts_itself_is_told_by_whoever_reads_it(
    index: Index, ward: Path
) -> None:
    with (ward / "list.csv").open("a") as table:
        table.write("p00.png,,,non_medical\n")
    for notes in (
        index.build([str(ward / "list.csv")]).notes,
        index.build([str(ward)], labels=str(ward / "list.csv")).notes,
    ):
        assert any("contradicts itself on 1 of its paths" in note for note in notes)
    assert told(index)[("p00.png", None, None)] == "non_medical"
    with pytest.raises(UsageError, match=r"lines 2 and 8 name one picture.*label.*Nothing was"):
        index.labels.from_csv(ward / "list.csv")
    assert told(index)[("p00.png", None, None)] == "non_medical"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("path,label,probability,unsure\np00.png,medical,0.9,\n", "list of verdicts"),
        ("path,page,label\nt.tif,x,medical\n", "page is no number from 1"),
        ("path,label\np00.png,cat\n", "'cat' is no class of this index"),
        ("path,page,label\nt.tif,2,cat\n", "'cat' is no class of this index"),
    ],
)
def test_a_list_that_is_wrong_changes_nothing(
    text: str, why: str, index: Index, ward: Path
) -> None:
    index.build([str(ward)], labels="none")
    (ward / "list.csv").write_text(text)
    for use in (
        lambda: index.build([str(ward / "list.csv")]),
        lambda: index.build([str(ward)], labels=str(ward / "list.csv")),
        lambda: index.labels.from_csv(ward / "list.csv"),
    ):
        with pytest.raises(UsageError, match=why):
            use()
    assert set(told(index).values()) == {None}


def test_names_of_macs_are_found_by_an_imported_list(
    index: Index, tmp_path: Path, photographs: list[Image.Image]
) -> None:
    folder = tmp_path / "mac"
    folder.mkdir()
    photographs[0].save(folder / unicodedata.normalize("NFD", "Röntgen.png"))
    index.build([str(folder)])
    for file in folder.iterdir():
        file.unlink()  # so that the disk can't tell how it is spelled
    table = tmp_path / "list.csv"
    table.write_text(
        "path,label\n" + unicodedata.normalize("NFC", "mac/Röntgen.png") + ",medical\n"
    )
    report = index.labels.from_csv(table)
    assert (report.changed, report.missing) == (1, ())


def test_what_was_left_out_stays_left_out_of_later_builds(
    index: Index, ward: Path, photographs: list[Image.Image]
) -> None:
    (ward / "thumbs").mkdir()
    photographs[7].save(ward / "thumbs" / "x.png")
    photographs[8].save(ward / "m_mask.png")
    report = index.build([str(ward)], exclude=["thumbs/", "*_mask.png"], labels="none")
    assert report.images == 6
    assert any("2 files or folders by --exclude" in note for note in report.notes)
    photographs[9].save(ward / "n_mask.png")
    photographs[10].save(ward / "n.png")
    again = index.build()
    assert (again.added, again.images) == (1, 7)
    assert index.build([str(ward)], labels="none").added == 3


def test_links_are_followed_in_later_builds_too(
    index: Index, ward: Path, tmp_path: Path, photographs: list[Image.Image]
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (ward / "there").symlink_to(outside)
    photographs[7].save(outside / "x.png")
    assert index.build([str(ward)], labels="none").images == 6
    assert index.build([str(ward)], labels="none", follow_links=True).images == 7
    photographs[8].save(outside / "y.png")
    assert index.build().images == 8


def test_a_damaged_archive_stands_among_the_refusals_until_it_is_mended(
    index: Index, ward: Path, tmp_path: Path
) -> None:
    archive = tmp_path / "pile" / "a.zip"
    archive.parent.mkdir()
    with zipfile.ZipFile(archive, "w") as packed:
        for name in ("p00.png", "p01.png"):
            packed.write(ward / name, name)
    whole = archive.read_bytes()
    archive.write_bytes(whole[: len(whole) // 2])
    source = str(archive.parent)
    assert [r.reason for r in index.build([source]).refused] == ["damaged"]
    assert index.info().refusals == {"damaged": 1}
    assert [r.reason for r in index.build().refused] == ["damaged"]
    assert index.info().refusals == {"damaged": 1}
    archive.write_bytes(whole)
    report = index.build()
    assert (report.added, report.refused, index.info().refusals) == (2, (), {})
    archive.write_bytes(whole[:300])
    report = index.build()
    assert ([r.reason for r in report.refused], report.gone, report.images) == (["damaged"], 0, 2)


def test_a_picture_named_text_is_taken_in_and_what_lies_beside_is_counted(
    index: Index, ward: Path, photographs: list[Image.Image]
) -> None:
    data = io.BytesIO()
    photographs[9].save(data, "PNG")
    (ward / "photo.txt").write_bytes(data.getvalue())
    (ward / "notes.txt").write_text("seen")
    (ward / "@eaDir").mkdir()
    photographs[8].save(ward / "@eaDir" / "thumb.png")
    report = index.build([str(ward)], labels="none")
    assert (report.images, report.refused) == (7, ())
    assert any("2 files beside pictures" in note for note in report.notes)  # and list.csv
    assert any("1 folder of thumbnails" in note for note in report.notes)


def test_a_search_says_how_many_more_there_are(built: Index, pile: Path) -> None:
    few = built.search(where="true", k=5)
    assert len(few.results) == 5
    assert any("7 more" in note for note in few.notes)
    assert built.search(where="true", k=12).notes == ()
    assert len(built.search(where="true", k=None).results) == 12
    hint = built.search([str(pile / "p00.png")], k=1).notes
    assert any(f"--image {pile}/p00.png" in note for note in hint)


def test_a_rename_is_one_event(built: Index, pile: Path) -> None:
    (pile / "p05.png").rename(pile / "other.png")
    report = built.build()
    assert (report.renamed, report.gone, report.added, report.duplicates) == (1, 0, 0, 0)
    assert built.build().unchanged == 12


def test_many_paths_are_looked_up_at_once(
    index: Index, ward: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.build([str(ward)], labels="none")
    index.remove([1])
    looks: list[Catalog] = []
    reading = Catalog.reading

    def counted(self: Catalog) -> AbstractContextManager[ReadTransaction]:
        looks.append(self)
        return reading(self)

    monkeypatch.setattr(Catalog, "reading", counted)
    paths = [str(ward / f"p0{n % 2}.png") for n in range(300)]
    ids = index.images.ids([*paths, "#3", str(ward)], all_pages=True)
    assert sorted(ids) == [2, 3, 4, 5, 6]
    assert len(looks) <= 2  # one of them for the names of paths
    with pytest.raises(UsageError, match=r"does not hold .*gone\.png"):
        index.images.ids([*paths, str(ward / "gone.png")])


@pytest.mark.parametrize("cell", ["2.0", "#2", "2"])
def test_an_id_is_one_however_a_program_writes_it(cell: str, index: Index, ward: Path) -> None:
    index.build([str(ward)], labels="none")
    (ward / "list.csv").write_text(f"image,label\n{cell},medical\n")
    assert index.labels.from_csv(ward / "list.csv").changed == 1
    assert index.labels.history(2)[0].label == "medical"


@pytest.mark.parametrize("cell", ["xx", "1.5", "0", "-3", "nan"])
def test_what_is_no_id_is_refused_by_its_line(cell: str, index: Index, ward: Path) -> None:
    index.build([str(ward)], labels="none")
    (ward / "list.csv").write_text(f"image,path,label\n,p00.png,medical\n{cell},p01.png,medical\n")
    with pytest.raises(UsageError, match=r"line 3: image is no number from 1"):
        index.labels.from_csv(ward / "list.csv")
    assert set(told(index).values()) == {None}


def test_rows_of_one_picture_may_say_the_same_and_what_is_missing_is_named_once(
    index: Index, ward: Path
) -> None:
    index.build([str(ward)], labels="none")
    rows = "1,medical\n1,\n1,Medical\n99,medical\n98,medical\n99,medical\n"
    (ward / "list.csv").write_text("image,label\n" + rows)
    report = index.labels.from_csv(ward / "list.csv")
    assert (report.changed, report.missing) == (1, ("#99", "#98"))


def test_an_imported_class_and_kind_fit_together_as_label_set_has_it(
    index: Index, ward: Path
) -> None:
    index.build([str(ward)], labels="none")
    table = ward / "list.csv"

    def said(image: int) -> tuple[str | None, str | None]:
        with Catalog.open(index.path).reading() as read:
            current = labels.current_labels(read)[image]
        return current.label, current.kind

    table.write_text("image,Kind\n1,Mammography\n2,\n3,ct\n")
    assert index.labels.from_csv(table).changed == 2
    assert said(1) == ("medical", "mammography")
    table.write_text("image,label\n1,non_medical\n3,medical\n")
    index.labels.from_csv(table)
    assert said(1) == ("non_medical", None)  # a medical kind can't stay
    assert said(3) == ("medical", "ct")
    table.write_text("image,label,kind\n1,,mammography\n")
    with pytest.raises(UsageError, match="labelled non_medical"):
        index.labels.from_csv(table)
    table.write_text("image,kind\n1,mammogr\n")
    with pytest.raises(UsageError, match=r"line 2: There is no kind 'mammogr'.*mammography"):
        index.labels.from_csv(table)
    table.write_text("image,label,effective,kind\n1,medical,medical,ct\n")
    index.labels.from_csv(table)
    assert said(1) == ("medical", None)  # beside the machine's word the kind is its own


def test_marks_of_another_index_are_refused(index: Index, ward: Path, tiny_model: str) -> None:
    index.build([str(ward)], labels="none")
    other = Index.create(ward.parent / "other", model=tiny_model)
    own = index.info().index.id
    assert own != other.info().index.id
    table = ward / "list.csv"
    table.write_text(f"image,path,label,index_id\n1,p00.png,medical,{other.info().index.id}\n")
    with pytest.raises(UsageError, match=r"of another index.*--index.*Nothing was changed"):
        index.labels.from_csv(table)
    assert set(told(index).values()) == {None}
    table.write_text(f"image,label,index_id\n1,medical,{own}\n2,medical,\n")
    report = index.labels.from_csv(table)
    assert (report.changed, report.notes) == (2, ())


def test_a_list_with_other_contents_is_of_another_index(built: Index, tmp_path: Path) -> None:
    listed = tmp_path / "manifest.csv"
    listed.write_text(f"id,label,sha256\n1,medical,{'0' * 64}\n")
    with pytest.raises(UsageError, match="line 2: image 1 of this index has another content"):
        built.labels.from_csv(listed)


@pytest.mark.parametrize("column", ["split", "subject"])
def test_a_list_says_one_split_and_one_subject_of_a_picture(
    built: Index, tmp_path: Path, column: str
) -> None:
    listed = tmp_path / "list.csv"
    listed.write_text(f"image,{column}\n1,test\n2,test\n1,tune\n")
    with pytest.raises(UsageError, match=f"lines 2 and 4 .* its {column} is test and tune"):
        built.labels.from_csv(listed)


def test_a_lone_text_or_path_is_one_source_and_not_its_letters(index: Index, pile: Path) -> None:
    report = index.build(str(pile))
    assert report.added == index.build([str(pile)]).unchanged > 0
    one = next(iter(sorted(pile.rglob("*.png"))))
    assert len(index.query(str(one), audit=False).verdicts) == 1
    assert len(index.remove("12", dry_run=True).images) == 1  # type: ignore[arg-type]
