"""Who may come in: the token, Host and Origin, and how much a request may bring.

A page on 127.0.0.1 can be asked by every other page that its user has open. The token (in a cookie
that other sites can't send) keeps them out; `Host` is checked against DNS rebinding, `Origin` and
`Sec-Fetch-Site` against forged requests. What the page may load and run is its own alone.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_ASKS = frozenset({"/ask", "/api/v1/query", "/search/picture"})  # bring files and write nothing
_BRING = _ASKS | {"/api/v1/keep"}
_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^\[\]:/?#@\\\s]+)(?::([0-9]{1,5}))?")
SMALL = 1024**2  # bytes of a request that brings no file
LONGEST_NAME = 200  # characters of a user's
POLICY = (
    "default-src 'none'; img-src 'self' blob:; style-src 'self'; script-src 'self'; "
    "connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
NO_TOKEN = (
    "This page opens with the address that `mediclip-index serve` printed: it holds a token. A "
    "program gives it as `Authorization: Bearer TOKEN`."
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


@dataclass(frozen=True)
class Doors:
    """What is asked of a request. hosts: the names that `Host` may hold, without a port; token:
    None where a proxy's `user_header` says who asks; max_upload: bytes."""

    hosts: frozenset[str]
    port: int
    token: str | None
    user_header: str | None = None
    read_only: bool = False
    max_upload: int = 2 * 1024**3

    @property
    def cookie(self) -> str:
        """Cookies know no ports, so those of two pages on one computer have names of their own."""
        return f"mediclip-{self.port}"


@dataclass(frozen=True)
class Asked:
    """A request as far as the doors look at it; `headers` by lower-case name. One that came several
    times holds line breaks, so that none of its values passes for what was asked."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Refused:
    status: int
    why: str


@dataclass(frozen=True)
class Welcome:
    """Come in: `user` is who asks, by the proxy (None: whoever holds the token); `location`: where
    to go on without the token in the address, once its cookie is set."""

    user: str | None = None
    location: str | None = None


def open_to(doors: Doors, asked: Asked) -> Refused | Welcome:
    """Whether a request comes in."""
    host = asked.headers.get("host", "")
    if not _is_ours(doors, host):
        return Refused(421, f"This page is not called {host[:80]!r}; open it by its own address.")
    unsafe = asked.method not in SAFE
    if _is_foreign(doors, asked, unsafe):
        return Refused(403, "Another site asked for this; open the page by its own address.")
    if unsafe and doors.read_only and not _only_asks(asked.path):
        return Refused(403, "This page is read-only; start it without --read-only to write.")
    if doors.user_header is not None:
        user = _as_text(asked.headers.get(doors.user_header.lower(), "")).strip()
        if not user or len(user) > LONGEST_NAME or not user.isprintable():
            return Refused(403, f"The proxy did not say who is logged in ({doors.user_header}).")
        return Welcome(user)
    return _by_token(doors, asked)


def _by_token(doors: Doors, asked: Asked) -> Refused | Welcome:
    pairs = parse_qsl(asked.query, keep_blank_values=True)
    given = next((value for name, value in pairs if name == "token"), None)
    if given is not None and asked.method in SAFE:
        if not _equal(given, doors.token):
            return Refused(403, "The token in this address is not, or no longer, right; take the "
                           "address that `mediclip-index serve` printed last.")  # fmt: skip
        rest = urlencode([(name, value) for name, value in pairs if name != "token"])
        # One slash only, and no other sign that browsers take for one: "//other.example" and
        # "/\\other.example" lead to another host.
        place = "/" + quote(asked.path.lstrip("/"), safe="/", errors="replace")
        return Welcome(location=place + (f"?{rest}" if rest else ""))
    bearer = asked.headers.get("authorization", "")
    if bearer.lower().startswith("bearer ") and _equal(bearer[7:].strip(), doors.token):
        return Welcome()
    if _equal(_cookie(asked, doors.cookie), doors.token):
        return Welcome()
    return Refused(403, NO_TOKEN)


def _cookie(asked: Asked, name: str) -> str | None:
    # Other programs of this computer set cookies here too, of whatever form.
    for one in asked.headers.get("cookie", "").split(";"):
        key, _, value = one.strip().partition("=")
        if key == name:
            return value
    return None


def _as_text(header: str) -> str:
    """A header in the letters that it was sent in: UTF-8 where it is that."""
    try:
        return header.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return header


def _equal(given: str | None, token: str | None) -> bool:
    if given is None or token is None:
        return False
    return secrets.compare_digest(given.encode(), token.encode())


def _is_ours(doors: Doors, host: str) -> bool:
    """Whether `Host` names this page; behind a proxy the port is the proxy's."""
    parts = _HOST.fullmatch(host)
    if parts is None or parts[1].strip("[]").lower() not in doors.hosts:
        return False
    return doors.user_header is not None or int(parts[2] or 80) == doors.port


def _is_foreign(doors: Doors, asked: Asked, unsafe: bool) -> bool:
    """Whether a page of another origin asks; of a program, which says none, a token is enough."""
    origin = asked.headers.get("origin")
    if origin is not None:
        try:
            parts = urlsplit(origin)
        except ValueError:
            return True
        if parts.scheme not in ("http", "https") or parts.netloc != asked.headers.get("host"):
            return True
    site = asked.headers.get("sec-fetch-site")
    if site in (None, "same-origin", "none"):
        return False
    # A link from elsewhere may open the page itself, and nothing in it.
    opens = asked.headers.get("sec-fetch-mode") == "navigate"
    return unsafe or not opens


def _only_asks(path: str) -> bool:
    """Whether a POST writes nothing that a read-only page would refuse."""
    return path in _ASKS


def limit_of(doors: Doors, path: str) -> int:
    """How many bytes a request to this path may bring."""
    return doors.max_upload if path in _BRING else SMALL
