"""The forerunner's tables beside ours, on a small folder of the same shape as its data set."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from PIL import Image

from tests.evaluate.conftest import tiles

ROOT = Path(__file__).parents[2]
KAGGLE = {"retina.jpg": "Medical", "chelsea.png": "Non-Medical"}


def small_set(folder: Path) -> Path:
    """train, val and test with 4, 2 and 3 tiles of each class."""
    for name, label in KAGGLE.items():
        pictures: list[Image.Image] = tiles(name)[::5]
        for split, count in (("train", 4), ("val", 2), ("test", 3)):
            place = folder / split / label
            place.mkdir(parents=True)
            for n in range(count):
                pictures.pop().save(place / f"{n}.jpg", quality=90)
    return folder


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.reproduce_mediclip", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=300,
    )  # fmt: skip


def test_it_prints_three_tables_with_the_cards_figures_first(tmp_path: Path) -> None:
    data = str(small_set(tmp_path / "kaggle"))
    kept = str(tmp_path / "index")
    done = run(data, "--model", "lite", "--index", kept)
    assert done.returncode == 0, done.stderr
    tables = done.stdout.strip().split("\n\n")
    assert [t.split("\n")[0] for t in tables] == [
        "train, 8 images", "val, 4 images", "test, 6 images",
    ]  # fmt: skip
    for text, accuracy in zip(tables, ("86.01 %", "95.77 %", "96.16 %"), strict=True):
        assert accuracy in text.split("\n")[2]
        assert text.split("\n")[2].startswith("MediCLIP's card")
        assert len(text.split("\n")) == 7
    again = run(data, "--model", "lite", "--index", kept, "--json")
    found = json.loads(again.stdout)
    assert found["test"]["our blend"]["n"] == 6
    assert found["test"]["our words"]["per_class"]["medical"]["support"] == 3


def test_a_model_that_can_not_be_had_is_one_sentence(tmp_path: Path) -> None:
    done = run(str(small_set(tmp_path / "kaggle")), "--model", "ViT-B-32:nowhere.safetensors")
    assert done.returncode == 5
    assert done.stderr.startswith("Error: ")
    assert "Traceback" not in done.stderr
