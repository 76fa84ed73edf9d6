"""Lists that are asked for again and again, labels taken back, and what a label would turn."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from mediclip_index import Index
from mediclip_index.catalog import conditions, images
from mediclip_index.jobs import listing as listing_job
from mediclip_index.types import IndexBusy, ListQuery, SearchQuery, UsageError


def asked(order: str = "oldest", **search: object) -> ListQuery:
    return ListQuery(search=SearchQuery(**{"k": None, **search}), order=order)  # type: ignore[arg-type]


def shown(index: Index, query: ListQuery) -> list[int]:
    return [hit.id for hit in index.images.listing().page(query).images]


def test_a_list_is_what_search_finds_in_the_same_order(built: Index) -> None:
    for search in ({"where": "id > 3"}, {"text": ("a photo",)}, {"like": (2,)}):
        listed = built.images.listing().page(asked(**search)).images
        found = built.search((), SearchQuery(**{"k": 100, **search})).results  # type: ignore[arg-type]
        assert [h.id for h in listed] == [h.id for h in found]
        assert [h.similarity for h in listed] == pytest.approx([h.similarity for h in found])


def test_orders_are_told_apart_and_parts_make_the_whole(built: Index) -> None:
    listing = built.images.listing()
    listing.refresh()
    everything = shown(built, asked())
    assert everything == sorted(everything) and len(everything) == 12
    assert shown(built, asked("newest")) == everything[::-1]
    assert sorted(shown(built, asked("random"))) == everything
    assert shown(built, asked("random")) != everything
    sure = {h.id: h.probability for h in listing.page(asked()).images}
    doubtful = [h.id for h in listing.page(asked("doubtful")).images]
    assert [sure[i] for i in doubtful] == sorted(sure.values())  # type: ignore[type-var]
    parts = [listing.page(asked(), start, 5) for start in (0, 5, 10)]
    assert [h.id for part in parts for h in part.images] == everything
    assert {part.total for part in parts} == {12}
    assert listing.page(asked(), 100, 5).images == ()


def test_a_list_says_what_search_says_of_each_image(built: Index) -> None:
    listing = built.images.listing()
    listing.refresh()
    told = {h.id: h for h in built.search((), where="true", k=100, guess=True).results}
    for hit in listing.page(asked()).images:
        same = told[hit.id]
        assert (hit.verdict, hit.kind, hit.unsure, hit.labelled_by, hit.guess) == (
            same.verdict, same.kind, same.unsure, same.labelled_by, same.guess,
        )  # fmt: skip
        assert hit.probability == pytest.approx(same.probability)


def test_a_label_shows_at_once_and_in_what_is_unsure_after_a_refresh(built: Index) -> None:
    listing = built.images.listing()
    listing.refresh()
    through = listing.judged_through
    unsure = [h.id for h in listing.page(asked(where="unsure")).images]
    assert unsure
    built.labels.set("medical", [unsure[0]])
    now = {h.id: h for h in listing.page(asked()).images}[unsure[0]]
    assert (now.label, now.verdict, now.unsure) == ("medical", "medical", False)
    assert listing.judged_through == through
    assert listing.refresh() and not listing.refresh()
    assert unsure[0] not in [h.id for h in listing.page(asked(where="unsure")).images]


def test_a_large_index_says_that_its_verdicts_are_still_being_given(
    built: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing_job, "AT_ONCE", 3)
    listing = built.images.listing()
    assert listing.page(asked()).judged_through is None
    with pytest.raises(IndexBusy, match="still being given"):
        listing.page(asked(where="unsure"))
    listing.refresh()
    listing.page(asked(where="unsure"))


def test_a_list_by_likeness_grows_as_it_is_read(
    built: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing_job, "DEPTHS", (3, 6, 100))
    listing = built.images.listing()
    query = asked(text=("a photo",))
    parts = [listing.page(query, start, 3) for start in (0, 3, 6, 9)]
    assert [(part.total, part.more) for part in parts] == [
        (3, True), (6, True), (12, False), (12, False),
    ]  # fmt: skip
    found = built.search(["a photo"], k=12).results
    assert [h.id for part in parts for h in part.images] == [h.id for h in found]


def test_what_was_taken_back_is_the_machines_word_again_at_once(built: Index) -> None:
    listing = built.images.listing()
    listing.refresh()
    machine = {h.id: (h.verdict, h.kind) for h in listing.page(asked()).images}[9]
    other = {"medical": "non_medical", "non_medical": "medical"}[str(machine[0])]
    report = built.labels.set(other, [9])
    listing.refresh()
    now = {h.id: h for h in listing.page(asked()).images}[9]
    assert (now.verdict, now.unsure, now.labelled_by is None) == (other, False, False)
    assert report.tx is not None
    built.labels.undo(report.tx)
    after = {h.id: h for h in listing.page(asked()).images}[9]
    assert (after.verdict, after.labelled_by) == (machine[0], None)


def test_the_map_shows_a_label_at_once(built: Index) -> None:
    listing = built.images.listing()
    listing.refresh()
    ids = np.arange(1, 13)
    names, places = listing.coloured(ids, "verdict", 12)
    before = names[places[8]]
    other = {"medical": "non_medical", "non_medical": "medical"}[before]
    built.labels.set(other, [9])
    names, places = listing.coloured(ids, "verdict", 12)
    assert names[places[8]] == other
    names, places = listing.coloured(ids, "correct", 12)
    assert {names[p] for p in places[:8]} <= {"as the machine says", "other than the machine says"}
    assert set(places[9:].tolist()) == {255}  # of those that nobody labelled nothing is right


def test_what_another_wrote_is_noticed(built: Index) -> None:
    listing = built.images.listing()
    assert listing.behind()
    listing.refresh()
    assert not listing.behind()
    Index.open(built.path).labels.set("medical", [10])
    assert listing.behind()


def test_removed_images_leave_a_list_and_come_back(built: Index) -> None:
    listing = built.images.listing()
    listing.refresh()
    built.remove([3, 4])
    assert not {3, 4} & {h.id for h in listing.page(asked()).images}
    built.remove([3, 4], what="restored")
    assert {3, 4} <= {h.id for h in listing.page(asked()).images}


def test_several_threads_ask_one_listing(built: Index) -> None:
    listing = built.images.listing()
    wrong: list[BaseException] = []

    def work(n: int) -> None:
        try:
            for _ in range(4):
                assert len(listing.page(asked(where="unsure OR true")).images) == 12
                built.labels.set(("medical", "non_medical")[n % 2], [n + 1])
                listing.refresh()
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_beside_an_image_lie_the_nearest_labelled_ones_of_each_class(built: Index) -> None:
    listing = built.images.listing()
    for image in (1, 9):
        beside = listing.beside(image, built.info().classes, 3)
        for name, some in beside.items():
            where = f"label = '{name}' AND id <> {image}"
            near = built.search((), like=[image], where=where, k=3).results
            assert [h.id for h in some] == [h.id for h in near]
    built.labels.set("non_medical", [9])  # what is new among the labelled is found, too
    assert 9 in {h.id for h in listing.beside(1, built.info().classes, 12)["non_medical"]}
    built.labels.set("", [9])
    assert 9 not in {h.id for h in listing.beside(1, built.info().classes, 12)["non_medical"]}
    with pytest.raises(UsageError, match="no image 999"):
        listing.beside(999, built.info().classes, 3)


def test_a_few_rows_of_the_library_are_as_all_of_them(built: Index, tmp_path: Path) -> None:
    built.labels.set("medical", [5], subject="p", split="test")
    built.remove([7])
    with built._session.catalog.reading() as read:
        every = conditions.rows(read, range(1, 13))
        assert 7 not in every and len(every) == 11
        for image in range(1, 13):
            assert conditions.rows(read, [image]) == {
                i: row for i, row in every.items() if i == image
            }
        assert conditions.rows(read, []) == {}
        assert set(images.images(read, [1, 7])) == {1, 7}


# --- taken back -----------------------------------------------------------------------------------


def test_a_label_is_taken_back_to_what_stood_before(built: Index) -> None:
    before = {h.id: (h.label, h.labelled_by) for h in built.search((), where="true", k=99).results}
    report = built.labels.set("non_medical", [1, 2, 9, 10], kind="animal", subject="s")
    assert report.tx is not None
    undone = built.labels.undo(report.tx)
    assert (undone.changed, undone.unchanged) == (4, 0)
    after = {h.id: (h.label, h.labelled_by) for h in built.search((), where="true", k=99).results}
    assert after == before
    last = built.labels.history(1)[-1]
    assert (last.label, last.kind, last.subject) == ("medical", "", "")


def test_what_was_said_since_stays(built: Index) -> None:
    report = built.labels.set("non_medical", [9, 10])
    assert report.tx is not None
    built.signed_by("bob").labels.set("medical", [10])
    undone = built.labels.undo(report.tx)
    assert (undone.changed, undone.unchanged) == (1, 1)
    assert "#10 is left as labelled" in undone.notes[0]
    with built._session.catalog.reading() as read:
        rows = conditions.rows(read, [9, 10])
    assert "label" not in rows[9] and rows[10]["label"] == "medical"


def test_taking_back_what_a_source_said_is_no_persons_word(index: Index, pile: Path) -> None:
    listed = pile.parent / "list.csv"
    listed.write_text("path,label\n" + "".join(f"{p},medical\n" for p in sorted(pile.iterdir())))
    index.build([str(listed)])
    report = index.labels.set("non_medical", [1])
    assert report.tx is not None
    index.labels.undo(report.tx)
    hit = index.search((), where="id = 1", guess=True).results[0]
    assert (hit.label, hit.labelled_by) == ("medical", None)


def test_a_word_that_a_person_took_away_stays_away(index: Index, pile: Path) -> None:
    listed = pile.parent / "list.csv"
    listed.write_text("path,label\n" + "".join(f"{p},medical\n" for p in sorted(pile.iterdir())))
    index.build([str(listed)])
    index.labels.set("", [1])
    report = index.labels.set("non_medical", [1])
    assert report.tx is not None
    index.labels.undo(report.tx)
    index.build([str(listed)])
    assert index.search((), where="id = 1").results[0].label is None


def test_people_share_one_model(built: Index) -> None:
    bob = built.signed_by("bob")
    assert bob.author == "bob" and built.author != "bob"
    bob.encode_texts(["a cat"])
    carol = bob.signed_by("carol")
    carol.encode_texts(["a dog"])
    assert built._session.loaded is bob._session.loaded is carol._session.loaded is not None


def test_nothing_is_taken_back_that_nobody_said(built: Index) -> None:
    same = built.labels.set("medical", [1])
    assert same.tx is None
    for tx in (1, 10**9):
        with pytest.raises(UsageError, match="Nothing was labelled"):
            built.labels.undo(tx)


# --- foreseen -------------------------------------------------------------------------------------


def test_what_a_label_would_turn_is_what_it_turns(built: Index) -> None:
    rng = np.random.default_rng(3)
    for _ in range(6):
        image = int(rng.integers(9, 13))
        label = ("medical", "non_medical")[int(rng.integers(2))]
        foreseen = built.labels.would_turn(image, label)
        before = {v.image: v.label for v in built.query_indexed(audit=False).verdicts}
        report = built.labels.set(label, [image])
        after = {v.image: v.label for v in built.query_indexed(audit=False).verdicts}
        turned = [i for i in before if i != image and before[i] != after[i]]
        assert (foreseen.looked_at, foreseen.turned) == (11, len(turned))
        if report.tx is not None:
            built.labels.undo(report.tx)
    with pytest.raises(UsageError, match="no class"):
        built.labels.would_turn(1, "animals")
    with pytest.raises(UsageError, match="no image 99"):
        built.labels.would_turn(99, "medical")
