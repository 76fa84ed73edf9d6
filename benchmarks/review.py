"""How fast wrong labels are found and mended by keys, and what that brings.

    python -m benchmarks.review --pictures LIST.csv --work FOLDER [--wrong 200] [--images 1500]

LIST.csv has the columns path and label (paths beside it). An index is made of `--images` of its
pictures, the labels of `--wrong` of them the wrong way round, and evaluated. Then a browser goes
through the page's queue of suspect labels, presses for each picture the key of its true class, and
the index is evaluated again. Prints one JSON line: seconds a picture (median, 95th percentile, and
all by their number), how many of the wrong labels were in the queue, and what `evaluate --compare`
says of the blend. FOLDER keeps the index, so that a second run goes on where the first was.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import time
from pathlib import Path

import numpy as np

from benchmarks.page import served
from mediclip_index import Index

OTHER = {"medical": "non_medical", "non_medical": "medical"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--wrong", type=int, default=200)
    parser.add_argument("--images", type=int, default=1_500)
    options = parser.parse_args()
    truth = _drawn(options.pictures, options.images)
    index = options.work / "index"
    if not Index.exists(index):
        _made(index, truth, options)
    library = Index.open(index)
    first = library.evaluations.all() or (library.evaluate(split="all"),)
    paths = {hit.id: hit.path for hit in library.search(where="true", k=10_000).results}
    true_of = {image: truth[path] for image, path in paths.items() if path in truth}
    wrong = {
        hit.id
        for hit in library.search(where="label IS NOT NULL", k=10_000).results
        if hit.label != true_of[hit.id]
    }
    classes = library.info().classes
    with served(index) as (address, _):
        seconds, seen = _reviewed(address, true_of, classes, options.wrong)
    second = library.evaluate(split="all")
    both = library.evaluations.compare(first[-1].number, second.number)
    told = {
        "pictures": len(seen),
        "p50": round(float(np.median(seconds)), 3),
        "p95": round(float(np.percentile(seconds, 95)), 3),
        "a_picture": round(sum(seconds) / len(seconds), 3),
        "wrong_labels": len(wrong),
        "of_these_seen": len(wrong & set(seen)),
        "accuracy": [m["methods"]["blend"]["accuracy"]["value"] for m in (both.first, both.second)],
        "gained": both.change["blend"].accuracy,
        "mcnemar_p": both.change["blend"].mcnemar.p,
        "mended": len(both.mended),
        "broken": len(both.broken),
    }
    print(json.dumps(told))


def _drawn(pictures: Path, count: int) -> dict[str, str]:
    """The true class of each picture, by path."""
    with pictures.open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["label"] in OTHER]
    chosen = np.random.default_rng(7).permutation(len(rows))[:count]
    return {str((pictures.parent / rows[n]["path"]).resolve()): rows[n]["label"] for n in chosen}


def _made(index: Path, truth: dict[str, str], options: argparse.Namespace) -> None:
    options.work.mkdir(parents=True, exist_ok=True)
    turned = set(np.random.default_rng(8).permutation(list(truth))[: options.wrong].tolist())
    listed = options.work / "list.csv"
    with listed.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label"])
        for path, label in truth.items():
            writer.writerow([path, OTHER[label] if path in turned else label])
    Index.create(index).build([str(listed)])


def _reviewed(
    address: str, truth: dict[int, str], classes: tuple[str, ...], most: int
) -> tuple[list[float], list[int]]:
    """Seconds from one picture being there to the next being there, and the images seen."""
    from playwright.sync_api import sync_playwright

    seconds: list[float] = []
    seen: list[int] = []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(address)
        page.goto(f"{address.split('?')[0]}review?queue=suspect", timeout=120_000)
        page.wait_for_selector("#stage[data-shown]")
        while len(seen) < most and page.query_selector("#stage [data-id]"):
            image = int(page.get_attribute("#stage", "data-shown") or 0)
            begun = time.perf_counter()
            page.keyboard.press(str(1 + classes.index(truth[image])))
            page.wait_for_function(
                "i => { const stage = document.querySelector('#stage'); "
                "const large = stage.querySelector('.large img'); "
                "return stage.dataset.shown !== i && large && large.naturalWidth "
                "|| stage.querySelector('.nothing'); }",
                arg=str(image),
            )
            seconds.append(time.perf_counter() - begun)
            seen.append(image)
        page.wait_for_load_state("networkidle")
        browser.close()
    return seconds, seen


if __name__ == "__main__":
    main()
