"""Reports as text that a person likes to read: the most important first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mediclip_index.show.text import counted, percent, safe, table, wrapped
from mediclip_index.types import (
    AuditRow,
    BuildReport,
    ChainReport,
    LabelEvent,
    LabelReport,
    Neighbour,
    PromptSetFacts,
    PromptTrial,
    QueryReport,
    ReferenceVote,
    Refusal,
    SearchHit,
    SearchReport,
    Verdict,
)

NO_DEVICE = "Not a diagnostic device: it sorts pictures, it does not read them for illness."
VOTERS = 5  # neighbours, and references, of a verdict that is shown in full
CARDS = 3  # up to so many verdicts are shown in full
ONE_LINE = 110  # columns from which on an id of 36 or a description fits beside the rest


class Style:
    """Colours where they are wanted, and who reads it."""

    def __init__(self, color: bool, you: str = "") -> None:
        self._color = color
        self._you = safe(you)

    def who(self, author: str) -> str:
        """An author as the reader calls them."""
        return "you" if author and safe(author) == self._you else safe(author)

    def bold(self, text: str) -> str:
        return f"\x1b[1m{text}\x1b[0m" if self._color else text

    def dim(self, text: str) -> str:
        return f"\x1b[2m{text}\x1b[0m" if self._color else text

    def warn(self, text: str) -> str:
        return f"\x1b[33m{text}\x1b[0m" if self._color else text


def query(report: QueryReport, max_width: int | None, style: Style) -> str:
    parts = []
    if len(report.verdicts) <= CARDS:
        parts += [card(v, max_width, style) for v in report.verdicts]
    else:
        parts.append(_verdicts(report.verdicts, max_width, style))
        parts.append(_summary(report.verdicts))
    parts += _refused(report.refused, max_width)
    if not parts:
        parts.append("No picture to show.")
    if report.verdicts:
        parts.append(style.dim(NO_DEVICE))
    return "\n\n".join(parts)


def card(verdict: Verdict, max_width: int | None, style: Style) -> str:
    """One verdict in full."""
    doubt = style.warn("  UNSURE") if verdict.unsure else ""
    raw = "" if verdict.calibrated else " (uncalibrated)"
    where = safe(verdict.path) + _page(verdict) + (f"  #{verdict.image}" if verdict.image else "")
    kind = f"{verdict.group.name} ({percent(verdict.group.probability)})"
    said = f"{verdict.label} {percent(verdict.probability)}{raw}{doubt}"
    first = f"  {style.bold(verdict.label)}  {percent(verdict.probability)}{raw}{doubt}"
    if verdict.hand is not None:
        hand = (
            f"labelled {style.bold(safe(verdict.hand.label))} by {style.who(verdict.hand.author)}"
        )
        first = f"  {hand}; the machine says {said}"
        kind = f"{safe(verdict.kind or '-')}; the machine says {kind}"
    lines = [
        style.bold(where),
        first,
        f"  kind       {kind}",
        f"  words      {_shares(verdict.zero_shot)}",
        f"  neighbours {_shares(verdict.votes) if verdict.votes else 'no vote'}",
        wrapped(f"  why        {safe(verdict.why)}", max_width, 13),
    ]
    neighbours = [(f"#{n.id}", *_vote(n), n.label or "-", n.path) for n in verdict.neighbours]
    head = ("id", "cosine", "share of votes", "label", "path")
    lines += _voters(head, neighbours, "rrr", max_width, style)
    references = [(r.kind, *_vote(r), r.label, r.source) for r in verdict.references]
    head = ("reference", "cosine", "share of votes", "label", "source")
    lines += _voters(head, references, "lrr", max_width, style)
    if verdict.id:  # one that is not kept has none that could be asked for
        lines += ["", style.dim(f"  verdict {verdict.id}")]
    return "\n".join(lines)


def _vote(voter: Neighbour | ReferenceVote) -> tuple[str, str]:
    return f"{voter.similarity:.3f}", percent(voter.weight) if voter.weight else "-"


def _voters(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    right: str,
    max_width: int | None,
    style: Style,
) -> list[str]:
    """The first of them under their head; nothing where there are none."""
    if not rows:
        return []
    inner = None if max_width is None else max_width - 4
    shown = table(head, rows[:VOTERS], max_width=inner, right=right)
    more = [style.dim(f"    and {len(rows) - VOTERS} more")] if len(rows) > VOTERS else []
    return ["", *(f"    {line}" for line in shown.splitlines()), *more]


def _shares(shares: Any) -> str:
    ordered = sorted(shares.items(), key=lambda item: -item[1])
    return ", ".join(f"{name} {percent(value)}" for name, value in ordered)


def _page(verdict: Verdict) -> str:
    return part_of(verdict.page, verdict.item)


def part_of(page: int | None, item: int | None) -> str:
    """Which picture of its file an image is, as it stands after a path."""
    return (f", page {page}" if page else "") + (f", picture {item}" if item else "")


def _verdicts(verdicts: Sequence[Verdict], max_width: int | None, style: Style) -> str:
    rows = [
        (
            f"#{v.image}" if v.image else "",
            v.effective,
            percent(v.probabilities.get(v.effective, 0.0)),
            _standing(v.hand.author if v.hand else None, v.unsure, style),
            v.kind or "-",
            v.path + _page(v),
        )
        for v in verdicts
    ]
    head = ("id", "label", "probability", "", "kind", "path")
    return table(head, rows, max_width=max_width, right="rlr")


def _standing(author: str | None, unsure: bool | None, style: Style) -> str:
    """Who said it, or whether it is in doubt."""
    return f"by {style.who(author)}" if author is not None else "unsure" if unsure else ""


def _summary(verdicts: Sequence[Verdict]) -> str:
    counts: dict[str, int] = {}
    for verdict in verdicts:
        counts[verdict.effective] = counts.get(verdict.effective, 0) + 1
    told = ", ".join(f"{n} {name}" for name, n in sorted(counts.items(), key=lambda i: -i[1]))
    return (
        f"{counted(len(verdicts), 'picture')}: {told}; {sum(v.in_doubt for v in verdicts)} unsure."
    )


def _of_page(refused: Refusal) -> str:
    return f" (page {refused.page})" if refused.page else ""


def _refused(refused: Sequence[Refusal], max_width: int | None) -> list[str]:
    if not refused:
        return []
    if len(refused) <= CARDS:
        told = [
            wrapped(f"  {r.reason:<13}{safe(r.message)}{_of_page(r)}", max_width, 15)
            for r in refused
        ]
        return ["\n".join([_refused_head(refused), *told])]
    rows = [(r.reason, r.path + (f", page {r.page}" if r.page else "")) for r in refused]
    head = _refused_head(refused)
    return [head + "\n" + table(("reason", "path"), rows, max_width=max_width)]


def _refused_head(refused: Sequence[Refusal]) -> str:
    missing = sum(r.reason == "missing" for r in refused)
    told = [f"{len(refused) - missing} refused"] if len(refused) > missing else []
    told += [f"{counted(missing, 'source')} missing"] if missing else []
    return ", ".join(told) + ":"


def build(report: BuildReport, max_width: int | None, style: Style) -> str:
    missing = sum(r.reason == "missing" for r in report.refused)
    counts = [
        (report.added, "added"), (report.unchanged, "unchanged"), (report.renamed, "renamed"),
        (report.duplicates, "of known content"), (report.returned, "came back"),
        (report.gone, "gone"), (len(report.refused) - missing, "refused"),
    ]  # fmt: skip
    parts = [f"{n} {what}" for n, what in counts if n]
    parts += [f"those of {counted(missing, 'source')} missing"] if missing else []
    told = ", ".join(parts) or "nothing found"
    speed = f" ({report.images_per_second:.0f} images/s)" if report.images_per_second >= 1 else ""
    lines = [
        style.bold(f"{counted(report.images, 'image')} in {report.index.path}"),
        f"  files      {told}",
        *(
            [f"  pruned     {counted(report.pruned, 'image')} without a file left"]
            if report.pruned
            else []
        ),
        f"  labels     {counted(report.labelled, 'image')} newly labelled or described",
        f"  model      {report.index.model}",
        f"  took       {report.seconds:.1f} s{speed}",
    ]
    return "\n\n".join(["\n".join(lines), *_refused(report.refused, max_width)])


def search(report: SearchReport, max_width: int | None, style: Style) -> str:
    if not report.results:
        return "Nothing found."
    # Where nothing was asked that an image could be like, no cosine is to be told.
    alike = not report.query.startswith("where ") or any(h.similarity != 1 for h in report.results)
    columns = [
        ("id", "r", [f"#{h.id}" for h in report.results]),
        *([("cosine", "r", [f"{h.similarity:.3f}" for h in report.results])] if alike else []),
        ("verdict", "l", [h.verdict or "-" for h in report.results]),
        ("probability", "r", [_share(h.probability) for h in report.results]),
        ("", "l", [_standing(h.labelled_by, h.unsure, style) for h in report.results]),
        ("kind", "l", [h.kind or "-" for h in report.results]),
        ("label", "l", [h.label or "-" for h in report.results]),
        ("split", "l", [h.split or "-" for h in report.results]),
        ("path", "l", [h.path + _part_of_hit(h) for h in report.results]),
    ]
    # What is empty for all of them takes no room from the paths.
    told = [one for one in columns if set(one[2]) - {"", "-"} or one[0] == "path"]
    heads, right, cells = zip(*told, strict=True)
    return table(heads, list(zip(*cells, strict=True)), max_width=max_width, right="".join(right))


def _part_of_hit(hit: SearchHit) -> str:
    return part_of(hit.metadata.get("page"), hit.metadata.get("item"))


def _share(probability: float | None) -> str:
    return "-" if probability is None else percent(probability)


def labels(report: LabelReport, max_width: int | None, style: Style) -> str:
    text = f"{counted(report.changed, 'image')} changed, {report.unchanged} as they were."
    if report.missing:
        shown = "\n".join(f"  {safe(p)}" for p in report.missing[:10])
        more = len(report.missing) - 10
        text += (
            f"\n{counted(len(report.missing), 'path is', 'paths are')} not in the index:\n{shown}"
        )
        text += f"\n  and {more} more" if more > 0 else ""
    if report.several:
        shown = "\n".join(f"  {safe(p)}" for p in report.several[:10])
        more = len(report.several) - 10
        told = (
            f"{counted(len(report.several), 'path holds', 'paths hold')} several pictures, and "
            "none of them was labelled; say image, or page and item, or --all-pages:"
        )
        text += f"\n{wrapped(told, max_width)}\n{shown}"
        text += f"\n  and {more} more" if more > 0 else ""
    return text


def events(rows: Sequence[LabelEvent], max_width: int | None, style: Style) -> str:
    if not rows:
        return "Nothing was ever said of this image."
    shown = [
        (
            e.time,
            style.who(e.by),
            *(
                "-" if v is None else v or "(taken away)"
                for v in (e.label, e.kind, e.split, e.subject)
            ),
        )
        for e in rows
    ]
    return table(("time", "by", "label", "kind", "split", "subject"), shown, max_width=max_width)


def prompt_sets(rows: Sequence[PromptSetFacts], max_width: int | None, style: Style) -> str:
    narrow = max_width is not None and max_width < ONE_LINE
    shown = [
        (
            "*" if s.default else "",
            s.name,
            len(s.classes),
            s.groups,
            s.sentences,
            s.pooling,
            *(() if narrow else (s.description,)),
        )
        for s in rows
    ]
    text = table(
        ("", "set", "classes", "kinds", "sentences", "pooling", "description")[
            : 6 if narrow else 7
        ],
        shown,
        max_width=max_width,
        right="llrrr",
    )
    if narrow:
        text = _under(text, [wrapped(f"     {safe(s.description)}", max_width, 5) for s in rows])
    return text + "\n\n* answers queries now."


def _under(text: str, more: Sequence[str]) -> str:
    """A table with something under each of its rows, where a line is too short for all."""
    head, *lines = text.split("\n")
    return "\n".join([head, *(line for pair in zip(lines, more, strict=True) for line in pair)])


def trials(rows: Sequence[PromptTrial], max_width: int | None, style: Style) -> str:
    shown = [
        (
            t.class_name or "-",
            t.group or "-",
            f"{t.results[0].similarity:.3f}" if t.results else "-",
            ", ".join(f"{n} {label}" for label, n in sorted(t.labels.items(), key=lambda i: -i[1])),
            t.prompt,
        )
        for t in rows
    ]
    return table(
        ("class", "kind", "best", "pulls", "sentence"), shown, max_width=max_width, right="llr"
    )


def audit_rows(rows: Sequence[AuditRow], max_width: int | None, style: Style) -> str:
    if not rows:
        return "No verdicts yet."
    narrow = max_width is not None and max_width < ONE_LINE
    shown = [
        (
            *(() if narrow else (r.verdict.id,)),
            r.time[:19].replace("T", " "),
            r.verdict.label,
            percent(r.verdict.probability),
            "unsure" if r.verdict.unsure else "",
            r.verdict.path + part_of(r.verdict.page, r.verdict.item),
        )
        for r in rows
    ]
    head = ("time (UTC)", "label", "probability", "", "path")
    if not narrow:
        return table(("id", *head), shown, max_width=max_width, right="lllr")
    # An id is not cut: it is there to be copied.
    ids = [style.dim(f"  {safe(r.verdict.id)}") for r in rows]
    return _under(table(head, shown, max_width=max_width, right="llr"), ids)


def audit_row(row: AuditRow, max_width: int | None, style: Style) -> str:
    pairs = [
        ("time", row.time), ("by", style.who(row.by)), ("model", row.model),
        ("fingerprint", row.fingerprint), ("engine", f"{row.engine}, {row.precision}"),
        ("settings", f"number {row.settings}, prompts {row.prompts}"),
        ("state", f"transaction {row.tx}"), ("run", row.run),
        ("chain", row.chain or "waiting in the spool"),
    ]  # fmt: skip
    lines = [card(row.verdict, max_width, style)]
    lines += [f"  {name:<11} {safe(value)}" for name, value in pairs]
    return "\n".join(lines)


def chain(report: ChainReport, max_width: int | None, style: Style) -> str:
    if not report.ok:
        return "\n".join([*(safe(f) for f in report.findings), f"head {report.head}"])
    holds = f"The chain of {counted(report.verdicts, 'verdict')} holds."
    if report.spooled:
        holds += f" {counted(report.spooled, 'verdict waits', 'verdicts wait')} in the spool."
    return f"{holds}\nhead {report.head}"
