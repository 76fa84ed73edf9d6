# ruff: noqa: E501 - the tables have a row a line
"""What a DICOM object is, how large it may be, and what is said of one that is not whole."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mediclip_index import reading
from mediclip_index.reading.dicom import is_dicom
from mediclip_index.types import Bounds, ReadOptions
from tests.reading import dicom_made as made
from tests.reading.dicom_made import Scan, colour, grey, quarters, windowed
from tests.reading.test_dicom_frames import (
    CLASS,
    PLAIN,
    TYPE,
    compressed,
    grey_values,
    many,
    pillow,
    rgb_values,
    shades,
    windowed_grey,
)  # fmt: skip

# --- slides ---------------------------------------------------------------------------------------

SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6"


def slide(kind: str, *, label: str = "NO", count: int = 5) -> Scan:
    white = pillow(np.full((made.ROWS, made.COLUMNS), 250, np.uint8))
    frames = [white] * count
    frames[count // 2] = shades(100)[0]
    return many(frames).set(
        (CLASS, "UI", SLIDE), (TYPE, "CS", f"ORIGINAL\\PRIMARY\\{kind}\\NONE"),
        (0x00480010, "CS", label),
    )  # fmt: skip


def test_the_label_of_a_slide_is_never_looked_at() -> None:
    for scan in (slide("LABEL"), slide("label"), slide("OVERVIEW", label="YES")):
        with pytest.raises(reading.Unreadable, match="may name a patient") as caught:
            reading.read(scan.data(), path="x", size=224)
        assert caught.value.reason == "unsupported"
    for scan in (slide("OVERVIEW"), slide("VOLUME", label="YES"), slide("THUMBNAIL")):
        assert reading.read(scan.data(), path="x", size=224).pictures


def test_of_a_slides_tiles_one_with_something_on_it_is_shown() -> None:
    picture = reading.read(
        slide("VOLUME", count=40).data(), path="x", size=224, bounds=Bounds(max_frames=3)
    ).pictures[0]
    np.testing.assert_allclose(quarters(picture.pixels), PLAIN, atol=6)
    assert picture.metadata["frame"] == 21


# --- what holds no picture --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sop", "said"),
    [
        ("1.2.840.10008.5.1.4.1.1.88.11", "a structured report"),
        ("1.2.840.10008.5.1.4.1.1.88.59", "a selection of key objects"),
        ("1.2.840.10008.5.1.4.1.1.11.1", "a presentation state"),
        ("1.2.840.10008.5.1.4.1.1.481.3", "a radiotherapy structure set"),
        ("1.2.840.10008.5.1.4.1.1.481.5", "a radiotherapy plan"),
        ("1.2.840.10008.5.1.4.1.1.9.1.1", "a waveform"),
        ("1.2.840.10008.5.1.4.1.1.66.1", "a registration"),
        ("1.2.840.10008.1.3.10", "a directory of other DICOM files"),
        ("1.2.840.10008.5.1.4.1.1.104.2", "a clinical document"),
        (made.CAPTURE, "a DICOM file without a picture"),
    ],
)
def test_an_object_without_a_picture_is_named_for_what_it_is(sop: str, said: str) -> None:
    scan = grey().set((CLASS, "UI", sop)).having(pixels=b"")
    with pytest.raises(reading.Unreadable, match=said) as caught:
        reading.read(scan.data(), path="x", size=224)
    assert caught.value.reason == "no_pixels"


@pytest.mark.parametrize(
    ("number", "said"), [("100", "MPEG-2"), ("103", "MPEG-4"), ("107", "HEVC"), ("104.1", "MPEG-4")]
)
def test_video_is_refused_by_its_name(number: str, said: str) -> None:
    scan = compressed(grey(8), f"1.2.840.10008.1.2.4.{number}", b"\0\0\1\xb3" + bytes(96))
    with pytest.raises(reading.Unreadable, match=f"{said} video") as caught:
        reading.read(scan.data(), path="x", size=224)
    assert caught.value.reason == "unsupported"


@pytest.mark.parametrize(
    ("mark", "bits", "said"), [(0xC1, 16, "lossy JPEG of 16 bits"), (0xC5, 8, "hierarchical")]
)
def test_a_kind_of_jpeg_that_nothing_decodes_is_named(mark: int, bits: int, said: str) -> None:
    frame = bytearray(pillow(grey_values(8)))
    at = frame.index(b"\xff\xc0")
    frame[at + 1], frame[at + 4] = mark, bits
    with pytest.raises(reading.Unreadable, match=said) as caught:
        reading.read(compressed(grey(8), made.JPEG_12, bytes(frame)).data(), path="x", size=224)
    assert caught.value.reason == "unsupported"


def test_an_encapsulated_document_is_read_as_the_document_it_is() -> None:
    out = io.BytesIO()
    Image.fromarray(rgb_values()).resize((128, 96)).save(out, "PDF")
    scan = grey().having(pixels=b"").set(
        (CLASS, "UI", "1.2.840.10008.5.1.4.1.1.104.1"), (0x00420010, "ST", "DOE^JANE"),
        (0x00420011, "OB", out.getvalue()), (0x00420012, "LO", "application/pdf"),
    )  # fmt: skip
    result = reading.read(scan.data(), path="x", size=224)
    assert [(p.format, p.page, p.item) for p in result.pictures] == [("PDF", 1, 1)]
    assert "DOE" not in repr(result)
    whole = reading.read(scan.data(), path="x", size=224, pdf="pages")
    assert [p.format for p in whole.pictures] == ["PDF page"]


# --- what is said of a file ---------------------------------------------------------------------------


def test_what_was_left_out_is_noted_without_its_values() -> None:
    odd = windowed(grey(), "DOE", "JANE").set((0x00281052, "DS", "DOE"), (0x00281053, "DS", "1"))
    odd = odd.set((0x00283010, "SQ", [{}]), (0x20500020, "CS", "DOE"))
    picture = reading.read(odd.data(), path="x", size=224).pictures[0]
    assert picture.metadata["left_out"] == "rescale, window, VOI LUT, presentation shape"
    assert "DOE" not in repr(picture.metadata)
    plain = reading.read(windowed_grey(12).data(), path="x", size=224).pictures[0]
    assert "left_out" not in plain.metadata


def test_a_large_scan_is_read_in_little_more_than_its_own_memory(tmp_path: Path) -> None:
    """28 megapixels of 16 bits: 56 MB, which a copy as floats would make 112 or 224."""
    side = 5_300
    values = np.tile(np.arange(side, dtype="<u2") % 4096, side)
    scan = grey(12).set((0x00280010, "US", side), (0x00280011, "US", side))
    scan = scan.having(pixels=values.tobytes())
    apart = reading.WorkerProcess()
    try:
        for name, one in (("plain", scan), ("window", windowed(scan, 2048, 4096))):
            path = tmp_path / f"{name}.dcm"
            path.write_bytes(one.data())
            bounds = Bounds(max_memory=160 * 1024**2)
            task = reading.Task(str(path), "x", None, 224, bounds, ReadOptions(), None)
            found = apart.read(task, path.stat().st_size, lambda _: True)
            assert [(p.width, p.height) for p in found.pictures] == [(side, side)], found.refused
    finally:
        apart.close()


@pytest.mark.parametrize(
    "start",
    [
        b"\x08\0\0\0 is how a letter may begin, or a table of numbers",
        b"\x02\0\0\0\xff\xff\xff\x7f" + bytes(64),
        b"\x10\0\0\0\x04\0\0\0" + b"\x08\0\0\0\x04\0\0\0" * 9,
        bytes(4096),
        b"\0\x08not at all",
    ],
)
def test_what_only_begins_like_a_data_set_is_not_dicom(start: bytes) -> None:
    assert not is_dicom(start)


def slope() -> Any:
    rows, columns = np.mgrid[0 : made.ROWS, 0 : made.COLUMNS]
    return (rows + columns) * 255 // (made.ROWS + made.COLUMNS)


@pytest.mark.parametrize(
    ("kind", "share", "shown"),
    [
        ("native", 0.99, True), ("native", 0.5, True), ("native", 0.1, False),
        ("planar", 0.99, True), ("planar", 0.9, True),
        ("JPEG", 0.99, True), ("JPEG", 0.5, False),
        ("run-length", 0.995, True), ("run-length", 0.6, False),
    ],
)  # fmt: skip
def test_a_file_that_ends_in_its_picture_shows_what_is_there_or_is_damaged(
    kind: str, share: float, shown: bool
) -> None:
    values = slope().astype(np.uint8)
    scan = windowed_grey(8).having(pixels=values.tobytes())
    if kind == "planar":
        scan = colour(planar=True).having(pixels=values.tobytes() * 3)
    if kind == "JPEG":
        scan = compressed(scan, made.JPEG_8, pillow(values))
    if kind == "run-length":
        scan = compressed(scan, made.RUN_LENGTH, made.run_length(values))
    data = scan.data()
    data = data[: int(len(data) * share)]
    if shown:
        picture = reading.read(data, path="x", size=0).pictures[0]
        top = picture.pixels[: int(made.ROWS * share / 2)].astype(int).mean(axis=2)
        assert np.abs(top - values[: len(top)]).max() <= 6
        if share < 0.99:
            assert picture.metadata["left_out"] == "end of the picture"
    else:
        with pytest.raises(reading.Unreadable, match="get a whole copy") as caught:
            reading.read(data, path="x", size=0)
        assert caught.value.reason == "damaged"


def test_what_is_missing_at_the_end_is_no_brightness() -> None:
    scan = grey(16, low=20_000, top=1_000)  # nothing is stated of how to show it
    picture = reading.read(
        scan.having(pixels=scan.pixels[: len(scan.pixels) * 3 // 4]).data(), path="x", size=224
    ).pictures[0]
    seen = quarters(picture.pixels)
    np.testing.assert_allclose(seen[:2], [255, 73], atol=3)  # of 20 to 230


def test_memory_that_runs_out_is_not_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(*_: object) -> None:
        raise MemoryError

    data = windowed_grey(12).data()
    for name in ("mediclip_index.reading.dicom.parse", "mediclip_index.reading.dicom._as_shown"):
        with monkeypatch.context() as patch:
            patch.setattr(name, none_left)
            with pytest.raises(MemoryError):
                reading.read(data, path="x", size=224)
