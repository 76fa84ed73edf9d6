"""The yardstick: whole families of sources left out, and figures that give each source its say.

Sources that save one data set again are one family (`source_families.csv`), and a family is left
out whole. Each kind of picture is spread over as many folds as it has families, so that leaving a
fold out leaves others of its kind to learn from, wherever there are any.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.bench_rows import Row

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
FOLDS = 8
DRAWS = 1000


@dataclass(frozen=True)
class Figure:
    """A value with its 95 % interval, by bootstrap over families."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{100 * self.value:.1f} % ({100 * self.low:.1f} to {100 * self.high:.1f})"


def folds_of(rows: Sequence[Row], count: int = FOLDS, seed: int = 3) -> Indices:
    """(n,): the fold that leaves a row's family out; -1 where nothing is learned from the row."""
    families: dict[str, Counter[str]] = defaultdict(Counter)
    medical: dict[str, bool] = {}
    for row in rows:
        if row.split in ("train", "support"):
            families[row.family][row.category] += 1
            medical.setdefault(row.family, row.label == "medical")
    homes = Counter(kind for kinds in families.values() for kind in kinds)
    dice = np.random.default_rng(seed)
    luck = {family: dice.random() for family in families}
    held: dict[str, Floats] = defaultdict(lambda: np.zeros(count))
    sides = {True: np.zeros(count), False: np.zeros(count)}
    size = np.zeros(count)
    place: dict[str, int] = {}
    # Families of the rarest kinds choose first: they have the fewest ways of lying apart.
    for family in sorted(
        families, key=lambda f: (min(homes[kind] for kind in families[f]), luck[f])
    ):
        crowding = sum((held[kind] for kind in families[family]), np.zeros(count))
        cost = 100 * crowding + 3 * sides[medical[family]] + size / 200 + dice.random(count) / 100
        chosen = int(cost.argmin())
        place[family] = chosen
        size[chosen] += families[family].total()
        sides[medical[family]][chosen] += 1
        for kind in families[family]:
            held[kind][chosen] += 1
    return np.array(
        [place[row.family] if row.split in ("train", "support") else -1 for row in rows],
        dtype=np.int64,
    )


def report(rows: Sequence[Row], medical: Floats, draws: int = DRAWS) -> dict[str, Figure]:
    """What probabilities (n,) of being medical are worth on these rows: mean over sources, over
    kinds, over pictures, both classes alike (balanced), medical recall over sources and over
    pictures, and pictures answered wrongly at more than 90 %."""
    truth = np.array([row.label == "medical" for row in rows])
    hits = (medical > 0.5) == truth
    surely = ~hits & (np.abs(medical - 0.5) > 0.4)
    by_source, by_kind = _groups(row.source for row in rows), _groups(row.category for row in rows)

    def figures(among: Indices) -> dict[str, float]:
        hit, true = hits[among], truth[among]
        sources = _means(hit, by_source[among])
        of_medical = _means(hit[true], by_source[among][true])
        recall, others = _mean(hit[true]), _mean(hit[~true])
        return {
            "mean over sources": sources,
            "mean over kinds": _means(hit, by_kind[among]),
            "pictures": float(hit.mean()),
            "balanced": (recall + others) / 2,
            "medical recall, mean over sources": of_medical,
            "medical recall, pictures": recall,
            "other, mean over sources": _means(hit[~true], by_source[among][~true]),
            "wrong, surer than 90 %": float(surely[among].mean()),
        }

    return bootstrap(figures, [row.family for row in rows], draws)


def bootstrap(
    figures: Callable[[Indices], dict[str, float]], families: Sequence[str], draws: int
) -> dict[str, Figure]:
    """Figures of all rows, with percentile intervals over families drawn again and again (with
    replacement), since the pictures of one family are hardly more than one witness."""
    names = sorted(set(families))
    own = [np.flatnonzero(np.array(families) == name) for name in names]
    dice = np.random.default_rng(0)
    found = figures(np.arange(len(families)))
    drawn: dict[str, list[float]] = {key: [] for key in found}
    for _ in range(draws):
        among = np.concatenate([own[n] for n in dice.integers(0, len(own), len(own))])
        for key, value in figures(among).items():
            drawn[key].append(value)
    return {
        key: Figure(value, *(float(v) for v in np.nanpercentile(drawn[key], (2.5, 97.5))))
        for key, value in found.items()
    }


def _groups(names: object) -> Indices:
    found: Indices = np.unique(np.array(list(names)), return_inverse=True)[1]  # type: ignore[call-overload]
    return found


def _mean(hits: Mask) -> float:
    return float(hits.mean()) if len(hits) else float("nan")


def _means(hits: Mask, groups: Indices) -> float:
    """The mean of the groups' means."""
    if len(hits) == 0:
        return float("nan")
    totals = np.bincount(groups)
    there = totals > 0
    return float((np.bincount(groups, hits)[there] / totals[there]).mean())
