"""Does `tune` on a few hand labels help, and can it harm?

    python -m benchmarks.tuned --data FOLDER --draws 10 [--pile 244] [--labels 12 24 48 96]

A pile is drawn by seed from more.csv of the data folder and built without labels. Images are
labelled as `label next` proposes them, with the truth; after each count the unlabelled rest is
judged by the settings that ship and after `tune`. Prints one JSON line a count: accuracy, wrong
above 90 %, log loss and the share of sure verdicts before and by how much tuning moves them, each
as mean, least and greatest, with the 95 % interval of the mean (Student's t over the draws).
"""

from __future__ import annotations

import csv
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy import stats

from benchmarks.command_line import parser_of
from mediclip_index import Index
from mediclip_index.types import QueryReport, UsageError

FIGURES = ("accuracy", "wrong above 90 %", "log loss", "sure")
SURE = 0.9


def main() -> None:
    """Parse the command line, build the piles, label, tune, judge, print."""
    parser = parser_of(__doc__)
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--pile", type=int, default=244)
    parser.add_argument("--labels", type=int, nargs="+", default=[12, 24, 48, 96])
    parser.add_argument("--split", help="only of this split of more.csv: support or gate")
    options = parser.parse_args()
    with (options.data / "more.csv").open(encoding="utf-8", newline="") as lines:
        rows = [r for r in csv.DictReader(lines) if options.split in (None, r["split"])]
    truth = {str((options.data / r["path"]).resolve()): r["label"] for r in rows}
    found: dict[int, list[np.ndarray]] = {count: [] for count in options.labels}
    for seed in range(options.draws):
        chosen = np.random.default_rng(seed).choice(len(rows), options.pile, replace=False)
        paths = [str((options.data / rows[n]["path"]).resolve()) for n in sorted(chosen.tolist())]
        with tempfile.TemporaryDirectory() as folder:
            _draw(Path(folder), paths, truth, options.labels, found)
    for count, draws in found.items():
        print(json.dumps({"labels": count, **_told(np.stack(draws))}), flush=True)


def _draw(
    folder: Path,
    paths: Sequence[str],
    truth: dict[str, str],
    counts: Sequence[int],
    found: dict[int, list[np.ndarray]],
) -> None:
    index = Index.create(folder / "index")
    listed = folder / "pile.csv"
    listed.write_text("path\n" + "".join(f'"{path}"\n' for path in paths), encoding="utf-8")
    index.build([str(listed)])
    done = 0
    labelled: set[str] = set()
    for count in counts:
        for proposal in index.labels.next(count - done):
            index.labels.set(truth[str(Path(proposal.path).resolve())], [proposal.id])
            labelled.add(proposal.path)
        done = count
        before = _figures(index.query_indexed(audit=False), truth, labelled)
        try:
            index.tune(leave_sources_out=False, allow_duplicates=True)
        except UsageError:
            after = before
        else:
            after = _figures(index.query_indexed(audit=False), truth, labelled)
            index.settings.reset()
        found[count].append(np.array([before, after]))


def _figures(report: QueryReport, truth: dict[str, str], labelled: set[str]) -> list[float]:
    """FIGURES over the images that nobody labelled; wrong ones are counted, the others shares."""
    asked = [v for v in report.verdicts if v.path not in labelled]
    right = np.array([v.label == truth[str(Path(v.path).resolve())] for v in asked])
    said = np.array([v.probabilities[truth[str(Path(v.path).resolve())]] for v in asked])
    grave = ~right & (np.array([v.probability for v in asked]) > SURE)
    sure = np.array([not v.unsure for v in asked])
    return [right.mean(), grave.sum(), -np.log(np.maximum(said, 1e-9)).mean(), sure.mean()]


def _told(draws: np.ndarray) -> dict[str, dict[str, float]]:
    """draws (n, 2, figures): before and after."""
    told = {}
    for place, name in enumerate(FIGURES):
        moved = draws[:, 1, place] - draws[:, 0, place]
        mean = float(moved.mean())
        half = float(stats.t.ppf(0.975, len(moved) - 1) * stats.sem(moved)) if len(moved) > 1 else 0
        told[name] = {
            "before": round(float(draws[:, 0, place].mean()), 4),
            "moved": round(mean, 4),
            "low": round(mean - half, 4),
            "high": round(mean + half, 4),
            "least": round(float(moved.min()), 4),
            "greatest": round(float(moved.max()), 4),
        }
    return told


if __name__ == "__main__":
    main()
