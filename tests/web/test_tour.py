"""The tour of the page, by keys where a key is meant for it; then the command line's own view."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import expect

from mediclip_index import Index
from tests.web.browsing import Served, Visit

SEVERAL = re.compile(r"(\d+) selected")


def test_the_tour(visit: Visit, served: Served, picture: Path) -> None:
    page = visit.page
    assert page.url == f"{served.origin}/", "the token stays out of the address"
    assert [c["httpOnly"] for c in page.context.cookies()] == [True]

    # Search: "/" leads to the line, Enter asks.
    visit.press("/")
    page.keyboard.type("chest x-ray")
    visit.press("Enter")
    page.wait_for_url("**/?text=chest+x-ray*")
    cards = page.locator("#grid .card")
    expect(cards).to_have_count(38)
    expect(cards.first.locator(".name b")).to_have_text(re.compile(r"0\.\d{3}"))

    # Label three by keys, and take the last one back.
    first = [int(cards.nth(n).get_attribute("data-id") or 0) for n in range(3)]
    was = [cards.nth(n).get_attribute("data-label") for n in range(3)]
    visit.press("ArrowRight")
    for n in range(3):
        visit.press("2")
        expect(cards.nth(n).locator(".said")).to_have_text("✓ non_medical")
    visit.press("z")
    expect(page.locator("#notice")).to_contain_text("Taken back.")
    expect(cards.nth(2)).to_have_attribute("data-label", was[2] or "")
    assert was[2] == "medical"

    # What is like a picture that was dropped; with the pointer.
    visit.drop("#grid", picture)
    expect(page.locator("#asked .chip")).to_have_text("like cup.png ✕")
    expect(cards.first.locator(".name")).to_contain_text("coffee.png")

    # Ask: the verdict comes with all its evidence.
    visit.go("/ask")
    visit.drop("#drop", picture)
    answer = page.locator(".answer")
    expect(answer.locator("h2")).to_have_text("cup.png")
    expect(answer.locator(".verdict b")).to_have_text("non_medical")
    expect(answer.locator("h3")).to_have_text([
        "Probabilities", "By words alone", "By the neighbours", "Sentences nearest to it",
        "Neighbours that had a vote",
    ])  # fmt: skip
    expect(answer.locator(".sentences li").first).to_contain_text("non_medical · food")
    expect(answer.locator(".seen img")).to_be_visible()

    # Review ten by keys: all of the Pile is selected, R reviews it.
    visit.go("/")
    expect(cards).to_have_count(38)
    visit.press("Control+a")
    expect(page.locator("#selected")).to_have_text("38 selected")
    visit.press("r")
    page.wait_for_url("**/review?queue=list*")
    reviewed = _review(visit, "1", " ", "2", "1", "z", "2", "1", "1", " ", "2", "1", "1")

    # The map: made, then selected with the pointer, then by keys.
    visit.go("/map")
    page.locator("form.task button.main").press("Enter")
    expect(page.locator("canvas#map[data-drawn='38']")).to_be_visible(timeout=120_000)
    lasso = _lasso(visit)
    assert lasso == 38
    visit.press("Escape")
    expect(page.locator("#selected")).to_be_empty()
    visit.press("+", "l")
    expect(page.locator("#selected")).to_have_text(SEVERAL)
    middle = page.evaluate("[...mediclipMap.state.chosen].map((i) => mediclipMap.state.ids[i])")
    assert 1 < len(middle) < 38
    with page.expect_response("**/api/v1/labels"):
        visit.press("1")
    expect(page.locator("#notice")).to_contain_text(f"{len(middle)} pictures labelled medical")

    # Quality: evaluated, labels changed, evaluated again, both compared.
    _evaluate(visit, 1)
    visit.go("/map")
    expect(page.locator("canvas#map[data-drawn='38']")).to_be_visible()
    visit.press("+", "l")
    with page.expect_response("**/api/v1/labels/undo"):
        visit.press("z")
    _evaluate(visit, 2)
    page.locator("select[name=second]").select_option("1")
    page.locator("form.filled button").press("Enter")
    expect(page.locator("h2").first).to_have_text("1 against 2")
    expect(page.locator("table").first.locator("tbody tr, tr")).not_to_have_count(0)

    # Audit: the verdict on the dropped picture, and computed again.
    visit.go("/audit")
    kept = page.locator("p.count").inner_text()
    page.locator("table a").first.press("Enter")
    expect(page.locator("h1")).to_contain_text("Verdict of")
    page.get_by_text("Replay").press("Enter")
    expect(page.locator(".right")).to_have_text("It comes out the same.")

    assert visit.wrong == []
    assert {urlsplit(url).netloc for url in visit.asked if not url.startswith("blob:")} == {
        urlsplit(served.origin).netloc
    }

    # The same facts, told by the index itself.
    index = Index.open(served.index)
    now = {hit.id: hit.label for hit in index.images.listing().described(range(1, 39))}
    assert {id_: now[id_] for id_ in reviewed} == reviewed
    untouched = [n for n in range(3) if first[n] not in reviewed]
    assert [now[first[n]] for n in untouched] == [
        ("non_medical", "non_medical", was[2])[n] for n in untouched
    ]
    for id_ in {*first, *reviewed, *middle}:
        assert index.labels.history(id_)[-1].by == "curator"
    assert index.audit.verify().ok
    info = index.info()
    assert f"{info.verdicts} verdict" in kept
    assert len(index.evaluations.all()) == 2
    for name, count in info.labels.items():
        visit.go(f"/?label={name}")
        expect(page.locator("#total")).to_have_text(f"{count} pictures")


def _review(visit: Visit, *keys: str) -> dict[int, str]:
    """Press a key for each picture; what was said of which, what was taken back left out."""
    page, said, way = visit.page, dict[int, str](), list[int]()
    waiting = (page.locator("#queue-of").get_attribute("data-ids") or "").split(",")
    for key in keys:
        shown = waiting[len(way)]
        expect(page.locator("#done")).to_have_text(str(len(way)))
        expect(page.locator(f"#stage .sides[data-id='{shown}']")).to_be_visible()
        visit.press("Space" if key == " " else key)
        if key == "z":
            said.pop(way.pop(), None)
            continue
        way.append(int(shown))
        if key != " ":
            said[way[-1]] = {"1": "medical", "2": "non_medical"}[key]
    expect(page.locator("#done")).to_have_text(str(len(way)))
    assert len(way) == 10
    return said


def _lasso(visit: Visit) -> int:
    """Draw around the whole map; how many were selected."""
    page = visit.page
    box = page.locator("#map").bounding_box()
    assert box is not None
    left, top = box["x"] + 3, box["y"] + 3
    right, bottom = left + box["width"] - 6, top + box["height"] - 6
    page.keyboard.down("Shift")
    page.mouse.move(right, top)
    page.mouse.down()
    for x, y in (
        (right, bottom),
        (left, bottom),
        (left, top + 150),
        (left + 300, top),
        (right, top),
    ):
        page.mouse.move(x, y, steps=4)
    page.mouse.up()
    page.keyboard.up("Shift")
    expect(page.locator("#selected")).to_have_text(SEVERAL)
    found = SEVERAL.search(page.locator("#selected").inner_text())
    assert found is not None
    return int(found[1])


def _evaluate(visit: Visit, number: int) -> None:
    visit.go("/quality")
    visit.page.locator("form[data-task=evaluate] button.main").press("Enter")
    expect(visit.page.locator("h2").first).to_contain_text(f"Evaluation {number}:")
