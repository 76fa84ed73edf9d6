"""Input made to harm: each costs itself, in one sentence, and nothing that it holds is told."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import time
import zlib
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt
import pydicom
import pytest
import tifffile

from mediclip_index import reading
from mediclip_index.reading import archives, lists
from mediclip_index.reading.dicom import elements
from mediclip_index.reading.pdf.marks import marks
from mediclip_index.types import ScanOptions, UsageError

NAME = "Doe^Jane"


# --- lists ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        f"{NAME},1980-01-01\na.png,x\n",
        f"path,{NAME},{NAME}\na.png,1,2\n",
        f"path,page\na.png,{NAME}\n",
        f"path\na.png,{NAME}\n",
        f"path,note\na.png,{NAME + 'x' * 200_000}\n",
    ],
)
def test_a_list_that_is_refused_is_not_quoted(tmp_path: Path, text: str) -> None:
    table = tmp_path / "list.csv"
    table.write_text(text)
    with pytest.raises(UsageError) as caught:
        list(reading.label_rows(table))
    assert NAME not in str(caught.value)


@pytest.mark.parametrize("page", ["inf", "nan", "1e308", "-1", "0", "1.5", "2147483648"])
def test_a_page_that_no_file_has_is_wrong_usage(tmp_path: Path, page: str) -> None:
    table = tmp_path / "list.csv"
    table.write_text(f"path,page\na.png,{page}\n")
    with pytest.raises(UsageError, match="page is no number from 1"):
        list(reading.label_rows(table))


def test_cells_of_windows_code_page_are_text_as_any(tmp_path: Path) -> None:
    """What a catalog can keep: lone surrogates, which stand for other bytes, are no text."""
    (tmp_path / "Müller.png").touch()
    table = tmp_path / "list.csv"
    table.write_bytes("path;subject;Größe\nMüller.png;Müller;5 €\n".encode("cp1252"))
    (row,) = reading.label_rows(table)
    assert row.path == str(tmp_path / "Müller.png")
    assert row.facts.subject == "Müller"
    assert row.facts.attributes == {"Größe": "5 €"}
    table.write_bytes(b"path,note\na.png,\x81\xff\n")
    (row,) = reading.label_rows(table)
    assert row.facts.attributes == {"note": "\x81ÿ"}


def test_a_list_of_endless_lines_or_columns_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "_LONGEST_LINE", 1000)
    long, later = tmp_path / "long.csv", tmp_path / "later.csv"
    long.write_text("path" + "y" * 2000)
    later.write_text("path\na.png" + "y" * 2000)
    for table in (long, later):
        with pytest.raises(UsageError, match="a line of over 1,000 letters"):
            list(reading.label_rows(table))
    monkeypatch.undo()
    wide = tmp_path / "wide.csv"
    wide.write_text("path," + ",".join(f"c{n}" for n in range(100_000)) + "\n")
    started = time.monotonic()
    with pytest.raises(UsageError, match="columns"):
        list(reading.label_rows(wide))
    assert time.monotonic() - started < 10


# --- archives -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_header_that_would_fill_the_memory_is_refused(tmp_path: Path, kind: bytes) -> None:
    info = tarfile.TarInfo("a")
    info.size, info.type = archives.MOST_HEADER + 1, kind
    path = tmp_path / "scans.tar.gz"
    path.write_bytes(gzip.compress(info.tobuf(tarfile.USTAR_FORMAT) + bytes(1024**2 * 17), 1))
    (refusal,) = reading.scan(str(path)).refused
    assert (refusal.reason, "header" in refusal.message) == ("too_large", True)


def test_a_zip_that_lies_about_how_many_it_lists_is_refused_before_it_is_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = struct.pack("<4s6H3L5H2L", b"PK\1\2", *[0] * 9, 1, *[0] * 6) + b"a"
    listed = entry * (archives.MOST_MEMBERS + 1)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, len(listed), 4, 0)
    path = tmp_path / "scans.zip"
    path.write_bytes(b"PK\3\4" + listed + end)
    monkeypatch.setattr("zipfile.ZipFile", None)
    (refusal,) = reading.scan(str(path)).refused
    assert (refusal.reason, "holds over" in refusal.message) == ("too_large", True)


# --- patterns -------------------------------------------------------------------------------------


def test_a_pattern_of_many_stars_takes_no_time(tmp_path: Path) -> None:
    (tmp_path / ("a" * 200 + ".png")).touch()
    (tmp_path / "a-a-a-b.png").touch()
    started = time.monotonic()
    found = reading.scan(str(tmp_path), options=ScanOptions(exclude=("*a*a*a*a*a*a*a*a*b",)))
    assert len(found.entries) == 2
    found = reading.scan(str(tmp_path), options=ScanOptions(exclude=("*a*[!b]a*a?b*",)))
    assert [Path(e.path).name for e in found.entries] == ["a" * 200 + ".png"]
    assert time.monotonic() - started < 5


# --- pictures -------------------------------------------------------------------------------------


def _reason(data: bytes) -> str:
    with pytest.raises(reading.Unreadable) as caught:
        reading.read(data, path="x", size=224)
    return caught.value.reason


def _photo() -> npt.NDArray[np.uint8]:
    """(96, 128, 3), of which a corner is white."""
    down, across = np.mgrid[0:96, 0:128]
    photo = np.stack([across * 2, down * 2, (across + down) % 256], -1).astype(np.uint8)
    photo[:24, :32] = 255
    return photo


@pytest.mark.parametrize("bits", [12, 16])
def test_white_of_a_deep_jpeg_2000_stays_white(bits: int) -> None:
    deep = (_photo().astype(np.uint32) * (2**bits - 1) // 255).astype(np.uint16)
    alpha = np.full((96, 128, 1), 2**bits - 1, np.uint16)
    for values in (deep, np.concatenate([deep, alpha], -1)):
        data = imagecodecs.jpeg2k_encode(values, level=0, codecformat="jp2", bitspersample=bits)
        (picture,) = reading.read(bytes(data), path="x", size=224).pictures
        assert picture.pixels[:20, :28].min() == 255
        assert np.corrcoef(picture.pixels.ravel(), _photo().ravel())[0, 1] > 0.99


def _psd(planes: list[npt.NDArray[np.uint8]], mode: int, packed: bool, depth: int = 8) -> bytes:
    high, wide = planes[0].shape
    head = struct.pack(">4sH6xHIIHH", b"8BPS", 1, len(planes), high, wide, depth, mode)
    data = head + bytes(12) + struct.pack(">H", packed)
    if not packed:
        return data + b"".join(plane.tobytes() for plane in planes)
    rows = [imagecodecs.packbits_encode(row.tobytes()) for plane in planes for row in plane]
    return data + b"".join(struct.pack(">H", len(row)) for row in rows) + b"".join(rows)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(("mode", "colours", "more"), [(1, 1, 1), (3, 3, 2), (4, 4, 1), (3, 3, 0)])
def test_channels_beside_the_colours_of_a_psd_harm_nothing(
    packed: bool, mode: int, colours: int, more: int
) -> None:
    photo = _photo()
    inks = np.concatenate([photo, np.full((96, 128, 1), 255, np.uint8)], -1)
    own = {1: photo[..., :1], 3: photo, 4: inks}[mode]
    noise = np.random.default_rng(0).integers(0, 256, (96, 128, more)).astype(np.uint8)
    planes = list(np.moveaxis(np.concatenate([own, noise], -1), -1, 0))
    (picture,) = reading.read(_psd(planes, mode, packed), path="x", size=224).pictures
    wanted = np.repeat(own, 3, -1) if mode == 1 else photo
    assert np.abs(picture.pixels.astype(int) - wanted).max() <= 2
    if more and packed:  # ImageMagick counts the alpha of a palette, and leaves it out
        alone = _psd(planes[:colours], mode, packed)
        alone = alone[:12] + struct.pack(">H", len(planes)) + alone[14:]
        (picture,) = reading.read(alone, path="x", size=224).pictures
        assert np.abs(picture.pixels.astype(int) - wanted).max() <= 2


def test_kinds_that_no_decoder_here_knows_are_not_called_damaged() -> None:
    photo = _photo()
    wide = np.repeat(photo[..., 0], 2, 1)
    assert _reason(_psd([wide], 1, False, depth=16)) == "unsupported"
    assert _reason(b"PF\n128 96\n-1.0\n" + photo.astype("<f4").tobytes()) == "unsupported"
    named = (
        b'/* XPM */\nstatic char *x[] = {\n"8 1 2 1",\n"  c white",\n". c black",\n"  ..  ..",\n};'
    )
    assert _reason(named) == "unsupported"
    sun = struct.pack(">8I", 0x59A66A95, 128, 96, 32, 128 * 96 * 4, 1, 0, 0)
    assert _reason(sun + bytes(128 * 96 * 4)) == "unsupported"
    pcx = struct.pack("<4B4H", 10, 5, 1, 8, 0, 0, 127, 95) + bytes(53) + struct.pack("<BH", 4, 128)
    assert _reason(pcx + bytes(60) + bytes(128 * 96 * 4)) == "unsupported"
    pcx = struct.pack("<4B4H", 10, 5, 0, 8, 0, 0, 127, 95) + bytes(53) + struct.pack("<BH", 3, 128)
    assert _reason(pcx + bytes(60) + bytes(128 * 96 * 3)) == "unsupported"
    apple = b"\0\0\0\x04CgBI\x50\0\x20\2" + struct.pack(">I", zlib.crc32(b"CgBI\x50\0\x20\2"))
    assert _reason(b"\x89PNG\r\n\x1a\n" + apple + bytes(64)) == "unsupported"


def test_a_netpbm_that_begins_with_blanks_takes_no_time() -> None:
    head = b"P6" + b" " * 5000 + b"9000 6000\n255\n"
    data = head + bytes(9000 * 6000 * 3)
    started = time.monotonic()
    assert reading.read(data, path="x", size=224).pictures[0].width == 9000
    assert time.monotonic() - started < 20


def _tiff(values: npt.NDArray[Any], **more: Any) -> bytes:
    data = io.BytesIO()
    tifffile.imwrite(data, values, metadata=None, **more)
    return data.getvalue()


def _field(data: bytearray, tag: int) -> int:
    """Where the value of a tag stands in a TIFF's first directory."""
    place = struct.unpack_from("<I", data, 4)[0]
    for entry in range(struct.unpack_from("<H", data, place)[0]):
        at: int = place + 2 + 12 * entry
        if struct.unpack_from("<H", data, at)[0] == tag:
            return at + 8
    raise KeyError(tag)


def test_two_channels_that_are_called_colours_are_shown_as_the_first() -> None:
    grey = _photo()[..., 0]
    data = bytearray(_tiff(np.dstack([grey, 255 - grey]), photometric=1, planarconfig=1))
    struct.pack_into("<H", data, _field(data, 262), 2)
    (picture,) = reading.read(bytes(data), path="x", size=224).pictures
    assert (picture.pixels[..., 0] == grey).all()


def test_directories_that_lead_in_a_circle_are_read_once() -> None:
    data = bytearray(_tiff(_photo()))
    place = struct.unpack_from("<I", data, 4)[0]
    struct.pack_into("<I", data, place + 2 + 12 * struct.unpack_from("<H", data, place)[0], place)
    assert len(reading.read(bytes(data), path="x", size=224).pictures) == 1


def test_pages_before_a_circle_are_all_read() -> None:
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        for turn in range(3):
            writer.write(np.roll(_photo(), turn, 0), photometric="rgb", metadata=None)
    data = bytearray(file.getvalue())
    place = first = struct.unpack_from("<I", data, 4)[0]
    for _ in range(3):
        after = place + 2 + 12 * struct.unpack_from("<H", data, place)[0]
        place = struct.unpack_from("<I", data, after)[0]
    struct.pack_into("<I", data, after, first)
    found = reading.read(bytes(data), path="x", size=224)
    assert [picture.page for picture in found.pictures] == [1, 2, 3]


@pytest.mark.parametrize("space", ["", "ome:"])
def test_the_label_of_a_slide_kept_as_ome_is_never_shown(space: str) -> None:
    images = "".join(
        f"<{space}Image ID='Image:{n}' Name=\"{name}\"><{space}Pixels ID='Pixels:{n}'>"
        f'<{space}TiffData IFD="{n}" PlaneCount="1"/></{space}Pixels></{space}Image>'
        for n, name in enumerate(("slide.svs", "label image", "Macro", "label-free contrast"))
    )
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        for turn in range(4):
            said = f'<?xml version="1.0"?><{space}OME>{images}</{space}OME>' if not turn else None
            own = np.roll(_photo(), turn, 0)
            writer.write(own, photometric="rgb", metadata=None, description=said)
    found = reading.read(file.getvalue(), path="x", size=224)
    assert [picture.page for picture in found.pictures] == [1, 4]


def test_a_text_that_begins_like_a_picture_is_none() -> None:
    assert _reason(b"BMW are cars, and this is a text about them.\n" * 10) == "not_an_image"


def test_a_scan_of_a_cameras_maker_whose_first_page_is_small_is_no_raw_file() -> None:
    data = io.BytesIO()
    with tifffile.TiffWriter(data) as file:
        made = [(271, 2, 0, "Canon", True)]
        file.write(_photo()[::4, ::4].copy(), subfiletype=1, metadata=None, extratags=made)
        file.write(_photo(), metadata=None, photometric="rgb")
    (picture,) = reading.read(data.getvalue(), path="x", size=224).pictures
    assert (picture.pixels == _photo()).all()


# --- DICOM ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("tag", [(0x0008, 0x1140), (0x5200, 0x9230)])
def test_a_sequence_of_more_items_than_are_kept_ends_where_it_ends(
    tag: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(elements, "_MOST_ITEMS", 10)
    grey = _photo()[..., 0]
    facts = pydicom.Dataset()
    facts.file_meta = pydicom.dataset.FileMetaDataset()
    facts.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    facts.SOPClassUID = pydicom.uid.SecondaryCaptureImageStorage
    facts.SOPInstanceUID = pydicom.uid.UID("1.2.3")
    facts.Rows, facts.Columns, facts.SamplesPerPixel = 96, 128, 1
    facts.PhotometricInterpretation, facts.PixelRepresentation = "MONOCHROME2", 0
    facts.BitsAllocated = facts.BitsStored = 8
    facts.HighBit, facts.PixelData = 7, grey.tobytes()
    item = pydicom.Dataset()
    item.CodeValue = NAME
    facts.add_new(tag, "SQ", [item] * 50)
    facts[tag].is_undefined_length = True
    data = io.BytesIO()
    facts.save_as(data, enforce_file_format=True)
    (picture,) = reading.read(data.getvalue(), path="x", size=224).pictures
    assert picture.pixels.shape == (96, 128, 3)


# --- PDF ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mark", [b"/OC<<>>", b"/SMask 3 0 R", b"/PatternType 1 "])
def test_marks_without_number_cost_little(mark: bytes) -> None:
    started = time.monotonic()
    marks(b"%PDF-1.4\n1 0 obj\n<<" + mark * 2_000_000 + b">>\nendobj\n")
    assert time.monotonic() - started < 10
