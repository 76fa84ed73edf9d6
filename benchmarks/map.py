"""The map of a large index: time, memory, and how well it keeps what is alike together.

    python -m benchmarks.map --size 100000 --work FOLDER

FOLDER is an index of at least that size, or where one of synthetic images is made
(`benchmarks.synthetic_index`). A process of its own makes the map, and its peak memory is told;
another opens it. Trustworthiness is that of scikit-learn on 5,000 images; `kept` is the share of
the ten nearest of 1,000 images, among 20,000, that are among the ten nearest on the map. Both are
told of landmarks and of placed images apart. Prints one JSON line.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import numpy as np

from mediclip_index import Index, neighbours
from mediclip_index.types import Ids, Vectors

TRUST, KEPT, AMONG = 5_000, 1_000, 20_000
NEAREST = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=100_000)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--pictures", type=Path, help="for the index, where there is none")
    parser.add_argument("--landmarks", type=int, default=50_000)
    parser.add_argument("--part", choices=["make", "open"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part is not None:
        print(json.dumps(_make(options) if options.part == "make" else _open(options.work)))
        return
    if not Index.exists(options.work):
        command = ["-m", "benchmarks.synthetic_index", "--size", str(options.size)]
        command += ["--into", str(options.work)]
        command += ["--pictures", str(options.pictures)] if options.pictures else []
        subprocess.run([sys.executable, *command], check=True)
    figures = {"size": options.size, "landmarks": options.landmarks, "load": os.getloadavg()[0]}
    for part in ("make", "open"):
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.map", *sys.argv[1:], "--part", part],
            check=True, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        figures |= json.loads(done.stdout.splitlines()[-1])
    kept = neighbours.read_map(options.work)
    index = Index.open(options.work)
    figures |= _quality(index, "landmarks", kept.landmark_ids, kept.landmark_xy)
    figures |= _quality(index, "placed", kept.placed_ids, kept.placed_xy)
    print(json.dumps(figures))


class _Timed:
    """Progress as seconds a step."""

    def __init__(self) -> None:
        self.steps: dict[str, float] = {}

    def start(self, what: str, total: int | None) -> None:
        self._what, self._since = what, time.perf_counter()

    def advance(self, count: int) -> None:
        return None

    def finish(self) -> None:
        self.steps[f"{self._what}_s"] = round(time.perf_counter() - self._since, 1)


def _make(options: argparse.Namespace) -> dict[str, float]:
    index, progress = Index.open(options.work), _Timed()
    before = _peak()
    since, cpu = time.perf_counter(), time.process_time()
    index.map.make(landmarks=options.landmarks, anew=True, progress=progress)
    return {
        "make_s": round(time.perf_counter() - since, 1),
        "make_cpu_s": round(time.process_time() - cpu, 1),
        **progress.steps,
        "idle_mb": before,
        "peak_mb": _peak(),
        "file_mb": round((options.work / neighbours.MAP).stat().st_size / 1e6, 1),
    }


def _open(work: Path) -> dict[str, float]:
    """How long a page waits for all points, and for the place of one new picture."""
    index = Index.open(work)
    figures = {}
    for name in ("first", "second"):
        since = time.perf_counter()
        shown = index.map.points()
        figures[f"points_{name}_s"] = round(time.perf_counter() - since, 3)
    assert shown is not None
    query = index.vectors([int(shown.ids[len(shown.ids) // 2])])
    for name in ("first", "second"):
        since = time.perf_counter()
        index.map.place(query)
        figures[f"place_{name}_s"] = round(time.perf_counter() - since, 3)
    return {**figures, "shown": len(shown.ids), "unchanged_s": _unchanged(index)}


def _unchanged(index: Index) -> float:
    since = time.perf_counter()
    assert index.map.make().made == "unchanged"
    return round(time.perf_counter() - since, 2)


def _quality(index: Index, name: str, ids: Ids, xy: Vectors) -> dict[str, float]:
    from sklearn.manifold import trustworthiness

    rng = np.random.default_rng(0)
    rows = np.sort(rng.choice(len(ids), min(len(ids), AMONG), replace=False))
    if len(rows) <= NEAREST:
        return {}
    vectors, xy = index.vectors(ids[rows].tolist()), xy[rows]
    some = rng.choice(len(rows), min(len(rows), TRUST), replace=False)
    trust = trustworthiness(vectors[some], xy[some], n_neighbors=NEAREST)
    shares = []
    for row in some[:KEPT]:
        near = np.argsort(-(vectors @ vectors[row]))[: NEAREST + 1]
        shown = np.argsort(((xy - xy[row]) ** 2).sum(axis=1))[: NEAREST + 1]
        shares.append(len(set(near) & set(shown) - {row}) / NEAREST)
    return {
        f"trust_{name}": round(float(trust), 4),
        f"kept_{name}": round(float(np.mean(shares)), 3),
    }


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    main()
