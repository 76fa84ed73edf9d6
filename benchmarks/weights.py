"""Random weights for the benches: they cost what trained ones cost, and say nothing true."""

from __future__ import annotations

from pathlib import Path

ARCHITECTURE = "ViT-B-32-quickgelu"


def random_vit(folder: Path) -> str:
    """The name of a ViT-B/32 whose random weights lie in the folder, made there once."""
    file = folder / "vit-b-32-random.safetensors"
    if not file.is_file():
        import open_clip
        import torch
        from safetensors.torch import save_file

        folder.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(0)
        model = open_clip.create_model(ARCHITECTURE, load_weights=False)
        unfinished = file.with_suffix(".part")
        save_file(model.state_dict(), unfinished)
        unfinished.rename(file)
    return f"{ARCHITECTURE}:{file}"
