"""Text that fits: broken between words, cut where it tells least, counted as people count."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from mediclip_index.show import assessments, duplicates, tables, writing
from mediclip_index.show.tables import Style
from mediclip_index.show.text import counted, shortened, table, width, wrapped
from mediclip_index.show.writing import OutputStyle
from mediclip_index.types import (
    AuditRow,
    DuplicatesReport,
    EvaluationReport,
    NearDuplicates,
    PromptSetFacts,
    SearchHit,
    SearchReport,
)
from tests.show.test_hostile_text import REPORTS, filled, report_of

PLAIN = Style(color=False)
WHY = (
    "  why        Words give medical > 99.9 % (closest: “a photo”); 6 of 6 are medical (> 99.9 %)."
)


@pytest.mark.parametrize("max_width", range(30, 90))
def test_wrapped_text_fits_and_loses_no_word(max_width: int) -> None:
    lines = wrapped(WHY, max_width, 13).split("\n")
    assert all(width(line) <= max_width for line in lines)
    assert " ".join(" ".join(lines).split()) == " ".join(WHY.split())
    assert all(line.startswith(" " * 13 + line.strip()[0]) for line in lines[1:])
    assert not any(line.endswith((">", "99.9")) for line in lines), "a number is one word"


def test_a_pipe_gets_every_line_whole() -> None:
    assert wrapped(WHY, None, 13) == WHY


def test_lines_that_are_there_stay_and_a_long_word_stays_whole() -> None:
    assert wrapped("ab cd\n" + 30 * "x", 4) == "ab\ncd\n" + 30 * "x"


def test_what_is_cut_begins_with_a_folder_or_a_word() -> None:
    assert shortened("/data/ward/of/many/pictures/a.png", 24) == ".../many/pictures/a.png"
    assert shortened("a photograph of a person wearing a mask", 24) == "... wearing a mask"
    assert shortened("x" * 40, 24) == "..." + "x" * 20
    assert shortened("/data/" + "医" * 20 + ".png", 24) == "..." + "医" * 8 + ".png"


def test_only_what_was_compared_has_a_cosine() -> None:
    hit = replace(filled(SearchHit), similarity=1.0)
    met = replace(filled(SearchReport), query="where id = 1", results=(hit,))
    assert "cosine" not in tables.search(met, None, PLAIN)
    assert "cosine" in tables.search(replace(met, query="a cat where id = 1"), None, PLAIN)


def test_a_group_of_duplicates_names_a_file() -> None:
    group = replace(filled(NearDuplicates), paths=("/data/a.png", "/data/b.png"), ids=(7, 8))
    report = replace(filled(DuplicatesReport), groups=(group,), leaks={})
    text = duplicates.duplicates(report, None, PLAIN)
    assert text.startswith("1 group of duplicates")
    assert "#7  /data/a.png" in text
    assert "#8  /data/b.png" in text


def test_one_is_not_many() -> None:
    assert [counted(n, "image") for n in (0, 1, 2)] == ["0 images", "1 image", "2 images"]


@pytest.mark.parametrize("max_width", [80, 109, 130])
def test_past_verdicts_keep_their_ids_whole_at_any_width(max_width: int) -> None:
    row = filled(AuditRow)
    identity = "01a21585-9719-7dab-ac7e-20dbb70faae2"
    path = "/data/" + 90 * "d" + "/a.png"
    verdict = replace(
        row.verdict, id=identity, label="non_medical", path=path, page=None, item=None
    )
    rows = [replace(row, verdict=verdict, time="2026-11-25T02:41:48.689Z")] * 2
    lines = tables.audit_rows(rows, max_width, PLAIN).split("\n")
    assert all(width(line) <= max_width for line in lines)
    assert sum(identity in line for line in lines) == 2


@pytest.mark.parametrize("max_width", [80, 130])
def test_a_description_is_told_in_full(max_width: int) -> None:
    said = "Pictures of patients and specimens, by modality, against everyday subjects."
    facts = replace(filled(PromptSetFacts), name="medical", pooling="groups", description=said)
    text = tables.prompt_sets([facts], max_width, PLAIN)
    assert said in " ".join(text.split())
    assert all(width(line) <= max_width for line in text.split("\n"))


def test_the_worst_parts_come_first_and_then_the_largest() -> None:
    report = filled(EvaluationReport)
    part = next(iter(next(iter(report.by.values())).values()))

    def of(share: float, n: int) -> object:
        return replace(part, n=n, blend=replace(part.blend, value=share))

    parts = {"small": of(1.0, 1), "large": of(1.0, 9), "bad": of(0.5, 2)}
    assert [name for name, _ in assessments.worst_first(parts)] == ["bad", "large", "small"]  # type: ignore[arg-type]
    many = {f"s{i}": of(1.0, 1) for i in range(assessments.SHOWN + 3)}
    report = replace(
        report, methods={"blend": next(iter(report.methods.values()))}, by={"source": many}
    )
    text = assessments.evaluation(report, None, PLAIN)
    assert "and 3 more, none of them worse" in text


def test_a_table_of_sentences_fits() -> None:
    sentence = "a photograph of a healthy person wearing a face mask in the street"
    lines = table(("log loss", "sentence"), [("-6.50", sentence)], max_width=40, right="r").split(
        "\n"
    )
    assert lines[1] == "   -6.50  ... a face mask in the street"
    assert all(width(line) <= 40 for line in lines)


PLURALS = re.compile(
    r"\b1 (images|files|pictures|verdicts|labels|paths|groups|pairs|sentences)\b(?!/)"
)


@pytest.mark.parametrize("name", REPORTS)
def test_no_report_says_one_images(name: str) -> None:
    shown, report = report_of(name)
    assert not PLURALS.findall(writing.write(report, shown, OutputStyle()))
