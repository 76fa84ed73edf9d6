"""What was read of files: images by content and by path, whether there or gone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mediclip_index.catalog.models import StoredEncoder
from mediclip_index.catalog.rows import given_path, kept_path
from mediclip_index.catalog.store import ReadTransaction, WriteTransaction
from mediclip_index.types import Ids, Picture

_LISTED = "(SELECT unnest(from_json($2::JSON, '[\"VARCHAR\"]')))"


@dataclass(frozen=True)
class Indexed:
    """An image as it was read: where its file lies or was last seen, and of what kind it is."""

    id: int
    sha256: str
    page: int | None
    item: int | None
    width: int
    height: int
    format: str
    mode: str
    path: str
    present: bool


def indexed(read: ReadTransaction, contents: Iterable[str] | None = None) -> list[Indexed]:
    """All images that were not removed, or those of some contents, in order of id."""
    narrowed = "" if contents is None else f"AND i.sha256 IN {_LISTED}"
    parameters: list[Any] = [read.tx]
    if contents is not None:
        parameters.append(json.dumps(list(contents)))
    rows = read.db.execute(
        "SELECT i.id, any_value(i.sha256), any_value(i.page), any_value(i.item), "
        "any_value(i.width), any_value(i.height), any_value(i.format), "
        "coalesce(any_value(json_extract_string(i.technical, '$.mode')), ''), "
        "arg_min(f.path, (f.until_tx IS NOT NULL, f.since_tx, f.path)), "
        "bool_or(f.until_tx IS NULL) "
        "FROM images i JOIN files f USING (sha256) WHERE f.since_tx <= $1 AND i.tx <= $1 "
        f"AND i.id NOT IN (SELECT image FROM removed_at($1)) {narrowed} GROUP BY i.id ORDER BY 1",
        parameters,
    ).fetchall()
    return [
        Indexed(i, sha, page, item, width, height, kind, mode, given_path(path), there)
        for i, sha, page, item, width, height, kind, mode, path, there in rows
    ]


def of_contents(read: ReadTransaction, contents: Iterable[str]) -> dict[str, list[Indexed]]:
    """The images of some contents, by content."""
    found: dict[str, list[Indexed]] = {}
    for image in indexed(read, contents):
        found.setdefault(image.sha256, []).append(image)
    return found


def contents(read: ReadTransaction, ids: Ids) -> list[str]:
    """The content (sha256) of each of these images, in their order."""
    rows = read.db.execute(
        "SELECT id, sha256 FROM images WHERE "
        "id IN (SELECT unnest(from_json($1::JSON, '[\"BIGINT\"]')))",
        [json.dumps(ids.tolist())],
    ).fetchall()
    found = dict(rows)
    return [found[i] for i in ids.tolist()]


def sources_of(read: ReadTransaction) -> dict[int, str]:
    """The source that each image that is there was last read from; of one with several files, that
    of the path it is named by."""
    rows = read.db.execute(
        "SELECT i.id, arg_max(s.source, f.since_tx) FROM images_at($1) i "
        "JOIN files_at($1) f ON f.sha256 = i.sha256 AND f.path = i.path "
        "JOIN sources s ON s.number = f.source GROUP BY i.id",
        [read.tx],
    ).fetchall()
    return {i: given_path(source) for i, source in rows}


def several_paths(read: ReadTransaction, ids: Iterable[int]) -> dict[int, list[str]]:
    """The paths of those of these images whose content lies in several files, newest first."""
    rows = read.db.execute(
        "SELECT i.id, list(f.path ORDER BY f.since_tx DESC, f.path) FROM files_at($1) f "
        "JOIN images i USING (sha256) WHERE i.id IN "
        "(SELECT unnest(from_json($2::JSON, '[\"BIGINT\"]'))) GROUP BY i.id HAVING count(*) > 1",
        [read.tx, json.dumps([int(i) for i in ids])],
    ).fetchall()
    return {image: [given_path(path) for path in paths] for image, paths in rows}


def renew(write: WriteTransaction, found: Mapping[int, Picture]) -> None:
    """Keep what images are now that they were read again; their contents are what they were."""
    if not found:
        return
    write.db.executemany(
        "UPDATE images SET width = ?, height = ?, format = ?, technical = ? WHERE id = ?",
        [
            [one.width, one.height, one.format, json.dumps(dict(one.metadata)), image]
            for image, one in found.items()
        ],
    )


def without_vectors(
    read: ReadTransaction, stored: StoredEncoder, contents: Iterable[str]
) -> list[int]:
    """The images of some contents that lack their vector by an encoder and were not removed."""
    rows = read.db.execute(
        f"SELECT id FROM images WHERE sha256 IN {_LISTED} "
        f"AND id NOT IN (SELECT image FROM {stored.vectors}) "
        "AND id NOT IN (SELECT image FROM removed_at($1)) ORDER BY id",
        [read.tx, json.dumps(list(contents))],
    ).fetchall()
    return [i for (i,) in rows]


def places(
    read: ReadTransaction, paths: Iterable[str]
) -> dict[str, list[tuple[int, int | None, int | None]]]:
    """The images under those of these paths that are there: (id, page, item)."""
    rows = read.db.execute(
        "SELECT f.path, i.id, i.page, i.item FROM files_at($1) f JOIN images i USING (sha256) "
        f"WHERE i.tx <= $1 AND f.path IN {_LISTED} ORDER BY i.id",
        [read.tx, json.dumps([kept_path(path) for path in paths])],
    ).fetchall()
    found: dict[str, list[tuple[int, int | None, int | None]]] = {}
    for path, image, page, item in rows:
        found.setdefault(given_path(path), []).append((image, page, item))
    return found


def places_within(read: ReadTransaction, folder: str) -> list[tuple[int, int | None, int | None]]:
    """The images of all files below a folder, members of archives too: (id, page, item)."""
    rows = read.db.execute(
        "SELECT DISTINCT i.id, i.page, i.item FROM files_at($1) f JOIN images i USING (sha256) "
        "WHERE i.tx <= $1 AND starts_with(f.path, $2) ORDER BY i.id",
        [read.tx, kept_path(folder.rstrip("/") + "/")],
    ).fetchall()
    return [(image, page, item) for image, page, item in rows]


def places_in_archives(
    read: ReadTransaction, archives: Iterable[str], mark: str
) -> dict[str, list[tuple[int, int | None, int | None]]]:
    """The images of all members of these archives, whose names stand after a `mark`."""
    rows = read.db.execute(
        "SELECT DISTINCT split_part(f.path, $3, 1) AS archive, i.id, i.page, i.item "
        "FROM files_at($1) f JOIN images i USING (sha256) WHERE i.tx <= $1 "
        f"AND contains(f.path, $3) AND archive IN {_LISTED} ORDER BY i.id",
        [read.tx, json.dumps([kept_path(path) for path in archives]), mark],
    ).fetchall()
    found: dict[str, list[tuple[int, int | None, int | None]]] = {}
    for path, image, page, item in rows:
        found.setdefault(given_path(path), []).append((image, page, item))
    return found


def without_header(read: ReadTransaction) -> list[int]:
    """The images of DICOM files that an earlier version read, which kept less of their headers."""
    rows = read.db.execute(
        "SELECT id FROM images_at($1) WHERE format = 'DICOM' AND "
        "json_extract_string(technical, '$.captured') IS NULL ORDER BY id",
        [read.tx],
    ).fetchall()
    return [image for (image,) in rows]


def dicom_headers(read: ReadTransaction, ids: Iterable[int]) -> dict[int, tuple[str, bool]]:
    """By id the modality that an image's DICOM header states, and whether it is a secondary capture
    (or may be one, as an earlier version read it); images without a modality are left out."""
    rows = read.db.execute(
        "SELECT id, json_extract_string(technical, '$.modality') AS modality, "
        "coalesce(json_extract_string(technical, '$.captured'), '') <> 'NO' FROM images "
        "WHERE format = 'DICOM' AND modality IS NOT NULL AND "
        "id IN (SELECT unnest(from_json($1::JSON, '[\"BIGINT\"]')))",
        [json.dumps([int(i) for i in ids])],
    ).fetchall()
    return {image: (modality, captured) for image, modality, captured in rows}
