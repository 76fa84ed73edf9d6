"""An index that an earlier recipe filled keeps working, and is moved to the one in force."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom.data import get_testdata_file

from mediclip_index import Index, reading
from mediclip_index.catalog import Catalog, images, indexed, labels, models
from mediclip_index.catalog.images import NewImage
from mediclip_index.jobs import migrate
from mediclip_index.reading.recipes import FIRST, read_otherwise
from mediclip_index.types import Silent, UsageError


@pytest.fixture(scope="module")
def filled(
    tmp_path_factory: pytest.TempPathFactory, tiny_model: str, photographs: list[Image.Image]
) -> Path:
    """A folder with twelve PNG, a TIFF of two pages and a PDF of two figures, and an index of them
    that was filled by the first recipe; all its images are labelled."""
    photographs = [picture.copy() for picture in photographs]  # Pillow notes how it wrote them
    folder = tmp_path_factory.mktemp("earlier")
    pile = folder / "now" / "pile"
    pile.mkdir(parents=True)
    for number, picture in enumerate(photographs[:12]):
        picture.save(pile / f"p{number:02}.png")
    photographs[20].save(pile / "q.tif", save_all=True, append_images=[photographs[21]])
    photographs[22].save(pile / "r.pdf", save_all=True, append_images=[photographs[23]])
    with pytest.MonkeyPatch.context() as then:
        then.setattr(reading, "RECIPE", FIRST)
        index = Index.create(folder / "now" / "index", model=tiny_model)
        index.build([str(pile)])
        index.labels.set("medical", range(1, 9))
        index.labels.set("non_medical", range(9, 17))
    shutil.move(folder / "now", folder / "kept")
    return folder


@pytest.fixture
def mixed(filled: Path) -> Path:
    """The pictures, as they were; the index of them lies beside."""
    shutil.rmtree(filled / "now", ignore_errors=True)
    shutil.copytree(filled / "kept", filled / "now")
    return filled / "now" / "pile"


@pytest.fixture
def earlier(mixed: Path) -> Index:
    return Index.open(mixed.with_name("index"))


def catalog(index: Index) -> Catalog:
    return Catalog.open(index.path)


def of_file(index: Index, name: str) -> list[indexed.Indexed]:
    with catalog(index).reading() as read:
        return [i for i in indexed.indexed(read) if i.path.endswith(name)]


def told(index: Index) -> dict[int, str | None]:
    with catalog(index).reading() as read:
        return {i: current.label for i, current in labels.current_labels(read).items()}


def add_page(index: Index, name: str, page: int, item: int | None = None) -> int:
    """What the first recipe took for one more picture of a file; labelled medical."""
    known = of_file(index, name)[0]
    with catalog(index).writing("build") as write:
        encoder = models.encoder(write)
        vector = np.zeros(encoder.dim, np.float32)
        vector[0] = 1
        images.add_images(write, encoder, [
            NewImage(known.sha256, page, item, 7, 5, known.format, 99, {"mode": known.mode}, vector)
        ])  # fmt: skip
    new = next(i.id for i in of_file(index, name) if (i.page, i.item) == (page, item))
    index.labels.set("medical", [new])
    return new


def test_what_would_be_read_otherwise_is_told_by_kind_and_depth() -> None:
    for kind, mode, start, expected in (
        ("PDF", "", b"", True),
        ("TIFF", "RGB;8", b"", True),
        ("JPEG", "RGB", b"", False),
        ("PNG", "RGB", bytes(24) + b"\x08", False),
        ("PNG", "RGB", bytes(24) + b"\x10", True),
        ("PNG", "L", bytes(24) + b"\x10", False),
        ("PNG", "RGBA", b"", True),
        ("PNG", "RGB", bytes(24) + b"\x08 gAMA", True),
        ("JPEG2000", "RGB", b"", True),
        ("JPEG2000", "L", b"", False),
    ):
        assert read_otherwise(FIRST, kind, mode, start) is expected, (kind, mode)
        assert not read_otherwise(reading.RECIPE, kind, mode, start)


def test_it_goes_on_working_and_a_build_says_what_would_be_read_otherwise(
    earlier: Index, mixed: Path, photographs: list[Image.Image]
) -> None:
    photographs[30].save(mixed / "new.png")
    report = earlier.build()
    assert (report.added, report.unchanged) == (1, 14)
    (note,) = [note for note in report.notes if "--reread" in note]
    assert note.startswith("4 images of this index (2 ")
    (found,) = earlier.search(images=[str(mixed / "p00.png")], k=1).results
    assert (Path(found.path).name, found.similarity > 0.999) == ("p00.png", True)
    assert earlier.verify(deep=17).ok


def test_it_moves_by_reading_again_what_is_read_otherwise_and_nothing_else(
    earlier: Index, mixed: Path
) -> None:
    before = told(earlier)
    report = earlier.build(reread=True)
    assert (report.added, report.unchanged, report.images) == (2, 12, 16)  # the TIFF and the PDF
    assert told(earlier) == before
    with catalog(earlier).reading() as read:
        assert models.encoder(read).recipe == reading.RECIPE
    again = earlier.build(reread=True)
    assert (again.added, again.unchanged) == (0, 14)
    assert any("were read as this version reads them" in note for note in again.notes)
    assert not any("--reread" in note for note in earlier.build().notes)
    assert earlier.verify(deep=16).ok


def test_verdicts_given_before_are_given_again_as_they_were(earlier: Index, mixed: Path) -> None:
    given = earlier.query([str(mixed / "p03.png"), str(mixed / "q.tif")]).verdicts
    earlier.build(reread=True)
    replay = earlier.audit.replay()
    assert (replay.identical, replay.different) == (len(given), ())
    assert earlier.audit.verify().ok
    now = earlier.query([str(mixed / "p03.png")]).verdicts[0]
    assert now.probability == pytest.approx(given[0].probability, abs=1e-4)


def test_what_is_told_of_an_image_is_as_it_was_read_last(earlier: Index) -> None:
    now = of_file(earlier, "q.tif")
    with catalog(earlier).writing(
        "build"
    ) as write:  # as the first recipe told it, of a turned page
        write.db.execute("UPDATE images SET width = 60, height = 100 WHERE format = 'TIFF'")
    assert of_file(earlier, "q.tif") != now
    earlier.build(reread=True)
    assert of_file(earlier, "q.tif") == now
    assert told(earlier)[now[0].id] == "non_medical"  # a page is the page that it was


def test_images_that_are_no_pictures_any_more_are_removed(earlier: Index) -> None:
    mask = add_page(earlier, "q.tif", 3)
    report = earlier.build(reread=True)
    assert any("1 image removed" in note for note in report.notes)
    assert mask not in {i.id for i in of_file(earlier, "q.tif")}
    assert report.images == 16
    assert earlier.verify().ok
    assert earlier.build().unchanged == 14


def test_labels_of_pages_whose_figures_are_others_are_taken_back(earlier: Index) -> None:
    kept = told(earlier)
    extra = add_page(earlier, "r.pdf", 1, 2)
    first = next(i.id for i in of_file(earlier, "r.pdf") if (i.page, i.item) == (1, 1))
    other = next(i.id for i in of_file(earlier, "r.pdf") if i.page == 2)
    report = earlier.build(reread=True)
    after = told(earlier)
    assert (after[first], after[other]) == (None, kept[other])
    assert any("taken back" in n and f"#{first}." in n for n in report.notes)
    assert extra not in {i.id for i in of_file(earlier, "r.pdf")}
    assert {i: after[i] for i in kept if i != first} == {i: kept[i] for i in kept if i != first}


class Stopping(Silent):
    """Ctrl-C after so many files."""

    def __init__(self, after: int) -> None:
        self.left = after

    def advance(self, count: int) -> None:
        self.left -= count
        if self.left <= 0:
            raise KeyboardInterrupt


@pytest.mark.parametrize("how", [{"reread": True}, {}])
def test_a_build_that_was_stopped_after_the_move_goes_on(
    how: dict[str, bool], earlier: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    mask = add_page(earlier, "q.tif", 3)
    add_page(earlier, "r.pdf", 1, 2)
    first = next(i.id for i in of_file(earlier, "r.pdf") if (i.page, i.item) == (1, 1))

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(migrate.ReadAgain, "settle", stopped)
        with pytest.raises(KeyboardInterrupt):
            earlier.build(reread=True)
    assert mask in {i.id for i in of_file(earlier, "q.tif")}
    report = earlier.build(**how)  # type: ignore[arg-type]
    assert report.images == 16
    assert (told(earlier)[first], earlier.verify(deep=16).ok) == (None, True)
    assert mask not in {i.id for i in of_file(earlier, "q.tif")}


def test_a_build_that_was_stopped_before_it_read_goes_on(earlier: Index) -> None:
    with pytest.raises(KeyboardInterrupt):
        earlier.build(reread=True, progress=Stopping(1), batch_size=1)
    report = earlier.build()
    assert report.images == 16
    assert earlier.verify(deep=16).ok


def test_what_an_earlier_version_refused_is_tried_again(earlier: Index, mixed: Path) -> None:
    (mixed / "late.png").write_bytes(b"no picture")
    assert [r.reason for r in earlier.build().refused] == ["not_an_image"]
    with catalog(earlier).writing("build") as write:  # as an earlier version said it
        write.db.execute("UPDATE refusals SET message = 'too new for this version'")
    assert earlier.build().refused[0].message == "too new for this version"
    report = earlier.build(reread=True)
    assert "is not a picture" in report.refused[0].message


def test_all_sources_are_read_again_or_none(
    earlier: Index, mixed: Path, tmp_path: Path, photographs: list[Image.Image]
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    photographs[33].save(other / "a.tif")
    earlier.build([str(other)])
    with pytest.raises(UsageError, match="name none, or all"):
        earlier.build([str(other)], reread=True)
    with catalog(earlier).reading() as read:
        assert models.encoder(read).recipe == FIRST
    report = earlier.build([str(other), str(mixed)], reread=True)
    assert (report.added, report.images) == (3, 17)


def test_a_file_that_was_away_meanwhile_is_read_again_when_it_comes_back(
    earlier: Index, mixed: Path, tmp_path: Path
) -> None:
    ids = [i.id for i in of_file(earlier, "q.tif")]
    shutil.move(mixed / "q.tif", tmp_path / "q.tif")
    assert earlier.build().gone == 1
    earlier.build(reread=True)
    with catalog(earlier).reading() as read:
        stored = models.encoder(read)
        assert set(ids).isdisjoint(images.vectors(read, stored, ids)[0].tolist())
    before = told(earlier)
    shutil.move(tmp_path / "q.tif", mixed / "q.tif")
    earlier.build()
    assert [i.id for i in of_file(earlier, "q.tif")] == ids
    assert (told(earlier), earlier.verify(deep=16).ok) == (before, True)


def test_what_a_header_says_is_read_again(index: Index, tmp_path: Path) -> None:
    shutil.copy(str(get_testdata_file("CT_small.dcm")), tmp_path / "a.dcm")
    shutil.copy(str(get_testdata_file("MR_small.dcm")), tmp_path / "b.dcm")
    index.build([str(tmp_path / "a.dcm"), str(tmp_path / "b.dcm")])
    with catalog(index).writing("test", by="test") as write:  # as an earlier version kept it
        write.db.execute('UPDATE images SET technical = \'{"mode": "L"}\'')
    assert index.search(where="modality = 'CT'").results == ()
    before = index.vectors([1, 2])
    (tmp_path / "b.dcm").unlink()
    notes = index.build(reread=True).notes
    (note,) = [note for note in notes if "headers say" in note]
    assert "1 image; 1 image could not be read" in note or "of 1 image" in note
    assert [hit.id for hit in index.search(where="modality = 'CT'").results] == [1]
    assert (index.vectors([1, 2]) == before).all()
