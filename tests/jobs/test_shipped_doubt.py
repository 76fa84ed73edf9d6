"""A calibration that comes with the model holds in a new index, until `tune` fits one there."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mediclip_index import Index
from mediclip_index.encoding.sources import package_folder
from mediclip_index.session.calibrations import settings_digest
from mediclip_index.types import Calibration, ModelUnavailable, Settings
from mediclip_index.types.verdicts import ALPHA
from tests.evaluate.conftest import fill, tiles  # noqa: F401

Ship = Callable[..., Index]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where an index of tiles of four photographs by the bundled model lies."""
    listed = fill(tmp_path_factory.mktemp("tiles") / "tiles")
    index = Index.create(tmp_path_factory.mktemp("doubt") / "index", model="lite")
    index.build([str(listed)], labels="none")
    index.labels.from_csv(listed)
    return index.path


@pytest.fixture
def ship(place: Path, tmp_path: Path) -> Ship:
    """An index beside whose model a calibration lies."""

    def shipped(**changed: Any) -> Index:
        index = Index.open(shutil.copytree(place, tmp_path / "index", dirs_exist_ok=True))
        info = index.info()
        folder = tmp_path / "model"
        folder.mkdir(exist_ok=True)
        model = info.index.model
        shutil.copy(package_folder() / f"{model}-references.safetensors", folder)
        doubt = {
            "slope": 0.5,
            "factors": {},
            "coverage": 0.95,
            "thresholds": {"medical": 0.7, "non_medical": 0.7},
            "strange": None,
            "kind": None,
            "prompts": prompts_sha256(index),
            "settings": settings_digest(Settings()),
            "images": 1000,
            "families": 40,
            **changed,
        }
        (folder / f"{model}-doubt.json").write_text(json.dumps(doubt))
        index._session.bundled = folder
        return index

    return shipped


def prompts_sha256(index: Index) -> str:
    from mediclip_index import prompts

    return prompts.load_bundled(index.info().prompts).sha256


def some(index: Index, **options: Any) -> Any:
    return index.query_indexed(where="split = 'test'", **options).verdicts


def test_verdicts_are_calibrated_by_it_and_say_so(ship: Ship) -> None:
    index = ship()
    assert index.info().calibration == "shipped"
    raw = {v.path: v for v in some(index, references=True, alpha=ALPHA, audit=False)}
    for verdict in some(index, audit=False):
        before = raw[verdict.path]
        assert (before.calibrated, before.calibration) == (False, None)
        assert (verdict.calibrated, verdict.calibration) == (True, "shipped")
        odds = before.probabilities["medical"] / before.probabilities["non_medical"]
        now = verdict.probabilities["medical"] / verdict.probabilities["non_medical"]
        assert now == pytest.approx(odds**0.5)
        assert verdict.unsure == (verdict.probability <= 0.7)
    assert index.evaluate(split="test").calibrated


def test_doubt_is_of_class_of_kind_or_of_what_nothing_known_is_like(ship: Ship) -> None:
    doubtful = ship(thresholds={"medical": 1.0, "non_medical": 1.0})
    assert all(v.unsure for v in some(doubtful, audit=False))
    assert doubtful.evaluate(split="test").unsure.share_sure == 0
    blurred = ship(thresholds={"medical": 0.5, "non_medical": 0.5}, kind=0.6)
    for verdict in some(blurred, audit=False):
        share = verdict.group.probability / verdict.zero_shot[verdict.label]
        assert verdict.unsure == (share < 0.6)
    given = some(blurred, audit=False)
    assert 0 < sum(v.unsure for v in given) < len(given)
    sure = blurred.evaluate(split="test").unsure.share_sure
    assert sure == pytest.approx(sum(not v.unsure for v in given) / len(given), abs=0.1)


def test_strangeness_is_told_by_ones_own_labels_and_the_references_together(ship: Ship) -> None:
    wide = {"medical": 0.5, "non_medical": 0.5}
    strange = some(ship(thresholds=wide, strange=0.0), audit=False)
    assert all(v.unsure and "unlike everything labelled" in v.why for v in strange)
    familiar = some(ship(thresholds=wide, strange=100.0), audit=False)
    assert not any(v.unsure for v in familiar)
    bare = ship(thresholds=wide, strange=0.0)
    bare.labels.set("", [h.id for h in bare.search(where="label is not null", k=500).results])
    assert all(v.calibration == "shipped" and v.unsure for v in some(bare, audit=False))


@pytest.mark.parametrize(
    "changed",
    [
        {"prompts": "0" * 64},
        {"settings": "0" * 64},
        {"settings": {"alpha": 0.123}},
        {"thresholds": {"medical": 0.4}},
    ],
)
def test_it_holds_for_nothing_that_it_was_not_made_with(
    ship: Ship, changed: dict[str, Any]
) -> None:
    index = ship(**changed)
    assert index.info().calibration is None
    assert not any(v.calibrated for v in some(index, audit=False))


def test_it_holds_by_a_copy_of_the_settings_and_not_under_a_what_if(ship: Ship) -> None:
    index = ship(settings={"alpha": Settings().alpha, "k": Settings().k})
    assert all(v.calibrated for v in some(index, audit=False))
    for what_if in ({"references": False}, {"k": 40}, {"alpha": 0.4}):
        assert not any(v.calibrated for v in some(index, audit=False, **what_if))
    with pytest.raises(ModelUnavailable, match="damaged"):
        ship(unheard_of=1).info()


def test_tuning_takes_its_place(ship: Ship, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mediclip_index.evaluate.grids.ROUNDS", 0)
    index = ship()
    fitted = index.tune(allow_duplicates=True, coverage=0.9).settings.calibration
    assert isinstance(fitted, Calibration)
    assert index.info().calibration == "tuned"
    assert {v.calibration for v in some(index, audit=False)} == {"tuned"}


def test_a_verdict_is_given_again_by_the_file_that_it_used_and_no_other(ship: Ship) -> None:
    index = ship(strange=0.05, kind=0.6)
    given = some(index)
    assert index.audit.replay().identical == len(given)
    assert index._session.bundled is not None
    (file,) = index._session.bundled.glob("*-doubt.json")
    file.write_text(json.dumps({**json.loads(file.read_text()), "strange": 0.06}))
    told = index.audit.replay().different
    assert {d.what for d in told} == {"calibration changed"}
    assert len(told) == len(given)
