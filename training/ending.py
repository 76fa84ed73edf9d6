"""The end of the image tower, tuned: its last three stages and the wide convolution after them.

It learns, from the maps that its frozen beginning made (`features.py`), whether a picture is
medical and of what kind, and keeps to what the untouched classifier says of pictures that are not;
the heads that teach it are thrown away, and the text-aligned projection is fitted on its features
(`heads.py`). Normalisation keeps ImageNet's statistics: a batch here is no fair sample of anything.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from training.bench_rows import Row
from training.features import CLEAN, CUT, MAP, Floats, Indices, Maps, compiled, lite2
from training.heads import softmax, source_weights

Mask = npt.NDArray[np.bool_]
WIDTH = 1280
BLOCK = 64


@dataclass(frozen=True)
class Tuning:
    """How the ending is tuned: chosen on families left out."""

    steps: int = 400
    batch: int = 48
    rate: float = 3e-4
    head_rate: float = 3e-3
    decay: float = 0.02
    kind: float = 0.5  # weight of naming the kind, beside medical or not
    names: float = 0.3  # weight of the untouched classifier's distribution
    smooth: float = 0.05
    seed: int = 0


class Ending(torch.nn.Module):
    """Maps (n, 88, 17, 17) to features (n, 1280), with ImageNet's weights to start with."""

    def __init__(self) -> None:
        super().__init__()
        tower: Any = lite2()
        self.blocks: Any = tower.blocks[CUT:]
        self.conv_head: Any = tower.conv_head
        self.bn2: Any = tower.bn2
        self.classifier: Any = tower.classifier.requires_grad_(False)
        self.to(memory_format=torch.channels_last)
        self.eval()

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.bn2(self.conv_head(self.blocks(maps))).mean((2, 3))
        return found

    def trunk(self) -> dict[str, torch.Tensor]:
        """Its weights by their names in the whole tower."""
        return {
            f"blocks.{int(name.split('.')[1]) + CUT}.{name.split('.', 2)[2]}"
            if name.startswith("blocks.")
            else name: value
            for name, value in self.state_dict().items()
            if not name.startswith("classifier.")
        }


def features_of(ending: Ending, maps: Maps, rows: Indices, copy: int, threads: int = 2) -> Floats:
    """(n, 1280) of rows in one copy."""
    wanted = [(weight, weight.requires_grad) for weight in ending.parameters()]
    ending.requires_grad_(False)
    run = compiled(ending, (BLOCK, *MAP), precise=copy == CLEAN, threads=threads)
    for weight, learns in wanted:
        weight.requires_grad_(learns)
    found = np.empty((len(rows), WIDTH), np.float32)
    for start in range(0, len(rows), BLOCK):
        some = rows[start : start + BLOCK]
        found[start : start + len(some)] = run(maps.take(some, np.full(len(some), copy)))[0]
    return found


def tuned(
    rows: Sequence[Row], maps: Maps, keep: Mask, names: Floats, how: Tuning, file: Path
) -> Ending:
    """The ending as the rows in `keep` taught it; read from `file` where it stands there already.

    names (rows, 1000): the untouched classifier's distribution of each row's untouched copy.
    """
    ending = Ending()
    if file.exists():
        ending.load_state_dict(torch.load(file, weights_only=True))
        return ending
    torch.manual_seed(how.seed)
    dice = np.random.default_rng(how.seed)
    kinds = sorted({row.category for row in rows})
    kind = np.array([kinds.index(row.category) for row in rows])
    medical = np.array([row.label == "medical" for row in rows])
    heads = [torch.nn.Linear(WIDTH, count) for count in (1, len(kinds))]
    for head in heads:
        torch.nn.init.zeros_(head.weight)
        torch.nn.init.zeros_(head.bias)
    learning = [weight for weight in ending.parameters() if weight.requires_grad]
    taught = [weight for head in heads for weight in head.parameters()]
    groups: list[dict[str, Any]] = [
        {"params": learning, "base": how.rate},
        {"params": taught, "base": how.head_rate},
    ]
    optimizer = torch.optim.AdamW(groups, lr=0.0, weight_decay=how.decay)
    places = np.flatnonzero(keep)
    chance = source_weights([rows[n] for n in places.tolist()], even=True)
    begun, running = time.monotonic(), 0.0
    for step in range(how.steps):
        ease = min(1.0, (step + 1) / 30) * 0.5 * (1 + np.cos(np.pi * step / how.steps))
        for group in optimizer.param_groups:
            group["lr"] = group["base"] * ease
        shown = dice.choice(places, how.batch, p=chance)
        copies = dice.integers(CLEAN, len(maps), how.batch)
        batch = torch.from_numpy(maps.take(shown, copies))
        seen = ending(batch.contiguous(memory_format=torch.channels_last))
        wanted = torch.from_numpy(medical[shown].astype(np.float32))
        smoothed = wanted * (1 - how.smooth) + how.smooth / 2
        loss = functional.binary_cross_entropy_with_logits(heads[0](seen)[:, 0], smoothed)
        loss = loss + how.kind * functional.cross_entropy(
            heads[1](seen), torch.from_numpy(kind[shown]), label_smoothing=how.smooth
        )
        known = torch.from_numpy(names[shown])
        missed = -(known * ending.classifier(seen).log_softmax(1)).sum(1)
        other = 1 - wanted  # the classifier has nothing to say of a scan
        loss = loss + how.names * (missed * other).sum() / other.sum().clamp_min(1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        running = 0.97 * running + 0.03 * loss.item() if step else loss.item()
        if (step + 1) % 50 == 0:
            spent = time.monotonic() - begun
            print(f"ending: step {step + 1}, loss {running:.3f}, {spent:.0f} s", flush=True)
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part")
    torch.save(ending.state_dict(), part)
    part.replace(file)
    return ending


def untouched_names(maps: Maps, rows: int, threads: int = 2) -> Floats:
    """(rows, 1000): ImageNet's own distribution, which the tuned tower is held to."""
    ending = Ending()
    seen = features_of(ending, maps, np.arange(rows), CLEAN, threads)
    weight, bias = (t.detach().numpy() for t in (ending.classifier.weight, ending.classifier.bias))
    return softmax(seen @ weight.T + bias)
