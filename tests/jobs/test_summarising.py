"""`summary` where an index keeps no paths, lacks vectors, knows columns of its own, or is empty."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from mediclip_index import Index
from mediclip_index.catalog import models
from mediclip_index.show.writing import MISTAKES, OutputStyle, write
from mediclip_index.types import UsageError
from tests.cli.conftest import run


def test_an_index_without_paths_knows_no_folders_and_copies_nothing(
    tmp_path: Path, tiny_model: str, pile: Path
) -> None:
    index = Index.create(tmp_path / "hashed", model=tiny_model, hash_paths=True)
    index.build([str(pile)])
    with pytest.raises(UsageError, match="keeps no paths, so it knows no folders"):
        index.summary(by="folder")
    assert sum(row.images for row in index.summary(by="source").rows) == 12
    refused = run(index.path, "search", "--where", "true", "--copy-to", str(tmp_path / "out"))
    assert refused.exit_code == 2
    assert "this index keeps no paths" in refused.output


def test_images_without_a_vector_are_left_out_and_said(built: Index) -> None:
    with built._session.catalog.writing("test") as write:
        write.db.execute(f"DELETE FROM {models.encoder(write).vectors} WHERE image IN (2, 3)")
    report = built.summary()
    assert report.images == sum(row.images for row in report.rows) == 10
    assert report.notes[-1].startswith("2 images have no vector by the model in force")


def test_columns_of_a_list_are_counted_by_and_one_named_kind_is_told_apart(
    index: Index, pile: Path
) -> None:
    rows = [f"{pile}/p{n:02}.png,{'odd' if n % 2 else 'even'}" for n in range(12)]
    (pile.parent / "list.csv").write_text("path,kind\n" + "\n".join(rows))
    index.build([str(pile.parent / "list.csv")], labels=str(pile.parent / "list.csv"))
    counted: dict[str | None, int] = {}
    for row in index.summary(by="meta.kind").rows:
        counted[row.value] = counted.get(row.value, 0) + row.images
    assert counted == {"odd": 6, "even": 6}
    assert not {"odd", "even"} & {row.value for row in index.summary(by="kind").rows}


def test_an_empty_index_holds_nothing(index: Index) -> None:
    report = index.summary()
    assert (report.images, report.rows) == (0, ())
    assert "No image to count." in run(index.path, "summary").output


def test_pictures_of_one_file_are_told_apart_in_every_list(
    index: Index, tmp_path: Path, photographs: list[Image.Image]
) -> None:
    pages = np.stack([np.asarray(picture) for picture in photographs[:3]])
    tifffile.imwrite(tmp_path / "pages.tif", pages, photometric="rgb")
    index.build([str(tmp_path / "pages.tif")])
    for words in (("summary",), ("search", "--where", "true"), ("label", "next")):
        assert "pages.tif, page " in run(index.path, *words).output, words
    index.labels.set("medical", [1, 2])
    index.labels.set("non_medical", [3])
    report = index.mistakes()
    shown = write(report, MISTAKES, OutputStyle())
    assert report.mistakes
    for one in report.mistakes:
        assert f"pages.tif, page {one.page}\n" in shown
