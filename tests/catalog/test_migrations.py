"""Catalogs that earlier releases made are opened, with all that they hold."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mediclip_index import Index
from mediclip_index.catalog import Catalog, models, provenance, schema
from mediclip_index.catalog.rows import Connection, scalar
from mediclip_index.reading.recipes import FIRST
from mediclip_index.types import ReadOptions, ScanOptions, Settings
from stress.piles import write_model

OLD = Settings(unit="cosines", beta=10.0, near=0.4, references=False)


def as_of(index: Index, version: int) -> None:
    """Write an index's catalog as a release with this schema would have."""
    file = Catalog.open(index.path).file
    new = file.with_name("old.duckdb")
    with schema.create(new, to=version) as db:
        db.execute(f"ATTACH '{file}' AS now (READ_ONLY)")
        here = schema.tables(db)
        for table, sql in schema.tables(db, "now").items():
            if table not in here and not table.startswith(("vectors_", "sentences_")):
                continue
            if table not in here:
                db.execute(sql)
            columns = ", ".join(_columns(db, table))
            db.execute(f"DELETE FROM {table}")
            db.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM now.{table}")
        db.execute("DETACH now")
        for number, body in db.execute("SELECT number, body FROM settings").fetchall():
            then = json.loads(body)
            for name in ("unit", "references", "reference_weight"):
                del then[name]
            db.execute("UPDATE settings SET body = ? WHERE number = ?", [json.dumps(then), number])
    file.with_name(file.name + ".wal").unlink(missing_ok=True)
    new.replace(file)


def _columns(db: Connection, table: str) -> list[str]:
    rows = db.execute(
        "SELECT column_name FROM duckdb_columns() WHERE table_name = ? AND "
        "database_name = current_database()", [table],
    ).fetchall()  # fmt: skip
    return [name for (name,) in rows]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_model(tmp_path_factory.mktemp("tiny"), seed=0)


@pytest.mark.parametrize("version", [3, 4])
def test_an_index_of_an_earlier_release_goes_on(version: int, model: str, tmp_path: Path) -> None:
    from PIL import Image

    pile = tmp_path / "pile"
    pile.mkdir()
    rng = np.random.default_rng(5)
    for number in range(5):
        grey = rng.integers(0, 256, (40, 60, 3), np.uint8)
        Image.fromarray(grey).save(pile / f"{number}.png")
    index = Index.create(tmp_path / "index", model=model)
    index.build([str(pile)], frames="all")
    index.labels.set("medical", [1, 2])
    index.labels.set("non_medical", [3])
    with Catalog.open(index.path).writing("test", by="test") as write:
        models.add_settings(write, OLD)
    given = index.query_indexed().verdicts
    assert any(verdict.votes is not None for verdict in given)
    as_of(index, version)

    later = Index.open(index.path)
    report = later.build()
    assert (report.added, report.unchanged, report.images) == (0, 5, 5)
    assert later.info().labels == {"medical": 2, "non_medical": 1}
    with Catalog.open(index.path).reading() as read:
        assert schema.version(read.db) == schema.newest()
        (source,) = provenance.sources(read)
        # What was kept of frames is kept; what there was not yet is as it always was.
        assert (source.read, source.scan) == (ReadOptions(frames="all"), ScanOptions())
        assert models.encoder(read).recipe == FIRST
        assert models.encoder(read).unrelated is None
        # It goes on counting in plain cosines, and without references.
        assert replace(models.settings(read), number=0) == OLD
    assert later.audit.verify().ok
    assert later.audit.replay().different == ()
    again = later.query_indexed().verdicts
    assert [v.probabilities for v in again] == [v.probabilities for v in given]
    assert (index.path / f"catalog.duckdb.schema-{version}").exists()
    moved = later.build(reread=True)
    assert moved.images == 5
    assert any("counted in cosines" in note for note in moved.notes)
    with Catalog.open(index.path).reading() as read:
        assert models.encoder(read).unrelated is not None
        assert replace(models.settings(read), number=0) == Settings()
    assert later.audit.replay().identical == 2 * len(given)
    assert later.verify().ok


def test_how_a_source_is_read_is_kept_by_what_is_not_at_its_default(
    model: str, tmp_path: Path
) -> None:
    from PIL import Image

    Image.new("RGB", (40, 30), "red").save(tmp_path / "a.png")
    index = Index.create(tmp_path / "index", model=model)
    (tmp_path / "pile").mkdir()
    (tmp_path / "a.png").rename(tmp_path / "pile" / "a.png")
    index.build([str(tmp_path / "pile")], truncated="show", exclude=["x/"], follow_links=True)
    with Catalog.open(index.path).reading() as read:
        options = json.loads(scalar(read.db, "SELECT options FROM sources"))
        (source,) = provenance.sources(read)
    assert "include" not in options
    assert source.read == ReadOptions(truncated="show")
    assert source.scan == ScanOptions(exclude=("x/",), follow_links=True)
