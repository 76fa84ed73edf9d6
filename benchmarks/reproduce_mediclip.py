"""MediCLIP's three tables beside ours, on its own data.

    scripts/reproduce_mediclip DATA [--model ViT-B-32-quickgelu:WEIGHTS] [--index FOLDER]

DATA is the folder of the Kaggle data set: train|val|test / Medical|Non-Medical / files. WEIGHTS are
CLIP ViT-B/32's: a name that open_clip knows (`openai`) or a file, MediCLIP's saved `.pth` too. For
each split it prints accuracy, and precision and recall of both classes: as MediCLIP's card reports
them, by MediCLIP's method here (its 28 sentences, one softmax over all of them), and by words,
neighbours and blend of this package with the support that train gives. Images of train are judged
without themselves and their near-duplicates.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mediclip_index import Index
from mediclip_index.catalog import Catalog
from mediclip_index.evaluate import metrics
from mediclip_index.evaluate.leave_one_out import labelled, leave_one_out, predict
from mediclip_index.session.session import Session
from mediclip_index.show.text import table
from mediclip_index.types import MediclipError, MethodFigures

SPLITS = ("train", "val", "test")
MEDICAL, OTHER = "medical", "non_medical"
# What the card reports: accuracy, then (precision, recall) of medical and of non-medical, percent.
CARD = {
    "train": (86.01, (80, 95), (94, 77)),
    "val": (95.77, (92, 100), (100, 92)),
    "test": (96.16, (93, 100), (100, 93)),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", default="ViT-B-32-quickgelu:openai")
    parser.add_argument("--index", type=Path, help="where the index is kept, for a second run")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory() as scratch:
            found = reproduce(options.data, options.model, options.index or Path(scratch) / "index")
    except MediclipError as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    if options.json:
        print(json.dumps(found, indent=2))
        return
    for split, methods in found.items():
        print(shown(split, methods), end="\n\n")


def reproduce(data: Path, model: str, folder: Path) -> dict[str, dict[str, Any]]:
    """By split and method: n, accuracy with its interval, precision and recall by class."""
    index = Index.open(folder) if Index.exists(folder) else Index.create(folder, model=model)
    built = index.build([str(data)])
    for refusal in built.refused:
        print(f"refused: {refusal.path}: {refusal.message}", file=sys.stderr)
    session = Session(Catalog.open(folder))
    settings = index.info().settings
    ours = labelled(session, settings)
    # MediCLIP's factor is 100 and its pooling that of its set, whatever this index has chosen.
    plain = replace(settings, pooling=None, scale=100.0, biases={})
    theirs = labelled(session, plain, "mediclip")
    found: dict[str, dict[str, Any]] = {}
    for split in SPLITS:
        places = ours.places(split)
        if len(places) == 0:
            continue
        said = predict(leave_one_out(ours, places), settings)
        forerunner = predict(leave_one_out(theirs, theirs.places(split)), plain).zero_shot
        answers = {
            "MediCLIP's method, here": (forerunner, theirs),
            "our words": (said.zero_shot, ours),
            "our neighbours": (said.votes, ours),
            "our blend": (said.blend, ours),
        }
        found[split] = {
            name: _record(metrics.method(p, d.truth[d.places(split)], d.classes))
            for name, (p, d) in answers.items()
        }
    return found


def _record(figure: MethodFigures) -> dict[str, Any]:
    return {
        "n": figure.macro.support,
        "accuracy": vars(figure.accuracy),
        "per_class": {
            name: {"precision": f.precision, "recall": f.recall, "support": f.support}
            for name, f in figure.per_class.items()
        },
    }


def shown(split: str, methods: Mapping[str, Any]) -> str:
    """One split's table, the card's figures first."""
    accuracy, medical, other = CARD[split]
    rows = [
        ("MediCLIP's card", f"{accuracy:.2f} %", "", *map(_pair, (medical, other))),
        *(
            (
                name,
                f"{100 * m['accuracy']['value']:.2f} %",
                f"{100 * m['accuracy']['low']:.1f} to {100 * m['accuracy']['high']:.1f}",
                *(
                    _pair((100 * f["precision"], 100 * f["recall"]))
                    for f in (m["per_class"][MEDICAL], m["per_class"][OTHER])
                ),
            )
            for name, m in methods.items()
        ),
    ]
    n = next(iter(methods.values()))["n"]
    columns = ("method", "accuracy", "95 %", f"{MEDICAL} P/R", f"{OTHER} P/R")
    return f"{split}, {n} images\n" + table(columns, rows, max_width=None, right="lrrrr")


def _pair(values: tuple[float, float]) -> str:
    return f"{values[0]:.0f} / {values[1]:.0f}"


if __name__ == "__main__":
    main()
