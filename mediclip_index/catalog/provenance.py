"""Where images come from: sources, how each was read, and what of them was refused."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from mediclip_index.catalog.rows import given_path, insert, kept_path, scalar
from mediclip_index.catalog.store import ReadTransaction, WriteTransaction
from mediclip_index.types import Frames, Pdf, ReadOptions, Refusal, ScanOptions

_REFUSALS = {
    "tx": "BIGINT",
    "path": "VARCHAR",
    "page": "INTEGER",
    "reason": "VARCHAR",
    "message": "VARCHAR",
}


@dataclass(frozen=True)
class Source:
    """Where images came from, and how it was read."""

    number: int
    source: str
    labels: str
    read: ReadOptions
    scan: ScanOptions


def sources(read: ReadTransaction) -> list[Source]:
    """Every source ever built from, the latest way of reading it."""
    rows = read.db.execute(
        "SELECT max(number), source, arg_max(labels, number), arg_max(frames, number), "
        "arg_max(pdf, number), arg_max(options, number) "
        "FROM sources WHERE tx <= ? GROUP BY source ORDER BY 1",
        [read.tx],
    ).fetchall()
    return [
        Source(n, given_path(s), given_path(labels), read_options(f, p, rest), _scan_options(rest))
        for n, s, labels, f, p, rest in rows
    ]


def read_options(frames: Frames, pdf: Pdf, rest: str) -> ReadOptions:
    """How a source's files were read, from the columns of its row."""
    return ReadOptions(
        frames=frames, pdf=pdf, truncated=json.loads(rest).get("truncated", "refuse")
    )


def _scan_options(rest: str) -> ScanOptions:
    said = json.loads(rest)
    return ScanOptions(
        exclude=tuple(said.get("exclude", ())),
        include=tuple(said.get("include", ())),
        follow_links=said.get("follow_links", False),
    )


def add_source(
    write: WriteTransaction,
    source: str,
    *,
    labels: str,
    read: ReadOptions | None = None,
    scan: ScanOptions | None = None,
) -> int:
    """The number of a source read in this way; a new row where it was last read in another."""
    read, scan = read or ReadOptions(), scan or ScanOptions()
    rest = {**_said(read), **_said(scan)}
    rest = {name: value for name, value in rest.items() if name not in ("frames", "pdf")}
    said = json.dumps(rest, sort_keys=True)
    row = [kept_path(source), kept_path(labels), read.frames, read.pdf, said]
    known = write.db.execute(
        "SELECT number FROM sources WHERE source = ? AND labels = ? AND frames = ? AND pdf = ? "
        "AND options = ? AND number = (SELECT max(number) FROM sources s WHERE s.source = "
        "sources.source)",
        row,
    ).fetchall()
    if known:
        return int(known[0][0])
    number = int(scalar(write.db, "SELECT coalesce(max(number), 0) + 1 FROM sources"))
    write.db.execute(
        "INSERT INTO sources (number, source, labels, frames, pdf, options, tx) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        [number, *row, write.tx],
    )
    return number


def _said(options: ReadOptions | ScanOptions) -> dict[str, object]:
    """What is not at its default."""
    usual = asdict(type(options)())
    return {name: value for name, value in asdict(options).items() if value != usual[name]}


def paths_by_source(read: ReadTransaction) -> dict[str, set[str]]:
    """The paths that are there, by the source they were last read from."""
    rows = read.db.execute(
        "SELECT s.source, f.path FROM files_at(?) f JOIN sources s ON s.number = f.source",
        [read.tx],
    ).fetchall()
    found: dict[str, set[str]] = {}
    for source, path in rows:
        found.setdefault(given_path(source), set()).add(given_path(path))
    return found


def known_refusals(read: ReadTransaction) -> dict[str, list[Refusal]]:
    """The latest refusals by path, so that an unchanged bad file need not be read again."""
    rows = read.db.execute(
        "SELECT path, reason, message, page FROM refusals WHERE tx <= ? "
        "QUALIFY tx = max(tx) OVER (PARTITION BY path) ORDER BY path, page",
        [read.tx],
    ).fetchall()
    found: dict[str, list[Refusal]] = {}
    for path, reason, message, page in rows:
        found.setdefault(given_path(path), []).append(
            Refusal(given_path(path), reason, given_path(message), page)
        )
    return found


def add_refusals(write: WriteTransaction, refusals: Sequence[Refusal]) -> None:
    insert(
        write.db,
        "refusals",
        _REFUSALS,
        [
            {
                "tx": write.tx,
                "path": kept_path(refusal.path),
                "page": refusal.page,
                "reason": refusal.reason,
                "message": kept_path(refusal.message),
            }
            for refusal in refusals
        ],
    )
