"""Long work of the page: one at a time, stopped, failed, told as it goes; and the page's end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from mediclip_index import Index
from mediclip_index.types import IndexBusy, Progress, UsageError
from mediclip_index.web.tasks import Task, Tasks
from tests.web.serving import Live, index, made, page, pattern, photographs, sentence, tiny_model

__all__ = ["index", "page", "pattern", "tiny_model"]


def _ended(task: Task) -> Task:
    while task.state == "running":
        time.sleep(0.005)
    return task


def test_one_at_a_time_and_stopped_when_asked() -> None:
    tasks = Tasks()
    goes = threading.Event()

    def work(progress: Progress) -> None:
        progress.start("steps", None)
        goes.wait()
        while True:
            progress.advance(1)

    first = tasks.begin("build", "Ada", work)
    with pytest.raises(IndexBusy, match="build by Ada is still under way"):
        tasks.begin("tune", "Eve", work)
    tasks.stop(first)
    goes.set()
    assert _ended(first).state == "stopped" and first.error is not None
    assert first.told()["what"] == "steps"
    assert _ended(tasks.begin("tune", "Eve", lambda _: 7)).report == 7


def test_what_fails_says_why_and_the_next_may_begin() -> None:
    tasks = Tasks()

    def wrong(_: Progress) -> None:
        raise UsageError("Say it otherwise.")

    def broken(_: Progress) -> None:
        raise ZeroDivisionError("x")

    assert _ended(tasks.begin("a", "Ada", wrong)).error == "Say it otherwise."
    assert "ZeroDivisionError" in str(_ended(tasks.begin("b", "Ada", broken)).error)
    for _ in range(30):
        last = _ended(tasks.begin("c", "Ada", lambda _: None))
    assert len(tasks.all()) == 20 and tasks.all()[0] is last and tasks.running is None


def test_the_events_of_a_task_end_with_it(page: Live) -> None:
    begun = page.post("/api/v1/tasks", {"kind": "evaluate"})
    assert begun.status_code == 202
    task = begun.json()["id"]
    with page.client.stream("GET", f"/api/v1/tasks/{task}/events") as events:
        assert events.headers["content-type"].startswith("text/event-stream")
        told = [json.loads(line[6:]) for line in events.iter_lines() if line.startswith("data: ")]
    assert told[-1]["state"] == "done" and told[-1]["by"] == "Ada"
    found = page.get(f"/api/v1/tasks/{task}").json()
    assert found["report"]["n"] == 8
    assert page.get("/api/v1/evaluations").json()["evaluations"][0]["n"] == 8
    assert page.get("/api/v1/tasks").json()["tasks"][0]["id"] == task
    for kind in ("nonsense", "", None, "purge"):
        assert page.post("/api/v1/tasks", {"kind": kind}).status_code == 422
    for method in ("get", "delete"):
        answer = getattr(page.client, method)("/api/v1/tasks/none")
        assert answer.status_code == 404 and sentence(answer)


def test_work_that_cannot_be_done_fails_in_a_sentence(page: Live) -> None:
    task = page.post("/api/v1/tasks", {"kind": "evaluate", "split": "nonsense"}).json()
    found = page.site.tasks.get(task["id"])
    assert found is not None and _ended(found).state == "failed"
    assert "nonsense" in str(found.error) and "Unexpected" not in str(found.error)


def test_a_second_task_is_refused_while_the_first_runs(
    page: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes = threading.Event()

    def waits(*_: Any, progress: Progress) -> None:
        progress.start("waiting", None)
        goes.wait()
        progress.advance(1)

    monkeypatch.setattr(Index, "build", waits)
    first = page.post("/api/v1/tasks", {"kind": "build"}).json()
    second = page.post("/api/v1/tasks", {"kind": "tune"})
    assert second.status_code == 503 and "build by Ada" in sentence(second)
    assert page.client.delete(f"/api/v1/tasks/{first['id']}").status_code == 200
    goes.set()
    found = page.site.tasks.get(first["id"])
    assert found is not None and _ended(found).state == "stopped"


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_the_page_that_ends_while_it_builds_leaves_a_sound_index(
    tmp_path: Path, tiny_model: str, how: signal.Signals
) -> None:
    pile = tmp_path / "pile"
    pile.mkdir()
    for number, picture in enumerate(photographs(40)):
        picture.save(pile / f"p{number:02}.png")
    index = made(tmp_path / "index", tiny_model)
    index.build([str(pile / "p00.png")])
    with index._session.catalog.writing("test", by="test") as write:
        from mediclip_index.catalog import provenance
        from mediclip_index.types import ReadOptions, ScanOptions

        provenance.add_source(
            write, str(pile), labels="none", read=ReadOptions(), scan=ScanOptions()
        )
    words = ["--index", str(index.path), "serve", "--no-browser"]
    with subprocess.Popen(
        [sys.executable, "-m", "mediclip_index", *words], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"},
    ) as process:  # fmt: skip
        assert process.stdout is not None and process.stderr is not None
        parts = urlsplit(process.stdout.readline().strip())
        headers = {"authorization": f"Bearer {parse_qs(parts.query)['token'][0]}"}
        with httpx.Client(headers=headers, timeout=60) as client:
            at = f"http://{parts.netloc}/api/v1/tasks"
            assert client.post(at, json={"kind": "build"}).status_code == 202
        process.send_signal(how)
        process.wait(60)
        assert "Traceback" not in process.stderr.read()
    assert not [f for f in index.verify().findings if f.kind not in ("stray", "neighbours")]
    index.build()
    assert index.info().index.images == 40 and index.verify().ok
