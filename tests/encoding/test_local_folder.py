"""A BiomedCLIP-shaped model (timm image tower, BERT text tower) from a folder, with no network."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mediclip_index.encoding import load_encoder
from mediclip_index.types import Picture, Vectors
from tests.encoding.conftest import PREPROCESS, RECIPE, SENTENCES, reference, save_folder
from tests.encoding.test_names import refusal

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "chest", "x", "-", "ray", "photo"]
HOW = {**PREPROCESS, "size": 224}
WORDS += ["of", "cat", ",", "asleep", "retina", "(", "&", ")"]


@pytest.fixture(scope="module")
def biomed(
    tmp_path_factory: pytest.TempPathFactory, photos: list[Picture]
) -> tuple[Path, Vectors, Vectors]:
    """The folder as a user brings it, and what open_clip itself makes of pictures and words."""
    import open_clip
    from transformers import BertConfig

    folder = tmp_path_factory.mktemp("biomed")
    (folder / "vocab.txt").write_text("\n".join(WORDS))
    bert = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=40,
    )
    bert.save_pretrained(folder)
    model_cfg: dict[str, Any] = {
        "embed_dim": 24,
        "vision_cfg": {
            "timm_model_name": "vit_tiny_patch16_224",
            "timm_pool": "",
            "timm_proj": "linear",
            "image_size": 224,
        },
        "text_cfg": {
            "hf_model_name": str(folder),
            "hf_tokenizer_name": str(folder),
            "hf_proj_type": "mlp",
            "hf_pooler_type": "cls_last_hidden_state_pooler",
            "hf_model_pretrained": False,
            "context_length": 32,
        },
    }
    save_folder(folder, model_cfg, HOW, seed=3)
    model = open_clip.create_model(f"local-dir:{folder}", require_pretrained=True)
    tokenizer = open_clip.get_tokenizer(f"local-dir:{folder}")
    seen, said = reference(model, tokenizer, photos)
    # As published, the configuration names the text model by its place on the hub.
    for key in ("hf_model_name", "hf_tokenizer_name"):
        model_cfg["text_cfg"][key] = "nobody/nothing-of-the-kind"
    config = {"model_cfg": model_cfg, "preprocess_cfg": HOW}
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    return folder, seen, said


def test_it_loads_with_no_network_and_gives_open_clips_own_vectors(
    biomed: tuple[Path, Vectors, Vectors], photos: list[Picture], tmp_path: Path
) -> None:
    folder, seen, said = biomed
    encoder = load_encoder(f"local-dir:{folder}", recipe=RECIPE, device="cpu")
    assert encoder.dim == 24
    assert (encoder.encode_pictures(photos) * seen).sum(axis=1).min() >= 0.99999
    ours = encoder.encode_texts(SENTENCES)
    assert (ours * said).sum(axis=1).min() >= 0.99999
    assert np.abs(ours[0] - ours[1]).max() > 1e-3  # the sentences did reach the model
    moved = shutil.copytree(folder, tmp_path / "moved")
    again = load_encoder(f"local-dir:{moved}", recipe=RECIPE, device="cpu")
    assert again.fingerprint == encoder.fingerprint


def test_another_text_model_or_vocabulary_is_another_fingerprint(
    biomed: tuple[Path, Vectors, Vectors], tmp_path: Path
) -> None:
    def changed(name: str, file: str, old: str, new: str) -> str:
        folder = shutil.copytree(biomed[0], tmp_path / name)
        text = (folder / file).read_text()
        assert old in text
        (folder / file).write_text(text.replace(old, new))
        return load_encoder(f"local-dir:{folder}", recipe=RECIPE, device="cpu").fingerprint

    same = load_encoder(f"local-dir:{biomed[0]}", recipe=RECIPE, device="cpu").fingerprint
    heads = changed("a", "config.json", '"num_attention_heads": 2', '"num_attention_heads": 4')
    words = changed("b", "vocab.txt", "retina", "cornea")
    assert len({same, heads, words}) == 3


def test_what_the_folder_lacks_is_said_at_once(
    biomed: tuple[Path, Vectors, Vectors], tmp_path: Path
) -> None:
    without = {
        "config.json": "config.json of nobody/nothing-of-the-kind",
        "vocab.txt": "tokenizer",
        "open_clip_model.safetensors": "no file with weights",
    }
    for file, said in without.items():
        folder = shutil.copytree(biomed[0], tmp_path / file.partition(".")[0])
        (folder / file).unlink()
        assert said in refusal(f"local-dir:{folder}")


def test_code_in_a_folder_is_never_run_nor_asked_for(
    biomed: tuple[Path, Vectors, Vectors], tmp_path: Path
) -> None:
    folder = shutil.copytree(biomed[0], tmp_path / "hostile")
    victim = tmp_path / "was here"
    (folder / "evil.py").write_text(f"import pathlib; pathlib.Path({str(victim)!r}).touch()")
    config = json.loads((folder / "config.json").read_text())
    config["auto_map"] = {"AutoConfig": "evil.Config", "AutoModel": "evil.Model"}
    (folder / "config.json").write_text(json.dumps(config))
    assert load_encoder(f"local-dir:{folder}", recipe=RECIPE, device="cpu").dim == 24
    config["model_type"] = "evil"
    (folder / "config.json").write_text(json.dumps(config))
    assert "'evil'" in refusal(f"local-dir:{folder}")
    assert not victim.exists()


def test_without_transformers_the_extra_to_install_is_named(
    biomed: tuple[Path, Vectors, Vectors], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    assert 'pip install "mediclip-index[bert]"' in refusal(f"local-dir:{biomed[0]}")
