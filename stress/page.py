"""Many people at one page, beside a build: searches, pages, labels, uploads.

    python -m stress.page --index FOLDER --build FOLDER [--clients 20] [--seconds 60]

Works on a copy of the index. Each client asks, with a pause as a person makes it, for the Pile,
a search by words, a picture, previews, a label and its undoing, a verdict on an upload. Beside them
a build takes in a folder of pictures, again and again. Prints one JSON line: requests and errors,
seconds by kind (median, 95th percentile), labels that were accepted and label rows that there are,
memory of the server before, at half time and after (MB), and whether the audit's chain holds. Exits
with 1 where anything failed.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from pathlib import Path

import httpx
import numpy as np
from PIL import Image

from benchmarks.page import WORDS, served
from mediclip_index import Index

ACTS = ("pile", "search", "picture", "shots", "label", "ask")
CLASSES = ("medical", "non_medical")


class Clients:
    """What the clients did, together."""

    def __init__(self, address: str, images: int, seconds: float, pause: float) -> None:
        self.home, _, token = address.partition("/?token=")
        self.headers = {"authorization": f"Bearer {token}"}
        self.images = images
        self.pause = pause
        self.end = time.monotonic() + seconds
        self.took: dict[str, list[float]] = defaultdict(list)
        self.errors: Counter[str] = Counter()
        self.labels = 0
        self._guard = threading.Lock()

    def client(self, seed: int) -> None:
        chance = random.Random(seed)
        with httpx.Client(base_url=self.home, headers=self.headers, timeout=60) as one:
            while time.monotonic() < self.end:
                time.sleep(chance.uniform(0.5, 1.5) * self.pause)
                getattr(
                    self, chance.choice(("pile", "search", "picture", "shots", "label", "ask"))
                )(one, chance)

    def pile(self, one: httpx.Client, chance: random.Random) -> None:
        self._ask("pile", one, "GET", "/", params={"order": "newest"})

    def search(self, one: httpx.Client, chance: random.Random) -> None:
        text = f"{chance.choice(WORDS)} {chance.randint(0, 50)}"
        self._ask("search", one, "GET", "/", params={"text": text})

    def picture(self, one: httpx.Client, chance: random.Random) -> None:
        self._ask("picture", one, "GET", f"/picture/{chance.randint(1, self.images)}")

    def shots(self, one: httpx.Client, chance: random.Random) -> None:
        for _ in range(10):
            image = chance.randint(1, self.images)
            self._ask("preview", one, "GET", f"/api/v1/images/{image}/preview")

    def label(self, one: httpx.Client, chance: random.Random) -> None:
        said = {
            "ids": [chance.randint(1, self.images)],
            "label": chance.choice(("medical", "non_medical")),
        }
        answer = self._ask("label", one, "POST", "/api/v1/labels", json=said)
        if answer is None or answer.json()["tx"] is None:
            return
        with self._guard:
            self.labels += 1
        if chance.random() < 0.3:
            undone = self._ask(
                "undo", one, "POST", "/api/v1/labels/undo", json={"tx": answer.json()["tx"]}
            )
            if undone is not None and undone.json()["changed"]:
                with self._guard:
                    self.labels += 1

    def ask(self, one: httpx.Client, chance: random.Random) -> None:
        pixels = np.random.default_rng(chance.randint(0, 9)).integers(0, 255, (80, 80, 3), np.uint8)
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, "PNG")
        self._ask("upload", one, "POST", "/api/v1/query", content=stream.getvalue(),
                  headers={"x-filename": "noise.png"})  # fmt: skip

    def _ask(
        self, kind: str, one: httpx.Client, method: str, path: str, **more: object
    ) -> httpx.Response | None:
        begun = time.monotonic()
        try:
            answer = one.request(method, path, **more)  # type: ignore[arg-type]
        except httpx.HTTPError as error:
            with self._guard:
                self.errors[f"{kind}: {type(error).__name__}"] += 1
            return None
        with self._guard:
            self.took[kind].append(time.monotonic() - begun)
            if answer.status_code != 200:
                self.errors[f"{kind}: {answer.status_code} {answer.text[-200:]}"] += 1
                return None
        return answer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--build", type=Path, required=True, help="a folder of pictures")
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--pause", type=float, default=2.0, help="mean seconds between requests")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as passing:
        index = Path(passing) / "index"
        shutil.copytree(options.index, index)
        before = _label_rows(index)
        with served(index) as (address, _):
            told, asking = _run(index, address, options)
        rows = _label_rows(index) - before
        told |= {"labels": asking.labels, "label_rows": rows}
        told["chain_holds"] = Index.open(index).audit.verify().ok
        sound = not asking.errors and rows == asking.labels and told["chain_holds"]
    print(json.dumps(told))
    sys.exit(0 if sound else 1)


def _run(
    index: Path, address: str, options: argparse.Namespace
) -> tuple[dict[str, object], Clients]:
    asking = Clients(address, Index.open(index).info().index.images, options.seconds, options.pause)
    asking.pile(
        httpx.Client(base_url=asking.home, headers=asking.headers, timeout=60), random.Random()
    )
    time.sleep(3)
    memory = [_memory(index)]
    clients = [threading.Thread(target=asking.client, args=(n,)) for n in range(options.clients)]
    for client in clients:
        client.start()
    builds = 0
    while time.monotonic() < asking.end:
        source = Path(options.build) if builds == 0 else index.parent / f"more-{builds}"
        if builds:
            _few(Path(options.build), source, builds)
        command = [sys.executable, "-m", "mediclip_index", "--index", str(index), "build",
                   str(source), "--labels", "none"]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode not in (0, 3):
            asking.errors[f"build: {done.stderr[-200:]}"] += 1
        builds += 1
        memory.append(_memory(index))
    for client in clients:
        client.join()
    memory.append(_memory(index))
    kinds = {
        kind: {"n": len(t), "p50": round(float(np.median(t)), 3),
               "p95": round(float(np.percentile(t, 95)), 3)}
        for kind, t in sorted(asking.took.items())
    }  # fmt: skip
    every = [s for t in asking.took.values() for s in t]
    return {
        "requests": len(every), "p95": round(float(np.percentile(every, 95)), 3),
        "errors": dict(asking.errors), "kinds": kinds, "builds": builds, "memory_mb": memory,
    }, asking  # fmt: skip


def _few(pictures: Path, into: Path, seed: int) -> None:
    """Some new pictures: others, a little darker each time."""
    into.mkdir()
    files = [f for f in sorted(pictures.rglob("*")) if f.suffix in (".jpg", ".png")][:20]
    for n, file in enumerate(files):
        with Image.open(file) as picture:
            small = picture.convert("RGB").resize((96, 96))
        small.point(lambda v: max(0, v - seed)).save(into / f"{n}.png")


def _label_rows(index: Path) -> int:
    with Index.open(index)._session.catalog.reading() as read:
        rows = read.db.execute(
            "SELECT count(*) FROM labels JOIN transactions t USING (tx) "
            "WHERE t.command LIKE 'label%' OR t.command = 'build (label undone)'"
        ).fetchall()
    return int(rows[0][0])


def _memory(index: Path) -> int:
    """Resident memory of the server, in MB (Linux)."""
    for status in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = status.read_bytes().split(b"\0")
            if b"serve" in words and str(index).encode() in words:
                text = (status.parent / "status").read_text()
                return int(text.split("VmRSS:")[1].split()[0]) // 1024
        except OSError:
            continue
    return 0


if __name__ == "__main__":
    main()
