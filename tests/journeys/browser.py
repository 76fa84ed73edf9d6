"""Chromium, driven over its own pipe: keys are pressed and files saved as by a person."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FOUND = next((name for name in NAMES if shutil.which(name)), None)
PATIENCE = 60.0  # seconds
_KEYS = {"ArrowRight": 39, "ArrowLeft": 37, "ArrowDown": 40, "ArrowUp": 38, "Backspace": 8}


class Browser:
    """One page in a headless browser; a context manager. Its downloads go to `downloads`."""

    def __init__(self, folder: Path) -> None:
        self.downloads = folder / "downloads"
        self.downloads.mkdir()
        asked, self._asking = os.pipe()
        self._hearing, answering = os.pipe()
        # The protocol's pipes are the browser's descriptors 3 and 4.
        command = (
            f'exec "$0" --headless --no-sandbox --disable-gpu --remote-debugging-pipe '
            f'--user-data-dir="$1" about:blank 3<&{asked} 4>&{answering}'
        )
        self._process = subprocess.Popen(
            ["/bin/bash", "-c", command, str(FOUND), str(folder / "profile")],
            pass_fds=(asked, answering),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(asked)
        os.close(answering)
        self._number, self._heard = 0, b""
        self._session: str | None = None
        self.told: list[Any] = []  # what the page's console said, errors of its policy too

    def __enter__(self) -> Browser:
        targets = self.call("Target.getTargets")["targetInfos"]
        target = next(t["targetId"] for t in targets if t["type"] == "page")
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        place = {"behavior": "allow", "downloadPath": str(self.downloads)}
        self.call("Browser.setDownloadBehavior", **place)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(PATIENCE)
        os.close(self._asking)
        os.close(self._hearing)

    def call(self, method: str, **params: Any) -> Any:
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if self._session is not None and not method.startswith(("Target.", "Browser.")):
            message["sessionId"] = self._session
        os.write(self._asking, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]
            self.told.append(answer)

    def _next(self) -> Any:
        while b"\0" not in self._heard:
            part = os.read(self._hearing, 1 << 20)
            assert part, "the browser ended"
            self._heard += part
        one, self._heard = self._heard.split(b"\0", 1)
        return json.loads(one)

    def open(self, page: Path) -> None:
        self.call("Page.navigate", url=page.as_uri())
        self.until("document.readyState === 'complete' && location.protocol === 'file:'")

    def value(self, expression: str) -> Any:
        return self.call("Runtime.evaluate", expression=expression, returnByValue=True)[
            "result"
        ].get("value")

    def until(self, expression: str) -> None:
        end = time.monotonic() + PATIENCE
        while not self.value(expression):
            assert time.monotonic() < end, expression
            time.sleep(0.05)

    def press(self, *keys: str) -> None:
        for key in keys:
            code = _KEYS.get(key, ord(key[0].upper()))
            text = {"text": key} if len(key) == 1 else {}
            for kind in ("keyDown", "keyUp"):
                self.call(
                    "Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code,
                    **(text if kind == "keyDown" else {}),
                )  # fmt: skip

    def saved(self, name: str) -> Path:
        """A file that the page saved, once it is whole."""
        file = self.downloads / name
        end = time.monotonic() + PATIENCE
        while not file.exists() or file.stat().st_size == 0:
            assert time.monotonic() < end, list(self.downloads.iterdir())
            with contextlib.suppress(AssertionError):
                self.value("0")
            time.sleep(0.05)
        return file
