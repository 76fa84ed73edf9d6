"""What a tower is spared on its way to OpenVINO, and that it loses nothing by it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mediclip_index.encoding import exporting, load_encoder
from mediclip_index.encoding.encoder import unit_rows
from mediclip_index.encoding.openvino import Engine, runtime, stacked
from mediclip_index.terms import Picture
from tests.encoding.conftest import PREPROCESS, RECIPE, TINY, save_folder

VISION: dict[str, Any] = TINY["vision_cfg"]


@pytest.mark.parametrize(
    ("vision", "tokens"),
    [
        ({}, 1),
        ({"final_ln_after_pool": True}, 1),
        ({"ls_init_value": 0.5}, 1),
        ({"pool_type": "avg"}, 5),
        ({"attentional_pool": True, "attn_pooler_heads": 2}, 5),
        ({"block_type": "custom"}, 5),
    ],
)
def test_the_last_block_computes_no_token_that_nobody_looks_at(
    vision: dict[str, Any], tokens: int, tmp_path: Path, photos: list[Picture]
) -> None:
    cfg = {**TINY, "vision_cfg": {**VISION, **vision}}
    folder = save_folder(tmp_path / "model", cfg, PREPROCESS, seed=3)
    encoder = load_encoder(f"local-dir:{folder}", recipe=RECIPE, device="cpu")
    visual: Any = encoder.model.visual
    blocks = visual.transformer.resblocks
    last, seen = blocks[-1], []
    watch = last.mlp.register_forward_hook(lambda _, given, __: seen.append(int(given[0].shape[1])))
    model = exporting.image_model(encoder)
    watch.remove()
    assert set(seen) == {tokens}
    assert blocks[-1] is last, "the torch model is as it was"
    openvino = runtime()
    assert openvino is not None
    tower = Engine(openvino).compiled(model, "fp32")
    found = unit_rows(tower(stacked(photos, encoder.preprocessing)), "tiny")
    assert np.abs(found - encoder.encode_pictures(photos)).max() < 1e-5
