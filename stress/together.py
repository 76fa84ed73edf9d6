"""Many at one index at once: a builder, four queriers, a labeller and a searcher, for a while.

    python -m stress.together --seconds 60

Each runs the command again and again. No command may fail; at the end every verdict that was told
is kept once (in the chain or the spool), the chain holds, and each vector is its picture's own.
Prints one JSON line; ends with 1 where anything was found.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"  # a parent that forks must have no threads of its own

from stress.forking import Ended, in_child, run, start, wait
from stress.holding import Vectors, snapshot, verdict_ids
from stress.piles import fill, write_labels, write_model

QUERIERS = 4


def work_together(folder: Path, seconds: float, seed: int) -> dict[str, object]:
    """Run all workers for `seconds`; returns counts, errors and findings."""
    chance = random.Random(seed)
    pile, asked, index = folder / "pile", folder / "asked", folder / "index"
    model = in_child(lambda: write_model(folder / "model"), folder)
    built = fill(pile, 60, chance)
    fill(asked, 12, chance, prefix="q")
    at = ("--index", str(index))
    first = run((*at, "build", "--json", "--model", model, str(pile)), folder)
    if first.code:
        raise SystemExit(first.err)

    def build() -> tuple[str, ...]:
        fill(pile, 4, chance)
        return ("build", "--json", str(pile))

    def label() -> tuple[str, ...]:
        write_labels(folder / "labels.csv", chance.sample(built, 40), chance)
        return ("label", "import", "--keep-columns", "--json", str(folder / "labels.csv"))

    def query() -> tuple[str, ...]:
        return ("query", "--json", *map(str, chance.sample(sorted(asked.iterdir()), 2)))

    def search() -> tuple[str, ...]:
        return ("search", "--json", "a photo", "-k", "5", "--where", "id % 2 = 0")

    jobs: list[tuple[str, Callable[[], tuple[str, ...]]]] = [
        ("build", build), ("label import", label), ("search", search),
        *[("query", query)] * QUERIERS,
    ]  # fmt: skip
    done: Counter[str] = Counter()
    errors: list[str] = []
    told: list[str] = []

    def settle(name: str, ended: Ended) -> None:
        done[name] += 1
        if ended.code or ended.err.strip():
            errors.append(f"{name}: {ended.code} {ended.err.strip()[-300:]}")
        elif name == "query":
            told.extend(verdict_ids(ended.out))

    running = {place: start((*at, *make()), folder) for place, (_, make) in enumerate(jobs)}
    until = time.monotonic() + seconds
    while running:
        for place, started in list(running.items()):
            if not _over(started.pid):
                continue
            settle(jobs[place][0], wait(started))
            del running[place]
            if time.monotonic() < until:
                running[place] = start((*at, *jobs[place][1]()), folder)
        time.sleep(0.01)
    vectors = Vectors(model)
    vectors.known = in_child(lambda: vectors.learn([*pile.iterdir()]), folder)
    seen = in_child(lambda: snapshot(index, vectors.known), folder)
    kept = [i for i, _ in seen.chain] + sorted(seen.spool - {i for i, _ in seen.chain})
    findings = list(seen.findings)
    if sorted(kept) != sorted(told):
        findings.append(f"{len(told)} verdicts were told, {len(kept)} are kept")
    return {
        "operations": dict(done),
        "errors": len(errors),
        "first_errors": errors[:3],
        "verdicts_told": len(told),
        "in_chain": len(seen.chain),
        "in_spool": len(seen.spool),
        "images": len(seen.images),
        "findings": findings[:5],
    }


def _over(pid: int) -> bool:
    """Whether a child has ended; it stays to be waited for."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    place = Path(tempfile.mkdtemp(prefix="together-"))
    try:
        report = work_together(place, options.seconds, options.seed)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    print(json.dumps({**report, "seconds": options.seconds, "seed": options.seed}))
    sys.exit(bool(report["errors"] or report["findings"]))


if __name__ == "__main__":
    import duckdb  # noqa: F401  imported once, before any fork
    import faiss  # noqa: F401
    import open_clip  # noqa: F401

    import mediclip_index.index  # noqa: F401

    main()
