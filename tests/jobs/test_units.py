"""Sharpness and nearness hold for any model: they count in spreads of its unrelated cosines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mediclip_index import Index, encoding, samples
from mediclip_index.catalog import models
from mediclip_index.jobs import create
from mediclip_index.session import unrelated
from mediclip_index.session.session import load_encoder
from mediclip_index.types import Encoder, Picture, Pixels, Settings, Unrelated, Vectors
from mediclip_index.types.verdicts import BETA, NEAR

LIFT = 1.5  # every cosine c becomes (c + LIFT) / (1 + LIFT)


class Lifted:
    """Another model in the eyes of everyone: the same pictures in the same order of likeness, but
    all cosines between 0.2 and 1."""

    name = "lifted"
    fingerprint = "f" * 64

    def __init__(self, inner: Encoder) -> None:
        self._inner = inner
        self.dim = inner.dim + 1
        self.logit_scale = inner.logit_scale * (1 + LIFT)
        self.image_size, self.engine = inner.image_size, inner.engine
        self.precision, self.notes = inner.precision, inner.notes
        self.framing: Callable[[Pixels], Pixels] = inner.framing

    def encode_pictures(self, pictures: Sequence[Picture]) -> Vectors:
        return self._lifted(self._inner.encode_pictures(pictures))

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        return self._lifted(self._inner.encode_texts(texts))

    @staticmethod
    def _lifted(vectors: Vectors) -> Vectors:
        constant = np.full((len(vectors), 1), np.sqrt(LIFT), dtype=np.float32)
        lifted = np.concatenate([vectors, constant], axis=1) / np.sqrt(1 + LIFT)
        return np.asarray(lifted, dtype=np.float32)


def pile(folder: Path) -> Path:
    """Some 450 parts of the sample pictures, labelled by the folder that they lie in."""
    for entry in samples.collection().entries:
        if entry.path.lower().endswith((".png", ".jpg", ".jpeg")):
            picture = Image.open(entry.path).convert("RGB")
            width, height = picture.width // 4, picture.height // 4
            place = folder / str(entry.facts.label)
            place.mkdir(parents=True, exist_ok=True)
            for n in range(16):
                x, y = n % 4 * width, n // 4 * height
                part = picture.crop((x, y, x + width, y + height))
                part.thumbnail((240, 240))
                part.save(place / f"{Path(entry.path).stem}-{n:02}.png")
    return folder


def test_the_same_pictures_get_the_same_verdicts_from_a_model_whose_cosines_are_all_high(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = load_encoder("lite")
    sources = [str(pile(tmp_path / "pile"))]
    given = {}
    for name, encoder in {"plain": inner, "lifted": Lifted(inner)}.items():
        with monkeypatch.context() as patch:
            patch.setattr(create, "load_encoder", lambda *_, one=encoder: one)
            patch.setattr(encoding, "references", lambda *_: None)
            index = Index.create(tmp_path / name, model="lite")
            index.build(sources)
            given[name] = {v.path: v for v in index.query_indexed(audit=False).verdicts}
    plain, lifted = given["plain"], given["lifted"]
    assert len(plain) > 400
    assert 0.05 < np.mean([v.label == "medical" for v in plain.values()]) < 0.95
    alike = np.mean([lifted[path].label == v.label for path, v in plain.items()])
    assert alike >= 0.998
    for path, v in plain.items():
        assert v.votes is not None
        apart = abs(lifted[path].probabilities["medical"] - v.probabilities["medical"])
        assert apart <= 1e-3, path
        # Not for want of voters: as many of them had a vote in both.
        voted = [sum(n.weight > 0 for n in one.neighbours) for one in (v, lifted[path])]
        assert voted[0] == voted[1] > 0


def test_what_ships_is_what_it_was_in_the_bundled_models_cosines(tmp_path: Path) -> None:
    index = Index.create(tmp_path / "index", model="lite-4")
    with index._session.catalog.reading() as read:
        stored, settings = models.encoder(read), models.settings(read)
    assert (settings.unit, settings.beta, settings.near) == ("spreads", BETA, NEAR)
    assert stored.unrelated is not None
    assert BETA / stored.unrelated.spread == pytest.approx(18, abs=1)
    assert stored.unrelated.median + NEAR * stored.unrelated.spread == pytest.approx(0.4, abs=0.03)


def test_without_sample_pictures_the_pile_is_measured_pairs_of_one_source_aside(
    tmp_path: Path, tiny_model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unrelated, "sample_pictures", lambda size: [])
    index = Index.create(tmp_path / "index", model=tiny_model)
    assert measured(index) is None
    listed = tmp_path / "list.csv"
    lines = ["path,source"]
    rng = np.random.default_rng(1)
    shades = rng.integers(0, 256, (2, 3))
    for n in range(20):
        noise = rng.integers(0, 8, (40, 40, 3)) + shades[n // 10]
        Image.fromarray(noise.clip(0, 255).astype(np.uint8)).save(tmp_path / f"{n}.png")
        lines.append(f"{n}.png,{'first' if n < 10 else 'second'}")
    listed.write_text("\n".join(lines))
    index.build([str(listed)])
    ids, vectors = list(range(1, 21)), index.vectors(list(range(1, 21)))
    assert len(ids) == 20
    across = (vectors[:10] @ vectors[10:].T).ravel()
    found = measured(index)
    assert found is not None
    assert found.median == pytest.approx(float(np.median(across)), abs=1e-6)
    index.build([str(listed)])
    with index._session.catalog.reading() as read:
        assert read.db.execute("SELECT count(*) FROM unrelated").fetchall() == [(1,)]


def test_tuning_an_index_of_an_earlier_version_measures_its_model_and_counts_in_spreads(
    built: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    with built._session.catalog.writing("test", by="test") as write:
        write.db.execute("DELETE FROM unrelated")
        models.add_settings(write, Settings(unit="cosines", beta=10.0, near=0.4, references=False))
    before = built.query_indexed(audit=False).verdicts
    built.labels.set("medical", [9, 10], split=None)
    built.labels.set("non_medical", [11, 12])
    monkeypatch.setattr("mediclip_index.evaluate.splits.LEAST_TUNED", 4)
    monkeypatch.setattr("mediclip_index.evaluate.shrinkage.FEWEST", 4)
    monkeypatch.setattr("mediclip_index.evaluate.shrinkage.FEWEST_OF_A_CLASS", 1)
    monkeypatch.setattr("mediclip_index.evaluate.grids.ROUNDS", 0)
    tried = built.tune(allow_duplicates=True, dry_run=True)
    assert measured(built) is None
    kept = built.tune(allow_duplicates=True)
    assert (tried.settings.unit, kept.settings.unit) == ("spreads", "spreads")
    found = measured(built)
    assert found is not None
    assert kept.settings.beta == pytest.approx(10 * found.spread)
    assert kept.settings.near == pytest.approx((0.4 - found.median) / found.spread)
    built.labels.set("", [9, 10, 11, 12])
    after = built.query_indexed(audit=False).verdicts
    for one, other in zip(before, after, strict=True):
        assert other.votes == pytest.approx(one.votes, abs=1e-6)


def measured(index: Index) -> Unrelated | None:
    with index._session.catalog.reading() as read:
        return models.encoder(read).unrelated
