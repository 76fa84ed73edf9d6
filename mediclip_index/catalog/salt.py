"""The salt of an index that names files by hashes: made with the index, never changed."""

from __future__ import annotations

import secrets

from mediclip_index.catalog.rows import insert
from mediclip_index.catalog.store import ReadTransaction, WriteTransaction

_NAME = "path_salt"


def make(write: WriteTransaction) -> None:
    """From now on, and for ever, this index names files by salted hashes."""
    row = {"name": _NAME, "value": secrets.token_hex(32)}
    insert(write.db, "identity", {"name": "VARCHAR", "value": "VARCHAR"}, [row])


def of(read: ReadTransaction) -> bytes | None:
    """The salt; None where files are named by their paths."""
    rows = read.db.execute("SELECT value FROM identity WHERE name = ?", [_NAME]).fetchall()
    return bytes.fromhex(rows[0][0]) if rows else None
