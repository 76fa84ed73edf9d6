"""An index's lock: many readers or one writer, between processes and threads of one machine.

flock(2) on files of their own, never on the catalog: closing any other descriptor of the catalog
would drop DuckDB's own lock on it. Whoever wants in passes a turnstile first, and a writer keeps it
while it waits, so that a stream of readers can't starve it. A lock is never upgraded: let go of
the shared one, then take the exclusive one. Python's descriptors are closed on exec, and the kernel
lets go of a dead process's locks.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mediclip_index.catalog.errors import cant_write
from mediclip_index.types import IndexBusy, IndexNotFound

_FIRST_NAP, _LONGEST_NAP = 0.001, 0.05


class FolderLock:
    """The lock of one index folder. Each call opens its own descriptor, so threads count too."""

    def __init__(self, folder: Path) -> None:
        self._lock = folder / "lock"
        self._turnstile = folder / "turnstile"

    @contextmanager
    def shared(self, timeout: float) -> Iterator[None]:
        """Hold the lock for reading; IndexBusy after `timeout` seconds."""
        with self._held(fcntl.LOCK_SH, timeout):
            yield

    @contextmanager
    def exclusive(self, timeout: float) -> Iterator[None]:
        """Hold the lock for writing; IndexBusy after `timeout` seconds."""
        with self._held(fcntl.LOCK_EX, timeout) as descriptor:
            _sign(descriptor)
            yield

    @contextmanager
    def _held(self, kind: int, timeout: float) -> Iterator[int]:
        deadline = time.monotonic() + timeout
        turnstile = _open(self._turnstile, kind)
        try:
            self._wait(turnstile, kind, deadline, timeout)
            descriptor = _open(self._lock, kind)
            try:
                self._wait(descriptor, kind, deadline, timeout)
                fcntl.flock(turnstile, fcntl.LOCK_UN)
                yield descriptor
            finally:
                os.close(descriptor)
        finally:
            os.close(turnstile)

    def _wait(self, descriptor: int, kind: int, deadline: float, timeout: float) -> None:
        nap = _FIRST_NAP
        while True:
            try:
                fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise IndexBusy(self._busy(timeout)) from None
                time.sleep(nap)
                nap = min(2 * nap, _LONGEST_NAP)

    def _busy(self, timeout: float) -> str:
        try:
            holder = self._lock.read_text().strip()
        except OSError:
            holder = ""
        who = f" (last written by process {holder})" if holder else ""
        return (
            f"The index {self._lock.parent} was in use by another process{who} for over "
            f"{timeout:.0f} s: wait until it is done, then try again."
        )


def _sign(descriptor: int) -> None:
    # Only for the message of whoever waits in vain; the lock itself is the kernel's. A folder that
    # is read-only, or a disk that is full, shows in the work itself.
    with contextlib.suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)


def _open(path: Path, kind: int) -> int:
    # A reader of a folder that it may not write to still takes the shared lock; where the folder
    # has no lock file (a copy on a read-only medium) the folder itself is locked.
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except FileNotFoundError:
        why = f"No index at {path.parent}: make one with `mediclip-index build`."
        raise IndexNotFound(why) from None
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EROFS, errno.ENOSPC, errno.EDQUOT):
            raise
        if path.exists():
            return os.open(path, os.O_RDONLY)
        if kind == fcntl.LOCK_EX:
            raise cant_write(path.parent, str(error.strerror)) from None
        return os.open(path.parent, os.O_RDONLY)
