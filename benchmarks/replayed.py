"""Do past verdicts come out the same after everything around them has changed?

    python -m benchmarks.replayed --index FOLDER --data FOLDER [--verdicts 1000] [--changes 500]

Works on a copy of an index of FOLDER/dev.csv. 500 labelled crops are taken in, 1,000 verdicts are
given (one in ten of a file), then 500 labels are turned round, the 500 crops vanish and 500 others
come; and all verdicts are given again. Prints one JSON line.
"""

from __future__ import annotations

import csv
import json
import shutil
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.command_line import parser_of
from mediclip_index import Index

SIDE = 160


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--verdicts", type=int, default=1000)
    parser.add_argument("--changes", type=int, default=500)
    options = parser.parse_args()
    with (options.data / "dev.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["label"]]
    dice = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as place:
        index = Index.open(shutil.copytree(options.index, Path(place) / "index"))
        first = _crops(Path(place) / "first", options.data, rows, options.changes, dice)
        index.build([str(first)])
        files = [str(options.data / rows[n]["path"]) for n in _some(dice, len(rows), 100)]
        files = files[: options.verdicts // 10]
        index.query(files)
        stride = max(index.info().index.images // (options.verdicts - len(files)), 1)
        index.query_indexed(where=f"id % {stride} = 0")
        changed = _turn_round(index, options.changes, dice)
        for crop in first.parent.glob("*.png"):
            crop.unlink()
        second = _crops(Path(place) / "second", options.data, rows, options.changes, dice)
        gone = index.build([str(first)], allow_missing=True).gone
        added = index.build([str(second)]).added
        report = index.audit.replay()
        now = index.query_indexed(where=f"id % {stride} = 0", audit=False).verdicts
        then = {row.verdict.sha256: row.verdict for row in index.audit.find(limit=None)}
    otherwise = sum(then[v.sha256].probability != v.probability for v in now if v.sha256 in then)
    print(
        json.dumps(
            {
                "verdicts": report.replayed,
                "labels_changed": changed,
                "images_gone": gone,
                "images_added": added,
                "identical": report.identical,
                "would_be_otherwise_now": otherwise,
                "different": [vars(d) for d in report.different[:5]],
            }
        )
    )


def _some(dice: np.random.Generator, of: int, count: int) -> list[int]:
    return sorted(dice.choice(of, min(count, of), replace=False).tolist())


def _crops(
    folder: Path, data: Path, rows: list[dict[str, str]], count: int, dice: np.random.Generator
) -> Path:
    """Crops of pictures with their labels; returns the list of them."""
    folder.mkdir()
    listed = folder / "list.csv"
    with listed.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label"])
        for n, at in enumerate(_some(dice, len(rows), count)):
            with Image.open(data / rows[at]["path"]) as opened:
                picture = opened.convert("RGB")
            w, h = picture.size
            x, y = int(dice.integers(0, w // 3 + 1)), int(dice.integers(0, h // 3 + 1))
            crop = picture.crop((x, y, x + max(w // 2, 1), y + max(h // 2, 1)))
            crop.resize((SIDE, SIDE)).save(folder / f"{n:04}.png")
            writer.writerow([f"{n:04}.png", rows[at]["label"]])
    return listed


def _turn_round(index: Index, count: int, dice: np.random.Generator) -> int:
    """Give images that vote another class's label."""
    classes = index.info().classes
    where = "label is not null and coalesce(split, '') not in ('tune', 'calibrate', 'val', 'test')"
    hits = index.search(where=where, k=10_000).results
    chosen = [hits[n] for n in _some(dice, len(hits), count)]
    changed = 0
    for name in classes:
        other = next(c for c in classes if c != name)
        ids = [h.id for h in chosen if h.label == name]
        changed += index.labels.set(other, ids).changed if ids else 0
    return changed


if __name__ == "__main__":
    main()
