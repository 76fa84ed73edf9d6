"""The other side of `WorkerProcess`: processes in which files are read, and die if need be.

A fork server imports what decoding needs once, and is forked for each worker, which takes some
milliseconds. It never decodes anything itself, so it always notices when the program that started
it is gone, and ends its workers then, busy or hung. Nothing here imports torch, DuckDB or
FAISS, and the program's own main module is not run again, as multiprocessing would.

What a worker says: its number, once. Then, for each task, the content's hash; and, where it is told
True, a file's items one after another as they are made (pictures, refusals, and `Begun` before each
page), so that what was made is not lost with a worker. `End` is the last word on every file but
those that are not wanted.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import os
import resource
import signal
import socket
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection

from mediclip_index.reading.content import content_hash, items, read_bytes
from mediclip_index.reading.refusing import Unreadable
from mediclip_index.reading.tones import Shape
from mediclip_index.types import Bounds, ReadOptions, Refusal

# What the fork server is told: 0, with one end of a socket, for a new worker; else whom to kill.
ORDER = struct.Struct("!q")
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Task:
    """A file to read: its path, or its bytes where there is no file. `given` is for messages, and
    `first` the page to begin with where earlier ones were read already."""

    path: str
    given: str
    data: bytes | None
    size: int
    bounds: Bounds
    options: ReadOptions
    shape: Shape | None
    first: int = 1


@dataclass(frozen=True)
class End:
    """All was said of a file."""


def fork_server(control: int, preload: list[str]) -> None:
    """Fork and kill workers as told through the socket `control`, until it closes."""
    for name in preload:
        importlib.import_module(name)
    orders = socket.socket(fileno=control)
    mine = os.getpid()
    children: set[int] = set()
    while True:
        order, descriptors, _, _ = socket.recv_fds(orders, ORDER.size, 1)
        if len(order) < ORDER.size:
            break
        children -= set(_ended(children))
        (number,) = ORDER.unpack(order)
        if number in children:
            os.kill(number, signal.SIGKILL)
        for descriptor in descriptors:
            child = os.fork()
            if child == 0:
                orders.close()
                _work(descriptor, mine)
            os.close(descriptor)
            children.add(child)
    for child in children - set(_ended(children)):
        os.kill(child, signal.SIGKILL)


def _ended(children: set[int]) -> list[int]:
    """Children that are no more; until asked for here, their numbers are not used again."""
    return [child for child in children if os.waitpid(child, os.WNOHANG)[0]]


def _work(descriptor: int, fork_server: int) -> None:
    """Read file after file until the socket closes; never returns."""
    status = 1
    with contextlib.suppress(BaseException):
        # A dump of this process would leave a patient's picture on disk.
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() == fork_server:
            asked = Connection(descriptor)
            asked.send(os.getpid())
            with contextlib.suppress(EOFError, ConnectionError):
                while True:
                    _answer(asked, asked.recv())
            status = 0
    os._exit(status)


def _answer(asked: Connection, task: Task) -> None:
    """Send a file's hash; then, where its pictures are wanted, these as they are made."""
    try:
        data = read_bytes(task.path, task.bounds) if task.data is None else task.data
        asked.send(content_hash(data))
        if not asked.recv():
            return
        with _at_most(task.bounds.max_memory):
            for item in items(
                data,
                path=task.given,
                size=task.size,
                bounds=task.bounds,
                options=task.options,
                shape=task.shape,
                first=task.first,
            ):
                asked.send(item)
    except Unreadable as why:
        asked.send(Refusal(task.given, why.reason, why.message))
    except MemoryError:
        limit = task.bounds.max_memory // 1024**2
        asked.send(
            Refusal(
                task.given,
                "too_large",
                f"{task.given} needs over {limit:,} MB of memory to be read.",
            )
        )
    asked.send(End())
    _give_back()


def _give_back() -> None:
    """Let the system have the memory that a large file took: the next file's limit is beside what
    this process holds, so that no file is refused for what another one left."""
    if sys.platform == "linux":
        with contextlib.suppress(AttributeError, OSError):
            ctypes.CDLL(None).malloc_trim(0)


@contextlib.contextmanager
def _at_most(memory: int) -> Iterator[None]:
    """Let this process have so many bytes more than it has; beyond, allocation fails."""
    try:
        with open("/proc/self/statm", "rb") as statm:
            now = int(statm.read().split()[0]) * resource.getpagesize()
    except OSError:  # no Linux: other systems don't keep this limit
        yield
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = now + memory
    resource.setrlimit(
        resource.RLIMIT_AS, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard)
    )
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
