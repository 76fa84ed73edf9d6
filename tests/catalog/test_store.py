"""Opening, locking and migrating the catalog."""

from __future__ import annotations

import multiprocessing as mp
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import duckdb
import pytest

from mediclip_index.catalog import Catalog, images, presence, schema
from mediclip_index.catalog.locks import FolderLock
from mediclip_index.catalog.rows import given_path, insert, kept_path, scalar
from mediclip_index.types import IndexBusy, IndexUnavailable, UsageError
from tests.catalog.conftest import add

# In a process of its own: one that runs tests takes the signal for its own end. Of several threads
# another may have the work, and Ctrl-C would wait for it.
STOPPED = """
import os, signal, sys, threading
from pathlib import Path
from mediclip_index.catalog import Catalog

signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    with Catalog.open(Path(sys.argv[1])).writing("build") as work:
        work.db.execute("SET threads = 1")
        work.db.execute("DELETE FROM images")
        threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
        work.db.execute("SELECT count(*) FROM range(100000000000) t(i) WHERE i % 7 = 3").fetchall()
except KeyboardInterrupt:
    print("stopped")
"""


def test_a_transaction_that_raises_leaves_nothing(filled: Catalog) -> None:
    with pytest.raises(ZeroDivisionError), filled.writing("build") as write:
        add(write, {"/pile/e.png": "eeee"})
        raise ZeroDivisionError
    with filled.reading() as read:
        assert presence.present_ids(read).tolist() == [1, 2, 3, 4]


def test_each_transaction_has_the_next_number_author_and_command(catalog: Catalog) -> None:
    with (
        catalog.writing("first", by="ann"),
        pytest.raises(IndexBusy),
        catalog.writing("nested", timeout=0.05),
    ):
        pass
    with catalog.writing("second", by="bob") as write:
        rows = write.db.execute("SELECT tx, author, command FROM transactions").fetchall()
    assert rows == [(1, "ann", "create"), (2, "ann", "first"), (3, "bob", "second")]


def test_a_killed_writer_loses_only_its_open_transaction(filled: Catalog) -> None:
    def work_and_die(folder: Path) -> None:
        catalog = Catalog.open(folder)
        with catalog.writing("build") as write:
            add(write, {"/pile/e.png": "eeee"}, seed=1)
        with catalog.writing("build") as write:
            add(write, {"/pile/f.png": "ffff"}, seed=2)
            os.kill(os.getpid(), signal.SIGKILL)

    victim = mp.get_context("fork").Process(target=work_and_die, args=(filled.folder,))
    victim.start()
    victim.join(30)
    assert victim.exitcode == -signal.SIGKILL
    with filled.reading() as read:
        paths = {i.path for i in images.images(read).values()}
    assert "/pile/e.png" in paths
    assert "/pile/f.png" not in paths


def test_ctrl_c_in_the_midst_of_a_statement_is_a_keyboard_interrupt_as_elsewhere(
    filled: Catalog,
) -> None:
    """DuckDB's client makes an error of its own of it, which would be told as unexpected."""
    done = subprocess.run(
        [sys.executable, "-c", STOPPED, str(filled.folder)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "stopped\n"), done.stderr
    with filled.reading() as read:
        assert presence.image_count(read) == 4


def test_readers_share_and_a_writer_waits_for_them(tmp_path: Path) -> None:
    lock = FolderLock(tmp_path)
    with lock.shared(1), lock.shared(1), pytest.raises(IndexBusy), lock.exclusive(0.05):
        pass
    with lock.exclusive(0.05):
        pass


def test_a_stream_of_readers_does_not_starve_a_writer(tmp_path: Path) -> None:
    lock = FolderLock(tmp_path)
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            with lock.shared(10):
                time.sleep(0.02)

    readers = [threading.Thread(target=read) for _ in range(6)]
    for reader in readers:
        reader.start()
    try:
        with lock.exclusive(5):
            pass
    finally:
        stop.set()
        for reader in readers:
            reader.join()


def test_the_message_of_a_busy_index_names_the_folder(catalog: Catalog) -> None:
    with (
        catalog.writing("long"),
        pytest.raises(IndexBusy, match="in use by another process") as caught,
        catalog.reading(timeout=0.05),
    ):
        pass
    assert str(catalog.folder) in str(caught.value)


def test_a_missing_or_foreign_folder_is_no_index(tmp_path: Path) -> None:
    with pytest.raises(IndexUnavailable, match="mediclip-index build"):
        Catalog.open(tmp_path / "none")
    with pytest.raises(IndexUnavailable, match="is no index"):
        Catalog.open(tmp_path)
    (tmp_path / "photo.png").touch()
    with pytest.raises(UsageError, match="other things"):
        Catalog.create(tmp_path)


def test_another_duckdb_file_is_no_catalog(tmp_path: Path) -> None:
    duckdb.connect(str(tmp_path / "catalog.duckdb")).close()
    with pytest.raises(IndexUnavailable, match="no catalog"), Catalog.open(tmp_path).reading():
        pass


def test_a_damaged_file_is_said_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "catalog.duckdb").write_bytes(b"not a database" * 1000)
    with pytest.raises(IndexUnavailable, match="can't be opened"), Catalog.open(tmp_path).reading():
        pass


def test_a_newer_catalog_is_refused_untouched(catalog: Catalog) -> None:
    with catalog.writing("future") as write:
        write.db.execute("INSERT INTO schema_versions VALUES (?)", [schema.newest() + 1])
    before = catalog.file.read_bytes()
    for use in (catalog.reading, lambda: catalog.writing("x")):
        with pytest.raises(IndexUnavailable, match="newer mediclip-index"), use():
            pass
    assert catalog.file.read_bytes() == before


def test_an_older_catalog_is_copied_and_migrated(
    filled: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = schema.newest()
    later = [*schema.migrations(), (now + 1, "CREATE TABLE added_later (x INTEGER)")]
    monkeypatch.setattr(schema, "migrations", lambda: later)
    with filled.reading() as read:
        assert scalar(read.db, "SELECT count(*) FROM added_later") == 0
        assert presence.present_ids(read).tolist() == [1, 2, 3, 4]
    copy = filled.folder / f"catalog.duckdb.schema-{now}"
    with duckdb.connect(str(copy), read_only=True) as db:
        assert scalar(db, "SELECT count(*) FROM images") == 4


def test_a_migration_that_fails_changes_nothing(
    filled: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = schema.newest()
    half = (now + 1, "CREATE TABLE half (x INTEGER); SELECT nonsense")
    broken = [*schema.migrations(), half]
    with monkeypatch.context() as patch:
        patch.setattr(schema, "migrations", lambda: broken)
        with pytest.raises(duckdb.Error), filled.reading():
            pass
    with filled.reading() as read:
        assert schema.version(read.db) == now
        assert scalar(read.db, "SELECT count(*) FROM duckdb_tables() WHERE table_name='half'") == 0


def test_new_catalogs_are_readable_by_every_admitted_duckdb(catalog: Catalog) -> None:
    with catalog.reading() as read:
        tags = scalar(
            read.db, "SELECT tags['storage_version'] FROM duckdb_databases() WHERE NOT internal"
        )
    assert tags.startswith(schema.STORAGE_VERSION)


@pytest.mark.parametrize(
    "path", ["/a/b.png", "/ü/\udc80\udcff.png", "/new\nline\"'", "/\U0001f600"]
)
def test_every_path_comes_back_as_it_was(path: str, catalog: Catalog) -> None:
    kept_path(path).encode("utf-8")
    with catalog.writing("x") as write:
        insert(
            write.db,
            "choices",
            {"name": "VARCHAR", "tx": "BIGINT", "number": "INTEGER"},
            [{"name": kept_path(path), "tx": 99, "number": 1}],
        )
    with catalog.reading() as read:
        kept = scalar(read.db, "SELECT name FROM choices WHERE tx = 99")
    assert given_path(kept) == path
