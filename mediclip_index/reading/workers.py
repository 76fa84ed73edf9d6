"""Files read apart: in processes that may crash or hang without taking this one along."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from mediclip_index.reading.content import gathered
from mediclip_index.reading.refusing import Begun, Item
from mediclip_index.reading.worker import ORDER, End, Task
from mediclip_index.types import MediclipError, Picture, Reason, Refusal

_START = (
    "import json, sys; path, preload, control = json.loads(sys.argv[1]); sys.path[:] = path; "
    "from mediclip_index.reading.worker import fork_server; fork_server(control, preload)"
)
_START_SECONDS = 120.0  # a new process may have to wait for a busy machine
_SLOWEST_DISK = 5_000_000  # bytes a second
_ATTEMPTS = 2  # a worker may have died of something else, such as another program's hunger
_MOST_DEATHS = 8  # of workers at one file; its other pages are not tried
_LONGEST = 20  # times its limit of processor time, by the clock


@dataclass(frozen=True)
class Found:
    """A file's content. `pictures` is empty where it was refused, or was not wanted; `sha256` is
    None where it could not be read at all."""

    sha256: str | None
    pictures: tuple[Picture, ...] = ()
    refused: tuple[Refusal, ...] = ()


class _ForkServer:
    """The process that workers are forked from; one for all of this process's life."""

    _lock = threading.Lock()
    _one: _ForkServer | None = None

    def __init__(self, preload: Sequence[str]) -> None:
        ours, theirs = socket.socketpair()
        home = str(Path(__file__).parents[2])
        told = json.dumps([[*sys.path, home], list(preload), theirs.fileno()])
        # Isolated and without site, for speed; in a session of its own, safe from Ctrl-C;
        # and mute: what decoders print is for nobody's eyes, and may quote a patient's name.
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _START, told],
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
        theirs.close()
        self._orders = ours
        self._talk = threading.Lock()
        self.end = weakref.finalize(self, _end, ours, process)

    @classmethod
    def fork(cls, preload: Sequence[str]) -> tuple[_ForkServer, Connection]:
        """A new worker's connection, from the fork server that there is or a new one."""
        ours, its = socket.socketpair()
        with its, cls._lock:
            if cls._one is None or not cls._one._give(its):
                cls._one = cls(preload)
                cls._one._give(its)
            return cls._one, Connection(ours.detach())

    def _give(self, its: socket.socket) -> bool:
        try:
            with self._talk:
                socket.send_fds(self._orders, [ORDER.pack(0)], [its.fileno()])
        except OSError:
            return False
        return True

    def kill(self, worker: int) -> None:
        try:
            with self._talk:
                self._orders.sendall(ORDER.pack(worker))
        except OSError:
            pass  # it died, and its workers with it

    @classmethod
    def forget(cls) -> None:
        """After a fork: it is the parent's."""
        if cls._one is not None:
            cls._one.end.detach()
        cls._one, cls._lock = None, threading.Lock()


def _end(orders: socket.socket, process: subprocess.Popen[bytes]) -> None:
    orders.close()
    process.wait()


os.register_at_fork(after_in_child=_ForkServer.forget)


class WorkerProcess:
    """One process in which files are read, one after another; started when first needed, and again
    when it died. Used by one thread at a time, but for `stop`."""

    def __init__(self, preload: Sequence[str] = ()) -> None:
        self._preload = preload  # modules that a task's `shape` needs
        self._fork_server: _ForkServer | None = None
        self._worker: Connection | None = None
        self._pid: int | None = None
        self._stopped = False

    @property
    def worker(self) -> int | None:
        """The process's number, once it has said it."""
        return self._pid

    def start(self) -> None:
        """Have the process started, without waiting for it."""
        if self._worker is None:
            self._fork_server, self._worker = _ForkServer.fork(self._preload)

    def read(self, task: Task, length: int, wanted: Callable[[str], bool]) -> Found:
        """A file's hash and pictures; `wanted`, asked with the hash, says whether to decode it.

        `length` is the file's, in bytes. A page (or file of one picture) at which the process dies
        twice is refused as damaged, one that takes longer than its bounds say as too_large; what
        else there is in the file is read. Raises MediclipError where no process can be started.
        """
        course = _Course(task)
        while not course.over and not self._stopped:
            try:
                self._begin()
                if self._stopped:  # before there was anything to end
                    break
                if not self._go(course, length, wanted):
                    return Found(course.sha256)
            except TimeoutError:  # which is an OSError, but says something else
                self.close()
                course.slow()
            except (EOFError, OSError):
                self.close()
                course.died()
        result = gathered(course.items)
        return Found(course.sha256, result.pictures, result.refused)

    def _go(self, course: _Course, length: int, wanted: Callable[[str], bool]) -> bool:
        """Read on from where a file's course is; False where its content is not wanted.

        Raises what `_heard` does.
        """
        task = course.rest
        self._tell(task)
        # Reading waits for the disk, and unpacking takes a processor: either may take so long.
        answer = self._heard(task.bounds.max_seconds + length / _SLOWEST_DISK)
        if isinstance(answer, str):
            if course.sha256 not in (None, answer):
                course.restart()  # the file is another since a process died at it
                if task.first > 1:
                    self.close()
                    return True
            course.sha256 = answer
            if not wanted(answer):
                self._tell(False)
                return False
            self._tell(True)
        else:
            course.add(answer)
        used = self._used()
        while not course.over:
            answer = self._heard(task.bounds.max_seconds)
            before, used = used, self._used()
            course.spent += max(used - before, 0.0)
            if isinstance(answer, End):
                course.over = True
                return True
            course.add(answer)
        self.close()  # it would read on
        return True

    def stop(self) -> None:
        """End the process for good; a thread that waits for it goes on at once."""
        self._stopped = True
        self._kill()

    def close(self) -> None:
        """End the process; the next file gets a new one."""
        self._kill()
        if self._worker is not None:
            self._worker.close()
        self._worker, self._pid = None, None

    def _kill(self) -> None:
        fork_server, pid = self._fork_server, self._pid
        if fork_server is not None and pid is not None:
            fork_server.kill(pid)

    def _begin(self) -> None:
        """Wait until there is a process."""
        for _ in range(_ATTEMPTS):
            self.start()
            try:
                if self._pid is None:
                    self._pid = int(self._heard(_START_SECONDS))
                return
            except (EOFError, OSError):
                self.close()
        raise MediclipError(
            f"The process that reads pictures does not start ({sys.executable}); install the "
            "package anew."
        )

    def _tell(self, what: object) -> None:
        assert self._worker is not None
        self._worker.send(what)

    def _used(self) -> float:
        """Seconds of a processor that the process has used; of the clock, where no one tells."""
        if self._pid is None or sys.platform != "linux":
            return time.monotonic()
        try:
            return time.clock_gettime((~self._pid << 3) | 2)  # so Linux numbers processes' clocks
        except OSError:
            return 0.0  # it is dead, which will be heard

    def _heard(self, patience: float) -> Any:
        """The worker's next word, which may cost it so many seconds of a processor; it may also
        stand still for as many. Raises TimeoutError; EOFError or OSError where it is dead."""
        assert self._worker is not None
        began = moved = time.monotonic()
        before = used = self._used()
        while not self._worker.poll(max(patience - (used - before), 0.01)):
            now, seen, used = time.monotonic(), used, self._used()
            if used > seen:
                moved = now
            if used - before >= patience or now - moved >= patience:
                raise TimeoutError
            if now - began >= _LONGEST * patience:
                raise TimeoutError
        return self._worker.recv()


@dataclass
class _Course:
    """How far the reading of a file has come, over as many processes as it took.

    items: what was read. page, of: the page that is being read, where the file has pages. kept: how
    many items were there when that page began. spent: seconds, over all processes.
    """

    task: Task
    items: list[Item] = field(default_factory=list)
    sha256: str | None = None
    over: bool = False
    page: int | None = None
    of: int = 1
    kept: int = 0
    spent: float = 0.0
    deaths: int = 0
    deaths_here: int = 0

    @property
    def rest(self) -> Task:
        return self.task if self.page is None else replace(self.task, first=self.page)

    def restart(self) -> None:
        """What was read was of another content."""
        self.items.clear()
        self.sha256, self.page, self.of, self.kept, self.deaths_here = None, None, 1, 0, 0

    def add(self, item: Item) -> None:
        if not isinstance(item, Begun):
            self.items.append(item)
            return
        if item.page != self.page:
            self.deaths_here = 0
        self.page, self.of, self.kept = item.page, item.of, len(self.items)
        limit = self.task.bounds.max_file_seconds
        if self.spent > limit:
            self._leave(f"the pages before took over {limit:g} s")

    def slow(self) -> None:
        """The process was ended at its work."""
        self.spent += self.task.bounds.max_seconds
        limit = f"{self.task.bounds.max_seconds:g} s"
        self._refuse("too_large", f"takes over {limit} to read, more than one {{}} may cost.")

    def died(self) -> None:
        self.deaths_here += 1
        if self.deaths_here < _ATTEMPTS:
            del self.items[self.kept :]
            return
        self._refuse("damaged", "makes its decoder crash; get a whole copy of it.")

    def _refuse(self, reason: Reason, why: str) -> None:
        """The page, or the file, at which a process ended; what it gave before is kept."""
        self.deaths, self.deaths_here = self.deaths + 1, 0
        given = self.task.given
        if self.page is None:
            self.items.append(Refusal(given, reason, f"{given} {why.format('file')}"))
            self.over = True
            return
        place = f"Page {self.page} of {given}"
        self.items.append(Refusal(given, reason, f"{place} {why.format('page')}", self.page))
        self.page, self.kept = self.page + 1, len(self.items)
        if self.page > self.of:
            self.over = True
        elif self.deaths >= _MOST_DEATHS:
            self._leave(f"{self.deaths} pages before could not be read")

    def _leave(self, why: str) -> None:
        """Read no further; the first page that is left stands for all of them."""
        self.over = True
        given = self.task.given
        left = f"page {self.page}" if self.page == self.of else f"pages {self.page} to {self.of}"
        self.items.append(
            Refusal(
                given,
                "too_large",
                f"{given} is not read to its end: {why}; make {left} a file of their own.",
                self.page,
            )
        )
