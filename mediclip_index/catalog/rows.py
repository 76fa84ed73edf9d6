"""Rows and vectors in and out of DuckDB in bulk, and paths as DuckDB can keep them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import numpy as np

from mediclip_index.types import Ids, Vectors

Connection = duckdb.DuckDBPyConnection

# A path may hold bytes that are no UTF-8 (Python shows them as lone surrogates), DuckDB's VARCHAR
# may not: such a byte is kept as a private-use character of plane 16, and comes back as it was.
_SURROGATES, _PRIVATE = 0xDC00, 0x10FF00
_TO_PRIVATE = {_SURROGATES + byte: chr(_PRIVATE + byte) for byte in range(0x80, 0x100)}
_TO_SURROGATE = {_PRIVATE + byte: chr(_SURROGATES + byte) for byte in range(0x80, 0x100)}


def kept_path(path: str) -> str:
    """A path as the catalog keeps it."""
    return path if path.isascii() else path.translate(_TO_PRIVATE)


def given_path(kept: str) -> str:
    """A kept path as the file system knows it; the inverse of kept_path."""
    return kept if kept.isascii() else kept.translate(_TO_SURROGATE)


def insert(
    db: Connection, table: str, columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]]
) -> None:
    """Add rows to a table; `columns` maps each column's name to its DuckDB type.

    One JSON text for all rows: executemany takes some 0.6 ms a row, this some 0.005 ms.
    """
    if not rows:
        return
    shape = json.dumps([dict(columns)])
    names = ", ".join(columns)
    fields = ", ".join(f"r.{name}" for name in columns)
    db.execute(
        f"INSERT INTO {table} ({names}) SELECT {fields} "
        f"FROM (SELECT unnest(from_json($1::JSON, '{shape}')) AS r)",
        [json.dumps([{name: row.get(name) for name in columns} for row in rows])],
    )


def insert_vectors(db: Connection, table: str, ids: Ids, vectors: Vectors, tx: int) -> None:
    """Add vectors to a table of (image BIGINT, vector FLOAT[dim], tx BIGINT).

    The numbers go in as flat numpy columns and are gathered into rows inside DuckDB; lists of
    Python floats as parameters cost a hundred times as much.
    """
    if len(ids) == 0:
        return
    count, dim = vectors.shape
    db.register(
        "incoming",
        {
            "image": np.repeat(ids, dim),
            "place": np.tile(np.arange(dim), count),
            "number": np.ascontiguousarray(vectors, dtype=np.float32).reshape(-1),
        },
    )
    try:
        db.execute(
            f"INSERT INTO {table} SELECT image, list(number ORDER BY place)::FLOAT[{dim}], {tx} "
            "FROM incoming GROUP BY image ORDER BY image"
        )
    finally:
        db.unregister("incoming")


def fetch_vectors(
    db: Connection, query: str, parameters: Sequence[Any], dim: int
) -> tuple[list[Any], Vectors]:
    """Run a query of two columns (key, vector); returns the keys and their (n, dim) vectors."""
    columns = db.execute(query, parameters).fetchnumpy()
    keys, vectors = (columns[name] for name in list(columns)[:2])
    if len(keys) == 0:
        return [], np.empty((0, dim), dtype=np.float32)
    return keys.tolist(), np.stack(list(vectors)).astype(np.float32, copy=False)


def scalar(db: Connection, query: str, parameters: Sequence[Any] = ()) -> Any:
    """The one value of a query of one row and one column."""
    # fetchall, not fetchone: DuckDB 2 keeps a connection busy until the last row was fetched.
    return db.execute(query, list(parameters)).fetchall()[0][0]
