"""From the trained parts to the two files that the package carries."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file, save_file

from training.ending import Ending
from training.features import lite2
from training.model import NAME, PREPROCESS, config, new_model
from training.student import TextTower

Floats = npt.NDArray[np.float32]


def assemble(
    tower: TextTower, ending: Ending, projection: Floats, logit_scale: float
) -> dict[str, torch.Tensor]:
    """The whole model, fp16. `projection` is (1281, embed_dim), its last row the bias."""
    model = new_model()
    state = model.state_dict()
    for name, value in {**lite2().state_dict(), **ending.trunk()}.items():
        if f"visual.trunk.{name}" in state:  # all but the ImageNet classifier
            state[f"visual.trunk.{name}"] = value
    for name, value in tower.state_dict().items():
        state[name] = value
    # Texts say nothing of the raw part: its columns are zero.
    words = torch.zeros_like(state["text_projection"])
    words[:, : tower.text_dim] = tower.state_dict()["text_projection"][:, : tower.text_dim]
    state["text_projection"] = words
    state["visual.head.proj.weight"] = torch.from_numpy(projection[:-1].T.copy())
    state["visual.head.proj.bias"] = torch.from_numpy(projection[-1].copy())
    state["logit_scale"] = torch.tensor(np.log(logit_scale), dtype=torch.float32)
    return {
        name: value.half().contiguous() if value.is_floating_point() else value.contiguous()
        for name, value in state.items()
    }


def write(state: dict[str, torch.Tensor], out: Path, notes: dict[str, str]) -> Path:
    """Write the model's configuration and its weights; returns the weights' path."""
    out.mkdir(parents=True, exist_ok=True)
    (out / f"{NAME}.json").write_text(json.dumps(config(), indent=2) + "\n", encoding="utf-8")
    # open_clip takes no preprocessing in a configuration of its registry: it goes here.
    metadata = {"format": "pt", "preprocess_cfg": json.dumps(PREPROCESS), **notes}
    file = out / f"{NAME}.safetensors"
    part = file.with_suffix(".part")
    save_file(state, part, metadata=metadata)
    part.chmod(0o644)  # safetensors writes for the owner alone
    part.replace(file)
    return file


def read(out: Path) -> torch.nn.Module:
    """The model as a user gets it: by open_clip's factory, with strict weights."""
    import open_clip

    open_clip.add_model_config(out / f"{NAME}.json")
    model: torch.nn.Module = open_clip.create_model(
        NAME,
        load_weights=False,
        force_preprocess_cfg={"mean": PREPROCESS["mean"], "std": PREPROCESS["std"]},
    )
    model.load_state_dict(load_file(out / f"{NAME}.safetensors"), strict=True)
    return model.eval()
