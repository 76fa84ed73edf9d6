"""Images that people take out: marked and brought back, or erased for good with a tombstone."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from mediclip_index.catalog import audit, evaluations
from mediclip_index.catalog.rows import given_path, insert, kept_path, scalar
from mediclip_index.catalog.store import REWRITTEN, ReadTransaction, WriteTransaction

PURGE = "remove --purge"  # the command, as its transactions are called
_LISTED = "(SELECT unnest(from_json($1::JSON, '[\"BIGINT\"]')))"
_NAMED = "(SELECT unnest(from_json($1::JSON, '[\"VARCHAR\"]')))"


@dataclass(frozen=True)
class PurgeSet:
    """All that a purge takes: whole contents, so every page of a file of which one is named.

    paths: those that no other image lies, or ever lay, under.
    """

    ids: tuple[int, ...]
    contents: frozenset[str]
    paths: frozenset[str]
    files: int


def removed(read: ReadTransaction) -> list[int]:
    """The images that are marked as removed, in order."""
    rows = read.db.execute("SELECT image FROM removed_at(?) ORDER BY 1", [read.tx]).fetchall()
    return [i for (i,) in rows]


@dataclass(frozen=True)
class Removal:
    """That an image is removed: since transaction `tx`, at `time_us` (UTC), by `author`."""

    image: int
    tx: int
    time_us: int
    author: str


def current(read: ReadTransaction) -> list[Removal]:
    """The removals in force, by image."""
    rows = read.db.execute(
        "SELECT r.image, r.tx, coalesce(t.time_us, 0), coalesce(t.author, '') FROM "
        "(SELECT image, max(tx) AS tx FROM removals WHERE tx <= $1 "
        "AND image IN (SELECT image FROM removed_at($1)) GROUP BY image) r "
        "LEFT JOIN transactions t USING (tx) ORDER BY r.image",
        [read.tx],
    ).fetchall()
    return [Removal(*row) for row in rows]


def purged(read: ReadTransaction) -> set[int]:
    """The images that were erased for good."""
    rows = read.db.execute(
        "SELECT DISTINCT image FROM removals WHERE what = 'purged' AND tx <= ?", [read.tx]
    ).fetchall()
    return {i for (i,) in rows}


def mark(write: WriteTransaction, ids: Iterable[int], what: str) -> None:
    """Note that these images were 'removed', 'restored' or 'purged'."""
    insert(
        write.db,
        "removals",
        {"tx": "BIGINT", "image": "BIGINT", "what": "VARCHAR"},
        [{"tx": write.tx, "image": i, "what": what} for i in ids],
    )


def purge_set(read: ReadTransaction, ids: Collection[int]) -> PurgeSet:
    """What a purge of these images would erase."""
    contents = [
        sha
        for (sha,) in read.db.execute(
            f"SELECT DISTINCT sha256 FROM images WHERE id IN {_LISTED}", [json.dumps(list(ids))]
        ).fetchall()
    ]
    of_contents = json.dumps(contents)
    every = read.db.execute(
        f"SELECT id FROM images WHERE sha256 IN {_NAMED} ORDER BY id", [of_contents]
    ).fetchall()
    paths = read.db.execute(
        f"SELECT DISTINCT path FROM files WHERE sha256 IN {_NAMED} AND path NOT IN "
        f"(SELECT path FROM files JOIN images USING (sha256) WHERE sha256 NOT IN {_NAMED})",
        [of_contents],
    ).fetchall()
    files = scalar(read.db, f"SELECT count(*) FROM files WHERE sha256 IN {_NAMED}", [of_contents])
    return PurgeSet(
        tuple(i for (i,) in every),
        frozenset(contents),
        frozenset(given_path(p) for (p,) in paths),
        int(files),
    )


def purge(write: WriteTransaction, what: PurgeSet) -> int:
    """Erase all rows of these images, and every verdict body that is of them or names them;
    returns how many bodies. Tombstones stay; the pages are overwritten by Catalog.rewrite."""
    db, ids, contents = write.db, json.dumps(what.ids), json.dumps(sorted(what.contents))
    paths = json.dumps([kept_path(p) for p in sorted(what.paths)])
    bodies = audit.erase(write, ids=what.ids, contents=what.contents, paths=what.paths)
    said = db.execute(
        f"SELECT name, value FROM attributes GROUP BY ALL HAVING bool_and(image IN {_LISTED})",
        [ids],
    ).fetchall()
    evaluations.forget(write, {(name, value) for name, value in said})
    for (number,) in db.execute("SELECT number FROM encoders").fetchall():
        db.execute(f"DELETE FROM vectors_{number} WHERE image IN {_LISTED}", [ids])
    for table in ("labels", "attributes", "thumbnails"):
        db.execute(f"DELETE FROM {table} WHERE image IN {_LISTED}", [ids])
    db.execute(f"DELETE FROM files WHERE sha256 IN {_NAMED}", [contents])
    for table, column in (("files", "path"), ("refusals", "path"), ("sources", "source")):
        db.execute(f"DELETE FROM {table} WHERE {column} IN {_NAMED}", [paths])
    db.execute(f"DELETE FROM images WHERE id IN {_LISTED}", [ids])
    db.execute("DELETE FROM neighbour_files")  # derived, and written anew without them
    mark(write, what.ids, "purged")
    return bodies


def last_purge(read: ReadTransaction) -> int:
    """The transaction of the latest purge; 0 where there was none."""
    return int(
        scalar(
            read.db,
            "SELECT coalesce(max(tx), 0) FROM removals WHERE what = 'purged' AND tx <= ?",
            [read.tx],
        )
    )


def unfinished_purge(read: ReadTransaction) -> bool:
    """Whether something was erased of which the catalog's pages may still hold the bytes."""
    done = read.db.execute("SELECT value FROM identity WHERE name = ?", [REWRITTEN]).fetchall()
    # Late verdicts are erased by a transaction of the same command, which removes no image.
    latest = scalar(
        read.db,
        "SELECT coalesce(max(tx), 0) FROM transactions WHERE command = ? AND tx <= ?",
        [PURGE, read.tx],
    )
    return max(last_purge(read), int(latest)) > (int(done[0][0]) if done else 0)
