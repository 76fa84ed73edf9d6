"""Does a class win verdicts by the mere number of its labels?

    python -m benchmarks.imbalance --index FOLDER [--times 10]

Thins one class's support to a tenth, in turn and at random, and judges the test split with what is
left. Prints one JSON line: balanced accuracy of neighbours and blend with the whole support and
with each class thinned (mean and range over the seeds); and of constructed pictures half-way
between two clouds of vectors the share that goes to the first, where both are of one size and where
either is of so many times the other's.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from mediclip_index import verdict
from mediclip_index.catalog import Catalog, models
from mediclip_index.evaluate.leave_one_out import Labelled, labelled, leave_one_out, predict
from mediclip_index.session.session import Session
from mediclip_index.types import Ids, Settings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--times", type=int, default=10, help="how much less a class gets")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--split", default="test")
    options = parser.parse_args()
    session = Session(Catalog.open(options.index))
    with session.catalog.reading() as read:
        plain = verdict.in_cosines(models.settings(read), models.encoder(read).unrelated)
    settings = replace(plain, calibration=None, references=False)
    data = labelled(session, settings)
    places, support = data.places(options.split), np.flatnonzero(data.votes)
    found: dict[str, object] = {"whole": _balanced(data, settings, places, support)}
    for c, name in enumerate(data.classes):
        runs = []
        for seed in range(options.seeds):
            own = support[data.truth[support] == c]
            dice = np.random.default_rng(seed)
            kept = dice.choice(own, len(own) // options.times, replace=False)
            thinned = np.sort(np.concatenate([support[data.truth[support] != c], kept]))
            runs.append(_balanced(data, settings, places, thinned))
        found[f"{name} thinned"] = {
            how: {
                "mean": float(np.mean([run[how] for run in runs])),
                "least": min(run[how] for run in runs),
                "most": max(run[how] for run in runs),
            }
            for how in runs[0]
        }
    found["between two clouds"] = {
        f"{first} to {second}": float(
            np.mean([_between(first, second, settings, seed) for seed in range(options.seeds)])
        )
        for first, second in ((100, 100), (100 * options.times, 100), (100, 100 * options.times))
    }
    print(json.dumps(found))


def _between(first: int, second: int, settings: Settings, seed: int) -> float:
    dice = np.random.default_rng(seed)
    centres = np.eye(2, 32)

    def around(centre: np.ndarray, count: int) -> np.ndarray:
        return verdict.unit(centre + 0.18 * dice.standard_normal((count, 32)))

    support = np.concatenate([around(centres[0], first), around(centres[1], second)])
    classes, counts = np.repeat([0, 1], [first, second]), np.array([first, second])
    cosines = (around(centres.mean(axis=0), 1_000) @ support.T).astype(np.float32)
    order = np.argsort(-cosines, axis=1)[:, : settings.k]
    near = np.take_along_axis(cosines, order, axis=1)
    weights = verdict.vote_weights(near, classes[order], counts, beta=settings.beta, near=-1.0)
    shares, _ = verdict.votes(weights, classes[order], counts)
    return float((shares[:, 0] > 0.5).mean())


def _balanced(data: Labelled, settings: Settings, places: Ids, support: Ids) -> dict[str, float]:
    said = predict(leave_one_out(data, places, support=support), settings)
    truth = data.truth[places]
    return {
        how: float(
            np.mean([(p.argmax(axis=1) == truth)[truth == c].mean() for c in np.unique(truth)])
        )
        for how, p in (("neighbours", said.votes), ("blend", said.blend))
    }


if __name__ == "__main__":
    main()
