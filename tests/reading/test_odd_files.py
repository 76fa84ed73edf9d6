"""Files that are odd in one way: refused with the reason, or read all the same."""

from __future__ import annotations

import io
import os
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pydicom
import pytest
import skimage.data
from PIL import Image
from pydicom.encaps import encapsulate, generate_frames

from mediclip_index import reading
from mediclip_index.reading import camera, tones
from mediclip_index.types import Bounds
from tests.reading.conftest import mutants

SCANS = Path(pydicom.__file__).parent / "data" / "test_files"


def test_a_preview_is_refused_where_it_is_too_large_or_cant_be_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Image.open(Path(skimage.data.__file__).parent / "chelsea.png") as photo:
        raw = mutants().raw_file(photo.convert("RGB").resize((160, 96)), 1)

    def why(bounds: Bounds | None = None) -> str:
        with pytest.raises(reading.Unreadable) as caught:
            reading.read(raw, path="x.dng", size=224, bounds=bounds)
        return f"{caught.value.reason}: {caught.value.message}"

    if find_spec("rawpy") is not None:
        assert why(Bounds(max_pixels=160 * 96 - 1)).startswith("too_large")
    monkeypatch.setattr(camera, "find_spec", lambda _: None)
    assert why().startswith("unsupported: x.dng is a camera's raw file; `pip install")


@pytest.mark.parametrize(
    ("start", "raw"),
    [
        (b"\0\0\0\x18ftypcrx isom", True),
        (b"FUJIFILMCCD-RAW 0201", True),
        (b"II*\0\x10\0\0\0CR\x02\0", True),
        (b"II*\0\xff\xff\xff\xff", False),
        (b"II*\0\x08\0\0\0\x01\0", False),
        (b"\x89PNG\r\n\x1a\n", False),
    ],
)
def test_a_raw_file_is_known_by_its_content(start: bytes, raw: bool) -> None:
    assert camera.is_raw(start + bytes(8)) == raw


def test_a_scan_of_too_many_frames_is_refused_before_one_is_decoded() -> None:
    path = SCANS / "SC_rgb_rle_2frame.dcm"
    with pytest.raises(reading.Unreadable, match="2 frames; at most 1 are read") as caught:
        reading.read_file(path, size=224, bounds=Bounds(max_frames=1))
    assert caught.value.reason == "too_large"


@pytest.mark.parametrize("damaged", [(1,), (0, 1)])
def test_a_damaged_frame_is_refused_and_the_others_are_read(damaged: tuple[int, ...]) -> None:
    scan = pydicom.dcmread(SCANS / "SC_rgb_rle_2frame.dcm")
    frames = list(generate_frames(scan.PixelData, number_of_frames=2))
    for number in damaged:
        frames[number] = b"\xff" * len(frames[number])
    scan.PixelData = encapsulate(frames)
    data = io.BytesIO()
    scan.save_as(data)
    if len(damaged) == 2:
        with pytest.raises(reading.Unreadable) as caught:
            reading.read(data.getvalue(), path="x", size=224, frames="all")
        assert caught.value.reason == "damaged"
    else:
        found = reading.read(data.getvalue(), path="x", size=224, frames="all")
        assert [picture.page for picture in found.pictures] == [1]
        assert [(r.reason, r.page) for r in found.refused] == [("damaged", 2)]


@pytest.mark.parametrize("tag", ["Rows", "Columns"])
def test_a_scan_that_does_not_say_its_size_is_damaged(tag: str) -> None:
    scan = pydicom.dcmread(SCANS / "CT_small.dcm")
    delattr(scan, tag)
    data = io.BytesIO()
    scan.save_as(data)
    with pytest.raises(reading.Unreadable, match="does not say its size"):
        reading.read(data.getvalue(), path="x", size=224)


def test_a_bare_data_set_is_read_in_the_order_of_its_bytes() -> None:
    """Without its preamble and its meta data: big-endian, and with implicit kinds."""
    for name in ("MR_small_bigendian.dcm", "MR_small_implicit.dcm"):
        whole = (SCANS / name).read_bytes()
        scan = pydicom.dcmread(SCANS / name)
        bare = whole[144 + scan.file_meta.FileMetaInformationGroupLength :]
        there = reading.read(whole, path="x", size=224).pictures[0].pixels
        np.testing.assert_array_equal(
            reading.read(bare, path="x", size=224).pictures[0].pixels, there
        )


@pytest.mark.parametrize("value", [np.nan, 7.0])
def test_a_picture_of_one_value_is_mid_grey(value: float) -> None:
    assert (tones.to_eight_bits(np.full((4, 5), value)) == 128).all()


def test_a_few_bright_points_on_black_stay_to_be_seen() -> None:
    values = np.zeros((200, 200), dtype=np.uint16)
    values[3, 4] = 40_000
    values[9, 9] = 20_000
    seen = tones.to_eight_bits(values)
    assert (seen[0, 0], seen[9, 9], seen[3, 4]) == (0, 128, 255)
    lost = values.astype(np.float32)
    lost[0, 0], lost[0, 1] = np.nan, np.inf
    assert tuple(tones.to_eight_bits(lost)[0, :2]) == (0, 255)


def test_what_is_no_file_or_grows_past_the_bound_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(reading.Unreadable, match=r"is not a regular file|Is a directory"):
            reading.read_bytes(str(path))
    (tmp_path / "a").write_bytes(b"12345")
    assert reading.read_bytes(str(tmp_path / "a"), Bounds(max_bytes=5)) == b"12345"
    with pytest.raises(reading.Unreadable, match="has 5 bytes; at most 4"):
        reading.read_bytes(str(tmp_path / "a"), Bounds(max_bytes=4))
    with pytest.raises(reading.Unreadable, match="has 5 bytes; at most 4"):
        reading.read(b"12345", path="x", size=224, bounds=Bounds(max_bytes=4))


def test_a_file_that_grows_while_it_is_read_is_read_to_its_end_or_to_the_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"12345")
    real = os.fstat

    def growing(descriptor: int) -> os.stat_result:
        facts = real(descriptor)
        with path.open("ab") as more:
            more.write(b"6789")
        return facts

    monkeypatch.setattr(os, "fstat", growing)
    assert reading.read_bytes(str(path), Bounds(max_bytes=9)) == b"123456789"
    with pytest.raises(reading.Unreadable, match="grew past 12 bytes"):
        reading.read_bytes(str(path), Bounds(max_bytes=12))
