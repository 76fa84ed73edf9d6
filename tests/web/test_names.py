"""Names that would be script: every page shows them as text."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from mediclip_index import Index
from tests.web.serving import Live, live, made, photographs, png, tiny_model, zipped

__all__ = ["tiny_model"]

EVIL = "<script>alert(1)<"
IMAGE = "\"'><img src=x onerror=alert(2)>"
_VOID = {"meta", "link", "input", "img", "br", "option", "path", "circle"}
_TAGS = {"script", "img", "svg", "iframe", "object", "embed", "base", "style", "form", "a"}


class Looked(HTMLParser):
    """What a browser would run of a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.wrong: list[str] = []
        self.scripts: list[str] = []
        self.text = ""
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag
        for name, value in attrs:
            if name.startswith("on") or name == "style" or name == "srcdoc":
                self.wrong.append(f"{tag} {name}")
            if name in ("href", "src", "action", "hx-get"):
                given = (value or "").strip().lower()
                if not given.startswith(("/", "#")) or given.startswith("//"):
                    self.wrong.append(f"{tag} {name}={value}")
        if tag == "script":
            self.scripts.append(dict(attrs).get("src") or "inline")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._inside == "script" and data.strip():
            self.wrong.append(f"script {data[:40]}")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory, tiny_model: str) -> Iterator[Live]:
    """An index in which everything that has a name is called script."""
    folder = tmp_path_factory.mktemp("hostile")
    pile = folder / "pile"
    pile.mkdir()
    pictures = photographs(12)
    names = [f"{n} {EVIL}.png" if n % 2 else f"{n} {IMAGE}.png" for n in range(9)]
    for name, picture in zip(names, pictures, strict=False):
        picture.save(pile / name)
    (pile / f"{IMAGE}.zip").write_bytes(zipped({f"{EVIL}b.png": png(pictures[10])}))
    words = folder / "words.toml"
    text = json.dumps  # a TOML string of these signs is a JSON string
    sets = [f"name = 'words'\ndescription = {text(IMAGE)}\n"]
    for name, kind in (("medical", "one"), ("non_medical", "two")):  # names are of letters alone
        sentence = text(f"a picture of {kind} {IMAGE} {EVIL}")
        sets.append(f"[classes.{name}.groups]\n{kind} = [{sentence}]\n")
    words.write_text("\n".join(sets))
    listed = folder / "list.csv"
    with listed.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["path", f"column {IMAGE}"])
        rows.writerows([str(pile / name), EVIL + IMAGE] for name in names)
    index = made(folder / f"index {IMAGE.replace('/', '')}", tiny_model, prompts=str(words))
    index.build([str(pile), str(listed)])
    classes = index.info().classes
    index.labels.set(classes[0], [1, 2, 3], subject=IMAGE, split=EVIL)
    index.labels.set(classes[1], [4, 5, 6], subject=EVIL)
    index.evaluate(split="all")
    index.map.make()
    index.query([str(pile)])
    with live(index, user_header="X-User", allow_host=("127.0.0.1",)) as served:
        served.client.headers["x-user"] = IMAGE
        yield served


def _pages(index: Index) -> list[str]:
    verdicts = [row.verdict.id for row in index.audit.find(limit=3)]
    return [
        "/", "/?where=nonsense" + EVIL, f"/?text={IMAGE}", f"/?label={EVIL}", "/?order=newest",
        f"/?kind={IMAGE}", f"/?split={EVIL}", "/pile/part?start=0", "/ask", "/review",
        *(f"/review?queue={q}" for q in ("next", "suspect", "mistakes")),
        "/review?queue=list&ids=1",
        f"/review?queue=list&ids={EVIL}", "/review/1", "/review/2", "/map", "/quality",
        "/quality?number=1&second=1", "/audit", f"/audit?label={IMAGE}&path={EVIL}&since={EVIL}",
        "/audit/verify", *(f"/audit/{v}?replay=true" for v in verdicts), f"/audit/{EVIL}",
        "/picture/1", "/picture/2", "/picture/10", "/picture/99", f"/{EVIL}", f"/picture/{IMAGE}",
    ]  # fmt: skip


def _run_by(text: str) -> Looked:
    looked = Looked()
    looked.feed(text)
    looked.close()
    assert not looked.wrong, looked.wrong
    assert all(src.startswith("/static/") for src in looked.scripts)
    assert "<script>alert" not in text and "<img src=x" not in text
    return looked


def test_no_name_runs_in_any_page(hostile: Live) -> None:
    seen = ""
    for path in _pages(hostile.index):
        answer = hostile.get(path)
        assert "text/html" in answer.headers["content-type"]
        assert answer.status_code < 500, (path, answer.text[-300:])
        seen += _run_by(answer.text).text
    assert seen.count("<script>alert(1)<") > 20 and seen.count("onerror=alert(2)>") > 20


def test_no_name_runs_in_an_answer_to_an_upload(hostile: Live) -> None:
    data = png(photographs(14)[13])
    for headers in ({}, {"x-fragment": "yes"}, {"hx-request": "true"}):
        for name in (EVIL, IMAGE):
            form = {"files": (f"{name}.png", data)}
            for path in ("/ask", "/search/picture"):
                _run_by(hostile.client.post(path, files=form, headers=headers).text)
            zips = {"files": ("a.zip", zipped({f"{name}.png": data, f"{name}2.png": b"none"}))}
            answer = hostile.client.post("/ask", files=zips, headers=headers)
            assert "is not a picture" in _run_by(answer.text).text


def test_a_file_is_saved_and_never_shown(hostile: Live) -> None:
    paths = {i: Path(hostile.index.images.path_of(i)) for i in range(1, 11)}
    files = {i: path for i, path in paths.items() if path.is_file()}
    assert len(files) == 9
    for image, path in files.items():
        answer = hostile.get(f"/api/v1/images/{image}/original")
        assert answer.content == path.read_bytes()
        disposition = answer.headers["content-disposition"]
        assert disposition.startswith("attachment") and "\n" not in disposition
