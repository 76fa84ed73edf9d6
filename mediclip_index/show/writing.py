"""One report in one of six formats."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mediclip_index.show import (
    assessments,
    duplicates,
    info,
    keeping,
    lists,
    mistakes,
    summaries,
    tables,
)
from mediclip_index.show.records import harmless, plain
from mediclip_index.show.tables import Style
from mediclip_index.show.text import safe

FORMATS = ("table", "json", "jsonl", "csv", "paths")
IDS = "ids"  # for lists of images


@dataclass(frozen=True)
class OutputStyle:
    """How output is wanted. `max_width` is the terminal's width, None where output is piped; `you`
    is
    the author who reads it."""

    format: str = "table"
    max_width: int | None = None
    color: bool = False
    you: str = ""


@dataclass(frozen=True)
class ReportView:
    """How one kind of report is shown. `rows` are what jsonl, csv and paths write one by one;
    `wrap` is what JSON shows; `columns` are those of the CSV; `files` are the rows of csv and paths
    where these are others; `ids` are the images that a list holds, None where it holds none."""

    text: Callable[[Any, int | None, Style], str]
    rows: Callable[[Any], Sequence[Any]]
    columns: tuple[str, ...]
    wrap: Callable[[Any], Any] = plain
    files: Callable[[Any], Sequence[Any]] | None = None
    ids: Callable[[Any], Sequence[int]] | None = None


def _one(report: Any) -> Sequence[Any]:
    return [report]


def _all(report: Any) -> Sequence[Any]:
    return list(report)


_VERDICT = (
    "path", "page", "label", "probability", "unsure", "group.name", "group.probability", "id",
    "sha256", "width", "height", "why",
)  # fmt: skip
QUERY = ReportView(
    tables.query, lambda report: report.verdicts,
    (*_VERDICT, "effective", "kind", "labelled_by", "image", "item", "guess"),
    files=lists.of_verdicts,
    ids=lambda report: [v.image for v in report.verdicts if v.image is not None],
)  # fmt: skip
BUILD = ReportView(
    tables.build, _one,
    ("added", "unchanged", "renamed", "duplicates", "returned", "gone", "images", "seconds"),
)  # fmt: skip
SEARCH = ReportView(
    tables.search, lambda report: report.results,
    ("id", "path", "similarity", "label", "split", *lists.ADDED),
    files=lists.of_hits,
    ids=lambda report: [hit.id for hit in report.results],
)  # fmt: skip
INFO = ReportView(info.info, _one, ("index.path", "index.images", "index.model", "verdicts"))
LABELS = ReportView(tables.labels, _one, ("changed", "unchanged", "would_turn"))
HISTORY = ReportView(
    tables.events, _all, ("tx", "time", "by", "image", "label", "split", "subject", "kind"),
    lambda rows: {"history": plain(rows)},
)  # fmt: skip
PROMPT_SETS = ReportView(
    tables.prompt_sets, _all, ("name", "default", "groups", "sentences", "pooling"),
    lambda rows: {"prompt_sets": plain(rows)},
)  # fmt: skip
TRIALS = ReportView(
    tables.trials, _all, ("class_name", "group", "prompt"),
    lambda rows: {"trials": plain(rows)},
)  # fmt: skip
AUDIT_ROW = ReportView(tables.audit_row, _one, (*_VERDICT, "time", "by", "tx", "engine", "chain"))
CHAIN = ReportView(tables.chain, _one, ("ok", "verdicts", "spooled", "head"))
TUNE = ReportView(assessments.tune, _one, ("settings.number", "objective", "before", "after"))
SETTINGS = ReportView(
    assessments.settings, lambda report: report.kept,
    ("settings.number", "in_force", "time", "by", "settings.alpha", "settings.k", "settings.beta"),
)  # fmt: skip
EVALUATION = ReportView(assessments.evaluation, _one, ("number", "split", "n", "settings"))
COMPARISON = ReportView(assessments.comparison, _one, ("first.number", "second.number"))
MISTAKES = ReportView(
    mistakes.mistakes, lambda report: report.mistakes,
    ("id", "path", "split", "label", "predicted", "probability", "why"),
    ids=lambda report: [mistake.id for mistake in report.mistakes],
)  # fmt: skip
DUPLICATES = ReportView(
    duplicates.duplicates, lambda report: report.groups,
    ("kind", "similarity", "ids", "paths", "group", "id", "path", "best"),
    files=duplicates.files,
    ids=lambda report: [image for group in report.groups for image in group.ids],
)  # fmt: skip
LEFT_OUT = ReportView(
    duplicates.duplicates, duplicates.left_over, ("id", "path", "kept"),
    lambda report: {**plain(report), "left_out": duplicates.left_over(report)},
    ids=lambda report: [row["id"] for row in duplicates.left_over(report)],
)  # fmt: skip
COMPARE = ReportView(
    assessments.compare, lambda report: report.contenders,
    ("method", "accuracy.value", "accuracy.low", "accuracy.high", "train_seconds", "labels"),
)  # fmt: skip
REPLAY = ReportView(assessments.replay, lambda report: report.different, ("id", "what", "why"))
PROPOSALS = ReportView(
    assessments.proposals, _all,
    ("id", "path", "label", "probability", "why", *lists.ADDED),
    lambda rows: {"next": plain(rows)},
    files=lists.of_proposals,
    ids=lambda rows: [proposal.id for proposal in rows],
)  # fmt: skip
TURNED = ReportView(
    summaries.turned, lambda report: report.turned,
    ("id", "path", "page", "label", "probability", "now", "now_probability"),
)  # fmt: skip
SUMMARY = ReportView(
    summaries.summary, lambda report: report.rows,
    ("verdict", "value", "images", "share", "sure", "unsure", "labelled", "id", "path",
     "probability", "page", "item"),
)  # fmt: skip
VERIFY = ReportView(keeping.verify, lambda report: report.findings, ("kind", "what", "mend"))
REPAIR = ReportView(keeping.repair, lambda report: report.mended, ("kind", "what"))
REMOVE = ReportView(keeping.remove, lambda report: report.images, ("id", "path"))
REMOVED = ReportView(
    keeping.removed, _all, ("id", "path", "time", "by"), lambda rows: {"removed": plain(rows)}
)
EXPORT = ReportView(keeping.export, _one, ("path", "bytes"))
BACKUP = ReportView(
    keeping.backup, _one,
    ("path", "file", "images", "verdicts", "bytes", "held_seconds", "chain_head"),
)  # fmt: skip


def worth(trials: Any) -> ReportView:
    """What sentences are worth, beside the pictures that they pull."""
    return ReportView(
        assessments.worth, lambda report: report.sentences,
        ("class_name", "group", "prompt", "loss_without", "right_without"),
        lambda report: {"trials": plain(trials), "worth": plain(report)},
    )  # fmt: skip


def audit_list(index: Any) -> ReportView:
    """Past verdicts, under the head of the index that gave them."""
    return ReportView(
        tables.audit_rows, _all, (*_VERDICT, "time", "by", "tx", "engine", "chain"),
        lambda rows: {"index": plain(index), "verdicts": plain(rows)},
    )  # fmt: skip


def write(report: Any, shown: ReportView, style: OutputStyle) -> str:
    """The report as text, ending with a line end (nothing at all where there is nothing)."""
    if style.format == "json":
        # ASCII escapes: a path with bytes that are no UTF-8 must not break the output.
        return json.dumps(shown.wrap(report), indent=2) + "\n"
    if style.format == "jsonl":
        return "".join(json.dumps(plain(row)) + "\n" for row in shown.rows(report))
    if style.format == IDS:
        # An image of several rows is labelled once.
        return "".join(f"{i}\n" for i in dict.fromkeys(shown.ids(report) if shown.ids else ()))
    files = shown.files or shown.rows
    if style.format == "csv":
        return _unsteered(_csv([plain(row) for row in files(report)], shown.columns), style)
    if style.format == "paths":
        return _unsteered("".join(f"{_path(plain(row))}\n" for row in files(report)), style)
    return shown.text(harmless(report), style.max_width, Style(style.color, style.you)) + "\n"


def _unsteered(text: str, style: OutputStyle) -> str:
    """For a program (a pipe) as it is; on a terminal, without what would steer it."""
    return text if style.max_width is None else "\n".join(safe(line) for line in text.split("\n"))


def _csv(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row, name) for name in columns])
    return text.getvalue()


def _cell(row: Any, name: str) -> Any:
    for part in name.split("."):
        row = row.get(part) if isinstance(row, dict) else None
    return "" if row is None else row


def _path(row: Any) -> str:
    return str(row.get("path") or row.get("index", {}).get("path", ""))
