"""Do the images that `label next` proposes teach more than random ones?

    python -m benchmarks.next_labels --index FOLDER --budget 100 --seeds 10 [--orders 10]

Whole sources are left out in eight folds; of the other sources' support, taken for unlabelled, 100
images are labelled, once by the proposals and once at random for each seed. Prints one JSON line:
the accuracy on the left-out sources of neighbours and blend, mean over the folds' images; for the
random choice with the 95 % interval of its mean over the seeds. How sources are dealt to folds is
drawn: with several orders all figures are means over them, and `gain` is by how much the proposals
beat the random choice's mean in the same folds, with the interval of its mean over the orders.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy import stats

from mediclip_index import verdict
from mediclip_index.catalog import Catalog, models
from mediclip_index.evaluate.leave_one_out import Floats, Labelled, labelled, leave_one_out, predict
from mediclip_index.evaluate.propose import choose
from mediclip_index.session.session import Session
from mediclip_index.types import Ids, Settings

FOLDS = 8
ORDER = 7  # the seed of the first order
METHODS = ("neighbours", "blend")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--budget", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--orders", type=int, default=1, help="ways to deal sources to folds")
    parser.add_argument("--prompts", help="a weaker prompt set shows more of what labels teach")
    options = parser.parse_args()
    session = Session(Catalog.open(options.index))
    with session.catalog.reading() as read:
        plain = verdict.in_cosines(models.settings(read), models.encoder(read).unrelated)
    settings = replace(plain, near=-1.0, calibration=None, references=False)
    data = labelled(session, settings, options.prompts)
    orders = range(ORDER, ORDER + options.orders)
    # (orders, methods) and (orders, seeds, methods)
    proposed = np.array([_accuracy(data, settings, options.budget, o, None) for o in orders])
    drawn = np.array(
        [
            [_accuracy(data, settings, options.budget, o, seed) for seed in range(options.seeds)]
            for o in orders
        ]
    )
    found = {
        "proposed": dict(zip(METHODS, proposed.mean(axis=0).tolist(), strict=True)),
        "random": _summary(drawn.mean(axis=0)),
    }
    if options.orders > 1:
        found["gain"] = _summary(proposed - drawn.mean(axis=1))
    print(json.dumps(found))


def _accuracy(
    data: Labelled, settings: Settings, budget: int, order: int, seed: int | None
) -> list[float]:
    """By each of METHODS, with the proposals (no seed) or with a random choice."""
    sources = sorted(set(data.source.tolist()) - {""})
    dealt = np.random.default_rng(order).permutation(len(sources))
    hits: list[tuple[np.ndarray, ...]] = []
    for fold in range(FOLDS):
        out = {sources[n] for n in dealt[fold::FOLDS]}
        asked = np.flatnonzero(np.isin(data.source, list(out)))
        pool = np.flatnonzero(data.votes & ~np.isin(data.source, list(out)))
        chosen = _choose(data, pool, budget, seed, settings.beta)
        found = predict(leave_one_out(data, asked, support=chosen), settings)
        told = (found.votes, found.blend)
        hits.append(tuple(p.argmax(axis=1) == data.truth[asked] for p in told))
    return [float(np.concatenate(parts).mean()) for parts in zip(*hits, strict=True)]


def _choose(data: Labelled, pool: Ids, budget: int, seed: int | None, beta: float) -> Ids:
    if seed is not None:
        return np.sort(np.random.default_rng(seed).choice(pool, budget, replace=False))
    nothing = np.zeros((0, data.vectors.shape[1]), np.float32)
    return np.sort(pool[choose(data.vectors[pool], nothing, budget, beta)])


def _summary(runs: Floats) -> dict[str, dict[str, float]]:
    """The mean over runs (n, methods) and its 95 % interval."""
    found = {}
    for name, values in zip(METHODS, runs.T, strict=True):
        half = stats.t.ppf(0.975, len(values) - 1) * stats.sem(values) if len(values) > 1 else 0.0
        mean = float(values.mean())
        found[name] = {"mean": mean, "low": mean - float(half), "high": mean + float(half)}
    return found


if __name__ == "__main__":
    main()
