"""Reports of nothing, of more than is shown, and of what went wrong still say what there is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mediclip_index.show import assessments, duplicates, keeping, mistakes, tables, text
from mediclip_index.show.tables import Style
from mediclip_index.types import (
    AuditRow,
    Calibration,
    ChainReport,
    DuplicatesReport,
    EvaluationComparison,
    Finding,
    Mended,
    MistakesReport,
    Proposal,
    QueryReport,
    Refusal,
    RemoveReport,
    RepairReport,
    ReplayDifference,
    ReplayReport,
    SearchReport,
    TuneReport,
    Verdict,
    VerifyReport,
)
from tests.show.test_hostile_text import filled

PLAIN = Style(color=False)
LOST = Finding("neighbours", "The neighbour file is gone.", "`mediclip-index repair` makes it.")


def test_nothing_is_said_in_words_and_not_by_an_empty_table() -> None:
    empty = {
        "No verdicts yet.": tables.audit_rows([], None, PLAIN),
        "Nothing was ever said of this image.": tables.events([], None, PLAIN),
        "Nothing found.": tables.search(replace(filled(SearchReport), results=()), None, PLAIN),
        "No duplicates.": duplicates.duplicates(
            replace(filled(DuplicatesReport), groups=()), None, PLAIN
        ),
        "Every image is labelled.": assessments.proposals([], None, PLAIN),
    }
    assert {said: shown for said, shown in empty.items() if said != shown} == {}
    assert "#1" in assessments.proposals([filled(Proposal)], None, PLAIN)


def test_no_mistakes_is_one_line() -> None:
    report = replace(
        filled(MistakesReport), mistakes=(), suspect_labels=(), contradictions=(), judged=9
    )
    assert mistakes.mistakes(report, None, PLAIN) == "0 of 9 labelled images judged wrong"


def test_a_comparison_that_changes_nothing_names_no_image() -> None:
    kept = {"number": 1, "split": "test", "n": 9, "settings": 2}
    report = replace(
        filled(EvaluationComparison), first=kept, second=kept, change={}, mended=(), broken=()
    )
    assert "by the blend" not in assessments.comparison(report, None, PLAIN)
    many = replace(report, mended=tuple(range(assessments.SHOWN + 4)))
    shown = assessments.comparison(many, None, PLAIN)
    assert "mended by the blend: #0 #1" in shown
    assert shown.endswith(" and 4 more")
    assert "broken" not in shown.rpartition("\n")[2]


def test_settings_that_could_not_be_calibrated_say_nothing_of_it() -> None:
    report = filled(TuneReport)
    plain = replace(report, settings=replace(report.settings, calibration=None))
    assert "\n  calibrated " not in assessments.tune(plain, None, PLAIN)
    fitted = replace(filled(Calibration), factors={})
    once = replace(report, settings=replace(report.settings, calibration=fitted))
    assert "leaning" not in assessments.tune(once, None, PLAIN)
    leaning = replace(fitted, factors={"medical": 0.25})
    again = replace(report, settings=replace(report.settings, calibration=leaning))
    assert "medical x 0.25" in assessments.tune(again, None, PLAIN)


def test_a_replay_says_what_came_out_otherwise_and_what_cant_be_told() -> None:
    none = replace(filled(ReplayReport), replayed=3, identical=3, different=(), purged=())
    assert assessments.replay(none, None, PLAIN) == (
        "3 of 3 verdicts came out the same, 0 otherwise; 0 could not be told."
    )
    purged = replace(none, identical=2, purged=(ReplayDifference("01ab", "not told", "erased"),))
    shown = assessments.replay(purged, None, PLAIN)
    assert "1 could not be told." in shown
    assert "01ab" in shown


def test_a_chain_that_broke_is_not_said_to_hold() -> None:
    report = ChainReport(ok=True, verdicts=3, spooled=0, head="ab", findings=())
    assert tables.chain(report, None, PLAIN) == "The chain of 3 verdicts holds.\nhead ab"
    waiting = tables.chain(replace(report, spooled=2), None, PLAIN)
    assert "2 verdicts wait in the spool." in waiting
    broken = tables.chain(replace(report, ok=False, findings=("Verdict 2 is gone.",)), None, PLAIN)
    assert broken == "Verdict 2 is gone.\nhead ab"


def test_many_refusals_are_a_table_and_few_are_told() -> None:
    one = Refusal("/a.png", "damaged", "/a.png is cut off.", 3)
    report = replace(filled(QueryReport), refused=(one,))
    assert "/a.png is cut off" in tables.query(report, None, PLAIN)
    many = tables.query(replace(report, refused=(one,) * (tables.CARDS + 1)), None, PLAIN)
    assert f"{tables.CARDS + 1} refused:\nreason" in many
    assert "/a.png, page 3" in many
    assert "is cut off" not in many


def test_a_verdict_without_neighbours_has_no_table_of_them() -> None:
    alone = replace(filled(Verdict), neighbours=(), references=(), votes=None)
    card = tables.card(alone, None, PLAIN)
    assert "no vote" in card
    assert "cosine" not in card
    assert "cosine" in tables.card(filled(Verdict), None, PLAIN)


def test_a_verdict_in_the_spool_says_so_where_its_chain_would_stand() -> None:
    row = replace(filled(AuditRow), chain=None)
    assert "waiting in the spool" in tables.audit_row(row, None, PLAIN)


@pytest.mark.parametrize("checked", [{}, {"images": 12, "embedded_again": 4}])
def test_findings_are_told_with_their_mend_and_with_what_was_looked_at(
    checked: dict[str, int],
) -> None:
    report = VerifyReport("/index", False, (LOST,), checked)
    shown = keeping.verify(report, None, PLAIN)
    assert shown.startswith("1 finding in /index")
    assert LOST.mend in shown
    assert ("12 images, 4 embedded again were looked at" in shown) == bool(checked)


def test_a_repair_tells_what_was_mended_and_what_is_left() -> None:
    idle = RepairReport("/index", True, (), ())
    assert keeping.repair(idle, None, PLAIN) == "There was nothing to repair."
    done = replace(idle, mended=(Mended("neighbours", "the file was made anew"),))
    assert keeping.repair(done, None, PLAIN).endswith("/index is whole.")
    left = keeping.repair(replace(done, findings=(LOST,)), None, PLAIN)
    assert "What is left:" in left
    assert "is whole" not in left
    assert "What is left:" in keeping.repair(replace(idle, findings=(LOST,)), None, PLAIN)


def test_a_removal_is_told_in_the_tense_in_which_it_stands() -> None:
    report = replace(
        filled(RemoveReport), what="removed", dry_run=False, unchanged=0, images=(), verdicts=0
    )
    assert keeping.remove(report, None, PLAIN) == "0 images removed."
    assert "0 images would be removed" in keeping.remove(replace(report, dry_run=True), None, PLAIN)
    (image, _) = filled(RemoveReport).images
    one = replace(report, what="purged", images=(image,), unchanged=3, verdicts=2)
    shown = keeping.remove(one, None, PLAIN)
    assert "1 image purged, 3 as they were, and the content of 2 verdicts with it." in shown
    many = keeping.remove(replace(one, images=(image,) * 12), None, PLAIN)
    assert "with them." in many
    assert many.endswith("and 2 more")


def test_sizes_are_told_in_the_unit_that_fits() -> None:
    told = [text.size(n) for n in (999, 1_000, 2_500_000, 3_000_000_000, 4_200_000_000_000)]
    assert told == ["999 B", "1.0 kB", "2.5 MB", "3.0 GB", "4.2 TB"]


def test_a_terminal_that_tells_no_width_is_a_hundred_columns_wide(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "77")
    assert text.terminal_width() == 77
    monkeypatch.setenv("COLUMNS", "0")
    assert text.terminal_width() == 100
