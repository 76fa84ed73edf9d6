"""Neighbour files follow the catalog without being written anew for every few images."""

from __future__ import annotations

import hashlib
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mediclip_index import Index, neighbours
from mediclip_index.catalog import Catalog, ann_files, images, models, provenance, removals
from mediclip_index.catalog.images import NewFile, NewImage
from mediclip_index.catalog.models import StoredEncoder
from mediclip_index.jobs.ann_index import ask_for, refresh_neighbours
from mediclip_index.session.session import Session
from mediclip_index.types import Ids, Vectors
from tests.conftest import unit_rows

DIM = 16


@pytest.fixture
def session(tmp_path: Path) -> Session:
    """An empty index that takes anything above a hundred numbers for big."""
    catalog = Catalog.create(tmp_path / "index")
    with catalog.writing("test") as write:
        models.add_encoder(write, fingerprint="f", name="none", dim=DIM, scale=100.0, recipe="r")
    return Session(catalog)


@pytest.fixture
def stored(session: Session, monkeypatch: pytest.MonkeyPatch) -> StoredEncoder:
    monkeypatch.setattr("mediclip_index.neighbours.index_types.EXACT_NUMBERS", 100)
    monkeypatch.setattr("mediclip_index.neighbours.EXACT_NUMBERS", 100)
    monkeypatch.setattr("mediclip_index.jobs.ann_index.FEW_NEW", 10)
    with session.catalog.reading() as read:
        return models.encoder(read)


def add(session: Session, stored: StoredEncoder, vectors: Vectors, first: int) -> None:
    """Images whose ids are first, first + 1, ..."""
    names = [hashlib.sha256(str(first + n).encode()).hexdigest() for n in range(len(vectors))]
    with session.catalog.writing("test") as write:
        source = provenance.add_source(write, "s", labels="none")
        files = [NewFile(f"/s/{first + n}", 1, 1, sha) for n, sha in enumerate(names)]
        images.add_files(write, source, files)
        images.add_images(
            write,
            stored,
            [
                NewImage(sha, None, None, 1, 1, "PNG", 1, {}, vector)
                for sha, vector in zip(names, vectors, strict=True)
            ],
        )


def search(
    session: Session, stored_encoder: StoredEncoder, query: Vectors, k: int
) -> tuple[Ids, list[str]]:
    with session.catalog.reading() as read:
        vector_index, notes = session.vector_index(read, stored_encoder)
        stored = partial(images.vectors, read, stored_encoder)
        found, _ = vector_index.search(query[None], k, None, stored)
    return found[0], notes


def generations(session: Session, stored: StoredEncoder) -> list[tuple[int, str, int]]:
    with session.catalog.reading() as read:
        files = ann_files.files(read, stored.fingerprint)
    return [(file.generation, file.kind, file.count) for file in files]


def grow(
    session: Session, stored: StoredEncoder, vectors: Vectors, first: int
) -> list[tuple[int, str, int]]:
    """Add images and write what files are due; the files that there are then."""
    add(session, stored, vectors, first)
    refresh_neighbours(session, stored)
    return generations(session, stored)


def test_new_images_stand_beside_a_big_file_until_they_are_a_tenth(
    session: Session, stored: StoredEncoder, rng: np.random.Generator
) -> None:
    vectors = unit_rows(rng, 400, DIM)
    assert grow(session, stored, vectors[:300], 1) == [(1, "compressed", 300)]
    # Too few: they are read from the catalog
    assert grow(session, stored, vectors[300:308], 301) == [(1, "compressed", 300)]
    assert grow(session, stored, vectors[308:315], 309) == [
        (1, "compressed", 300),
        (2, "compressed", 15),
    ]
    assert grow(session, stored, vectors[315:330], 316) == [
        (1, "compressed", 300),
        (3, "compressed", 30),
    ]
    for row in (0, 305, 312, 329):
        assert search(session, stored, vectors[row], 1)[0].tolist() == [row + 1]
    assert grow(session, stored, vectors[330:331], 331) == [(4, "compressed", 331)]
    refresh_neighbours(session, stored)
    assert generations(session, stored) == [(4, "compressed", 331)]


def test_a_supplement_that_is_lost_is_searched_from_the_catalog_and_made_again(
    session: Session, stored: StoredEncoder, rng: np.random.Generator
) -> None:
    vectors = unit_rows(rng, 320, DIM)
    grow(session, stored, vectors[:300], 1)
    grow(session, stored, vectors[300:], 301)
    (session.catalog.folder / "neighbours-2.faiss").unlink()
    for row in (10, 310):
        found, notes = search(session, stored, vectors[row], 1)
        assert found.tolist() == [row + 1]
        assert "neighbours-2.faiss" in notes[0] and "exactly" in notes[0]
    refresh_neighbours(session, stored)
    assert search(session, stored, vectors[310], 1) == (np.array([311]), [])
    assert generations(session, stored) == [(3, "compressed", 320)]


def test_a_flipped_bit_in_a_compressed_file_is_noticed_and_the_catalog_searched(
    session: Session, stored: StoredEncoder, rng: np.random.Generator
) -> None:
    vectors = unit_rows(rng, 200, DIM)
    grow(session, stored, vectors, 1)
    path = session.catalog.folder / "neighbours-1.faiss"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    found, notes = search(session, stored, vectors[17], 5)
    assert "is not the file that was written" in notes[0]
    assert found.tolist() == (np.argsort(-(vectors @ vectors[17]))[:5] + 1).tolist()


def test_an_index_type_that_was_asked_for_stays(
    session: Session, stored: StoredEncoder, rng: np.random.Generator
) -> None:
    vectors = unit_rows(rng, 60, DIM)
    add(session, stored, vectors[:50], 1)
    ask_for(session, "exact")
    refresh_neighbours(session, stored)
    assert generations(session, stored) == [(1, "exact", 50)]
    assert grow(session, stored, vectors[50:], 51) == [(2, "exact", 60)]
    ask_for(session, "auto")
    refresh_neighbours(session, stored)
    assert generations(session, stored) == [(3, "compressed", 60)]


def test_an_image_that_was_gone_when_the_file_was_made_is_found_when_it_returns(
    built: Index, pile: Path, tmp_path: Path, photographs: list[object]
) -> None:
    away = tmp_path / "away.png"
    shutil.move(pile / "p02.png", away)
    built.build([str(pile)], allow_missing=True, index_type="compressed")
    found = {hit.path for hit in built.search(like=[1], k=20).results}
    assert str(pile / "p02.png") not in found
    shutil.move(away, pile / "p02.png")
    built.build([str(pile)])
    found = {hit.path for hit in built.search(like=[1], k=20).results}
    assert str(pile / "p02.png") in found


def test_verdicts_on_a_compressed_index_are_those_on_an_exact_one_and_replay(
    built: Index, pile: Path
) -> None:
    sources = [str(pile / f"p{n:02}.png") for n in (0, 5, 9)]
    exact = built.query(sources).verdicts
    assert "exact" in built.info().neighbours
    built.build([str(pile)], index_type="compressed")
    assert "recall@10" in built.info().neighbours
    compressed = built.query(sources).verdicts
    for one, other in zip(exact, compressed, strict=True):
        assert one.probabilities == other.probabilities
        assert one.neighbours == other.neighbours
    replayed = built.audit.replay(last=6)
    assert (replayed.replayed, replayed.different) == (6, ())


def test_a_vector_that_is_erased_while_a_file_is_made_is_not_in_it(
    session: Session,
    stored: StoredEncoder,
    rng: np.random.Generator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    add(session, stored, unit_rows(rng, 20, DIM), first=1)
    write_file = neighbours.write_file
    made: list[Path] = []

    def erased_meanwhile(*given: Any) -> neighbours.StagedFile:
        written = write_file(*given)
        if not made:
            with session.catalog.writing("remove --purge") as write:
                removals.purge(write, removals.purge_set(write, [7]))
        made.append(written.path)
        return written

    monkeypatch.setattr(neighbours, "write_file", erased_meanwhile)
    refresh_neighbours(session, stored)
    assert len(made) == 2
    assert [count for _, _, count in generations(session, stored)] == [19]
    assert not any(path.exists() for path in made)
