"""An index of real pictures in every split: tiles of two medical and two other photographs."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

from mediclip_index import Index
from mediclip_index.evaluate import grids

SPLITS = ("train", "train", "tune", "calibrate", "calibrate", "test")
SOURCES = {
    "retina.jpg": "medical",
    "ihc.png": "medical",
    "chelsea.png": "non_medical",
    "coffee.png": "non_medical",
}
TILES = 48  # of each photograph


def tiles(name: str) -> list[Image.Image]:
    source = Image.open(Path(skimage.data.__file__).parent / name).convert("RGB")
    w, h = source.size
    inner = source.crop((w * 15 // 100, h * 15 // 100, w * 85 // 100, h * 85 // 100))
    pixels = np.asarray(inner.resize((480, 360)))
    return [
        Image.fromarray(np.ascontiguousarray(pixels[y : y + 60, x : x + 60]))
        for y in range(0, 360, 60)
        for x in range(0, 480, 60)
    ]


def fill(folder: Path) -> Path:
    """Write the tiles and a list of them; returns the list."""
    folder.mkdir()
    listed = folder / "list.csv"
    with listed.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "split", "source", "category"])
        for name, label in SOURCES.items():
            for n, tile in enumerate(tiles(name)):
                path = folder / f"{Path(name).stem}-{n:02}.png"
                tile.save(path)
                writer.writerow([path.name, label, SPLITS[n % len(SPLITS)], Path(name).stem, label])
    return listed


@pytest.fixture(scope="session")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill(tmp_path_factory.mktemp("tiles") / "tiles")


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory, listed: Path) -> Path:
    index = Index.create(tmp_path_factory.mktemp("filled") / "index", model="lite")
    assert index.build([str(listed)]).added == len(SOURCES) * TILES
    return index.path


@pytest.fixture
def mixed(tmp_path: Path, filled: Path) -> Index:
    """192 labelled tiles with splits and sources, in the bundled model's eyes."""
    return Index.open(shutil.copytree(filled, tmp_path / "index"))


@pytest.fixture(autouse=True)
def coarse_grids(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is sought in is a matter of time, how it is sought is what is tested."""
    monkeypatch.setattr(grids, "ALPHAS", grids.ALPHAS[::4])
    monkeypatch.setattr(grids, "KS", (5, 20, 40))
    monkeypatch.setattr(grids, "BETAS", (6.0, 10.0, 20.0))
    monkeypatch.setattr(grids, "SCALES", grids.SCALES[::3])
    monkeypatch.setattr(grids, "FACTORS", grids.FACTORS[::3])
