"""Pictures are looked at before they are labelled: galleries of every list, marked by keys, whose
marks are imported."""

from __future__ import annotations

import base64
import csv
import hashlib
import html
import json
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.journeys.browser import FOUND, Browser
from tests.journeys.conftest import Typed, verdicts

in_a_browser = pytest.mark.skipif(
    FOUND is None, reason="no chromium is installed: it presses the keys of a gallery"
)
COMMANDS = (
    ("query", "--indexed", "--no-audit"),
    ("search", "hand", "-k", "8"),
    ("label", "next"),
    ("mistakes",),
    ("duplicates", "--min-similarity", "0.5"),
    ("summary",),
)


def pictures(page: str) -> list[dict[str, Any]]:
    """What the pictures of a page can be marked as, in their order."""
    return [json.loads(html.unescape(one)) for one in re.findall(r'data-picture="([^"]*)"', page)]


def unlabelled(typed: Typed) -> None:
    everyone = typed("search", "--where", "true", "--format", "ids").stdout.split()
    assert typed("label", "set", "--clear", *everyone).exit_code == 0


def gallery(typed: Typed, folder: Path) -> tuple[Path, list[dict[str, Any]]]:
    """A page of all that is in the index, and what its pictures can be marked as."""
    page = folder / "page.html"
    assert typed("query", "--indexed", "--no-audit", "--html", page, "--json").exit_code == 0
    return page, pictures(page.read_text("utf-8"))


@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: words[0])
def test_every_list_is_a_gallery_too(
    typed: Typed, tmp_path: Path, command: tuple[str, ...]
) -> None:
    if command[0] == "label":
        unlabelled(typed)
    page = tmp_path / "page.html"
    done = typed(
        *command, "--html", page, *(() if command == ("summary",) else ("--format", "ids"))
    )
    assert done.exit_code == 0, done.exception
    text = page.read_text("utf-8")
    shown = [p["image"] for p in pictures(text)]
    assert shown
    if command != ("summary",):
        assert set(done.stdout.split()) <= set(map(str, shown))
        listed = re.findall(r'<code class="ids">([^<]*)</code>', text)
        assert listed[0].split() == done.stdout.split()
    assert text.count("data:image/jpeg;base64,") >= len(set(shown)) - text.count("no preview")
    assert all(f"#{image}" in text for image in shown)
    # Its own script may run, and nothing else; nothing is fetched.
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', text)
    assert html.unescape(policy).startswith("default-src 'none'; img-src data:;")
    assert f"script-src 'sha256-{digest}';" in html.unescape(policy)
    assert not re.findall(r'(?:src|href)="(?!data:)', text)


def test_files_that_are_not_in_the_index_are_shown_too(typed: Typed, tmp_path: Path) -> None:
    folder = tmp_path / "new"
    folder.mkdir()
    for n in range(2):
        Image.effect_noise((64, 64), 50 + 90 * n).save(folder / f"n{n}.png")
    page = tmp_path / "page.html"
    assert typed("query", folder, "--no-audit", "--html", page, "--json").exit_code == 0
    text = page.read_text("utf-8")
    assert [p["image"] for p in pictures(text)] == [None, None]
    assert {p["path"] for p in pictures(text)} == {str(folder / f"n{n}.png") for n in range(2)}
    assert text.count("data:image/jpeg;base64,") == 2
    none = typed("query", folder, "--no-audit", "--html", page, "--only", "unsure", "--json")
    kept = json.loads(none.stdout)["verdicts"]
    assert page.read_text("utf-8").count("data:image/jpeg;base64,") == len(kept)


@in_a_browser
def test_keys_mark_pictures_and_the_saved_marks_are_imported(typed: Typed, tmp_path: Path) -> None:
    page, shown = gallery(typed, tmp_path)
    with Browser(tmp_path) as browser:
        browser.open(page)
        assert browser.value("document.getElementById('save').disabled") is True
        # A mark moves on: 0 by letter, 1 by number, 2 is passed over, 3 is taken back.
        browser.press("m", "2", "ArrowRight", "n", "u")
        browser.press("ArrowRight", "n", "ArrowLeft", "Backspace", "ArrowLeft", "1")
        assert browser.value("document.getElementById('count').textContent") == "3 marked"
        here = browser.value(
            "[...document.querySelectorAll('[data-picture]')].findIndex("
            "c => c.classList.contains('here'))"
        )
        assert here == 5
        marked = browser.value(
            "[...document.querySelectorAll('[data-picture]')].map(c => c.dataset.mark || '')"
        )
        assert marked[:6] == ["medical", "non_medical", "", "", "medical", ""]
        browser.press("ArrowUp", "ArrowDown")
        browser.press("s")
        file = browser.saved("marks.csv")
        asked = [
            t["params"]["request"]["url"]
            for t in browser.told
            if t.get("method") == "Network.requestWillBeSent"
        ]
        assert all(url.startswith(("file:", "data:", "blob:", "about:")) for url in asked)
        refused = [t for t in browser.told if t.get("method") == "Log.entryAdded"]
        assert not [t for t in refused if t["params"]["entry"]["level"] == "error"]
    with file.open(newline="") as stream:
        table = list(csv.DictReader(stream))
    assert list(table[0]) == ["image", "path", "page", "item", "label", "kind", "index_id"]
    assert {row["index_id"] for row in table} == {
        json.loads(typed("info", "--json").stdout)["index"]["id"]
    }
    expected = {shown[n]["image"]: marked[n] for n in (0, 1, 4)}
    assert {int(row["image"]): row["label"] for row in table} == expected
    assert [row["path"] for row in table] == [shown[n]["path"] for n in (0, 1, 4)]
    done = typed("label", "import", file, "--json")
    assert done.exit_code == 0, done.exception
    assert {i: v["labelled"] for i, v in verdicts(typed).items() if v["labelled"]} == expected


@in_a_browser
def test_a_kind_is_typed_and_says_its_class(typed: Typed, tmp_path: Path) -> None:
    page, shown = gallery(typed, tmp_path)
    with Browser(tmp_path) as browser:
        browser.open(page)

        def kind(name: str) -> None:
            browser.press("k")
            browser.value(f"document.getElementById('kind').value = {json.dumps(name)}")
            browser.press("Enter")

        browser.press("n")
        kind("Fetal ultrasound")
        kind("unicorn")  # is none: the field keeps it, and nothing is marked
        assert browser.value("document.activeElement.id") == "kind"
        browser.press("m", "n", "1", "s")  # typed into the field, and no marks
        browser.press("Escape")
        kind("food")
        assert browser.value("document.getElementById('count').textContent") == "3 marked"
        marked = browser.value(
            "[...document.querySelectorAll('[data-picture]')].map(c => c.dataset.mark || '')"
        )
        assert marked[:4] == ["non_medical", "medical: fetal_ultrasound", "non_medical: food", ""]
        browser.press("s")
        file = browser.saved("marks.csv")
    with file.open(newline="") as stream:
        table = [(int(r["image"]), r["label"], r["kind"]) for r in csv.DictReader(stream)]
    assert table == [
        (shown[0]["image"], "non_medical", ""),
        (shown[1]["image"], "medical", "fetal_ultrasound"),
        (shown[2]["image"], "non_medical", "food"),
    ]


def test_what_is_in_doubt_comes_in_order_of_doubt_with_its_kind(
    typed: Typed, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    asked = ("query", "--indexed", "--no-audit", "--only", "unsure")
    found = json.loads(typed(*asked, "--html", page, "--json").stdout)["verdicts"]
    shares = [v["probability"] for v in found]
    assert shares == sorted(shares)
    assert len(set(shares)) > 2
    searched = typed("search", "--where", "unsure", "--format", "ids").stdout.split()
    assert searched == [str(v["image"]) for v in found]
    text = page.read_text("utf-8")
    assert [p["image"] for p in pictures(text)] == [v["image"] for v in found]
    for v in found:
        assert f"<br>{v['kind']}" in text
    assert "label next" in typed(*asked).stderr
    assert "label next" not in typed("query", "--indexed", "--no-audit").stderr


def test_a_proposal_says_its_kind(typed: Typed, tmp_path: Path) -> None:
    unlabelled(typed)
    page = tmp_path / "page.html"
    rows = json.loads(typed("label", "next", "--html", page, "--json").stdout)["next"]
    kinds = {row["kind"] for row in rows}
    assert len(kinds) > 3
    assert all(f"<br>{kind}" in page.read_text("utf-8") for kind in kinds)
    assert rows[0]["kind"] in typed("label", "next").stdout


def test_an_index_of_nothing_proposes_nothing(typed: Typed, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert typed("build", tmp_path / "empty", index=tmp_path / "new").exit_code == 0
    assert typed("label", "next", index=tmp_path / "new").exit_code == 0


@in_a_browser
def test_a_hostile_name_is_a_name_in_the_page_and_in_the_saved_marks(
    typed: Typed, tmp_path: Path
) -> None:
    name = 'a"><script>window.hit=1<\u2044script>,"b\n=1+1.png'
    folder = tmp_path / "odd"
    folder.mkdir()
    Image.effect_noise((64, 64), 80).save(folder / "plain.png")
    (folder / "plain.png").rename(folder / name)
    page = tmp_path / "page.html"
    assert typed("query", folder, "--no-audit", "--html", page, "--json").exit_code == 0
    with Browser(tmp_path) as browser:
        browser.open(page)
        assert browser.value("window.hit") is None
        assert browser.value("document.querySelectorAll('script').length") == 1
        browser.press("n", "s")
        file = browser.saved("marks.csv")
    with file.open(newline="", encoding="utf-8") as stream:
        (row,) = csv.DictReader(stream)
    assert (row["path"], row["label"]) == (str(folder / name), "non_medical")
    assert typed("build", folder, "--json").exit_code == 0
    assert typed("label", "import", file, "--json").exit_code == 0
    hand = [v for v in verdicts(typed).values() if v["labelled"]]
    assert [(v["path"], v["labelled"]) for v in hand] == [(str(folder / name), "non_medical")]
