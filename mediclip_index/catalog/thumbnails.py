"""Images in small, by which near copies are told."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from mediclip_index.catalog.store import ReadTransaction, WriteTransaction
from mediclip_index.types import THUMBNAIL, Ids

Grey = bytes  # THUMBNAIL x THUMBNAIL grey values, row by row
_PART = 8_192  # thumbnails fetched at a time


def put(write: WriteTransaction, found: Mapping[int, bytes]) -> None:
    """Keep thumbnails by image, in place of those that were kept."""
    if not found:
        return
    write.db.execute(
        "DELETE FROM thumbnails WHERE image IN "
        "(SELECT unnest(from_json($1::JSON, '[\"BIGINT\"]')))",
        [json.dumps(list(found))],
    )
    rows = [{"i": i, "g": base64.b64encode(grey).decode()} for i, grey in found.items()]
    write.db.execute(
        "INSERT INTO thumbnails SELECT r.i, from_base64(r.g), $2 FROM "
        '(SELECT unnest(from_json($1::JSON, \'[{"i": "BIGINT", "g": "VARCHAR"}]\')) AS r)',
        [json.dumps(rows), write.tx],
    )


def thumbnails(read: ReadTransaction) -> tuple[Ids, npt.NDArray[np.uint8]]:
    """Those of the images that are there, in order of id: (n,) and (n, THUMBNAIL, THUMBNAIL)."""
    there = read.db.execute(
        "SELECT image FROM thumbnails WHERE octet_length(grey) = $2 "
        "AND image IN (SELECT id FROM images_at($1)) ORDER BY 1",
        [read.tx, THUMBNAIL**2],
    ).fetchnumpy()
    ids = np.asarray(there["image"], dtype=np.int64)
    grey = np.empty((len(ids), THUMBNAIL, THUMBNAIL), dtype=np.uint8)
    for start in range(0, len(ids), _PART):
        part = ids[start : start + _PART]
        rows = read.db.execute(
            "SELECT image, grey FROM thumbnails WHERE image BETWEEN $1 AND $2 "
            "AND octet_length(grey) = $3 ORDER BY image",
            [int(part[0]), int(part[-1]), THUMBNAIL**2],
        ).fetchall()
        wanted = set(part.tolist())
        own = b"".join(bytes(data) for image, data in rows if image in wanted)
        grey[start : start + len(part)] = np.frombuffer(own, dtype=np.uint8).reshape(
            -1, THUMBNAIL, THUMBNAIL
        )
    return ids, grey


def of(read: ReadTransaction, image: int) -> Grey | None:
    """The thumbnail of one image, None where it has none."""
    rows = read.db.execute(
        "SELECT grey FROM thumbnails WHERE image = ? AND octet_length(grey) = ?",
        [image, THUMBNAIL**2],
    ).fetchall()
    return bytes(rows[0][0]) if rows else None


def lacking(read: ReadTransaction) -> list[int]:
    """The images that are there and have no thumbnail, in order."""
    rows = read.db.execute(
        "SELECT id FROM images_at($1) WHERE id NOT IN "
        "(SELECT image FROM thumbnails WHERE octet_length(grey) = $2) ORDER BY id",
        [read.tx, THUMBNAIL**2],
    ).fetchall()
    return [i for (i,) in rows]
