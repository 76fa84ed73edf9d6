"""Threads of one process at one catalog."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mediclip_index.catalog import Catalog
from mediclip_index.catalog.rows import scalar


def test_threads_read_at_once_and_write_in_turn(tmp_path: Path) -> None:
    catalog = Catalog.create(tmp_path / "index", lambda write: None)
    together = threading.Barrier(8)

    def read(_: int) -> int:
        together.wait()
        seen = 0
        for _ in range(5):
            with catalog.reading() as look:
                seen = int(scalar(look.db, "SELECT count(*) FROM transactions"))
        return seen

    def write(_: int) -> int:
        with catalog.writing("a test") as work:
            return work.tx

    with ThreadPoolExecutor(12) as threads:
        readers = list(threads.map(read, range(8)))
        written = list(threads.map(write, range(4)))
        mixed = [threads.submit(read if n % 2 else write, n) for n in range(16)]
        assert all(one.result() for one in mixed)
    assert readers == [1] * 8
    assert len(set(written)) == 4


def test_a_reader_beside_another_is_as_confined(tmp_path: Path) -> None:
    catalog = Catalog.create(tmp_path / "index")
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    with catalog.reading(), catalog.reading() as second:
        try:
            second.db.execute(f"SELECT * FROM read_csv('{secret}')")
        except Exception as error:
            assert "disabled" in str(error) or "ermission" in str(error)
        else:
            raise AssertionError("it read a file")


def test_an_export_waits_for_the_readers_beside_it(tmp_path: Path) -> None:
    catalog = Catalog.create(tmp_path / "index", lambda write: None)
    into = tmp_path / "into"
    into.mkdir()
    reading, may_end = threading.Event(), threading.Event()

    def read() -> None:
        with catalog.reading():
            reading.set()
            may_end.wait(30)

    def export() -> None:
        with catalog.reading(into=into) as look:
            look.db.execute(f"COPY (SELECT 1) TO '{into / 'a.csv'}'")

    with ThreadPoolExecutor(2) as threads:
        reader = threads.submit(read)
        assert reading.wait(30)
        exporter = threads.submit(export)
        assert not exporter.done()
        may_end.set()
        reader.result()
        exporter.result()
    assert (into / "a.csv").exists()
