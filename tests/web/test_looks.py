"""Each page on a phone, a desk and a wall, light and dark: nothing runs over, is cut off or is hard
to read; and what works without scripts, colours, motion or a graphics card."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from mediclip_index import Index
from tests.web.browsing import Served, Visit, serving, visiting

AXE = Path(__file__).parent / "axe.min.js"
WIDTHS = {360: 740, 1280: 800, 2560: 1400}
PAGES = {
    "Pile": "/", "found": "/?text=a+CT+scan+of+the+head&verdict=medical&where=width+%3E+50",
    "Picture": "/picture/3", "Ask": "/ask", "Review": "/review?queue=list&ids=3,4,5",
    "Map": "/map", "Quality": "/quality?number=2&second=1", "Audit": "/audit",
    "evidence": "/audit/{verdict}?replay=true", "chain": "/audit/verify", "wrong": "/picture/999",
    "nothing found": "/?where=width+%3D+1",
}  # fmt: skip

# What is cut off or lies outside; a card says in titles what its lines have no room for.
CUT = """() => {
  const shown = (e) => e.checkVisibility() && !e.closest(".hidden, .skip, .card, dialog");
  const scrolls = (e) => ["auto", "scroll"].includes(getComputedStyle(e).overflowX);
  const inside = (e) => e && (scrolls(e) || inside(e.parentElement));
  const named = (e) => `${e.tagName}.${e.className}: ${e.textContent.trim().slice(0, 60)}`;
  const all = [...document.querySelectorAll("body *")].filter(
    (e) => shown(e) && e.textContent.trim());
  const cut = all.filter((e) => getComputedStyle(e).overflowX !== "visible" && !scrolls(e)
    && !["SELECT", "INPUT", "OPTION"].includes(e.tagName)
    && e.scrollWidth > e.clientWidth + 1 && e.clientWidth && !e.closest("[title]"));
  const out = all.filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && !inside(e));
  const badges = [...document.querySelectorAll(".card .badge:first-child")].filter((e) =>
    e.getBoundingClientRect().right > e.closest(".card").getBoundingClientRect().right);
  return [...cut, ...out, ...badges].map(named);
}"""


@pytest.fixture(scope="module")
def served(samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """An index with all that pages show: verdicts, two evaluations, a map."""
    folder = tmp_path_factory.mktemp("looks") / "demo"
    shutil.copytree(samples, folder)
    index = Index.open(folder)
    index.query_indexed(where="split = 'test'")
    index.evaluate()
    index.labels.set("", [3])
    index.evaluate()
    index.map.make()
    with serving(folder) as one:
        yield one


@pytest.fixture(scope="module")
def looking(browser: Browser, served: Served) -> Iterator[Visit]:
    """A browser that takes in axe too, which the page's own policy would keep out."""
    with visiting(browser, served, bypass_csp=True, reduced_motion="reduce") as visit:
        visit.page.add_init_script(path=AXE)
        yield visit


@pytest.mark.parametrize("name", PAGES)
def test_nothing_runs_over_or_is_cut_off_and_axe_finds_nothing_serious(
    looking: Visit, served: Served, name: str
) -> None:
    page = looking.page
    kept = Index.open(served.index).audit.find(limit=1)[0].verdict.id
    looking.go(PAGES[name].format(verdict=kept))
    page.wait_for_load_state("networkidle")
    if name == "Review":
        expect(page.locator("#stage .sides")).to_be_visible()
    if name == "found":
        page.locator(".filters summary").click()
    for width, height in WIDTHS.items():
        page.set_viewport_size({"width": width, "height": height})
        wide = page.evaluate("document.scrollingElement.scrollWidth")
        assert wide <= width, f"{name} is {wide} wide at {width}"
        assert page.evaluate(CUT) == [], f"{name} at {width}"
        if width == 2560:  # laid out like 1280, and axe takes its time
            continue
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert _serious(page) == [], f"{name} at {width}, {scheme}"


def _serious(page: Page) -> list[Any]:
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    return [
        (one["id"], one["help"], [node["html"][:200] for node in one["nodes"]][:3])
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]


def test_pictures_come_first(visit: Visit) -> None:
    """On a phone and on a desk the first row of pictures is whole before anything is scrolled."""
    for width, height in WIDTHS.items():
        visit.page.set_viewport_size({"width": width, "height": height})
        box = visit.page.locator("#grid .card").first.bounding_box()
        assert box is not None
        assert box["y"] < 150
        assert box["y"] + box["height"] < height
        assert box["width"] >= 150


def test_the_bar_stays_and_the_card_with_the_focus_is_not_under_it(visit: Visit) -> None:
    page = visit.page
    visit.press("End", *["ArrowUp"] * 6)
    bar, card = page.locator("#bar").bounding_box(), page.locator(".card:focus").bounding_box()
    assert bar is not None
    assert card is not None
    visit.press("End")
    bar = page.locator("#bar").bounding_box()
    assert bar is not None
    assert bar["y"] == 0
    visit.press("ArrowUp", "ArrowUp", "ArrowUp")
    bar, card = page.locator("#bar").bounding_box(), page.locator(".card:focus").bounding_box()
    assert bar is not None
    assert card is not None
    assert card["y"] >= bar["y"] + bar["height"]


def test_search_picture_and_ask_work_without_scripts(
    browser: Browser, served: Served, picture: Path
) -> None:
    with visiting(browser, served, java_script_enabled=False) as visit:
        page = visit.page
        page.locator("#search").fill("a CT scan of the head")
        page.locator("#search").press("Enter")
        expect(page.locator("#grid .card").first.locator(".kind")).to_have_text("ct")
        page.locator("#grid .card a").first.click()
        expect(page.locator(".verdict b")).to_have_text("medical")
        expect(page.locator("#large")).to_be_visible()
        visit.go("/ask")
        page.locator("#files").set_input_files(picture)
        page.get_by_role("button", name="Ask").click()
        expect(page.locator(".answer .verdict b")).to_have_text("non_medical")
        visit.go("/map")
        assert "The map needs JavaScript." in page.content()


def test_on_paper_there_is_only_what_is_to_be_read(visit: Visit) -> None:
    page = visit.page
    page.emulate_media(media="print", color_scheme="dark")
    for path in ("/picture/3", "/quality", "/audit"):
        visit.go(path)
        expect(page.locator("h1").first).to_be_visible()
        for gone in ("nav", "button", "form", ".button"):
            for one in page.locator(gone).all():
                expect(one).to_be_hidden()
        assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == (
            "rgb(255, 255, 255)"
        )


def test_the_map_is_drawn_without_webgl(visit: Visit) -> None:
    page = visit.page
    page.add_init_script(
        """const plain = HTMLCanvasElement.prototype.getContext;
        HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
            return kind === "2d" ? plain.call(this, kind, ...rest) : null;
        };"""
    )
    visit.go("/map")
    expect(page.locator("canvas#map[data-drawn='38'][data-pictures='38']")).to_be_visible()
    expect(page.locator("#legend li")).to_have_text(["non_medical", "medical"])
    page.wait_for_load_state("networkidle")
    colours = page.evaluate(
        """() => {
            const map = document.getElementById("map");
            const all = map.getContext("2d").getImageData(0, 0, map.width, map.height).data;
            return new Set(new Uint32Array(all.buffer)).size;
        }"""
    )
    assert colours > 2000, "the pictures themselves"
    assert visit.wrong == []


def test_nothing_moves_for_who_asked_for_that(browser: Browser, served: Served) -> None:
    moves = "getComputedStyle(document.querySelector('.card')).transitionDuration"
    with visiting(browser, served, reduced_motion="reduce") as visit:
        assert visit.page.evaluate(moves) == "0s"
    with visiting(browser, served, reduced_motion="no-preference") as visit:
        assert visit.page.evaluate(moves) != "0s"
