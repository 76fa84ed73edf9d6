"""The map of an index: made, extended, and rid of what was taken out."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mediclip_index import Index, neighbours
from mediclip_index.catalog import images, models, provenance
from mediclip_index.catalog.images import NewFile, NewImage
from mediclip_index.jobs import map as map_job
from mediclip_index.session.session import load_encoder, put_in_force
from mediclip_index.types import MapPoints, UsageError, Vectors, WriteError
from stress.piles import write_model
from tests.conftest import unit_rows

DIM = 32
KINDS = 6


def like(rng: np.random.Generator, count: int, kinds: int = KINDS) -> tuple[Vectors, list[int]]:
    """Vectors of a few kinds, and which kind each is of."""
    centres = unit_rows(np.random.default_rng(7), kinds, DIM)
    which = rng.integers(kinds, size=count)
    rows = centres[which] + 0.5 * unit_rows(rng, count, DIM)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True), which.tolist()


def add(index: Index, vectors: Vectors) -> list[int]:
    """Images of these vectors, without pictures; their ids."""
    catalog = index._session.catalog
    with catalog.reading() as read:
        known = models.encoder(read)
        before = len(images.all_vectors(read, known)[0])
    names = [hashlib.sha256(f"{before + n}".encode()).hexdigest() for n in range(len(vectors))]
    with catalog.writing("test") as write:
        source = provenance.add_source(write, "s", labels="none")
        images.add_files(write, source, [NewFile(f"/s/{sha}", 1, 1, sha) for sha in names])
        images.add_images(
            write,
            known,
            [
                NewImage(sha, None, None, 1, 1, "PNG", 1, {}, vector)
                for sha, vector in zip(names, vectors, strict=True)
            ],
        )
        return [i for sha in names for i in images.added(write)[sha]]


def points_of(index: Index) -> MapPoints:
    found = index.map.points()
    assert found is not None
    return found


def in_file(index: Index) -> set[int]:
    return set(neighbours.read_map(index.path).points()[0].tolist())


def kept_together(xy: Vectors, kinds: list[int]) -> float:
    """The share of nearest positions that are of the same kind."""
    apart = np.linalg.norm(xy[:, None] - xy[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    kind = np.array(kinds)
    return float((kind[apart.argmin(axis=1)] == kind).mean())


def test_a_map_of_real_pictures_is_extended_and_nothing_on_it_moves(
    built: Index, photographs: list[Image.Image], pile: Path
) -> None:
    assert built.map.points() is None
    with pytest.raises(UsageError, match="make one"):
        built.map.place(built.vectors([1]))
    made = built.map.make()
    assert (made.made, made.images, made.landmarks, made.placed) == ("anew", 12, 12, 12)
    before = points_of(built)
    assert before.ids.tolist() == list(range(1, 13))
    assert before.xy.shape == (12, 2)
    assert before.xy.dtype == np.float32
    assert np.abs(before.xy).max() <= 1
    assert before.lacking == 0
    for number, picture in enumerate(photographs[12:15], 12):
        picture.save(pile / f"p{number}.png")
    built.build()
    assert points_of(built).lacking == 3
    more = built.map.make()
    assert (more.made, more.images, more.landmarks, more.placed) == ("extended", 15, 12, 3)
    after = points_of(built)
    assert after.lacking == 0
    assert after.tx > before.tx
    assert np.array_equal(after.xy[:12], before.xy)
    assert after.ids.tolist() == list(range(1, 16))
    assert built.map.make().made == "unchanged"
    assert built.verify().ok


def test_like_lies_beside_like_also_what_came_later(index: Index, rng: np.random.Generator) -> None:
    vectors, kinds = like(rng, 500)
    ids = add(index, vectors[:300])
    assert index.map.make(landmarks=100).landmarks == 100
    first = points_of(index)
    ids += add(index, vectors[300:])
    report = index.map.make()
    assert (report.made, report.placed) == ("extended", 200)
    shown = points_of(index)
    assert np.array_equal(shown.xy[np.isin(shown.ids, first.ids)], first.xy)
    assert shown.ids.tolist() == ids
    assert kept_together(shown.xy, kinds) > 0.9
    assert kept_together(shown.xy[300:], kinds[300:]) > 0.9


def test_a_new_picture_is_placed_where_its_like_lie(index: Index, rng: np.random.Generator) -> None:
    vectors, kinds = like(rng, 400)
    add(index, vectors[:300])
    index.map.make(landmarks=150)
    shown = points_of(index)
    xy = index.map.place(vectors[300:])
    assert xy.shape == (100, 2)
    nearest = np.linalg.norm(xy[:, None] - shown.xy[None], axis=2).argmin(axis=1)
    assert np.mean([kinds[n] == kinds[300 + q] for q, n in enumerate(nearest)]) > 0.9
    landmark = int(neighbours.read_map(index.path).landmark_ids[3])
    again = index.map.place(index.vectors([landmark]))
    assert np.allclose(again[0], shown.xy[shown.ids == landmark][0], atol=1e-3)
    assert index.map.place(np.empty((0, DIM), dtype=np.float32)).shape == (0, 2)
    for wrong in (vectors[0], vectors[:, :5], np.full((1, DIM), np.nan, dtype=np.float32)):
        with pytest.raises(UsageError, match="rows of 32"):
            index.map.place(wrong)


def test_the_page_and_make_place_alike(index: Index, rng: np.random.Generator) -> None:
    vectors, _ = like(rng, 200)
    ids = add(index, vectors[:120])
    index.map.make(landmarks=60)
    ids += add(index, vectors[120:])
    index.map.make()
    kept = neighbours.read_map(index.path)
    assert np.allclose(index.map.place(index.vectors(kept.placed_ids.tolist())), kept.placed_xy,
                       atol=1e-4)  # fmt: skip


def test_the_same_seed_makes_the_same_map(index: Index, rng: np.random.Generator) -> None:
    add(index, like(rng, 200)[0])
    index.map.make(landmarks=80)
    first = points_of(index)
    assert index.map.make(landmarks=80).made == "unchanged"
    assert index.map.make(landmarks=80, anew=True).made == "anew"
    assert np.array_equal(points_of(index).xy, first.xy)
    assert index.map.make(landmarks=80, seed=1).made == "anew"
    assert not np.allclose(points_of(index).xy, first.xy)


def test_an_index_that_grew_to_twice_its_map_gets_another(
    index: Index, rng: np.random.Generator
) -> None:
    vectors, _ = like(rng, 20)
    add(index, vectors[:10])
    index.map.make()
    add(index, vectors[10:19])
    assert index.map.make().made == "extended"
    add(index, vectors[19:])
    report = index.map.make()
    assert (report.made, report.landmarks) == ("anew", 20)


def test_a_purged_image_leaves_no_place_and_the_others_stay(
    index: Index, rng: np.random.Generator
) -> None:
    ids = add(index, like(rng, 60)[0])
    index.map.make(landmarks=40)
    kept = neighbours.read_map(index.path)
    gone = [int(kept.landmark_ids[0]), int(kept.placed_ids[0])]
    before = points_of(index)
    index.remove(gone, what="purged")
    assert in_file(index) == set(ids) - set(gone)
    after = points_of(index)
    assert after.lacking == 0
    assert np.array_equal(after.xy, before.xy[~np.isin(before.ids, gone)])
    assert index.map.make().made == "unchanged"
    index.remove(ids, what="purged")
    assert not (index.path / neighbours.MAP).exists()


def test_a_purge_while_a_map_is_made_leaves_no_place(
    index: Index, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = add(index, like(rng, 60)[0])
    real = map_job._placed

    def slowly(*arguments: Any) -> object:
        found = real(*arguments)
        index.remove([ids[0], ids[-1]], what="purged")
        return found

    monkeypatch.setattr(map_job, "_placed", slowly)
    index.map.make(landmarks=40)
    assert in_file(index) == set(ids[1:-1])


def test_a_purge_of_all_landmarks_while_others_are_to_be_placed(
    index: Index, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = add(index, like(rng, 30)[0])
    index.map.make()
    ids += add(index, like(rng, 5)[0])
    real = map_job._vectors_of

    def slowly(*arguments: Any) -> object:
        monkeypatch.setattr(map_job, "_vectors_of", real)
        index.remove(ids[:30], what="purged")
        return real(*arguments)

    monkeypatch.setattr(map_job, "_vectors_of", slowly)
    assert index.map.make().images == 0
    assert index.map.points() is None
    assert index.map.make().landmarks == 5


def test_a_purge_deletes_what_a_killed_process_left(index: Index, rng: np.random.Generator) -> None:
    ids = add(index, like(rng, 6)[0])
    index.map.make()
    whole = (index.path / neighbours.MAP).read_bytes()
    left, under_way = index.path / ".map-4194399-1", index.path / f".map-{os.getpid()}-1"
    for path in (left, under_way):
        path.write_bytes(whole)
    strays = [f.what for f in index.verify().findings if f.kind == "stray"]
    assert strays == [f"{left} was never finished."]
    index.remove([ids[0]], what="purged")
    assert not left.exists()
    assert under_way.exists()


def test_a_removed_image_is_not_shown_and_comes_back_where_it_was(
    index: Index, rng: np.random.Generator
) -> None:
    ids = add(index, like(rng, 60)[0])
    index.map.make()
    before = points_of(index)
    index.remove(ids[:3])
    assert points_of(index).ids.tolist() == ids[3:]
    assert points_of(index).lacking == 0
    assert index.map.make().made == "unchanged"
    index.remove(ids[:3], what="restored")
    assert np.array_equal(points_of(index).xy, before.xy)


def test_removed_images_are_no_landmarks_but_have_a_place_to_come_back_to(
    index: Index, rng: np.random.Generator
) -> None:
    ids = add(index, like(rng, 60)[0])
    index.remove(ids[:20])
    report = index.map.make()
    assert (report.landmarks, report.images) == (40, 60)
    index.remove(ids[:5], what="restored")
    assert points_of(index).ids.tolist() == ids[:5] + ids[20:]
    assert points_of(index).lacking == 0


def cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[-3] ^= 4
    file.write_bytes(data)


def foreign(file: Path) -> None:
    file.write_bytes(b"PK" + bytes(200))


@pytest.mark.parametrize("damage", [cut, flip, foreign])
def test_a_damaged_map_is_none_and_is_made_anew(
    index: Index, rng: np.random.Generator, damage: Callable[[Path], None]
) -> None:
    add(index, like(rng, 20)[0])
    index.map.make()
    before, found = points_of(index), index.verify().findings
    damage(index.path / neighbours.MAP)
    assert index.map.points() is None
    assert index.verify().findings == found
    assert index.map.make().made == "anew"
    assert np.array_equal(points_of(index).xy, before.xy)


def test_repair_deletes_a_map_that_is_of_no_use_and_no_other(built: Index) -> None:
    built.map.make()
    assert built.repair().mended == ()
    flip(built.path / neighbours.MAP)
    assert [m.kind for m in built.repair().mended] == ["map"]
    assert not (built.path / neighbours.MAP).exists()
    assert built.repair().mended == ()


def test_the_map_of_another_index_or_of_a_later_state_is_not_used(
    index: Index, tmp_path: Path, tiny_model: str, rng: np.random.Generator
) -> None:
    vectors, _ = like(rng, 20)
    add(index, vectors)
    index.map.make()
    other = Index.create(tmp_path / "other", model=tiny_model)
    for some in (vectors, vectors[:1], vectors[:1]):
        add(other, some)
    with other._session.catalog.reading() as read:
        assert read.tx >= neighbours.read_map(index.path).tx
    (other.path / neighbours.MAP).write_bytes((index.path / neighbours.MAP).read_bytes())
    assert other.map.points() is None
    index._session.catalog.checkpoint()
    catalog = (index.path / "catalog.duckdb").read_bytes()
    add(index, vectors[:1])
    index.map.make()
    index._session.catalog.checkpoint()
    (index.path / "catalog.duckdb").write_bytes(catalog)
    assert index.map.points() is None
    assert index.map.make().images == 20


def test_a_map_of_another_model_is_not_used(
    built: Index, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    built.map.make()
    assert built.map.points() is not None
    another = load_encoder(write_model(tmp_path_factory.mktemp("another"), seed=1))
    with built._session.catalog.writing("test") as write:
        put_in_force(write, another, None)
    assert built.map.points() is None


@pytest.mark.parametrize("count", [0, 1, 2, 3, 49, 50, 51])
def test_a_tiny_index_has_a_map_too(index: Index, rng: np.random.Generator, count: int) -> None:
    ids = add(index, unit_rows(rng, count, DIM)) if count else []
    report = index.map.make()
    assert (report.images, report.landmarks) == (count, count)
    found = index.map.points()
    if count == 0:
        assert found is None
        return
    assert found is not None
    assert found.ids.tolist() == ids
    assert len(np.unique(found.xy, axis=0)) == count
    assert np.isfinite(index.map.place(unit_rows(rng, 4, DIM))).all()


def test_an_index_whose_images_were_all_removed_has_nothing_to_show(
    index: Index, rng: np.random.Generator
) -> None:
    ids = add(index, like(rng, 5)[0])
    index.remove(ids)
    index.map.make()
    assert index.map.points() is None
    index.remove(ids[:2], what="restored")
    assert index.map.make().landmarks == 2


def test_an_empty_index_can_be_discarded_after_its_map_was_asked_for(index: Index) -> None:
    index.map.make()
    Index.discard(index.path)
    assert not index.path.exists()


def test_a_backup_goes_without_the_map(built: Index, tmp_path: Path) -> None:
    built.map.make()
    built.backup(tmp_path / "backup.tar")
    again = Index.restore(tmp_path / "again", tmp_path / "backup.tar")
    assert again.map.points() is None
    assert again.map.make().made == "anew"


def test_what_is_no_vector_has_no_place_until_it_is_mended(
    index: Index, rng: np.random.Generator
) -> None:
    vectors, _ = like(rng, 20)
    vectors[[3, 12]] = np.nan
    ids = add(index, vectors)
    index.map.make(landmarks=10)
    wanted = [i for n, i in enumerate(ids) if n not in (3, 12)]
    assert points_of(index).ids.tolist() == wanted
    assert points_of(index).lacking == 2
    before = points_of(index)
    catalog = index._session.catalog
    landmark = int(neighbours.read_map(index.path).landmark_ids[0])
    fresh = dict(zip([ids[3], ids[12], landmark], like(rng, 3)[0], strict=True))
    with catalog.writing("test") as write:
        images.replace_vectors(write, models.encoder(write), fresh)
    assert index.map.make().placed == 3
    shown = points_of(index)
    assert shown.ids.tolist() == ids
    assert landmark not in neighbours.read_map(index.path).landmark_ids
    stayed = np.isin(before.ids, landmark, invert=True)
    assert np.array_equal(shown.xy[np.isin(shown.ids, before.ids[stayed])], before.xy[stayed])


def test_a_full_disk_leaves_the_map_as_it_was(
    index: Index, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    vectors, _ = like(rng, 12)
    add(index, vectors[:10])
    index.map.make()
    before = (index.path / neighbours.MAP).read_bytes()
    add(index, vectors[10:])

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mediclip_index.neighbours.map_files.os.fsync", full)
    with pytest.raises(WriteError, match="disk full"):
        index.map.make()
    assert (index.path / neighbours.MAP).read_bytes() == before
    assert not list(index.path.glob(".map-*"))
