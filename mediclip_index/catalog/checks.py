"""What the rows of a catalog owe each other: each broken promise is a finding, with its mending."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import duckdb

from mediclip_index.catalog import audit, models, removals, schema
from mediclip_index.catalog.models import StoredEncoder
from mediclip_index.catalog.rows import scalar
from mediclip_index.catalog.store import ReadTransaction
from mediclip_index.types import Finding, IndexUnavailable

REPAIR = "`mediclip-index repair` "
RESTORE = "Bring a backup back: `mediclip-index --index NEW backup --restore FILE`."
UNIT = 1e-3  # how far a vector's length may be from 1
_SHOWN = 3

# Rows that say something of an image that is not there, and never was purged: table → column.
OF_IMAGES = {"labels": "image", "attributes": "image", "thumbnails": "image"}


def pages(read: ReadTransaction) -> Iterator[Finding]:
    """Every block of every table read once: DuckDB checks each against its checksum."""
    for table in schema.tables(read.db):
        try:
            scalar(read.db, f"SELECT bit_xor(hash(t)) FROM {table} t")
        except duckdb.Error as error:
            first = str(error).strip().splitlines()[0]
            yield Finding("catalog", f"The table {table} can't be read ({first}).", RESTORE)
            return


def encoder_in_force(read: ReadTransaction) -> models.StoredEncoder | None:
    """The encoder that answers queries; None where the catalog has lost it."""
    try:
        return models.encoder(read)
    except (IndexUnavailable, IndexError):
        return None


def in_force(read: ReadTransaction) -> Iterator[Finding]:
    """Encoder, prompts and settings that answer queries, and those that past verdicts rest on."""
    if encoder_in_force(read) is None:
        yield Finding("in_force", "No encoder is in force.", RESTORE)
    try:
        stored = models.prompts(read)
    except IndexUnavailable:
        stored = None
    if stored is None:
        again = "`mediclip-index prompts add FILE.toml` puts a set in force."
        yield Finding("in_force", "No prompt set is in force.", again)
    for name, source, sha in read.db.execute(
        "SELECT name, source, sha256 FROM prompt_sets"
    ).fetchall():
        if hashlib.sha256(source.encode()).hexdigest() != sha:
            yield Finding("in_force", f"The prompt set {name} was changed in the catalog.", RESTORE)
    try:
        chosen = models.chosen(read, "settings")
    except IndexUnavailable:
        chosen = -1
    numbers = set()
    for number, body in read.db.execute("SELECT number, body FROM settings").fetchall():
        try:
            json.loads(body)
            models.settings(read, number)
            numbers.add(number)
        except (ValueError, TypeError):
            yield Finding("in_force", f"The settings {number} can't be read.", RESTORE)
    if chosen not in numbers:
        again = "`mediclip-index tune` makes new ones; or bring a backup back."
        yield Finding("in_force", "No settings are in force.", again)


def vectors(read: ReadTransaction, stored: StoredEncoder) -> Iterator[Finding]:
    """Each image that is there has one finite unit vector; no vector is of no image."""
    lacking = missing_vectors(read, stored)
    if lacking:
        yield Finding(
            "missing_vector",
            f"{len(lacking)} images have no vector ({_ids(lacking)}).",
            REPAIR + "reads their files and embeds them again.",
        )
    bad = bad_vectors(read, stored)
    if bad:
        yield Finding(
            "bad_vector",
            f"{len(bad)} vectors are not of unit length, or hold what is no number ({_ids(bad)}).",
            REPAIR + "reads their files and embeds them again.",
        )
    lone = _column(
        read,
        f"SELECT image FROM {stored.vectors} WHERE image NOT IN (SELECT id FROM images) ORDER BY 1",
    )
    if lone:
        yield Finding(
            "orphan", f"{len(lone)} vectors are of no image ({_ids(lone)}).", _aside("them")
        )


def missing_vectors(read: ReadTransaction, stored: StoredEncoder) -> list[int]:
    """Images that are there and have no vector by this encoder."""
    return _column(
        read,
        "SELECT id FROM images_at($1) WHERE id NOT IN "
        f"(SELECT image FROM {stored.vectors}) ORDER BY 1",
        [read.tx],
    )


def bad_vectors(read: ReadTransaction, stored: StoredEncoder) -> list[int]:
    """Images whose vector is of another length than 1, or not finite."""
    length = "sqrt(list_sum(list_transform(vector::DOUBLE[], lambda x: x * x)))"
    return _column(
        read,
        f"SELECT image FROM {stored.vectors} v JOIN images i ON i.id = v.image "
        f"WHERE NOT coalesce(isfinite({length}) AND abs({length} - 1) < {UNIT}, false) ORDER BY 1",
    )


def rows(read: ReadTransaction) -> Iterator[Finding]:
    """Duplicates, and rows that point nowhere."""
    for what, query in (
        ("ids of images", "SELECT id FROM images GROUP BY id HAVING count(*) > 1"),
        (
            "contents",
            "SELECT sha256 FROM images GROUP BY sha256, page, item HAVING count(*) > 1",
        ),
    ):
        twice = _column(read, query)
        if twice:
            named = ", ".join(str(t) for t in twice[:_SHOWN])
            yield Finding("duplicate", f"{len(twice)} {what} are there twice ({named}).", RESTORE)
    open_twice = duplicate_files(read)
    if open_twice:
        yield Finding(
            "duplicate",
            f"{len(open_twice)} paths hold two contents at once.",
            REPAIR + "closes the older one.",
        )
    for table, column in OF_IMAGES.items():
        lone = _column(read, f"SELECT DISTINCT {column} FROM {table} WHERE {orphaned(column)}")
        if lone:
            yield Finding(
                "orphan",
                f"The {table} of {len(lone)} images that are not in the index ({_ids(lone)}).",
                _aside("them"),
            )
    unseen = _column(
        read,
        "SELECT id FROM images WHERE sha256 NOT IN "
        "(SELECT sha256 FROM files WHERE sha256 IS NOT NULL) ORDER BY 1",
    )
    if unseen:
        yield Finding(
            "orphan",
            f"{len(unseen)} images lay nowhere, ever ({_ids(unseen)}).",
            "`mediclip-index build` of their folder finds them again.",
        )
    unread = int(
        scalar(
            read.db,
            "SELECT count(*) FROM files_at($1) f WHERE f.sha256 IS NOT NULL "
            "AND f.sha256 NOT IN (SELECT sha256 FROM images) "
            "AND f.path NOT IN (SELECT path FROM refusals)",
            [read.tx],
        )
    )
    if unread:
        yield Finding(
            "unread_file",
            f"{unread} known files are neither images nor refused.",
            "`mediclip-index build` reads them again.",
        )


def duplicate_files(read: ReadTransaction) -> list[str]:
    """Paths, as kept, with more than one open row."""
    return _column(
        read, "SELECT path FROM files WHERE until_tx IS NULL GROUP BY path HAVING count(*) > 1"
    )


def orphaned(column: str) -> str:
    """The condition of a row that points to no image."""
    return f"{column} NOT IN (SELECT id FROM images)"


def chain(read: ReadTransaction) -> Iterator[Finding]:
    """The audit's chain, and the contents that it holds."""
    _, _, findings = audit.verify(read)
    if findings:
        more = f" And {len(findings) - _SHOWN} more." if len(findings) > _SHOWN else ""
        yield Finding(
            "chain",
            " ".join(findings[:_SHOWN]) + more,
            "It can't be repaired, or it would prove nothing; `mediclip-index audit verify` lists "
            f"all. {RESTORE}",
        )


def purges(read: ReadTransaction) -> Iterator[Finding]:
    if removals.unfinished_purge(read):
        yield Finding(
            "purge",
            "A purge was interrupted: what it erased may still lie in the pages of the files.",
            REPAIR + "finishes it.",
        )


def _column(read: ReadTransaction, query: str, parameters: list[Any] | None = None) -> list[Any]:
    return [value for (value,) in read.db.execute(query, parameters or []).fetchall()]


def _ids(values: list[Any]) -> str:
    more = ", …" if len(values) > _SHOWN else ""
    return ", ".join(f"#{v}" for v in values[:_SHOWN]) + more


def _aside(what: str) -> str:
    return REPAIR + f"sets {what} aside, in the index's folder aside/."
