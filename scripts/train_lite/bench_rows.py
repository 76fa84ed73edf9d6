"""The labelled pictures: rows of `dev.csv` and `extra.csv`, and which may be learned from."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

SIMULATED = "simulated"
IMAGENET_SOURCE = "EliSchwartz/imagenet-sample-images"


@dataclass(frozen=True)
class Row:
    """One labelled picture."""

    path: Path
    label: str
    category: str
    fine: str
    source: str
    licence: str
    split: str

    @property
    def learned(self) -> bool:
        """Whether it may be trained on: all of `extra.csv`, the `train` split of `dev.csv`, and
        what was simulated."""
        return self.split in ("train", "support", SIMULATED)

    @property
    def simulated(self) -> bool:
        """Whether it was drawn by `simulated/`; such rows are neither judged nor support."""
        return self.split == SIMULATED


def read_rows(data: Path) -> list[Row]:
    """All rows of both lists, in file order. Raises FileNotFoundError where a list is missing."""
    rows = []
    for name in ("dev.csv", "extra.csv"):
        with (data / name).open(newline="", encoding="utf-8") as file:
            rows += [
                Row(
                    path=data / line["path"],
                    label=line["label"],
                    category=line["category"],
                    fine=line["fine"],
                    source=line["source"],
                    licence=line["licence"],
                    split=line["split"],
                )
                for line in csv.DictReader(file)
            ]
    return rows
