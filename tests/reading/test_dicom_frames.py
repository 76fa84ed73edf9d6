# ruff: noqa: E501 - the tables have a row a line
"""Compressed and many-framed DICOM: every way of keeping a frame shows it, and one frame's fault
is its own."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from mediclip_index import reading
from tests.reading import dicom_made as made
from tests.reading.conftest import displays
from tests.reading.dicom_made import Scan, colour, encapsulated, grey, quarters, windowed

PLAIN = made.QUARTERS
FRAMES, NAMED, TYPE, CLASS = 0x00280008, 0x00286010, 0x00080008, 0x00080016


def grey_values(bits: int) -> Any:
    return made.face((1 << bits) - 1).astype(np.uint8 if bits <= 8 else np.uint16)


def windowed_grey(bits: int) -> Scan:
    return windowed(grey(bits), 1 << bits - 1, 1 << bits)


def compressed(scan: Scan, syntax: str, *frames: Any, **how: Any) -> Scan:
    return scan.having(packed=True, stated=syntax, pixels=encapsulated(frames, **how))


def pillow(values: Any, **how: Any) -> bytes:
    out = io.BytesIO()
    Image.fromarray(values).save(out, "JPEG", quality=95, **how)
    return out.getvalue()


def rgb_values() -> Any:
    return np.repeat(grey_values(8)[..., None], 3, axis=2)


def sliced(values: Any, **how: Any) -> bytes:
    return bytes(imagecodecs.jpeg8_encode(values, level=95, **how))


def colour_run_length() -> bytes:
    planes = [made.run_length(made.face(255)) for _ in range(3)]
    bodies = [plane[64:] for plane in planes]
    starts = np.cumsum([64, *(len(body) for body in bodies[:-1])])
    return np.array([3, *starts, *[0] * 12], "<u4").tobytes() + b"".join(bodies)


J2K: dict[str, Any] = {"codecformat": "j2k", "level": 0}
Coded = tuple[str, Callable[[], Scan], bool]
# (how it is kept, the file, whether dcmtk or GDCM here shows it too)
CODED: list[Coded] = [
    ("JPEG", lambda: compressed(windowed_grey(8), made.JPEG_8, pillow(grey_values(8))), True),
    ("JPEG, progressive", lambda: compressed(windowed_grey(8), made.JPEG_8, pillow(grey_values(8), progressive=True)), True),
    ("JPEG, 12 bits", lambda: compressed(windowed_grey(12), made.JPEG_12, sliced(grey_values(12), bitspersample=12)), True),
    ("JPEG, 8 bits said 12", lambda: compressed(windowed_grey(8), made.JPEG_12, pillow(grey_values(8))), True),
    ("JPEG lossless", lambda: compressed(windowed_grey(12), made.JPEG_70, imagecodecs.ljpeg_encode(grey_values(12), bitspersample=12)), True),
    ("JPEG lossless, 16 bits", lambda: compressed(windowed_grey(16), made.JPEG_57, imagecodecs.ljpeg_encode(grey_values(16), bitspersample=16)), True),
    ("JPEG lossless, 8 bits", lambda: compressed(windowed_grey(8), made.JPEG_70, sliced(grey_values(8), lossless=True)), True),
    ("JPEG lossless, predictor 6", lambda: compressed(windowed_grey(8), made.JPEG_57, sliced(grey_values(8), lossless=True, predictor=6)), True),
    ("JPEG-LS", lambda: compressed(windowed_grey(12), made.JPEG_LS, imagecodecs.jpegls_encode(grey_values(12))), True),
    ("JPEG-LS, 16 bits said 12", lambda: compressed(windowed_grey(16).set((0x00280101, "US", 12)), made.JPEG_LS, imagecodecs.jpegls_encode(grey_values(16))), False),
    ("JPEG 2000", lambda: compressed(windowed_grey(12), made.JPEG_2000, imagecodecs.jpeg2k_encode(grey_values(12), **J2K)), False),
    ("JPEG 2000 in its own file", lambda: compressed(windowed_grey(12), made.JPEG_2000, imagecodecs.jpeg2k_encode(grey_values(12), level=0)), False),
    ("HTJ2K", lambda: compressed(windowed_grey(12), made.HTJ2K, imagecodecs.htj2k_encode(grey_values(12))), False),
    ("JPEG XL", lambda: compressed(windowed_grey(8), "1.2.840.10008.1.2.4.110", imagecodecs.jpegxl_encode(grey_values(8), lossless=True)), False),
    ("run-length", lambda: compressed(windowed_grey(8), made.RUN_LENGTH, made.run_length(made.face(255))), True),
    ("run-length, 16 bits", lambda: compressed(windowed_grey(12), made.RUN_LENGTH, made.run_length(made.face(4095), 2)), True),
    ("run-length, colour", lambda: compressed(colour(), made.RUN_LENGTH, colour_run_length()), True),
    ("deflated frame", lambda: compressed(windowed_grey(8), made.DEFLATED_FRAMES, deflated_frame()), False),
    ("JPEG, YBR_FULL_422", lambda: compressed(colour(photometric="YBR_FULL_422"), made.JPEG_8, pillow(rgb_values())), True),
    ("JPEG, RGB as it is", lambda: compressed(colour(), made.JPEG_8, sliced(rgb_values(), colorspace="rgb", outcolorspace="rgb")), True),
    ("JPEG, samples not said", lambda: compressed(colour(photometric="YBR_FULL_422").without(0x00280002), made.JPEG_8, pillow(rgb_values())), False),
    ("JPEG 2000, colour", lambda: compressed(colour(photometric="YBR_RCT"), made.JPEG_2000, imagecodecs.jpeg2k_encode(rgb_values(), **J2K)), False),
    ("JPEG-LS, colour", lambda: compressed(colour(), made.JPEG_LS, imagecodecs.jpegls_encode(rgb_values())), True),
    ("said explicit, is JPEG", lambda: compressed(windowed_grey(8), made.EXPLICIT, pillow(grey_values(8))), False),
    ("said implicit, is JPEG-LS", lambda: compressed(windowed_grey(12), made.IMPLICIT, imagecodecs.jpegls_encode(grey_values(12))), False),
    ("said JPEG 2000, is JPEG", lambda: compressed(windowed_grey(8), made.JPEG_2000, pillow(grey_values(8))), False),
    ("said run-length, is JPEG", lambda: compressed(windowed_grey(8), made.RUN_LENGTH, pillow(grey_values(8))), False),
    ("JPEG of a stated length", lambda: grey(8).having(stated=made.JPEG_8, pixels=pillow(grey_values(8)), pixel_kind="OB"), False),
    ("items of a stated length", lambda: windowed_grey(8).having(stated=made.JPEG_8, pixels=encapsulated([pillow(grey_values(8))]), pixel_kind="OB"), False),
    ("many fragments", lambda: compressed(windowed_grey(8), made.JPEG_8, pillow(grey_values(8)), pieces=5), False),
    ("no offset table item", lambda: compressed(windowed_grey(8), made.JPEG_8, pillow(grey_values(8)), bare=True), False),
    ("no end of the sequence", lambda: compressed(windowed_grey(8), made.JPEG_8, pillow(grey_values(8))), True),
    ("no size said", lambda: compressed(windowed_grey(8), made.JPEG_8, pillow(grey_values(8))).without(0x00280010, 0x00280011), False),
    ("run-length, said 16 bits", lambda: compressed(windowed_grey(8), made.RUN_LENGTH, made.run_length(made.face(255))).set((0x00280100, "US", 16)), False),
    ("another size said", lambda: compressed(windowed_grey(8), made.JPEG_8, pillow(grey_values(8))).set((0x00280010, "US", 40)), False),
]  # fmt: skip


def deflated_frame() -> bytes:
    import zlib

    squeeze = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return squeeze.compress(grey(8).pixels) + squeeze.flush()


@pytest.mark.parametrize("row", CODED, ids=lambda row: row[0])
def test_a_compressed_frame_shows_what_a_person_sees(row: Coded) -> None:
    data = row[1]().data()
    if row[0] == "no end of the sequence":
        data = data[:-8]
    picture = reading.read(data, path="x", size=224).pictures[0]
    off = np.abs(np.subtract(quarters(picture.pixels), PLAIN)).max()
    wide = [(shade - 20) * 255 / 210 for shade in PLAIN]  # the one that states no window
    if "stated length" in row[0] and "JPEG" in row[0]:
        off = np.abs(np.subtract(quarters(picture.pixels), wide)).max()
    assert off <= 6, quarters(picture.pixels)


@pytest.mark.skipif(displays().viewer() is None, reason="no viewer of dcmtk is on the PATH")
@pytest.mark.parametrize("row", [row for row in CODED if row[2]], ids=lambda row: row[0])
def test_a_compressed_frame_shows_what_dcmtk_shows(row: Coded) -> None:
    data, compared = row[1]().data(), displays()
    stated = compared.hint(data)
    theirs, _ = compared.seen(data, 1, stated)
    assert theirs is not None
    mine = reading.read(data, path="x", size=0).pictures[0].pixels.astype(float).mean(axis=2) / 255
    assert compared.judged("", mine, theirs, stated is not None, "").outcome == "alike"


# --- frames ---------------------------------------------------------------------------------------


def shades(*values: int) -> list[bytes]:
    """JPEG frames: the face, lit by so many hundredths."""
    return [pillow((grey_values(8) * (v / 100)).astype(np.uint8)) for v in values]


def many(frames: Sequence[bytes], **how: Any) -> Scan:
    scan = windowed_grey(8).set((FRAMES, "IS", len(frames)))
    return compressed(scan, made.JPEG_8, *frames, **how)


@pytest.mark.parametrize("how", [{}, {"table": True}, {"pieces": 3}, {"pieces": 3, "table": True}])
def test_every_frame_is_found_with_or_without_an_offset_table(how: dict[str, Any]) -> None:
    data = many(shades(100, 80, 60), **how).data()
    found = reading.read(data, path="x", size=224, frames="all").pictures
    assert [picture.page for picture in found] == [1, 2, 3]
    bright = [quarters(picture.pixels)[0] for picture in found]
    np.testing.assert_allclose(bright, [230, 184, 138], atol=6)


def test_every_run_length_frame_is_found_by_its_place() -> None:
    frames = [made.run_length(made.face(255) * share // 100) for share in (100, 80)]
    scan = windowed_grey(8).set((FRAMES, "IS", 2))
    for how in ({}, {"table": True}):
        data = compressed(scan, made.RUN_LENGTH, *frames, **how).data()
        found = reading.read(data, path="x", size=224, frames="all").pictures
        bright = [quarters(picture.pixels)[0] for picture in found]
        np.testing.assert_allclose(bright, [230, 184], atol=6)


def test_big_endian_words_of_bytes_are_put_in_order() -> None:
    values = np.arange(15, dtype=np.uint8).reshape(3, 5) * 17
    stored = np.append(values.ravel(), 0).astype(np.uint8).view("<u2").astype(">u2").tobytes()
    size = (0x00280010, "US", 3), (0x00280011, "US", 5)
    scan = windowed(grey(8, syntax=made.BIG), 128, 256).set(*size).having(pixels=stored)
    picture = reading.read(scan.data(), path="x", size=0).pictures[0]
    assert np.abs(picture.pixels[..., 0].astype(int) - values).max() <= 1


def test_a_damaged_frame_costs_itself() -> None:
    frames = shades(100, 80, 60)
    frames[1] = frames[1][:2] + b"\0" * 200
    found = reading.read(many(frames, table=True).data(), path="x", size=224, frames="all")
    assert [picture.page for picture in found.pictures] == [1, 3]
    assert [(why.reason, why.page) for why in found.refused] == [("damaged", 2)]


def test_frames_that_are_not_there_are_refused_by_number() -> None:
    scan = windowed_grey(8).set((FRAMES, "IS", 3))
    found = reading.read(
        scan.having(pixels=scan.pixels * 2).data(), path="x", size=224, frames="all"
    )
    assert [picture.page for picture in found.pictures] == [1, 2]
    assert [(why.reason, why.page) for why in found.refused] == [("damaged", 3)]


def test_a_number_of_frames_that_can_t_be_is_not_believed() -> None:
    scan = windowed_grey(8).set((FRAMES, "IS", 9_999_999))
    found = reading.read(
        scan.having(pixels=scan.pixels * 2).data(), path="x", size=224, frames="all"
    )
    assert ([picture.page for picture in found.pictures], found.refused) == ([1, 2], ())


def test_the_frame_that_the_file_names_is_shown() -> None:
    scan = many(shades(100, 80, 60)).set((NAMED, "US", 3))
    picture = reading.read(scan.data(), path="x", size=224).pictures[0]
    assert quarters(picture.pixels)[0] == pytest.approx(138, abs=6)
    assert (picture.page, picture.metadata["frame"]) == (None, 3)


def test_another_frame_is_shown_where_the_first_is_blank_or_damaged() -> None:
    for first in (shades(0)[0], b"\xff\xd8" + bytes(100)):
        picture = reading.read(many([first, *shades(100, 80)]).data(), path="x", size=224).pictures[
            0
        ]
        assert picture.metadata["frame"] == 2
    plain = reading.read(many(shades(100, 80)).data(), path="x", size=224).pictures[0]
    assert "frame" not in plain.metadata


def test_the_first_frame_stays_where_a_hint_is_no_use_to_any() -> None:
    scan = windowed(grey(8), 128, 0).set((FRAMES, "IS", 2))
    dim = (made.face(255) // 8).astype(np.uint8).tobytes()
    picture = reading.read(
        scan.having(pixels=dim + scan.pixels).data(), path="x", size=224
    ).pictures[0]
    assert picture.metadata["left_out"] == "window"
    assert "frame" not in picture.metadata


def test_a_frame_that_the_window_hides_is_passed_over() -> None:
    dark = np.full((made.ROWS, made.COLUMNS), 3, np.uint16)
    dark[::2] = 5
    scan = windowed(grey(12), 2048, 4000).set((FRAMES, "IS", 2))
    picture = reading.read(
        scan.having(pixels=dark.tobytes() + scan.pixels).data(), path="x", size=224
    ).pictures[0]
    assert picture.metadata["frame"] == 2
    assert "left_out" not in picture.metadata
    alone = scan.having(pixels=dark.tobytes() * 2).data()
    picture = reading.read(alone, path="x", size=224).pictures[0]
    assert picture.metadata["left_out"] == "window that hides all"


def test_single_bit_frames_need_not_begin_at_a_byte() -> None:
    one = np.zeros((3, 5), np.uint8)
    one[1, 1:4] = 1
    two = 1 - one
    bits = np.packbits(np.concatenate([one.ravel(), two.ravel()]), bitorder="little").tobytes()
    scan = grey(8).set(
        (0x00280100, "US", 1), (0x00280101, "US", 1), (0x00280102, "US", 0), (FRAMES, "IS", 2),
        (0x00280010, "US", 3), (0x00280011, "US", 5),
    ).having(pixels=bits)  # fmt: skip
    found = reading.read(scan.data(), path="x", size=0, frames="all").pictures
    np.testing.assert_array_equal(found[0].pixels[..., 0], one * 255)
    np.testing.assert_array_equal(found[1].pixels[..., 0], two * 255)
