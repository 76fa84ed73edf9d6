"""The labelled vectors that a bundled model brings along vote before anything is labelled."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

from mediclip_index import Index, encoding
from mediclip_index.catalog import models
from mediclip_index.encoding.sources import package_folder
from mediclip_index.evaluate import leave_one_out
from mediclip_index.types import ModelUnavailable, Settings, Verdict
from mediclip_index.types.verdicts import ALPHA, K
from training.references import cover, write_references

PHOTOGRAPHS = Path(skimage.data.__file__).parent
ASKED = [str(PHOTOGRAPHS / name) for name in ("retina.jpg", "coffee.png", "chelsea.png")]
OTHER_CLASSES = """
name = "other"
[classes.scan.groups]
scan = ["a medical scan"]
[classes.photo.groups]
photo = ["a photograph"]
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where an index of three photographs by the bundled model lies, without a label."""
    index = Index.create(tmp_path_factory.mktemp("references") / "index", model="lite")
    index.build(ASKED, labels="none")
    return index.path


@pytest.fixture
def index(place: Path, tmp_path: Path) -> Index:
    return Index.open(shutil.copytree(place, tmp_path / "index"))


def asked(index: Index, **options: object) -> tuple[Verdict, ...]:
    return index.query_indexed(**options).verdicts  # type: ignore[arg-type]


def test_a_new_index_has_votes_and_says_whose_they_are(index: Index) -> None:
    assert {v.calibration for v in asked(index, audit=False)} == {"shipped"}
    for verdict in asked(index, audit=False, alpha=ALPHA):
        assert verdict.votes is not None
        assert len(verdict.references) == K
        weights = [r.weight for r in verdict.references] + [n.weight for n in verdict.neighbours]
        assert sum(weights) == pytest.approx(1)
        assert "of the model's own references are " in verdict.why
        assert verdict.without == ()
        assert 0.5 <= verdict.alpha <= ALPHA
        for name, share in verdict.probabilities.items():
            mixed = (1 - verdict.alpha) * verdict.zero_shot[name]
            mixed += verdict.alpha * verdict.votes[name]
            assert share == pytest.approx(mixed)
    labels = {Path(v.path).name: v for v in asked(index, audit=False)}
    assert labels["retina.jpg"].references[0].label == "medical"
    assert labels["coffee.png"].references[0].label == "non_medical"
    assert index.info().references == len(brought().vectors)
    assert index.info().labels == {}


def test_alpha_1_is_the_votes_and_alpha_0_the_words_to_the_digit(index: Index) -> None:
    for verdict in asked(index, audit=False, alpha=1.0):
        assert verdict.probabilities == verdict.votes
        assert verdict.alpha == 1
    for verdict in asked(index, audit=False, alpha=0.0):
        assert verdict.probabilities == verdict.zero_shot


def test_they_are_left_out_where_that_is_asked_for(index: Index, tmp_path: Path) -> None:
    for verdict in asked(index, audit=False, references=False):
        assert (verdict.votes, verdict.references) == (None, ())
    with index._session.catalog.writing("test", by="test") as write:
        models.add_settings(write, Settings(references=False))
    assert all(v.votes is None for v in asked(index, audit=False))
    assert index.info().references == 0
    with index._session.catalog.writing("test", by="test") as write:
        models.add_settings(write, Settings())
    file = tmp_path / "other.toml"
    file.write_text(OTHER_CLASSES)
    assert all(v.votes is None for v in asked(index, audit=False, prompts=str(file)))


def test_labels_of_ones_own_outweigh_them_and_what_would_turn_a_verdict_is_true(
    index: Index, tmp_path: Path
) -> None:
    index._session.bundled = stand_in(index, tmp_path, ["non_medical", "medical", "non_medical"])
    file = tmp_path / "retina.png"
    picture = Image.open(ASKED[0])
    picture.crop((20, 20, picture.width - 20, picture.height - 20)).save(file)
    assert index.query([str(file)], alpha=1.0).verdicts[0].label == "non_medical"
    (retina,) = (h.id for h in index.search(where="path like '%retina.jpg'").results)
    index.labels.set("medical", [retina])
    told = index.query([str(file)], alpha=1.0).verdicts[0]
    assert told.label == "medical"
    assert told.neighbours[0].weight > max(r.weight for r in told.references) > 0
    assert (told.without, told.otherwise) == ((retina,), "non_medical")
    assert f"without #{retina} it would be non_medical" in told.why
    index.labels.set("", list(told.without))
    assert index.query([str(file)], alpha=1.0).verdicts[0].label == "non_medical"


def test_a_verdict_is_given_again_with_the_file_that_it_used_and_no_other(
    index: Index, tmp_path: Path
) -> None:
    given = asked(index)
    alone = asked(index, references=False)
    assert index.audit.show(given[0].id).verdict == given[0]
    assert index.audit.replay().identical == len(given) + len(alone)
    index._session.bundled = stand_in(index, tmp_path, ["medical", "non_medical", "medical"])
    report = index.audit.replay()
    assert {d.id for d in report.different} == {v.id for v in given}
    assert {d.what for d in report.different} == {"references changed"}


def test_no_image_is_judged_by_references_of_its_own_source(index: Index, tmp_path: Path) -> None:
    index._session.bundled = stand_in(
        index, tmp_path, ["medical", "non_medical", "non_medical"], 0.99
    )
    listed = tmp_path / "list.csv"
    lines = ["path,label,source"]
    lines += [f"{p},{'medical' if n == 0 else 'non_medical'},s{n}" for n, p in enumerate(ASKED)]
    listed.write_text("\n".join(lines))
    index.labels.from_csv(listed, keep_columns=True)
    data = leave_one_out.labelled(index._session, Settings())
    found = leave_one_out.leave_one_out(data, np.arange(3))
    for row in range(3):
        near = np.isfinite(found.references.similarities[row])
        assert near.sum() == 2
        assert row not in found.references.places[row][near]
    assert not leave_one_out.labelled(index._session, Settings(references=False)).references
    report = index.evaluate(split="all")
    assert report.methods["neighbours"].accuracy.value >= 0


def test_the_card_names_the_file_that_lies_beside_the_weights() -> None:
    file = next(package_folder().glob(f"{newest()}-references.safetensors"))
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    assert brought().sha256 == sha256
    assert sha256 in (package_folder() / "CARD.md").read_text()
    assert set(brought().source.tolist()) <= encoding.learned_from(newest())


def test_a_file_of_references_says_what_was_written_into_it(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    rows = rng.standard_normal((50, 64)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    kinds = ["ct" if n % 2 else "photo" for n in range(50)]
    sources = [f"s{n % 3}" for n in range(50)]
    file = tmp_path / "lite-9-references.safetensors"
    sha256 = write_references(rows, kinds, sources, {"ct": "medical", "photo": "non_medical"}, file)
    read = encoding.references("lite-9", tmp_path)
    assert read is not None
    assert (read.kind.tolist(), read.source.tolist()) == (kinds, sources)
    assert read.label[0] == "non_medical"
    assert read.sha256 == sha256
    assert (read.vectors * rows).sum(axis=1).min() > 0.9995
    assert np.linalg.norm(read.vectors, axis=1) == pytest.approx(1, abs=1e-6)
    assert encoding.references("lite-8", tmp_path) is None
    assert encoding.references("ViT-B-32:openai", tmp_path) is None
    data = bytearray(file.read_bytes())
    (tmp_path / "lite-8-references.safetensors").write_bytes(data[: len(data) // 2])
    with pytest.raises(ModelUnavailable, match="damaged"):
        encoding.references("lite-8", tmp_path)


def test_a_cover_takes_from_every_group_by_the_root_of_its_size_and_from_all_over_it() -> None:
    rng = np.random.default_rng(4)
    corners = np.eye(8, dtype=np.float32)
    crowd = corners[rng.integers(0, 4, 400)] + 0.01 * rng.standard_normal((400, 8))
    few = corners[4:5] + 0.1 * rng.standard_normal((4, 8))
    rows = np.concatenate([crowd, few]).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    kinds = ["photo"] * 400 + ["ct"] * 4
    chosen = cover(rows, kinds, ["a"] * 404, 11)
    assert len(set(chosen.tolist())) == 11
    own = [kinds[n] for n in chosen]
    assert 1 <= own.count("ct") <= 2
    nearest = (rows[:400] @ rows[chosen].T).max(axis=1)
    assert nearest.min() > 0.9, "every corner of the crowd is stood for"
    assert len(cover(rows, kinds, ["a"] * 404, 10_000)) == 404
    assert len(cover(rows, kinds, [str(n) for n in range(404)], 5)) == 5


def newest() -> str:
    return f"lite-{encoding.bundled_versions()[-1]}"


def brought() -> encoding.References:
    found = encoding.references(newest())
    assert found is not None
    return found


def stand_in(index: Index, folder: Path, labels: list[str], cosine: float = 0.9) -> Path:
    """References that lie at a cosine from the index's three images, of sources s0, s1 and s2."""
    vectors = index.vectors([1, 2, 3])
    rng = np.random.default_rng(5)
    aside = rng.standard_normal(vectors.shape).astype(np.float32)
    aside -= (aside * vectors).sum(axis=1, keepdims=True) * vectors
    aside /= np.linalg.norm(aside, axis=1, keepdims=True)
    moved = cosine * vectors + np.sqrt(1 - cosine**2) * aside
    kinds = [f"{label} kind" for label in labels]
    file = folder / f"{index.info().index.model}-references.safetensors"
    write_references(
        moved.astype(np.float32), kinds, ["s0", "s1", "s2"],
        dict(zip(kinds, labels, strict=True)), file,
    )  # fmt: skip
    return folder
