"""Lists of images as CSV rows that a person fills in: `guess` is the machine's class, `label` what
people said, empty where nobody spoke, and `image` the id in the index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mediclip_index.show.records import plain
from mediclip_index.types import Proposal, QueryReport, SearchReport

ADDED = ("image", "page", "item", "guess")  # beside the columns that stood there before


def of_verdicts(report: QueryReport) -> list[Any]:
    return [
        {**plain(v), "guess": v.label, "label": v.hand.label if v.hand else ""}
        for v in report.verdicts
    ]


def of_hits(report: SearchReport) -> list[Any]:
    """Rows of a search; `label` is also what folders and lists said."""
    return [
        {**plain(hit), **{n: hit.metadata.get(n) for n in ("page", "item")}}
        for hit in report.results
    ]


def of_proposals(rows: Sequence[Proposal]) -> list[Any]:
    return [{**plain(row), "guess": row.label, "label": ""} for row in rows]
