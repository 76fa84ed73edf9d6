"""Evaluations: reports that are kept, so that a later one can be held against them, and answers
that took long to learn, so that they are not learned again."""

from __future__ import annotations

import json
from typing import Any

from mediclip_index.catalog.rows import scalar
from mediclip_index.catalog.store import Reading, Writing
from mediclip_index.terms import WrongUsage


def add(work: Writing, kind: str, body: Any) -> int:
    """Keep a report (plain JSON values); returns its number."""
    number = int(scalar(work.db, "SELECT coalesce(max(number), 0) + 1 FROM evaluations"))
    work.db.execute(
        "INSERT INTO evaluations VALUES (?, ?, ?, ?)",
        [number, kind, json.dumps(body, sort_keys=True), work.tx],
    )
    return number


def find(look: Reading, number: int) -> Any:
    """A kept report; WrongUsage where there is none of that number."""
    rows = look.db.execute(
        "SELECT body FROM evaluations WHERE number = ? AND kind = 'evaluation'", [number]
    ).fetchall()
    if not rows:
        raise WrongUsage(f"There is no evaluation {number}; `mediclip-index evaluate` makes one.")
    return json.loads(rows[0][0])


def learned(look: Reading, key: str) -> Any:
    """The kept answers of a method with a key that says all that they follow from; else None."""
    rows = look.db.execute(
        "SELECT body FROM evaluations WHERE kind = 'learned' AND body::JSON->>'key' = ? "
        "ORDER BY number DESC LIMIT 1",
        [key],
    ).fetchall()
    return json.loads(rows[0][0]) if rows else None
