"""The labelled pictures: rows of the lists, and which of them may be learned from."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

IMAGENET_SOURCE = "EliSchwartz/imagenet-sample-images"
LISTS = ("dev.csv", "extra.csv", "more.csv")
OPTIONAL = frozenset({"more.csv"})
# What their makers allow for research or teaching alone: the model may be used for anything.
RESTRICTED = frozenset(
    {
        "cuilimeng/CrackForest-dataset",
        "zae-bayern/elpv-dataset",
        "mahsan2/Monkeypox-dataset-2022",
        "vikaschouhan/PH2-dataset",
    }
)


@dataclass(frozen=True)
class Row:
    """One labelled picture. `family`: its source and those that save the same data set again."""

    path: Path
    label: str
    category: str
    fine: str
    source: str
    licence: str
    split: str
    subject: str
    family: str

    @property
    def learned(self) -> bool:
        """Whether it may be trained on: the `train` split of `dev.csv`, the `support` split of the
        further lists; nothing of a source that restricts use."""
        return self.split in ("train", "support") and self.source not in RESTRICTED


def read_rows(data: Path) -> list[Row]:
    """All rows of all lists, in file order. Raises FileNotFoundError where a list is missing that
    is not optional."""
    families = source_families()
    rows = []
    for name in LISTS:
        if name in OPTIONAL and not (data / name).exists():
            continue
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
                    subject=line["subject"],
                    family=families.get(line["source"], line["source"]),
                )
                for line in csv.DictReader(file)
            ]
    return rows


@cache
def source_families() -> dict[str, str]:
    """The family of each source, by `source_families.csv`."""
    file = Path(__file__).parent / "source_families.csv"
    with file.open(newline="", encoding="utf-8") as lines:
        return {line["source"]: line["family"] for line in csv.DictReader(lines)}
