"""Poison: nothing that a file, a name or a list can be makes the readers do more than refuse."""

from __future__ import annotations

import io
import os
import socket
import zlib
from pathlib import Path

import numpy as np
import pydicom
import pytest
import skimage.data
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom.uid import DeflatedExplicitVRLittleEndian

from mediclip_index import reading
from mediclip_index.show.text import safe
from mediclip_index.types import Bounds, UsageError
from tests.reading.conftest import fuzz

PHOTO = Path(skimage.data.__file__).parent / "coffee.png"


def refused(data: bytes, bounds: Bounds | None = None) -> str:
    with pytest.raises(reading.Unreadable) as caught:
        reading.read(data, path="x", size=224, bounds=bounds)
    return caught.value.reason


def test_broken_files_of_every_format_are_read_or_refused() -> None:
    table = fuzz().run(300, None)
    wrong = {
        kind: [what for what in counts if what not in ("read", "refused")]
        for kind, counts in table.items()
    }
    assert {kind: what for kind, what in wrong.items() if what} == {}
    assert sum(counts["read"] for counts in table.values()) > 50


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    start=st.sampled_from(
        [b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"GIF89a", b"II*\0", b"MM\0*", b"BM",
         b"%PDF-1.4\n", bytes(128) + b"DICM", b"RIFF\x10\0\0\0WEBP", b"\0\0\0\x18ftypheic",
         b"\0\0\0\x18ftypavif", b"P6 3 3 255\n", b"PK\3\4"]
    ),
    rest=st.binary(max_size=300),
)  # fmt: skip
def test_any_bytes_are_read_or_refused(start: bytes, rest: bytes) -> None:
    try:
        result = reading.read(start + rest, path="x", size=224)
    except reading.Unreadable as why:
        assert why.message.endswith(".")
        assert "\n" not in why.message
        return
    assert all(p.pixels.dtype == np.uint8 and p.pixels.ndim == 3 for p in result.pictures)


@settings(max_examples=50, deadline=None)
@given(text=st.text(max_size=40))
def test_no_name_can_steer_a_terminal(text: str) -> None:
    assert all(c.isprintable() for c in safe(text))


def test_a_gif_of_a_million_frames_is_read_by_its_first() -> None:
    data = io.BytesIO()
    Image.new("P", (8, 8)).save(data, "GIF")
    whole = data.getvalue()
    start = whole.index(b",")
    frame = whole[start:-1]
    bomb = whole[:start] + frame * 1_000_000 + b";"
    picture = reading.read(bomb, path="x", size=224).pictures[0]
    assert (picture.width, picture.metadata["animated"]) == (8, True)


def test_a_tiff_of_endless_pages_is_refused() -> None:
    one = io.BytesIO()
    Image.new("L", (8, 8)).save(one, "TIFF")
    data = bytearray(one.getvalue())
    (directory,) = np.frombuffer(data[4:8], "<u4")
    count = int(np.frombuffer(data[directory : directory + 2], "<u2")[0])
    body = bytes(data[directory : directory + 2 + 12 * count])
    for _ in range(2_100):
        link = directory + 2 + 12 * count
        data[link : link + 4] = np.uint32(len(data)).tobytes()
        directory = len(data)
        data += body + bytes(4)
    assert refused(bytes(data)) == "too_large"


def test_a_deflated_scan_does_not_unfold_without_a_bound() -> None:
    path = pydicom.data.get_testdata_file("image_dfl.dcm", download=False)
    scan = pydicom.dcmread(str(path))
    assert scan.file_meta.TransferSyntaxUID == DeflatedExplicitVRLittleEndian
    whole = Path(str(path)).read_bytes()
    start = 144 + scan.file_meta.FileMetaInformationGroupLength
    packing = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    bomb = packing.compress(bytes(1 << 24)) + packing.flush()
    assert refused(whole[:start] + bomb, Bounds(max_bytes=1 << 23)) == "too_large"
    assert reading.read(whole, path="x", size=224).pictures


def test_a_pdf_of_too_many_pages_is_refused() -> None:
    pages = [Image.new("1", (8, 8))] * 12
    data = io.BytesIO()
    pages[0].save(data, "PDF", save_all=True, append_images=pages[1:])
    assert refused(data.getvalue(), Bounds(max_pages=10)) == "too_large"


def test_a_page_of_forms_in_forms_in_forms_is_refused() -> None:
    picture = b"/Subtype /Image /Width 40 /Height 40 /ColorSpace /DeviceGray /BitsPerComponent 8"
    objects = [b"<< /Type /XObject " + picture + b" /Length 1600 >>\nstream\n" + bytes(1600)]
    objects[0] += b"\nendstream"
    for level in range(1, 5):
        inside = f"/BBox [0 0 9 9] /Resources << /XObject << /X {level} 0 R >> >> /Length 36"
        form = f"<< /Type /XObject /Subtype /Form {inside} >>\nstream\n" + "/X Do " * 6
        objects.append(form.encode() + b"\nendstream")
    objects += [
        b"<< /Length 5 >>\nstream\n/X Do\nendstream",
        b"<< /Type /Page /Parent 8 0 R /MediaBox [0 0 9 9] /Contents 6 0 R "
        b"/Resources << /XObject << /X 5 0 R >> >> >>",
        b"<< /Type /Pages /Kids [7 0 R] /Count 1 >>",
        b"<< /Type /Catalog /Pages 8 0 R >>",
    ]
    # Without a table of places: the reader looks for the objects itself.
    body = b"".join(b"%d 0 obj\n%s\nendobj\n" % (n, o) for n, o in enumerate(objects, 1))
    document = b"%PDF-1.4\n" + body + b"trailer\n<< /Size 10 /Root 9 0 R >>\n%%EOF"
    assert refused(document) == "too_large"


def test_a_postscript_picture_starts_no_other_program() -> None:
    data = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n%%EOF\n"
    assert refused(data) == "unsupported"


def test_names_and_things_that_are_no_files_are_passed_over_or_taken_as_they_are(
    tmp_path: Path,
) -> None:
    photo = PHOTO.read_bytes()
    odd = ["new\nline.png", "quo'te\".png", "\x1b[31mred.png", "räksmörgås.png", " space .png"]
    for name in odd:
        (tmp_path / name).write_bytes(photo)
    (tmp_path / os.fsdecode(b"latin\xe9.png")).write_bytes(photo)
    os.mkfifo(tmp_path / "pipe")
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(tmp_path / "socket"))
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "self").symlink_to("self")
    (tmp_path / "out").symlink_to("/etc")
    found = reading.scan(str(tmp_path))
    listening.close()
    assert len(found.entries) == len(odd) + 1
    for entry in found.entries:
        assert reading.read_bytes(entry.path) == photo
    said = " ".join(found.notes)
    for what in ("2 pipes, sockets", "1 link that leads in a circle", "2 links that lead outside"):
        assert what in said


@pytest.mark.parametrize("name", ["a" * 300, "b/" * 2_000 + "c.png", "nul\0l.png"])
def test_a_name_that_no_file_can_have_is_one_sentence(name: str) -> None:
    with pytest.raises(UsageError):
        reading.scan(name)
    with pytest.raises(reading.Unreadable):
        reading.read_bytes(name)


def test_a_deep_path_is_walked_to_its_end(tmp_path: Path) -> None:
    here = os.getcwd()
    os.chdir(tmp_path)
    try:
        for _ in range(30):  # past PATH_MAX, a step at a time
            os.mkdir("d" * 150)
            os.chdir("d" * 150)
        Path("a.png").write_bytes(PHOTO.read_bytes())
    finally:
        os.chdir(here)
    found = reading.scan(str(tmp_path))
    assert found.entries == ()
    assert [r.reason for r in found.refused] == ["unreadable"]


@pytest.mark.parametrize(
    "text",
    ["", "path\n\0\n", "path,path\na,b\n", "path\na,b,c\n", "\xff\xfe", "[1]"],
)
def test_a_list_that_is_none_is_one_sentence(tmp_path: Path, text: str) -> None:
    table = tmp_path / "list.csv"
    table.write_text(text)
    with pytest.raises(UsageError):
        list(reading.label_rows(table))


def test_a_list_of_absurd_size_or_kind_is_one_sentence(tmp_path: Path) -> None:
    huge = tmp_path / "huge.csv"
    with huge.open("wb") as file:
        file.truncate(600 * 1024**2)
    with pytest.raises(UsageError, match="too many"):
        list(reading.label_rows(huge))
    wide = tmp_path / "wide.csv"
    wide.write_text("path\n" + "a" * 200_000 + "\n")
    with pytest.raises(UsageError):
        list(reading.label_rows(wide))
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(UsageError):
        list(reading.label_rows(tmp_path / "pipe.csv"))
    with pytest.raises(UsageError):
        list(reading.label_rows(tmp_path))
