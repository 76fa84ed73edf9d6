"""Keys alone suffice; what goes wrong is said; two people don't take back each other's words."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from mediclip_index import Index
from stress.piles import fill, write_model
from tests.web.browsing import Served, Visit, serving, visiting

SELECTED = "#grid .card[aria-selected=true]"
SILENT = "The page does not answer; is `mediclip-index serve` still running?"


def test_keys_select_remove_bring_back_and_open(visit: Visit, served: Served) -> None:
    page = visit.page
    chosen, cards = page.locator(SELECTED), page.locator("#grid .card")
    expect(cards).to_have_count(38)
    visit.press("ArrowRight", "ArrowRight", "Shift+ArrowRight", "Shift+ArrowRight")
    assert [c.get_attribute("data-id") for c in chosen.all()] == ["2", "3", "4"]
    visit.press("Shift+ArrowDown")
    expect(page.locator("#selected")).to_have_text("9 selected")  # a row has six
    visit.press("Escape")
    expect(chosen).to_have_count(0)
    visit.press("Home", "Space", "ArrowRight", "ArrowRight", "Space")
    assert [c.get_attribute("data-id") for c in chosen.all()] == ["1", "3"]

    visit.press("Delete")
    expect(cards).to_have_count(36)
    expect(page.locator("#total")).to_have_text("36 pictures")
    assert {one.id for one in Index.open(served.index).images.removed()} == {1, 3}
    visit.press("z")
    expect(cards).to_have_count(38)
    expect(page.locator("#notice")).to_have_text("Brought back.")
    assert Index.open(served.index).images.removed() == ()

    visit.press("Control+a")
    expect(page.locator("#selected")).to_have_text("38 selected")
    visit.press("Shift+ArrowRight")  # a choice anew, of fewer
    expect(chosen).not_to_have_count(38)
    visit.press("Escape", "Home", "ArrowRight", "Enter")
    page.wait_for_url("**/picture/2")
    visit.press("?")
    expect(page.locator("#help")).to_be_visible()
    visit.press("Escape")
    expect(page.locator("#help")).to_be_hidden()
    assert visit.wrong == []


def test_every_word_of_a_fast_hand_counts_and_a_held_key_writes_once(
    visit: Visit, served: Served
) -> None:
    page = visit.page
    before = {i: len(Index.open(served.index).labels.history(i)) for i in range(20, 26)}
    visit.go("/?where=id+BETWEEN+20+AND+25")
    visit.press("ArrowRight", "1", "1", "1", "z", "2")
    expect(page.locator("#notice")).to_contain_text("labelled non_medical")
    index = Index.open(served.index)
    now = {hit.id: hit.label for hit in index.images.listing().described(range(20, 26))}
    assert [now[i] for i in range(20, 24)] == ["medical", "medical", "non_medical", "non_medical"]
    page.keyboard.down("1")
    for _ in range(5):
        page.keyboard.down("1")  # as a keyboard repeats it
    page.keyboard.up("1")
    expect(page.locator("#grid .card[data-id='24'] .said")).to_have_text("✓ medical")
    page.wait_for_timeout(500)
    assert len(index.labels.history(25)) == before[25]


def test_focus_goes_through_the_page_and_enter_presses_what_has_it(visit: Visit) -> None:
    """Tab alone reaches a button of the bar, and Enter works there."""
    page = visit.page
    for _ in range(40):
        visit.press("Tab")
        if page.evaluate("document.activeElement.dataset.do") == "all":
            break
    visit.press("Enter")
    expect(page.locator("#selected")).to_have_text("38 selected")


def test_more_pictures_come_as_one_goes_on_and_all_of_them_can_be_selected(
    browser: Browser, tmp_path: Path
) -> None:
    fill(tmp_path / "pile", 130, random.Random(4))
    index = Index.create(tmp_path / "index", model=write_model(tmp_path / "model"))
    index.build([str(tmp_path / "pile")])
    with serving(tmp_path / "index") as served, visiting(browser, served) as visit:
        page, cards = visit.page, visit.page.locator("#grid .card")
        expect(cards).to_have_count(100)
        visit.press("Control+a")
        expect(page.locator("#selected")).to_have_text("130 selected")
        visit.press("End")
        expect(cards).to_have_count(130)
        expect(page.locator(SELECTED)).to_have_count(130)
        expect(page.locator(".further")).to_have_count(0)
        ids = [c.get_attribute("data-id") for c in cards.all()]
        assert len(set(ids)) == 130
        visit.press("Control+a", "2")
        expect(page.locator("#notice")).to_contain_text("130 pictures labelled non_medical")
        assert visit.wrong == []
    assert index.info().labels == {"non_medical": 130}


@pytest.fixture
def copied(samples: Path, tmp_path: Path) -> Path:
    shutil.copytree(samples, tmp_path / "demo")
    return tmp_path / "demo"


def test_taking_back_leaves_what_another_said_since(browser: Browser, copied: Path) -> None:
    with (
        serving(copied, "--user-header", "X-User") as served,
        visiting(browser, served, extra_http_headers={"X-User": "ada"}) as ada,
        visiting(browser, served, extra_http_headers={"X-User": "bob"}) as bob,
    ):
        for who, key in ((ada, "1"), (bob, "2")):
            who.go("/?where=id+IN+(20,21)")
            who.press("ArrowRight", "Space", *("ArrowRight", "Space") * (who is ada), key)
            expect(who.page.locator("#notice")).to_contain_text("Z takes it back")
        ada.press("z")
        expect(ada.page.locator("#notice")).to_contain_text("something else was said of it later")
        expect(ada.page.locator("[data-id='20'] .said")).to_have_text("✓ non_medical")
    index = Index.open(copied)
    assert [e.by for e in index.labels.history(20)][-2:] == ["ada", "bob"]
    assert [(e.by, e.label) for e in index.labels.history(21)][-2:] == [
        ("ada", "medical"), ("ada", "non_medical"),
    ]  # fmt: skip


def test_a_page_whose_server_has_ended_says_so(
    browser: Browser, copied: Path, picture: Path
) -> None:
    with serving(copied) as served, visiting(browser, served) as visit:
        page = visit.page
        other = page.context.new_page()
        other.goto(f"{served.origin}/ask")
        expect(page.locator("#grid .card")).to_have_count(38)
        served.process.terminate()
        served.process.wait(30)
        visit.press("ArrowRight", "1")
        expect(page.locator("#notice")).to_contain_text(SILENT)
        expect(page.locator("#grid .card").first.locator(".said")).to_have_text("✓ medical")
        other.locator("#files").set_input_files(picture)
        expect(other.locator("#answers .wrong")).to_contain_text("The page does not answer")


def test_a_kind_that_is_typed_says_its_class_too(visit: Visit, served: Served) -> None:
    page = visit.page
    visit.go("/?where=id+=+12")
    visit.press("ArrowRight")
    page.fill("#kind", "animal")
    page.press("#kind", "Enter")
    expect(page.locator("#notice")).to_contain_text("labelled non_medical, animal")
    last = Index.open(served.index).labels.history(12)[-1]
    assert (last.label, last.kind) == ("non_medical", "animal")
    visit.press("Escape", "z")
    expect(page.locator("#notice")).to_contain_text("Taken back.")
    assert visit.wrong == []


def test_of_what_is_ordered_by_likeness_all_is_what_is_shown(visit: Visit) -> None:
    visit.go("/?text=a+cat")
    visit.press("Control+a")
    shown = visit.page.locator("#grid .card").count()
    expect(visit.page.locator("#selected")).to_have_text(f"{shown} selected")


def test_pictures_that_were_chosen_are_a_list_that_a_new_search_leaves(visit: Visit) -> None:
    visit.go("/?ids=3,5,9")
    expect(visit.page.locator("#grid .card")).to_have_count(3)
    expect(visit.page.locator("#asked")).to_contain_text("3 pictures")
    visit.page.fill("#search", "a cat")
    visit.page.press("#search", "Enter")
    visit.page.wait_for_url("**text=a+cat*")
    assert "ids=" not in visit.page.url
