"""The catalog's schema: numbered SQL files, applied in order, each exactly once."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import duckdb

from mediclip_index.catalog.rows import Connection, scalar
from mediclip_index.terms import NoIndex

# Readable by every DuckDB that pyproject admits, whichever wrote it.
STORAGE_VERSION = "v1.5.0"


def migrations() -> list[tuple[int, str]]:
    """(number, SQL) of every migration, in order."""
    folder = files("mediclip_index.catalog") / "migrations"
    found = sorted(item.name for item in folder.iterdir() if item.name.endswith(".sql"))
    return [(int(name.split("_")[0]), (folder / name).read_text()) for name in found]


def newest() -> int:
    return migrations()[-1][0]


def version(db: Connection) -> int:
    """The number of the last migration applied; 0 where the file is no catalog."""
    known = scalar(db, "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'schema_versions'")
    return int(scalar(db, "SELECT max(number) FROM schema_versions")) if known else 0


def create(path: Path) -> Connection:
    """A new, empty catalog file with the newest schema, open for writing."""
    db = duckdb.connect(str(path), config={"storage_compatibility_version": STORAGE_VERSION})
    migrate(db, 0)
    return db


def migrate(db: Connection, at: int) -> None:
    """Bring a catalog of version `at` to the newest, in one transaction."""
    db.begin()
    db.execute("CREATE TABLE IF NOT EXISTS schema_versions (number INTEGER PRIMARY KEY)")
    for number, sql in migrations():
        if number > at:
            db.execute(sql)
            db.execute("INSERT INTO schema_versions VALUES (?)", [number])
    db.commit()


def check(db: Connection, where: Path) -> int:
    """The version of an opened catalog; NoIndex where this program can't work with it."""
    at = version(db)
    if at == 0:
        raise NoIndex(f"{where} is a DuckDB file but no catalog of mediclip-index.")
    if at > newest():
        raise NoIndex(
            f"{where} was made by a newer mediclip-index (schema {at}, this one knows "
            f"{newest()}): update with `pip install --upgrade mediclip-index`."
        )
    return at
