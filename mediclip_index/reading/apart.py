"""Files read apart: in processes that may crash or hang without taking this one along."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from mediclip_index.reading.content import ReadResult
from mediclip_index.reading.worker import ORDER, Task
from mediclip_index.terms import MediclipError, Picture, Refusal

_START = (
    "import json, sys; path, preload, control = json.loads(sys.argv[1]); sys.path[:] = path; "
    "from mediclip_index.reading.worker import mother; mother(control, preload)"
)
_START_SECONDS = 120.0  # a new process may have to wait for a busy machine
_SLOWEST_DISK = 5_000_000  # bytes a second
_ATTEMPTS = 2  # a worker may have died of something else, such as another program's hunger


@dataclass(frozen=True)
class Found:
    """A file's content. `pictures` is empty where it was refused, or was not wanted; `sha256` is
    None where it could not be read at all."""

    sha256: str | None
    pictures: tuple[Picture, ...] = ()
    refused: tuple[Refusal, ...] = ()


class _Mother:
    """The process that workers are forked from; one for all of this process's life."""

    _lock = threading.Lock()
    _one: _Mother | None = None

    def __init__(self, preload: Sequence[str]) -> None:
        ours, hers = socket.socketpair()
        home = str(Path(__file__).parents[2])
        told = json.dumps([[*sys.path, home], list(preload), hers.fileno()])
        # Isolated and without site, for speed; alone in her session, so that Ctrl-C is not for her;
        # and mute: what decoders print is for nobody's eyes, and may quote a patient's name.
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _START, told],
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[hers.fileno()],
            start_new_session=True,
        )
        hers.close()
        self._orders = ours
        self._talk = threading.Lock()
        self.end = weakref.finalize(self, _end, ours, process)

    @classmethod
    def fork(cls, preload: Sequence[str]) -> tuple[_Mother, Connection]:
        """A new worker's connection, from the mother that there is or a new one."""
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
            pass  # she died, and her workers with her

    @classmethod
    def forget(cls) -> None:
        """After a fork: she is the parent's."""
        if cls._one is not None:
            cls._one.end.detach()
        cls._one, cls._lock = None, threading.Lock()


def _end(orders: socket.socket, process: subprocess.Popen[bytes]) -> None:
    orders.close()
    process.wait()


os.register_at_fork(after_in_child=_Mother.forget)


class Apart:
    """One process in which files are read, one after another; started when first needed, and again
    when it died. Used by one thread at a time, but for `stop`."""

    def __init__(self, preload: Sequence[str] = ()) -> None:
        self._preload = preload  # modules that a task's `shape` needs
        self._mother: _Mother | None = None
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
            self._mother, self._worker = _Mother.fork(self._preload)

    def read(self, task: Task, length: int, wanted: Callable[[str], bool]) -> Found:
        """A file's hash and pictures; `wanted`, asked with the hash, says whether to decode it.

        `length` is the file's, in bytes. A file at which the process dies twice is refused as
        damaged, one that takes longer than its bounds say as too_large. Raises MediclipError where
        no process can be started.
        """
        sha256 = None
        for _ in range(_ATTEMPTS):
            if self._stopped:
                break
            try:
                self._begin()
                if self._stopped:  # before there was anything to end
                    break
                answer = self._ask(task, task.bounds.max_seconds + length / _SLOWEST_DISK)
                if isinstance(answer, str):
                    sha256 = answer
                    if not wanted(sha256):
                        self._tell(False)
                        return Found(sha256)
                    answer = self._ask(True, task.bounds.max_seconds)
                if isinstance(answer, Refusal):
                    return Found(sha256, refused=(answer,))
                assert isinstance(answer, ReadResult)
                return Found(sha256, answer.pictures, answer.refused)
            except TimeoutError:  # which is an OSError, but says something else
                self.close()
                limit = f"{task.bounds.max_seconds:g} s"
                why = f"{task.given} takes over {limit} to read, more than one file may cost."
                return Found(sha256, refused=(Refusal(task.given, "too_large", why),))
            except (EOFError, OSError):
                self.close()
        why = f"{task.given} makes its decoder crash; get a whole copy of it."
        return Found(sha256, refused=(Refusal(task.given, "damaged", why),))

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
        mother, pid = self._mother, self._pid
        if mother is not None and pid is not None:
            mother.kill(pid)

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

    def _ask(self, what: object, patience: float) -> Any:
        self._tell(what)
        return self._heard(patience)

    def _tell(self, what: object) -> None:
        assert self._worker is not None
        self._worker.send(what)

    def _heard(self, patience: float) -> Any:
        """The worker's next word. Raises TimeoutError; EOFError or OSError where it is dead."""
        assert self._worker is not None
        if not self._worker.poll(patience):
            raise TimeoutError
        return self._worker.recv()
