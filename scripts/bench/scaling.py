"""Time and memory of build, re-build and query against the number of images.

    python scripts/bench/scaling.py --sizes 10000 30000 100000 --work FOLDER

Small synthetic pictures and a tiny open_clip model with random weights, so that what is measured is
everything but the model. Each step runs in a process of its own. What was measured lies in FOLDER
(by default a new one that is deleted), and a run that was broken off goes on where it stopped.
Prints one JSON line: seconds and peak memory by size, and the exponents fitted to them (1 is
linear); for memory the bytes that each further image costs, beside its vector's 4 x dim.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing as mp
import resource
import sys
import tempfile
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
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as passing:
        work = options.work or Path(passing)
        work.mkdir(parents=True, exist_ok=True)
        print(json.dumps(_report([_size(work, n) for n in sorted(options.sizes)])))


def _size(work: Path, n: int) -> dict[str, Measured]:
    """All steps of one size, from the file of an earlier run where there is one."""
    kept = work / f"measured-{n}.json"
    found: dict[str, Measured] = json.loads(kept.read_text()) if kept.exists() else {"n": {"n": n}}
    model = _model(work / "model")
    pictures = _pictures(work / f"pictures-{n}", n)
    for step in (build, rebuild, query):
        if step.__name__ not in found:
            print(f"{n} images: {step.__name__}", file=sys.stderr)
            found[step.__name__] = _apart(step, str(work / f"index-{n}"), model, str(pictures))
            kept.write_text(json.dumps(found))
    return found


def _apart(step: Callable[[str, str, str], Measured], *arguments: str) -> Measured:
    with mp.get_context("spawn").Pool(1) as one:
        return one.apply(step, arguments)


def build(folder: str, model: str, pictures: str) -> Measured:
    from mediclip_index import Index

    index = Index.open(folder) if Index.exists(folder) else Index.create(folder, model=model)
    index.encode_texts(["warm"])
    before = _memory()
    started = time.perf_counter()
    report = index.build([pictures])
    return {
        "seconds": time.perf_counter() - started,
        "peak_mb": _memory(),
        "before_mb": before,
        "added": report.added,
    }


def rebuild(folder: str, model: str, pictures: str) -> Measured:
    from mediclip_index import Index

    index = Index.open(folder)
    before = _memory()
    started = time.perf_counter()
    report = index.build([pictures])
    return {
        "seconds": time.perf_counter() - started,
        "peak_mb": _memory(),
        "before_mb": before,
        "unchanged": report.unchanged,
    }


def query(folder: str, model: str, pictures: str) -> Measured:
    from mediclip_index import Index

    index = Index.open(folder)
    one = next(Path(pictures).glob("*/*.ppm"))
    index.query([str(one)], audit=False)
    taken = []
    for _ in range(QUERIES):
        started = time.perf_counter()
        index.query([str(one)], audit=False)
        taken.append(time.perf_counter() - started)
    return {"seconds": float(np.median(taken)), "peak_mb": _memory(), "before_mb": 0.0}


def _memory() -> float:
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
    report: dict[str, object] = {"n": n, "dim": DIM}
    for step in ("build", "rebuild", "query"):
        seconds = [each[step]["seconds"] for each in sizes]
        peak = [each[step]["peak_mb"] for each in sizes]
        told: dict[str, object] = {
            "seconds": [round(s, 4) for s in seconds],
            "peak_mb": [round(p) for p in peak],
        }
        if len(n) > 1:
            told["exponent"] = round(float(np.polyfit(np.log(n), np.log(seconds), 1)[0]), 3)
            told["bytes_an_image"] = round(float(np.polyfit(n, peak, 1)[0]) * 1024**2)
        report[step] = told
    return report


if __name__ == "__main__":
    main()
