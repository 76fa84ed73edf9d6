"""Weights files: hostile ones are refused unexecuted, wrong ones are named for what they are."""

from __future__ import annotations

import contextlib
import pickle
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from mediclip_index.encoding import load_encoder
from mediclip_index.encoding.checkpoint import read_checkpoint
from mediclip_index.types import ModelUnavailable
from tests.encoding.conftest import QUICK, RECIPE
from tests.encoding.test_names import refusal


class Hostile:
    def __init__(self, victim: Path) -> None:
        self.victim = victim

    def __reduce__(self) -> Any:
        return Path.touch, (self.victim,)


@pytest.mark.parametrize("form", ["zip", "legacy", "bare", "inside a wrapper"])
@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_a_pickle_with_code_is_refused_unexecuted(tmp_path: Path, form: str, suffix: str) -> None:
    victim, file = tmp_path / "was here", tmp_path / f"weights{suffix}"
    hostile = Hostile(victim)
    if form == "bare":
        file.write_bytes(pickle.dumps(hostile))
    elif form == "inside a wrapper":
        torch.save({"model_state_dict": {"w": torch.ones(1)}, "notes": hostile}, file)
    else:
        torch.save(hostile, file, _use_new_zipfile_serialization=form == "zip")
    assert "not opened" in refusal(f"{QUICK}:{file}")
    assert not victim.exists()
    with file.open("rb") as opened, contextlib.suppress(Exception):
        torch.load(opened, weights_only=False)  # it would have run
    assert victim.exists()


@pytest.mark.parametrize("wrapper", ["model_state_dict", "state_dict", None])
@pytest.mark.parametrize("prefix", ["", "module.", "module._orig_mod."])
def test_wrappers_and_prefixes_come_off(tmp_path: Path, wrapper: str | None, prefix: str) -> None:
    state = {f"{prefix}visual.a": torch.ones(2), f"{prefix}b": torch.zeros(3)}
    torch.save({"epoch": 1, wrapper: state} if wrapper else state, tmp_path / "w.pth")
    checkpoint = read_checkpoint(tmp_path / "w.pth", lambda: False)
    assert list(checkpoint.tensors) == ["visual.a", "b"]


def test_what_is_no_checkpoint_is_said(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "zip.pt", "w") as archive:
        archive.writestr("readme.txt", "hello")
    whole = tmp_path / "whole.safetensors"
    save_file({"w": torch.ones(1000)}, whole)
    (tmp_path / "cut.safetensors").write_bytes(whole.read_bytes()[:-100])
    torch.save({"w": torch.ones(1000)}, tmp_path / "whole.pt")
    (tmp_path / "cut.pt").write_bytes((tmp_path / "whole.pt").read_bytes()[:-2000])
    (tmp_path / "text.pt").write_text("version https://…/spec/v1: a pointer, no weights")
    (tmp_path / "empty.pt").write_bytes(b"")
    torch.save([1, 2, 3], tmp_path / "list.pt")
    torch.save({"optimizer": 3}, tmp_path / "numbers.pt")
    for name, said in {
        "zip.pt": "damaged",
        "cut.safetensors": "damaged",
        "cut.pt": "damaged",
        "text.pt": "neither",
        "empty.pt": "neither",
        "list.pt": "no state dict",
        "numbers.pt": "no state dict",
    }.items():
        with pytest.raises(ModelUnavailable, match=said):
            read_checkpoint(tmp_path / name, lambda: False)


def copied(tiny: Path, to: Path, **changes: torch.Tensor | None) -> str:
    """The tiny model's folder with some tensors changed (None: left out)."""
    state = read_checkpoint(tiny / "open_clip_model.safetensors", lambda: False).tensors
    for name, tensor in changes.items():
        if tensor is None:
            state.pop(name)
        else:
            state[name] = tensor
    (to / "open_clip_config.json").write_bytes((tiny / "open_clip_config.json").read_bytes())
    save_file(state, to / "open_clip_model.safetensors")
    return f"local-dir:{to}"


def test_weights_that_do_not_fit_are_never_filled_up_with_chance(
    tiny: Path, tmp_path: Path
) -> None:
    missing = refusal(copied(tiny, tmp_path, **{"visual.proj": None}))
    assert "1 tensors are missing (visual.proj" in missing
    strange = refusal(copied(tiny, tmp_path, stranger=torch.ones(1)))
    assert "none of its own (stranger" in strange
    other = refusal(copied(tiny, tmp_path, text_projection=torch.ones(3, 3)))
    assert "another shape (text_projection: 3×3 for 64×16)" in other
    assert load_encoder(copied(tiny, tmp_path), recipe=RECIPE).dim == 16


def test_weights_of_another_architecture_are_named_for_what_they_look_like(
    tmp_path: Path,
) -> None:
    shapes = {
        "visual.conv1.weight": (768, 3, 16, 16),
        "visual.positional_embedding": (197, 768),
        "positional_embedding": (77, 512),
        "token_embedding.weight": (49408, 512),
        "text_projection": (512, 512),
        **{f"visual.transformer.resblocks.{i}.ln_1.weight": (768,) for i in range(12)},
    }
    save_file(
        {name: torch.ones(shape) for name, shape in shapes.items()}, tmp_path / "w.safetensors"
    )
    assert "they look like ViT-B-16" in refusal(f"ViT-B-32:{tmp_path / 'w.safetensors'}")


def test_the_layout_of_transformers_is_recognised(tmp_path: Path) -> None:
    state = {"vision_model.embeddings.class_embedding": torch.ones(3)}
    save_file(state, tmp_path / "w.safetensors")
    assert "layout of transformers" in refusal(f"ViT-B-32:{tmp_path / 'w.safetensors'}")
