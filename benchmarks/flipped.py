"""Flip labels of an index on purpose, and see whether `mistakes` finds them and verdicts hold.

    python -m benchmarks.flipped --index FOLDER --share 0.05

Works on a copy of the index. Prints one JSON line: how many of the flipped labels stand among the
first 2 n suspects, and the accuracy of each method on the test split before and after.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from pathlib import Path

import numpy as np

from mediclip_index import Index


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--share", type=float, default=0.05, help="of the support's labels")
    parser.add_argument("--split", default="test", help="what accuracy is measured on")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "index"
        shutil.copytree(options.index, folder)
        index = Index.open(folder)
        before = _accuracy(index, options.split)
        flipped = _flip(index, options.share, options.seed)
        after = _accuracy(index, options.split)
        suspects = [s.id for s in index.mistakes().suspect_labels]
    n = len(flipped)
    first = suspects[: 2 * n]
    print(
        json.dumps(
            {
                "flipped": n,
                "found_in_first_2n": len(flipped & set(first)),
                "recall_at_2n": len(flipped & set(first)) / n,
                "suspects": len(suspects),
                "accuracy_before": before,
                "accuracy_after": after,
            }
        )
    )


def _flip(index: Index, share: float, seed: int) -> set[int]:
    """Give a random share of the support another class's label; returns their ids."""
    classes = index.info().classes
    rows = index.search(where="label is not null", k=10_000).results
    voters = [r for r in rows if r.split not in ("tune", "calibrate", "val", "test")]
    dice = np.random.default_rng(seed)
    chosen = dice.choice(len(voters), round(share * len(voters)), replace=False)
    by_label: dict[str, list[int]] = {}
    for place in chosen.tolist():
        hit = voters[place]
        others = [c for c in classes if c != hit.label]
        by_label.setdefault(others[int(dice.integers(len(others)))], []).append(hit.id)
    for label, ids in by_label.items():
        index.labels.set(label, ids)
    return {i for ids in by_label.values() for i in ids}


def _accuracy(index: Index, split: str) -> dict[str, float]:
    report = index.evaluate(split=split)
    return {name: m.accuracy.value for name, m in report.methods.items()}


if __name__ == "__main__":
    main()
