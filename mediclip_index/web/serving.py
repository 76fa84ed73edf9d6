"""The server: its address, its token, the browser, and the end."""

from __future__ import annotations

import os
import re
import secrets
import socket
import tempfile
import threading
import time
import webbrowser
from collections.abc import Callable
from html import escape
from pathlib import Path

import uvicorn

from mediclip_index.index import Index
from mediclip_index.types import ServeOptions, UsageError
from mediclip_index.types.serving import LOOPBACK
from mediclip_index.web.app import make_app
from mediclip_index.web.doors import Doors
from mediclip_index.web.site import Site

LEAST_TOKEN = 20  # characters
_OPENING = 20.0  # seconds that a browser may take to read where to go
_LAST_WORDS = 3  # seconds that requests under way have when the server ends


def serve(index: Index, options: ServeOptions, told: Callable[[str], None]) -> None:
    """Serve the page until Ctrl-C; `told` is called with its address once it can be opened.

    Raises UsageError where the port is taken or the token can't be used.
    """
    token = None if options.user_header else _token(options.token_file)
    with _listening(options.host, options.port) as door:
        port = door.getsockname()[1]
        names = {name.strip("[]").lower() for name in (options.host, *options.allow_host)}
        if options.host in LOOPBACK or options.host in ("0.0.0.0", "::"):
            names |= set(LOOPBACK)
        doors = Doors(
            hosts=frozenset(names), port=port, token=token, user_header=options.user_header,
            read_only=options.read_only, max_upload=options.max_upload * 1024**2,
        )  # fmt: skip
        site = Site(index, read_only=options.read_only)
        address = _address(options.host, port, token)
        config = uvicorn.Config(
            make_app(site, doors), log_level="warning", access_log=False, server_header=False,
            timeout_graceful_shutdown=_LAST_WORDS, lifespan="on", ws="none", proxy_headers=False,
        )  # fmt: skip
        server = _Server(config, lambda: _ready(address, options, told))
        server.run(sockets=[door])


class _Server(uvicorn.Server):
    """Says when it has begun."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()


def _ready(address: str, options: ServeOptions, told: Callable[[str], None]) -> None:
    told(address)
    if options.browser:
        threading.Thread(target=_open, args=(address,), daemon=True).start()


def _open(address: str) -> None:
    """Open the browser by a file that only this user can read: what a command is given, all users
    of the computer can see, and the address holds the token."""
    descriptor, name = tempfile.mkstemp(prefix="mediclip-", suffix=".html")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(f'<!doctype html><meta http-equiv="refresh" content="0;url={escape(address)}">')
    webbrowser.open(Path(name).as_uri())
    time.sleep(_OPENING)
    Path(name).unlink(missing_ok=True)


def _address(host: str, port: int, token: str | None) -> str:
    named = "127.0.0.1" if host == "0.0.0.0" else f"[{host}]" if ":" in host else host
    return f"http://{named}:{port}/" + (f"?token={token}" if token else "")


def _token(file: str | None) -> str:
    if file is None:
        return secrets.token_urlsafe(32)
    try:
        token = Path(file).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The token can't be read from {file}: {error}.") from None
    if len(token) < LEAST_TOKEN or re.fullmatch(r"[A-Za-z0-9_-]+", token) is None:
        raise UsageError(
            f"The token in {file} must be one line of {LEAST_TOKEN} or more letters, digits, - "
            "and _; `openssl rand -hex 32` makes one."
        )
    return token


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    door = socket.socket(family, socket.SOCK_STREAM)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        door.bind((host.strip("[]"), port))
        door.listen(256)
    except OSError as error:
        door.close()
        raise UsageError(
            f"The page can't listen on {host} port {port} ({error.strerror or error}); give "
            "another --port, or none for a free one."
        ) from None
    return door
