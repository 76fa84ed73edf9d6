"""What goes wrong around an index: full disks, read-only folders, damaged files, clocks, kills.

Each is one sentence and its exit code, leaves nothing half-written, and is well afterwards.
"""

from __future__ import annotations

import json
import mmap
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from uuid6 import uuid7

from mediclip_index import Index, reading
from mediclip_index.catalog import (
    Catalog,
    WriteTransaction,
    audit,
    images,
    labels,
    models,
    presence,
)
from mediclip_index.types import Facts, IndexUnavailable, MediclipError, Settings, WriteError
from tests.catalog.conftest import DIM, add, filled  # noqa: F401
from tests.catalog.conftest import catalog as catalog
from tests.jobs.conftest import (  # noqa: F401
    built,
    index,
    photographs,
    pile,
    tiny_model,
)

# `stress` is imported from the root of the checkout.
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}


def forked(write: Callable[[], None]) -> str:
    """Do the work in a child of its own; returns its exit code and the sentence of the
    MediclipError that it met, "" where all went well."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        said = ""
        try:
            write()
        except MediclipError as error:
            said = f"{error.exit_code} {error}"
        except BaseException:
            said = traceback.format_exc()
        os.write(writer, said.encode(errors="replace")[:60_000])
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as answer:
        said = answer.read().decode()
    assert os.waitpid(child, 0)[1] == 0
    return said


def full_at(size: int) -> None:
    """No file of this process may grow beyond `size` bytes, as on a disk that is full."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


# --- a full disk ------------------------------------------------------------------------------


@pytest.mark.parametrize("room", [100, 5_000])
def test_a_disk_that_fills_keeps_every_commit_and_takes_more_later(
    room: int,
    filled: Catalog,
) -> None:
    done = mmap.mmap(-1, 1)
    wal = filled.folder / "catalog.duckdb.wal"

    def write_until_full() -> None:
        full_at(wal.stat().st_size + room)
        for number in range(200):
            with filled.writing("build") as write:
                add(write, {f"/pile/{number}.png": f"{number:04}" * 16}, seed=number)
            done[0] = number + 1

    said = forked(write_until_full)
    assert said.startswith("4 There is no room left to write in"), said
    with filled.reading() as read:
        there = len(images.images(read)) - 4
        assert there == done[0]
    with filled.writing("build") as write:  # there is room again
        add(write, {"/pile/later.png": "later" * 8}, seed=999)
    with filled.reading() as read:
        assert len(images.images(read)) == 5 + done[0]
        stored = models.encoder(read)
        assert len(images.vectors(read, stored)[0]) == 5 + done[0]


@pytest.mark.parametrize("size", [1_000, 1_000_000])
def test_a_disk_that_is_full_founds_no_half_index(size: int, tmp_path: Path) -> None:
    folder = tmp_path / "index"

    def fill(write: WriteTransaction) -> None:
        models.add_encoder(
            write, fingerprint="f" * 64, name="tiny", dim=DIM, scale=10.0, recipe="r"
        )
        models.add_settings(write, Settings())

    def found() -> None:
        full_at(size)
        Catalog.create(folder, fill)

    assert forked(found).startswith("4 There is no room left to write in")
    assert not Catalog.exists(folder)
    assert not list(folder.glob("catalog*"))
    with Catalog.create(folder, fill).reading() as read:
        assert models.settings(read).number == 1


def test_a_verdict_that_the_full_disk_did_not_keep_is_not_given(built: Index, pile: Path) -> None:
    words_typed = ["--index", built.info().index.path, "query", "--json", str(pile / "p00.png")]
    asked = subprocess.run(
        [sys.executable, "-m", "mediclip_index", *words_typed],
        preexec_fn=lambda: full_at(2_000), capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert asked.returncode == 4, asked.stderr
    assert asked.stdout == ""
    assert "Error: There is no room" in asked.stderr
    assert "--no-audit" in asked.stderr
    assert built.audit.verify().verdicts == 0


def test_a_spool_on_a_full_disk_leaves_no_half_row(filled: Catalog) -> None:
    def spool() -> None:
        full_at(100)
        audit.put_in_spool(filled.spool, [{"id": "x" * 400}])

    assert forked(spool).startswith("4 There is no room")
    assert list(filled.spool.iterdir()) == []


# --- a folder that can't be written to, or goes away -------------------------------------------


@pytest.fixture
def nobody() -> int:
    if os.getuid() != 0:
        return os.getuid()
    return 65534


def test_a_read_only_medium_without_lock_files_is_read(filled: Catalog, nobody: int) -> None:
    for name in ("lock", "turnstile"):
        (filled.folder / name).unlink()
    filled.folder.chmod(0o555)
    _let_through(filled.folder)

    def look_at() -> None:
        os.setuid(nobody)
        with Catalog.open(filled.folder).reading() as read:
            assert presence.present_ids(read).tolist() == [1, 2, 3, 4]
        with pytest.raises(WriteError), Catalog.open(filled.folder).writing("x"):
            pass

    assert forked(look_at) == ""


def test_what_a_locked_folder_may_still_hold_is_not_called_gone(
    tmp_path: Path, nobody: int
) -> None:
    locked = tmp_path / "locked"
    locked.mkdir()
    file = locked / "a.png"
    file.touch()
    locked.chmod(0)
    _let_through(locked)

    def look_at() -> None:
        if os.getuid() != nobody:
            os.setuid(nobody)
        assert reading.is_there(str(file))
        assert not reading.is_there(str(tmp_path / "none" / "a.png"))

    try:
        assert forked(look_at) == ""
    finally:
        locked.chmod(0o755)


def test_a_folder_that_vanishes_in_mid_run_is_refused_file_by_file(
    index: Index,
    tmp_path: Path,
    photographs: list[Image.Image],
) -> None:
    source = tmp_path / "going"
    source.mkdir()
    # Many times what is read ahead of the first step.
    for number, picture in enumerate(photographs * 8):
        picture.point([(v + number // len(photographs)) % 256 for v in range(256)] * 3).save(
            source / f"p{number:03}.png"
        )

    class Vanishing:
        def start(self, what: str, total: int | None) -> None:
            pass

        def advance(self, count: int) -> None:
            shutil.rmtree(source, ignore_errors=True)

        def finish(self) -> None:
            pass

    report = index.build([str(source)], progress=Vanishing())
    assert report.added + len(report.refused) == 8 * len(photographs)
    assert report.added >= 1
    assert {r.reason for r in report.refused} == {"unreadable"}
    again = index.build()  # all is missing now: nothing changes unless it is said
    assert again.gone == 0
    assert "--allow-missing" in again.refused[0].message


def test_a_file_that_changes_while_it_is_read_is_paired_with_itself(
    index: Index,
    tmp_path: Path,
    photographs: list[Image.Image],
) -> None:
    source = tmp_path / "changing"
    source.mkdir()
    for number in range(12):
        photographs[number].save(source / f"p{number:02}.png")
    stop = threading.Event()

    def scribble() -> None:
        chance = random.Random(1)
        while not stop.is_set():
            target = source / f"p{chance.randrange(12):02}.png"
            photographs[chance.randrange(12, 36)].save(target)
            time.sleep(0.001)

    writer = threading.Thread(target=scribble)
    writer.start()
    try:
        for _ in range(3):
            index.build([str(source)])
    finally:
        stop.set()
        writer.join()
    last = index.build([str(source)])
    assert last.images == len({p.read_bytes() for p in source.iterdir()})
    for hit in index.search(where="id > 0", k=100).results:
        own = index.search(images=[hit.path], k=1).results[0]
        assert Path(own.path).read_bytes() == Path(hit.path).read_bytes()
        assert own.similarity == pytest.approx(1, abs=1e-5)


# --- damaged files ------------------------------------------------------------------------------


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty", "foreign", "gone"])
def test_a_damaged_neighbour_file_is_said_and_written_anew(
    damage: str,
    built: Index,
    pile: Path,
) -> None:
    built.build([str(pile)])
    file = max(Path(built.info().index.path).glob("neighbours-*.faiss"))
    content = bytearray(file.read_bytes())
    right = [h.id for h in built.search(images=[str(pile / "p03.png")], k=5).results]
    if damage == "gone":
        file.unlink()
    elif damage == "flipped":
        content[len(content) // 2] ^= 0xFF
        file.write_bytes(content)
    else:
        others = {"truncated": bytes(content[:-7]), "empty": b"", "foreign": b"IxF2" * 99}
        file.write_bytes(others[damage])
    report = Index.open(file.parent).search(images=[str(pile / "p03.png")], k=5)
    assert [h.id for h in report.results] == right
    assert any("neighbour file can't be used" in note for note in report.notes)
    built.build([str(pile)])
    assert not Index.open(file.parent).search(images=[str(pile / "p03.png")], k=5).notes


@pytest.mark.parametrize("place", [0.0, 0.6])
@pytest.mark.parametrize("damage", ["truncated", "scribbled"])
def test_a_damaged_catalog_is_one_sentence(
    damage: str,
    place: float,
    filled: Catalog,
) -> None:
    filled.checkpoint()
    size = filled.file.stat().st_size
    with filled.file.open("rb+") as file:
        file.seek(int(place * size))
        file.truncate() if damage == "truncated" else file.write(os.urandom(size // 20))

    def use() -> None:
        catalog = Catalog.open(filled.folder)
        with catalog.reading() as read:
            images.images(read)
            images.vectors(read, models.encoder(read))
            labels.current_labels(read)
            audit.verify(read)
        with catalog.writing("x") as write:
            add(write, {"/pile/e.png": "eeee"})

    said = forked(use)
    # Scribbling may hit a page that nothing uses: then all of it must work.
    assert said == "" or said.startswith(f"4 {filled.file} can't be opened or read"), said
    if place == 0.0 or damage == "truncated":
        assert said


def test_a_torn_log_loses_at_most_its_last_transaction(filled: Catalog) -> None:
    filled.checkpoint()
    for number in range(5):
        with filled.writing("build") as write:
            add(write, {f"/pile/{number}.png": f"{number:04}" * 16}, seed=number)
    wal = filled.folder / "catalog.duckdb.wal"
    with wal.open("rb+") as file:
        file.truncate(wal.stat().st_size - 20)
    with filled.reading() as read:
        assert len(images.images(read)) == 4 + 4
        assert len(images.vectors(read, models.encoder(read))[0]) == 8
    with filled.writing("build") as write:
        add(write, {"/pile/9.png": "nine" * 16}, seed=9)
    with filled.reading() as read:
        assert len(images.images(read)) == 4 + 4 + 1


def test_a_scribbled_log_is_one_sentence(filled: Catalog) -> None:
    filled.checkpoint()
    for number in range(5):
        with filled.writing("build") as write:
            add(write, {f"/pile/{number}.png": f"{number:04}" * 16}, seed=number)
    wal = filled.folder / "catalog.duckdb.wal"
    content = bytearray(wal.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 40] = os.urandom(40)
    wal.write_bytes(content)

    def use() -> None:
        with Catalog.open(filled.folder).reading() as read:
            images.images(read)

    assert forked(use).startswith(f"4 {filled.file} can't be opened or read")
    assert wal.read_bytes() == content  # nobody threw away what a person may still mend


def test_a_torn_spool_file_is_one_sentence_and_is_kept(filled: Catalog) -> None:
    torn = filled.spool / "1-1.jsonl"
    torn.write_text('{"id": "half')
    with filled.reading(), pytest.raises(IndexUnavailable, match=str(torn)):
        audit.spooled(filled.spool)
    with pytest.raises(IndexUnavailable, match=str(torn)), filled.writing("query") as write:
        audit.take_in_spool(write, filled.spool)
    assert torn.exists()


# --- the clock ----------------------------------------------------------------------------------


def test_a_clock_that_goes_back_disorders_nothing(
    filled: Catalog,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = time.time_ns()
    clock = [now]
    monkeypatch.setattr(time, "time_ns", lambda: clock[0])
    given = []
    for step in (0, -3_600, -7_200, 60):
        clock[0] = now + step * 1_000_000_000
        with filled.writing("query") as write:
            given.append(str(uuid7()))
            audit.take_in(write, [_body(given[-1], write)])
            labels.say(write, {1: Facts(label=f"round {step}")})
    with filled.reading() as read:
        assert audit.verify(read)[2] == []
        chain = read.db.execute("SELECT id FROM verdicts ORDER BY position").fetchall()
        assert [i for (i,) in chain] == given
        assert (
            labels.current_labels(read, [1])[1].label == "round 60"
        )  # the order of tx, not of time
        assert [e.label for e in labels.history(read, 1)][-1] == "round 60"
    assert given == sorted(given)


def _body(name: str, write: WriteTransaction) -> dict[str, object]:
    return {
        "id": name, "time_us": write.time_us, "by": "ann", "run": "r", "path": "p", "label": "l",
        "unsure": False, "tx": write.tx,
    }  # fmt: skip


# --- kills ---------------------------------------------------------------------------------------


def test_kills_at_random_points_lose_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "stress.kills", "--kills", "3", "--seed", "5"],
        cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False, env=ENVIRONMENT,
    )  # fmt: skip
    report = json.loads(done.stdout)
    assert report["total"] >= 3
    assert (report["losses"], report["wrong_pairs"], report["findings"]) == (0, 0, 0), done.stderr
    assert done.returncode == 0


def test_many_at_one_index_trip_over_nobody_and_no_verdict_is_lost(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "stress.together", "--seconds", "5", "--seed", "3"],
        cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False, env=ENVIRONMENT,
    )  # fmt: skip
    report = json.loads(done.stdout)
    assert set(report["operations"]) == {"build", "label import", "search", "query"}
    assert (report["errors"], report["findings"]) == (0, []), report
    assert report["verdicts_told"] == report["in_chain"] + report["in_spool"] > 0
    assert done.returncode == 0


def _let_through(folder: Path) -> None:
    """Another user may walk to a folder in a temporary place."""
    for parent in folder.parents:
        if parent.stat().st_uid == os.getuid() and parent not in (Path("/"), Path("/tmp")):
            parent.chmod(parent.stat().st_mode | 0o055)
