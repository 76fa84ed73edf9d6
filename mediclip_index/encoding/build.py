"""Making the model: open_clip's factory gives its shape, the checkpoint its weights, strictly."""

from __future__ import annotations

import contextlib
import json
import logging
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mediclip_index.encoding import names
from mediclip_index.types import ModelUnavailable

if TYPE_CHECKING:
    import torch


def empty_model(
    name: str,
    model_cfg: Mapping[str, Any],
    preprocess_cfg: Mapping[str, Any],
    text_model: Mapping[str, Any] | None,
    precision: str,
) -> torch.nn.Module:
    """The model in evaluation mode, its weights yet to be filled in. Raises ModelUnavailable.

    The factory reads a folder made for it here: so configurations from the package, a folder, the
    hub and open_clip's own list go one way, and nothing is added to open_clip's global registry. A
    text tower's configuration lies in the same folder, without the code that it might ask for.
    """
    import open_clip

    with tempfile.TemporaryDirectory(prefix="mediclip-index-") as place:
        folder = Path(place)
        model_cfg = json.loads(json.dumps(model_cfg))
        if text_model is not None:
            model_cfg["text_cfg"]["hf_model_name"] = place
            plain = {key: value for key, value in text_model.items() if key != "auto_map"}
            (folder / "config.json").write_text(json.dumps(plain), encoding="utf-8")
        config = {"model_cfg": model_cfg, "preprocess_cfg": dict(preprocess_cfg)}
        (folder / "open_clip_config.json").write_text(json.dumps(config), encoding="utf-8")
        try:
            with _no_random_numbers(), _quiet():
                model: torch.nn.Module = open_clip.create_model(
                    f"local-dir:{place}",
                    load_weights=False,
                    pretrained_image=False,
                    pretrained_text=False,
                    precision=precision,
                    device="cpu",
                )
        except (RuntimeError, ValueError, TypeError, KeyError, AssertionError, OSError) as error:
            reason = str(error).strip().splitlines()
            raise ModelUnavailable(
                f"open_clip can't make {name} from its configuration "
                f"({type(error).__name__}: {reason[0][:200] if reason else 'no reason given'})."
            ) from error
    return model.eval().requires_grad_(False)


def fill(
    model: torch.nn.Module,
    tensors: Mapping[str, torch.Tensor],
    name: str,
    path: Path,
    resize: bool,
) -> dict[str, torch.Tensor]:
    """Fill the weights in, and return them under the model's own names, as they were stored.

    Every tensor of the model must be there and no other: what is missing would stay random.
    `resize` lets positional embeddings be resized, as open_clip does for what it publishes itself.
    Raises ModelUnavailable.
    """
    from open_clip.convert import convert_state_dict
    from open_clip.model import (
        convert_to_custom_text_state_dict,
        resize_pos_embed,
        resize_text_pos_embed,
    )

    given: dict[str, torch.Tensor] = convert_state_dict(model, dict(tensors))
    if "positional_embedding" in given and not hasattr(model, "positional_embedding"):
        given = convert_to_custom_text_state_dict(given)
    wanted = model.state_dict()
    for scalar in ("logit_scale", "logit_bias"):
        if scalar in given and scalar in wanted and given[scalar].numel() == 1:
            given[scalar] = given[scalar].reshape(wanted[scalar].shape)
    # A model made for another loss; the bias moves all logits alike, vectors know nothing of it.
    if "logit_bias" in wanted and "logit_bias" not in given and "logit_scale" in given:
        given["logit_bias"] = given["logit_scale"].new_zeros(wanted["logit_bias"].shape)
    # Kept by transformers before 4.31: the numbers 0, 1, 2, …
    if "text.transformer.embeddings.position_ids" not in wanted:
        given.pop("text.transformer.embeddings.position_ids", None)
    if resize:
        with _quiet():
            resize_pos_embed(given, model)
            resize_text_pos_embed(given, model)
    misfit = _misfit(wanted, given)
    if misfit:
        raise ModelUnavailable(f"The weights in {path} don't fit {name}: {misfit}.")
    model.load_state_dict(given, strict=True)
    return given


def _misfit(wanted: Mapping[str, torch.Tensor], given: Mapping[str, torch.Tensor]) -> str:
    missing = [key for key in wanted if key not in given]
    strange = [key for key in given if key not in wanted]
    other = [key for key in wanted if key in given and wanted[key].shape != given[key].shape]
    if not (missing or strange or other):
        return ""
    if any(key.startswith(("vision_model.", "text_model.")) for key in strange):
        return "they are in the layout of transformers' CLIPModel, and open_clip's is needed"
    parts = []
    if missing:
        parts.append(f"{len(missing)} tensors are missing ({missing[0]}, …)")
    if strange:
        parts.append(f"{len(strange)} are none of its own ({strange[0]}, …)")
    if other:
        shapes = f"{_shape(given[other[0]])} for {_shape(wanted[other[0]])}"
        parts.append(f"{len(other)} have another shape ({other[0]}: {shapes})")
    looks = looks_like(given)
    return ", ".join(parts) + (f"; they look like {' or '.join(looks)}" if looks else "")


def _shape(tensor: torch.Tensor) -> str:
    return "×".join(map(str, tensor.shape)) or "one number"


def looks_like(tensors: Mapping[str, torch.Tensor]) -> list[str]:
    """The plain ViT architectures of open_clip whose shape weights in its own layout have."""
    import open_clip

    try:
        conv, grid = tensors["visual.conv1.weight"], tensors["visual.positional_embedding"]
        width, patch = int(conv.shape[0]), int(conv.shape[-1])
        size = patch * round((len(grid) - 1) ** 0.5)
        context, text_width = tensors["positional_embedding"].shape
        words = len(tensors["token_embedding.weight"])
        embed_dim = int(tensors["text_projection"].shape[1])
    except (KeyError, IndexError, TypeError, ValueError):
        return []
    blocks = sum(
        key.startswith("visual.transformer.") and key.endswith("ln_1.weight") for key in tensors
    )
    seen = {"width": width, "patch_size": patch, "image_size": size, "layers": blocks}
    text = {"context_length": context, "width": text_width, "vocab_size": words}
    return [
        name
        for name in open_clip.list_models()
        if (cfg := open_clip.get_model_config(name))["embed_dim"] == embed_dim
        and all(cfg["vision_cfg"].get(key) == value for key, value in seen.items())
        and all(cfg["text_cfg"].get(key) == value for key, value in text.items())
    ][:3]


@contextlib.contextmanager
def _no_random_numbers() -> Iterator[None]:
    """Skip the random initialisation, which takes seconds and is overwritten to the last number
    (`fill` is strict). Holds for this thread alone."""
    from torch.overrides import TorchFunctionMode

    class Skip(TorchFunctionMode):
        def __torch_function__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            kwargs = kwargs or {}
            filling = getattr(func, "__name__", "") in ("uniform_", "normal_", "trunc_normal_")
            if filling or getattr(func, "__module__", None) == "torch.nn.init":
                return kwargs["tensor"] if "tensor" in kwargs else args[0]
            return func(*args, **kwargs)

    with Skip():
        yield


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep open_clip's remarks off the user's screen: it warns of random weights, and they are
    about to be filled in. It logs to the root logger, which would get a handler by that."""

    def foreign(record: logging.LogRecord) -> bool:
        return "open_clip" not in Path(record.pathname).parts

    root, silent = logging.getLogger(), logging.NullHandler()
    root.addHandler(silent)
    root.addFilter(foreign)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        root.removeFilter(foreign)
        root.removeHandler(silent)


def fits_text_tower(name: str, text_model: Mapping[str, Any]) -> None:
    """Refuse a text tower of a kind that open_clip can't use. Raises ModelUnavailable."""
    from open_clip.hf_configs import arch_dict

    kind = str(text_model.get("model_type"))
    if kind not in arch_dict:
        near = names.did_you_mean(kind, arch_dict)
        raise ModelUnavailable(
            f"{name} has a text model of the type {kind!r}, "
            f"which open_clip doesn't know{near or '.'}"
        )
