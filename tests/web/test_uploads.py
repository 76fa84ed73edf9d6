"""Files from strangers: too large, too slow, bombs, hostile names; what is kept, and erased."""

from __future__ import annotations

import json
import os
import select
import socket
import struct
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from mediclip_index import Index
from mediclip_index.web import gate, uploads
from tests.web.serving import (
    Live,
    dicom,
    files_below,
    index,
    live,
    made,
    page,
    pattern,
    pdf,
    photographs,
    png,
    sentence,
    tiny_model,
    zipped,
)

__all__ = ["index", "page", "pattern", "tiny_model"]

PICTURES = photographs(20)
NEW = png(PICTURES[15])  # not in the index
UPLOADING = ("/api/v1/query", "/api/v1/keep", "/ask", "/search/picture")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, pattern: Index) -> Iterator[Live]:
    """A page that takes one megabyte; many tests ask it."""
    import shutil

    folder = tmp_path_factory.mktemp("small") / "index"
    shutil.copytree(pattern.path, folder)
    with live(Index.open(folder, by="Ada"), max_upload=1) as served:
        yield served
        assert files_below(served.site.uploads) == []
    assert not served.site.uploads.exists()


@pytest.fixture(autouse=True)
def nothing_stays(request: pytest.FixtureRequest) -> Iterator[None]:
    """After every test the folder of uploads is empty."""
    names = {"page", "small"}.intersection(request.fixturenames)
    asked: list[Live] = [request.getfixturevalue(name) for name in names]
    yield
    for served in asked:
        assert not list(served.site.uploads.iterdir())


def _verdict(answer: Any) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    (verdict,) = answer.json()["verdicts"]
    return dict(verdict)


# --- too large, too slow --------------------------------------------------------------------------


def _endless(page: Live, path: str) -> bytes:
    """What is answered to a body that does not end, once the other side hangs up."""
    piece = b"10000\r\n" + bytes(65_536) + b"\r\n"
    answer = b""
    with socket.create_connection(("127.0.0.1", page.port)) as wire:
        wire.sendall(
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{page.port}\r\n"
            f"Authorization: Bearer {page.token}\r\nContent-Type: application/json\r\n"
            "Transfer-Encoding: chunked\r\n\r\n".encode()
        )
        wire.settimeout(60)
        try:
            for _ in range(2_000):
                if select.select([wire], [], [], 0.01)[0]:
                    break
                wire.sendall(piece)
            else:
                raise AssertionError("it is read without end")
            while got := wire.recv(65_536):
                answer += got
        except (ConnectionResetError, BrokenPipeError):
            pass
    return answer or b"HTTP/1.1 413 1 MB, but it hung up at once"


@pytest.mark.parametrize("path", [*UPLOADING, "/api/v1/labels"])
def test_more_than_the_limit_is_refused_before_and_while_it_comes(small: Live, path: str) -> None:
    told = small.client.post(path, content=bytes(1024**2 + 1))
    assert told.status_code == 413 and "1 MB" in told.text
    answer = _endless(small, path)
    assert answer.startswith(b"HTTP/1.1 413 ") and b"1 MB" in answer
    form = small.client.post(path, files={"files": ("a.png", bytes(1024**2))})
    assert form.status_code == 413


def test_what_is_as_large_as_the_limit_is_taken(small: Live) -> None:
    data = NEW + bytes(1024**2 - len(NEW))
    assert _verdict(small.upload("/api/v1/query", data, "a.png"))["path"] == "upload:a.png"
    assert small.upload("/api/v1/keep", data, "a.png").json()["added"] == 1


def test_an_upload_that_stops_half_way_is_ended(
    small: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "SLOWEST", 0.3)
    with socket.create_connection(("127.0.0.1", small.port)) as wire:
        wire.sendall(
            f"POST /api/v1/query HTTP/1.1\r\nHost: 127.0.0.1:{small.port}\r\n"
            f"Authorization: Bearer {small.token}\r\nContent-Length: 1000\r\n\r\nhalf".encode()
        )
        wire.settimeout(60)
        answer = b""
        while b"\r\n\r\n" not in answer or not answer.endswith(b"}"):
            piece = wire.recv(65_536)
            assert piece, answer
            answer += piece
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert json.loads(answer.split(b"\r\n\r\n")[1])["error"].startswith("The upload stopped")


def test_an_upload_that_is_broken_off_leaves_nothing(small: Live) -> None:
    with socket.create_connection(("127.0.0.1", small.port)) as wire:
        wire.sendall(
            f"POST /api/v1/keep HTTP/1.1\r\nHost: 127.0.0.1:{small.port}\r\n"
            f"Authorization: Bearer {small.token}\r\nContent-Length: 1000\r\n\r\nhalf".encode()
        )
    before = small.get("/api/v1/info").json()["index"]["images"]
    for _ in range(600):
        if not list(small.site.uploads.iterdir()):
            break
        threading.Event().wait(0.05)
    assert small.get("/api/v1/info").json()["index"]["images"] == before


def test_a_full_disk_is_one_sentence(small: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "_LEAST_FREE", 1 << 62)
    for files in (None, {"files": ("a.png", NEW)}):
        more: Any = {"files": files} if files else {"content": NEW}
        answer = small.client.post("/api/v1/query", **more)
        assert answer.status_code == 400 and "disk" in sentence(answer)

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(uploads, "_room", full)
    answer = small.client.post("/api/v1/query", content=NEW)
    assert answer.status_code == 503 and "No space left" in sentence(answer)


# --- bombs and odd files --------------------------------------------------------------------------


def _chunk(kind: bytes, data: bytes) -> bytes:
    check = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)


def _bomb_png() -> bytes:
    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    packing = zlib.compressobj(9)
    body = packing.compress(bytes(40_000_000)) + packing.flush()
    signed = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head)
    return signed + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


ODD = {
    "bomb.png": _bomb_png(),
    "empty.zip": zipped({}),
    "text.png": b"I am a picture, believe me.\n",
    "script.svg": b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
    "page.html": b"<html><script>alert(1)</script></html>",
    "half.png": NEW[: len(NEW) // 2],
    "half.pdf": pdf(PICTURES[:2])[:300],
    "half.zip": zipped({"a.png": NEW})[:-30],
    "climbs.zip": zipped({"../../../etc/cron.d/x.png": NEW}),
    "list.zip": zipped({"list.csv": b"image\n/etc/passwd\n"}),
    "noise": bytes(range(256)) * 40,
    "half.dcm": dicom(PICTURES[15])[:200],
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_file_is_a_refusal_in_a_sentence(small: Live, name: str) -> None:
    asked = small.upload("/api/v1/query", ODD[name], name)
    assert asked.status_code in (200, 400), asked.text
    told = asked.text
    if asked.status_code == 200:
        for one in asked.json()["refused"]:
            assert one["message"].endswith(".") and one["path"].startswith("upload:")
        assert all(v["path"].startswith("upload:") for v in asked.json()["verdicts"])
    before = files_below(small.index.path / "kept")
    kept = small.upload("/api/v1/keep", ODD[name], name)
    assert kept.status_code == 200 and kept.json()["added"] <= 1
    if kept.json()["added"] == 0:
        assert files_below(small.index.path / "kept") == before
    page = small.upload("/ask", ODD[name], name)
    like = small.upload("/search/picture", ODD[name], name)
    assert page.status_code == 200 and like.status_code in (200, 400)
    for text in (told, kept.text, page.text, like.text):
        assert str(small.site.uploads) not in text and "<script>alert" not in text
    assert small.index.verify().ok


def test_a_list_is_not_read_as_files_of_this_computer(small: Live, index: Index) -> None:
    own = index.images.path_of(1)
    for name in ("list.csv", "LIST.CSV", "x.png\\list.csv", "list.csv.", "list%2Ecsv"):
        for path in UPLOADING:
            answer = small.upload(path, f"image\n{own}\n".encode(), name)
            assert answer.status_code == 400 and "is a list" in answer.text, (name, path)
    form = {"files": ("a.csv", f"image\n{own}\n".encode())}
    assert small.client.post("/api/v1/query", files=form).status_code == 400


def test_nothing_sent_is_said(small: Live) -> None:
    for path in UPLOADING:
        assert small.upload(path, b"", "a.png").status_code == 400
        kind = {"content-type": "multipart/form-data"}
        assert small.client.post(path, content=b"x", headers=kind).status_code == 400
        kind = {"content-type": "multipart/form-data; boundary=x"}
        broken = small.client.post(path, content=b"--x\r\nnonsense", headers=kind)
        assert broken.status_code == 400


def test_many_members_are_all_judged(small: Live) -> None:
    tiny = [png(picture.resize((8, 8))) for picture in PICTURES[:20]]
    many = {f"{n:05}.txt": b"x" for n in range(9_990)} | {f"{n}.png": tiny[n] for n in range(10)}
    data = zipped(many)
    answer = small.upload("/api/v1/query", data, "many.zip").json()
    assert len(answer["verdicts"]) == 10, answer["refused"]
    form = [("files", (f"f{n}.png", tiny[n])) for n in range(20)]
    answer = small.client.post("/api/v1/query", files=form).json()
    assert [v["path"] for v in answer["verdicts"]] == [f"upload:f{n}.png" for n in range(20)]
    most = [("files", ("a.png", b"x"))] * 1_001
    told = small.client.post("/api/v1/query", files=most)
    assert told.status_code == 400 and "1000" in sentence(told)


NAMES = (
    "../../etc/passwd", "..\\..\\boot.ini", "/etc/passwd", ".", "..", "", " ", ".hidden.png",
    "<img src=x onerror=alert(1)>.png", "a\r\nset-cookie: b", "x" * 4_000 + ".png", "病" * 300,
    "\u202egnp.exe", "a\x00b.png", "\udcff.png", "-", "--help.png", "#1", "con.png", "a.b.c.png",
    "'; DROP TABLE images; --.png", "${HOME}.png", "%2e%2e%2fx.png", "a" * 300 + "." + "é" * 300,
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES, ids=lambda n: ascii(n)[:24])
def test_a_hostile_name_is_only_a_name(small: Live, name: str, tmp_path: Path) -> None:
    sent = quote(name.encode("utf-8", "surrogatepass"), safe="")
    verdict = _verdict(small.upload("/api/v1/query", NEW, sent))
    path = verdict["path"].removeprefix("upload:")
    assert path and "/" not in path and path.isprintable() and len(path.encode()) <= 160
    assert "<" not in path and not path.startswith(".")
    if "\udcff" not in name:
        form = small.client.post("/ask", files={"files": (name, NEW)})
        assert form.status_code == 200 or name == ""
        assert "<img src=x" not in form.text


# --- right pictures -------------------------------------------------------------------------------


def test_pages_scans_and_members_have_their_verdicts(page: Live) -> None:
    answer = page.upload("/api/v1/query", pdf(PICTURES[13:16]), "three.pdf").json()
    assert [v["page"] for v in answer["verdicts"]] == [1, 2, 3]
    answer = page.upload("/api/v1/query", dicom(PICTURES[14]), "scan.dcm").json()
    assert [v["path"] for v in answer["verdicts"]] == ["upload:scan.dcm"]
    data = zipped({"a/x.png": NEW, "b/x.png": png(PICTURES[16])})
    answer = page.upload("/api/v1/query", data, "two.zip").json()
    assert [v["path"] for v in answer["verdicts"]] == [
        "upload:two.zip!/a/x.png", "upload:two.zip!/b/x.png",
    ]  # fmt: skip


def test_a_verdict_of_an_upload_is_on_record_and_can_be_given_again(page: Live) -> None:
    verdict = _verdict(page.upload("/api/v1/query", NEW, "mine.png"))
    (row,) = page.index.audit.find(path="upload:mine.png")
    assert (row.verdict.id, row.by) == (verdict["id"], "Ada")
    again = page.get(f"/api/v1/audit/{verdict['id']}/replay").json()
    assert again["identical"] == 1 and not again["different"]
    assert page.get(f"/audit/{verdict['id']}?replay=true").status_code == 200
    unkept = _verdict(page.upload("/api/v1/query?audit=false", NEW, "other.png"))
    assert page.get(f"/api/v1/audit/{unkept['id']}").status_code in (400, 404)
    assert page.index.audit.verify().ok


def test_an_index_of_hashes_keeps_no_name_and_no_file(tmp_path: Path, tiny_model: str) -> None:
    pile = tmp_path / "pile"
    pile.mkdir()
    for number, picture in enumerate(PICTURES[:3]):
        picture.save(pile / f"secret{number}.png")
    hashed = made(tmp_path / "index", tiny_model, hash_paths=True)
    hashed.build([str(pile)])
    with live(hashed) as page:
        verdict = _verdict(page.upload("/api/v1/query", NEW, "secret-name.png"))
        assert "secret" not in verdict["path"]
        refused = page.upload("/api/v1/keep", NEW, "secret-name.png")
        assert refused.status_code == 400 and "stores no paths" in sentence(refused)
        assert page.get("/api/v1/images/1/original").status_code == 404
        for path in ("/", "/picture/1", "/audit", f"/audit/{verdict['id']}"):
            assert "secret" not in page.get(path).text
    assert not (hashed.path / "kept").exists()
    held = b"".join(file.read_bytes() for file in files_below(hashed.path))
    assert b"secret-name" not in held


# --- what is kept ---------------------------------------------------------------------------------


def _purge(index: Index, ids: list[int]) -> None:
    index.remove(ids, what="purged")


def test_what_is_kept_lies_in_the_index_until_a_purge(page: Live) -> None:
    report = page.upload("/api/v1/keep", NEW, "mine.png").json()
    assert (report["added"], report["refused"]) == (1, [])
    path = Path(page.index.images.path_of(13))
    assert path.read_bytes() == NEW and path.name == "mine.png"
    assert path.is_relative_to(page.index.path / "kept")
    assert page.get("/api/v1/images/13/original").content == NEW
    assert page.get("/api/v1/images/13/preview").headers["content-type"] == "image/jpeg"
    _purge(page.index, [13])
    assert files_below(page.index.path / "kept") == []
    assert files_below(page.index.path / "previews") == []
    held = b"".join(file.read_bytes() for file in files_below(page.index.path))
    assert NEW[100:200] not in held and b"mine.png" not in held
    assert page.get("/api/v1/images/13/preview").status_code == 404
    again = page.index.build()
    assert not again.refused and again.added == 0
    assert page.index.verify().ok


def test_of_a_kept_archive_each_picture_is_erased_alone(page: Live) -> None:
    data = zipped({"a/x.png": NEW, "b/x.png": png(PICTURES[16]), "note.png": b"no picture"})
    report = page.upload("/api/v1/keep", data, "two.zip").json()
    assert report["added"] == 2
    assert [one["path"] for one in report["refused"]] == ["two.zip!/note.png"]
    assert len(files_below(page.index.path / "kept")) == 2
    _purge(page.index, [13])
    (left,) = files_below(page.index.path / "kept")
    assert left.read_bytes() == png(PICTURES[16])
    assert page.get("/api/v1/images/14/original").content == left.read_bytes()
    assert not page.index.build().refused and page.index.verify().ok


def test_a_picture_kept_twice_is_one_image_and_goes_with_all_its_copies(page: Live) -> None:
    for _ in range(2):
        page.upload("/api/v1/keep", NEW, "mine.png")
    assert page.get("/api/v1/info").json()["index"]["images"] == 13
    _purge(page.index, [13])
    assert files_below(page.index.path / "kept") == []


def test_many_keep_at_once(page: Live) -> None:
    answers: list[Any] = []

    def work(number: int) -> None:
        headers = {"x-filename": "same.png", "authorization": f"Bearer {page.token}"}
        with page.anybody(**headers) as client:
            answers.append(client.post("/api/v1/keep", content=png(PICTURES[12 + number])))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [a.status_code for a in answers] == [200] * 6, [a.text for a in answers]
    assert page.get("/api/v1/info").json()["index"]["images"] == 18
    assert len(files_below(page.index.path / "kept")) == 6
    assert page.index.verify().ok


def test_what_is_kept_is_in_a_backup(page: Live, tmp_path: Path) -> None:
    page.upload("/api/v1/keep", NEW, "mine.png")
    page.get("/api/v1/images/13/preview")
    assert files_below(page.index.path / "previews")
    page.index.backup(tmp_path / "backup")
    restored = Index.restore(tmp_path / "restored", tmp_path / "backup", by="Ada")
    (kept,) = files_below(restored.path / "kept")
    assert kept.read_bytes() == NEW
    assert not (restored.path / "previews").exists()
    original = page.index.path / kept.relative_to(restored.path)
    os.unlink(original)  # what was backed up was lost
    report = restored.build([str(restored.path / "kept")])
    assert (report.added, report.gone) == (0, 0)
    assert restored.images.path_of(13) == str(kept)
    assert restored.verify().ok


def test_an_export_says_of_kept_files_where_they_lay(page: Live, tmp_path: Path) -> None:
    page.upload("/api/v1/keep", NEW, "mine.png")
    page.index.export(tmp_path / "export")
    names = {file.name for file in files_below(tmp_path / "export")}
    assert not any("mine" in name for name in names)
    again = Index.from_export(tmp_path / "again", tmp_path / "export", by="Ada")
    assert again.images.path_of(13) == page.index.images.path_of(13)


def test_previews_and_kept_files_trouble_neither_verify_nor_repair(page: Live) -> None:
    page.upload("/api/v1/keep", NEW, "mine.png")
    for image in (1, 13):
        page.get(f"/api/v1/images/{image}/preview")
    before = files_below(page.index.path / "kept"), files_below(page.index.path / "previews")
    assert page.index.verify().ok
    stray = page.index.path / "previews/240/000000/.5.jpg.999999999.abc.new"
    stray.write_bytes(b"half")
    found = page.index.verify()
    assert [f.kind for f in found.findings] == ["stray"]
    page.index.repair()
    assert page.index.verify().ok and not stray.exists()
    after = files_below(page.index.path / "kept"), files_below(page.index.path / "previews")
    assert after == before
