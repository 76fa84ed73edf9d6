"""Real open_clip models with random weights, made once a session, and real photographs."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Before torch is loaded: its threads sleep while they wait, and busy cores don't stall the tests.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import numpy as np
import pytest
import skimage.data
import torch
from safetensors.torch import save_file

from mediclip_index.types import Picture, Vectors

QUICK = "ViT-B-32-quickgelu"
RECIPE = "test-1"
SENTENCES = ["a chest x-ray", "a photo of a cat, asleep", "retina"]

TINY: dict[str, Any] = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 64, "patch_size": 16},
    "text_cfg": {"context_length": 20, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 2},
}
PREPROCESS: dict[str, Any] = {
    "size": 32,
    "mean": [0.5, 0.4, 0.3],
    "std": [0.5, 0.6, 0.7],
    "interpolation": "bicubic",
    "resize_mode": "shortest",
}


@dataclass(frozen=True)
class RandomModel:
    """A model, its weights as two files, and what open_clip itself makes of pictures and words."""

    safetensors: Path
    checkpoint: Path
    pictures: Vectors
    texts: Vectors


@pytest.fixture(scope="session", autouse=True)
def own_surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """No test sees or fills the user's caches, and the hub is a port of this machine on which
    nobody answers. Of the session, so that models shared by tests are made in it too."""
    from huggingface_hub import constants

    folder = tmp_path_factory.mktemp("surroundings")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        patch.setenv("HOME", str(folder))
        patch.setattr(constants, "HF_HUB_CACHE", str(folder / "hub"))
        patch.setattr(constants, "HF_HUB_OFFLINE", False)
        patch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            patch.delenv(name, raising=False)
            patch.delenv(name.lower(), raising=False)
        yield folder


@pytest.fixture(scope="session")
def photos() -> list[Picture]:
    names = (
        "astronaut",
        "coffee",
        "chelsea",
        "rocket",
        "retina",
        "microaneurysms",
        "immunohistochemistry",
        "coins",
    )
    return [as_picture(getattr(skimage.data, name)()) for name in names]


def as_picture(pixels: np.ndarray[Any, Any]) -> Picture:
    rgb = np.repeat(pixels[:, :, None], 3, axis=2) if pixels.ndim == 2 else pixels
    rgb = np.ascontiguousarray(rgb, dtype=np.uint8)
    return Picture(rgb, rgb.shape[1], rgb.shape[0], "png")


def reference(model: Any, tokenizer: Any, pictures: list[Picture]) -> tuple[Vectors, Vectors]:
    """What open_clip's own transform and towers give."""
    from open_clip.transform import PreprocessCfg, image_transform_v2
    from PIL import Image

    transform = image_transform_v2(PreprocessCfg(**model.visual.preprocess_cfg), is_train=False)
    model.eval()
    with torch.inference_mode():
        images = torch.stack([transform(Image.fromarray(p.pixels)) for p in pictures])
        seen = model.encode_image(images, normalize=True).numpy()
        said = model.encode_text(tokenizer(SENTENCES), normalize=True).numpy()
    return seen, said


def in_openai_order(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The same tensors in the order in which OpenAI's own package makes them: in each block first
    the attention, then ln_1, then the perceptron, then ln_2."""
    places = {"attn": 0, "ln_1": 1, "mlp": 2, "ln_2": 3}
    blocks: dict[str, int] = {}
    for name in state:
        blocks.setdefault(name.partition(".resblocks.")[0], len(blocks))

    def place(name: str) -> tuple[int, int, int]:
        tower, found, rest = name.partition(".resblocks.")
        if not found:
            return blocks[tower], 0, 0
        number, part, *_ = rest.split(".")
        return blocks[tower], int(number), places[part]

    return {name: state[name] for name in sorted(state, key=place)}


@pytest.fixture(scope="session")
def vit(tmp_path_factory: pytest.TempPathFactory, photos: list[Picture]) -> Iterator[RandomModel]:
    """A random ViT-B-32-quickgelu: as safetensors, and as MediCLIP's own checkpoint is (wrapped,
    and in the order of OpenAI's package)."""
    import open_clip

    torch.manual_seed(7)
    folder = tmp_path_factory.mktemp("vit")
    model = open_clip.create_model(QUICK)
    seen, said = reference(model, open_clip.get_tokenizer(QUICK), photos)
    state = model.state_dict()
    files = folder / "vit.safetensors", folder / "best_model.pth"
    save_file({name: tensor.contiguous() for name, tensor in state.items()}, files[0])
    torch.save({"epoch": 3, "model_state_dict": in_openai_order(state)}, files[1])
    yield RandomModel(*files, seen, said)
    for file in files:  # 600 MB each: pytest would keep three runs of them
        file.unlink()


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small random model, as local-dir: names it."""
    return save_folder(tmp_path_factory.mktemp("tiny"), TINY, PREPROCESS, seed=1)


def save_folder(
    folder: Path, model_cfg: dict[str, Any], preprocess_cfg: dict[str, Any], seed: int
) -> Path:
    import json

    import open_clip

    folder.mkdir(exist_ok=True)
    config = {"model_cfg": model_cfg, "preprocess_cfg": preprocess_cfg}
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    torch.manual_seed(seed)
    model = open_clip.create_model(f"local-dir:{folder}", load_weights=False, pretrained_text=False)
    save_file(
        {name: tensor.contiguous() for name, tensor in model.state_dict().items()},
        folder / "open_clip_model.safetensors",
    )
    return folder
