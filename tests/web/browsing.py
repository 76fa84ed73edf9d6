"""The page in a real browser: a served copy of an index of the samples, and who looks at it."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect

PATIENCE = 30.0  # seconds
expect.set_options(timeout=1000 * PATIENCE)


@dataclass(frozen=True)
class Served:
    """An index that is served as a page."""

    index: Path
    address: str  # with the token
    process: subprocess.Popen[str]

    @property
    def origin(self) -> str:
        return self.address.split("/?")[0]


@dataclass
class Visit:
    """One person's look at the page. wrong: what the browser complained of, a breach of the page's
    policy too; asked: every address that it asked for."""

    page: Page
    origin: str
    wrong: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def go(self, path: str) -> None:
        self.page.goto(self.origin + path)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def told(self) -> str:
        return self.page.locator("#notice").inner_text()

    def drop(self, on: str, file: Path) -> None:
        """A file let go of over an element, as a hand does it."""
        carried = self.page.evaluate_handle(
            """([text, name]) => {
                const held = new DataTransfer();
                const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
                held.items.add(new File([bytes], name, { type: "image/png" }));
                return held;
            }""",
            [base64.b64encode(file.read_bytes()).decode(), file.name],
        )
        for what in ("dragover", "drop"):
            self.page.dispatch_event(on, what, {"dataTransfer": carried})


@contextmanager
def serving(index: Path, by: str = "curator") -> Iterator[Served]:
    """`mediclip-index serve` as a process of its own, until the block ends."""
    command = [sys.executable, "-m", "mediclip_index", "--index", str(index), "--by", by]
    process = subprocess.Popen(
        [*command, "serve", "--no-browser"], stdout=subprocess.PIPE, text=True,
        stderr=subprocess.DEVNULL, env={**os.environ, "HF_HUB_OFFLINE": "1"},
    )  # fmt: skip
    assert process.stdout is not None
    try:
        address = process.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:"), address
        yield Served(index, address, process)
    finally:
        process.terminate()
        process.wait(PATIENCE)
        process.stdout.close()


@contextmanager
def visiting(browser: Browser, served: Served, **options: Any) -> Iterator[Visit]:
    """A browser of its own (no cookie of another's), in which the page was opened."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}} | options)
    context.set_default_timeout(1000 * PATIENCE)
    page = context.new_page()
    visit = Visit(page, served.origin)
    page.on("request", lambda request: visit.asked.append(request.url))
    page.on(
        "response",
        lambda r: print("RESP", r.status, r.url[-50:], flush=True) if "label" in r.url else None,
    )
    page.on("console", lambda m: visit.wrong.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: visit.wrong.append(str(error)))
    page.goto(served.address)
    try:
        yield visit
    finally:
        context.close()
