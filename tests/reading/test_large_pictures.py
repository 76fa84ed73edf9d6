"""Large pictures are read within the memory that a reader has, and are what they show."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
import tifffile
from PIL import Image

from mediclip_index import reading
from mediclip_index.reading import Task, WorkerProcess
from mediclip_index.reading.raster import large
from mediclip_index.types import Bounds, ReadOptions
from tests.reading.raster_made import (
    COLOUR,
    COLOURS,
    GREY,
    Quarters,
    Values,
    chunk,
    current,
    exif,
    imagecodecs,
    page,
    png,
    seen_quarters,
    tiff,
    windowed,
)

PHOTO = Path(skimage.data.__file__).parent / "coffee.png"
FACTOR = 52  # 160 x 120 become 8320 x 6240: 52 million pixels
DEEP = GREY.astype(np.uint16) * 257
COVERED = np.dstack([COLOUR, np.full(GREY.shape, 255, np.uint8)])


@pytest.fixture(scope="module")
def apart() -> Iterator[WorkerProcess]:
    one = WorkerProcess()
    yield one
    one.close()


def wide(values: Values) -> Values:
    return np.repeat(values, FACTOR, axis=1)


def large_png(values: Values, colour: int) -> bytes:
    bits = values.dtype.itemsize * 8
    packer, parts = zlib.compressobj(1), []
    for row in wide(values).astype(values.dtype.newbyteorder(">")):
        parts.append(packer.compress((b"\0" + row.tobytes()) * FACTOR))
    parts.append(packer.flush())
    h, w = (side * FACTOR for side in values.shape[:2])
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, bits, colour, 0, 0, 0))
    data = chunk(b"IDAT", b"".join(parts))
    return b"\x89PNG\r\n\x1a\n" + head + data + chunk(b"IEND", b"")


def large_tiff(values: Values) -> bytes:
    data = io.BytesIO()
    whole = np.repeat(wide(values), FACTOR, axis=0)
    how: dict[str, Any] = {"photometric": "rgb"} if values.ndim == 3 else {}
    tifffile.imwrite(data, whole, compression="zlib", compressionargs={"level": 1},
                     rowsperstrip=64, **how)  # fmt: skip
    return data.getvalue()


def large_netpbm(values: Values, mark: bytes) -> bytes:
    h, w = (side * FACTOR for side in values.shape[:2])
    head = mark + b"\n%d %d\n%d\n" % (w, h, np.iinfo(values.dtype).max)
    rows = wide(values).astype(values.dtype.newbyteorder(">"))
    return head + b"".join(row.tobytes() * FACTOR for row in rows)


def large_jpeg2000() -> bytes:
    whole = np.repeat(wide(GREY), FACTOR, axis=0)
    coded: bytes = imagecodecs.jpeg2k_encode(whole, level=50, numthreads=2, resolutions=6)
    return coded


def large_webp() -> bytes:
    data = io.BytesIO()
    whole = np.repeat(wide(COLOUR), FACTOR, axis=0)
    Image.fromarray(whole).save(data, "WEBP", method=0, quality=50)
    return data.getvalue()


KINDS: list[tuple[str, Callable[[], bytes], Quarters, int]] = [
    ("PNG, grey, 16 bit", lambda: large_png(DEEP, 0), windowed(), 1),
    ("PNG, RGBA", lambda: large_png(COVERED, 6), COLOURS, 1),
    ("TIFF, 16 bit", lambda: large_tiff(DEEP), windowed(), 1),
    ("TIFF, float", lambda: large_tiff(GREY.astype(np.float32) / 255), windowed(), 1),
    ("TIFF, RGB", lambda: large_tiff(COLOUR), COLOURS, 1),
    ("PGM, 16 bit", lambda: large_netpbm(DEEP, b"P5"), windowed(), 1),
    ("PPM", lambda: large_netpbm(COLOUR, b"P6"), COLOURS, 1),
    ("WebP", large_webp, COLOURS, 9),
    ("JPEG 2000", large_jpeg2000, current(8), 3),
]


@pytest.mark.parametrize(("made", "quarters", "near"), [k[1:] for k in KINDS],
                         ids=[k[0] for k in KINDS])  # fmt: skip
def test_fifty_megapixels_are_read_in_the_memory_that_there_is(
    made: Callable[[], bytes], quarters: Quarters, near: int, tmp_path: Path, apart: WorkerProcess
) -> None:
    (tmp_path / "x").write_bytes(made())
    path = str(tmp_path / "x")
    task = Task(path, path, None, 224, Bounds(max_memory=300 * 1024**2), ReadOptions(), None)
    found = apart.read(task, 0, lambda _: True)
    assert found.refused == ()
    (picture,) = found.pictures
    assert (picture.width, picture.height) == (160 * FACTOR, 120 * FACTOR)
    assert 448 <= min(picture.pixels.shape[:2]) < 2 * 448
    assert np.abs(np.subtract(seen_quarters(picture.pixels), quarters)).max() <= near


@pytest.mark.parametrize(
    "kind", ["PNG", "PNG, 16 bit", "RGBA", "RGBA, 16 bit", "clear", "grey", "WEBP", "PPM", "PGM"]
)
@pytest.mark.parametrize("turn", [1, 6])
def test_a_part_at_a_time_or_whole_is_the_same_picture(
    kind: str, turn: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Image.open(PHOTO) as photo:
        own = np.asarray(photo.convert("RGB").resize((450, 300)))
    turned = chunk(b"eXIf", exif(turn))
    grey, clear = own[..., 0], np.where(own[..., 1] > 90, 255, 0).astype(np.uint8)
    head = b"\n450 300\n255\n"
    data = {
        "PNG": lambda: png(own, 2, before=turned),
        "PNG, 16 bit": lambda: png(own.astype(np.uint16) * 11, 2, 16, before=turned),
        "RGBA": lambda: png(np.dstack([own, grey]), 6, before=turned),
        "RGBA, 16 bit": lambda: png(np.dstack([own, grey]).astype(np.uint16) * 257, 6, 16),
        "clear": lambda: png(np.dstack([own, clear]), 6, before=turned),
        "grey": lambda: png(grey, 0, before=turned),
        "WEBP": lambda: webp(own[:, :448]),
        "PPM": lambda: b"P6" + head + own.tobytes(),
        "PGM": lambda: b"P5" + head + grey.tobytes(),
    }[kind]()
    whole = reading.read(data, path="x", size=32).pictures[0]
    monkeypatch.setattr(large, "LARGE", 1000)
    parts = reading.read(data, path="x", size=32).pictures[0]
    assert (parts.width, parts.height) == (whole.width, whole.height)
    assert parts.pixels.shape == whole.pixels.shape
    near = 12 if kind == "WEBP" else 4 if "16 bit" in kind else 2
    apart = np.abs(parts.pixels.astype(int) - whole.pixels)
    assert np.percentile(apart, 99) <= near


def test_what_is_clear_in_a_tiff_is_not_averaged_into_what_is_seen() -> None:
    over = np.dstack([COLOUR, np.full(GREY.shape, 255, np.uint8)])
    over[::2, ::3] = (9, 9, 9, 0)
    for kind in (np.uint8, np.uint16):
        top = np.iinfo(kind).max // 255
        data = tiff(page((over.astype(np.int64) * top).astype(kind), 2, t338=(3, [2])))
        pixels = reading.read(data, path="x", size=10).pictures[0].pixels
        assert pixels.shape == (20, 27, 3)
        expected = (*((255, 43, 43), (43, 255, 43)), (43, 43, 255), (255, 255, 43))
        assert np.abs(np.subtract(seen_quarters(pixels), expected)).max() <= 22


def webp(values: Values) -> bytes:
    data = io.BytesIO()
    Image.fromarray(values).save(data, "WEBP", quality=95)
    return data.getvalue()
