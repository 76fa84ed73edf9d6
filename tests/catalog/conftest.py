"""A real catalog with a few images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mediclip_index.catalog import Catalog, WriteTransaction, images, labels, models, provenance
from mediclip_index.catalog.images import NewFile, NewImage
from mediclip_index.types import Facts, Settings
from tests.conftest import unit_rows

DIM = 8


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    """An empty index with an encoder and settings."""
    made = Catalog.create(tmp_path / "index")
    with made.writing("create", by="ann") as write:
        models.add_encoder(
            write, fingerprint="f" * 64, name="tiny", dim=DIM, scale=10.0, recipe="r"
        )
        models.add_settings(write, Settings())
    return made


def add(write: WriteTransaction, contents: dict[str, str], seed: int = 0) -> dict[str, int]:
    """Keep one image for each path → content; returns ids by path."""
    stored = models.encoder(write)
    vectors = unit_rows(np.random.default_rng(seed), len(contents), DIM)
    fresh = dict.fromkeys(contents.values())
    images.add_images(
        write,
        stored,
        [
            NewImage(sha, None, None, 40, 30, "PNG", 99, {"mode": "RGB"}, vector)
            for sha, vector in zip(fresh, vectors, strict=False)
        ],
    )
    source = provenance.add_source(write, "/pile", labels="auto")
    images.add_files(write, source, [NewFile(p, 99, 1, sha) for p, sha in contents.items()])
    return {p: ids[0] for p, ids in images.ids_by_path(write, contents).items()}


@pytest.fixture
def filled(catalog: Catalog) -> Catalog:
    """Ids 1 to 4: a.png and b.png medical (train, test), c.png non_medical, d.png unlabelled."""
    with catalog.writing("build", by="ann") as write:
        ids = add(write, {f"/pile/{n}.png": n * 4 for n in "abcd"})
        labels.say(
            write,
            {
                ids["/pile/a.png"]: Facts("medical", "train", "p1", {"age": "61", "split": "odd"}),
                ids["/pile/b.png"]: Facts("medical", "test", "p2", {"age": "9"}),
                ids["/pile/c.png"]: Facts("non_medical", None, None, {"age": "33"}),
            },
        )
    return catalog
