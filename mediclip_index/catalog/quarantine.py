"""What fits nowhere is kept aside, in files of one JSON line a row: nothing is thrown away."""

from __future__ import annotations

import base64
import json
import os
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from mediclip_index.catalog.files import put_in_place
from mediclip_index.catalog.store import ReadTransaction, WriteTransaction

FOLDER = "aside"


def keep(folder: Path, what: str, lines: Sequence[bytes]) -> Path:
    """Keep lines in a new file of the index folder's aside/; returns it."""
    place = folder / FOLDER
    place.mkdir(exist_ok=True)
    name = f"{time.time_ns()}-{what}.jsonl"
    unfinished = place / f".{name}.{os.getpid()}.new"
    unfinished.write_bytes(b"".join(line.rstrip(b"\r\n") + b"\n" for line in lines))
    put_in_place(unfinished, place / name)
    return place / name


def rows_where(read: ReadTransaction, table: str, condition: str) -> list[bytes]:
    """Rows of a table as JSON lines."""
    found = read.db.execute(f"SELECT * FROM {table} WHERE {condition}")
    names = [column[0] for column in found.description or []]
    return [
        json.dumps(dict(zip(names, row, strict=True))).encode() for row in _all(found.fetchall())
    ]


def _all(rows: Sequence[Any]) -> Sequence[Any]:
    return [[_plain(value) for value in row] for row in rows]


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return list(value) if isinstance(value, tuple) else value


def drop(write: WriteTransaction, table: str, condition: str) -> None:
    """Take rows out of a table once they are kept aside."""
    write.db.execute(f"DELETE FROM {table} WHERE {condition}")


def forget(folder: Path, texts: Collection[str]) -> None:
    """Take the lines out that hold any of these texts; a purge leaves nothing, here neither."""
    needles = [json.dumps(text)[1:-1].encode() for text in texts if text]
    for file in sorted((folder / FOLDER).glob("*.jsonl")):
        lines = file.read_bytes().splitlines(keepends=True)
        left = [line for line in lines if not any(n in line for n in needles)]
        if len(left) == len(lines):
            continue
        if left:
            unfinished = file.with_name(f".{file.name}.{os.getpid()}.new")
            unfinished.write_bytes(b"".join(left))
            put_in_place(unfinished, file)
        else:
            file.unlink()
