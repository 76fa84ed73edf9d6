"""A table of raster files of all kinds: each is what a person sees, or refused with the truth."""

from __future__ import annotations

import bz2
import gzip
import lzma
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pydicom
import pytest
from PIL import Image

from mediclip_index import reading
from mediclip_index.types import Truncated
from tests.reading import raster_others, raster_pngs, raster_tiffs
from tests.reading.raster_made import COLOUR, Values, seen_quarters
from tests.reading.raster_rows import Refused, Row

ROWS = [*raster_tiffs.rows(), *raster_pngs.rows(), *raster_others.rows()]
REFUSED = [*raster_tiffs.refused(), *raster_pngs.refused(), *raster_others.refused()]
CONVERT = shutil.which("convert")


def read(row: Row) -> reading.ReadResult:
    how = cast(Truncated, row.truncated)
    return reading.read(row.made(), path="x", size=224, truncated=how)


def named(row: Row | Refused) -> str:
    return row.name


@pytest.mark.parametrize("row", ROWS, ids=named)
def test_a_file_is_what_a_person_sees(row: Row) -> None:
    result = read(row)
    assert tuple(p.page for p in result.pictures) == row.pages
    assert tuple((r.reason, r.page) for r in result.refused) == row.refused
    for picture in result.pictures:
        near(picture.pixels, row)
        assert (picture.width, picture.height) == row.size
        assert picture.pixels.shape == (row.size[1], row.size[0], 3)
        for what, value in row.told:
            assert picture.metadata.get(what) == value


def near(pixels: Values, row: Row) -> None:
    found = seen_quarters(pixels)
    apart = np.abs(np.subtract(found, row.seen)).max()
    assert apart <= row.near, f"{row.name}: {found}, not {row.seen}"


@pytest.mark.parametrize("row", [row for row in ROWS if row.magick], ids=named)
@pytest.mark.skipif(CONVERT is None, reason="ImageMagick's `convert` is not on PATH")
def test_imagemagick_sees_the_same(row: Row, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(row.made())
    level = ["-auto-level"] if row.magick == "deep" else []
    done = subprocess.run(
        [str(CONVERT), f"{tmp_path}/x[0]", *level, "-depth", "8", "-colorspace", "sRGB", "rgb:-"],
        capture_output=True, check=True,
    )  # fmt: skip
    other = np.frombuffer(done.stdout, np.uint8).reshape(row.size[1], row.size[0], 3)
    near(other, row)


@pytest.mark.skipif(CONVERT is None, reason="ImageMagick's `convert` is not on PATH")
@pytest.mark.parametrize("kind", ["heic", "avif", "jp2", "sun", "pcx", "bmp3", "ppm"])
def test_what_imagemagick_writes_is_read(kind: str, tmp_path: Path) -> None:
    Image.fromarray(COLOUR).save(tmp_path / "a.png")
    done = subprocess.run([str(CONVERT), "a.png", f"b.{kind}"], cwd=tmp_path, capture_output=True)
    if done.returncode:
        pytest.skip(f"ImageMagick here writes no {kind}")
    picture = reading.read_file(tmp_path / f"b.{kind}", size=224)[1].pictures[0]
    near(picture.pixels, Row(kind, bytes, near=4))


@pytest.mark.parametrize("row", REFUSED, ids=named)
def test_a_file_that_cant_be_read_is_refused_with_the_truth(row: Refused) -> None:
    with pytest.raises(reading.Unreadable, match=row.words) as caught:
        reading.read(row.made(), path="x", size=224)
    assert caught.value.reason == row.reason


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_a_scan_that_is_packed_alone_is_that_scan(pack: Callable[[bytes], bytes]) -> None:
    scan = (Path(pydicom.__file__).parent / "data/test_files/CT_small.dcm").read_bytes()
    plain = reading.read(scan, path="x", size=224).pictures[0]
    found = reading.read(pack(scan), path="x", size=224).pictures[0]
    assert (found.format, found.metadata) == ("DICOM", plain.metadata)
    np.testing.assert_array_equal(found.pixels, plain.pixels)


def test_the_table_is_long_and_no_name_stands_twice() -> None:
    every: list[Any] = [*ROWS, *REFUSED]
    assert len({row.name for row in every}) == len(every) >= 110
