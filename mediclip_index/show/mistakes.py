"""What is judged wrong, and labels that look wrong, as text."""

from __future__ import annotations

from mediclip_index.show.assessments import SHOWN
from mediclip_index.show.tables import Style, part_of
from mediclip_index.show.text import counted, percent, safe, table, wrapped
from mediclip_index.types import SUSPECT, Mistake, MistakesReport, SuspectLabel

_SUSPICION = (
    "suspicion: how little words and labelled neighbours together believe a label, from 0 to 1; "
    f"from {SUSPECT:g} on they believe another class more, as they may of a rare picture that is "
    "labelled right."
)


def mistakes(report: MistakesReport, max_width: int | None, style: Style) -> str:
    of = f"of {counted(report.judged, 'labelled image')} judged wrong"
    parts = [style.bold(f"{len(report.mistakes)} {of}")]
    score = {s.id: f"{s.score:.2f}" for s in report.suspect_labels}
    if report.mistakes:
        rows = [
            (f"#{m.id}", m.label, given_by(m, style), m.predicted, percent(m.probability),
             score.get(m.id, "-"), m.path + part_of(m.page, m.item))
            for m in report.mistakes[:SHOWN]
        ]  # fmt: skip
        head = ("id", "label", "given by", "judged", "probability", "suspicion", "path")
        parts.append(
            table(head, rows, max_width=max_width, right="rlllrr") + _more(len(report.mistakes))
        )
        parts.append(
            "\n".join(wrapped(f"#{m.id}: {safe(m.why)}", max_width, 2) for m in report.mistakes[:5])
        )
    if report.only_suspect:
        suspected = [
            (
                f"#{s.id}",
                s.label,
                given_by(s, style),
                s.suggested,
                score[s.id],
                s.path + part_of(s.page, s.item),
            )
            for s in report.only_suspect[:SHOWN]
        ]
        columns = ("id", "label", "given by", "perhaps", "suspicion", "path")
        parts.append(
            f"{counted(len(report.only_suspect), 'more label looks', 'more labels look')} wrong, "
            "though judged as labelled, most suspect first:\n"
            + table(columns, suspected, max_width=max_width, right="rlllr")
            + _more(len(report.only_suspect))
        )
    if score:
        parts.append(style.dim(wrapped(_SUSPICION, max_width)))
    if report.contradictions:
        pairs = [
            (f"#{c.first.id} {c.first.label}", f"#{c.second.id} {c.second.label}",
             f"{c.second.similarity:.3f}", c.first.path)
            for c in report.contradictions[:SHOWN]
        ]  # fmt: skip
        parts.append(
            f"{counted(len(report.contradictions), 'pair')} of near-duplicates with different "
            "labels:\n"
            + table(("one", "other", "cosine", "path"), pairs, max_width=max_width, right="llr")
            + _more(len(report.contradictions))
        )
    return "\n\n".join(parts)


def given_by(one: Mistake | SuspectLabel, style: Style) -> str:
    """Who gave a label."""
    return "a folder or list" if one.labelled_by is None else style.who(one.labelled_by)


def _more(count: int) -> str:
    return f"\nand {count - SHOWN} more" if count > SHOWN else ""
