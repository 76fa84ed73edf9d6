"""The audit: every verdict ever given, chained by hashes in the order in which they were taken in.

hash = sha256(previous hash || sha256 of the body), both as lower-case hex; the first previous is
64 zeros. A changed or missing row breaks the chain; a cut tail shows in the head's hash, which each
report prints. A verdict that can't be written at once (the index is busy) waits in the spool, and
the next writer takes it in.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from mediclip_index.catalog import errors
from mediclip_index.catalog.rows import insert, kept_path
from mediclip_index.catalog.store import ReadTransaction, WriteTransaction
from mediclip_index.types import AuditFilter, IndexDamaged

FIRST = "0" * 64
_COLUMNS = {
    "position": "BIGINT",
    "id": "VARCHAR",
    "time_us": "BIGINT",
    "author": "VARCHAR",
    "run": "VARCHAR",
    "path": "VARCHAR",
    "label": "VARCHAR",
    "unsure": "BOOLEAN",
    "tx": "BIGINT",
    "taken_tx": "BIGINT",
    "body": "VARCHAR",
    "body_sha256": "VARCHAR",
    "previous": "VARCHAR",
    "hash": "VARCHAR",
}
Body = dict[str, Any]


def canonical(body: Body) -> str:
    """A body as the one JSON text that is hashed: sorted keys, no spaces, ASCII."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def link(previous: str, body_sha256: str) -> str:
    return hashlib.sha256((previous + body_sha256).encode()).hexdigest()


def head(read: ReadTransaction) -> tuple[int, str]:
    """(how many verdicts, the hash of the last)."""
    rows = read.db.execute(
        "SELECT position, hash FROM verdicts ORDER BY position DESC LIMIT 1"
    ).fetchall()
    return (int(rows[0][0]), str(rows[0][1])) if rows else (0, FIRST)


def take_in(
    write: WriteTransaction,
    bodies: Sequence[Body],
    *,
    contents: Collection[str] = (),
    paths: Collection[str] = (),
) -> int:
    """Append verdicts to the chain; one whose id is already there is passed over. Of those that
    name purged images, or these contents and paths that were purged, only the hash is kept."""
    known = {
        i
        for (i,) in write.db.execute(
            "SELECT id FROM verdicts WHERE id IN "
            "(SELECT unnest(from_json($1::JSON, '[\"VARCHAR\"]')))",
            [json.dumps([body["id"] for body in bodies])],
        ).fetchall()
    }
    position, previous = head(write)
    purged = {
        i
        for (i,) in write.db.execute("SELECT image FROM removals WHERE what = 'purged'").fetchall()
    }
    rows, erased = [], []
    for body in bodies:
        if body["id"] in known:
            continue
        known.add(body["id"])
        text = canonical(body)
        if purged and _of(body, purged, contents, paths):
            # It was given before a purge, and taken in after it.
            erased.append(body["id"])
        digest = hashlib.sha256(text.encode()).hexdigest()
        position += 1
        rows.append(
            {
                "position": position,
                "id": body["id"],
                "time_us": body["time_us"],
                "author": body["by"],
                "run": body["run"],
                # It may be of an erased content, of which no trace is left to know it by.
                "path": "" if body["id"] in erased else kept_path(body["path"]),
                "label": body["label"],
                "unsure": body["unsure"],
                "tx": body["tx"],
                "taken_tx": write.tx,
                "body": None if body["id"] in erased else text,
                "body_sha256": digest,
                "previous": previous,
                "hash": link(previous, digest),
            }
        )
        previous = rows[-1]["hash"]
    insert(write.db, "verdicts", _COLUMNS, rows)
    _note_erased(write, erased)
    return len(rows)


def erase(
    write: WriteTransaction,
    *,
    ids: Collection[int],
    contents: Collection[str],
    paths: Collection[str],
) -> int:
    """Erase the bodies of verdicts on these contents, or that name these images or paths; the
    hashes of the bodies stay, so the chain holds. Returns how many were erased."""
    named, of_them = [], []
    for body in _bodies_of(write, ids, contents, paths):
        named.append(body["id"])
        if body["sha256"] in contents or body["path"] in paths:
            of_them.append(body["id"])
    listed = "(SELECT unnest(from_json($1::JSON, '[\"VARCHAR\"]')))"
    write.db.execute(f"UPDATE verdicts SET body = NULL WHERE id IN {listed}", [json.dumps(named)])
    write.db.execute(f"UPDATE verdicts SET path = '' WHERE id IN {listed}", [json.dumps(of_them)])
    _note_erased(write, named)
    return len(named)


def count_of(
    read: ReadTransaction, ids: Collection[int], contents: Collection[str], paths: Collection[str]
) -> int:
    """How many verdicts `erase` would erase."""
    return sum(1 for _ in _bodies_of(read, ids, contents, paths)) if ids else 0


def _bodies_of(
    read: ReadTransaction, ids: Collection[int], contents: Collection[str], paths: Collection[str]
) -> Iterator[Body]:
    # In Python: DuckDB's JSON refuses the lone surrogates of a path that is no UTF-8.
    wanted = set(ids)
    read.db.execute("SELECT body FROM verdicts WHERE body IS NOT NULL")
    while batch := read.db.fetchmany(1000):
        for (text,) in batch:
            body = json.loads(text)
            if _of(body, wanted, contents, paths):
                yield body


def _of(
    body: Body, ids: Collection[int], contents: Collection[str], paths: Collection[str]
) -> bool:
    return (
        body["sha256"] in contents
        or body.get("image") in ids
        or body["path"] in paths
        or any(n["id"] in ids or n["path"] in paths for n in body["neighbours"])
    )


def _note_erased(write: WriteTransaction, verdicts: Sequence[str]) -> None:
    insert(
        write.db,
        "erased_bodies",
        {"tx": "BIGINT", "verdict": "VARCHAR"},
        [{"tx": write.tx, "verdict": i} for i in verdicts],
    )


def erased(read: ReadTransaction, beginning: str | None = None) -> list[str]:
    """Ids of verdicts whose body was erased with an image, newest first."""
    rows = read.db.execute(
        "SELECT id FROM verdicts WHERE id IN (SELECT verdict FROM erased_bodies) "
        "AND starts_with(id, ?) ORDER BY time_us DESC, position DESC",
        [beginning or ""],
    ).fetchall()
    return [i for (i,) in rows]


def verify(read: ReadTransaction) -> tuple[int, str, list[str]]:
    """(verdicts, head, findings): every body hashed again, every link, every column beside its
    body."""
    findings: list[str] = []
    position, previous = 0, FIRST
    purged = set(erased(read))
    read.db.execute(
        "SELECT position, id, time_us, author, run, path, label, unsure, tx, body, body_sha256, "
        "previous, hash FROM verdicts ORDER BY position"
    )
    while batch := read.db.fetchmany(1000):
        for row in batch:
            place, i, time_us, author, run, path, label, unsure, tx, text, digest, before, own = row
            position += 1
            if place != position:
                findings.append(f"Verdict {position} is missing before {i}.")
                position = place
            if before != previous or own != link(before, digest):
                findings.append(f"Verdict {i} does not follow the one before it.")
            previous = own
            if text is None:
                if i not in purged:
                    findings.append(f"Verdict {i}'s content is missing, and no purge took it.")
                continue
            if hashlib.sha256(text.encode()).hexdigest() != digest:
                findings.append(f"Verdict {i} was changed after it was given.")
                continue
            body = json.loads(text)
            columns = (i, time_us, author, run, path, label, unsure, tx)
            names = ("id", "time_us", "by", "run", "path", "label", "unsure", "tx")
            kept = tuple(kept_path(body[n]) if n == "path" else body[n] for n in names)
            if columns != kept:
                findings.append(f"Verdict {i}'s columns differ from what was said.")
    return position, previous, findings


def find(
    read: ReadTransaction,
    wanted: AuditFilter,
    *,
    since_us: int | None = None,
    until_us: int | None = None,
    beginning: str | None = None,
) -> list[tuple[Body, str]]:
    """(body, hash) of past verdicts, newest first; the times of `wanted` stand in microseconds
    beside it."""
    conditions: list[str] = ["body IS NOT NULL"]
    parameters: list[Any] = []
    for condition, value in (
        ("label = ?", wanted.label),
        ("unsure = ?", wanted.unsure),
        ("contains(path, ?)", None if wanted.path is None else kept_path(wanted.path)),
        ("starts_with(run, ?)", wanted.run),
        ("time_us >= ?", since_us),
        ("time_us <= ?", until_us),
        ("starts_with(id, ?)", beginning),
    ):
        if value is not None:
            conditions.append(condition)
            parameters.append(value)
    limited = "" if wanted.limit is None else f"LIMIT {wanted.limit}"
    rows = read.db.execute(
        f"SELECT body, hash FROM verdicts WHERE {' AND '.join(conditions)} "
        f"ORDER BY time_us DESC, position DESC {limited}",
        parameters,
    ).fetchall()
    return [(json.loads(body), own) for body, own in rows]


def before(
    read: ReadTransaction, place: tuple[int, int] | None, count: int
) -> tuple[list[Body], tuple[int, int] | None]:
    """The `count` verdicts before a place (None: the latest of all), newest first, and the place of
    the last of them; for those who can't hold all bodies at once."""
    rows = read.db.execute(
        "SELECT body, time_us, position FROM verdicts WHERE body IS NOT NULL "
        "AND ($1 IS NULL OR time_us < $1 OR (time_us = $1 AND position < $2)) "
        f"ORDER BY time_us DESC, position DESC LIMIT {int(count)}",
        list(place or (None, None)),
    ).fetchall()
    return [json.loads(row[0]) for row in rows], (rows[-1][1], rows[-1][2]) if rows else None


# --- the spool --------------------------------------------------------------------------------


def put_in_spool(folder: Path, bodies: Sequence[Body]) -> None:
    """Keep verdicts in a spool file of this process, safe on disk, one JSON line each."""
    with errors.told(folder):
        _write_spool(folder, bodies)


def _write_spool(folder: Path, bodies: Sequence[Body]) -> None:
    folder.mkdir(exist_ok=True)
    # A name of its own each time: no two writers share a file, and a torn line ends a file.
    name = f"{time.time_ns()}-{os.getpid()}.jsonl"
    unfinished = folder / f".{name}"
    try:
        with unfinished.open("x", encoding="ascii") as file:
            for body in bodies:
                file.write(canonical(body) + "\n")
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(folder / name)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def spooled(folder: Path) -> list[Body]:
    """The verdicts that wait in the spool, oldest first."""
    return [body for file in spool_files(folder) for body in _lines(file)]


def take_in_spool(
    write: WriteTransaction,
    folder: Path,
    *,
    contents: Collection[str] = (),
    paths: Collection[str] = (),
) -> list[Path]:
    """Append the spool's verdicts to the chain, as take_in does; returns the files to delete once
    committed.

    Taking in is idempotent by id, so a kill between commit and deletion loses and doubles nothing.
    """
    files = list(spool_files(folder))
    for file in files:
        take_in(write, list(_lines(file)), contents=contents, paths=paths)
    return files


def spool_files(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from sorted(f for f in folder.iterdir() if f.suffix == ".jsonl" and f.name[0] != ".")


def sorted_lines(file: Path) -> tuple[list[bytes], list[bytes]]:
    """(lines that are whole verdicts, lines that are not) of a spool file."""
    whole: list[bytes] = []
    torn: list[bytes] = []
    with contextlib.suppress(FileNotFoundError):
        for line in file.read_bytes().splitlines(keepends=True):
            try:
                body = json.loads(line)
                complete = isinstance(body, dict) and body.keys() >= {"id", "time_us", "path"}
            except ValueError:
                complete = False
            (whole if complete else torn).append(line)
    return whole, torn


def _lines(file: Path) -> Iterator[Body]:
    with (
        contextlib.suppress(FileNotFoundError),
        file.open("rb") as lines,
    ):
        for line in lines:
            try:
                yield json.loads(line)
            except ValueError:
                raise IndexDamaged(
                    f"A line of {file} is damaged; `mediclip-index repair` sets it aside and "
                    "takes the others in."
                ) from None
