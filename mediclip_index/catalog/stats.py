"""Counts for people: what the index holds."""

from __future__ import annotations

from dataclasses import dataclass

from mediclip_index.catalog import presence, removals
from mediclip_index.catalog.labels import iso
from mediclip_index.catalog.rows import scalar
from mediclip_index.catalog.store import ReadTransaction


@dataclass(frozen=True)
class Stats:
    images: int
    files: int
    without: int
    gone: int
    removed: int
    verdicts: int
    refusals: dict[str, int]
    labels: dict[str, int]
    splits: dict[str, int]
    created: str
    last_build: str | None


def stats(read: ReadTransaction) -> Stats:
    """Everything that `info` counts, as of this transaction."""
    last = scalar(read.db, "SELECT max(time_us) FROM transactions WHERE command = 'build'")
    created = scalar(read.db, "SELECT value FROM identity WHERE name = 'created_us'")
    return Stats(
        images=presence.image_count(read),
        files=int(scalar(read.db, "SELECT count(*) FROM files_at(?)", [read.tx])),
        without=int(
            scalar(
                read.db,
                "SELECT count(*) FROM files_at(?) WHERE sha256 IS NULL "
                "OR sha256 NOT IN (SELECT sha256 FROM images)",
                [read.tx],
            )
        ),
        gone=len(presence.gone_ids(read)),
        removed=len(removals.removed(read)),
        verdicts=int(scalar(read.db, "SELECT count(*) FROM verdicts")),
        refusals=_counts(
            read,
            "SELECT reason, count(DISTINCT path) FROM (SELECT r.path, r.reason FROM refusals r "
            "JOIN files_at($1) f ON f.path = r.path AND r.tx >= f.since_tx) GROUP BY 1 ORDER BY 1",
        ),
        labels=_counts(read, _said("label")),
        splits=_counts(read, _said("split")),
        created=iso(int(created)),
        last_build=iso(int(last)) if last else None,
    )


def _said(what: str) -> str:
    return (
        f"SELECT l.{what}, count(*) FROM labels_at($1) l JOIN images_at($1) i ON i.id = l.image "
        f"WHERE l.{what} IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1"
    )


def _counts(read: ReadTransaction, query: str) -> dict[str, int]:
    return {str(name): int(count) for name, count in read.db.execute(query, [read.tx]).fetchall()}
