"""Ways in which an index breaks, each done to a real one."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

from mediclip_index import Index
from mediclip_index.catalog import Catalog, schema


def sql(index: Index, *statements: str) -> None:
    with Catalog.open(index.path).writing("evil") as write:
        for statement in statements:
            write.db.execute(statement)


def flip(file: Path, place: int) -> None:
    data = bytearray(file.read_bytes())
    data[place] ^= 0xFF
    file.write_bytes(data)


def neighbour_file(index: Index) -> Path:
    return next(iter(index.path.glob("neighbours-*.faiss")))


def flip_in_neighbours(index: Index) -> None:
    """A bit that changes under the same size and time, as on a failing disk."""
    file = neighbour_file(index)
    before = file.stat()
    flip(file, before.st_size // 2)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def cut_neighbours(index: Index) -> None:
    os.truncate(neighbour_file(index), 100)


def lose_neighbours(index: Index) -> None:
    neighbour_file(index).unlink()


def lose_vectors(index: Index) -> None:
    sql(index, "DELETE FROM vectors_1 WHERE image IN (2, 5)")


def bend_vectors(index: Index) -> None:
    sql(
        index,
        "UPDATE vectors_1 SET vector = list_transform(vector::FLOAT[], lambda x: 'nan'::FLOAT)"
        "::FLOAT[32] WHERE image = 3",
        "UPDATE vectors_1 SET vector = list_transform(vector::FLOAT[], lambda x: x * 2)"
        "::FLOAT[32] WHERE image = 4",
    )


def orphan_vector(index: Index) -> None:
    sql(index, "INSERT INTO vectors_1 SELECT 900, vector, tx FROM vectors_1 WHERE image = 1")


def orphan_label(index: Index) -> None:
    sql(index, "INSERT INTO labels VALUES (3, 901, 'medical', NULL, NULL, NULL)")


def image_nowhere(index: Index) -> None:
    """Its content lay in no file, ever."""
    sql(index, "DELETE FROM files WHERE sha256 = (SELECT sha256 FROM images WHERE id = 3)")


def one_path_twice(index: Index) -> None:
    sql(index, "INSERT INTO files SELECT * REPLACE (since_tx + 1 AS since_tx) FROM files LIMIT 1")


def image_row_twice(index: Index) -> None:
    sql(
        index,
        "INSERT INTO images SELECT * REPLACE (902 AS id) FROM images WHERE id = 1",
        "INSERT INTO vectors_1 SELECT 902, vector, tx FROM vectors_1 WHERE image = 1",
    )


def lose_settings(index: Index) -> None:
    sql(index, "DELETE FROM settings")


def bend_prompts(index: Index) -> None:
    sql(index, "UPDATE prompt_sets SET source = replace(source, 'x-ray', 'xray') || ' '")


def cut_chain(index: Index) -> None:
    sql(index, "DELETE FROM verdicts WHERE position = 2")


def bend_verdict(index: Index) -> None:
    sql(index, "UPDATE verdicts SET body = replace(body, 'medical', 'nedical') WHERE position = 2")


def empty_verdict(index: Index) -> None:
    sql(index, "UPDATE verdicts SET body = NULL WHERE position = 2")


def cut_catalog(index: Index) -> None:
    Catalog.open(index.path).checkpoint()
    file = index.path / "catalog.duckdb"
    os.truncate(file, file.stat().st_size // 2)


def newer_catalog(index: Index) -> None:
    sql(index, f"INSERT INTO schema_versions VALUES ({schema.newest() + 1})")


def tear_spool(index: Index) -> None:
    with Catalog.open(index.path).reading() as read:
        (text,) = read.db.execute("SELECT body FROM verdicts WHERE position = 1").fetchall()[0]
    whole = json.dumps({**json.loads(text), "id": "0199-spooled"})
    (index.path / "spool" / "1-1.jsonl").write_text(whole + "\n" + whole[:200])


def leave_strays(index: Index) -> None:
    (index.path / "catalog.duckdb.4194399.new").write_bytes(b"half")
    (index.path / "catalog.duckdb.4194399.new.wal").write_bytes(b"half")
    (index.path / ".neighbours-4194399-1").write_bytes(b"half")
    (index.path / "aside").mkdir(exist_ok=True)
    (index.path / "aside" / ".1-labels.jsonl.4194399.new").write_bytes(b"half")
    (index.path / "spool" / ".1-1.jsonl.4194399.new").write_bytes(b"half")
    (index.path / "spool" / ".1-4194399.jsonl").write_bytes(b'{"id": "ha')


# (what was done, the kind of finding that it is)
REPAIRED: tuple[tuple[Callable[[Index], None], str], ...] = (
    (flip_in_neighbours, "neighbours"),
    (cut_neighbours, "neighbours"),
    (lose_neighbours, "neighbours"),
    (lose_vectors, "missing_vector"),
    (bend_vectors, "bad_vector"),
    (orphan_vector, "orphan"),
    (orphan_label, "orphan"),
    (one_path_twice, "duplicate"),
    (tear_spool, "spool"),
    (leave_strays, "stray"),
)
TOLD: tuple[tuple[Callable[[Index], None], str], ...] = (
    (image_nowhere, "orphan"),
    (image_row_twice, "duplicate"),
    (lose_settings, "in_force"),
    (bend_prompts, "in_force"),
    (cut_chain, "chain"),
    (bend_verdict, "chain"),
    (empty_verdict, "chain"),
)
REFUSED: tuple[tuple[Callable[[Index], None], str], ...] = (
    (cut_catalog, "catalog"),
    (newer_catalog, "newer"),
)
