"""A folder in which pictures lie twice: found, shown, and brought down to the best of each."""

from __future__ import annotations

import csv
import io
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import skimage.data
from click.testing import CliRunner, Result
from PIL import Image

from mediclip_index import Index
from mediclip_index.catalog import Catalog, schema
from mediclip_index.cli.root import cli

PHOTOGRAPHS = ("astronaut.png", "coffee.png", "chelsea.png", "retina.jpg", "ihc.png")


def run(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(cli, ["--index", str(folder / "index"), *words])


def _compressed(picture: Image.Image) -> Image.Image:
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=35)
    return Image.open(stream).convert("RGB")


COPIES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "compressed": _compressed,
    "smaller": lambda p: p.resize((p.width // 2, p.height // 2)),
    "cropped": lambda p: p.crop((p.width // 25, 0, p.width, p.height - p.height // 30)),
    "grey": lambda p: p.convert("L"),
    "darker": lambda p: p.point(lambda value: value * 0.9),
}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five photographs, the first with one copy of each kind, and an index of them."""
    folder = tmp_path_factory.mktemp("copies")
    pile = folder / "pile"
    pile.mkdir()
    for name in PHOTOGRAPHS:
        picture = Image.open(Path(skimage.data.__file__).parent / name).convert("RGB")
        picture.thumbnail((480, 480))
        picture.save(pile / f"{Path(name).stem}.png")
        if name == PHOTOGRAPHS[0]:
            for kind, change in COPIES.items():
                change(picture).save(pile / f"{kind}.png")
    shutil.copy(pile / "coffee.png", pile / "same.png")
    Index.create(folder / "index", model="lite").build([str(pile)])
    return folder


@pytest.fixture
def folder(filled: Path, tmp_path: Path) -> Path:
    shutil.copytree(filled / "index", tmp_path / "index")
    (tmp_path / "pile").symlink_to(filled / "pile")
    return tmp_path


def test_every_kind_of_copy_is_found_and_no_other_picture(folder: Path) -> None:
    report = json.loads(run(folder, "duplicates", "--json").stdout)
    groups = {g["kind"]: {Path(path).stem for path in g["paths"]} for g in report["groups"]}
    assert groups == {"near": {"astronaut", *COPIES}, "exact": {"coffee", "same"}}
    assert report["notes"] == []


def test_all_files_are_named_as_text_as_paths_and_as_rows(folder: Path) -> None:
    told = run(folder, "duplicates").stdout
    paths = run(folder, "duplicates", "--format", "paths").stdout.splitlines()
    assert len(paths) == len(set(paths)) == 8
    assert all(path in told for path in paths)
    rows = list(csv.DictReader(run(folder, "duplicates", "--format", "csv").stdout.splitlines()))
    assert [row["path"] for row in rows] == paths
    (best,) = [Path(row["path"]).stem for row in rows if row["best"] == "True"]
    assert best in ("astronaut", "darker", "compressed", "grey")  # the largest in pixels


def test_the_gallery_shows_the_copies(folder: Path, tmp_path: Path) -> None:
    assert run(folder, "duplicates", "--html", str(tmp_path / "all.html")).exit_code == 0
    page = (tmp_path / "all.html").read_text()
    assert page.count("<img") == 7
    assert "the best" in page
    assert "smaller.png" in page


def test_the_best_stays_and_the_rest_can_come_back(folder: Path, tmp_path: Path) -> None:
    left_out = run(folder, "duplicates", "--keep", "best", "--format", "paths").stdout.split()
    assert len(left_out) == 5
    assert "smaller" in {Path(path).stem for path in left_out}
    done = run(
        folder, "duplicates", "--keep", "best", "--remove", "--copy-to", str(tmp_path / "kept")
    )
    assert done.exit_code == 0, done.output
    (copied,) = (tmp_path / "kept").glob("*.png")
    assert copied.name not in {Path(path).name for path in left_out}
    index = Index.open(folder / "index")
    assert {Path(image.path).stem for image in index.images.removed()} == {
        Path(path).stem for path in left_out
    }
    assert [g.kind for g in index.duplicates().groups] == ["exact"]
    assert run(folder, "remove", "--restore", "--last").exit_code == 0
    assert [g.kind for g in index.duplicates().groups if g.kind == "near"] == ["near"]


def test_what_is_alike_to_the_model_is_still_to_be_had(folder: Path) -> None:
    near = [g for g in Index.open(folder / "index").duplicates(least=0.2).groups if len(g.ids) > 1]
    assert len(near[0].ids) > 1 + len(COPIES)


def test_an_index_of_before_says_what_it_lacks_and_makes_up_for_it(folder: Path) -> None:
    with Catalog.open(folder / "index").writing("test", by="test") as write:
        write.db.execute("DELETE FROM thumbnails")
    told = run(folder, "duplicates")
    assert "10 images taken in by an earlier version" in " ".join(told.stderr.split())
    assert "build --thumbnails" in " ".join(told.stderr.split())
    built = run(folder, "build", "--thumbnails")
    assert "10 thumbnails made." in built.stderr, built.output
    report = json.loads(run(folder, "duplicates", "--json").stdout)
    assert max(len(g["ids"]) for g in report["groups"]) == 1 + len(COPIES)


def test_a_purged_picture_leaves_no_thumbnail_and_an_export_brings_them_along(
    folder: Path,
) -> None:
    index = Index.open(folder / "index")
    index.remove([1], what="purged")
    index.export(folder / "out")
    again = Index.from_export(folder / "again", folder / "out")
    for catalog in (Catalog.open(index.path), Catalog.open(again.path)):
        with catalog.reading() as read:
            ids = [i for (i,) in read.db.execute("SELECT image FROM thumbnails").fetchall()]
            assert "thumbnails" in schema.tables(read.db)
        assert sorted(ids) == list(range(2, 11))


@pytest.mark.parametrize("option", ["--remove", "--copy-to"])
def test_what_is_left_out_is_said(folder: Path, option: str) -> None:
    words = [option, "x"] if option == "--copy-to" else [option]
    done = run(folder, "duplicates", *words)
    assert done.exit_code == 2
    assert "--keep best" in done.output


def test_many_copies_are_not_removed_without_a_yes(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mediclip_index.cli.duplicates.ASK_FROM", 4)
    refused = run(folder, "duplicates", "--keep", "best", "--remove")
    assert refused.exit_code == 2
    assert "--yes" in refused.output
    assert Index.open(folder / "index").images.removed() == ()
    done = run(folder, "duplicates", "--keep", "best", "--remove", "--yes")
    assert "5 images removed" in done.output


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """An index of a film of two frames that are alike, and of two copies in an archive."""
    picture = Image.open(Path(skimage.data.__file__).parent / "coffee.png").convert("RGB")
    picture.thumbnail((300, 300))
    darker = COPIES["darker"](picture)
    picture.save(tmp_path / "film.tif", save_all=True, append_images=[darker])
    other = Image.open(Path(skimage.data.__file__).parent / "astronaut.png").convert("RGB")
    other.thumbnail((300, 300))
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        for name, quality in (("a.jpg", 40), ("b.jpg", 90)):
            stream = io.BytesIO()
            other.save(stream, "JPEG", quality=quality)
            archive.writestr(name, stream.getvalue())
    Index.create(tmp_path / "index", model="lite").build(
        [str(tmp_path / "film.tif"), str(tmp_path / "two.zip")]
    )
    return tmp_path


def test_frames_of_one_film_stay_and_a_larger_member_of_an_archive_is_the_best(film: Path) -> None:
    planned = run(
        film, "duplicates", "--keep", "best", "--remove", "--dry-run", "--format", "paths"
    )
    assert planned.exit_code == 0, planned.output
    (left_out,) = planned.stdout.split()
    assert left_out.endswith("a.jpg")
    told = " ".join(planned.stderr.split())
    assert "1 image would be removed" in told
    assert "look alike and stay" in told
    assert "--also-frames" in told
    assert Index.open(film / "index").images.removed() == ()
    every = run(film, "duplicates", "--keep", "best", "--also-frames", "--format", "paths")
    assert len(every.stdout.split()) == 2
    run(film, "duplicates", "--keep", "best", "--remove")
    assert [Path(one.path).name for one in Index.open(film / "index").images.removed()] == ["a.jpg"]


def test_a_labelled_copy_is_the_best(folder: Path) -> None:
    index = Index.open(folder / "index")
    small = next(i for i in range(1, 11) if Path(index.images.path_of(i)).stem == "smaller")
    assert small not in {group.best for group in index.duplicates().groups}
    index.labels.set("non_medical", [small])
    assert small in {group.best for group in index.duplicates().groups}
