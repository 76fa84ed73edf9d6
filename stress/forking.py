"""The command in a forked child, killed at a point of its work.

Starting Python and importing torch takes seconds in which nothing can be lost. So the parent
imports once and never computes; each child is a process of its own with its own group, runs the
command line as `mediclip-index` does, and is killed for good.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import pickle
import signal
import struct
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

import mediclip_index

T = TypeVar("T")
PACKAGE = str(Path(mediclip_index.__file__).parent)
ROOMS = tuple(os.path.join(PACKAGE, room) for room in ("catalog", "jobs", "neighbours"))
PATIENCE = 120.0  # seconds that a command may take
Place = tuple[str, int]


@dataclass(frozen=True)
class AtLine:
    """Die by `signal` when a line is reached for the n-th time."""

    place: Place
    occurrence: int
    signal: int


@dataclass(frozen=True)
class After:
    """Die by `signal` so many seconds after the start."""

    seconds: float
    signal: int


@dataclass(frozen=True)
class AtChange:
    """Die by `signal` so many seconds after the n-th time that the index folder's files change."""

    change: int
    seconds: float
    signal: int


Death = AtLine | After | AtChange


@dataclass(frozen=True)
class Ended:
    """How a command ended; `code` is its exit code, minus a signal's number where it was killed."""

    code: int
    out: str
    err: str
    seconds: float
    read: int  # files of the pile that it had opened

    @property
    def killed(self) -> bool:
        return self.code < 0 or self.code == 130


def run(
    words: Sequence[str],
    folder: Path,
    *,
    death: Death | None = None,
    watch: Path | None = None,
    pile: Path | None = None,
) -> Ended:
    """Run `mediclip-index WORDS` in a child; `watch` is the index folder for AtChange, `pile` the
    folder whose opened files are counted."""
    return wait(start(words, folder, death=death, pile=pile), death=death, watch=watch)


@dataclass(frozen=True)
class Started:
    pid: int
    began: float
    out: Path
    err: Path
    counter: mmap.mmap


def start(
    words: Sequence[str], folder: Path, *, death: Death | None = None, pile: Path | None = None
) -> Started:
    counter = mmap.mmap(-1, 8)
    tag = f"{os.getpid()}-{time.monotonic_ns()}"
    out, err = folder / f"{tag}.out", folder / f"{tag}.err"
    began = time.monotonic()
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        _become(words, out, err, death, pile, counter)
    return Started(pid, began, out, err, counter)


def wait(started: Started, *, death: Death | None = None, watch: Path | None = None) -> Ended:
    """Wait for a started command, and kill it where its death is the parent's to bring."""
    pid = started.pid
    deadline = started.began + PATIENCE
    before, changes, at = _state(watch), 0, None
    if isinstance(death, After):
        at = started.began + death.seconds
    struck = False
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            break
        now = time.monotonic()
        if isinstance(death, AtChange) and at is None:
            state = _state(watch)
            if state != before:
                before, changes = state, changes + 1
            if changes >= death.change:
                at = now + death.seconds
        if at is not None and now >= at and not struck and death is not None:
            struck = True
            _kill(pid, death.signal)
        if now > deadline:
            _kill(pid, signal.SIGKILL)
        time.sleep(0.0005 if death is not None and not struck else 0.005)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)  # whatever the dead left behind
    code = os.waitstatus_to_exitcode(status)
    texts = []
    for file in (started.out, started.err):
        texts.append(file.read_text(errors="surrogateescape") if file.exists() else "")
        file.unlink(missing_ok=True)
    read = struct.unpack("q", started.counter[:8])[0]
    started.counter.close()
    return Ended(code, texts[0], texts[1], time.monotonic() - started.began, read)


def places(words: Sequence[str], folder: Path) -> Counter[Place]:
    """How often a whole run of the command reaches each line of the rooms that keep things."""

    def trace() -> Counter[Place]:
        seen: Counter[Place] = Counter()

        def local(frame: FrameType, event: str, _: Any) -> Any:
            if event == "line":
                seen[(frame.f_code.co_filename, frame.f_lineno)] += 1
            return local

        sys.settrace(lambda frame, *_: local if _ours(frame) else None)
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 1)
            os.dup2(nowhere.fileno(), 2)
            code = _command(words)
        sys.settrace(None)
        assert code in (0, 3), f"{' '.join(words)} ended with {code}"
        return seen

    return in_child(trace, folder)


def in_child(write: Callable[[], T], folder: Path) -> T:
    """The result of `work`, done in a child, so that the parent never opens a database."""
    answer = folder / f"answer-{time.monotonic_ns()}"
    pid = os.fork()
    if pid == 0:
        try:
            result: tuple[bool, Any] = (True, write())
        except BaseException:
            result = (False, traceback.format_exc())
        answer.write_bytes(pickle.dumps(result))
        os._exit(0)
    os.waitpid(pid, 0)
    well, value = pickle.loads(answer.read_bytes())
    answer.unlink()
    if not well:
        raise AssertionError(value)
    return value  # type: ignore[no-any-return]


def _become(
    words: Sequence[str],
    out: Path,
    err: Path,
    death: Death | None,
    pile: Path | None,
    counter: mmap.mmap,
) -> None:
    code = 70
    try:
        os.setsid()
        # A run in the background is deaf to SIGINT, and its children would be too.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for file, target in ((out, 1), (err, 2)):
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(descriptor, target)
            os.close(descriptor)
        if pile is not None:
            _count_reads(str(pile), counter)
        if isinstance(death, AtLine):
            _die_at(death)
        code = _command(words)
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(BaseException):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _command(words: Sequence[str]) -> int:
    from mediclip_index.cli import main

    sys.argv = ["mediclip-index", *words]
    try:
        main()
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else int(bool(leaving.code))
    return 0


def _ours(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(ROOMS)


def _die_at(death: AtLine) -> None:
    seen = 0

    def local(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal seen
        if event == "line" and (frame.f_code.co_filename, frame.f_lineno) == death.place:
            seen += 1
            if seen == death.occurrence:
                _kill(os.getpid(), death.signal)
        return local

    file = death.place[0]
    sys.settrace(lambda frame, *_: local if frame.f_code.co_filename == file else None)


def _kill(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        # SIGKILL takes the whole group, as the kernel's memory killer or a closed session does.
        if number == signal.SIGKILL:
            os.killpg(pid, number)
        else:
            os.kill(pid, number)


def _count_reads(pile: str, counter: mmap.mmap) -> None:
    opened: set[str] = set()

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(arguments[0], str) and arguments[0].startswith(pile):
            opened.add(arguments[0])
            counter[:8] = struct.pack("q", len(opened))

    sys.addaudithook(hook)


def _state(folder: Path | None) -> list[tuple[str, int]]:
    if folder is None:
        return []
    found = []
    for root, _, names in os.walk(folder):
        for name in names:
            if name in ("lock", "turnstile"):
                continue
            with contextlib.suppress(OSError):
                found.append((name, os.stat(os.path.join(root, name)).st_size))
    return sorted(found)
