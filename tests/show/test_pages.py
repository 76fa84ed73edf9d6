"""Pages say what a reader looks for first, and how much they leave out."""

from __future__ import annotations

import re
from dataclasses import replace

from mediclip_index.show import assessments, mistakes, pages
from mediclip_index.show.tables import Style
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
    assert page.count("The kind is what the machine sees") == 1


def test_an_evaluation_without_a_sure_verdict_says_so() -> None:
    report = evaluation()
    report = replace(report, unsure=replace(report.unsure, share_sure=0.0, accuracy_sure=None))
    text = assessments.evaluation(report, None, Style(color=False))
    for told in (pages.evaluation(report), text):
        assert "None of the verdicts is sure; the truth is covered" in told
        assert "nan" not in told
    assert "kind, as the machine sees it" in text
    assert "group" not in text


def test_a_gallery_says_how_many_it_leaves_out_of_each_kind() -> None:
    report: MistakesReport = filled(MistakesReport)
    suspects = (replace(filled(SuspectLabel), id=2),) * (pages.MOST + 2)
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


def test_a_mistake_is_listed_once_and_says_who_gave_the_label() -> None:
    report: MistakesReport = filled(MistakesReport)
    wrong = replace(report.mistakes[0], id=1, label="cat", labelled_by="anna", path="one.png")
    same = SuspectLabel(1, "one.png", "cat", "dog", 0.75, "anna")
    other = SuspectLabel(2, "two.png", "cat", "dog", 0.5)
    report = replace(report, mistakes=(wrong,), suspect_labels=(same, other), contradictions=())
    text = mistakes.mistakes(report, None, Style(color=False, you="anna"))
    assert text.count("one.png") == 1
    assert re.search(r"#1  cat +you .* 0\.75  one.png", text)
    assert "1 more label looks wrong" in text
    assert re.search(r"#2  cat +a folder or list +dog +0\.50  two.png", text)
    page = pages.mistakes(report, {})
    assert page.count("<b>#1</b>") == page.count("<b>#2</b>") == 1
    assert "<b>cat</b> by anna" in page
    assert "<b>cat</b> by a folder or list" in page
