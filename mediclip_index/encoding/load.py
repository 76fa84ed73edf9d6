"""`load_encoder`: from a model's name to an Encoder."""

from __future__ import annotations

import math
import os
import sys
from pathlib import Path

from mediclip_index.encoding.encoder import OpenClipEncoder, Precision, pick_device
from mediclip_index.encoding.file_hashes import FileHashes
from mediclip_index.encoding.identity import ModelIdentity
from mediclip_index.types import ModelUnavailable, UsageError, WeightsSource


def load_encoder(
    name: str,
    *,
    recipe: str,
    device: str = "auto",
    precision: Precision = "fp32",
    weights_source: WeightsSource | None = None,
    batch_size: int = 32,
    bundled: Path | None = None,
) -> OpenClipEncoder:
    """Load a model by name and make it ready to encode.

    name: `lite`, `lite-2`, `auto`, `ARCH:TAG`, `ARCH:FILE`, `hf-hub:REPO` or `local-dir:FOLDER`.
    recipe: the version of the way pictures are decoded, which is part of the fingerprint.
    device: auto (a GPU where there is one), cpu, cuda, cuda:N or mps.
    precision: fp32, or bf16 where it was held against fp32 for this very model.
    weights_source: where fetched weights are kept, and whether any may be fetched.
    batch_size: most pictures at once; `bundled`: where `lite` lies (None: in the package).

    Raises ModelUnavailable with one sentence where the model can't be had or would mislead, and
    UsageError for a device or precision that isn't there.
    """
    if precision not in ("fp32", "bf16"):
        raise UsageError(f"There is no precision {precision!r} on torch; use fp32 or bf16.")
    _share_cores()
    # Imported here: torch and open_clip take seconds, and a command that needs no model needs none.
    from mediclip_index.encoding import build, quickgelu, sources
    from mediclip_index.encoding.checkpoint import read_checkpoint
    from mediclip_index.encoding.fingerprint import fingerprint, of_json, weights_digest
    from mediclip_index.encoding.preprocess import Preprocessing
    from mediclip_index.encoding.tokenizer import make_tokenizer, tokenizer_identity

    chosen = pick_device(device)
    weights_source = weights_source or WeightsSource()
    source = sources.find(name, weights_source, bundled)
    if source.text_model is not None:
        build.fits_text_tower(source.name, source.text_model)
    hashes = FileHashes()
    checkpoint = read_checkpoint(
        source.weights, lambda: hashes.sha256(source.weights) in quickgelu.openai_hashes()
    )
    note = ""
    if not source.published:
        sha256 = hashes.sha256(source.weights)
        note = quickgelu.check_file(
            source.architecture, source.model_cfg, source.weights, sha256, checkpoint
        )
    tokenizer = make_tokenizer(
        source.model_cfg["text_cfg"],
        model=source.name,
        folder=source.folder,
        weights_source=weights_source,
    )
    model = build.empty_model(
        source.name, source.model_cfg, source.preprocess_cfg, source.text_model, precision
    )
    tensors = build.fill(
        model, checkpoint.tensors, source.name, source.weights, resize=source.published
    )
    preprocessing = Preprocessing.from_open_clip(model.visual.preprocess_cfg)  # type: ignore
    weights = hashes.get(
        source.weights,
        f"weights-1 {of_json(source.model_cfg)[:16]}",
        lambda: weights_digest(tensors),
    )
    if "logit_scale" not in tensors:
        raise ModelUnavailable(f"{source.name} is no CLIP model: its weights have no logit scale.")
    identity = ModelIdentity(
        name=source.name,
        fingerprint=fingerprint(
            weights=weights,
            architecture=source.model_cfg,
            text_model=source.text_model,
            recipe=recipe,
            preprocessing=preprocessing,
            tokenizer=tokenizer_identity(tokenizer),
        ),
        dim=int(source.model_cfg["embed_dim"]),
        logit_scale=math.exp(float(tensors["logit_scale"].float())),
        preprocessing=preprocessing,
    )
    encoder = OpenClipEncoder(
        model,
        tokenizer,
        identity,
        device=chosen,
        precision=precision,
        batch_size=batch_size,
        notes=(note,) if note else (),
    )
    encoder.files = sources.files(source)
    encoder.text_cfg = source.model_cfg["text_cfg"]
    return encoder


def _share_cores() -> None:
    """Let torch's threads sleep while they wait for each other, where torch isn't loaded yet.

    They spin by default, and where anything else wants a core (the workers that decode pictures,
    say) each of a model's 200 steps then waits for a scheduler's slice: measured on two busy cores,
    one ViT-B/32 picture takes 2.0 s spinning and 0.18 s sleeping. OpenMP reads it but once.
    """
    if "torch" not in sys.modules:
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")
