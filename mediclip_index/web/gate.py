"""The doors as ASGI: every request passes here, before anything of it is read."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from html import escape
from typing import Any

from starlette.exceptions import HTTPException

from mediclip_index.web.doors import HEADERS, Asked, Doors, Refused, limit_of, open_to

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
SLOWEST = 60.0  # seconds that a part of a request may take to come
STATIC = "/static/"


class Gate:
    """Lets in what `doors` says, bounds what a request brings, and signs every answer."""

    def __init__(
        self,
        app: Callable[[Scope, Receive, Send], Awaitable[None]],
        doors: Doors,
        touched: Callable[[], None],
    ):
        self._app = app
        self._doors = doors
        self._touched = touched

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        headers = _named(scope["headers"])
        asked = Asked(scope["method"], scope["path"], scope["query_string"].decode("latin-1"),
                      headers)  # fmt: skip
        answer = open_to(self._doors, asked)
        if isinstance(answer, Refused):
            await _refuse(send, asked, answer)
            return
        if answer.location is not None:
            await _let_in(send, self._doors, answer.location)
            return
        limit = limit_of(self._doors, asked.path)
        length = headers.get("content-length", "0")
        if not length.isdecimal() or len(length) > 18 or int(length) > limit:
            await _refuse(send, asked, Refused(413, _too_large(limit)))
            return
        scope["state"] = {**scope.get("state", {}), "user": answer.user}
        self._touched()
        cached = asked.path.startswith(STATIC)
        coming = _Coming(receive, limit)
        await self._app(scope, coming, _signed(send, cached=cached, coming=coming))


def _named(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in ((k.decode("latin-1").lower(), v.decode("latin-1")) for k, v in headers):
        between = "; " if name == "cookie" else "\n"
        found[name] = f"{found[name]}{between}{value}" if name in found else value
    return found


def _too_large(limit: int) -> str:
    return f"That is more than the {limit // 1024**2:,} MB that one request may bring."


class _Coming:
    """What a request brings, refused once it is more than `limit` bytes or stops coming."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self._limit = limit
        self._brought = 0
        self._whole = False
        self.broken_off = False  # the rest of it is not wanted

    async def __call__(self) -> Message:
        if self._whole:  # what comes now is only that the other side has gone
            return await self._receive()
        try:
            message = await asyncio.wait_for(self._receive(), SLOWEST)
        except TimeoutError:
            self.broken_off = True
            raise HTTPException(408, "The upload stopped half way; send it again.") from None
        self._brought += len(message.get("body", b""))
        self._whole = not message.get("more_body", False)
        if self._brought > self._limit:
            self.broken_off = True
            raise HTTPException(413, _too_large(self._limit))
        return message


def _signed(send: Send, *, cached: bool, coming: _Coming | None = None) -> Send:
    """Answers with the headers that bind a browser; only the package's own files may be kept."""

    async def signed(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [(k, v) for k, v in message["headers"] if k.lower() != b"server"]
            named = {k.lower() for k, _ in headers}
            headers += [
                (k.encode(), v.encode()) for k, v in HEADERS.items() if k.encode() not in named
            ]
            if coming is not None and coming.broken_off:
                headers.append((b"connection", b"close"))
            if b"cache-control" not in named:
                there = cached and message["status"] < 400
                kept = b"private, no-cache" if there else b"no-store"
                headers.append((b"cache-control", kept))
            message = {**message, "headers": headers}
        await send(message)

    return signed


async def _let_in(send: Send, doors: Doors, location: str) -> None:
    """Put the token into a cookie, and go on without it in the address."""
    cookie = f"{doors.cookie}={doors.token}; HttpOnly; SameSite=Strict; Path=/"
    headers = [(b"location", location.encode()), (b"set-cookie", cookie.encode())]
    out = _signed(send, cached=False)
    await out({"type": "http.response.start", "status": 303, "headers": headers})
    await out({"type": "http.response.body", "body": b""})


async def _refuse(send: Send, asked: Asked, refused: Refused) -> None:
    if asked.path.startswith("/api/"):
        body, kind = json.dumps({"error": refused.why}).encode(), b"application/json"
    else:
        body = (
            "<!doctype html><html lang=en><meta charset=utf-8><title>mediclip-index</title>"
            f"<p>{escape(refused.why)}</p>"
        ).encode()
        kind = b"text/html; charset=utf-8"
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode()),
               (b"connection", b"close")]  # fmt: skip
    out = _signed(send, cached=False)
    await out({"type": "http.response.start", "status": refused.status, "headers": headers})
    await out({"type": "http.response.body", "body": body if asked.method != "HEAD" else b""})
