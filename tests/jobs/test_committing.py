"""What a build writes while it goes on: only what it can't know is looked up in the catalog."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from mediclip_index import Index
from mediclip_index.catalog import Catalog, Reading, images
from mediclip_index.jobs import committing
from tests.jobs import broken


def test_a_build_that_another_overtook_keeps_every_file_and_image_once(
    index: Index, pile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it knew when it began is no longer all that there is: it looks again."""
    write = committing.Committer._write
    overtaken: list[int] = []

    def late(self: committing.Committer, batch: committing.Whole) -> tuple[int, int]:
        if not overtaken:
            overtaken.append(0)  # and the other's own batches go the usual way
            overtaken.append(Index.open(index.path).build([str(pile)]).added)
        return write(self, batch)

    monkeypatch.setattr(committing.Committer, "_write", late)
    assert index.build([str(pile)]).images == 12
    assert overtaken == [0, 12]
    assert index.verify(deep=12).findings == ()
    with Catalog.open(index.path).reading() as look:
        counts = look.db.execute("SELECT path, count(*) FROM files_at(?) GROUP BY 1", [look.tx])
        assert {n for _, n in counts.fetchall()} == {1}
        assert len(look.db.execute("SELECT sha256 FROM images").fetchall()) == 12


def test_a_build_alone_looks_nothing_up_that_it_knows_to_be_new(
    index: Index, pile: Path, photographs: list[Image.Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    for name in ("close_files", "_identified", "ids_by_path"):
        real = getattr(images, name)

        def watched(work: Reading, given: Iterable[str], real: Any = real) -> object:
            given = list(given)
            asked.append(given)
            return real(work, given)

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
    asked.clear()
    assert index.build([str(pile)]).added > 0
    assert len(asked) >= 2
    assert index.verify().findings == ()
