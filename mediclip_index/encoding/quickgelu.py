"""OpenAI's weights want QuickGELU; under another activation they give worse vectors without an
error. open_clip warns of it for tags only, so the combination is refused here, for files too."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mediclip_index.encoding.checkpoint import Checkpoint
from mediclip_index.types import ModelUnavailable

if TYPE_CHECKING:
    import torch

SUFFIX = "-quickgelu"


def sibling(architecture: str, quick: bool) -> str | None:
    """The architecture of this shape with (without) QuickGELU, or None if open_clip has none."""
    import open_clip

    plain = architecture.removesuffix(SUFFIX)
    name = plain + SUFFIX if quick else plain
    cfg = open_clip.get_model_config(name)
    return name if cfg is not None and bool(cfg.get("quick_gelu")) == quick else None


def check_tag(architecture: str, tag: str) -> None:
    """Refuse a tag whose weights were trained with the other activation.

    Raises ModelUnavailable with the right name. Where open_clip has no architecture of that shape
    with the other activation (roberta-ViT-B-32), its own pairing stands.
    """
    import open_clip

    cfg = open_clip.get_model_config(architecture)
    published = published_cfg(architecture, tag)
    if cfg is None or not published:
        return
    wanted = bool(published.get("quick_gelu"))
    right = sibling(architecture, wanted)
    if wanted != bool(cfg.get("quick_gelu")) and right is not None:
        raise ModelUnavailable(
            f"The weights {tag!r} were trained with {_activation(wanted)} and {architecture} has "
            f"{_activation(not wanted)}, which would give worse vectors without an error; "
            f"use {right}:{tag}."
        )


def published_cfg(architecture: str, tag: str) -> Mapping[str, Any]:
    """open_clip's entry of the tag for this shape, whichever activation was asked for; or empty."""
    from open_clip.pretrained import get_pretrained_cfg

    found: Mapping[str, Any] = get_pretrained_cfg(architecture, tag) or get_pretrained_cfg(
        architecture.removesuffix(SUFFIX), tag
    )
    return found


def check_file(
    architecture: str, cfg: Mapping[str, Any], path: Path, sha256: str, checkpoint: Checkpoint
) -> str:
    """Refuse a file whose weights are known to want the other activation.

    `architecture` is "" where the configuration came with the weights. Returns what a user should
    know where the file doesn't tell and the name alone decides, else "". Raises ModelUnavailable.
    """
    has = bool(cfg.get("quick_gelu"))
    known = published_as(path, sha256)
    if known is not None:
        wanted, why = known
    else:
        wanted, why = True, why_openai(checkpoint)
    if not why and not has and architecture and (right := sibling(architecture, True)):
        return (
            f"{path.name} doesn't show which activation its weights were trained with; "
            f"{architecture} has GELU, and weights that descend from OpenAI's want {right}."
        )
    if not why or wanted == has:
        return ""
    activations = f"{_activation(wanted)}, and this model has {_activation(has)}"
    trouble = (
        f"{path} is {why}, made for {activations}: its vectors would be worse without an error"
    )
    if not architecture:
        raise ModelUnavailable(
            f'{trouble}; set "quick_gelu": {str(wanted).lower()} in its open_clip_config.json.'
        )
    right = sibling(architecture, wanted)
    if right is None:
        raise ModelUnavailable(f"{trouble}; open_clip has no {architecture} with that activation.")
    raise ModelUnavailable(f"{trouble}; use {right}:{path}.")


def openai_hashes() -> frozenset[str]:
    """The sha256 of every file that OpenAI published, from open_clip's table."""
    return frozenset(
        sha256 for sha256, (tag, _, _) in _published_hashes().items() if tag == "openai"
    )


def published_as(path: Path, sha256: str) -> tuple[bool, str] | None:
    """(QuickGELU or not, "what it is") of a file that open_clip's table knows by its hash, or by
    the folder of the hub's cache that it lies in; None where it knows nothing."""
    for known, (tag, name, quick) in _published_hashes().items():
        if sha256.startswith(known):
            return quick, f"the published file of {name}:{tag}"
    folders = {part for part in path.absolute().parts if part.startswith("models--")}
    if folders:
        for name, tag, cfg in _table():
            repository = "/".join(str(cfg.get("hf_hub", "")).split("/")[:2])
            if "models--" + repository.replace("/", "--") in folders:
                return bool(cfg.get("quick_gelu")), f"the published file of {name}:{tag}"
    return None


def why_openai(checkpoint: Checkpoint) -> str:
    """What shows that weights come from OpenAI's `clip` package, as a noun phrase; "" if nothing.

    OpenAI's and open_clip's models name all their tensors alike, so the names alone tell nothing.
    Three marks do, and none of them is left by open_clip's own training:

    - the entries input_resolution, context_length and vocab_size, which its archives carry;
    - the order of a pickled state dict. OpenAI's block makes its attention before its first layer
      norm, open_clip's the other way round, and a dictionary keeps the order of its maker. This
      also finds checkpoints that were trained on with OpenAI's package, as MediCLIP's own was;
    - its mixture of precisions: linear weights rounded to 16 bits while layer norms and embeddings
      are not. The values show it even when all were stored in 32 bits later, and in safetensors.

    OpenAI's weights that open_clip trained on and saved bear no mark: the architecture's name is
    then all that there is, and the file is taken under either.
    """
    if checkpoint.extras:
        return "one of OpenAI's archives"
    names = list(checkpoint.tensors)
    for block in ("transformer.resblocks.0.", "visual.transformer.resblocks.0."):
        attention, norm = f"{block}attn.in_proj_weight", f"{block}ln_1.weight"
        if checkpoint.ordered and attention in checkpoint.tensors and norm in checkpoint.tensors:
            if names.index(attention) < names.index(norm):
                return "a checkpoint in the layout of OpenAI's clip package"
            break
    return "a file with OpenAI's weights" if _mixed_precision(checkpoint.tensors) else ""


def _mixed_precision(tensors: Mapping[str, torch.Tensor]) -> bool:
    block = "transformer.resblocks.0."
    rounded = [f"{block}attn.in_proj_weight", f"{block}mlp.c_fc.weight", "text_projection"]
    whole = ["positional_embedding", "token_embedding.weight"]
    if any(name not in tensors for name in rounded + whole):
        return False
    return all(_fits_half(tensors[n]) for n in rounded) and not any(
        _fits_half(tensors[n]) for n in whole
    )


def _fits_half(tensor: torch.Tensor) -> bool:
    """True where 16 bits hold the values (of the first rows, which are thousands) exactly."""
    import torch

    if not tensor.is_floating_point():
        return False
    some = tensor[:64].to(torch.float32)
    return bool(torch.equal(some, some.to(torch.float16).to(torch.float32)))


def _activation(quick: bool) -> str:
    return "QuickGELU" if quick else "GELU"


def _table() -> list[tuple[str, str, Mapping[str, Any]]]:
    from open_clip.pretrained import get_pretrained_cfg, list_pretrained

    pairs = [(name, tag) for name, tag in list_pretrained() if not name.endswith(SUFFIX)]
    return [(name, tag, get_pretrained_cfg(name, tag)) for name, tag in pairs]


def _published_hashes() -> dict[str, tuple[str, str, bool]]:
    """sha256 (whole for OpenAI's, the first eight digits for open_clip's own) to (tag, name of the
    architecture, QuickGELU or not). open_clip keeps these hashes in the files' addresses."""
    hashes: dict[str, tuple[str, str, bool]] = {}
    for name, tag, cfg in _table():
        *_, folder, file = ["", "", *str(cfg.get("url", "")).split("/")]
        for text in (folder, file.rpartition(".")[0].rpartition("-")[2]):
            if len(text) in (8, 64) and set(text) <= set("0123456789abcdef"):
                hashes[text] = (tag, name, bool(cfg.get("quick_gelu")))
    return hashes
