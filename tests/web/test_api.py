"""The page's API: what the command line gives, written to by many, and asked for nonsense."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from mediclip_index import Index
from mediclip_index.types import UsageError
from mediclip_index.web import requests
from tests.catalog import test_conditions_under_attack as attacks
from tests.web.serving import Live, index, live, page, pattern, photographs, sentence, tiny_model

__all__ = ["index", "page", "pattern", "tiny_model"]


def _command(index: Index, *words: str) -> Any:
    command = [sys.executable, "-m", "mediclip_index", "--index", str(index.path), *words]
    done = subprocess.run(
        [*command, "--json"], capture_output=True, text=True, timeout=120, check=True
    )
    return json.loads(done.stdout)


# --- the same as the command ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "path"),
    [
        (("info",), "info"),
        (("search", "a hand", "-k", "3"), "search?text=a+hand&k=3"),
        (("search", "--where", "label = 'medical'"), "search?where=label+%3D+'medical'"),
        (("summary",), "summary"),
        (("summary", "--by", "split"), "summary?by=split"),
        (("audit", "list"), "audit"),
        (("settings", "list"), "settings"),
        (("prompts", "list"), "prompts"),
    ],
)
def test_the_api_gives_what_the_command_gives(
    page: Live, words: tuple[str, ...], path: str
) -> None:
    page.index.query_indexed(where="id < 4")
    answer = page.get(f"/api/v1/{path}")
    assert answer.status_code == 200, answer.text
    assert answer.json() == _command(page.index, *words)


def test_names_that_are_no_utf8_come_whole(index: Index, tmp_path: Path) -> None:
    import os

    (tmp_path / "odd").mkdir()
    name = os.fsdecode(str(tmp_path / "odd").encode() + b"/b\xff\xfe.png")
    photographs(13)[12].save(name)
    index.build([str(tmp_path / "odd")])
    with live(index) as page:
        found = page.get("/api/v1/images", params={"where": "id = 13"}).json()["images"]
        assert [hit["path"] for hit in found] == [name]
        for path in ("/", "/picture/13", "/review/13", "/review?queue=list&ids=13"):
            assert page.get(path).status_code == 200
        original = page.get("/api/v1/images/13/original")
        assert original.content == Path(name).read_bytes()


def test_what_is_no_number_is_null_and_not_nonsense() -> None:
    given = {"a": [1.0, float("nan"), {"b": float("-inf")}], "c": "NaN"}
    rendered = bytes(requests.Answer(given).body)
    assert json.loads(rendered) == {"a": [1.0, None, {"b": None}], "c": "NaN"}


# --- writing --------------------------------------------------------------------------------------


def test_a_label_is_set_undone_and_told(page: Live) -> None:
    said = page.post("/api/v1/labels", {"ids": [9, 10], "label": "medical", "subject": "x"}).json()
    assert said["changed"] == 2
    assert page.get("/api/v1/images/ids?label=medical").json()["ids"] == [1, 2, 3, 4, 9, 10]
    undone = page.post("/api/v1/labels/undo", {"tx": said["tx"]})
    assert undone.status_code == 200 and undone.json()["changed"] == 2
    assert page.get("/api/v1/images/ids?label=medical").json()["ids"] == [1, 2, 3, 4]
    history = page.get("/api/v1/labels/9").json()["history"]
    assert [(one["label"], one["by"]) for one in history] == [("medical", "Ada"), ("", "Ada")]
    for tx in (1, 10**6, 2**63 - 1):
        assert "Nothing was labelled" in sentence(page.post("/api/v1/labels/undo", {"tx": tx}))


def test_an_image_is_removed_and_comes_back(page: Live) -> None:
    assert page.post("/api/v1/remove", {"ids": [9, 9, 10]}).json()["images"][0]["id"] == 9
    for path in ("/picture/9", "/api/v1/images/9", "/api/v1/labels/9", "/review/9"):
        assert page.get(path).status_code == 404
        assert "removed" in page.get(path).text
    assert {one["id"] for one in page.get("/api/v1/removed").json()["removed"]} == {9, 10}
    assert 9 not in page.get("/api/v1/images/ids").json()["ids"]
    back = page.post("/api/v1/remove", {"ids": [9, 10], "what": "restored"})
    assert back.status_code == 200
    assert page.get("/picture/9").status_code == 200
    purge = page.post("/api/v1/remove", {"ids": [9], "what": "purged"})
    assert purge.status_code == 422 and "what" in sentence(purge)


WRONG_LABELS: tuple[Any, ...] = (
    {}, [], None, "x", 1, {"ids": []}, {"ids": [0], "label": "medical"},
    {"ids": [-1], "label": "medical"}, {"ids": [2**63], "label": "medical"},
    {"ids": [1.5], "label": "medical"}, {"ids": ["x"], "label": "medical"},
    {"ids": [99], "label": "medical"}, {"ids": [1, 99], "label": "medical"},
    {"ids": [1], "label": "nonsense"}, {"ids": [1], "label": "<script>"}, {"ids": [1]},
    {"ids": [1], "label": "x" * 201}, {"ids": [1], "label": {"a": 1}},
    {"ids": [1], "label": "\x00"}, {"ids": [1], "kind": "nonsense"}, {"ids": [1], "tx": 1},
    {"ids": [[[1]]], "label": "medical"},
)  # fmt: skip


@pytest.mark.parametrize("said", WRONG_LABELS, ids=repr)
def test_a_label_that_is_none_changes_nothing(page: Live, said: Any) -> None:
    before = page.get("/api/v1/images").json()["tx"]
    answer = page.post("/api/v1/labels", said)
    assert answer.status_code in (400, 422)
    sentence(answer)
    assert page.get("/api/v1/images").json()["tx"] == before


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"\xff", b'{"ids": [1], "label": "\\ud800"}', b"[" * 100_000, b"NaN",
        b'{"ids": [1e400], "label": "medical"}', b'{"ids": [' + b"9" * 5000 + b"]}", b"\x00",
    ],
    ids=lambda body: repr(body[:20]),
)  # fmt: skip
@pytest.mark.parametrize("kind", ["application/json", "text/plain", "multipart/form-data", "x"])
def test_a_body_that_is_no_json_is_one_sentence(page: Live, body: bytes, kind: str) -> None:
    answer = page.client.post("/api/v1/labels", content=body, headers={"content-type": kind})
    assert answer.status_code in (400, 422)
    sentence(answer)


def test_many_label_and_search_at_once_and_nothing_is_lost(page: Live) -> None:
    txs: list[int] = []
    wrong: list[str] = []
    guard = threading.Lock()

    def work(number: int) -> None:
        mine = 1 + number % 12
        headers = dict(page.client.headers)
        with httpx.Client(base_url=page.address, headers=headers, timeout=120) as client:
            for turn in range(1):
                said = {"ids": [mine], "subject": f"s{number}-{turn}"}
                answers = [
                    client.post("/api/v1/labels", json=said),
                    client.get("/api/v1/search?text=hand&k=3"),
                    client.get(f"/?where=id+%3C+{mine}"),
                ]
                with guard:
                    wrong.extend(a.text[:300] for a in answers if a.status_code != 200)
                    txs.append(answers[0].json().get("tx"))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert len(set(txs)) == 20 and all(txs)
    with page.index._session.catalog.reading() as read:
        rows = read.db.execute("SELECT tx, subject FROM labels WHERE subject LIKE 's%-%'")
        found = rows.fetchall()
    assert Counter(tx for tx, _ in found) == Counter(txs)
    assert len({subject for _, subject in found}) == 20
    assert page.index.verify().ok


# --- nonsense -------------------------------------------------------------------------------------

NUMBERS = ("0", "-1", str(2**63), "9" * 5000, "1.5", "nan")
BY_NUMBER = (
    "/picture/{}", "/review/{}", "/api/v1/images/{}", "/api/v1/images/{}/preview",
    "/api/v1/images/{}/preview?side=1200", "/api/v1/images/1/preview?side={}",
    "/api/v1/images/{}/original", "/api/v1/labels/{}", "/api/v1/labels/{}/turns?label=medical",
    "/api/v1/evaluations/{}", "/api/v1/evaluations/compare?first={}&second=1",
    "/api/v1/search?like={}", "/api/v1/images?like={}", "/?like={}",
    "/quality?number={}", "/quality?number=1&second={}", "/audit/{}", "/api/v1/tasks/{}",
)  # fmt: skip
BY_AMOUNT = (
    "/api/v1/images?start={}", "/api/v1/images?count={}", "/pile/part?start={}",
    "/api/v1/search?text=x&k={}", "/api/v1/search?text=x&min_similarity={}",
    "/api/v1/duplicates?least={}", "/audit?limit={}", "/api/v1/audit?limit={}",
    "/api/v1/labels/next?count={}", "/?text=%23{}", "/review?queue=list&ids={}",
)  # fmt: skip
TEXTS = {
    "NUL": b"\x00", "climbing": b"../../etc/passwd\x00\xff\xfe\x80", "long": b"x" * 40_000,
    "mixed": b"'\"`<script>alert(1)</script>\r\nset-cookie: b\x1b[31m\xed\xa0\x80{{7*7}}%;"
    + "\u202e\u2066💥".encode(),
}  # fmt: skip
BY_TEXT = (
    "/?text=", "/?where=", "/?kind=", "/?label=", "/?verdict=", "/?unsure=", "/?split=", "/?like=",
    "/?without=", "/?order=", "/pile/part?text=", "/review?queue=", "/review?queue=list&ids=",
    "/map/points?colour=", "/audit?label=", "/audit?path=", "/audit?since=", "/audit?until=",
    "/audit?unsure=", "/api/v1/audit?run=", "/api/v1/audit?path=", "/api/v1/audit?since=",
    "/api/v1/audit?until=", "/api/v1/audit?label=", "/api/v1/summary?by=", "/api/v1/summary?where=",
    "/api/v1/search?text=", "/api/v1/search?not=", "/api/v1/search?kind=", "/api/v1/search?where=",
    "/api/v1/images/ids?where=", "/api/v1/labels/1/turns?label=", "/audit/", "/api/v1/audit/",
    "/api/v1/tasks/", "/static/", "/", "/api/v1/", "/?token", "/?nonsense=",
)  # fmt: skip


@pytest.fixture(scope="module")
def looked_at(pattern: Index) -> Iterator[Live]:
    """A page that many tests ask and none writes to."""
    with live(pattern, read_only=True) as served:
        yield served


def _answered(page: Live, path: str) -> httpx.Response:
    """An answer that is no fault of the program; what it says is one sentence."""
    answer = page.get(path)
    assert answer.status_code < 500, (path[:80], answer.text[:300])
    assert "Traceback" not in answer.text and "Unexpected" not in answer.text
    if answer.status_code >= 400 and path.startswith("/api/"):
        assert sentence(answer)
    return answer


@pytest.mark.parametrize("number", NUMBERS, ids=lambda n: n[:12])
def test_a_number_that_no_image_has_is_told(looked_at: Live, number: str) -> None:
    for form in BY_NUMBER:
        answer = _answered(looked_at, form.format(number))
        assert answer.status_code in (400, 404, 422), (form, answer.text[:200])


@pytest.mark.parametrize("number", [*NUMBERS, "-inf"], ids=lambda n: n[:12])
def test_an_amount_that_is_none_is_told(looked_at: Live, number: str) -> None:
    for form in BY_AMOUNT:
        _answered(looked_at, form.format(number))


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_any_text_anywhere_is_answered(looked_at: Live, text: bytes) -> None:
    for path in BY_TEXT:
        _answered(looked_at, path + quote(text, safe=""))


@pytest.mark.parametrize(
    "conditions",
    [
        attacks.MACROS_AND_TABLES, attacks.OTHER_QUERIES, attacks.FUNCTIONS,
        attacks.PARAMETERS_AND_TYPES, attacks.TOO_MUCH,
        # Within the brackets of a list these are conditions, or fall apart as anywhere.
        [c for c in attacks.MORE_THAN_A_CONDITION if "or (" not in c],
    ],
    ids=["macros", "queries", "functions", "types", "too much", "more"],
)  # fmt: skip
def test_a_condition_of_the_page_is_one_condition(looked_at: Live, conditions: list[str]) -> None:
    for condition in conditions:
        for path in ("/api/v1/search", "/api/v1/images/ids"):
            answer = looked_at.get(path, params={"where": condition})
            assert answer.status_code == 400, (path, condition[:80], answer.text[:200])
            sentence(answer)
    assert looked_at.get("/api/v1/images/ids?where=id=1").json()["ids"] == [1]


def test_a_class_or_split_of_quotes_is_only_a_name(looked_at: Live) -> None:
    for name in ("label", "verdict", "split"):
        for text in ("' OR true OR '", "x' --", "\\' OR 1=1", "''"):
            answer = looked_at.get("/api/v1/images/ids", params={name: text})
            assert answer.json() == {"ids": []}, (name, text)


# --- an index that is no longer as it was ---------------------------------------------------------

PATHS = ("/", "/picture/1", "/review", "/map", "/quality", "/audit", "/review/1")
API = ("info", "images", "images/1", "summary", "audit", "settings", "labels/1", "removed")


def _told(page: Live, status: int) -> None:
    for path in PATHS:
        answer = page.get(path)
        assert answer.status_code == status, (path, answer.status_code, answer.text[-400:])
        assert "Unexpected" not in answer.text and 'class="wrong"' in answer.text
    for path in API:
        answer = page.get(f"/api/v1/{path}")
        assert answer.status_code == status
        sentence(answer)
    said = page.post("/api/v1/labels", {"ids": [1], "label": "medical"})
    assert said.status_code == status and sentence(said)
    assert page.get("/static/page.js").status_code == 200


def test_an_index_that_vanishes_is_one_sentence_and_comes_back(page: Live) -> None:
    aside = page.index.path.with_name("aside")
    page.index.path.rename(aside)
    _told(page, 503)
    shutil.rmtree(page.index.path, ignore_errors=True)
    aside.rename(page.index.path)
    assert page.get("/").status_code == 200


def test_a_damaged_index_is_one_sentence(page: Live) -> None:
    page.get("/")
    file = page.index.path / "catalog.duckdb"
    for wal in page.index.path.glob("catalog.duckdb.wal*"):
        wal.unlink()
    file.write_bytes(b"\x00" * 4096 + b"nonsense" * 1000)
    _told(page, 503)


def test_an_index_that_another_process_writes_is_waited_for(
    page: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mediclip_index.catalog import store

    monkeypatch.setattr(store.Catalog.reading.__wrapped__, "__defaults__", (0.2,))  # type: ignore[attr-defined]
    with page.index._session.catalog.alone():
        answer = page.get("/api/v1/info")
        assert answer.status_code == 503
        assert "in use by another process" in sentence(answer)
        assert "in use" in page.get("/").text
    assert page.get("/api/v1/info").status_code == 200


def test_verdicts_that_are_still_being_given_are_said_to_be(
    page: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mediclip_index.jobs import listing

    assert page.get("/?unsure=yes").status_code == 200
    while page.site.listing.judged_through is None:
        time.sleep(0.01)
    monkeypatch.setattr(listing, "AT_ONCE", 1)
    monkeypatch.setattr(page.site.listing, "_judged", None)
    answer = page.get("/api/v1/images/ids?unsure=no")
    assert answer.status_code == 503 and "still being given" in sentence(answer)
    shown = page.get("/?unsure=no")
    assert shown.status_code == 503 and "Ask again" in shown.text


def test_a_condition_that_is_none_is_told_by_python_as_by_the_page(page: Live) -> None:
    with pytest.raises(UsageError) as why:
        page.index.search(where="nonsense = 1")
    answer = page.get("/api/v1/search", params={"where": "nonsense = 1"})
    assert sentence(answer) == str(why.value)
