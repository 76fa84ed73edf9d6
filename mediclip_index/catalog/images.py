"""Files, images and their vectors: what is known, what is new, what is gone."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mediclip_index.catalog import thumbnails
from mediclip_index.catalog.models import StoredEncoder
from mediclip_index.catalog.provenance import read_options
from mediclip_index.catalog.rows import (
    fetch_vectors,
    given_path,
    insert,
    insert_vectors,
    kept_path,
    scalar,
)
from mediclip_index.catalog.store import ReadTransaction, WriteTransaction
from mediclip_index.types import Attribute, Ids, ReadOptions, Vectors

_FILES = {
    "path": "VARCHAR",
    "source": "INTEGER",
    "size": "BIGINT",
    "mtime_ns": "BIGINT",
    "sha256": "VARCHAR",
    "since_tx": "BIGINT",
}
_IMAGES = {
    "id": "BIGINT",
    "sha256": "VARCHAR",
    "page": "INTEGER",
    "item": "INTEGER",
    "width": "INTEGER",
    "height": "INTEGER",
    "format": "VARCHAR",
    "bytes": "BIGINT",
    "technical": "VARCHAR",
    "tx": "BIGINT",
}
_PART = 16_384  # vectors fetched at a time


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A path as it was last seen; `sha256` is None where it could not even be read."""

    size: int
    mtime_ns: int
    sha256: str | None


@dataclass(frozen=True, slots=True)
class NewFile:
    path: str
    size: int
    mtime_ns: int
    sha256: str | None


@dataclass(frozen=True)
class NewImage:
    """An image about to be kept. `vector` has shape (dim,)."""

    sha256: str
    page: int | None
    item: int | None
    width: int
    height: int
    format: str
    bytes: int
    technical: Mapping[str, Attribute]
    vector: Vectors
    thumbnail: thumbnails.Grey = b""


@dataclass(frozen=True)
class StoredImage:
    """An image as others speak of it."""

    id: int
    path: str
    sha256: str
    page: int | None
    item: int | None
    width: int
    height: int
    bytes: int


def stored_files(read: ReadTransaction) -> dict[str, StoredFile]:
    """Every path that is there, as it was last seen."""
    rows = read.db.execute(
        "SELECT path, size, mtime_ns, sha256 FROM files_at(?)", [read.tx]
    ).fetchall()
    return {given_path(path): StoredFile(*rest) for path, *rest in rows}


def past_contents(read: ReadTransaction) -> set[tuple[str, str]]:
    """(path, sha256) of files that are gone: one that comes back is recognised by it."""
    rows = read.db.execute(
        "SELECT DISTINCT path, sha256 FROM files WHERE until_tx <= ? AND sha256 IS NOT NULL",
        [read.tx],
    ).fetchall()
    return {(given_path(path), sha) for path, sha in rows}


def known_contents(read: ReadTransaction, stored: StoredEncoder) -> tuple[set[str], set[str]]:
    """The sha256 of every content, those of which all pages have their vectors by this encoder and
    those of which some lack theirs; what was removed need not have any."""
    rows = read.db.execute(
        "SELECT sha256, count(*) FILTER (WHERE r.image IS NULL) = "
        "count(v.image) FILTER (WHERE r.image IS NULL) FROM images "
        f"LEFT JOIN {stored.vectors} v ON v.image = images.id "
        "LEFT JOIN removed_at($1) r ON r.image = images.id GROUP BY sha256",
        [read.tx],
    ).fetchall()
    return {sha for sha, whole in rows if whole}, {sha for sha, whole in rows if not whole}


def close_files(write: WriteTransaction, paths: Iterable[str]) -> int:
    """Mark what these paths held as no longer there; returns how many were open."""
    closing = json.dumps([kept_path(path) for path in paths])
    rows = write.db.execute(
        "UPDATE files SET until_tx = $1 WHERE until_tx IS NULL AND path IN "
        "(SELECT unnest(from_json($2::JSON, '[\"VARCHAR\"]'))) RETURNING 1",
        [write.tx, closing],
    ).fetchall()
    return len(rows)


def close_older(write: WriteTransaction) -> None:
    """Of several open rows of one path, close all but the latest."""
    write.db.execute(
        "UPDATE files SET until_tx = $1 WHERE until_tx IS NULL AND since_tx < "
        "(SELECT max(since_tx) FROM files later WHERE later.until_tx IS NULL "
        "AND later.path = files.path)",
        [write.tx],
    )


def add_files(
    write: WriteTransaction,
    source: int,
    files: Sequence[NewFile],
    before: Collection[str] | None = None,
) -> None:
    """Note what these paths hold from now on; whatever they held before is closed.
    before: the only paths that may have held something; None: any may, which takes longer.
    """
    closing = [file.path for file in files if before is None or file.path in before]
    if closing:
        close_files(write, closing)
    insert(
        write.db,
        "files",
        _FILES,
        [
            {
                "path": kept_path(file.path),
                "source": source,
                "size": file.size,
                "mtime_ns": file.mtime_ns,
                "sha256": file.sha256,
                "since_tx": write.tx,
            }
            for file in files
        ],
    )


def add_images(
    write: WriteTransaction,
    stored: StoredEncoder,
    new: Sequence[NewImage],
    before: Collection[str] | None = None,
) -> int:
    """Keep images and their vectors together; returns how many were new.

    One that is already there (another process was faster) only gets the vector that it lacks.
    before: the only contents that may be there already; None: any may.
    """
    if not new:
        return 0
    asked = {image.sha256 for image in new if before is None or image.sha256 in before}
    present = identified(write, asked) if asked else {}
    # A purged image's id is never given again: past verdicts may name it.
    next_id = int(
        scalar(
            write.db,
            "SELECT coalesce(max(id), 0) + 1 FROM "
            "(SELECT id FROM images UNION ALL SELECT image FROM removals)",
        )
    )
    rows: list[dict[str, Any]] = []
    vectors: dict[int, Vectors] = {}
    for image in new:
        identity = (image.sha256, image.page, image.item)
        if identity not in present:
            present[identity] = next_id
            rows.append(
                {
                    "id": next_id,
                    "sha256": image.sha256,
                    "page": image.page,
                    "item": image.item,
                    "width": image.width,
                    "height": image.height,
                    "format": image.format,
                    "bytes": image.bytes,
                    "technical": json.dumps(dict(image.technical)),
                    "tx": write.tx,
                }
            )
            next_id += 1
        vectors[present[identity]] = image.vector
    insert(write.db, "images", _IMAGES, rows)
    grey = {present[i.sha256, i.page, i.item]: i.thumbnail for i in new if i.thumbnail}
    thumbnails.put(write, grey)
    having = {
        i
        for (i,) in write.db.execute(
            f"SELECT image FROM {stored.vectors} WHERE image IN "
            "(SELECT unnest(from_json($1::JSON, '[\"BIGINT\"]')))",
            [json.dumps(list(vectors))],
        ).fetchall()
    }
    lacking = [i for i in vectors if i not in having]
    if lacking:
        insert_vectors(
            write.db,
            stored.vectors,
            np.array(lacking, dtype=np.int64),
            np.stack([vectors[i] for i in lacking]),
            write.tx,
        )
    return len(lacking)


def identified(
    read: ReadTransaction, contents: Iterable[str]
) -> dict[tuple[str, int | None, int | None], int]:
    """The images of these contents (sha256), by content, page and item."""
    rows = read.db.execute(
        "SELECT sha256, page, item, id FROM images WHERE sha256 IN "
        "(SELECT unnest(from_json($1::JSON, '[\"VARCHAR\"]')))",
        [json.dumps(sorted(contents))],
    ).fetchall()
    return {(sha, page, item): i for sha, page, item, i in rows}


def ids_by_path(read: ReadTransaction, paths: Iterable[str]) -> dict[str, list[int]]:
    """The images (a file's pages are several) under those of these paths that are there."""
    rows = read.db.execute(
        "SELECT f.path, list(i.id ORDER BY i.id) FROM files_at($1) f JOIN images i USING (sha256) "
        "WHERE i.tx <= $1 AND f.path IN (SELECT unnest(from_json($2::JSON, '[\"VARCHAR\"]'))) "
        "GROUP BY f.path ORDER BY min(i.id)",
        [read.tx, json.dumps([kept_path(path) for path in paths])],
    ).fetchall()
    return {given_path(path): ids for path, ids in rows}


def shared(read: ReadTransaction) -> list[list[str]]:
    """The paths of each content that lies in several files."""
    rows = read.db.execute(
        "SELECT list(path ORDER BY path) FROM files_at(?) WHERE sha256 IS NOT NULL "
        "GROUP BY sha256 HAVING count(*) > 1 ORDER BY min(path)",
        [read.tx],
    ).fetchall()
    return [[given_path(path) for path in paths] for (paths,) in rows]


def added(write: WriteTransaction) -> dict[str, list[int]]:
    """The images that this transaction has added, by content."""
    found: dict[str, list[int]] = {}
    for sha, i in write.db.execute(
        "SELECT sha256, id FROM images WHERE tx = ? ORDER BY id", [write.tx]
    ).fetchall():
        found.setdefault(sha, []).append(i)
    return found


def ids_by_content(read: ReadTransaction, contents: Iterable[str]) -> dict[str, set[int]]:
    """The images of these contents (sha256), all pages."""
    found: dict[str, set[int]] = {}
    for (sha, _, _), image in identified(read, set(contents)).items():
        found.setdefault(sha, set()).add(image)
    return found


def images(read: ReadTransaction, ids: Sequence[int] | None = None) -> dict[int, StoredImage]:
    """Images by id, those gone too, each with the path where it is or was last seen."""
    narrowed = ""
    parameters: list[Any] = [read.tx]
    if ids is not None:
        narrowed = "AND i.id IN (SELECT unnest(from_json($2::JSON, '[\"BIGINT\"]')))"
        parameters.append(json.dumps([int(i) for i in ids]))
    rows = read.db.execute(
        "SELECT i.id, arg_min(f.path, (f.until_tx IS NOT NULL, -coalesce(f.until_tx, 0), "
        "f.since_tx, f.path)), any_value(i.sha256), any_value(i.page), any_value(i.item), "
        "any_value(i.width), any_value(i.height), any_value(i.bytes) "
        f"FROM images i JOIN files f USING (sha256) WHERE f.since_tx <= $1 {narrowed} "
        "GROUP BY i.id",
        parameters,
    ).fetchall()
    return {row[0]: StoredImage(row[0], given_path(row[1]), *row[2:]) for row in rows}


def ways_of_reading(read: ReadTransaction, contents: Sequence[str]) -> dict[str, ReadOptions]:
    """How each of these contents was last read."""
    rows = read.db.execute(
        "SELECT f.sha256, arg_max(s.frames, f.since_tx), arg_max(s.pdf, f.since_tx), "
        "arg_max(s.options, f.since_tx) FROM files f "
        "JOIN sources s ON s.number = f.source WHERE f.sha256 IN "
        "(SELECT unnest(from_json($1::JSON, '[\"VARCHAR\"]'))) GROUP BY 1",
        [json.dumps(list(contents))],
    ).fetchall()
    return {sha: read_options(frames, pdf, rest) for sha, frames, pdf, rest in rows}


def paths_by_content(read: ReadTransaction) -> dict[str, list[str]]:
    """Every path of every content that is there, in order."""
    rows = read.db.execute(
        "SELECT sha256, list(path ORDER BY path) FROM files_at(?) WHERE sha256 IS NOT NULL "
        "GROUP BY sha256 ORDER BY min(path)",
        [read.tx],
    ).fetchall()
    return {sha: [given_path(path) for path in paths] for sha, paths in rows}


def vectors(
    read: ReadTransaction,
    stored: StoredEncoder,
    ids: Sequence[int] | None = None,
    *,
    since: int = 0,
) -> tuple[Ids, Vectors]:
    """Vectors in order of id: of these images, or of all that are there; only those written after
    transaction `since`. Shapes (n,) and (n, dim)."""
    if ids is None:
        return _vectors_there(read, stored, since)
    keys, found = fetch_vectors(
        read.db,
        f"SELECT image, vector FROM {stored.vectors} WHERE tx > $2 AND "
        "image IN (SELECT unnest(from_json($1::JSON, '[\"BIGINT\"]'))) ORDER BY image",
        [json.dumps([int(i) for i in ids]), since],
        stored.dim,
    )
    return np.array(keys, dtype=np.int64), found


def replace_vectors(
    write: WriteTransaction, stored: StoredEncoder, fresh: Mapping[int, Vectors]
) -> None:
    """Keep these vectors (dim,) by image in place of those that can't be used."""
    if not fresh:
        return
    write.db.execute(
        f"DELETE FROM {stored.vectors} WHERE image IN "
        "(SELECT unnest(from_json($1::JSON, '[\"BIGINT\"]')))",
        [json.dumps(list(fresh))],
    )
    ids = np.array(sorted(fresh), dtype=np.int64)
    insert_vectors(write.db, stored.vectors, ids, np.stack([fresh[int(i)] for i in ids]), write.tx)


def all_vectors(read: ReadTransaction, stored: StoredEncoder) -> tuple[Ids, Vectors]:
    """Every vector in order of id, of images that are gone or removed too (they may come back)."""
    keys, found = fetch_vectors(
        read.db, f"SELECT image, vector FROM {stored.vectors} ORDER BY image", [], stored.dim
    )
    return np.array(keys, dtype=np.int64), found


def _vectors_there(read: ReadTransaction, stored: StoredEncoder, since: int) -> tuple[Ids, Vectors]:
    """In parts: on its way out of DuckDB a vector takes several times its own memory."""
    columns = read.db.execute(
        f"SELECT image FROM {stored.vectors} WHERE tx > $2 AND "
        "image IN (SELECT id FROM images_at($1)) ORDER BY image",
        [read.tx, since],
    ).fetchnumpy()
    wanted = np.asarray(columns["image"], dtype=np.int64)
    found = np.empty((len(wanted), stored.dim), dtype=np.float32)
    for start in range(0, len(wanted), _PART):
        part = wanted[start : start + _PART]
        keys, rows = fetch_vectors(
            read.db,
            f"SELECT image, vector FROM {stored.vectors} "
            "WHERE tx > $1 AND image BETWEEN $2 AND $3 ORDER BY image",
            [since, int(part[0]), int(part[-1])],
            stored.dim,
        )
        here = np.isin(np.array(keys, dtype=np.int64), part, assume_unique=True)
        found[start : start + len(part)] = rows[here]
    return wanted, found
