"""Connections of this process's threads to one file: those that read share a DuckDB instance.

DuckDB gives all connections of a process to one file the same instance, whose configuration is
locked once it was set; so whoever comes while another reads gets a cursor of the same instance,
which is gone with the last of them.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from mediclip_index.catalog.rows import Connection


class _Instance:
    def __init__(self, db: Connection) -> None:
        self.db = db
        self.users = 0


_instances: dict[Path, _Instance] = {}
_alone: set[Path] = set()
_changed = threading.Condition()


@contextmanager
def shared(file: Path, opened: Callable[[], Connection]) -> Iterator[Connection]:
    """A connection that reads; `opened` makes the first one, with its configuration locked."""
    with _changed:
        _changed.wait_for(lambda: file not in _alone)
        instance = _instances.get(file)
        if instance is None:
            instance = _Instance(opened())
        db = instance.db.cursor()
        instance.users += 1
        _instances[file] = instance
    try:
        yield db
    finally:
        with _changed:
            with contextlib.suppress(duckdb.Error):
                db.close()
            instance.users -= 1
            if instance.users == 0:
                del _instances[file]
                instance.db.close()
                _changed.notify_all()


@contextmanager
def alone(file: Path) -> Iterator[None]:
    """No other thread of this process has a connection that `shared` gave, while it lasts."""
    with _changed:
        _changed.wait_for(lambda: file not in _instances and file not in _alone)
        _alone.add(file)
    try:
        yield
    finally:
        with _changed:
            _alone.discard(file)
            _changed.notify_all()
