"""The catalog's schema: numbered SQL files, applied in order, each exactly once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path

import duckdb

from mediclip_index.catalog.rows import Connection, scalar
from mediclip_index.types import IndexNotFound, IndexTooNew

# Readable by every DuckDB that pyproject admits, whichever wrote it.
STORAGE_VERSION = "v1.5.0"


@cache
def migrations() -> list[tuple[int, str]]:
    """(number, SQL) of every migration, in order."""
    folder = files("mediclip_index.catalog") / "migrations"
    found = sorted(item.name for item in folder.iterdir() if item.name.endswith(".sql"))
    return [(int(name.split("_")[0]), (folder / name).read_text()) for name in found]


def newest() -> int:
    return migrations()[-1][0]


def version(db: Connection) -> int:
    """The number of the last migration applied; 0 where the file is no catalog."""
    try:
        return int(scalar(db, "SELECT coalesce(max(number), 0) FROM schema_versions"))
    except duckdb.CatalogException:  # asking whether the table is there costs ten times as much
        return 0


def create(path: Path, to: int | None = None) -> Connection:
    """A new, empty catalog file with the newest schema (or version `to`), open for writing."""
    db = duckdb.connect(str(path), config={"storage_compatibility_version": STORAGE_VERSION})
    migrate(db, 0, to)
    return db


def encoder_tables(number: int, dim: int) -> dict[str, str]:
    """The tables of an encoder's vectors, each with the statement that makes it."""
    return {
        f"vectors_{number}": (
            f"CREATE TABLE vectors_{number} (image BIGINT PRIMARY KEY, "
            f"vector FLOAT[{dim}] NOT NULL, tx BIGINT NOT NULL)"
        ),
        f"sentences_{number}": (
            f"CREATE TABLE sentences_{number} (sentence VARCHAR PRIMARY KEY, "
            f"vector FLOAT[{dim}] NOT NULL)"
        ),
    }


def confine(db: Connection, folders: Sequence[Path]) -> None:
    """Shut SQL off from all files but those of these folders; it can't be undone."""
    listed = ", ".join(literal(f"{folder}/") for folder in folders)
    db.execute(f"SET allowed_directories = [{listed}]")
    db.execute("SET enable_external_access = false")


def tables(db: Connection, database: str | None = None) -> dict[str, str]:
    """The catalog's tables, each with the statement that makes it; schema_versions aside."""
    rows = db.execute(
        "SELECT table_name, sql FROM duckdb_tables() WHERE NOT internal AND "
        "database_name = coalesce($1, current_database()) AND table_name <> 'schema_versions' "
        "ORDER BY table_name",
        [database],
    ).fetchall()
    return dict(rows)


def copy_rows(db: Connection, database: str) -> None:
    """Fill a new catalog with the rows of an attached one of the same schema."""
    here = tables(db)
    for table, sql in tables(db, database).items():
        if table not in here:  # vectors and sentences have tables by encoder
            db.execute(sql)
        db.execute(f"DELETE FROM {table}")
        db.execute(f"INSERT INTO {table} BY NAME FROM {database}.{table}")


def literal(text: str) -> str:
    """A text as SQL writes it, where no parameter may stand."""
    return "'" + text.replace("'", "''") + "'"


def migrate(db: Connection, at: int, to: int | None = None) -> None:
    """Bring a catalog of version `at` to the newest (or to version `to`), in one transaction."""
    db.begin()
    db.execute("CREATE TABLE IF NOT EXISTS schema_versions (number INTEGER PRIMARY KEY)")
    for number, sql in migrations():
        if at < number <= (number if to is None else to):
            db.execute(sql)
            db.execute("INSERT INTO schema_versions VALUES (?)", [number])
    db.commit()


def check(db: Connection, where: Path) -> int:
    """The version of an opened catalog; IndexUnavailable where this program can't work with it."""
    at = version(db)
    if at == 0:
        raise IndexNotFound(f"{where} is a DuckDB file but no catalog of mediclip-index.")
    if at > newest():
        raise IndexTooNew(
            f"{where} was made by a newer mediclip-index (schema {at}, this one knows "
            f"{newest()}): update with `pip install --upgrade mediclip-index`."
        )
    return at
