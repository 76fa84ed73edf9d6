"""The shape of the model, in open_clip's own configuration, and its parts."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import torch

NAME = "lite-4"
TEXT_DIM = 256  # the part of an embedding that words speak about
LOOKS_DIM = 128  # of those: what a thing looks like; the others hold what a sentence means
RAW_DIM = 256  # the part that only pictures fill: what they look like, words or no words
TEXT_WIDTH = 256
TEXT_LAYERS = 4
CONTEXT = 32
# Chosen on left-out sources. The tune split alone would have it higher (78): its sources are known,
# and what is known can be said more surely.
SCALE = 40.0

PREPROCESS: dict[str, Any] = {
    "size": 260,
    "mode": "RGB",
    "mean": [0.5, 0.5, 0.5],
    "std": [0.5, 0.5, 0.5],
    "interpolation": "bicubic",
    "resize_mode": "shortest",
}


def config() -> dict[str, Any]:
    """open_clip's model configuration. No further key: open_clip passes all of them on."""
    return {
        "embed_dim": TEXT_DIM + RAW_DIM,
        "vision_cfg": {
            "timm_model_name": "tf_efficientnet_lite2",
            "timm_model_pretrained": False,
            "timm_pool": "avg",
            "timm_proj": "linear",
            "timm_proj_bias": True,
            "image_size": 260,
        },
        "text_cfg": {
            "context_length": CONTEXT,
            "vocab_size": 49408,
            "width": TEXT_WIDTH,
            "heads": 4,
            "layers": TEXT_LAYERS,
        },
    }


def new_model() -> torch.nn.Module:
    """The model with random weights, made by open_clip's own factory."""
    import open_clip

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{NAME}.json"
        file.write_text(json.dumps(config()))
        open_clip.add_model_config(file)
    model: torch.nn.Module = open_clip.create_model(NAME, load_weights=False)
    return model
