"""Reading in a process of its own: what kills or hangs it costs one file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

from mediclip_index.encoding import Preprocessing, framed
from mediclip_index.reading import Apart, Found, Task, read_file
from mediclip_index.terms import Bounds

PHOTO = str(Path(skimage.data.__file__).parent / "astronaut.png")
HOW = Preprocessing((64, 64), (0.5,) * 3, (0.5,) * 3)

# Reads a slow picture, and says who does it.
READ_FOREVER = """
import sys, threading
from mediclip_index.reading import Apart, Task
from mediclip_index.terms import Bounds

apart = Apart()
while True:
    apart.read(
        Task(sys.argv[1], "slow", None, 64, Bounds(), "first", "images", None),
        0,
        lambda _: print(apart.worker, flush=True) or True,
    )
"""


def task(path: str, bounds: Bounds | None = None) -> Task:
    shape = partial(framed, how=HOW)
    return Task(path, path, None, 64, bounds or Bounds(), "first", "images", shape)


def yes(_: str) -> bool:
    return True


@pytest.fixture
def apart() -> Iterator[Apart]:
    apart = Apart(["mediclip_index.encoding.preprocess"])
    yield apart
    apart.close()


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A sound picture of which decoding takes a good while."""
    path = tmp_path_factory.mktemp("slow") / "slow.png"
    Image.new("RGB", (9000, 9000), "grey").save(path, compress_level=1)
    return str(path)


def test_a_file_reads_apart_as_it_does_here(apart: Apart) -> None:
    found = apart.read(task(PHOTO), 0, yes)
    sha256, here = read_file(PHOTO, size=64)
    assert found.sha256 == sha256
    assert found.refused == ()
    (picture,), (expected,) = found.pictures, here.pictures
    assert (picture.width, picture.height) == (expected.width, expected.height) == (512, 512)
    assert picture.pixels.shape == (64, 64, 3)
    np.testing.assert_array_equal(picture.pixels, framed(expected.pixels, HOW))


def test_a_content_that_is_not_wanted_is_not_decoded(apart: Apart) -> None:
    found = apart.read(task(PHOTO), 0, lambda sha256: False)
    assert found == Found(read_file(PHOTO, size=64)[0])
    assert len(apart.read(task(PHOTO), 0, yes).pictures) == 1


def test_what_can_not_be_read_is_refused_and_the_process_goes_on(
    apart: Apart, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("no picture")
    text = apart.read(task(str(tmp_path / "notes.txt")), 0, yes)
    missing = apart.read(task(str(tmp_path / "missing.png")), 0, yes)
    before = apart.worker
    assert [r.reason for r in text.refused] == ["not_an_image"]
    assert [r.reason for r in missing.refused] == ["unreadable"]
    assert (text.sha256 is None, missing.sha256 is None) == (False, True)
    assert len(apart.read(task(PHOTO), 0, yes).pictures) == 1
    assert apart.worker == before


def test_a_process_that_dies_once_is_replaced_and_the_file_read(apart: Apart) -> None:
    killed: list[int] = []

    def kill_once(_: str) -> bool:
        if not killed:
            assert apart.worker is not None
            killed.append(apart.worker)
            os.kill(apart.worker, signal.SIGKILL)
        return True

    found = apart.read(task(PHOTO), 0, kill_once)
    assert len(found.pictures) == 1
    assert apart.worker not in (None, killed[0])


def test_a_file_at_which_the_process_dies_twice_is_damaged(apart: Apart) -> None:
    def crash(_: str) -> bool:
        assert apart.worker is not None
        os.kill(apart.worker, signal.SIGSEGV)
        return True

    found = apart.read(task(PHOTO), 0, crash)
    assert [r.reason for r in found.refused] == ["damaged"]
    assert "crash" in found.refused[0].message
    assert found.sha256 == read_file(PHOTO, size=64)[0]
    assert len(apart.read(task(PHOTO), 0, yes).pictures) == 1


def test_a_process_that_hangs_is_ended_and_its_file_too_large(apart: Apart) -> None:
    hung: list[int] = []

    def stop(_: str) -> bool:
        assert apart.worker is not None
        hung.append(apart.worker)
        os.kill(apart.worker, signal.SIGSTOP)
        return True

    found = apart.read(task(PHOTO, Bounds(max_seconds=0.3)), 0, stop)
    assert [r.reason for r in found.refused] == ["too_large"]
    assert "0.3 s" in found.refused[0].message
    assert gone(hung[0])
    assert len(apart.read(task(PHOTO), 0, yes).pictures) == 1


def test_a_picture_that_takes_too_long_to_decode_is_too_large(apart: Apart, slow: str) -> None:
    apart.read(task(PHOTO), 0, yes)
    found = apart.read(task(slow, Bounds(max_seconds=0.05)), 10**9, yes)
    assert [r.reason for r in found.refused] == ["too_large"]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems keep no such limit")
def test_a_picture_that_takes_too_much_memory_is_too_large(apart: Apart, slow: str) -> None:
    found = apart.read(task(slow, Bounds(max_memory=64 * 1024**2)), 0, yes)
    assert [r.reason for r in found.refused] == ["too_large"]
    assert "memory" in found.refused[0].message
    assert len(apart.read(task(PHOTO), 0, yes).pictures) == 1


def test_stopping_ends_a_reading_that_is_under_way(apart: Apart) -> None:
    done: list[Found] = []
    under_way = threading.Event()

    def hang(_: str) -> bool:
        assert apart.worker is not None
        os.kill(apart.worker, signal.SIGSTOP)
        under_way.set()
        return True

    reading = threading.Thread(target=lambda: done.append(apart.read(task(PHOTO), 0, hang)))
    reading.start()
    under_way.wait(60)
    apart.stop()
    reading.join(60)
    assert not reading.is_alive()
    assert done[0].pictures == ()


def test_workers_die_with_the_program_that_started_them(slow: str) -> None:
    program = subprocess.Popen(
        [sys.executable, "-c", READ_FOREVER, slow], stdout=subprocess.PIPE, text=True
    )
    assert program.stdout is not None
    with program:
        worker = int(program.stdout.readline())
        assert not gone(worker, patience=0)
        program.kill()
    assert gone(worker)


def test_workers_import_neither_a_model_nor_a_database(apart: Apart) -> None:
    apart.read(task(PHOTO), 0, yes)
    assert apart.worker is not None
    maps = Path(f"/proc/{apart.worker}/maps")
    if not maps.exists():
        pytest.skip("no /proc here")
    loaded = maps.read_text()
    assert "numpy" in loaded
    assert not any(name in loaded for name in ("libtorch", "duckdb", "faiss"))


def gone(process: int, patience: float = 20) -> bool:
    """Whether a process is dead within so many seconds; one that waits to be buried is."""
    until = time.monotonic() + patience
    while True:
        state = subprocess.run(
            ["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True, check=False
        ).stdout.strip()
        if not state or state.startswith("Z"):
            return True
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
