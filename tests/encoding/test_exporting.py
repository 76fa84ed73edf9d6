"""What a tower is spared on its way to OpenVINO, and that it loses nothing by it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mediclip_index.encoding import exporting, load_encoder
from mediclip_index.encoding.encoder import unit_rows
from mediclip_index.encoding.openvino import Engine, runtime, stacked
from mediclip_index.types import Picture
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


def test_attention_is_traced_by_its_products_and_torch_is_left_as_it_was(tiny: Path) -> None:
    """torch's operator for a whole attention hides them, and int8 could not reach them."""
    from torch.backends import mha

    encoder = load_encoder(f"local-dir:{tiny}", recipe=RECIPE, device="cpu")
    before = mha.get_fastpath_enabled()
    names = [op.get_friendly_name() for op in exporting.image_model(encoder).get_ops()]
    assert mha.get_fastpath_enabled() == before
    assert not [name for name in names if "_native_multi_head_attention" in name]
    assert [name for name in names if "resblocks.0.attn" in name and "linear" in name]
    with pytest.raises(ZeroDivisionError), exporting._attention_by_parts():
        assert not mha.get_fastpath_enabled()
        raise ZeroDivisionError
    assert mha.get_fastpath_enabled() == before


@pytest.mark.parametrize(
    ("precision", "has_bf16", "hint"),
    [
        ("fp32", True, "f32"),
        ("bf16", True, "bf16"),
        ("int8", True, "bf16"),
        ("int8", False, "f32"),
    ],
)
def test_what_int8_leaves_to_floats_is_bf16_where_the_processor_has_it(
    precision: str, has_bf16: bool, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    openvino = runtime()
    assert openvino is not None
    monkeypatch.setattr(Engine, "has_bf16", has_bf16)
    assert Engine(openvino)._properties(precision)["INFERENCE_PRECISION_HINT"] == hint
