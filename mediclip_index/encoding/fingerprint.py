"""The fingerprint: what must be equal for two vectors to be compared."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

from mediclip_index.encoding.preprocess import Preprocessing

if TYPE_CHECKING:
    import torch

_SCHEME = 1
# Where the parts of a model are found on this machine, and what the factory is told about them: no
# part of what the model computes.
_NOT_THE_MODEL = (
    "hf_model_name",
    "hf_tokenizer_name",
    "hf_model_pretrained",
    "timm_model_pretrained",
)
_NOT_THE_TEXT_MODEL = (
    "_name_or_path",
    "transformers_version",
    "torch_dtype",
    "dtype",
    "architectures",
)


def fingerprint(
    *,
    weights: str,
    architecture: Mapping[str, Any],
    text_model: Mapping[str, Any] | None,
    recipe: str,
    preprocessing: Preprocessing,
    tokenizer: Mapping[str, Any],
) -> str:
    """sha256, in hex, over all that decides what vector a picture or a sentence gets.

    Names, paths, the wrapping and the stored precision of a weights file are no part of it, nor are
    engine, device and precision of the run: the same weights by another way have the same vectors.
    """
    return of_json(
        {
            "scheme": _SCHEME,
            "weights": weights,
            "architecture": canonical_architecture(architecture),
            "text_model": None
            if text_model is None
            else {k: v for k, v in text_model.items() if k not in _NOT_THE_TEXT_MODEL},
            "recipe": recipe,
            "preprocessing": asdict(preprocessing),
            "tokenizer": dict(tokenizer),
        }
    )


def weights_digest(tensors: Mapping[str, torch.Tensor]) -> str:
    """sha256 over names, shapes and values, floats taken as float32.

    Taken of the state dict as the model takes it in, so that safetensors, a wrapped .pth and a file
    in half precision of the same numbers agree, whatever precision the model then runs in.
    """

    def one(name: str) -> bytes:
        tensor = tensors[name].detach()
        tensor = tensor.float() if tensor.is_floating_point() else tensor
        digest = hashlib.sha256(json.dumps([name, str(tensor.dtype), list(tensor.shape)]).encode())
        digest.update(tensor.reshape(-1).numpy().data)
        return digest.digest()

    # hashlib lets go of the interpreter lock, so that two cores halve the time.
    with ThreadPoolExecutor(max_workers=4) as pool:
        digests = list(pool.map(one, sorted(tensors)))
    return hashlib.sha256(b"".join(digests)).hexdigest()


def canonical_architecture(cfg: Mapping[str, Any]) -> dict[str, Any]:
    """open_clip's model configuration without what is at its default or no part of the model, so
    that a default written out, or one that a later open_clip adds, makes no other model."""
    from open_clip.model import CLIPTextCfg, CLIPVisionCfg

    kept: dict[str, Any] = {}
    for key, value in cfg.items():
        if isinstance(value, Mapping):
            shape = {"vision_cfg": CLIPVisionCfg, "text_cfg": CLIPTextCfg}.get(key)
            defaults = {f.name: f.default for f in fields(shape)} if shape else {}
            kept[key] = {
                k: v
                for k, v in value.items()
                if k not in _NOT_THE_MODEL and not (k in defaults and defaults[k] == v)
            }
        elif value not in (None, False):
            kept[key] = value
    return kept


def of_json(value: Any) -> str:
    """sha256, in hex, of a value's canonical JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=list)
    return hashlib.sha256(text.encode()).hexdigest()
