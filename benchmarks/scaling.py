"""Time and memory of build, re-build and query against the number of images.

    python -m benchmarks.scaling --sizes 10000 30000 100000 --work FOLDER [--model lite]

Small synthetic pictures and, unless another is named, a tiny open_clip model with random weights,
so that what is measured is everything but the model. Each step runs in a process of its own. What
was measured lies in FOLDER (by default a new one that is deleted), and a run that was broken off
goes on where it stopped.
Prints one JSON line: seconds on the clock and of processors, and peak memory, by size, with the
exponents fitted to the seconds (1 is linear). Those of processors, workers' included, stand where
other work made the run wait or stopped it. Memory is that of all its processes together (Linux),
with the bytes that each further image costs (the tiny model's vector has 4 x 512).
"""

from __future__ import annotations

import argparse
import json
import multiprocessing as mp
import os
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

DIM = 512
SIDE = 32
IN_A_FOLDER = 1000
QUERIES = 20
TINY = {
    "embed_dim": DIM,
    "vision_cfg": {
        "image_size": SIDE, "layers": 1, "width": 64, "patch_size": 16, "head_width": 32,
    },
    "text_cfg": {
        "context_length": 32, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1,
    },
}  # fmt: skip
Measured = dict[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[2_000, 5_000, 10_000])
    parser.add_argument("--work", type=Path, help="kept, and taken up again by a later run")
    parser.add_argument("--model", help="instead of the tiny one")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as passing:
        work = options.work or Path(passing)
        work.mkdir(parents=True, exist_ok=True)
        model = options.model or _model(work / "model")
        sizes = [_size(work, n, model, options.model or "tiny") for n in sorted(options.sizes)]
        print(json.dumps({"model": options.model or "tiny", **_report(sizes)}))


def _size(work: Path, n: int, model: str, called: str) -> dict[str, Measured]:
    """All steps of one size, from the file of an earlier run where there is one."""
    kept = work / f"{called}-{n}.json"
    found: dict[str, Measured] = json.loads(kept.read_text()) if kept.exists() else {"n": {"n": n}}
    pictures = _pictures(work / f"pictures-{n}", n)
    for step in (build, rebuild, query):
        if step.__name__ not in found:
            print(f"{n} images: {step.__name__}", file=sys.stderr)
            index = work / f"index-{called}-{n}"
            found[step.__name__] = _apart(step, str(index), model, str(pictures))
            kept.write_text(json.dumps(found))
    return found


def _apart(step: Callable[[str, str, str], Measured], *arguments: str) -> Measured:
    with mp.get_context("spawn").Pool(1) as one:
        return one.apply(step, arguments)


def build(folder: str, model: str, pictures: str) -> Measured:
    from mediclip_index import Index

    index = Index.open(folder) if Index.exists(folder) else Index.create(folder, model=model)
    index.encode_texts(["warm"])
    with Watch() as watch:
        report = index.build([pictures])
    return {**watch.seen, "added": report.added}


def rebuild(folder: str, model: str, pictures: str) -> Measured:
    from mediclip_index import Index

    index = Index.open(folder)
    with Watch() as watch:
        report = index.build([pictures])
    return {**watch.seen, "unchanged": report.unchanged}


def query(folder: str, model: str, pictures: str) -> Measured:
    from mediclip_index import Index

    index = Index.open(folder)
    one = next(Path(pictures).glob("*/*.ppm"))
    index.query([str(one)], audit=False)
    taken, worked = [], []
    for _ in range(QUERIES):
        with Watch() as watch:
            index.query([str(one)], audit=False)
        taken.append(watch.seen["seconds"])
        worked.append(watch.seen["processor_seconds"])
    return {
        **watch.seen,
        "seconds": float(np.median(taken)),
        "processor_seconds": float(np.median(worked)),
    }


class Watch:
    """What a block of this process costs, with the processes that it starts; a context manager."""

    def __init__(self) -> None:
        self.seen: Measured = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Watch:
        self._peak = 0.0
        self._began, self._worked = time.perf_counter(), _processor_seconds()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.seen = {
            "seconds": time.perf_counter() - self._began,
            "processor_seconds": _processor_seconds() - self._worked,
        }
        self._over.set()
        self._thread.join()
        self.seen["peak_mb"] = self._peak or _own_peak()

    def _watch(self) -> None:
        while True:
            # What processes share counts for each of them, so this is rather too much.
            pages = sum(int(fields[21]) for fields in _family())
            self._peak = max(self._peak, pages * resource.getpagesize() / 1024**2)
            if self._over.wait(0.2):
                return


def _processor_seconds() -> float:
    """Of this process and all that it started, since they began."""
    family = _family()
    if not family:
        return time.process_time()
    ticks = sum(int(field) for fields in family for field in fields[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


def _family() -> list[list[str]]:
    """/proc/PID/stat, from the state on, of this process and its descendants, ended ones too."""
    found: dict[int, list[str]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            found[int(path.parent.name)] = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it was gone before it was read
    ours = {os.getpid()}
    while True:
        more = {pid for pid, fields in found.items() if int(fields[1]) in ours} - ours
        if not more:
            return [fields for pid, fields in found.items() if pid in ours]
        ours |= more


def _own_peak() -> float:
    """The most that this process ever held, MB."""
    scale = 1024 if sys.platform == "linux" else 1024**2
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale


def _model(folder: Path) -> str:
    if not (folder / "open_clip_config.json").exists():
        import torch
        from open_clip import CLIP
        from safetensors.torch import save_file

        folder.mkdir(exist_ok=True)
        torch.manual_seed(0)
        save_file(CLIP(**TINY).state_dict(), folder / "open_clip_model.safetensors")
        config = {"model_cfg": TINY, "preprocess_cfg": {"mean": [0.5] * 3, "std": [0.5] * 3}}
        (folder / "open_clip_config.json").write_text(json.dumps(config))
    return f"local-dir:{folder}"


def _pictures(folder: Path, n: int) -> Path:
    """n different pictures; those that an earlier run made are left as they are."""
    dice = np.random.default_rng(n)
    for start in range(0, n, IN_A_FOLDER):
        part = folder / f"{start:09}"
        count = min(IN_A_FOLDER, n - start)
        noise = dice.integers(0, 256, (count, SIDE * SIDE * 3), dtype=np.uint8)
        if part.exists():
            continue
        unfinished = folder / f".{start:09}"
        unfinished.mkdir(parents=True, exist_ok=True)
        for number, pixels in enumerate(noise):
            content = b"P6 %d %d 255\n" % (SIDE, SIDE) + pixels.tobytes()
            (unfinished / f"{number:04}.ppm").write_bytes(content)
        unfinished.rename(part)
    return folder


def _report(sizes: list[dict[str, Measured]]) -> dict[str, object]:
    n = [each["n"]["n"] for each in sizes]
    report: dict[str, object] = {"n": n}
    for step in ("build", "rebuild", "query"):
        seconds = [each[step]["seconds"] for each in sizes]
        worked = [each[step]["processor_seconds"] for each in sizes]
        peak = [each[step]["peak_mb"] for each in sizes]
        told: dict[str, object] = {
            "seconds": [round(s, 4) for s in seconds],
            "processor_seconds": [round(s, 4) for s in worked],
            "peak_mb": [round(p) for p in peak],
        }
        if len(n) > 1:
            told["exponent"] = _exponent(n, seconds)
            told["processor_exponent"] = _exponent(n, worked)
            told["bytes_an_image"] = round(float(np.polyfit(n, peak, 1)[0]) * 1024**2)
        report[step] = told
    return report


def _exponent(n: list[float], seconds: list[float]) -> float:
    return round(float(np.polyfit(np.log(n), np.log(seconds), 1)[0]), 3)


if __name__ == "__main__":
    main()
