"""Names in hostile hands: no table steers a terminal, no page runs a script, all JSON is JSON.

Reports are filled by their own types: every text in them (paths, labels, splits, subjects,
attributes, prompts, authors, notes) is hostile.
"""

from __future__ import annotations

import dataclasses
import html.parser
import json
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from mediclip_index import types as reports
from mediclip_index.show import pages, writing
from mediclip_index.show.records import plain
from mediclip_index.show.writing import OutputStyle, ReportView

HOSTILE = (
    "a\x1b[31mb\x1b]0;owned\x07c\u202ed\ne\rf\x9b1mg\u2066h\udcffi\x00<script>x</script>'\"&]]>"
)
SAFE_CONTROLS = {"\n"}
CLASSES = ("medical", HOSTILE)


def filled(kind: Any, depth: int = 0) -> Any:
    """A value of a type in which every text is hostile."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind is str:
        return HOSTILE
    if kind in (int, float):
        return kind(1)
    if kind is bool:
        return True
    if origin is typing.Literal:
        return arguments[0]
    if origin in (typing.Union, types.UnionType):
        return filled(next(a for a in arguments if a is not type(None)), depth)
    if origin is tuple:
        count = 2 if len(arguments) == 2 and arguments[1] is Ellipsis else 0
        return tuple(filled(a, depth + 1) for a in ([arguments[0]] * 2 if count else arguments))
    if origin in (list, Sequence):
        return [filled(arguments[0], depth + 1)] * 2
    if origin in (dict, Mapping) or kind is dict:
        return {filled(arguments[0], depth + 1): filled(arguments[1], depth + 1)}
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        return kind(**{f.name: filled(hints[f.name], depth + 1) for f in dataclasses.fields(kind)})  # type: ignore[operator]
    return 1


REPORTS: dict[str, tuple[ReportView, Any]] = {
    "query, one": (writing.QUERY, reports.QueryReport),
    "query": (writing.QUERY, reports.QueryReport),
    "build": (writing.BUILD, reports.BuildReport),
    "search": (writing.SEARCH, reports.SearchReport),
    "info": (writing.INFO, reports.InfoReport),
    "labels": (writing.LABELS, reports.LabelReport),
    "history": (writing.HISTORY, tuple[reports.LabelEvent, ...]),
    "prompt sets": (writing.PROMPT_SETS, tuple[reports.PromptSetFacts, ...]),
    "trials": (writing.TRIALS, tuple[reports.PromptTrial, ...]),
    "audit row": (writing.AUDIT_ROW, reports.AuditRow),
    "audit list": (writing.audit_list(filled(reports.IndexFacts)), tuple[reports.AuditRow, ...]),
    "chain": (writing.CHAIN, reports.ChainReport),
    "mistakes": (writing.MISTAKES, reports.MistakesReport),
    "replay": (writing.REPLAY, reports.ReplayReport),
    "proposals": (writing.PROPOSALS, tuple[reports.Proposal, ...]),
    "tune": (writing.TUNE, reports.TuneReport),
    "settings": (writing.SETTINGS, reports.SettingsReport),
    "evaluation": (writing.EVALUATION, reports.EvaluationReport),
    "comparison": (writing.COMPARISON, reports.EvaluationComparison),
    "duplicates": (writing.DUPLICATES, reports.DuplicatesReport),
    "left out": (writing.LEFT_OUT, reports.DuplicatesReport),
    "compare": (writing.COMPARE, reports.CompareReport),
    "summary": (writing.SUMMARY, reports.SummaryReport),
    "turned": (writing.TURNED, reports.TurnedReport),
    "worth": (writing.worth(filled(tuple[reports.PromptTrial, ...])), reports.WordsReport),
    "verify": (writing.VERIFY, reports.VerifyReport),
    "repair": (writing.REPAIR, reports.RepairReport),
    "remove": (writing.REMOVE, reports.RemoveReport),
    "removed": (writing.REMOVED, tuple[reports.RemovedImage, ...]),
    "export": (writing.EXPORT, reports.ExportReport),
    "backup": (writing.BACKUP, reports.BackupReport),
}


def report_of(name: str) -> tuple[ReportView, Any]:
    shown, kind = REPORTS[name]
    report = filled(kind)
    if name == "query, one":
        report = dataclasses.replace(report, verdicts=report.verdicts[:1])
    if name == "evaluation":
        report = evaluation()
    if name in ("duplicates", "left out"):
        figures = dict.fromkeys(("leaked", "images", "accuracy_with", "accuracy_without"), 0.5)
        report = dataclasses.replace(report, leaks={HOSTILE: figures})
    if name == "comparison":
        first = plain(evaluation())
        change = dict.fromkeys(("zero_shot", "neighbours", "blend"), filled(reports.MethodChange))
        report = dataclasses.replace(report, first=first, second=first, change=change)
    return shown, report


def evaluation() -> reports.EvaluationReport:
    """Its methods have their own names; all else that is named in it is named by somebody else."""
    methods = dict.fromkeys(("zero_shot", "neighbours", "blend"), filled(reports.MethodFigures))
    report: reports.EvaluationReport = filled(reports.EvaluationReport)
    return dataclasses.replace(report, methods=methods)


def test_no_report_is_left_out() -> None:
    every = {id(shown) for shown in vars(writing).values() if isinstance(shown, ReportView)}
    assert every <= {id(shown) for shown, _ in REPORTS.values()}


@pytest.mark.parametrize("name", REPORTS)
def test_a_table_steers_no_terminal(name: str) -> None:
    shown, report = report_of(name)
    for max_width in (None, 80):
        text = writing.write(report, shown, OutputStyle("table", max_width))
        steering = {c for c in text if not c.isprintable()} - SAFE_CONTROLS
        assert not steering, (max_width, steering)
        assert "\ne" not in text  # a line end in a name begins no line of its own


@pytest.mark.parametrize("form", ["csv", "paths", "jsonl", "json"])
@pytest.mark.parametrize("name", REPORTS)
def test_every_format_is_escaped_on_a_terminal(name: str, form: str) -> None:
    shown, report = report_of(name)
    text = writing.write(report, shown, OutputStyle(form, 80))
    assert not {c for c in text if not c.isprintable()} - SAFE_CONTROLS


@pytest.mark.parametrize("name", REPORTS)
def test_json_stays_json_and_gives_names_back_as_they_are(name: str) -> None:
    shown, report = report_of(name)
    text = writing.write(report, shown, OutputStyle("json"))
    assert text.isascii()
    assert HOSTILE in _texts(json.loads(text)) or name == "labels"  # which are numbers alone
    for line in writing.write(report, shown, OutputStyle("jsonl")).splitlines():
        json.loads(line)


class Page(html.parser.HTMLParser):
    """Collects tags and attribute names as a browser sees them."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.scripts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        if self.lasttag == "script" and self.seen.count("script") > len(self.scripts):
            self.scripts.append(data)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        (lambda report: pages.mistakes(report, {}, pages.Marks(CLASSES)), "mistakes"),
        (lambda report: pages.summary(report, {}, pages.Marks(CLASSES)), "summary"),
        (lambda report: pages.duplicates(report, {}, pages.Marks(CLASSES)), "duplicates"),
        (lambda report: pages.query(report, {}, pages.Marks(CLASSES)), "query"),
        (lambda report: pages.search(report, {}, pages.Marks(CLASSES)), "search"),
        (lambda report: pages.proposals(report, {}, pages.Marks(CLASSES)), "proposals"),
        (pages.evaluation, "evaluation"),
    ],
)
def test_a_page_runs_nothing_that_a_name_says(written: Callable[[Any], str], name: str) -> None:
    text = written(report_of(name)[1])
    page = Page()
    page.feed(text)
    # A gallery has one script, its own, and its policy lets no other run.
    gallery = written is not pages.evaluation
    assert page.scripts == ([pages.SCRIPT.read_text("utf-8")] if gallery else [])
    assert page.seen.count("script") == len(page.scripts)
    (policy,) = (value for name, value in page.attributes if (value or "").startswith("default-"))
    assert policy is not None
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert policy.count("script-src 'sha256-") == gallery == policy.count("script-src")
    pictures = [json.loads(value or "") for n, value in page.attributes if n == "data-picture"]
    assert not gallery or {p["path"] for p in pictures} <= {"", HOSTILE, f"{Path.cwd()}/{HOSTILE}"}
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert "&lt;script&gt;" in text
    assert not {c for c in text if not c.isprintable()} - SAFE_CONTROLS


def _texts(value: Any) -> set[str]:
    if isinstance(value, str):
        return {value}
    if isinstance(value, dict):
        return {t for k, v in value.items() for t in _texts(k) | _texts(v)}
    return {t for item in value for t in _texts(item)} if isinstance(value, list) else set()
