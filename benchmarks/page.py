"""How long a person waits at the page: start, first grid, next pictures, search, label, map.

    python -m benchmarks.page --index FOLDER [--times 20]

Serves the index and drives Chromium (Debian's `chromium`) through Playwright as a person would;
labels are set and taken back, so the index ends with the labels that it had. Prints one JSON line:
seconds, median and 95th percentile. `first_grid`: from asking for the Pile until the first 24
thumbnails are drawn; `next_100`: from scrolling to the end until 100 more cards are there and those
in sight are drawn; `search`: from Enter until the first results are drawn; `label`: from the key
until the badge says so; `review`: a picture labelled and the next one shown; `frame`: one drawing
of the whole map; `frame_moving`: one while it moves. The first of each is not counted, but `start`.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

WORDS = ("a chest X-ray", "a dog", "a CT scan of the head", "a bar chart", "food", "an ultrasound",
         "a street", "the retina", "a microscope slide", "a hand", "a knee", "a ship")  # fmt: skip
SEEN = """() => { const shown = [...document.querySelectorAll('#grid .card img')].slice(0, 24);
  return shown.length && shown.every((i) => i.complete && i.naturalWidth); }"""
MORE = """n => { const all = [...document.querySelectorAll('#grid .card')];
  return all.length >= n && all.every((card) => { const box = card.getBoundingClientRect();
  return box.bottom < 0 || box.top > innerHeight || card.querySelector('img').naturalWidth; }); }"""
TO_UNDO = """() => JSON.parse(
  sessionStorage.getItem('mediclip-undo-' + document.body.dataset.index) || '[]').length"""
ASKED = """w => document.querySelector('#search')?.value === w && location.search.includes('text=')
  && document.readyState !== 'loading'"""


@contextmanager
def served(index: Path, *options: str) -> Iterator[tuple[str, float]]:
    """The address of a page, and how many seconds it took to say it."""
    command = [sys.executable, "-m", "mediclip_index", "--index", str(index), "serve",
               "--no-browser", *options]  # fmt: skip
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        address = process.stdout.readline().strip()
        yield address, time.perf_counter() - begun
    finally:
        process.terminate()
        process.wait(30)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--settle", type=float, default=0.0, help="seconds to wait for verdicts")
    options = parser.parse_args()
    from playwright.sync_api import sync_playwright

    with served(options.index) as (address, started), sync_playwright() as driver:
        begun = time.perf_counter()
        browser = driver.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(address)
        page.wait_for_function(SEEN)
        opened = time.perf_counter() - begun
        time.sleep(options.settle)
        measured = _measured(page, address.split("?")[0].rstrip("/"), options.times)
        told = {name: _told(seconds) for name, seconds in measured.items() if len(seconds)}
        print(
            json.dumps({"start": round(started, 2), "browser_and_first": round(opened, 2), **told})
        )
        browser.close()


def _told(seconds: list[float]) -> dict[str, float]:
    return {
        "p50": round(float(np.median(seconds)), 3),
        "p95": round(float(np.percentile(seconds, 95)), 3),
        "n": len(seconds),
    }


def _measured(page: object, home: str, times: int) -> dict[str, list[float]]:
    from playwright.sync_api import Page

    assert isinstance(page, Page)
    found: dict[str, list[float]] = {}

    def clock(name: str, act: Callable[[], object]) -> None:
        begun = time.perf_counter()
        act()
        found.setdefault(name, []).append(time.perf_counter() - begun)

    def opened() -> None:
        page.goto(home + "/")
        page.wait_for_function(SEEN)

    def further(before: int) -> None:
        page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
        page.wait_for_function(
            MORE,
            arg=before + 100,
        )

    def searched(words: str) -> None:
        page.fill("#search", words)
        page.press("#search", "Enter")
        page.wait_for_function(ASKED, arg=words,
        )  # fmt: skip
        page.wait_for_function(SEEN)

    for _ in range(times + 1):
        clock("first_grid", opened)
    for n in range(min(times, 12)):
        clock("next_100", lambda n=n: further(100 * (n + 1)))  # type: ignore[misc]
    for n in range(times + 1):
        clock("search", lambda n=n: searched(f"{WORDS[n % len(WORDS)]} {n}"))  # type: ignore[misc]
    opened()
    page.keyboard.press("ArrowRight")
    for n in range(times + 1):
        was = page.evaluate("document.activeElement.dataset.id")
        name = ("1", "2")[n % 2]

        def labelled(name: str = name, was: str = was) -> None:
            page.keyboard.press(name)
            page.wait_for_function(
                "i => document.activeElement.dataset.id !== i", arg=was
            )  # it moves on once the label is kept

        clock("label", labelled)
    while page.evaluate(TO_UNDO):
        with page.expect_response("**/labels/undo"):
            page.keyboard.press("z")
        page.wait_for_timeout(20)
    _review(page, home, times, clock)
    _map(page, home, found)
    return {name: seconds[1:] for name, seconds in found.items()}


def _review(page: object, home: str, times: int, clock: Callable[..., None]) -> None:
    from playwright.sync_api import Page

    assert isinstance(page, Page)
    ids = ",".join(str(n) for n in range(1_001, 1_001 + times + 2))
    page.goto(f"{home}/review?queue=list&ids={ids}")
    page.wait_for_selector("#stage[data-shown]")
    for n in range(times + 1):
        was = page.get_attribute("#stage", "data-shown")

        def turned(n: int = n, was: str | None = was) -> None:
            page.keyboard.press(("1", "2")[n % 2])
            page.wait_for_function(
                "i => document.querySelector('#stage').dataset.shown !== i", arg=was
            )

        clock("review", turned)
    for n in range(times + 1):
        page.keyboard.press("z")
        page.wait_for_function("n => document.querySelector('#done').textContent === n",
                               arg=str(times - n))  # fmt: skip


def _map(page: object, home: str, found: dict[str, list[float]]) -> None:
    from playwright.sync_api import Page

    assert isinstance(page, Page)
    page.goto(home + "/map")
    if page.query_selector("#map") is None:
        return
    begun = time.perf_counter()
    page.wait_for_selector("#map[data-drawn]", timeout=120_000)
    found["map_shown"] = [0.0, time.perf_counter() - begun]
    timed = """async (moving) => { const { paint } = window.mediclipMap; const all = [];
      for (let k = 0; k < 30; k += 1) { if (moving) window.mediclipMap.state.scale *= 1.01;
        const a = performance.now(); paint(moving); all.push((performance.now() - a) / 1000);
        await new Promise(requestAnimationFrame); } return all; }"""
    found["frame"] = page.evaluate(timed, False)
    found["frame_moving"] = page.evaluate(timed, True)


if __name__ == "__main__":
    main()
