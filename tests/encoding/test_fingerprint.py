"""The fingerprint changes with all that changes vectors, and with nothing else."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from mediclip_index.encoding import load_encoder
from mediclip_index.encoding.checkpoint import read_checkpoint
from mediclip_index.encoding.file_hashes import FileHashes
from mediclip_index.encoding.fingerprint import weights_digest
from tests.encoding.conftest import PREPROCESS, RECIPE, TINY


def fingerprint(folder: Path, recipe: str = RECIPE) -> str:
    return load_encoder(f"local-dir:{folder}", recipe=recipe, device="cpu").fingerprint


def variant(tiny: Path, to: Path, model: Any = (), text: Any = (), preprocess: Any = ()) -> Path:
    shutil.copytree(tiny, to)
    text_cfg = {**TINY["text_cfg"], **dict(text)}
    config = {
        "model_cfg": {**TINY, "text_cfg": text_cfg, **dict(model)},
        "preprocess_cfg": {**PREPROCESS, **dict(preprocess)},
    }
    (to / "open_clip_config.json").write_text(json.dumps(config))
    return to


def test_it_changes_with_all_that_changes_vectors(tiny: Path, tmp_path: Path) -> None:
    prints = {
        "itself": fingerprint(tiny),
        "recipe": fingerprint(tiny, "test-2"),
        "activation": fingerprint(variant(tiny, tmp_path / "a", model={"quick_gelu": True})),
        "mean": fingerprint(variant(tiny, tmp_path / "b", preprocess={"mean": [0.5, 0.5, 0.5]})),
        "filter": fingerprint(
            variant(tiny, tmp_path / "c", preprocess={"interpolation": "bilinear"})
        ),
        "resizing": fingerprint(
            variant(tiny, tmp_path / "d", preprocess={"resize_mode": "squash"})
        ),
        "heads": fingerprint(variant(tiny, tmp_path / "e", text={"heads": 4})),
        "tokenizer": fingerprint(
            variant(tiny, tmp_path / "f", text={"tokenizer_kwargs": {"clean": "whitespace"}})
        ),
    }
    other = shutil.copytree(tiny, tmp_path / "g")
    state = read_checkpoint(tiny / "open_clip_model.safetensors", lambda: False).tensors
    state["visual.proj"] = state["visual.proj"].clone()
    state["visual.proj"][0, 0] += 1e-3
    save_file(state, other / "open_clip_model.safetensors")
    prints["weights"] = fingerprint(other)
    assert len(set(prints.values())) == len(prints)


def test_it_does_not_change_with_path_wrapping_or_what_is_written_out(
    tiny: Path, tmp_path: Path
) -> None:
    own = fingerprint(tiny)
    assert fingerprint(shutil.copytree(tiny, tmp_path / "elsewhere")) == own
    spoken = variant(
        tiny, tmp_path / "spoken", model={"quick_gelu": False}, text={"mlp_ratio": 4.0}
    )
    assert fingerprint(spoken) == own
    wrapped = variant(tiny, tmp_path / "wrapped")
    state = read_checkpoint(tiny / "open_clip_model.safetensors", lambda: False).tensors
    (wrapped / "open_clip_model.safetensors").unlink()
    prefixed = {f"module.{name}": tensor.clone() for name, tensor in reversed(state.items())}
    torch.save({"model_state_dict": prefixed}, wrapped / "model.pth")
    assert fingerprint(wrapped) == own


def test_the_same_numbers_in_half_precision_are_the_same_weights() -> None:
    numbers = torch.linspace(-1, 1, 12).half()
    assert weights_digest({"w": numbers}) == weights_digest({"w": numbers.float()})
    assert weights_digest({"w": numbers}) != weights_digest({"w": numbers.reshape(3, 4)})
    assert weights_digest({"w": numbers}) != weights_digest({"v": numbers})
    assert weights_digest({"s": torch.tensor(1.0)}) != weights_digest({"s": torch.tensor(2.0)})


def test_hashes_are_remembered_by_the_files_identity(tmp_path: Path) -> None:
    file, cache = tmp_path / "w", tmp_path / "cache"
    file.write_bytes(b"one")
    first = FileHashes(cache).sha256(file)
    computed: list[int] = []

    def compute() -> str:
        computed.append(1)
        return "anew"

    assert FileHashes(cache).get(file, "sha256", compute) == first
    assert computed == []
    assert FileHashes(cache).get(file, "another hash", compute) == "anew"
    stat = file.stat()
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    assert FileHashes(cache).get(file, "sha256", compute) == "anew"
    file.write_bytes(b"other bytes")
    assert FileHashes(cache).sha256(file) not in (first, "anew")


@pytest.mark.parametrize("content", ["", "[1]", "{", '{"sha256 x": 3}'])
def test_a_cache_that_is_broken_or_cannot_be_written_harms_nobody(
    tmp_path: Path, content: str
) -> None:
    file = tmp_path / "w"
    file.write_bytes(b"one")
    (tmp_path / "hashes.json").write_text(content)
    (tmp_path / "occupied").write_text("a file where the folder should be")
    good = FileHashes(tmp_path / "fresh").sha256(file)
    assert FileHashes(tmp_path).sha256(file) == good
    assert FileHashes(tmp_path / "occupied").sha256(file) == good
