"""Images, paths and labels as of any transaction."""

from __future__ import annotations

import numpy as np

from mediclip_index.catalog import Catalog, images, labels, models, presence, provenance, stats
from mediclip_index.catalog.images import NewFile
from mediclip_index.types import Facts, Refusal, Settings
from tests.catalog.conftest import add


def test_the_same_content_under_two_names_is_one_image_with_two_paths(catalog: Catalog) -> None:
    with catalog.writing("build") as write:
        ids = add(write, {"/pile/a.png": "same", "/pile/b.png": "same", "/pile/c.png": "other"})
    assert ids["/pile/a.png"] == ids["/pile/b.png"] != ids["/pile/c.png"]
    with catalog.reading() as read:
        assert presence.image_count(read) == 2


def test_an_image_goes_when_its_last_path_goes_and_comes_back_with_it(filled: Catalog) -> None:
    with filled.writing("build") as write:
        gone_at = write.tx
        assert images.close_files(write, ["/pile/a.png"]) == 1
    with filled.reading() as read:
        assert presence.present_ids(read).tolist() == [2, 3, 4]
        assert images.images(read, [1])[1].path == "/pile/a.png"
        assert ("/pile/a.png", "aaaa") in images.past_contents(read)
        before = read.as_of(gone_at - 1)
        assert presence.present_ids(before).tolist() == [1, 2, 3, 4]
    with filled.writing("build") as write:
        images.add_files(write, 1, [NewFile("/pile/a.png", 99, 1, "aaaa")])
    with filled.reading() as read:
        assert presence.present_ids(read).tolist() == [1, 2, 3, 4]


def test_an_edited_file_is_a_new_image_and_the_old_one_is_gone(filled: Catalog) -> None:
    with filled.writing("build") as write:
        ids = add(write, {"/pile/a.png": "edited"}, seed=5)
    assert ids["/pile/a.png"] == 5
    with filled.reading() as read:
        assert presence.present_ids(read).tolist() == [2, 3, 4, 5]


def test_an_image_that_another_process_added_first_is_not_added_twice(filled: Catalog) -> None:
    with filled.reading() as read:
        before = images.vectors(read, models.encoder(read), [1])[1]
    with filled.writing("build") as write:
        add(write, {"/pile/a2.png": "aaaa"}, seed=9)
    with filled.reading() as read:
        after = images.vectors(read, models.encoder(read), [1])[1]
        assert presence.image_count(read) == 4
    np.testing.assert_array_equal(before, after)


def test_vectors_come_back_as_they_went_in_and_in_order_of_id(catalog: Catalog) -> None:
    with catalog.writing("build") as write:
        add(write, {f"/p/{n}": f"c{n}" for n in range(50)}, seed=3)
    with catalog.reading() as read:
        ids, vectors = images.vectors(read, models.encoder(read))
        some, part = images.vectors(read, models.encoder(read), [7, 3])
    assert ids.tolist() == list(range(1, 51))
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert some.tolist() == [3, 7]
    np.testing.assert_array_equal(part, vectors[[2, 6]])


def test_only_newer_vectors_are_asked_for_beside_a_file(filled: Catalog) -> None:
    with filled.writing("build") as write:
        through = write.tx - 1
        add(write, {"/pile/e.png": "eeee"}, seed=4)
    with filled.reading() as read:
        assert images.vectors(read, models.encoder(read), since=through)[0].tolist() == [5]


def test_labels_are_rows_with_author_and_time_and_the_latest_counts(filled: Catalog) -> None:
    with filled.writing("label set", by="bob") as write:
        changed = labels.say(write, {1: Facts("non_medical"), 2: Facts("medical")})
        tx = write.tx
    assert changed == 1
    with filled.reading() as read:
        assert labels.current_labels(read)[1] == labels.CurrentLabels("non_medical", "train", "p1")
        assert labels.current_labels(read.as_of(tx - 1))[1].label == "medical"
        history = labels.history(read, 1)
    assert [(event.by, event.label) for event in history] == [
        ("ann", "medical"),
        ("bob", "non_medical"),
    ]
    assert history[1].split is None


def test_an_empty_label_takes_the_label_away_and_leaves_the_rest(filled: Catalog) -> None:
    with filled.writing("label set") as write:
        labels.say(write, {1: Facts(label="")})
    with filled.reading() as read:
        assert labels.current_labels(read, [1])[1] == labels.CurrentLabels(None, "train", "p1")


def test_saying_the_same_again_writes_nothing(filled: Catalog) -> None:
    said = {1: Facts("medical", None, "p1", {"age": "61"})}
    with filled.reading() as read:
        again = labels.label_changes(read, said, of_source=True)
    assert not again.labels and not again.attributes and not again.changed


def test_a_persons_word_is_written_where_only_a_source_said_it_and_changes_nothing(
    filled: Catalog,
) -> None:
    with filled.writing("label set", by="bob") as write:
        assert labels.by_hand(write) == {}
        assert labels.say(write, {1: Facts("medical")}) == 0
        assert labels.by_hand(write) == {1: labels.ByHand("medical", None, "bob")}
    with filled.writing("label set", by="cleo") as write:
        assert not labels.label_changes(write, {1: Facts("medical")}).labels  # bob has said it
        labels.say(write, {1: Facts(kind="fundus")})
        assert labels.by_hand(write, [1, 2]) == {1: labels.ByHand("medical", "fundus", "cleo")}
    with filled.writing("build") as write:
        labels.say(write, {1: Facts("non_medical", kind="")}, of_source=True)
        assert labels.by_hand(write) == {}  # a source said something new


def test_support_is_labelled_present_and_not_held_out(filled: Catalog) -> None:
    with filled.reading() as read:
        support = labels.support(read, ["non_medical", "medical"])
    # 2 is in the test split, 4 has no label.
    assert support.ids.tolist() == [1, 3]
    assert support.classes.tolist() == [1, 0]
    with filled.writing("build") as write:
        images.close_files(write, ["/pile/a.png"])
    with filled.reading() as read:
        assert labels.support(read, ["non_medical", "medical"]).ids.tolist() == [3]


def test_refusals_are_kept_with_their_reason(filled: Catalog) -> None:
    refusal = Refusal("/pile/x\udc80.jpg", "damaged", "It is cut short.")
    with filled.writing("build") as write:
        provenance.add_refusals(write, [refusal])
        images.add_files(write, 1, [NewFile("/pile/x\udc80.jpg", 5, 6, None)])
    with filled.reading() as read:
        assert provenance.known_refusals(read) == {"/pile/x\udc80.jpg": [refusal]}
        assert stats.stats(read).refusals == {"damaged": 1}
        assert images.stored_files(read)["/pile/x\udc80.jpg"].sha256 is None


def test_sentences_and_settings_come_back_as_they_went_in(catalog: Catalog) -> None:
    vectors = np.eye(2, 8, dtype=np.float32)
    with catalog.writing("x") as write:
        stored = models.encoder(write)
        models.keep_sentences(write, stored, ["a 'quoted' one", "zwei"], vectors)
        models.keep_sentences(write, stored, ["zwei"], vectors[:1])
    with catalog.reading() as read:
        found = models.sentence_vectors(read, stored, ["zwei", "a 'quoted' one", "unknown"])
        assert models.settings(read) == Settings(number=1)
    assert set(found) == {"zwei", "a 'quoted' one"}
    np.testing.assert_array_equal(found["zwei"], vectors[1])
