"""Every table as it looks on terminals of 40, 80 and 120 columns, against files that people read.

Where a table was changed on purpose, run this file with UPDATE_SNAPSHOTS=1, which writes them anew,
and look at the difference before it is committed.
"""

from __future__ import annotations

import dataclasses
import difflib
import itertools
import os
import re
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from mediclip_index.show import writing
from mediclip_index.show.writing import OutputStyle
from tests.show import test_hostile_text as made
from tests.show.test_hostile_text import REPORTS, report_of

SNAPSHOTS = Path(__file__).parent / "snapshots"
WIDTHS = (40, 80, 120)
UPDATE = "UPDATE_SNAPSHOTS"

CLASSES = ("medical", "non_medical")
OTHERS = ("non_medical", "medical")
# What a field of that name holds, in turn; any other text is the field's own name. "keys" are those
# of a mapping.
TEXTS: dict[str, tuple[str, ...]] = {
    "path": ("photos/ward 3/chest-0001.png", "/data/export/2026/a-long-name-of-a-study/slice.dcm"),
    "paths": ("photos/a.png", "photos/copies/a (1).jpg"),
    "label": CLASSES,
    "predicted": OTHERS,
    "suggested": OTHERS,
    "now": OTHERS,
    "verdict": CLASSES,
    "guess": CLASSES,
    "class_name": CLASSES,
    "classes": CLASSES,
    "labels": CLASSES,
    "otherwise": OTHERS,
    "objective": ("log-loss",),
    "method": ("blend", "linear probe"),
    "leave_out": ("source",),
    "source": ("anna/scans", "bert/photos"),
    "sources": ("photos/", "list.csv"),
    "columns": ("id", "path"),
    "modality": ("DX",),
    "engine": ("openvino",),
    "precision": ("fp32",),
    "run": ("5b0b6d3c",),
    "id": ("01a22278-8ba3-79d2-82b6-bbfe711a2b92", "01a22278-7d61-77a5-a61e-cdd07ea72958"),
    "prompts": ("medical",),
    "query": ("a chest X-ray",),
    "IndexFacts.path": ("indexes/mine",),
    "ExportReport.path": ("exported",),
    "BackupReport.path": ("indexes/mine",),
    "BackupReport.file": ("monday.tar",),
    "VerifyReport.path": ("indexes/mine",),
    "RepairReport.path": ("indexes/mine",),
    "RemoveReport.path": ("indexes/mine",),
    "RemoveReport.what": ("removed",),
    "InfoReport.neighbours": ("exact, 38 vectors",),
    "SummaryReport.by": ("kind",),
    "SummaryRow.value": ("chest_xray", "animal"),
    "NearDuplicates.kind": ("near", "exact"),
    "PromptSetFacts.name": ("medical", "mine"),
    "PromptSetFacts.description": ("Pictures of patients and specimens, by modality.",),
    "Finding.kind": ("gone", "chain"),
    "Finding.what": ("photos/a.png is gone", "The chain of verdicts is broken at row 12"),
    "Finding.mend": ("`mediclip-index build` takes note", "bring back a backup"),
    "Mended.kind": ("neighbours", "spool"),
    "Mended.what": ("the neighbour file was made again", "2 torn lines are in aside/"),
    "ReplayDifference.what": ("label: medical, was non_medical",),
    "ReplayDifference.why": ("The model is not the one of then.",),
    "zero_shot keys": CLASSES,
    "votes keys": CLASSES,
    "probabilities keys": CLASSES,
    "labels keys": CLASSES,
    "per_class keys": CLASSES,
    "per_class_recall keys": CLASSES,
    "confusion keys": CLASSES,
    "thresholds keys": CLASSES,
    "splits keys": ("support", "test"),
    "refusals keys": ("damaged", "too_large"),
    "by keys": ("source", "kind", "chest_xray", "animal"),
    "mcnemar keys": ("zero_shot vs neighbours", "neighbours vs blend"),
    "learning_curve keys": ("10", "100"),
    "checked keys": ("images", "verdicts"),
    "rows keys": ("images", "labels"),
    "splits": ("support", "test"),
    "split": ("support", "test"),
    "time": ("2026-01-31T12:00:00.000Z", "2026-02-01T08:30:00.000Z"),
    "created": ("2026-01-31T12:00:00.000Z",),
    "last_build": ("2026-02-01T08:30:00.000Z",),
    "by": ("ada", "grace"),
    "labelled_by": ("ada", "grace"),
    "author": ("ada",),
    "kind": ("chest_xray", "animal"),
    "group": ("chest_xray", "animal"),
    "name": ("chest_xray", "animal"),
    "prompt": ("a chest X-ray", "a photo of a cat"),
    "why": ("Words give medical 96.4 % (closest: “a chest X-ray”); 8 of 8 are medical.",),
    "sha256": ("3dd31e5cc835b3f2" * 4,),
    "fingerprint": ("280706aa4853" * 5,),
    "chain_head": ("69aca25076cb" * 5,),
    "head": ("69aca25076cb" * 5,),
    "chain": ("69aca25076cb" * 5,),
    "message": ("photos/broken.png begins like PNG but can't be read.",),
    "notes": ("The same labels gave other settings before.", "Two images were left out."),
    "model": ("lite-4",),
}  # fmt: skip


class Maker:
    """Makes reports of fixed values: names that are plausible, and numbers that differ."""

    def __init__(self) -> None:
        self._turns: dict[str, itertools.count[int]] = {}

    def _turn(self, name: str) -> int:
        return next(self._turns.setdefault(name, itertools.count()))

    def value(self, kind: Any, name: str, owner: str = "") -> Any:
        """A value of a type, for a field of that name."""
        origin, arguments = typing.get_origin(kind), typing.get_args(kind)
        if dataclasses.is_dataclass(kind):
            hints, made_of = typing.get_type_hints(kind), getattr(kind, "__name__", "")
            fields = [field.name for field in dataclasses.fields(kind)]
            values = {one: self.value(hints[one], one, made_of) for one in fields}
            return typing.cast(Any, kind)(**values)
        if kind is str:
            name = f"{owner}.{name}" if f"{owner}.{name}" in TEXTS else name
            known = TEXTS.get(name, (name.removesuffix(" keys"),))
            return known[self._turn(f"text {name}") % len(known)]
        if kind is bool:
            return self._turn(f"flag {name}") % 2 == 0
        if kind is int:
            return (1, 12, 345, 6789)[self._turn(f"count {name}") % 4]
        if kind is float:
            return (0.964, 0.0312, 0.5, 0.99987)[self._turn(f"share {name}") % 4]
        if origin is typing.Literal:
            return arguments[0]
        if origin in (typing.Union, types.UnionType):
            return self.value(next(a for a in arguments if a is not type(None)), name, owner)
        if origin is tuple and arguments[-1] is not Ellipsis:
            return tuple(self.value(a, name, owner) for a in arguments)
        if origin in (tuple, list, Sequence):
            return tuple(self.value(arguments[0], name, owner) for _ in range(2))
        if origin in (dict, Mapping):
            keys = dict.fromkeys(self.value(arguments[0], f"{name} keys") for _ in range(2))
            return {key: self.value(arguments[1], name) for key in keys}
        return 1


@pytest.fixture(autouse=True)
def plausible(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reports that are made for the tests of hostile names, with plausible ones instead."""
    monkeypatch.setattr(made, "HOSTILE", "test")
    monkeypatch.setattr(made, "filled", lambda kind, depth=0: Maker().value(kind, "value"))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", REPORTS)
def test_a_table_looks_as_it_did(name: str, width: int) -> None:
    shown, report = report_of(name)
    text = writing.write(report, shown, OutputStyle("table", width, you="ada"))
    file = SNAPSHOTS / f"{_file_name(name)}-{width}.txt"
    if os.environ.get(UPDATE):
        SNAPSHOTS.mkdir(exist_ok=True)
        file.write_text(text, "utf-8")
    kept = file.read_text("utf-8") if file.is_file() else ""
    if text != kept:
        lines = difflib.unified_diff(
            kept.splitlines(), text.splitlines(), "kept", "now", lineterm=""
        )
        pytest.fail(
            f"{file.name} differs; if that is meant, run this test with {UPDATE}=1 and look at the "
            f"difference before you commit it.\n" + "\n".join(lines),
            pytrace=False,
        )


def test_no_snapshot_is_left_over() -> None:
    wanted = {f"{_file_name(name)}-{width}.txt" for name in REPORTS for width in WIDTHS}
    assert {file.name for file in SNAPSHOTS.iterdir()} == wanted


def test_a_changed_table_says_how_to_keep_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(globals(), "SNAPSHOTS", tmp_path)
    monkeypatch.delenv(UPDATE, raising=False)
    with pytest.raises(pytest.fail.Exception, match=f"with {UPDATE}=1"):
        test_a_table_looks_as_it_did("chain", 80)
    monkeypatch.setenv(UPDATE, "1")
    test_a_table_looks_as_it_did("chain", 80)
    monkeypatch.delenv(UPDATE)
    test_a_table_looks_as_it_did("chain", 80)


def _file_name(name: str) -> str:
    return re.sub(r"\W+", "-", name)
