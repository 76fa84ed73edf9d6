"""What a new index is worth to someone with pictures of sources that the model never saw.

    python -m benchmarks.unseen --data FOLDER [--model lite] [--log FILE] [--list more.csv]

Builds a new index of the `gate` pictures of FOLDER/more.csv without one label and asks it with the
settings that ship: the verdicts, the words alone, the kind of each medical picture, text search,
the verdicts that were wrong though sure; then labels 20 pictures of each source and asks for the
others. Means over sources, intervals by bootstrap over families of sources. Nothing may be chosen
by these figures: with --log each look is appended to a file (date, weights, figures).
"""

from __future__ import annotations

import csv
import datetime
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.command_line import parser_of
from mediclip_index import Index
from mediclip_index.types import Verdict
from training.bench_rows import Row, read_rows
from training.judge_groups import FURTHER_QUERIES, rightly_named
from training.yardstick import report

LEAST = 10  # pictures of a category that text search is asked for
LABELS = 20  # of each source


def main() -> None:
    """Parse the command line, build, judge, print."""
    parser = parser_of(__doc__)
    parser.add_argument("--model", default="lite")
    parser.add_argument("--split", default="gate")
    parser.add_argument("--log", type=Path, help="a file that each look is appended to")
    options = parser.parse_args()
    rows = [row for row in read_rows(options.data) if row.split == options.split]
    with tempfile.TemporaryDirectory() as scratch:
        found = read(rows, options.model, Path(scratch))
    if options.log:
        today = datetime.datetime.now(datetime.UTC).date().isoformat()
        with options.log.open("a", encoding="utf-8") as log:
            log.write(json.dumps({"date": today, "split": options.split, **found}) + "\n")
    print(json.dumps(found, indent=2))


def read(rows: Sequence[Row], model: str, scratch: Path) -> dict[str, Any]:
    """All figures of one look at the rows."""
    table = scratch / "unlabelled.csv"
    with table.open("w", newline="", encoding="utf-8") as file:
        written = csv.writer(file)
        written.writerow(["path", "kind", "origin"])
        written.writerows([row.path, row.category, row.source] for row in rows)
    index = Index.create(scratch / "index", model=model)
    index.build([str(table)])
    facts = index.info().index
    plain, words = _asked(index, rows, None), _asked(index, rows, 0.0)
    medical = [v.group.name for v in words]
    named = [
        v.label == "medical" and rightly_named(row.category, group)
        for row, v, group in zip(rows, words, medical, strict=True)
        if row.label == "medical"
    ]
    sure = np.array([not v.unsure for v in plain])
    right = np.array([v.label == row.label for v, row in zip(plain, rows, strict=True)])
    return {
        "model": facts.model,
        "fingerprint": facts.fingerprint,
        "pictures": len(rows),
        "new_index": _report(rows, plain),
        "words_alone": _report(rows, words),
        "medical_kind_named": float(np.mean(named)),
        "sure": float(sure.mean()),
        "sure_and_right": float(right[sure].mean()) if sure.any() else None,
        "precision_at_10": _search(index, rows),
        f"{LABELS}_labels_a_source": _report(*_labelled(index, rows)),
    }


def _asked(index: Index, rows: Sequence[Row], alpha: float | None) -> list[Verdict]:
    said = {v.path: v for v in index.query_indexed(alpha=alpha, audit=False).verdicts}
    return [said[str(row.path)] for row in rows]


def _report(rows: Sequence[Row], verdicts: Sequence[Verdict]) -> dict[str, str]:
    medical = np.array([v.probabilities["medical"] for v in verdicts])
    return {name: str(figure) for name, figure in report(rows, medical).items()}


def _labelled(index: Index, rows: Sequence[Row]) -> tuple[list[Row], list[Verdict]]:
    """Label some of each source and judge the others of those that have others."""
    ids = {row.path: row.id for row in index.search(where="id > 0", k=len(rows)).results}
    dice = np.random.default_rng(0)
    sources = np.array([row.source for row in rows])
    chosen: npt.NDArray[np.bool_] = np.zeros(len(rows), dtype=bool)
    for source in sorted(set(sources.tolist())):
        own = dice.permutation(np.flatnonzero(sources == source))
        chosen[own[:LABELS]] = True
    for name in ("medical", "non_medical"):
        some = [n for n in np.flatnonzero(chosen).tolist() if rows[n].label == name]
        index.labels.set(name, [ids[str(rows[n].path)] for n in some])
    said = _asked(index, rows, None)
    others = np.flatnonzero(~chosen)
    return [rows[n] for n in others.tolist()], [said[n] for n in others.tolist()]


def _search(index: Index, rows: Sequence[Row]) -> dict[str, Any]:
    """Precision at 10 of three sentences that don't say the category's name, for each category of
    which there are enough pictures."""
    kinds = [row.category for row in rows]
    found = {}
    for category, sentences in FURTHER_QUERIES.items():
        for sentence in sentences if kinds.count(category) >= LEAST else ():
            hits = index.search([sentence], k=10).results
            found[sentence] = sum(hit.metadata["kind"] == category for hit in hits) / 10
    return {"value": float(np.mean(list(found.values()))), "by_query": found}


if __name__ == "__main__":
    main()
