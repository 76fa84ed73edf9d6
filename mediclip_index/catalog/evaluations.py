"""Evaluations: reports that are kept, so that a later one can be held against them, and answers
that took long to learn, so that they are not learned again."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from mediclip_index.catalog.rows import scalar
from mediclip_index.catalog.store import ReadTransaction, WriteTransaction
from mediclip_index.types import UsageError


def add(write: WriteTransaction, kind: str, body: Any) -> int:
    """Keep a report (plain JSON values); returns its number."""
    number = int(scalar(write.db, "SELECT coalesce(max(number), 0) + 1 FROM evaluations"))
    write.db.execute(
        "INSERT INTO evaluations VALUES (?, ?, ?, ?)",
        [number, kind, json.dumps(body, sort_keys=True), write.tx],
    )
    return number


def forget(write: WriteTransaction, values: Collection[tuple[str, str]]) -> None:
    """Take these (column, value) pairs out of all reports: what a purge erased may be the name of a
    part that was counted by itself. Its numbers stay."""
    rows = (
        write.db.execute(
            "SELECT number, body FROM evaluations WHERE kind = 'evaluation'"
        ).fetchall()
        if values
        else []
    )
    for number, text in rows:
        body = json.loads(text)
        for column, parts in body.get("by", {}).items():
            names = {part: part for part in parts}
            gone = [part for part in parts if (column, part) in values]
            first = 1 + sum(part.startswith("(erased ") for part in parts)
            names |= {part: f"(erased {place})" for place, part in enumerate(gone, first)}
            body["by"][column] = {names[part]: figures for part, figures in parts.items()}
        cleaned = json.dumps(body, sort_keys=True)
        if cleaned != text:
            write.db.execute("UPDATE evaluations SET body = ? WHERE number = ?", [cleaned, number])


def find(read: ReadTransaction, number: int) -> Any:
    """A kept report; UsageError where there is none of that number."""
    rows = read.db.execute(
        "SELECT body FROM evaluations WHERE number = ? AND kind = 'evaluation'", [number]
    ).fetchall()
    if not rows:
        raise UsageError(f"There is no evaluation {number}; `mediclip-index evaluate` makes one.")
    return json.loads(rows[0][0])


def all_of(read: ReadTransaction) -> list[tuple[int, Any, int, str]]:
    """All kept reports, the latest first: number, body, time, author."""
    rows = read.db.execute(
        "SELECT e.number, e.body, t.time_us, t.author FROM evaluations e JOIN transactions t "
        "USING (tx) WHERE e.kind = 'evaluation' AND e.tx <= ? ORDER BY e.number DESC",
        [read.tx],
    ).fetchall()
    return [(number, json.loads(body), time_us, author) for number, body, time_us, author in rows]


def learned(read: ReadTransaction, key: str) -> Any:
    """The kept answers of a method with a key that says all that they follow from; else None."""
    rows = read.db.execute(
        "SELECT body FROM evaluations WHERE kind = 'learned' AND body::JSON->>'key' = ? "
        "ORDER BY number DESC LIMIT 1",
        [key],
    ).fetchall()
    return json.loads(rows[0][0]) if rows else None
