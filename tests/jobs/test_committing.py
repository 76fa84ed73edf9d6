"""What a build writes while it goes on: only what it can't know is looked up in the catalog."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from mediclip_index import Index
from mediclip_index.catalog import Catalog, ReadTransaction, WriteTransaction, images
from mediclip_index.jobs import commit
from tests.jobs import broken


def test_a_build_that_another_overtook_keeps_every_file_and_image_once(
    index: Index, pile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it knew when it began is no longer all that there is: it looks again."""
    write = commit.Committer._write
    overtaken: list[int] = []

    def late(self: commit.Committer, batch: commit.Batch) -> tuple[int, int]:
        if not overtaken:
            overtaken.append(0)  # and the other's own batches go the usual way
            overtaken.append(Index.open(index.path).build([str(pile)]).added)
        return write(self, batch)

    monkeypatch.setattr(commit.Committer, "_write", late)
    assert index.build([str(pile)]).images == 12
    assert overtaken == [0, 12]
    assert index.verify(deep=12).findings == ()
    with Catalog.open(index.path).reading() as read:
        counts = read.db.execute("SELECT path, count(*) FROM files_at(?) GROUP BY 1", [read.tx])
        assert {n for _, n in counts.fetchall()} == {1}
        assert len(read.db.execute("SELECT sha256 FROM images").fetchall()) == 12


def test_a_build_alone_looks_nothing_up_that_it_knows_to_be_new(
    index: Index, pile: Path, photographs: list[Image.Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []
    for name in ("close_files", "identified", "ids_by_path"):
        real = getattr(images, name)

        def watched(write: ReadTransaction, given: Iterable[str], real: Any = real) -> object:
            given = list(given)
            asked.append(given)
            return real(write, given)

        monkeypatch.setattr(images, name, watched)
    index.build([str(pile)])
    assert asked == []
    # A path that held something before, and a picture that lost its vector, are looked up.
    photographs[20].save(pile / "p03.png")
    os.utime(pile / "p03.png", ns=(1, 1))
    index.build([str(pile)])
    assert asked == [[str(pile / "p03.png")]]
    assert index.info().index.images == 12
    broken.lose_vectors(index)
    lost = {index.images.path_of(i) for i in (2, 5)}
    asked.clear()
    assert index.build([str(pile)]).added == 2
    contents, paths = asked
    assert len(set(contents)) == 2
    assert set(paths) == lost
    assert index.verify().findings == ()


@pytest.mark.parametrize("overtaken", [False, True])
def test_labels_reach_new_pictures_duplicates_and_those_that_lost_their_vector(
    overtaken: bool, index: Index, pile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(12):
        folder = pile / ("medical" if number < 6 else "non_medical")
        folder.mkdir(exist_ok=True)
        (pile / f"p{number:02}.png").rename(folder / f"p{number:02}.png")
    again = pile / "medical" / "again.png"
    again.write_bytes((pile / "medical" / "p00.png").read_bytes())
    if overtaken:
        monkeypatch.setattr(WriteTransaction, "other_builds_since", lambda *_: True)
    assert index.build([str(pile)]).labelled == 12
    assert index.info().labels == {"medical": 6, "non_medical": 6}
    # A content that was met before, under a name that says something else, in a later build.
    (pile / "non_medical" / "more.png").write_bytes((pile / "medical" / "p01.png").read_bytes())
    broken.lose_vectors(index)
    report = index.build([str(pile)])
    assert report.images == 12
    assert index.info().labels == {"medical": 5, "non_medical": 7}
    assert index.verify(deep=12).findings == ()
