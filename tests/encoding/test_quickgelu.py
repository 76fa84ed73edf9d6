"""OpenAI's weights under another activation are refused with the right name."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from mediclip_index.encoding import load_encoder
from mediclip_index.encoding.checkpoint import Checkpoint, read_checkpoint
from mediclip_index.encoding.quickgelu import openai_hashes, published_as, why_openai
from mediclip_index.types import ModelUnavailable
from tests.encoding.conftest import PREPROCESS, RECIPE, TINY, RandomModel, in_openai_order
from tests.encoding.test_names import refusal


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("ViT-B-32:openai", "ViT-B-32-quickgelu:openai"),
        ("ViT-B/32:OpenAI", "ViT-B-32-quickgelu:OpenAI"),
        ("ViT-L-14:openai", "ViT-L-14-quickgelu:openai"),
        ("RN50:openai", "RN50-quickgelu:openai"),
        ("ViT-B-32:metaclip_400m", "ViT-B-32-quickgelu:metaclip_400m"),
        ("ViT-B-16:dfn2b", "ViT-B-16-quickgelu:dfn2b"),
        ("ViT-B-32-quickgelu:laion2b_s34b_b79k", "ViT-B-32:laion2b_s34b_b79k"),
    ],
)
def test_a_tag_under_the_wrong_activation_is_refused_with_the_right_name(
    wrong: str, right: str
) -> None:
    assert f"use {right}." in refusal(wrong)


def test_open_clips_own_pairing_stands_where_there_is_no_other() -> None:
    # The tag says GELU and the only architecture of that shape has QuickGELU.
    assert "can't be fetched" in refusal("roberta-ViT-B-32:laion2b_s12b_b32k")


def test_mediclips_own_checkpoint_is_refused_under_the_plain_architecture(
    vit: RandomModel,
) -> None:
    sentence = refusal(f"ViT-B-32:{vit.checkpoint}")
    assert f"use ViT-B-32-quickgelu:{vit.checkpoint}." in sentence


def test_a_file_that_shows_nothing_is_taken_and_the_user_told(vit: RandomModel) -> None:
    plain = load_encoder(f"ViT-B-32:{vit.safetensors}", recipe=RECIPE)
    quick = load_encoder(f"ViT-B-32-quickgelu:{vit.safetensors}", recipe=RECIPE)
    assert "want ViT-B-32-quickgelu." in plain.notes[0]
    assert quick.notes == ()
    assert plain.fingerprint != quick.fingerprint


def tiny_state(tiny: Path) -> dict[str, torch.Tensor]:
    return read_checkpoint(tiny / "open_clip_model.safetensors", lambda: False).tensors


def half_where_openai_halves(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    parts = (".attn.", ".mlp.", "conv1", "visual.proj", "text_projection")
    return {n: t.half() if any(p in n for p in parts) else t for n, t in state.items()}


def test_openais_marks_are_known_and_open_clips_own_files_bear_none(
    tiny: Path, vit: RandomModel, tmp_path: Path
) -> None:
    # Read as open_clip orders it, from a model of its own.
    import open_clip

    model = open_clip.create_model(f"local-dir:{tiny}", load_weights=False)
    torch.save({"state_dict": model.state_dict()}, tmp_path / "own.pt")
    own = read_checkpoint(tmp_path / "own.pt", lambda: False)
    state = own.tensors
    assert own.ordered
    assert why_openai(own) == ""
    assert why_openai(read_checkpoint(vit.safetensors, lambda: False)) == ""
    # All in 16 bits is what many do; only OpenAI's mixture is a mark.
    assert why_openai(Checkpoint({n: t.half() for n, t in state.items()}, False, False)) == ""

    torch.save(in_openai_order(state), tmp_path / "ordered.pt")
    ordered = read_checkpoint(tmp_path / "ordered.pt", lambda: False)
    assert "layout of OpenAI's" in why_openai(ordered)

    extras = {
        name: torch.tensor(1) for name in ("input_resolution", "context_length", "vocab_size")
    }
    torch.save({**state, **extras}, tmp_path / "extras.pt")
    assert "OpenAI's archives" in why_openai(read_checkpoint(tmp_path / "extras.pt", lambda: False))

    mixed = half_where_openai_halves(state)
    save_file(mixed, tmp_path / "mixed.safetensors")
    assert "OpenAI's weights" in why_openai(
        read_checkpoint(tmp_path / "mixed.safetensors", lambda: False)
    )
    widened = {name: tensor.float() for name, tensor in mixed.items()}
    assert "OpenAI's weights" in why_openai(Checkpoint(widened, False, False))


def test_a_folder_whose_configuration_forgot_quickgelu_is_told_so(
    tiny: Path, tmp_path: Path
) -> None:
    import json

    config = {"model_cfg": TINY, "preprocess_cfg": PREPROCESS}
    (tmp_path / "open_clip_config.json").write_text(json.dumps(config))
    torch.save(in_openai_order(tiny_state(tiny)), tmp_path / "pytorch_model.bin")
    assert '"quick_gelu": true' in refusal(f"local-dir:{tmp_path}")
    config["model_cfg"] = {**TINY, "quick_gelu": True}
    (tmp_path / "open_clip_config.json").write_text(json.dumps(config))
    assert load_encoder(f"local-dir:{tmp_path}", recipe=RECIPE).dim == 16


def test_published_files_are_known_by_their_hash_or_their_place_in_the_cache() -> None:
    openais = openai_hashes()
    assert len(openais) >= 9
    assert all(len(sha256) == 64 for sha256 in openais)
    for sha256 in openais:
        found = published_as(Path("/downloads/w.pt"), sha256)
        assert found is not None
        assert found[0] is True
        assert found[1].endswith(":openai")
    cached = Path("/c/models--laion--CLIP-ViT-B-32-laion2B-s34B-b79K/snapshots/1/w.safetensors")
    found = published_as(cached, "0" * 64)
    assert found is not None
    assert found[0] is False
    assert published_as(Path("/downloads/w.pt"), "0" * 64) is None


def test_a_published_file_is_refused_under_the_other_activation(tiny: Path, tmp_path: Path) -> None:
    folder = tmp_path / "models--laion--CLIP-ViT-B-32-laion2B-s34B-b79K"
    folder.mkdir()
    file = folder / "open_clip_model.safetensors"
    file.write_bytes((tiny / file.name).read_bytes())
    assert f"use ViT-B-32:{file}." in refusal(f"ViT-B-32-quickgelu:{file}")


def test_an_archive_with_code_is_opened_only_if_openai_published_it(tmp_path: Path) -> None:
    class Tower(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.ones(2, 3))
            for name in ("input_resolution", "context_length", "vocab_size"):
                self.register_buffer(name, torch.tensor(3))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x @ self.weight

    file = tmp_path / "ViT-B-32.pt"
    script: Any = torch.jit.script
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecated, but what OpenAI published
        script(Tower()).save(str(file))
    with pytest.raises(ModelUnavailable, match="TorchScript"):
        read_checkpoint(file, lambda: False)
    checkpoint = read_checkpoint(file, lambda: True)
    assert checkpoint.extras
    assert set(checkpoint.tensors) == {"weight"}
    assert "TorchScript" in refusal(f"ViT-B-32-quickgelu:{file}")
