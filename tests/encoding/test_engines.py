"""OpenVINO gives torch's vectors, is made ready once, and then needs neither torch nor its kin."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mediclip_index.encoding import (
    OpenClipEncoder,
    OpenVinoEncoder,
    framed,
    load_encoder,
    open_encoder,
    opening,
    ready_encoder,
)
from mediclip_index.encoding.compiled import BF16, Agreement, ModelRecord
from mediclip_index.encoding.exporting import trial_of_pictures
from mediclip_index.encoding.openvino import Engine, Tower
from mediclip_index.types import Encoder, ModelOptions, Picture, UsageError, Vectors, WeightsSource
from tests.encoding.conftest import RECIPE, SENTENCES

OFFLINE = WeightsSource(offline=True)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of this test's own; the models made ready lie in engines/."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "mediclip-index" / "engines"


@pytest.fixture
def moved(tiny: Path, tmp_path: Path) -> Path:
    """The tiny model in a folder that the test may change."""
    return Path(shutil.copytree(tiny, tmp_path / "model"))


def opened(name: str, photos: Sequence[Picture], **how: Any) -> OpenClipEncoder | OpenVinoEncoder:
    options = ModelOptions(**how)
    return open_encoder(
        name, options, recipe=RECIPE, pictures=lambda size: photos, weights_source=OFFLINE
    )


def untouched(size: int) -> list[Picture]:
    raise AssertionError("the model was made ready a second time")


def warm(name: str) -> OpenClipEncoder | OpenVinoEncoder:
    return open_encoder(name, recipe=RECIPE, pictures=untouched, weights_source=OFFLINE)


def least(a: Vectors, b: Vectors) -> float:
    return float((a * b).sum(axis=1).min())


def agree(encoder: Encoder, torch: OpenClipEncoder, photos: list[Picture]) -> None:
    assert least(encoder.encode_pictures(photos), torch.encode_pictures(photos)) >= 0.99999
    assert least(encoder.encode_texts(SENTENCES), torch.encode_texts(SENTENCES)) >= 0.99999
    assert encoder.fingerprint == torch.fingerprint
    assert encoder.name == torch.name
    assert encoder.logit_scale == torch.logit_scale
    assert (encoder.dim, encoder.image_size) == (torch.dim, torch.image_size)


def test_it_gives_torchs_vectors_when_made_and_when_found_again(
    tiny: Path, cache: Path, photos: list[Picture]
) -> None:
    name = f"local-dir:{tiny}"
    torch = load_encoder(name, recipe=RECIPE, device="cpu")
    for encoder in (opened(name, photos), warm(name)):
        assert isinstance(encoder, OpenVinoEncoder)
        assert isinstance(encoder, Encoder)
        assert (encoder.engine, encoder.precision) == ("openvino", "fp32")
        agree(encoder, torch, photos)
        assert encoder.preprocessing == torch.preprocessing
        assert encoder.encode_pictures([]).shape == (0, 16)
        assert encoder.encode_texts([]).shape == (0, 16)
        early = [
            Picture(framed(p.pixels, encoder.preprocessing), p.width, p.height, p.format)
            for p in photos
        ]
        # Pictures that come framed are the same pictures, and a batch changes no vector.
        assert np.array_equal(encoder.encode_pictures(early), encoder.encode_pictures(photos))
        one = np.concatenate([encoder.encode_pictures([photo]) for photo in photos])
        assert np.abs(one - encoder.encode_pictures(photos)).max() <= 1e-5


def test_the_bundled_model_agrees_and_keeps_fp32_where_bf16_is_not_earned(
    photos: list[Picture],
) -> None:
    encoder = opened("lite", photos)
    assert isinstance(encoder, OpenVinoEncoder)
    assert (encoder.name, encoder.precision) == ("lite-4", "fp32")
    agree(encoder, load_encoder("lite", recipe=RECIPE, device="cpu"), photos)


def test_a_warm_start_loads_neither_torch_nor_open_clip(
    tiny: Path, cache: Path, photos: list[Picture]
) -> None:
    name = f"local-dir:{tiny}"
    expected = opened(name, photos).encode_texts(SENTENCES)
    code = (
        "import sys, socket\n"
        "def refuse(*a, **k): raise AssertionError('a socket was opened')\n"
        "socket.socket.connect = refuse; socket.getaddrinfo = refuse\n"
        "from mediclip_index.encoding import open_encoder\n"
        "from mediclip_index.types import Picture, WeightsSource\n"
        "import numpy as np\n"
        "offline = WeightsSource(offline=True)\n"
        f"e = open_encoder({name!r}, recipe={RECIPE!r}, pictures=None, weights_source=offline)\n"
        "e.encode_pictures([Picture(np.zeros((40, 50, 3), np.uint8), 50, 40, 'png')])\n"
        f"print(e.encode_texts({SENTENCES!r}).tolist())\n"
        "heavy = ('torch', 'open_clip', 'transformers', 'openvino.tools.ovc', 'sklearn')\n"
        "print([m for m in heavy if m in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    vectors, heavy = done.stdout.splitlines() or ["", done.stderr]
    assert heavy == "[]"
    assert np.allclose(json.loads(vectors), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("what", "how"),
    [("image-fp32.blob", "cut"), ("text-fp32.blob", "taken away"), ("sheet.json", "overwritten")],
)
def test_a_damaged_entry_is_made_anew(
    what: str, how: str, tiny: Path, cache: Path, photos: list[Picture]
) -> None:
    name = f"local-dir:{tiny}"
    before = opened(name, photos).encode_pictures(photos)
    (file,) = cache.glob(f"*/{what}")
    if how == "cut":
        file.write_bytes(file.read_bytes()[:100])
    elif how == "taken away":
        file.unlink()
    else:
        file.write_bytes(b"\0" * file.stat().st_size)
    again = opened(name, photos)
    assert isinstance(again, OpenVinoEncoder)
    assert np.array_equal(again.encode_pictures(photos), before)
    assert again.encode_texts(SENTENCES).shape == (3, 16)
    assert isinstance(warm(name), OpenVinoEncoder)  # and it was kept


def test_a_tower_that_cannot_be_loaded_is_made_anew(
    tiny: Path, cache: Path, photos: list[Picture]
) -> None:
    """Its file is the one that was written, and the engine refuses it all the same."""
    name = f"local-dir:{tiny}"
    before = opened(name, photos).encode_pictures(photos)
    (record,) = cache.glob("*/sheet.json")
    (blob,) = cache.glob("*/image-fp32.blob")
    blob.write_bytes(b"no model")
    kept = json.loads(record.read_text())
    stat = blob.stat()
    kept["towers"]["image-fp32"] = [str(blob), stat.st_size, stat.st_mtime_ns, stat.st_ino]
    record.write_text(json.dumps(kept))
    assert np.array_equal(opened(name, photos).encode_pictures(photos), before)


def test_only_what_was_made_ready_is_loaded_beside_other_work(
    tiny: Path, cache: Path, photos: list[Picture]
) -> None:
    name = f"local-dir:{tiny}"

    def beside() -> OpenVinoEncoder | None:
        return ready_encoder(
            name, recipe=RECIPE, pictures=lambda size: photos, options=ModelOptions(device="cpu")
        )

    assert beside() is None
    expected = opened(name, photos).encode_pictures(photos)
    found = beside()
    assert found is not None
    (blob,) = cache.glob("*/image-fp32.blob")
    blob.unlink()  # it is loaded already
    assert np.array_equal(found.encode_pictures(photos), expected)
    assert found.encode_pictures(photos * 3).shape == (24, 16)
    assert beside() is None


def test_changed_weights_are_noticed(moved: Path, cache: Path, photos: list[Picture]) -> None:
    from tests.encoding.conftest import PREPROCESS, TINY, save_folder

    name = f"local-dir:{moved}"
    before = opened(name, photos)
    assert warm(name).fingerprint == before.fingerprint
    save_folder(moved, TINY, PREPROCESS, seed=99)
    after = opened(name, photos)
    assert after.fingerprint != before.fingerprint
    agree(after, load_encoder(name, recipe=RECIPE, device="cpu"), photos)
    (moved / "open_clip_model.safetensors").unlink()
    with pytest.raises(Exception, match="no file with weights"):
        opened(name, photos)


def test_the_same_weights_elsewhere_are_not_made_ready_twice(
    tiny: Path, moved: Path, cache: Path, photos: list[Picture]
) -> None:
    first = opened(f"local-dir:{tiny}", photos)
    second = open_encoder(
        f"local-dir:{moved}", recipe=RECIPE, pictures=untouched, weights_source=OFFLINE
    )
    assert second.fingerprint == first.fingerprint
    assert second.name != first.name
    assert len(list(cache.glob("*/sheet.json"))) == 1


def test_two_processes_at_once_make_it_once_and_agree(tiny: Path, cache: Path) -> None:
    code = (
        "import skimage.data\n"
        "from mediclip_index.encoding import open_encoder\n"
        "from tests.encoding.conftest import as_picture\n"
        "p = [as_picture(skimage.data.astronaut())]\n"
        f"e = open_encoder('local-dir:{tiny}', recipe={RECIPE!r}, pictures=lambda size: p)\n"
        "print(e.engine, e.encode_pictures(p)[0, :4].tolist())\n"
    )
    both = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    first, second = (process.communicate(timeout=300)[0] for process in both)
    assert first.startswith("openvino")
    assert first == second
    assert not list(cache.glob("*/.*"))  # nothing half written is left


def test_where_nothing_can_be_written_it_computes_all_the_same(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, photos: list[Picture]
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    encoder = opened(f"local-dir:{tiny}", photos)
    assert encoder.engine == "openvino"
    assert encoder.encode_pictures(photos * 3).shape == (24, 16)


def test_without_openvino_torch_computes_and_says_so(
    tiny: Path, cache: Path, photos: list[Picture], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "runtime", lambda: None)
    encoder = opened(f"local-dir:{tiny}", photos)
    assert encoder.engine == "torch"
    assert "pip install openvino" in encoder.notes[-1]
    with pytest.raises(UsageError, match="pip install openvino"):
        opened(f"local-dir:{tiny}", photos, engine="openvino")


def test_a_model_that_does_not_agree_stays_on_torch(
    tiny: Path, cache: Path, photos: list[Picture], monkeypatch: pytest.MonkeyPatch
) -> None:
    from mediclip_index.encoding import exporting

    right = exporting.image_model

    def wrong(encoder: OpenClipEncoder) -> object:
        """The tower with another mean than the model was trained with."""
        how = encoder.preprocessing
        encoder.preprocessing = replace(how, mean=(0.0, 0.9, 0.1))
        try:
            return right(encoder)
        finally:
            encoder.preprocessing = how

    monkeypatch.setattr(exporting, "image_model", wrong)
    encoder = opened(f"local-dir:{tiny}", photos)
    assert encoder.engine == "torch"
    assert "other vectors on OpenVINO" in encoder.notes[-1]


def test_engine_and_precision_are_as_asked(tiny: Path, cache: Path, photos: list[Picture]) -> None:
    name = f"local-dir:{tiny}"
    assert opened(name, photos, engine="torch").engine == "torch"
    forced = opened(name, photos, precision="bf16")
    assert forced.precision == "bf16"
    assert any("does not fit" in note for note in forced.notes)  # eight pictures are too few
    exact = opened(name, photos, precision="fp32")
    assert exact.precision == "fp32"
    a, b = forced.encode_pictures(photos), exact.encode_pictures(photos)
    assert not np.array_equal(a, b)
    assert least(a, b) > 0.98
    for how in ({"engine": "abacus"}, {"precision": "fp4"}):
        with pytest.raises(UsageError, match="There is no"):
            opened(name, photos, **how)
    with pytest.raises(UsageError, match="--device cpu"):
        opened(name, photos, engine="openvino", device="cuda")


def test_bf16_is_taken_only_where_64_pictures_agree(photos: list[Picture]) -> None:
    from mediclip_index.encoding.preprocess import Preprocessing

    how = Preprocessing((8, 8), (0.5,) * 3, (0.5,) * 3)
    record = ModelRecord("f", 4, 1.0, how, None, trials={"image-fp32": Agreement(1.0, 8)})

    def with_trial(cosine: float, count: int) -> str | None:
        trials = {**record.trials, BF16: Agreement(cosine, count)}
        return ModelRecord("f", 4, 1.0, how, None, trials=trials).precision("auto", True)

    assert with_trial(0.9991, 64) == "bf16"
    assert with_trial(0.9989, 64) == "fp32"
    assert with_trial(1.0, 63) == "fp32"
    assert record.precision("auto", True) is None  # not tried yet
    assert record.precision("auto", False) == "fp32"
    disagreeing = ModelRecord("f", 4, 1.0, how, None, trials={"image-fp32": Agreement(0.9998, 8)})
    assert disagreeing.precision("fp32", False) is None

    def exact(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> Vectors:
        return np.ones((len(pixels), 4), dtype=np.float32)

    def not_finite(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> Vectors:
        return np.full((len(pixels), 4), np.nan, dtype=np.float32)

    agreement = trial_of_pictures(not_finite, exact, photos, how, 0.9)  # type: ignore[arg-type]
    assert agreement.cosine == 0.0


def test_a_large_batch_is_computed_in_halves_and_comes_back_in_order(
    tiny: Path, cache: Path, photos: list[Picture], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"local-dir:{tiny}"
    one_by_one = opened(name, photos)
    loaded: list[int] = []
    real = Engine.loaded

    def watched(self: Engine, path: Path, precision: str, *, streams: int = 1) -> Tower:
        loaded.append(streams)
        return real(self, path, precision, streams=streams)

    monkeypatch.setattr(Engine, "loaded", watched)
    many = [photos[n % 8] for n in range(21)]
    encoder = warm(name)
    together = encoder.encode_pictures(many)
    each = np.concatenate([one_by_one.encode_pictures([picture]) for picture in many])
    assert np.abs(together - each).max() < 1e-5
    assert loaded == [2]
    assert np.abs(encoder.encode_pictures(many[:3]) - each[:3]).max() < 1e-5
    few = warm(name)
    assert np.abs(few.encode_pictures(many[:1]) - each[:1]).max() < 1e-5
    assert np.abs(few.encode_pictures(many) - each).max() < 1e-5
    assert loaded == [2, 1], "what is loaded first serves for all"
    sentences = [f"{word} {n}" for n in range(20) for word in SENTENCES]
    expected = np.concatenate([one_by_one.encode_texts([s]) for s in sentences])
    assert np.abs(encoder.encode_texts(sentences) - expected).max() < 1e-5
    assert loaded == [2, 1, 1]
