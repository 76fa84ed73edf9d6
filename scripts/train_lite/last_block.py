"""Does tuning the end of the image tower pay? `python scripts/train_lite/last_block.py --data DIR`

An experiment: nothing that ships is made here. Trained are the way out of the last block and the
wide convolution after it, together with the projection, by the losses that the projection is fitted
with. All before is frozen, so its maps are made once. The tuned features are held to the frozen
ones, and the tuned weights drawn back half-way to the frozen ones (WiSE-FT, Wortsman et al. 2022):
what is far from every training picture should stay where ImageNet put it.

Prints accuracy on left-out sources (8 folds), frozen and tuned, and the difference over sources
with its standard error. To be cheap it takes at most 50 pictures a source and one random copy of
each, so its figures lie below those of the whole training: the difference is what counts.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from assemble import read
from augment import SIDE
from bench_rows import Row, read_rows
from features import BATCH, CLEAN, imagenet_head, lite0, pixels_of
from heads import (
    Lesson,
    Recipe,
    chances,
    fit_captions,
    lesson_loss,
    prepare,
    raw_part,
    refine,
    with_one,
)
from judge import Blend, Words, sources_left_out
from model import RAW_DIM
from space import unit
from student import TextTower, embed
from torch.nn import functional

Floats = npt.NDArray[np.float32]
Maps = npt.NDArray[np.float16]
Mask = npt.NDArray[np.bool_]
State = dict[str, torch.Tensor]
PACKAGE = Path(__file__).parents[2] / "mediclip_index"
SHIPPED = PACKAGE / "prompts" / "sets" / "medical.toml"
MOST = 50  # pictures a source
BLOCK = 256  # pictures at a time where nothing is learned
TUNED = ("block.conv_pwl.weight", "block.bn3.weight", "block.bn3.bias",
         "conv_head.weight", "bn2.weight", "bn2.bias")  # fmt: skip


@dataclass(frozen=True)
class Tuning:
    """How the ending is tuned."""

    steps: int = 60
    batch: int = 96
    rate: float = 3e-4  # of the tower's weights; the projection has the recipe's own
    hold: float = 1.0  # on the squared distance to the frozen features, in their deviations
    places: int = 16  # of the map's 49 that a step looks at


class Ending(torch.nn.Module):
    """Maps (n, 192, 7, 7) to features (n, 1280), with the tower's own weights to start with."""

    def __init__(self) -> None:
        super().__init__()
        tower: Any = lite0()
        self.block: Any = tower.blocks[-1][0]
        self.conv_head: Any = tower.conv_head
        self.bn2: Any = tower.bn2
        for name, weight in self.named_parameters():
            weight.requires_grad_(name in TUNED)
        self.eval()

    def widened(self, maps: torch.Tensor) -> torch.Tensor:
        """The part that stays frozen: (n, 1152, 7, 7)."""
        with torch.no_grad():
            wide = self.block.bn1(self.block.conv_pw(maps))
            found: torch.Tensor = self.block.bn2(self.block.conv_dw(wide))
            return found

    def narrowed(self, wide: torch.Tensor) -> torch.Tensor:
        """The part that is tuned: the mean over the places (n, 1152, height, width) given."""
        narrow = self.block.bn3(self.block.conv_pwl(wide))
        found: torch.Tensor = self.bn2(self.conv_head(narrow)).mean((2, 3))
        return found

    def state(self) -> State:
        """The weights that are tuned."""
        return {n: w.detach().clone() for n, w in self.named_parameters() if n in TUNED}


def main() -> None:
    """Parse the command line, make the maps, judge."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    data = os.environ.get("MEDICLIP_BENCH")
    parser.add_argument("--data", type=Path, default=data, required=data is None)
    parser.add_argument("--work", type=Path, default=Path("lite-work"))
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.work.mkdir(parents=True, exist_ok=True)
    rows = _some(read_rows(options.data))
    maps = [_maps(rows, copy, options.work, options.threads) for copy in (CLEAN, 0)]
    tower = TextTower(read(PACKAGE / "encoding" / "lite")).eval()
    recipe = replace(Recipe(), steps=120, batch=192)
    features = np.stack([features_of(Ending(), each) for each in maps])
    lesson = prepare(rows, features, lambda t: embed(tower, t), imagenet_head(), recipe)
    words = Words.of(lambda t: np.pad(embed(tower, t), ((0, 0), (0, RAW_DIM))), SHIPPED)
    tunings: dict[bytes, tuple[Floats, State, Floats]] = {}

    def vectors(out: Mask, share: float, tower_too: bool = True) -> tuple[Floats, Any]:
        keep = ~out
        if out.tobytes() not in tunings:
            start = refine(lesson, keep, fit_captions(lesson, keep, recipe), recipe)
            tunings[out.tobytes()] = (start, *tune(lesson, maps, keep, start, recipe, Tuning()))
        start, state, turn = tunings[out.tobytes()]
        ending = Ending()
        if tower_too:
            first = ending.state()
            drawn = {name: torch.lerp(first[name], state[name], share) for name in first}
            ending.load_state_dict(drawn, strict=False)
        turn = start + share * (turn - start)
        seen = replace(lesson, features=features_of(ending, maps[0])[None])
        whole = np.concatenate([turn, raw_part(seen, keep, turn, RAW_DIM, recipe)], axis=1)
        return unit(with_one(seen.features[0]) @ whole), np.flatnonzero(keep)

    variants: dict[str, Callable[[Mask], tuple[Floats, Any]]] = {
        "frozen": lambda out: vectors(out, 0.0),
        "frozen, as many steps more on the projection": lambda out: vectors(out, 1.0, False),
        "tuned, drawn back half-way": lambda out: vectors(out, 0.5),
        "tuned": lambda out: vectors(out, 1.0),
    }
    before: dict[str, Floats] = {}
    for name, embed_without in variants.items():
        found, _ = sources_left_out(rows, embed_without, words, 40.0, Blend())
        for method in ("words", "blend"):
            each = np.array([f[method] for f in found.values()], dtype=np.float32)
            gain = each - before.setdefault(method, each)
            error = gain.std(ddof=1) / len(gain) ** 0.5
            print(f"{name}, {method}: {each.mean():.4f}, gain {gain.mean():+.4f} +- {error:.4f}")


def features_of(ending: Ending, maps: Maps) -> Floats:
    """(n, 1280) of all maps."""
    found = np.empty((len(maps), 1280), np.float32)
    with torch.inference_mode():
        for start in range(0, len(maps), BLOCK):
            some = torch.from_numpy(maps[start : start + BLOCK].astype(np.float32))
            found[start : start + len(some)] = ending.narrowed(ending.widened(some)).numpy()
    return found


def tune(
    lesson: Lesson, maps: list[Maps], keep: Mask, start: Floats, recipe: Recipe, tuning: Tuning
) -> tuple[State, Floats]:
    """Tuned weights and the projection (1281, dim) that was tuned with them, neither drawn back.

    `maps[copy][n]` belong to `lesson.features[copy, n]`, the frozen tower's features.
    """
    dice = np.random.default_rng(0)
    places = np.flatnonzero(keep)
    chance = chances(lesson, keep, recipe)
    ending, frozen = Ending(), Ending()
    turn = torch.from_numpy(start.copy()).requires_grad_()
    sharpness = torch.tensor(np.log(20.0), dtype=torch.float32, requires_grad=True)
    groups: list[dict[str, Any]] = [
        {"params": [w for w in ending.parameters() if w.requires_grad], "base": tuning.rate},
        {"params": [turn], "base": recipe.rate},
        {"params": [sharpness], "base": 1e-2},
    ]
    optimizer = torch.optim.Adam(groups, lr=0.0)
    deviation = torch.from_numpy(lesson.features[0][keep].std(0) + 0.05)
    for step in range(tuning.steps):
        ease = 0.5 * (1 + np.cos(np.pi * step / tuning.steps)) * min(1.0, (step + 1) / 20)
        for group in optimizer.param_groups:
            group["lr"] = group["base"] * ease
        rows = dice.choice(places, tuning.batch, p=chance)
        copies = dice.integers(0, len(maps), tuning.batch)
        shown = np.stack([maps[c][r] for c, r in zip(copies, rows, strict=True)])
        with torch.autocast("cpu", torch.bfloat16):
            wide = ending.widened(torch.from_numpy(shown.astype(np.float32)))
            wide = wide.flatten(2)[:, :, dice.permutation(49)[: tuning.places]].unsqueeze(-1)
            with torch.no_grad():
                held = frozen.narrowed(wide).float()
            features = ending.narrowed(wide).float()
        ones = torch.ones(len(features), 1)
        seen = functional.normalize(torch.cat([features, ones], 1) @ turn, dim=1)
        known = lesson.features[copies, rows]
        loss = lesson_loss(lesson, rows, known, seen, sharpness, recipe, dice)
        loss = loss + tuning.hold * ((features - held) / deviation).square().mean()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return ending.state(), turn.detach().numpy()


def _some(rows: list[Row]) -> list[Row]:
    """Learned rows, at most `MOST` of a source, chosen by chance."""
    dice = np.random.default_rng(0)
    places: dict[str, list[int]] = {}
    for n, row in enumerate(rows):
        if row.learned:
            places.setdefault(row.source, []).append(n)
    chosen = [own[i] for own in places.values() for i in dice.permutation(len(own))[:MOST]]
    return [rows[n] for n in sorted(chosen)]


def _maps(rows: list[Row], copy: int, work: Path, threads: int) -> Maps:
    """What the last block takes in, (rows, 192, 7, 7); kept in `work`."""
    import openvino as ov

    file = work / f"maps-{'clean' if copy == CLEAN else f'copy-{copy:02d}'}.npy"
    if not file.exists():
        tower: Any = lite0()

        class Trunk(torch.nn.Module):
            def forward(self, pixels: torch.Tensor) -> torch.Tensor:
                stem = tower.bn1(tower.conv_stem(pixels / 127.5 - 1.0))
                maps: torch.Tensor = tower.blocks[:-1](stem)
                return maps

        with torch.inference_mode():
            graph = ov.convert_model(Trunk(), example_input=torch.zeros(BATCH, 3, SIDE, SIDE))
        options = {"INFERENCE_PRECISION_HINT": "bf16", "INFERENCE_NUM_THREADS": threads}
        compiled = ov.Core().compile_model(graph, "CPU", {**options, "ENABLE_CPU_PINNING": False})
        found = np.empty((len(rows), 192, 7, 7), np.float16)
        for start in range(0, len(rows), BATCH):
            batch = [pixels_of(row.path, copy) for row in rows[start : start + BATCH]]
            pixels = np.stack(batch).astype(np.float32).transpose(0, 3, 1, 2)
            found[start : start + len(batch)] = compiled(np.ascontiguousarray(pixels))[0]
        part = file.with_suffix(".part.npy")
        np.save(part, found)
        part.replace(file)
    maps: Maps = np.load(file, mmap_mode="r")
    return maps


if __name__ == "__main__":
    main()
