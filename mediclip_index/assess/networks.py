"""Networks that are fine-tuned on the pictures themselves, to be held against the blend.

ResNet-18 and EfficientNet-B0 from timm; with ImageNet weights where timm finds them, else from
random ones, and the table says which.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mediclip_index import encoding, reading
from mediclip_index.terms import Ids, Progress

SIDE = 128  # pixels: what a processor without a GPU can train on
BATCH = 32
WEIGHTS = ("model.safetensors", "pytorch_model.bin")


@dataclass(frozen=True)
class Learned:
    """Answers for the asked pictures, and how they came about."""

    answers: Ids
    train_seconds: float
    images_per_second: float
    pretrained: bool
    epochs: int


def fine_tuned(
    name: str,
    train: Sequence[str],
    truth: Ids,
    asked: Sequence[str],
    *,
    parts: Sequence[Ids],
    classes: int,
    epochs: int,
    seed: int,
    progress: Progress,
) -> list[Learned]:
    """Train the network `name` anew on each part (places) of the files, and answer for others."""
    pixels, wanted = _pixels(train), _pixels(asked)
    return [
        _trained(name, pixels[part], truth[part], wanted, classes, epochs, seed, progress)
        for part in parts
    ]


def _trained(  # type: ignore[no-untyped-def]
    name: str,
    pixels,
    truth: Ids,
    wanted,
    classes: int,
    epochs: int,
    seed: int,
    progress: Progress,
) -> Learned:
    import time

    import torch

    torch.manual_seed(seed)
    model, pretrained = _network(name, classes)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4 if pretrained else 1e-3)
    weights = torch.from_numpy(len(truth) / np.maximum(np.bincount(truth, minlength=classes), 1))
    weights = weights.float()
    dice = np.random.default_rng(seed)
    start = time.monotonic()
    model.train()
    for _ in range(epochs):
        order = dice.permutation(len(truth))
        for first in range(0, len(order) - 1, BATCH):
            rows = order[first : first + BATCH]
            batch = pixels[rows]
            flipped = torch.from_numpy(dice.random(len(rows)) < 0.5)
            batch = torch.where(flipped[:, None, None, None], batch.flip(3), batch)
            loss = torch.nn.functional.cross_entropy(
                model(batch), torch.from_numpy(truth[rows]), weight=weights
            )
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            progress.advance(len(rows))
    seconds = time.monotonic() - start
    model.train(False)
    start = time.monotonic()
    with torch.inference_mode():
        found = [model(part).argmax(dim=1).numpy() for part in wanted.split(BATCH)]
    rate = len(wanted) / max(time.monotonic() - start, 1e-9)
    return Learned(np.concatenate(found), seconds, rate, pretrained, epochs)


def _network(name: str, classes: int):  # type: ignore[no-untyped-def]
    import timm

    logging.getLogger("timm").setLevel(logging.ERROR)
    facts = timm.get_pretrained_cfg(name)
    if facts is not None and encoding.can_be_had(str(facts.hf_hub_id), WEIGHTS):
        try:
            return timm.create_model(name, pretrained=True, num_classes=classes), True
        except Exception:  # timm raises whatever its hub raises; without weights: from scratch
            pass
    return timm.create_model(name, pretrained=False, num_classes=classes), False


def _pixels(paths: Sequence[str]):  # type: ignore[no-untyped-def]
    """(n, 3, SIDE, SIDE) float32, as ImageNet's networks want them; grey where a file is gone."""
    import torch
    from PIL import Image

    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    found = np.full((len(paths), SIDE, SIDE, 3), 0.5, dtype=np.float32)
    for n, path in enumerate(paths):
        try:
            read = reading.read_file(path, size=SIDE)[1].pictures
        except reading.Unreadable:
            continue
        if read:
            small = Image.fromarray(read[0].pixels).resize((SIDE, SIDE))
            found[n] = np.asarray(small, dtype=np.float32) / 255
    found = ((found - mean) / std).astype(np.float32)
    return torch.from_numpy(np.ascontiguousarray(found.transpose(0, 3, 1, 2)))
