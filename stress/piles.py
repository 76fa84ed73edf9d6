"""What the soak works on: small real pictures, a tiny model, and lists of labels.

Pictures are crops of photographs that scikit-image brings along, each at a place of its own, so
that there is no end of different ones. The model is an open_clip model with random weights: quick,
and its vectors tell the crops apart well enough to notice one that was swapped.
"""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image

SIDE = 40
TINY = {
    "embed_dim": 32,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 64, "patch_size": 8, "head_width": 32},
    "text_cfg": {
        "context_length": 32, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1,
    },
}  # fmt: skip
CLASSES = ("medical", "non_medical")


def photographs() -> list[Image.Image]:
    folder = Path(skimage.data.__file__).parent
    names = ("astronaut.png", "coffee.png", "chelsea.png", "ihc.png")
    return [Image.open(folder / name).convert("RGB") for name in names]


def fill(folder: Path, count: int, chance: random.Random, *, prefix: str = "p") -> list[Path]:
    """Write `count` more pictures into a folder; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    sources = photographs()
    written = []
    for _ in range(count):
        source = chance.choice(sources)
        x, y = chance.randrange(source.width - SIDE), chance.randrange(source.height - SIDE)
        path = folder / f"{prefix}{chance.getrandbits(48):012x}.png"
        source.crop((x, y, x + SIDE, y + SIDE)).save(path, compress_level=1)
        written.append(path)
    return written


def write_labels(file: Path, pictures: list[Path], chance: random.Random) -> dict[str, str]:
    """A list that labels these pictures at random, a third of them held out; label by path."""
    said = {}
    with file.open("w", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["path", "label", "split", "round"])
        mark = f"{chance.getrandbits(32):08x}"
        for picture in pictures:
            label = chance.choice(CLASSES)
            said[str(picture)] = label
            split = chance.choice(["train"] * 4 + ["tune", "calibrate"])
            rows.writerow([picture, label, split, mark])
    return said


def write_model(folder: Path, seed: int = 0) -> str:
    """A small open_clip model with random weights; returns its name for --model."""
    import torch
    from open_clip import CLIP
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    model = CLIP(**TINY)
    save_file(model.state_dict(), folder / "open_clip_model.safetensors")
    config = {"model_cfg": TINY, "preprocess_cfg": {"mean": [0.5] * 3, "std": [0.5] * 3}}
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    return f"local-dir:{folder.resolve()}"


def distance(one: np.ndarray, other: np.ndarray) -> float:
    """The largest difference between two vectors' numbers."""
    return float(np.abs(np.asarray(one) - np.asarray(other)).max())
