"""A model's tokenizer, by open_clip's own rules, and what it is known by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mediclip_index.encoding.fetch import ask_first, in_cache
from mediclip_index.encoding.fingerprint import of_json
from mediclip_index.types import ModelUnavailable, WeightsSource

if TYPE_CHECKING:
    import torch

Tokenizer = Callable[[list[str]], "torch.Tensor"]

_FILES = ("tokenizer_config.json", "tokenizer.json", "vocab.txt", "spiece.model")
# Sentences whose tokens show how a tokenizer treats case, accents, digits, space and length.
_PROBES = [
    "A chest X-ray, 2 views (PA & lateral)",
    "naïve  façade — Öl_auf Leinwand\n1024×768",
    "a photo of " + "very " * 200 + "much",
]


def make_tokenizer(
    text_cfg: Mapping[str, Any],
    *,
    model: str,
    folder: Path | None,
    weights_source: WeightsSource,
) -> Tokenizer:
    """The tokenizer that open_clip's `get_tokenizer` gives for this text configuration.

    `folder` is where its files lie for a model from a local folder; else they come from the hub's
    cache or the hub. Raises ModelUnavailable.
    """
    from open_clip.tokenizer import DEFAULT_CONTEXT_LENGTH, HFTokenizer, SimpleTokenizer

    context_length = text_cfg.get("context_length", DEFAULT_CONTEXT_LENGTH)
    more = dict(text_cfg.get("tokenizer_kwargs") or {})
    source = text_cfg.get("hf_tokenizer_name")
    if not source:
        simple: Tokenizer = SimpleTokenizer(context_length=context_length, **more)
        return simple
    cache_dir = weights_source.cache_dir
    cached = folder is not None or in_cache(source, _FILES, cache_dir) is not None
    instead = (
        f"bring a folder with its tokenizer's files and name it as local-dir:FOLDER ({source})"
    )
    if not cached:
        ask_first(f"The tokenizer of {model}", instead, weights_source.offline)
    try:
        tokenizer: Tokenizer = HFTokenizer(
            str(folder or source),
            context_length=context_length,
            cache_dir=None if cache_dir is None else str(cache_dir),
            tokenizer_mode=text_cfg.get("tokenizer_mode"),
            # A tokenizer may bring code of its own; without this we would be asked on the terminal
            # whether to run it.
            trust_remote_code=False,
            local_files_only=cached,
            **more,
        )
    except Exception as error:  # transformers, tokenizers, the hub: no one family of errors
        where = f"in {folder}" if folder is not None else f"from {source}"
        raise ModelUnavailable(
            f"The tokenizer of {model} can't be loaded {where} "
            f"({str(error).strip().splitlines()[0][:160] if str(error).strip() else error!r})."
        ) from error
    # A folder without its vocabulary can make a tokenizer that knows no word, and no error.
    inner: Any = getattr(tokenizer, "tokenizer")  # noqa: B009
    words = inner(_PROBES[0], add_special_tokens=False).input_ids
    if inner.unk_token_id is not None and set(words) <= {inner.unk_token_id}:
        raise ModelUnavailable(
            f"The tokenizer of {model} knows no word; its vocabulary is missing or another's."
        )
    return tokenizer


def tokenizer_identity(tokenizer: Any) -> dict[str, Any]:
    """What decides which tokens a sentence becomes: vocabulary, length, and the tokens of a few
    probes, which tell more surely than any setting and don't depend on a library's version."""
    inner = getattr(tokenizer, "tokenizer", None)
    vocabulary = tokenizer.encoder if inner is None else inner.get_vocab()
    return {
        "context_length": tokenizer.context_length,
        "vocabulary": of_json(dict(vocabulary)),
        "probes": of_json(tokenizer(_PROBES).tolist()),
    }
