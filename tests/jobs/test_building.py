"""Taking images in: every input ends in exactly one place, and the index follows the disk."""

from __future__ import annotations

import multiprocessing as mp
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mediclip_index import Index
from mediclip_index.catalog import Catalog, images, models, presence
from mediclip_index.show.writing import BUILD, OutputStyle, write
from mediclip_index.types import Ids, UsageError, Vectors

# Dies between the rows of its third batch and their commit.
BUILD_AND_DIE = """
import os, signal, sys
from mediclip_index import Index
from mediclip_index.catalog import images
from mediclip_index.jobs import build

build.COMMIT_IMAGES = 4
add_files, calls = images.add_files, []

def dying(*arguments):
    add_files(*arguments)
    calls.append(1)
    if len(calls) == 3:
        os.kill(os.getpid(), signal.SIGKILL)

images.add_files = dying
Index.open(sys.argv[1]).build([sys.argv[2]], batch_size=2)
"""


def stored(index: Index) -> dict[str, Vectors]:
    """Vectors by path, as the catalog has them."""
    with Catalog.open(index.path).reading() as read:
        ids, vectors = images.vectors(read, models.encoder(read))
        known = images.images(read)
    return {known[int(i)].path: v for i, v in zip(ids, vectors, strict=True)}


def test_a_new_pile_is_added_and_a_second_build_reads_nothing(index: Index, pile: Path) -> None:
    first = index.build([str(pile)])
    assert (first.added, first.unchanged, first.images) == (12, 0, 12)
    again = index.build([str(pile)])
    assert (again.added, again.unchanged, again.images) == (0, 12, 12)


def test_without_a_source_the_known_ones_are_looked_at_again(
    index: Index, pile: Path, photographs: list[Image.Image]
) -> None:
    index.build([str(pile)])
    photographs[20].save(pile / "new.png")
    report = index.build()
    assert (report.added, report.unchanged) == (1, 12)


def test_the_same_content_under_another_name_is_a_duplicate(index: Index, pile: Path) -> None:
    shutil.copy(pile / "p00.png", pile / "copy.png")
    report = index.build([str(pile)])
    assert (report.added, report.duplicates, report.images) == (12, 1, 12)


def test_a_renamed_file_keeps_its_id_and_label(built: Index, pile: Path) -> None:
    (pile / "p00.png").rename(pile / "renamed.png")
    report = built.build([str(pile)])
    assert (report.added, report.renamed, report.duplicates) == (0, 1, 0)
    hit = next(h for h in built.search(where="path like '%/renamed.png'").results)
    assert hit.label == "medical"


def test_a_folder_that_was_renamed_whole_is_no_mass_disappearance(
    index: Index, tmp_path: Path, pile: Path
) -> None:
    inner = pile / "inner"
    inner.mkdir()
    for file in pile.glob("*.png"):
        file.rename(inner / file.name)
    index.build([str(pile)])
    inner.rename(pile / "moved")
    report = index.build([str(pile)])
    assert (report.renamed, report.added, report.refused) == (12, 0, ())


def test_an_edited_file_is_a_new_image(
    built: Index, pile: Path, photographs: list[Image.Image]
) -> None:
    photographs[30].save(pile / "p00.png")
    report = built.build([str(pile)])
    assert (report.added, report.unchanged, report.images) == (1, 11, 12)
    hit = built.search(where="path like '%/p00.png'").results[0]
    assert hit.label is None


def test_a_vanished_file_is_gone_and_comes_back_with_its_label(built: Index, pile: Path) -> None:
    away = pile.parent / "away.png"
    (pile / "p00.png").rename(away)
    report = built.build([str(pile)])
    assert (report.gone, report.images) == (1, 11)
    assert built.search(where="path like '%/p00.png'").results == ()
    away.rename(pile / "p00.png")
    report = built.build([str(pile)])
    assert (report.returned, report.added, report.images) == (1, 0, 12)
    assert built.search(where="path like '%/p00.png'").results[0].label == "medical"


def test_where_a_tenth_and_more_is_missing_nothing_is_changed(built: Index, pile: Path) -> None:
    for name in ("p00.png", "p01.png"):
        (pile / name).unlink()
    report = built.build([str(pile)])
    assert report.images == 12
    assert "--allow-missing" in report.refused[0].message
    report = built.build([str(pile)], allow_missing=True)
    assert (report.gone, report.images) == (2, 10)


def test_an_unmounted_source_is_asked_about_too(built: Index, pile: Path) -> None:
    pile.rename(pile.with_name("unmounted"))
    report = built.build()
    assert report.images == 12
    assert "missing" in report.refused[0].message


def test_bad_files_are_refused_once_read_and_kept_on_record(index: Index, pile: Path) -> None:
    (pile / "notes.dat").write_text("not a picture")
    (pile / "cut.png").write_bytes((pile / "p00.png").read_bytes()[:-2000])
    (pile / "empty.jpg").touch()
    first = index.build([str(pile)])
    reasons = {Path(r.path).name: r.reason for r in first.refused}
    assert reasons == {"notes.dat": "not_an_image", "cut.png": "damaged", "empty.jpg": "empty"}
    assert first.added == 12
    again = index.build([str(pile)])
    assert {(r.path, r.reason) for r in again.refused} == {
        (r.path, r.reason) for r in first.refused
    }
    assert index.info().refusals == {"damaged": 1, "empty": 1, "not_an_image": 1}
    assert index.info().files == 15


def test_a_mended_file_is_taken_in(index: Index, pile: Path) -> None:
    whole = (pile / "p00.png").read_bytes()
    (pile / "p00.png").write_bytes(whole[:-2000])
    assert len(index.build([str(pile)]).refused) == 1
    (pile / "p00.png").write_bytes(whole)
    report = index.build([str(pile)])
    assert (report.added, report.refused) == (1, ())
    assert index.info().refusals == {}


def test_labels_splits_subjects_and_more_come_from_a_csv(index: Index, pile: Path) -> None:
    table = pile.parent / "list.csv"
    table.write_text(
        "path,label,split,subject,ward\n"
        "pile/p00.png,medical,test,s1,A\npile/p01.png,non_medical,,,B\npile/p02.png,,,,\n"
    )
    report = index.build([str(table)])
    assert (report.added, report.labelled) == (3, 2)
    hit = index.search(where="ward = 'A'").results[0]
    assert (hit.label, hit.split, hit.metadata["subject"]) == ("medical", "test", "s1")


def test_a_changed_csv_changes_labels_without_reading_a_picture(index: Index, pile: Path) -> None:
    table = pile.parent / "list.csv"
    table.write_text("path,label\npile/p00.png,medical\npile/p01.png,medical\n")
    index.build([str(table)])
    table.write_text("path,label\npile/p00.png,non_medical\npile/p01.png,medical\n")
    report = index.build([str(table)])
    assert (report.added, report.unchanged, report.labelled) == (0, 2, 1)


@pytest.mark.parametrize("rehash", [False, True])
def test_what_people_mended_stands_until_the_source_says_something_new(
    rehash: bool, index: Index, pile: Path
) -> None:
    def current() -> tuple[str | None, str | None, object]:
        hit = index.search(where="path like '%/p00.png'").results[0]
        return hit.label, hit.split, hit.metadata.get("ward")

    table = pile.parent / "list.csv"
    table.write_text("path,label,split,ward\npile/p00.png,medical,test,A\n")
    assert index.build([str(table)], rehash=rehash).labelled == 1
    mended = pile.parent / "mended.csv"
    mended.write_text("path,label,ward\npile/p00.png,non_medical,B\n")
    index.labels.from_csv(mended, keep_columns=True)
    assert index.build([str(table)], rehash=rehash).labelled == 0
    assert current() == ("non_medical", "test", "B")
    table.write_text("path,label,split,ward\npile/p00.png,medical,train,C\n")
    assert index.build([str(table)], rehash=rehash).labelled == 1
    assert current() == ("non_medical", "train", "C"), "it says nothing new of the class"
    table.write_text("path,label,split,ward\npile/p00.png,non_medical,train,C\n")
    index.build([str(table)], rehash=rehash)
    table.write_text("path,label,split,ward\npile/p00.png,medical,train,C\n")
    assert index.build([str(table)], rehash=rehash).labelled == 1
    assert current() == ("medical", "train", "C")


def test_a_label_set_by_hand_outlives_a_build_and_follows_a_file_to_another_folder(
    index: Index, tmp_path: Path, photographs: list[Image.Image]
) -> None:
    for folder in ("medical", "non_medical"):
        (tmp_path / "classes" / folder).mkdir(parents=True)
    file = tmp_path / "classes" / "medical" / "a.png"
    photographs[0].save(file)
    index.build([str(tmp_path / "classes")])
    index.labels.set("non_medical", [1])
    index.build([str(tmp_path / "classes")])
    assert index.search(where="id = 1").results[0].label == "non_medical"
    index.labels.set("medical", [1])
    file.rename(tmp_path / "classes" / "non_medical" / "a.png")
    index.build([str(tmp_path / "classes")], allow_missing=True)
    assert index.search(where="id = 1").results[0].label == "non_medical"


def test_a_label_that_is_no_class_stops_the_build_before_anything_is_written(
    index: Index, pile: Path
) -> None:
    table = pile.parent / "list.csv"
    table.write_text("path,label\npile/p00.png,medcial\n")
    with pytest.raises(UsageError, match="medcial"):
        index.build([str(table)])
    assert index.info().files == 0


def test_class_folders_label_their_pictures(index: Index, pile: Path) -> None:
    for split, name, file in (
        ("train", "Medical", "p00.png"),
        ("test", "Non-Medical", "p01.png"),
    ):
        (pile / split / name).mkdir(parents=True)
        (pile / file).rename(pile / split / name / file)
    index.build([str(pile)])
    hits = {Path(h.path).name: h for h in index.search(where="label is not null").results}
    assert (hits["p00.png"].label, hits["p00.png"].split) == ("medical", "train")
    assert (hits["p01.png"].label, hits["p01.png"].split) == ("non_medical", "test")
    assert len(hits) == 2


def test_the_index_folder_inside_a_source_is_not_taken_in(
    tmp_path: Path, tiny_model: str, pile: Path
) -> None:
    index = Index.create(pile / "index", model=tiny_model)
    index.build([str(pile)])
    report = index.build([str(pile)])
    assert (report.unchanged, report.refused) == (12, ())


def test_a_killed_build_goes_on_where_it_stopped(
    tmp_path: Path, tiny_model: str, pile: Path
) -> None:
    undisturbed = Index.create(tmp_path / "undisturbed", model=tiny_model)
    undisturbed.build([str(pile)], batch_size=4)
    killed = Index.create(tmp_path / "killed", model=tiny_model)

    victim = subprocess.run(
        [sys.executable, "-c", BUILD_AND_DIE, str(killed.path), str(pile)],
        timeout=120,
        check=False,
    )
    assert victim.returncode == -signal.SIGKILL
    assert 0 < killed.info().index.images < 12
    report = killed.build([str(pile)])
    assert report.images == 12
    expected, found = stored(undisturbed), stored(killed)
    assert found.keys() == expected.keys()
    for path, vector in found.items():
        np.testing.assert_allclose(vector, expected[path], atol=1e-5)


def test_a_lost_neighbour_file_is_written_anew(built: Index, pile: Path) -> None:
    for file in built.path.glob("neighbours-*.faiss"):
        file.unlink()
    before = built.search(like=[1], k=5)
    assert any("neighbour file" in note for note in before.notes)
    built.build([str(pile)])
    after = built.search(like=[1], k=5)
    assert after.notes == ()
    assert [h.id for h in after.results] == [h.id for h in before.results]


def ids_of(index: Index) -> Ids:
    with Catalog.open(index.path).reading() as read:
        return presence.present_ids(read)


def test_two_builders_at_once_keep_each_image_once(
    tmp_path: Path, tiny_model: str, pile: Path
) -> None:
    index = Index.create(tmp_path / "index", model=tiny_model)
    command = ["build", str(pile)]
    builders = [
        mp.get_context("spawn").Process(target=_build, args=(str(index.path), command[1]))
        for _ in range(2)
    ]
    for builder in builders:
        builder.start()
    for builder in builders:
        builder.join(120)
        assert builder.exitcode == 0
    assert len(ids_of(index)) == 12


def _build(folder: str, source: str) -> None:
    Index.open(folder).build([source])


def test_a_label_set_by_hand_outlives_two_files_that_contradict_each_other(
    index: Index, tmp_path: Path, photographs: list[Image.Image]
) -> None:
    for folder in ("one/medical", "two/non_medical"):
        (tmp_path / folder).mkdir(parents=True)
        photographs[0].save(tmp_path / folder / "a.png")
    sources = [str(tmp_path / "one"), str(tmp_path / "two")]
    index.build(sources)
    index.labels.set("medical", [1])
    for _ in range(2):
        assert index.build(sources, rehash=True).labelled == 0
    assert index.search(where="id = 1").results[0].label == "medical"
    assert len(index.labels.history(1)) == 3


def test_a_source_that_agreed_with_a_person_is_not_heard_twice(
    index: Index, tmp_path: Path, photographs: list[Image.Image]
) -> None:
    (tmp_path / "loose").mkdir()
    photographs[0].save(tmp_path / "loose" / "a.png")
    (tmp_path / "classes" / "medical").mkdir(parents=True)
    photographs[0].save(tmp_path / "classes" / "medical" / "a.png")
    index.build([str(tmp_path / "loose")], labels="none")
    index.labels.set("medical", [1])
    assert index.build([str(tmp_path / "classes")]).labelled == 0
    index.labels.set("non_medical", [1])
    index.build([str(tmp_path / "classes")])
    assert index.search(where="id = 1").results[0].label == "non_medical"


def test_one_content_under_two_classes_or_splits_is_told(
    index: Index, tmp_path: Path, photographs: list[Image.Image]
) -> None:
    names = ("train/medical/a.png", "test/non_medical/b.png", "train/medical/c.png")
    for name, picture in zip(names, (0, 0, 1), strict=True):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        photographs[picture].save(tmp_path / name)
    for _ in range(2):
        notes = [note for note in index.build([str(tmp_path)]).notes if "said to be" in note]
        assert len(notes) == 2
        assert "1 image is said to be of several classes" in notes[0]
        assert "of several splits" in notes[1]
        assert all("a.png and" in n or "and " + str(tmp_path / names[0]) in n for n in notes)
    (tmp_path / names[1]).unlink()
    assert not any("said to be" in note for note in index.build([str(tmp_path)]).notes)


def test_a_folder_that_was_moved_is_listed_where_it_lies_now(built: Index, pile: Path) -> None:
    moved = pile.rename(pile.with_name("moved"))
    report = built.build([str(moved)])
    assert (report.renamed, report.duplicates, report.gone, report.images) == (12, 0, 0, 12)
    assert all(h.path.startswith(f"{moved}/") for h in built.search(where="true", k=12).results)
    assert built.duplicates().groups == ()
    again = built.build()
    assert (again.refused, again.unchanged) == ((), 12)


def test_a_folder_whose_copy_is_known_may_go_without_a_question(built: Index, pile: Path) -> None:
    copied = shutil.copytree(pile, pile.with_name("copied"))
    assert built.build([str(copied)]).duplicates == 12
    shutil.rmtree(pile)
    assert {h.path for h in built.search(where="true", k=12).results} == set(
        map(str, copied.iterdir())
    )
    assert [g for g in built.duplicates().groups if g.kind == "exact"] == []
    report = built.build()
    assert (report.refused, report.gone, report.images) == ((), 12, 12)


def test_a_source_that_is_gone_is_said_to_be_gone(built: Index, pile: Path) -> None:
    shutil.rmtree(pile)
    (refused,) = built.build().refused
    assert refused.reason == "missing"
    assert f"{pile} is gone" in refused.message
    assert "build --allow-missing" in refused.message
    shown = write(built.build(), BUILD, OutputStyle())
    assert "  files      those of 1 source missing\n" in shown
    assert "\n1 source missing:\n" in shown
    assert "refused" not in shown
