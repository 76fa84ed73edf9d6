"""Every odd file is the right upright picture, or is refused with a reason from the list."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import get_args

import numpy as np
import pydicom.data
import pytest
import skimage.data
from PIL import Image

from mediclip_index import reading, samples
from mediclip_index.types import Bounds, Reason, UsageError

PHOTO = Path(skimage.data.__file__).parent / "coffee.png"


def test_every_file_of_the_formats_table_is_as_it_says(bench: Path) -> None:
    with (bench / "formats.csv").open(newline="") as table:
        for row in csv.DictReader(table):
            try:
                _, result = reading.read_file(bench / row["path"], size=224)
            except reading.Unreadable as why:
                assert row["expected"] == "refused", row["path"]
                assert why.reason in get_args(Reason)
                continue
            assert row["expected"] == "accepted", row["path"]
            picture = result.pictures[0]
            assert (picture.width, picture.height) == (int(row["width"]), int(row["height"]))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_photograph_is_set_upright_once(orientation: int) -> None:
    upright = Image.open(PHOTO).convert("RGB").resize((300, 200))
    back = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
    turned = upright.transpose(Image.Transpose(back[orientation])) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = io.BytesIO()
    turned.save(data, "PNG", exif=exif)
    picture = reading.read(data.getvalue(), path="x", size=224).pictures[0]
    assert (picture.width, picture.height) == (300, 200)
    np.testing.assert_array_equal(picture.pixels, np.asarray(upright))


def test_sixteen_bit_grey_is_windowed_not_clipped_to_white() -> None:
    values = np.asarray(Image.open(PHOTO).convert("L")).astype(np.uint16) * 16
    data = io.BytesIO()
    Image.fromarray(values).save(data, "PNG")
    picture = reading.read(data.getvalue(), path="x", size=224).pictures[0]
    assert 50 < picture.pixels.mean() < 200
    assert (picture.pixels == 255).mean() < 0.1


def test_too_many_pixels_are_refused_before_they_are_decoded() -> None:
    with pytest.raises(reading.Unreadable) as caught:
        reading.read(PHOTO.read_bytes(), path="x", size=224, bounds=Bounds(max_pixels=1000))
    assert caught.value.reason == "too_large"


def test_every_sample_can_be_read() -> None:
    for entry in samples.collection().entries:
        assert reading.read_file(entry.path, size=224)[1].pictures, entry.path


def test_dicom_metadata_names_nobody() -> None:
    path = pydicom.data.get_testdata_file("CT_small.dcm", download=False)
    picture = reading.read_file(str(path), size=224)[1].pictures[0]
    assert (picture.width, picture.height, picture.format) == (128, 128, "DICOM")
    assert set(picture.metadata) <= {
        "frames", "modality", "body_part", "photometric", "captured", "burned_in", "bits_stored",
    }  # fmt: skip


def test_the_pictures_in_a_pdf_are_found_by_page_and_item() -> None:
    photo = Image.open(PHOTO).convert("RGB").resize((200, 120))
    data = io.BytesIO()
    photo.save(data, "PDF", save_all=True, append_images=[photo])
    result = reading.read(data.getvalue(), path="x.pdf", size=224)
    assert [(p.page, p.item) for p in result.pictures] == [(1, 1), (2, 1)]
    assert (result.pictures[0].width, result.pictures[0].height) == (200, 120)
    pages = reading.read(data.getvalue(), path="x.pdf", size=224, pdf="pages")
    assert [p.page for p in pages.pictures] == [1, 2]


def test_a_list_without_a_path_column_is_refused_by_name(tmp_path: Path) -> None:
    table = tmp_path / "list.csv"
    table.write_text("file,label\na.png,medical\n")
    with pytest.raises(UsageError, match=r"needs a column `path`.*file, label"):
        reading.scan(str(table))


def test_links_that_leave_the_folder_or_loop_are_passed_over(tmp_path: Path) -> None:
    pile = tmp_path / "pile"
    pile.mkdir()
    (pile / "a.png").write_bytes(PHOTO.read_bytes())
    (tmp_path / "outside.png").write_bytes(PHOTO.read_bytes())
    (pile / "out.png").symlink_to(tmp_path / "outside.png")
    (pile / "loop").symlink_to(pile)
    found = reading.scan(str(pile))
    assert [Path(e.path).name for e in found.entries] == ["a.png"]
    assert len(found.notes) == 2
