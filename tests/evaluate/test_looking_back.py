"""Mistakes, duplicates, proposals, and past verdicts given again."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mediclip_index import Index
from mediclip_index.evaluate import compare, networks
from mediclip_index.evaluate.propose import choose
from mediclip_index.jobs.reread import Square, pixels
from mediclip_index.show import pages
from mediclip_index.show.writing import MISTAKES, OutputStyle, write
from mediclip_index.types import Ids, SearchHit, Silent, UsageError
from mediclip_index.verdict import unit


def test_flipped_labels_are_the_most_suspect(mixed: Index) -> None:
    # Of the two photographs that words alone tell apart: a flipped label is the only surprise.
    where = "split = 'train' and source in ('retina', 'chelsea')"
    rows = mixed.search(where=where, k=200).results
    flipped = [row.id for row in rows[::8]]
    for row in rows[::8]:
        other = "non_medical" if row.label == "medical" else "medical"
        mixed.labels.set(other, [row.id])
    report = mixed.mistakes()
    first = [s.id for s in report.suspect_labels[: 2 * len(flipped)]]
    assert len(set(first) & set(flipped)) >= 0.8 * len(flipped)
    assert report.judged == 192
    scores = [s.score for s in report.suspect_labels]
    assert scores == sorted(scores, reverse=True)
    assert min(scores) >= 0.5  # words and neighbours together believe another class more
    told = write(report, MISTAKES, OutputStyle())
    assert "\nsuspicion: how little words and labelled neighbours together believe a label" in told


def test_a_mistake_shows_its_kin_of_both_classes_and_a_reason(mixed: Index) -> None:
    row = mixed.search(where="path like '%retina-20%'", k=1).results[0]
    mixed.labels.set("non_medical", [row.id])
    mistakes = {m.id: m for m in mixed.mistakes().mistakes}
    assert row.id in mistakes
    found = mistakes[row.id]
    assert {k.label for k in found.like_true} == {"non_medical"}
    assert {k.label for k in found.like_predicted} == {"medical"}
    assert row.id not in {k.id for k in (*found.like_true, *found.like_predicted)}
    assert "words" in found.why
    report = mixed.mistakes()
    page = pages.mistakes(report, mixed.images.thumbnails(pages.pictured(report)))
    assert '<img class="main" src="data:image/jpeg;base64,' in page
    assert "&lt;img" not in page
    assert 'src="http' not in page


def written_anew(mixed: Index, row: SearchHit, folder: Path) -> SearchHit:
    """The same picture in a file of other bytes, added to the index."""
    with Image.open(row.path) as picture:
        picture.save(folder / "twin.png", compress_level=1)
    mixed.build([str(folder / "twin.png")])
    return mixed.search(where="path like '%twin%'", k=1).results[0]


def test_near_duplicates_with_other_labels_contradict(mixed: Index, tmp_path: Path) -> None:
    row = mixed.search(where="path like '%coffee-10%'", k=1).results[0]
    twin = written_anew(mixed, row, tmp_path)
    mixed.labels.set("medical", [twin.id])
    pairs = {(c.first.id, c.second.id) for c in mixed.mistakes().contradictions}
    assert (row.id, twin.id) in pairs
    report = mixed.duplicates()
    group = next(g for g in report.groups if set(g.ids) == {row.id, twin.id})
    assert group.kind == "near"
    assert report.across_labels >= 1


def test_one_content_under_two_paths_is_an_exact_duplicate(mixed: Index, tmp_path: Path) -> None:
    row = mixed.search(where="path like '%coffee-11%'", k=1).results[0]
    (tmp_path / "copy.png").write_bytes(Path(row.path).read_bytes())
    mixed.build([str(tmp_path / "copy.png")])
    exact = [g for g in mixed.duplicates().groups if g.kind == "exact"]
    assert [set(g.paths) for g in exact] == [{row.path, str(tmp_path / "copy.png")}]


def test_a_leak_is_counted_and_told(mixed: Index, tmp_path: Path) -> None:
    row = mixed.search(where="split = 'test'", k=1).results[0]
    leak = written_anew(mixed, row, tmp_path)
    before = mixed.duplicates().leaks["test"]["leaked"]
    mixed.labels.set(row.label, [leak.id], split="train")
    assert mixed.duplicates().leaks["test"]["leaked"] == before + 1


def test_verdicts_replay_after_everything_has_changed(mixed: Index, listed: Path) -> None:
    mixed.tune(leave_sources_out=False)
    given = mixed.query_indexed(where="split = 'test'").verdicts
    photo = str(listed.parent / "retina-05.png")
    given += mixed.query([photo]).verdicts
    given += mixed.query([photo], alpha=0.7, k=3).verdicts
    rows = mixed.search(where="split = 'train'", k=200).results
    mixed.labels.set("medical", [r.id for r in rows[:20]])
    mixed.labels.set("", [r.id for r in rows[20:30]])
    mixed.tune(leave_sources_out=False, objective="accuracy")
    report = mixed.audit.replay()
    assert (report.replayed, report.identical) == (len(given), len(given))
    assert mixed.audit.replay([given[0].id]).replayed == 1
    # And the verdicts of today are other ones, so the past was really brought back.
    now = mixed.query_indexed(where="split = 'test'").verdicts
    assert any(a.probability != b.probability for a, b in zip(given, now, strict=False))


def test_replay_holds_after_images_came_and_went(mixed: Index, listed: Path) -> None:
    given = mixed.query_indexed(where="split = 'test'").verdicts
    for n in range(8):
        os.rename(listed.parent / f"coffee-0{n}.png", listed.parent / f".coffee-0{n}.gone")
    try:
        mixed.build([str(listed)], allow_missing=True)
        assert mixed.info().gone == 8
        assert mixed.audit.replay().identical == len(given)
    finally:
        for n in range(8):
            os.rename(listed.parent / f".coffee-0{n}.gone", listed.parent / f"coffee-0{n}.png")


def test_a_verdict_that_was_tampered_with_is_found_by_replay(mixed: Index) -> None:
    mixed.query_indexed(where="path like '%retina-05%'")
    with mixed._session.catalog.writing("tamper") as write:
        write.db.execute(
            'UPDATE verdicts SET body = replace(body, \'"label":"\', \'"label":"not_\')'
        )
    report = mixed.audit.replay()
    assert report.identical == 0
    assert report.different[0].what.startswith("not_")


def test_replay_of_an_unknown_verdict_is_refused(mixed: Index) -> None:
    with pytest.raises(UsageError, match="no verdict"):
        mixed.audit.replay(["ffff"])


def test_label_next_proposes_unlabelled_images_that_differ(mixed: Index) -> None:
    ids = [h.id for h in mixed.search(where="split = 'train'", k=200).results]
    mixed.labels.set("", ids)
    proposed = mixed.labels.next(8)
    assert len({p.id for p in proposed}) == 8
    assert {p.id for p in proposed} <= set(ids)


def test_the_choice_spreads_over_clusters(rng: np.random.Generator) -> None:
    centres = np.eye(4, 8)
    vectors = np.repeat(centres, 20, axis=0) + 0.05 * rng.standard_normal((80, 8))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    chosen = choose(vectors, np.zeros((0, 8), np.float32), 4, 10.0)
    assert {int(n) // 20 for n in chosen} == {0, 1, 2, 3}
    # What is labelled already needs no second label.
    assert {int(n) // 20 for n in choose(vectors, vectors[:20], 3, 10.0)} == {1, 2, 3}


def test_a_crowd_of_look_alikes_does_not_take_the_proposals(rng: np.random.Generator) -> None:
    # 200 images that differ a little, and five kinds of six images each: were the bare weights of
    # votes counted, what differs in the crowd would outweigh each kind.
    crowd = np.eye(6, 24)[0] + 0.1 * rng.standard_normal((200, 24))
    kinds = np.repeat(np.eye(6, 24)[1:], 6, axis=0) + 0.02 * rng.standard_normal((30, 24))
    vectors = unit(np.concatenate([crowd, kinds]))
    nothing = np.zeros((0, 24), np.float32)
    chosen = choose(vectors, nothing, 6, 10.0)
    assert sorted(max(0, (int(n) - 200) // 6 + 1) for n in chosen) == [0, 1, 2, 3, 4, 5]
    # Nor where some of the crowd is labelled: it has its share.
    chosen = choose(vectors[10:], vectors[:10], 5, 10.0)
    assert sorted((int(n) - 190) // 6 + 1 for n in chosen) == [1, 2, 3, 4, 5]
    # Equally near to a label, the one with fewer labels around it: more of its vote is to be had.
    axes = np.eye(16, dtype=np.float32)
    labelled = 0.8 * axes[[0] * 12 + [1]] + 0.6 * axes[2:15]
    assert choose(axes[:2], labelled, 1, 10.0).tolist() == [1]


def test_a_sample_of_the_pile_proposes_what_the_whole_does() -> None:
    # 60 images of one kind with 50 labels in their neighbourhood, ten of another with one: in a
    # tenth of them, the labels must not weigh ten times as much.
    axes = np.eye(54, dtype=np.float32)
    labelled = np.concatenate(
        [0.839 * axes[[0] * 50] + 0.544 * axes[2:52], 0.895 * axes[[1]] + 0.446 * axes[[52]]]
    )
    whole, some = axes[[0] * 60 + [1] * 10], axes[[0] * 6 + [1]]
    assert choose(whole, labelled, 1, 10.0)[0] < 60
    assert choose(some, labelled, 1, 10.0, 10.0)[0] < 6
    assert choose(some, labelled, 1, 10.0)[0] == 6, "what the sample alone would propose"


def test_compare_holds_every_method_to_the_same_pictures(mixed: Index) -> None:
    report = mixed.compare()
    names = [c.method for c in report.contenders]
    assert {"blend", "neighbours alone", "linear probe", "One-Class SVM", "OC-NN"} <= set(names)
    accuracies = [c.accuracy.value for c in report.contenders]
    assert accuracies == sorted(accuracies, reverse=True)
    by_name = {c.method: c for c in report.contenders}
    blend = mixed.evaluate(split="test").methods["blend"].accuracy.value
    assert by_name["blend"].accuracy.value == pytest.approx(blend)
    assert by_name["linear probe"].accuracy.value > 0.9
    assert set(by_name["linear probe"].learning_curve) == {"10", "30", "64"}
    assert set(by_name["OC-NN"].learning_curve) == {"10", "64"}
    assert by_name["Deep SVDD"].labels == 64


def test_each_page_of_a_file_and_member_of_an_archive_is_shown_and_learned_from_as_itself(
    tmp_path: Path,
) -> None:
    colours = {"red": (200, 0, 0), "green": (0, 200, 0), "blue": (0, 0, 200)}
    tiles = [Image.new("RGB", (400, 200), colour) for colour in colours.values()]
    tiles[0].save(tmp_path / "pages.tif", save_all=True, append_images=tiles[1:2])
    tiles[2].save(tmp_path / "blue.png")
    with zipfile.ZipFile(tmp_path / "blue.zip", "w") as archive:
        archive.write(tmp_path / "blue.png", "ward/blue.png")
    index = Index.create(tmp_path / "index", model="lite")
    index.build([str(tmp_path / "pages.tif"), str(tmp_path / "blue.zip")])
    ids = [row.id for row in index.search(where="width > 0", k=10).results]
    for found, shape in (
        (index.images.thumbnails(ids, 100), (50, 100, 3)),
        (pixels(index._session, ids, Square(64)), (64, 64, 3)),
    ):
        assert {p.shape for p in found.values()} == {shape}
        strongest = {int(p.mean(axis=(0, 1)).argmax()) for p in found.values()}
        assert strongest == {0, 1, 2}
    os.remove(tmp_path / "blue.zip")
    assert len(index.images.thumbnails(ids)) == 2


def test_compare_trains_networks_once_on_the_same_pictures(
    mixed: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compare, "_methods", lambda *_: iter(()))
    nets = mixed.compare(nets=True, epochs=1).contenders
    names = {c.method.split(",")[0] for c in nets}
    assert names >= {"ResNet-18", "EfficientNet-B0"}
    assert all(c.method.endswith((", from scratch", ", from ImageNet")) for c in nets)
    assert all(c.train_seconds > 0 for c in nets)
    assert all(set(c.learning_curve) == {"10", "64"} for c in nets)

    def learn(*_: object, **__: object) -> networks.Learned:
        raise AssertionError("learned again")

    monkeypatch.setattr(networks, "learn", learn)
    assert mixed.compare(nets=True, epochs=1).contenders == nets
    with pytest.raises(AssertionError, match="learned again"):
        mixed.compare(nets=True, epochs=2)


def test_a_network_learns_what_can_be_learned(rng: np.random.Generator) -> None:
    def drawn(count: int) -> tuple[networks.Squares, Ids]:
        truth = np.arange(count) % 2
        light = np.where(truth, 180, 70)[:, None, None, None]
        side = networks.KEPT
        noisy = light + rng.normal(0, 30, (count, side, side, 3))
        return np.clip(noisy, 0, 255).astype(np.uint8), truth.astype(np.int64)

    start = networks.beginning(networks.NETWORKS[0], 2)
    (taught, truth), (asked, wanted) = drawn(64), drawn(16)
    learned = networks.learn(start, taught, truth, asked, epochs=2, seed=0, progress=Silent())
    assert (learned.answers == wanted).mean() > 0.9
