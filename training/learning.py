"""Everything that is fitted on pictures, for any choice of which may be learned from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from training.bench_rows import Row
from training.ending import Ending, Mask, Tuning, features_of, tuned, untouched_names
from training.features import CLEAN, Floats, Indices, Maps, imagenet_head
from training.heads import EmbedTexts, Lesson, Recipe, fit, prepare, with_one
from training.model import RAW_DIM
from training.space import unit
from training.yardstick import folds_of


@dataclass(frozen=True)
class Ground:
    """What all fits have in common. `copies` random copies are shown to the projection (the ending
    sees all that there are)."""

    rows: Sequence[Row]
    maps: Maps
    embed: EmbedTexts
    write: Path
    tuning: Tuning = field(default_factory=Tuning)
    recipe: Recipe = field(default_factory=Recipe)
    copies: int = 2
    threads: int = 2

    @property
    def learned(self) -> Mask:
        return np.array([row.learned for row in self.rows])


@dataclass(frozen=True)
class Learned:
    """A fitted image tower: its ending, the projection (1281, dim) and all rows' unit vectors."""

    ending: Ending
    projection: Floats
    pictures: Floats


def names_of(ground: Ground) -> Floats:
    """(rows, 1000): what the untouched tower's classifier says; kept in the work folder."""
    file = ground.write / "named.npy"
    if not file.exists():
        np.save(file, untouched_names(ground.maps, len(ground.rows), ground.threads))
    found: Floats = np.load(file)
    return found


def learn(ground: Ground, keep: Mask, name: str) -> Learned:
    """Fit on the rows in `keep` alone; `name` is under what the work folder keeps the ending and
    its features."""
    named = names_of(ground)
    ending = tuned(
        ground.rows, ground.maps, keep, named, ground.tuning, ground.write / f"endings/{name}.pt"
    )
    clean, copies = _features(ground, ending, name)
    lesson = _lesson(ground, keep, named, clean, copies)
    projection = fit(lesson, np.ones(int(keep.sum()), dtype=bool), RAW_DIM, ground.recipe)
    return Learned(ending, projection, unit(with_one(clean) @ projection))


def families_left_out(
    ground: Ground, pairs: Sequence[tuple[int, ...]]
) -> Iterator[tuple[Indices, Mask, Learned]]:
    """For each set of folds: the rows in them, what was learned from, and a model that never saw
    them."""
    folds = folds_of(ground.rows)
    for out in pairs:
        keep = ground.learned & ~np.isin(folds, out)
        name = f"without-{'+'.join(map(str, out))}-{ground.tuning.steps}"
        yield np.flatnonzero(np.isin(folds, out)), keep, learn(ground, keep, name)


def _features(ground: Ground, ending: Ending, name: str) -> tuple[Floats, list[Floats]]:
    file = ground.write / f"features/{name}.npz"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        every, learned = np.arange(len(ground.rows)), np.flatnonzero(ground.learned)
        made = {"clean": features_of(ending, ground.maps, every, CLEAN, ground.threads)}
        for copy in range(ground.copies):
            made[f"c{copy}"] = features_of(ending, ground.maps, learned, copy, ground.threads)
        np.savez(file, **{key: value.astype(np.float16) for key, value in made.items()})  # type: ignore[arg-type]
    with np.load(file) as kept:
        read = {key: kept[key].astype(np.float32) for key in kept}
    return read["clean"], [read[f"c{copy}"] for copy in range(ground.copies)]


def _lesson(
    ground: Ground, keep: Mask, named: Floats, clean: Floats, copies: Sequence[Floats]
) -> Lesson:
    place = np.cumsum(ground.learned) - 1
    kept = np.flatnonzero(keep)
    shown = np.stack([clean[kept], *(copy[place[kept]] for copy in copies)])
    rows = [ground.rows[n] for n in kept.tolist()]
    return prepare(rows, shown, ground.embed, imagenet_head(), named[kept], ground.recipe)
