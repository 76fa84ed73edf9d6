"""Who comes in: the token, Host, Origin, the proxy's user, and what a read-only page refuses."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from mediclip_index import Index
from mediclip_index.web.app import make_app
from mediclip_index.web.doors import (
    HEADERS,
    SAFE,
    Asked,
    Doors,
    Refused,
    Welcome,
    limit_of,
    open_to,
)
from mediclip_index.web.gate import Gate
from mediclip_index.web.site import Site
from tests.web.serving import Live, index, live, page, pattern, tiny_model

__all__ = ["index", "page", "pattern", "tiny_model"]

TOKEN = "t" * 43
OURS = Doors(hosts=frozenset({"127.0.0.1", "localhost", "::1"}), port=8000, token=TOKEN)
PROXIED = Doors(hosts=frozenset({"page.example"}), port=8000, token=None, user_header="X-User")


def ask(
    doors: Doors = OURS, method: str = "GET", path: str = "/", query: str = "", **headers: Any
) -> Refused | Welcome:
    named = {"host": "127.0.0.1:8000"} | {k.replace("_", "-"): v for k, v in headers.items()}
    return open_to(doors, Asked(method, path, query, named))


def refused(answer: Refused | Welcome) -> int:
    assert isinstance(answer, Refused), answer
    assert answer.why.endswith(".") and TOKEN not in answer.why
    return answer.status


# --- pure -----------------------------------------------------------------------------------------


def test_only_the_token_opens() -> None:
    assert refused(ask()) == 403
    assert refused(ask(authorization=f"Bearer {TOKEN}x")) == 403
    assert refused(ask(authorization="Bearer ")) == 403
    assert refused(ask(authorization=f"Basic {TOKEN}")) == 403
    assert refused(ask(cookie=f"mediclip-8001={TOKEN}")) == 403
    assert refused(ask(cookie="mediclip-8000=")) == 403
    assert refused(ask(cookie="mediclip-8000=été")) == 403
    assert refused(ask(query="token=wrong")) == 403
    assert refused(ask(query="token=")) == 403
    assert refused(ask(method="POST", query=f"token={TOKEN}")) == 403
    assert ask(authorization=f"Bearer {TOKEN}") == Welcome()
    assert ask(cookie=f"mediclip-8000={TOKEN}") == Welcome()


def test_cookies_of_other_programs_do_not_lock_anybody_out() -> None:
    for other in ('ui={"a": [1, 2]}', "a=b c", "=", ";;", 'q="x', "[x]=1", "é=1"):
        assert ask(cookie=f"{other}; mediclip-8000={TOKEN}") == Welcome(), other
        assert ask(cookie=f"mediclip-8000={TOKEN}; {other}") == Welcome(), other


@pytest.mark.parametrize(
    "host",
    [
        "", "evil.example", "evil.example:8000", "127.0.0.1", "127.0.0.1:80", "127.0.0.1:8001",
        "127.0.0.1:8000.evil.example", "127.0.0.1.evil.example:8000", "evil@127.0.0.1:8000",
        "127.0.0.1:8000@evil", "127.0.0.1:8000/x", "127.0.0.1:8000?x", "127.0.0.1:8000#x",
        "127.0.0.1:8000\nevil.example", "127.0.0.1:٨٠٠٠", "[::1", "::1:8000", "127.0.0.1:99999999",
        "127.0.0.1 :8000", "0.0.0.0:8000", "127.0.0.1:", "\x00",
    ],
)  # fmt: skip
def test_another_host_is_refused(host: str) -> None:
    assert refused(ask(host=host, authorization=f"Bearer {TOKEN}")) == 421


def test_the_page_has_several_names() -> None:
    for host in ("localhost:8000", "LOCALHOST:8000", "[::1]:8000"):
        assert ask(host=host, authorization=f"Bearer {TOKEN}") == Welcome()
    eighty = replace(OURS, port=80)
    assert ask(eighty, host="localhost", authorization=f"Bearer {TOKEN}") == Welcome()


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"}, {"origin": "null"}, {"origin": ""},
        {"origin": "http://127.0.0.1:9000"}, {"origin": "file://127.0.0.1:8000"},
        {"origin": "http://127.0.0.1:8000\nhttp://evil.example"}, {"origin": "http://[x"},
        {"sec_fetch_site": "cross-site", "sec_fetch_mode": "no-cors"},
        {"sec_fetch_site": "cross-site", "sec_fetch_mode": "cors"},
        {"sec_fetch_site": "same-site", "sec_fetch_mode": "no-cors"},
        {"sec_fetch_site": "same-origin\ncross-site"}, {"sec_fetch_site": "surprise"},
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_another_site_is_refused_even_with_the_token(headers: dict[str, Any], method: str) -> None:
    assert refused(ask(method=method, cookie=f"mediclip-8000={TOKEN}", **headers)) == 403


def test_a_link_from_elsewhere_opens_the_page_and_posts_nothing() -> None:
    link: dict[str, Any] = {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate"}
    assert ask(cookie=f"mediclip-8000={TOKEN}", **link) == Welcome()
    assert refused(ask(method="POST", cookie=f"mediclip-8000={TOKEN}", **link)) == 403
    own: dict[str, Any] = {"origin": "http://127.0.0.1:8000", "sec_fetch_site": "same-origin"}
    assert ask(method="POST", cookie=f"mediclip-8000={TOKEN}", **own) == Welcome()


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example", "///evil.example/x", "/\\evil.example", "\\\\evil.example",
        "/x\r\nset-cookie: a=b", "/é/\u202e/💥", "https://evil.example/", "/\t/evil.example",
        "/%2f/evil.example", "/\udcff",
    ],
)  # fmt: skip
def test_the_token_leads_to_no_other_host(path: str) -> None:
    answer = ask(path=path, query=f"a=1&token={TOKEN}&b=%0d%0a%c3%a9")
    assert isinstance(answer, Welcome) and answer.location is not None
    assert answer.location.isascii() and answer.location.isprintable()
    assert TOKEN not in answer.location and "\\" not in answer.location
    assert answer.location.startswith("/") and not answer.location.startswith("//")
    assert urlsplit(answer.location).netloc == ""
    assert answer.location.endswith("?a=1&b=%0D%0A%C3%A9")


def test_the_proxy_says_who_asks() -> None:
    host = {"host": "page.example"}
    assert ask(PROXIED, **host, x_user="Ada") == Welcome("Ada")
    assert ask(PROXIED, **host, x_user="Jörg".encode().decode("latin-1")) == Welcome("Jörg")
    assert ask(PROXIED, **host, x_user="J\xf6rg") == Welcome("Jörg")
    for wrong in (
        "",
        "   ",
        "x" * 201,
        "Ada\nEve",
        "\x1b[31m",
        "\u202e".encode().decode("latin-1"),
    ):
        assert refused(ask(PROXIED, **host, x_user=wrong)) == 403
    assert refused(ask(PROXIED, **host)) == 403
    assert refused(ask(PROXIED, **host, authorization="Bearer x")) == 403
    assert refused(ask(PROXIED, **host, cookie="mediclip-8000=")) == 403
    assert refused(ask(PROXIED, host="other.example", x_user="Ada")) == 421


def test_uploads_alone_may_be_large() -> None:
    large = ("/ask", "/api/v1/query", "/search/picture", "/api/v1/keep")
    assert all(limit_of(OURS, path) == OURS.max_upload for path in large)
    assert all(limit_of(OURS, p) == 1024**2 for p in ("/", "/api/v1/labels", "/ask/", "//ask"))


# --- at a server ----------------------------------------------------------------------------------


def test_the_token_goes_from_the_address_into_a_cookie(page: Live) -> None:
    with page.anybody() as client:
        answer = client.get(f"/quality?number=1&token={page.token}")
        assert answer.status_code == 303
        assert answer.headers["location"] == "/quality?number=1"
        cookie = answer.headers["set-cookie"]
        parts = [part.strip() for part in cookie.split(";")]
        assert parts[0] == f"mediclip-{page.port}={page.token}"
        assert set(parts[1:]) == {"HttpOnly", "SameSite=Strict", "Path=/"}
        assert answer.headers["cache-control"] == "no-store"
        assert client.get("/ask").status_code == 200  # by the cookie
        assert page.token is not None and page.token not in client.get("/ask").text


def test_nothing_at_all_is_told_without_the_token(page: Live) -> None:
    with page.anybody() as client:
        for path in ("/", "/static/page.js", "/api/v1/info", "/api/v1/openapi.json", "/nowhere"):
            answer = client.get(path)
            assert answer.status_code == 403
            assert "pile" not in answer.text and "Ada" not in answer.text
        assert client.get("/?token=wrong").status_code == 403
        assert client.post(f"/api/v1/labels?token={page.token}", json={}).status_code == 403
        assert "set-cookie" not in answer.headers


def test_a_rebound_name_and_a_header_said_twice_are_refused(page: Live) -> None:
    assert page.get("/", headers={"host": f"evil.example:{page.port}"}).status_code == 421
    connection = http.client.HTTPConnection("127.0.0.1", page.port)
    connection.putrequest("GET", "/api/v1/info", skip_host=True)
    for name, value in (
        ("host", f"127.0.0.1:{page.port}"), ("authorization", "Bearer wrong"),
        ("authorization", f"Bearer {page.token}"),
    ):  # fmt: skip
        connection.putheader(name, value)
    connection.endheaders()
    assert connection.getresponse().status == 403
    connection.close()


def test_a_label_that_another_site_sends_is_not_set(page: Live) -> None:
    said = {"ids": [9], "label": "medical"}
    for headers in ({"origin": "http://evil.example"}, {"sec-fetch-site": "cross-site"}):
        assert page.post("/api/v1/labels", said, headers=headers).status_code == 403
    assert page.get("/api/v1/labels/9").json() == {"history": []}
    assert page.post("/api/v1/labels", said).json()["changed"] == 1


def test_every_answer_binds_the_browser(page: Live) -> None:
    answers = [
        page.get(path)
        for path in (
            "/", "/picture/1", "/picture/99", "/nowhere", "/static/page.js", "/static/none",
            "/api/v1/info", "/api/v1/images/x", "/api/v1/images/1/preview", "/map/points",
            "/api/v1/images/1/original", f"/?token={page.token}", "/?where=nonsense",
        )
    ]  # fmt: skip
    answers.append(page.post("/api/v1/labels", {"ids": []}))
    answers.append(page.client.delete("/"))
    answers.append(page.client.post("/ask", content=b"x" * 10, headers={"host": "evil.example"}))
    with page.anybody() as client:
        answers.append(client.get("/"))
    assert {a.status_code for a in answers} >= {200, 303, 400, 403, 404, 405, 421, 422}
    for answer in answers:
        for name, value in HEADERS.items():
            assert answer.headers.get_list(name) == [value], (answer.url, name)
        assert "server" not in answer.headers
        kept = "no-cache" in answer.headers["cache-control"]
        assert kept == (answer.url.path == "/static/page.js")
    policy = HEADERS["content-security-policy"]
    assert "unsafe" not in policy and "*" not in policy and "default-src 'none'" in policy
    original = page.get("/api/v1/images/1/original")
    assert original.headers["content-type"] == "application/octet-stream"
    assert original.headers["content-disposition"].startswith("attachment")


def test_a_fault_of_the_program_is_one_sentence_and_bound_too(
    page: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise ZeroDivisionError("first\nsecond")

    monkeypatch.setattr(type(page.index), "info", broken)
    answer = page.get("/api/v1/info")
    assert answer.status_code == 500
    why = "Unexpected ZeroDivisionError: first - please report it."
    assert answer.json() == {"error": why}
    assert answer.headers["content-security-policy"] == HEADERS["content-security-policy"]


def test_what_a_proxys_user_writes_is_signed_with_the_name(index: Index) -> None:
    with live(index, user_header="X-User", allow_host=("Page.Example",)) as page:
        assert page.token is None and "token" not in page.address
        with page.anybody(host="page.example") as client:
            said = {"ids": [9], "label": "medical"}
            assert client.post("/api/v1/labels", json=said).status_code == 403
            by = {b"x-user": "Jörg".encode()}
            assert client.post("/api/v1/labels", json=said, headers=by).status_code == 200
            data = Path(index.images.path_of(10)).read_bytes()
            headers = {"x-user": "Eve", "x-filename": "p.png"}
            answer = client.post("/api/v1/query", content=data, headers=headers)
            assert answer.status_code == 200
            twice = [("x-user", "Eve"), ("x-user", "Ada")]
            assert client.get("/", headers=twice).status_code == 403
            assert "Eve" in client.get("/", headers={"x-user": "Eve"}).text
    assert index.labels.history(9)[-1].by == "Jörg"
    assert index.audit.find(limit=1)[0].by == "Eve"


# --- read-only ------------------------------------------------------------------------------------


def _routes(index: Index) -> Iterator[tuple[str, str]]:
    """Every route that there is, whatever it is asked for by."""
    site = Site(index)
    gate: Any = make_app(site, OURS)
    assert isinstance(gate, Gate)
    waiting = list(gate._app.routes)  # type: ignore[attr-defined]
    while waiting:
        route = waiting.pop()
        inner = getattr(route, "original_router", None)
        if inner is not None:
            prefix = route.include_context.prefix if hasattr(route, "include_context") else ""
            for one in inner.routes:
                for method in one.methods:
                    yield method, prefix + one.path
        for method in getattr(route, "methods", None) or ():
            yield method, route.path
    site.previews.close()


ASKING = {("POST", "/ask"), ("POST", "/api/v1/query"), ("POST", "/search/picture")}


def test_read_only_refuses_every_route_that_writes(pattern: Index) -> None:
    unsafe = {(m, p) for m, p in _routes(pattern) if m not in SAFE}
    assert unsafe >= ASKING | {("POST", "/api/v1/labels"), ("DELETE", "/api/v1/tasks/{task}")}
    shut = replace(OURS, read_only=True)
    for method, path in unsafe:
        answer = ask(shut, method=method, path=path, authorization=f"Bearer {TOKEN}")
        assert isinstance(answer, Welcome) == ((method, path) in ASKING), (method, path)
        assert ask(method=method, path=path, authorization=f"Bearer {TOKEN}") == Welcome()


def _state(index: Index) -> Any:
    with index._session.catalog.reading() as read:
        return read.tx, index.info().verdicts


def test_a_read_only_page_leaves_the_index_as_it_is(index: Index) -> None:
    before = _state(index)
    data = Path(index.images.path_of(10)).read_bytes()
    with live(index, read_only=True) as page:
        for path, said in (
            ("labels", {"ids": [9], "label": "medical"}), ("labels/undo", {"tx": 3}),
            ("remove", {"ids": [1]}), ("tasks", {"kind": "tune"}),
        ):  # fmt: skip
            answer = page.post(f"/api/v1/{path}", said)
            assert answer.status_code == 403 and "read-only" in answer.json()["error"]
        assert page.upload("/api/v1/keep", data, "p.png").status_code == 403
        assert page.client.delete("/api/v1/tasks/x").status_code == 403
        asked = page.upload("/api/v1/query", data, "p.png")
        assert asked.status_code == 200 and len(asked.json()["verdicts"]) == 1
        assert page.upload("/ask", data, "p.png").status_code == 200
        assert page.upload("/search/picture", data, "p.png").status_code == 200
        for path in ("/", "/review", "/map", "/quality", "/audit", "/picture/1"):
            assert page.get(path).status_code == 200
    assert _state(index) == before
    assert not list((index.path / "spool").iterdir())


# --- the command ----------------------------------------------------------------------------------


def _serve(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mediclip_index", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def _refusal(index: Index, *words: str) -> str:
    done = _serve("--index", str(index.path), "serve", "--no-browser", *words)
    assert done.returncode == 2, done.stderr
    assert done.stdout == "" and "Traceback" not in done.stderr
    return " ".join(done.stderr.split())


def test_the_command_refuses_an_open_door_and_a_bad_token(pattern: Index, tmp_path: Path) -> None:
    assert "--token-file" in _refusal(pattern, "--host", "0.0.0.0")
    short = tmp_path / "token"
    short.write_text("short\n")
    assert "20 or more" in _refusal(pattern, "--token-file", str(short))
    short.write_text("a" * 30 + "\n" + "b" * 30)
    assert "one line" in _refusal(pattern, "--token-file", str(short))
    short.write_bytes(b"\xff" * 40)
    assert "can't be read" in _refusal(pattern, "--token-file", str(short))
    both = ("--token-file", str(short), "--user-header", "X-User")
    assert "not both" in _refusal(pattern, *both)


def test_a_port_that_is_taken_is_one_sentence(pattern: Index) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        why = _refusal(pattern, "--port", str(port))
    assert why.startswith(f"Error: The page can't listen on 127.0.0.1 port {port}")


def test_a_token_of_a_file_opens_the_page_of_the_command(pattern: Index, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("k" * 32 + "\n")
    words = ["--index", str(pattern.path), "serve", "--no-browser", "--token-file", str(file)]
    command = [sys.executable, "-m", "mediclip_index", *words, "--host", "0.0.0.0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env=os.environ | {"PYTHONUNBUFFERED": "1"}) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            assert address.endswith(f"/?token={'k' * 32}")
            with httpx.Client(timeout=60, follow_redirects=True) as client:
                assert client.get(address).status_code == 200
                assert client.get(address.split("?")[0]).status_code == 200
        finally:
            process.terminate()
        process.wait(60)
