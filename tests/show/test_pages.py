"""Pages say what a reader looks for first, and how much they leave out."""

from __future__ import annotations

import re
from dataclasses import replace

from mediclip_index.show import pages
from mediclip_index.types import EvaluationReport, MistakesReport, SuspectLabel
from tests.show.test_hostile_text import filled


def evaluation() -> EvaluationReport:
    report: EvaluationReport = filled(EvaluationReport)
    part = next(iter(next(iter(report.by.values())).values()))
    shares = {"good-small": (1.0, 1), "good-large": (1.0, 9), "bad": (0.5, 2)}
    parts = {
        name: replace(part, n=n, blend=replace(part.blend, value=share))
        for name, (share, n) in shares.items()
    }
    figures = next(iter(report.methods.values()))
    methods = dict.fromkeys(("zero_shot", "neighbours", "blend"), figures)
    return replace(report, methods=methods, by={"source": parts, "group": parts}, mcnemar={})


def test_the_worst_parts_come_first_and_then_the_largest() -> None:
    page = pages.evaluation(evaluation())
    names = re.findall(r'<td class="name">([^<]+)</td>', page)
    assert names == ["bad", "good-large", "good-small"] * 2


def test_the_blend_stands_out_and_a_kind_is_explained_once() -> None:
    page = pages.evaluation(evaluation())
    assert re.findall(r'<tr class="first"><td>(\w+)</td>', page) == ["blend"]
    assert page.count("The kind is what the words see") == 1


def test_a_gallery_says_how_many_it_leaves_out_of_each_kind() -> None:
    report: MistakesReport = filled(MistakesReport)
    suspects = (filled(SuspectLabel),) * (pages.MOST + 2)
    contradictions = report.contradictions[:1] * (pages.MOST + 3)
    wrong = report.mistakes[:1] * (pages.MOST + 1)
    report = replace(report, mistakes=wrong, suspect_labels=suspects, contradictions=contradictions)
    page = pages.mistakes(report, {})
    assert re.findall(r"<p>and (\d) more\.</p>", page) == ["1", "2", "3"]


def test_a_gallery_of_nothing_says_none() -> None:
    report = replace(filled(MistakesReport), mistakes=(), suspect_labels=(), contradictions=())
    page = pages.mistakes(report, {})
    assert "<p>None.</p>" in page
    assert "0 labels look wrong" in page
