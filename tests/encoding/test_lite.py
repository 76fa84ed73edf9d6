"""The bundled model: found by version, loaded from the package's files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
from safetensors.torch import save_file

from mediclip_index.encoding import bundled_versions, load_encoder
from mediclip_index.encoding.checkpoint import read_checkpoint
from mediclip_index.types import Picture
from tests.encoding.conftest import PREPROCESS, RECIPE, SENTENCES, TINY, reference
from tests.encoding.test_names import refusal


def stand_in(tiny: Path, folder: Path, version: str, config: object, note: object = None) -> None:
    """A bundled model with the tiny one's weights in half precision."""
    state = read_checkpoint(tiny / "open_clip_model.safetensors", lambda: False).tensors
    (folder / f"lite-{version}.json").write_text(json.dumps(config))
    save_file(
        {name: tensor.half() for name, tensor in state.items()},
        folder / f"lite-{version}.safetensors",
        metadata={"preprocess_cfg": json.dumps(note)} if note else None,
    )


def test_lite_is_the_newest_version_in_the_folder(tiny: Path, tmp_path: Path) -> None:
    config = {"model_cfg": TINY, "preprocess_cfg": PREPROCESS}
    for version in ("1", "2", "10"):
        stand_in(tiny, tmp_path, version, config)
    assert bundled_versions(tmp_path) == ("1", "2", "10")
    newest = load_encoder("lite", recipe=RECIPE, bundled=tmp_path)
    assert newest.name == "lite-10"
    assert load_encoder("lite-2", recipe=RECIPE, bundled=tmp_path).name == "lite-2"
    assert "it has lite-1, lite-2, lite-10" in refusal("lite-3", bundled=tmp_path)
    (tmp_path / "lite-2.safetensors").unlink()
    assert "weights of lite-2 are missing" in refusal("lite-2", bundled=tmp_path)


def test_its_way_of_preparing_pictures_comes_from_its_own_files(
    tiny: Path, tmp_path: Path, photos: list[Picture]
) -> None:
    forms = {
        "wrapped": ({"model_cfg": TINY, "preprocess_cfg": PREPROCESS}, None),
        "beside": ({**TINY, "preprocess_cfg": PREPROCESS}, None),
        "in the weights": (TINY, PREPROCESS),
    }
    prints = set()
    for name, (config, note) in forms.items():
        (tmp_path / name).mkdir()
        stand_in(tiny, tmp_path / name, "1", config, note)
        encoder = load_encoder("lite", recipe=RECIPE, bundled=tmp_path / name, device="cpu")
        assert encoder.preprocessing.mean == (0.5, 0.4, 0.3)
        prints.add(encoder.fingerprint)
    assert len(prints) == 1
    # OpenAI's mean and deviation, open_clip's default, would be a silent mistake.
    (tmp_path / "none").mkdir()
    stand_in(tiny, tmp_path / "none", "1", TINY)
    assert "mean, std" in refusal("lite", bundled=tmp_path / "none")


def test_an_installation_without_it_says_so(tmp_path: Path) -> None:
    assert "missing from this installation" in refusal("lite", bundled=tmp_path)


def test_the_bundled_model_gives_what_open_clips_own_factory_gives(
    tmp_path: Path, photos: list[Picture]
) -> None:
    """The files in the package are a model for anybody's open_clip, through its own factory."""
    import open_clip

    versions = bundled_versions()
    assert versions
    encoder = load_encoder("lite", recipe=RECIPE, device="cpu")
    assert encoder.name == f"lite-{versions[-1]}"
    import mediclip_index.encoding

    package = Path(mediclip_index.encoding.__file__).parent / "lite"
    config = json.loads((package / f"{encoder.name}.json").read_text())
    how = encoder.preprocessing
    (tmp_path / "open_clip_config.json").write_text(
        json.dumps(
            {
                "model_cfg": {
                    k: v
                    for k, v in config.get("model_cfg", config).items()
                    if k != "preprocess_cfg"
                },
                "preprocess_cfg": {"mean": how.mean, "std": how.std},
            }
        )
    )
    shutil.copy(package / f"{encoder.name}.safetensors", tmp_path / "open_clip_model.safetensors")
    model = open_clip.create_model(f"local-dir:{tmp_path}", require_pretrained=True)
    seen, said = reference(model, open_clip.get_tokenizer(f"local-dir:{tmp_path}"), photos)
    assert np.abs(encoder.encode_pictures(photos) - seen).max() <= 1e-5
    assert np.abs(encoder.encode_texts(SENTENCES) - said).max() <= 1e-5
