"""Reading in a process of its own: what kills or hangs it costs one file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

from mediclip_index.encoding import Preprocessing, framed
from mediclip_index.reading import Found, Task, WorkerProcess, read_file
from mediclip_index.types import Bounds, Pixels, ReadOptions

PHOTO = str(Path(skimage.data.__file__).parent / "astronaut.png")
HOW = Preprocessing((64, 64), (0.5,) * 3, (0.5,) * 3)

# Reads a slow picture, and says who does it.
READ_FOREVER = """
import sys, threading
from mediclip_index.reading import WorkerProcess, Task
from mediclip_index.types import Bounds, Pixels, ReadOptions

apart = WorkerProcess()
while True:
    apart.read(
        Task(sys.argv[1], "slow", None, 64, Bounds(), ReadOptions(), None),
        0,
        lambda _: print(apart.worker, flush=True) or True,
    )
"""


def task(path: str, bounds: Bounds | None = None) -> Task:
    shape = partial(framed, how=HOW)
    return Task(path, path, None, 64, bounds or Bounds(), ReadOptions(), shape)


def yes(_: str) -> bool:
    return True


def ends_at(pixels: Pixels, grey: int, how: str) -> Pixels:
    """A shape at which the process comes to grief, as a decoder would make it."""
    if round(float(pixels.mean())) == grey:
        if how == "crash":
            os.kill(os.getpid(), signal.SIGKILL)
        while how == "busy":
            pass
        while how == "asleep":
            time.sleep(60)
    return pixels


GREYS = (10, 20, 30, 40)


def four_pages(path: Path, how: str, grey: int = 20, **bounds: float) -> Task:
    """A file of four pages, at one of which (none, where its grey is none of theirs) things end."""
    pages = [Image.new("L", (64, 64), grey) for grey in GREYS]
    pages[0].save(path, "PDF", save_all=True, append_images=pages[1:])
    limits = Bounds(**bounds)  # type: ignore[arg-type]
    return replace(task(str(path), limits), shape=partial(ends_at, grey=grey, how=how))


def shades(found: Found) -> list[tuple[int | None, int]]:
    return [(p.page, round(float(p.pixels.mean()))) for p in found.pictures]


@pytest.fixture
def apart() -> Iterator[WorkerProcess]:
    apart = WorkerProcess(["mediclip_index.encoding.preprocess"])
    yield apart
    apart.close()


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A sound picture of which decoding takes a good while."""
    path = tmp_path_factory.mktemp("slow") / "slow.png"
    Image.new("RGB", (9000, 9000), "grey").save(path, compress_level=1)
    return str(path)


def test_a_file_reads_apart_as_it_does_here(apart: WorkerProcess) -> None:
    found = apart.read(task(PHOTO), 0, yes)
    sha256, here = read_file(PHOTO, size=64)
    assert found.sha256 == sha256
    assert found.refused == ()
    (picture,), (expected,) = found.pictures, here.pictures
    assert (picture.width, picture.height) == (expected.width, expected.height) == (512, 512)
    assert picture.pixels.shape == (64, 64, 3)
    np.testing.assert_array_equal(picture.pixels, framed(expected.pixels, HOW))


def test_a_content_that_is_not_wanted_is_not_decoded(apart: WorkerProcess) -> None:
    found = apart.read(task(PHOTO), 0, lambda sha256: False)
    assert found == Found(read_file(PHOTO, size=64)[0])
    assert len(apart.read(task(PHOTO), 0, yes).pictures) == 1


def test_what_can_not_be_read_is_refused_and_the_process_goes_on(
    apart: WorkerProcess, tmp_path: Path
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


def test_a_process_that_dies_once_is_replaced_and_the_file_read(apart: WorkerProcess) -> None:
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


def test_a_file_at_which_the_process_dies_twice_is_damaged(apart: WorkerProcess) -> None:
    def crash(_: str) -> bool:
        assert apart.worker is not None
        os.kill(apart.worker, signal.SIGSEGV)
        return True

    found = apart.read(task(PHOTO), 0, crash)
    assert [r.reason for r in found.refused] == ["damaged"]
    assert "crash" in found.refused[0].message
    assert found.sha256 == read_file(PHOTO, size=64)[0]
    assert len(apart.read(task(PHOTO), 0, yes).pictures) == 1


def test_a_process_that_hangs_is_ended_and_its_file_too_large(apart: WorkerProcess) -> None:
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


def test_a_picture_that_takes_too_long_to_decode_is_too_large(
    apart: WorkerProcess, slow: str
) -> None:
    apart.read(task(PHOTO), 0, yes)
    found = apart.read(task(slow, Bounds(max_seconds=0.05)), 10**9, yes)
    assert [r.reason for r in found.refused] == ["too_large"]


@pytest.mark.parametrize(
    ("how", "reason", "said"),
    [
        ("crash", "damaged", "crash"),
        ("busy", "too_large", "0.5 s"),
        ("asleep", "too_large", "0.5 s"),
    ],
)
def test_a_page_at_which_the_process_ends_is_refused_alone(
    apart: WorkerProcess, tmp_path: Path, how: str, reason: str, said: str
) -> None:
    found = apart.read(four_pages(tmp_path / "a.pdf", how, max_seconds=0.5), 0, yes)
    assert shades(found) == [(1, 10), (3, 30), (4, 40)]
    ((page, why, message),) = [(r.page, r.reason, r.message) for r in found.refused]
    assert (page, why) == (2, reason)
    assert said in message
    assert message.startswith("Page 2 of ")


def test_the_last_page_may_end_a_process_too(apart: WorkerProcess, tmp_path: Path) -> None:
    found = apart.read(four_pages(tmp_path / "a.pdf", "crash", grey=40), 0, yes)
    assert shades(found) == [(1, 10), (2, 20), (3, 30)]
    assert [(r.page, r.reason) for r in found.refused] == [(4, "damaged")]


def test_a_page_is_tried_again_where_a_process_died_once(
    apart: WorkerProcess, tmp_path: Path
) -> None:
    """Of something else, that is: nothing of the file is lost or doubled."""
    once = tmp_path / "once"
    asked = replace(four_pages(tmp_path / "a.pdf", ""), shape=partial(crash_once, mark=str(once)))
    found = apart.read(asked, 0, yes)
    assert once.exists()
    assert (shades(found), found.refused) == ([(1, 10), (2, 20), (3, 30), (4, 40)], ())


def crash_once(pixels: Pixels, mark: str) -> Pixels:
    if round(float(pixels.mean())) == 30 and not os.path.exists(mark):
        Path(mark).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return pixels


def test_a_long_file_gives_what_it_gave_in_its_time_and_says_what_it_did_not(
    apart: WorkerProcess, tmp_path: Path
) -> None:
    asked = four_pages(tmp_path / "a.pdf", "busy", max_seconds=0.5, max_file_seconds=0.4)
    found = apart.read(asked, 0, yes)
    assert shades(found) == [(1, 10)]
    assert [(r.page, r.reason) for r in found.refused] == [(2, "too_large"), (3, "too_large")]
    assert "pages 3 to 4" in found.refused[1].message
    assert len(apart.read(task(PHOTO), 0, yes).pictures) == 1


def test_a_file_that_ends_process_after_process_is_left(
    apart: WorkerProcess, tmp_path: Path
) -> None:
    pages = [Image.new("L", (64, 64), grey) for grey in (10, *[20] * 12, 30)]
    asked = four_pages(tmp_path / "a.pdf", "crash")
    pages[0].save(tmp_path / "a.pdf", "PDF", save_all=True, append_images=pages[1:])
    found = apart.read(asked, 0, yes)
    assert shades(found) == [(1, 10)]
    assert [r.reason for r in found.refused] == ["damaged"] * 8 + ["too_large"]
    assert "pages 10 to 14" in found.refused[-1].message


@pytest.mark.skipif(sys.platform != "linux", reason="others tell no process's processor time")
def test_a_busy_machine_refuses_no_more_than_an_idle_one(
    apart: WorkerProcess, tmp_path: Path
) -> None:
    """A page may take longer than its seconds by the clock, if others use the processor."""
    asked = four_pages(tmp_path / "a.pdf", "", max_seconds=0.4)
    apart.read(asked, 0, yes)
    assert apart.worker is not None
    worker, over = apart.worker, threading.Event()

    def starve() -> None:  # lets it work for some hundredths of each second
        while not over.is_set():
            os.kill(worker, signal.SIGSTOP)
            over.wait(0.3)
            os.kill(worker, signal.SIGCONT)
            over.wait(0.05)

    busy = replace(asked, shape=partial(takes, seconds=0.1))
    starving = threading.Thread(target=starve)
    starving.start()
    before = time.monotonic()
    found = apart.read(busy, 0, yes)
    over.set()
    starving.join()
    assert time.monotonic() - before > 4 * 0.4
    assert ([page for page, _ in shades(found)], found.refused) == ([1, 2, 3, 4], ())


def takes(pixels: Pixels, seconds: float) -> Pixels:
    """So much of a processor."""
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass
    return pixels


@pytest.mark.skipif(sys.platform != "linux", reason="other systems keep no such limit")
def test_a_picture_that_takes_too_much_memory_is_too_large(apart: WorkerProcess, slow: str) -> None:
    found = apart.read(task(slow, Bounds(max_memory=64 * 1024**2)), 0, yes)
    assert [r.reason for r in found.refused] == ["too_large"]
    assert "memory" in found.refused[0].message
    assert len(apart.read(task(PHOTO), 0, yes).pictures) == 1


def test_stopping_ends_a_reading_that_is_under_way(apart: WorkerProcess) -> None:
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


def test_workers_import_neither_a_model_nor_a_database(apart: WorkerProcess) -> None:
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
