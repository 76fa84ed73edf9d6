"""Long work, one at a time: build, tune, evaluate and what else takes longer than a page waits."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from uuid6 import uuid7

from mediclip_index.types import IndexBusy, MediclipError, Progress

State = Literal["running", "done", "stopped", "failed"]
_KEPT = 20  # tasks that ended


class Stopped(Exception):
    """Whoever started it asked it to stop."""


@dataclass
class Task:
    """One piece of long work, and how far it is. `what` is the step it is at."""

    kind: str
    by: str
    id: str = field(default_factory=lambda: str(uuid7()))
    state: State = "running"
    what: str = ""
    done: int = 0
    total: int | None = None
    error: str | None = None
    report: Any = None
    started: float = field(default_factory=time.time)
    ended: float | None = None
    stopping: bool = False

    def told(self) -> dict[str, Any]:
        """What a page shows of it, without its report."""
        return {
            "id": self.id, "kind": self.kind, "by": self.by, "state": self.state,
            "what": self.what, "done": self.done, "total": self.total, "error": self.error,
            "seconds": round((self.ended or time.time()) - self.started, 1),
        }  # fmt: skip


class _Watched(Progress):
    """Tells a task how far it is, and stops it where that was asked for."""

    def __init__(self, task: Task) -> None:
        self._task = task

    def start(self, what: str, total: int | None) -> None:
        self._task.what, self._task.total, self._task.done = what, total, 0
        self._check()

    def advance(self, count: int) -> None:
        self._task.done += count
        self._check()

    def finish(self) -> None:
        return None

    def _check(self) -> None:
        if self._task.stopping:
            raise Stopped


class Tasks:
    """The long work of one page."""

    def __init__(self, ended: Callable[[Task], None] | None = None) -> None:
        self._all: OrderedDict[str, Task] = OrderedDict()
        self._guard = threading.Lock()
        self._ended = ended

    def begin(self, kind: str, by: str, work: Callable[[Progress], Any]) -> Task:
        """Start work in a thread of its own; IndexBusy while another is under way."""
        with self._guard:
            under_way = self._running()
            if under_way is not None:
                raise IndexBusy(
                    f"{under_way.kind} by {under_way.by} is still under way; wait until it has "
                    "ended, or stop it."
                )
            task = Task(kind, by)
            self._all[task.id] = task
            while len(self._all) > _KEPT:
                self._all.popitem(last=False)
        threading.Thread(target=self._run, args=(task, work), name=kind, daemon=True).start()
        return task

    @property
    def running(self) -> Task | None:
        with self._guard:
            return self._running()

    def _running(self) -> Task | None:
        return next((task for task in self._all.values() if task.state == "running"), None)

    def get(self, task: str) -> Task | None:
        return self._all.get(task)

    def all(self) -> list[Task]:
        """The latest first."""
        with self._guard:
            return list(self._all.values())[::-1]

    def stop(self, task: Task) -> None:
        task.stopping = True

    def close(self, seconds: float) -> None:
        """Stop what runs, and wait for it a while."""
        running = self.running
        if running is None:
            return
        self.stop(running)
        end = time.monotonic() + seconds
        while running.state == "running" and time.monotonic() < end:
            time.sleep(0.05)

    def _run(self, task: Task, work: Callable[[Progress], Any]) -> None:
        try:
            task.report = work(_Watched(task))
            state: State = "done"
        except Stopped:
            state = "stopped"
            task.error = "Stopped; what was committed is kept, and the next run goes on from there."
        except MediclipError as error:
            state, task.error = "failed", str(error)
        except BaseException as error:
            state, task.error = "failed", f"Unexpected {type(error).__name__}: {error}"
        task.ended = time.time()
        task.state = state
        if self._ended is not None:
            self._ended(task)
