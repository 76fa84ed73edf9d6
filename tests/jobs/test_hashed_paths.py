"""Names of patients get into neither the index nor any output: not from tags, not from paths."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import duckdb
import pydicom
import pytest
from PIL import Image, PngImagePlugin
from pydicom.datadict import keyword_dict

from mediclip_index import Index
from mediclip_index.show import tables
from mediclip_index.show.records import plain
from mediclip_index.show.tables import Style
from mediclip_index.types import UsageError
from tests.reading import dicom_made as made

NAME = "Quaxolotl"  # stands in no other place
_TEXT = {"AE", "LO", "LT", "PN", "SH", "ST", "UC", "UT", "CS", "UR"}
_TECHNICAL = {
    "Modality", "BodyPartExamined", "PhotometricInterpretation", "SpecificCharacterSet",
}  # fmt: skip


def scan_that_names_everywhere() -> bytes:
    """A DICOM file with the name in every text element that the standard knows."""
    scan = pydicom.dcmread(str(pydicom.data.get_testdata_file("CT_small.dcm", download=False)))
    planted = 0
    for keyword in keyword_dict:
        kinds = pydicom.datadict.dictionary_VR(keyword).split(" or ")
        if kinds[0] in _TEXT and keyword not in _TECHNICAL and pydicom.tag.Tag(keyword).group > 7:
            name = NAME.upper() if kinds[0] == "CS" else f"{NAME}^A"
            setattr(scan, keyword, name)
            planted += 1
    assert planted > 1_000
    inner = pydicom.Dataset()
    inner.PatientName = NAME
    scan.OtherPatientIDsSequence = [inner]
    scan.add_new(0x00091001, "LO", NAME)
    data = io.BytesIO()
    scan.save_as(data)
    return data.getvalue()


def scans_that_name_elsewhere(picture: Image.Image) -> dict[str, bytes]:
    """The name where only odd files have it: in private elements of any form, around a document
    and in it, in an overlay's label, where a hint or a size should be, on a slide's label."""
    scan, named = made.grey(), f"{NAME}^A"
    private = b"\x09\0\x01\x10SQ\0\0" + b"\xff" * 4 + b"\xfe\xff\0\xe0" + b"\xff" * 4
    private += made.element(0x00100010, "PN", named, "<", True)
    private += b"\xfe\xff\x0d\xe0" + bytes(4) + b"\xfe\xff\xdd\xe0" + bytes(4)
    paper = io.BytesIO()
    picture.resize((96, 80)).save(paper, "PDF", title=NAME, author=NAME)
    hints = made.windowed(scan, named, NAME, NAME.upper())
    slide = scan.set(
        (0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.77.1.6"), (0x00080008, "CS", "A\\B\\LABEL"),
        (0x00400512, "LO", NAME), (0x22000005, "LT", NAME),
    )  # fmt: skip
    document = scan.having(pixels=b"").set(
        (0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.104.1"), (0x00420010, "ST", NAME),
        (0x00420011, "OB", paper.getvalue()), (0x00420012, "LO", "application/pdf"),
    )  # fmt: skip
    size = scan.set((0x00280010, "LO", NAME))
    return {
        "private.dcm": scan.having(before=private).data(),
        "hints.dcm": hints.set((0x60000022, "LO", NAME), (0x60001500, "LO", NAME)).data(),
        "document.dcm": document.data(),
        "label.dcm": slide.data(),
        "size.dcm": size.data(),
        "bare.dcm": scan.set((0x00100010, "PN", named)).having(preamble=False, meta=False).data(),
    }


def pictures_that_name(picture: Image.Image) -> dict[str, bytes]:
    """The name in EXIF, PNG text, TIFF tags, JPEG comments and PDF metadata."""
    exif = Image.Exif()
    exif[0x010E] = exif[0x013B] = NAME
    text = PngImagePlugin.PngInfo()
    text.add_text("Patient", NAME)
    text.add_itxt("Title", NAME, zip=True)
    ways: dict[str, tuple[str, dict[str, object]]] = {
        "a.jpg": ("JPEG", {"exif": exif, "comment": NAME.encode()}),
        "b.png": ("PNG", {"pnginfo": text}),
        "c.tif": ("TIFF", {"tiffinfo": {270: NAME, 315: NAME}}),
        "d.pdf": ("PDF", {"title": NAME, "author": NAME}),
        "e.gif": ("GIF", {"comment": NAME.encode()}),
    }
    found = {}
    for number, (file, (kind, options)) in enumerate(ways.items()):
        data = io.BytesIO()
        picture.resize((64 + number, 64)).save(data, kind, **options)
        found[file] = data.getvalue()
    # Broken ones too: what a decoder says of a file may quote it.
    found["f.pgm"] = f"P2\n{NAME}\n".encode()
    found["g.xpm"] = f'/* XPM */\n"{NAME}"'.encode()
    found["h.jpg"] = found["a.jpg"][:200]
    return found


def everything_said(index: Index, sources: Sequence[str]) -> str:
    """All that the index says when it is built, asked and looked into, as JSON and as text."""
    built = index.build(sources)
    asked = index.query(sources)
    again = index.query_indexed()
    rest = [
        index.search(where="true"),
        index.info(),
        index.audit.find(limit=None),
        index.duplicates(),
    ]
    text = [tables.build(built, None, Style(False)), tables.query(asked, None, Style(False))]
    return json.dumps([plain(r) for r in (built, asked, again, *rest)]) + "\n".join(text)


def everything_kept(index: Index) -> bytes:
    """All files of the index folder, and all text in the catalog as its tables hold it."""
    found = b"".join(p.read_bytes() for p in sorted(index.path.rglob("*")) if p.is_file())
    with duckdb.connect(str(index.path / "catalog.duckdb"), read_only=True) as db:
        for (table,) in db.execute("SELECT table_name FROM duckdb_tables()").fetchall():
            found += repr(db.execute(f'SELECT * FROM "{table}"').fetchall()).encode()
    return found


def names_nobody(where: bytes | str) -> bool:
    data = where if isinstance(where, bytes) else where.encode()
    return NAME.lower().encode() not in data.lower()


def test_no_tag_of_any_format_is_kept_or_shown(
    index: Index, tmp_path: Path, photographs: list[Image.Image]
) -> None:
    pile = tmp_path / "pile"
    pile.mkdir()
    (pile / "scan.dcm").write_bytes(scan_that_names_everywhere())
    files = pictures_that_name(photographs[0]) | scans_that_name_elsewhere(photographs[0])
    for file, data in files.items():
        (pile / file).write_bytes(data)
    said = everything_said(index, [str(pile)])
    assert index.info().index.images == 10
    assert names_nobody(said)
    assert names_nobody(everything_kept(index))


def test_a_decoder_s_own_words_reach_no_terminal(tmp_path: Path) -> None:
    (tmp_path / "scan.dcm").write_bytes(scan_that_names_everywhere())
    path = str(tmp_path / "scan.dcm")
    code = f"from mediclip_index import reading; reading.read_file({path!r}, size=224)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")


@pytest.fixture
def hashed(tmp_path: Path, tiny_model: str) -> Index:
    return Index.create(tmp_path / "hashed", model=tiny_model, hash_paths=True)


@pytest.fixture
def ward(tmp_path: Path, photographs: list[Image.Image]) -> Path:
    """A folder, files, a list and an archive whose names all name a patient."""
    folder = tmp_path / f"{NAME} Anna"
    (folder / "medical").mkdir(parents=True)
    for number, picture in enumerate(photographs[:6]):
        picture.save(folder / "medical" / f"{NAME}-{number}.png")
    (folder / f"{NAME}.dat").write_text("no picture")
    with zipfile.ZipFile(folder / f"{NAME}.zip", "w") as archive:
        data = io.BytesIO()
        photographs[7].save(data, "PNG")
        archive.writestr(f"{NAME}/x.png", data.getvalue())
        archive.writestr(f"../{NAME}.png", data.getvalue())
    return folder


def test_an_index_of_hashes_keeps_and_shows_no_path(hashed: Index, ward: Path) -> None:
    said = everything_said(hashed, [str(ward)])
    assert hashed.info().labels == {"medical": 6}
    assert names_nobody(said)
    assert names_nobody(everything_kept(hashed))
    for row in hashed.audit.find(limit=None):
        assert row.verdict.path.startswith("hashed:")


def test_an_index_of_hashes_knows_its_files_again(hashed: Index, ward: Path) -> None:
    assert hashed.build([str(ward)]).added == 7
    again = hashed.build([str(ward)])
    assert (again.added, again.unchanged, len(again.refused)) == (0, 7, 2)
    first = ward / "medical" / f"{NAME}-0.png"
    first.rename(first.with_name("other.png"))
    moved = hashed.build([str(ward)])
    assert (moved.renamed, moved.gone, moved.added) == (1, 0, 0)
    (ward / "medical" / f"{NAME}-1.png").unlink()
    refused = hashed.build([str(ward)])
    assert refused.gone == 0
    assert any("--allow-missing" in r.message for r in refused.refused)
    assert names_nobody(json.dumps([asdict(r) for r in refused.refused]))
    assert hashed.build([str(ward)], allow_missing=True).gone == 1
    (ward / "medical" / f"{NAME}-2.png").unlink()
    (ward / "torn.zip").write_bytes(b"PK no more")
    closed = hashed.build([str(ward)], allow_missing=True)
    assert closed.gone == 0
    assert any("none of its files is taken for gone" in note for note in closed.notes)
    assert names_nobody(json.dumps(closed.notes))


def test_an_index_of_hashes_takes_labels_by_path(hashed: Index, ward: Path) -> None:
    hashed.build([str(ward)])
    table = ward.parent / "labels.csv"
    table.write_text(
        f"path,label\n{ward}/medical/{NAME}-2.png,non_medical\n{ward}/{NAME},medical\n"
    )
    report = hashed.labels.from_csv(table)
    assert report.changed == 1
    assert names_nobody(repr(report))
    verdict = hashed.query([str(ward / "medical" / f"{NAME}-2.png")]).verdicts[0]
    assert [
        r.verdict.id for r in hashed.audit.find(path=str(ward / "medical" / f"{NAME}-2.png"))
    ] == [verdict.id]


def test_an_index_of_hashes_asks_for_its_sources_again(hashed: Index, ward: Path) -> None:
    hashed.build([str(ward)])
    with pytest.raises(UsageError, match="name the sources"):
        hashed.build()


def test_two_indexes_give_one_file_two_names(
    hashed: Index, ward: Path, tmp_path: Path, tiny_model: str
) -> None:
    other = Index.create(tmp_path / "other", model=tiny_model, hash_paths=True)
    hashed.build([str(ward)])
    other.build([str(ward)])
    assert hashed.images.path_of(1) != other.images.path_of(1)


@pytest.mark.parametrize("harm", ["cut short", "scribbled over"])
def test_what_cant_be_looked_into_is_not_gone_from_an_index_of_hashes(
    harm: str, hashed: Index, ward: Path, photographs: list[Image.Image]
) -> None:
    for number in range(24, 40):  # one of many, so that a missing one is no question
        photographs[number].save(ward / f"{number}.png")
    hashed.build([str(ward)])
    archive = ward / f"{NAME}.zip"
    whole = archive.read_bytes()
    archive.write_bytes(whole[:200] if harm == "cut short" else bytes(len(whole)))
    assert hashed.build([str(ward)]).gone == 0
    assert hashed.info().gone == 0
    archive.write_bytes(whole)
    assert hashed.build([str(ward)]).unchanged == 23
    archive.unlink()
    assert hashed.build([str(ward)]).gone == 1
