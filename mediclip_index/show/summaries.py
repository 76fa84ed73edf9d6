"""What is in the pile, and which verdicts would turn, as text."""

from __future__ import annotations

from collections import Counter

from mediclip_index.show.tables import NO_DEVICE, Style, part_of
from mediclip_index.show.text import counted, percent, table
from mediclip_index.types import SummaryReport, TurnedReport


def totals(report: SummaryReport) -> str:
    """How many of each class, unsure and labelled, in one sentence."""
    classes: Counter[str] = Counter()
    for row in report.rows:
        classes[row.verdict] += row.images
    told = ", ".join(
        f"{count} {name} ({percent(count / report.images)})"
        for name, count in classes.most_common()
    )
    unsure, labelled = (sum(getattr(r, n) for r in report.rows) for n in ("unsure", "labelled"))
    return f"{counted(report.images, 'image')}: {told}; {unsure} unsure, {labelled} labelled."


def summary(report: SummaryReport, max_width: int | None, style: Style) -> str:
    if not report.rows:
        return "No image to count."
    rows = [
        (
            row.verdict,
            row.value or "-",
            row.images,
            percent(row.share),
            row.sure,
            row.unsure or "",
            row.labelled or "",
            f"#{row.id}",
            row.path + part_of(row.page, row.item),
        )
        for row in report.rows
    ]
    head = ("class", report.by, "images", "share", "sure", "unsure", "labelled", "", "likeliest")
    shown = table(head, rows, max_width=max_width, right="llrrrrrr")
    return "\n\n".join([shown, totals(report), style.dim(NO_DEVICE)])


def turned(report: TurnedReport, max_width: int | None, style: Style) -> str:
    looked = f"{counted(report.verdicts, 'verdict')} looked at"
    if not report.turned:
        return f"None would turn; {looked}."
    rows = [
        (
            t.label,
            percent(t.probability),
            t.now,
            percent(t.now_probability),
            t.path + part_of(t.page, t.item),
        )
        for t in report.turned
    ]
    shown = table(("said", "", "now", "", "path"), rows, max_width=max_width, right="lrlr")
    return f"{shown}\n\n{len(report.turned)} would turn; {looked}."
