"""Neighbour files against the number of vectors: size, time, memory and recall.

    python -m benchmarks.search --sizes 10000,100000,1000000

Clustered synthetic vectors (clusters of unequal size, each spread along directions of its own)
stand in a DuckDB table as an index keeps them, a file is made of them by the neighbours room, and a
fresh process opens it and asks single queries drawn from the same clusters. Exact answers come from
brute force over all. Prints one JSON line a size. `ranking` is where the true vectors for a
compressed file's short list came from: the catalog (as in use), or, for comparison, with `--ranking
float16` a memory-mapped file of half-precision numbers, whose size is then in `file_mb`.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import faiss
import numpy as np

from mediclip_index import neighbours
from mediclip_index.catalog import Catalog, ann_files, images, models
from mediclip_index.catalog.files import alive
from mediclip_index.catalog.rows import insert_vectors
from mediclip_index.jobs.ann_index import vector_source_of
from mediclip_index.neighbours import VectorIndex
from mediclip_index.session.session import Session
from mediclip_index.types import Ids, Vectors

PIECE = 16_384
CLUSTERS = 2_000
SPREAD = 32  # directions that a cluster is spread along


class Clusters:
    """Where vectors are drawn from."""

    def __init__(self, dim: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.dim = dim
        self._centres = _unit(rng.standard_normal((CLUSTERS, dim), dtype=np.float32))
        self._directions = rng.standard_normal((CLUSTERS, SPREAD, dim), dtype=np.float32)
        self._directions /= np.sqrt(np.float32(SPREAD * dim))
        weights = np.arange(1, CLUSTERS + 1) ** -0.5
        self._weights = weights / weights.sum()

    def draw(self, count: int, seed: int) -> Vectors:
        rng = np.random.default_rng(seed)
        own = np.sort(rng.choice(CLUSTERS, count, p=self._weights))
        rows = rng.standard_normal((count, self.dim), dtype=np.float32)
        rows *= np.float32(0.2 / np.sqrt(self.dim))
        for cluster in np.unique(own):
            here = own == cluster
            along = rng.standard_normal((int(here.sum()), SPREAD), dtype=np.float32)
            rows[here] += self._centres[cluster] + 0.8 * along @ self._directions[cluster]
        return _unit(rows)[rng.permutation(count)]


def _unit(rows: Vectors) -> Vectors:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="10000,100000,1000000")
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--kind", default="auto", choices=["auto", "exact", "compressed"])
    parser.add_argument("--ranking", default="catalog", choices=["catalog", "float16"])
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--keep", type=Path, help="a folder to work in and to go on in")
    parser.add_argument("--phase", choices=list(PHASES), help=argparse.SUPPRESS)
    options = parser.parse_args()
    faiss.omp_set_num_threads(options.threads)
    if options.phase:
        print(json.dumps(PHASES[options.phase](options.keep, int(options.sizes), options)))
        return
    for size in options.sizes.split(","):
        with tempfile.TemporaryDirectory() as place:
            folder = options.keep / size if options.keep else Path(place)
            line: dict[str, object] = {}
            for phase in PHASES:  # each in a process of its own, for its memory
                command = [
                    sys.executable,
                    "-m",
                    "benchmarks.search",
                    *sys.argv[1:],
                    "--phase",
                    phase,
                ]
                command += ["--sizes", size, "--keep", str(folder)]
                done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
                line |= json.loads(done.stdout)
            print(json.dumps(line), flush=True)


def _fill(folder: Path, count: int, options: argparse.Namespace) -> dict[str, object]:
    """A catalog of so many vectors, queries, and their true neighbours; once in a folder."""
    if (folder / "asked.npz").exists():
        return {}
    clusters = Clusters(options.dim, 0)
    queries = clusters.draw(options.queries, 1)
    catalog = Catalog.create(folder / "index")
    truth = (np.empty((len(queries), 0), dtype=np.int64), np.empty((len(queries), 0), np.float32))
    with catalog.writing("bench") as write:
        models.add_encoder(
            write, fingerprint="bench", name="bench", dim=options.dim, scale=100.0, recipe="none"
        )
        stored = models.encoder(write)
    for start in range(0, count, PIECE):
        ids = np.arange(start, min(start + PIECE, count)) + 1
        rows = clusters.draw(len(ids), start + 2)
        with catalog.writing("bench") as write:
            insert_vectors(write.db, stored.vectors, ids, rows, write.tx)
        truth = neighbours.merge(truth, neighbours.nearest(queries, ids, rows, 10), 10)
        if options.ranking == "float16":
            with (folder / "float16").open("ab") as halves:
                halves.write(rows.astype(np.float16).tobytes())
    catalog.checkpoint()
    np.savez(folder / "asked.npz", queries=queries, truth=truth[0])
    return {}


def _build(folder: Path, count: int, options: argparse.Namespace) -> dict[str, object]:
    """The neighbour file, and what it took."""
    catalog = Catalog.open(folder / "index")
    started, worked = time.monotonic(), time.process_time()
    kind = neighbours.kind_for(options.kind, count, options.dim)
    with catalog.reading() as read:
        stored, through = models.encoder(read), read.tx
        ids = ann_files.vector_ids(read, stored)
    none = np.empty((0, options.dim), dtype=np.float32)
    material = vector_source_of(Session(catalog), stored, ids, 0, through, none)
    written = neighbours.write_file(catalog.folder, material, kind)
    with catalog.writing("bench") as write:
        file = neighbours.place_file(
            written,
            generation=ann_files.next_generation(write),
            fingerprint="bench",
            since_tx=0,
            through_tx=through,
        )
        ann_files.record(write, file)
    neighbours.sweep(catalog.folder, [file], alive=alive)
    seconds = time.monotonic() - started
    half = folder / "float16"
    return {
        "n": count,
        "dim": options.dim,
        "kind": kind,
        "ranking": options.ranking if kind == "compressed" else "the file itself",
        "build_s": round(seconds, 1),
        "build_cpu_s": round(time.process_time() - worked, 1),
        "build_peak_mb": _peak(),
        "file_mb": round((file.size + (half.stat().st_size if half.exists() else 0)) / 1e6, 1),
        "recall_when_made": file.recall,
    }


def _ask(folder: Path, count: int, options: argparse.Namespace) -> dict[str, object]:
    """What a process sees that opens the file and asks."""
    asked = np.load(folder / "asked.npz")
    queries, truth = asked["queries"], asked["truth"]
    catalog = Catalog.open(folder / "index")
    with catalog.reading() as read:
        stored_encoder = models.encoder(read)
        (file,) = ann_files.files(read, "bench")
        assert file.count == count
        before = _peak()
        started = time.perf_counter()
        opened = neighbours.open_file(catalog.folder, file)
        none = np.empty(0, dtype=np.int64)
        everything = VectorIndex(
            [opened], none, np.empty((0, stored_encoder.dim), dtype=np.float32)
        )
        opening = time.perf_counter() - started
        stored = partial(images.vectors, read, stored_encoder)
        if options.ranking == "float16":
            stored = _half(folder / "float16", stored_encoder.dim)  # type: ignore[assignment]
        took, worked, found = [], [], []
        for query in queries:
            started, write = time.perf_counter(), time.process_time()
            ids, _ = everything.search(query[None], 10, None, stored)
            took.append(time.perf_counter() - started)
            worked.append(time.process_time() - write)
            found.append(ids[0])
    hits = [len(set(f) & set(t)) / len(t) for f, t in zip(found, truth, strict=True)]
    first, p50, p99 = took[0], *np.quantile(took, [0.5, 0.99])
    return {
        "open_s": round(opening, 4),
        "recall_at_10": round(float(np.mean(hits)), 4),
        "first_ms": round(first * 1e3, 2),
        "p50_ms": round(float(p50) * 1e3, 2),
        "p99_ms": round(float(p99) * 1e3, 2),
        "p50_cpu_ms": round(float(np.median(worked)) * 1e3, 2),
        "peak_mb": _peak(),
        "peak_before_opening_mb": before,
        "threads": options.threads,
    }


def _half(path: Path, dim: int) -> neighbours.Stored:
    rows = np.memmap(path, dtype=np.float16, mode="r").reshape(-1, dim)

    def stored(ids: Sequence[int]) -> tuple[Ids, Vectors]:
        places = np.asarray(ids, dtype=np.int64)
        return places, rows[places - 1].astype(np.float32)

    return stored


PHASES = {"fill": _fill, "build": _build, "ask": _ask}


def _peak() -> int:
    """Peak resident memory of this process, MB; memory-mapped pages that were touched count."""
    status = Path("/proc/self/status")
    if status.exists():  # getrusage would give a child the peak of its parent
        (line,) = (x for x in status.read_text().splitlines() if x.startswith("VmHWM:"))
        return int(line.split()[1]) // 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    main()
