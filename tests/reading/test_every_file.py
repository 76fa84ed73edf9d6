"""Tables of real files with what must become of each: written after looking at every picture."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pydicom
import pytest
import skimage.data
from PIL import Image
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless

from mediclip_index import reading
from mediclip_index.types import Bounds
from tests.reading.conftest import mutants

HERE = Path(__file__).parent
SCANS = Path(pydicom.__file__).parent / "data" / "test_files"


def rows(table: str) -> Iterator[dict[str, str]]:
    with (HERE / table).open(newline="") as lines:
        yield from csv.DictReader(lines)


def check(path: Path, row: dict[str, str]) -> None:
    try:
        result = reading.read_file(path, size=224)[1]
    except reading.Unreadable as why:
        assert why.reason == row["reason"], f"{path}: {why}"
        return
    assert not row["reason"], f"{path} was read"
    first = result.pictures[0]
    assert (first.width, first.height) == (int(row["width"]), int(row["height"])), path
    assert abs(first.pixels.mean() - float(row["mean"])) < 2, path
    assert len(result.pictures) == int(row.get("pictures") or 1), path
    assert result.refused == (), path


def test_every_dicom_file_of_pydicom_is_the_picture_it_should_be() -> None:
    listed = set()
    for row in rows("dicom_files.csv"):
        found = sorted(SCANS.glob(row["path"]))
        assert found, row["path"]
        listed |= set(found)
        for path in found:
            check(path, row)
    assert {p for p in SCANS.rglob("*") if p.is_file()} - listed == set()


def test_every_file_of_the_formats_table_is_the_picture_it_should_be(bench: Path) -> None:
    listed = {row["path"] for row in rows("format_files.csv")}
    with (bench / "formats.csv").open(newline="") as table:
        assert {row["path"] for row in csv.DictReader(table)} == listed
    for row in rows("format_files.csv"):
        check(bench / row["path"], row)


def test_files_that_hold_the_same_scan_in_other_syntaxes_are_the_same_picture() -> None:
    ways = ("", "_RLE", "_bigendian", "_expb", "_implicit", "_jp2klossless", "_jpeg_ls_lossless")
    scans = [reading.read_file(SCANS / f"MR_small{w}.dcm", size=224)[1].pictures[0] for w in ways]
    for scan in scans[1:]:
        np.testing.assert_array_equal(scan.pixels, scans[0].pixels)


def test_a_monochrome1_scan_is_shown_the_other_way_round() -> None:
    scan = pydicom.dcmread(SCANS / "MR_small.dcm")
    data = io.BytesIO()
    scan.PhotometricInterpretation = "MONOCHROME1"
    scan.save_as(data)
    turned = reading.read(data.getvalue(), path="x", size=224).pictures[0].pixels
    plain = reading.read_file(SCANS / "MR_small.dcm", size=224)[1].pictures[0].pixels
    np.testing.assert_array_equal(turned, 255 - plain)


def test_every_frame_of_a_scan_is_a_picture_when_asked_for() -> None:
    path = SCANS / "SC_rgb_rle_2frame.dcm"
    frames = reading.read_file(path, size=224, frames="all")[1].pictures
    assert [frame.page for frame in frames] == [1, 2]
    assert not np.array_equal(frames[0].pixels, frames[1].pixels)


def test_a_data_set_without_its_preamble_is_still_dicom() -> None:
    whole = (SCANS / "CT_small.dcm").read_bytes()
    scan = pydicom.dcmread(SCANS / "CT_small.dcm")
    assert scan.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    bare = whole[144 + scan.file_meta.FileMetaInformationGroupLength :]
    picture = reading.read(bare, path="x", size=224).pictures[0]
    assert (picture.format, picture.width) == ("DICOM", 128)


def test_a_frame_is_as_large_as_it_says_and_not_as_the_data_set_says_of_it() -> None:
    scan = pydicom.dcmread(SCANS / "MR_small_jpeg_ls_lossless.dcm")
    scan.Rows = 65
    data = io.BytesIO()
    scan.save_as(data)
    picture = reading.read(data.getvalue(), path="x", size=224).pictures[0]
    assert (picture.width, picture.height) == (64, 64)
    scan = pydicom.dcmread(SCANS / "MR_small_jp2klossless.dcm")
    assert scan.file_meta.TransferSyntaxUID == JPEG2000Lossless
    scan.Rows, scan.Columns = 60_000, 60_000
    data = io.BytesIO()
    scan.save_as(data)
    with pytest.raises(reading.Unreadable) as caught:
        reading.read(data.getvalue(), path="x", size=224)
    assert caught.value.reason == "too_large"


@pytest.mark.skipif(find_spec("rawpy") is None, reason="the extra `raw` is not installed")
@pytest.mark.parametrize(("orientation", "turn"), [(1, None), (3, 3), (6, 4), (8, 2)])
def test_the_preview_in_a_raw_file_is_set_upright(orientation: int, turn: int | None) -> None:
    with Image.open(Path(skimage.data.__file__).parent / "chelsea.png") as photo:
        lying = photo.convert("RGB").resize((160, 96))
    picture = reading.read(mutants().raw_file(lying, orientation), path="x", size=224).pictures[0]
    upright = lying if turn is None else lying.transpose(Image.Transpose(turn))
    assert (picture.format, picture.width, picture.height) == ("RAW", *upright.size)
    off = np.abs(picture.pixels.astype(int) - np.asarray(upright).astype(int)).mean()
    assert off < 8  # what JPEG loses


def test_a_locked_pdf_is_refused_with_the_reason() -> None:
    # Locked by qpdf's layout: an /Encrypt dictionary that no empty password opens.
    photo = Image.new("RGB", (64, 64), "red")
    data = io.BytesIO()
    photo.save(data, "PDF")
    locked = data.getvalue().replace(
        b"trailer\n<<",
        b"trailer\n<< /ID [<00> <00>] /Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O ("
        + b"a" * 32 + b") /U (" + b"b" * 32 + b") >>",
    )  # fmt: skip
    assert locked != data.getvalue()
    with pytest.raises(reading.Unreadable) as caught:
        reading.read(locked, path="x", size=224)
    assert caught.value.reason == "unsupported"
    assert "password" in caught.value.message


def test_a_tiff_has_as_many_pages_as_it_has() -> None:
    pages = [Image.new("L", (40, 30), shade) for shade in (10, 120, 240)]
    data = io.BytesIO()
    pages[0].save(data, "TIFF", save_all=True, append_images=pages[1:])
    found = reading.read(data.getvalue(), path="x", size=224)
    assert [(p.page, int(p.pixels.mean())) for p in found.pictures] == [(1, 10), (2, 120), (3, 240)]
    assert found.refused == ()
    with pytest.raises(reading.Unreadable) as caught:
        reading.read(data.getvalue(), path="x", size=224, bounds=Bounds(max_pages=2))
    assert caught.value.reason == "too_large"
