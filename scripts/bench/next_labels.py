"""Do the images that `label next` proposes teach more than random ones?

    python scripts/bench/next_labels.py --index FOLDER --budget 100 --seeds 10

Whole sources are left out in eight folds; of the other sources' support, taken for unlabelled, 100
images are labelled, once by the proposals and once at random for each seed. Prints one JSON line:
the accuracy on the left-out sources of neighbours and blend, mean over the folds' images; for the
random choice with the 95 % interval of its mean over the seeds.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy import stats

from mediclip_index import Index
from mediclip_index.assess.evidence import Labelled, gather, labelled, say
from mediclip_index.assess.proposing import choose
from mediclip_index.catalog import Catalog
from mediclip_index.jobs import Desk
from mediclip_index.terms import Ids, Settings

FOLDS = 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--budget", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--prompts", help="a weaker prompt set shows more of what labels teach")
    options = parser.parse_args()
    desk = Desk(Catalog.open(options.index))
    settings = replace(Index.open(options.index).info().settings, near=-1.0, calibration=None)
    data = labelled(desk, settings, options.prompts)
    proposed = _accuracy(data, settings, options.budget, None)
    drawn = [_accuracy(data, settings, options.budget, seed) for seed in range(options.seeds)]
    print(json.dumps({"proposed": proposed, "random": _summary(drawn)}))


def _accuracy(
    data: Labelled, settings: Settings, budget: int, seed: int | None
) -> dict[str, float]:
    """With the proposals (no seed) or with a random choice."""
    sources = sorted(set(data.source.tolist()) - {""})
    order = np.random.default_rng(7).permutation(len(sources))
    hits: dict[str, list[np.ndarray]] = {"neighbours": [], "blend": []}
    for fold in range(FOLDS):
        out = {sources[n] for n in order[fold::FOLDS]}
        asked = np.flatnonzero(np.isin(data.source, list(out)))
        pool = np.flatnonzero(data.votes & ~np.isin(data.source, list(out)))
        chosen = _choose(data, pool, budget, seed, settings.beta)
        found = say(gather(data, asked, support=chosen), settings)
        hits["neighbours"].append(found.votes.argmax(axis=1) == data.truth[asked])
        hits["blend"].append(found.blend.argmax(axis=1) == data.truth[asked])
    return {name: float(np.concatenate(parts).mean()) for name, parts in hits.items()}


def _choose(data: Labelled, pool: Ids, budget: int, seed: int | None, beta: float) -> Ids:
    if seed is not None:
        return np.sort(np.random.default_rng(seed).choice(pool, budget, replace=False))
    nothing = np.zeros((0, data.vectors.shape[1]), np.float32)
    return np.sort(pool[choose(data.vectors[pool], nothing, budget, beta)])


def _summary(drawn: list[dict[str, float]]) -> dict[str, dict[str, float]]:
    found = {}
    for name in drawn[0]:
        values = np.array([run[name] for run in drawn])
        half = stats.t.ppf(0.975, len(values) - 1) * stats.sem(values) if len(values) > 1 else 0.0
        mean = float(values.mean())
        found[name] = {"mean": mean, "low": mean - float(half), "high": mean + float(half)}
    return found


if __name__ == "__main__":
    main()
