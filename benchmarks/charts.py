"""Charts of docs/performance.md, drawn from the figures that the benches printed.

    python -m benchmarks.charts [--results docs/performance.json] [--folder docs/figures]

The results are what each bench printed as its JSON line, under the bench's name. Needs matplotlib
(the extra `bench`).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
from matplotlib import pyplot

DOCS = Path(__file__).parents[1] / "docs"
OURS, THEIRS = "#2563a8", "#9aa7b4"
NAMES = {
    "ours": "mediclip-index build",
    "onnx": "ONNX Runtime fp32, Pillow",
    "torch": "open_clip, DataLoader",
    "query": "mediclip-index query",
    "bare": "a bare open_clip script",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, default=DOCS / "performance.json")
    parser.add_argument("--folder", type=Path, default=DOCS / "figures")
    options = parser.parse_args()
    results = json.loads(options.results.read_text(encoding="utf-8"))
    options.folder.mkdir(exist_ok=True)
    # The same figures give the same files.
    pyplot.rcParams.update(
        {"svg.hashsalt": "mediclip-index", "svg.fonttype": "none", "font.size": 9}
    )
    if "embed" in results:
        rates = results["embed"]["end_to_end"]["images_per_second"]
        _bars(options.folder / "embed.svg", rates, "images a second, ViT-B/32, end to end")
    seconds = results["query"]["processor_seconds"]
    shown = {name: seconds[name] for name in ("query", "bare")}
    _bars(options.folder / "query.svg", shown, "seconds of processors, a cold query, ViT-B/32")
    _lines(options.folder / "scaling.svg", results["scaling"])


def _bars(path: Path, values: Mapping[str, float], title: str) -> None:
    figure, axes = pyplot.subplots(figsize=(6, 0.5 * len(values) + 0.7))
    names = [NAMES[name] for name in values][::-1]
    colours = [OURS if name in ("ours", "query") else THEIRS for name in values][::-1]
    bars = axes.barh(names, list(values.values())[::-1], color=colours)
    axes.bar_label(bars, fmt="%.3g", padding=3)
    axes.set_title(title, loc="left")
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    axes.xaxis.set_visible(False)
    axes.margins(x=0.12)
    _save(figure, path)


def _lines(path: Path, scaling: Mapping[str, Any]) -> None:
    figure, axes = pyplot.subplots(figsize=(6, 3.2))
    for step in ("build", "rebuild", "query"):
        found = scaling[step]
        label = f"{step} (exponent {found['processor_exponent']:.2f})"
        axes.loglog(scaling["n"], found["processor_seconds"], marker="o", label=label)
    axes.set_xlabel("images in the index")
    axes.set_title("seconds of processors", loc="left")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    _save(figure, path)


def _save(figure: Any, path: Path) -> None:
    figure.savefig(path, bbox_inches="tight", metadata={"Date": None})
    pyplot.close(figure)
    # matplotlib ends lines with spaces.
    text = path.read_text(encoding="utf-8")
    path.write_text("\n".join(line.rstrip() for line in text.splitlines()) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
