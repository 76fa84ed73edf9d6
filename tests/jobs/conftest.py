"""A tiny open_clip model with random weights, real photographs, and indexes made with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

from mediclip_index import Index
from mediclip_index.catalog import models
from mediclip_index.types import Settings
from stress.piles import write_model


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a small, randomly initialised model in a folder of its own."""
    return write_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def photographs() -> list[Image.Image]:
    """Forty different real pictures: tiles of photographs that scikit-image brings along."""
    tiles = []
    folder = Path(skimage.data.__file__).parent
    for name in ("astronaut.png", "coffee.png", "chelsea.png"):
        source = np.asarray(Image.open(folder / name))
        for y in range(0, 240, 60):
            for x in range(0, 400, 100):
                tiles.append(Image.fromarray(np.ascontiguousarray(source[y : y + 60, x : x + 100])))
    return tiles


@pytest.fixture
def pile(tmp_path: Path, photographs: list[Image.Image]) -> Path:
    """A folder with twelve pictures, p00.png to p11.png."""
    folder = tmp_path / "pile"
    folder.mkdir()
    for number, picture in enumerate(photographs[:12]):
        picture.save(folder / f"p{number:02}.png")
    return folder


@pytest.fixture
def index(tmp_path: Path, tiny_model: str) -> Index:
    """A new, empty index in which everybody may vote: to a model with random weights all pictures
    are alike, and none nearer than the unrelated ones are."""
    index = Index.create(tmp_path / "index", model=tiny_model)
    with index._session.catalog.writing("test", by="test") as write:
        models.add_settings(write, Settings(unit="cosines", beta=10.0, near=0.4))
    return index


@pytest.fixture
def built(index: Index, pile: Path) -> Index:
    """An index of the pile; p00 to p03 are labelled medical, p04 to p07 non_medical."""
    index.build([str(pile)])
    ids = {Path(index.images.path_of(i)).name: i for i in range(1, 13)}
    index.labels.set("medical", [ids[f"p{n:02}.png"] for n in range(4)])
    index.labels.set("non_medical", [ids[f"p{n:02}.png"] for n in range(4, 8)])
    return index
