"""The vectors are open_clip's own, whatever file the weights came in."""

from __future__ import annotations

import numpy as np
import pytest

from mediclip_index.encoding import OpenClipEncoder, load_encoder
from mediclip_index.types import Encoder, MediclipError, Picture, UsageError, Vectors
from tests.encoding.conftest import QUICK, RECIPE, SENTENCES, RandomModel


def cosines(a: Vectors, b: Vectors) -> Vectors:
    return np.asarray((a * b).sum(axis=1), dtype=np.float32)


@pytest.fixture(scope="module")
def from_checkpoint(vit: RandomModel) -> OpenClipEncoder:
    return load_encoder(f"{QUICK}:{vit.checkpoint}", recipe=RECIPE, device="cpu")


def test_safetensors_give_open_clips_own_vectors(vit: RandomModel, photos: list[Picture]) -> None:
    encoder = load_encoder(f"{QUICK}:{vit.safetensors}", recipe=RECIPE, device="cpu")
    assert cosines(encoder.encode_pictures(photos), vit.pictures).min() >= 0.99999
    assert cosines(encoder.encode_texts(SENTENCES), vit.texts).min() >= 0.99999


def test_mediclips_own_form_gives_open_clips_own_vectors(
    from_checkpoint: OpenClipEncoder, vit: RandomModel, photos: list[Picture]
) -> None:
    assert cosines(from_checkpoint.encode_pictures(photos), vit.pictures).min() >= 0.99999
    assert cosines(from_checkpoint.encode_texts(SENTENCES), vit.texts).min() >= 0.99999


def test_bf16_stays_near_and_shares_the_fingerprint(
    from_checkpoint: OpenClipEncoder, vit: RandomModel, photos: list[Picture]
) -> None:
    encoder = load_encoder(
        f"{QUICK}:{vit.safetensors}", recipe=RECIPE, device="cpu", precision="bf16"
    )
    seen, said = encoder.encode_pictures(photos), encoder.encode_texts(SENTENCES)
    assert cosines(seen, vit.pictures).min() >= 0.999
    assert cosines(said, vit.texts).min() >= 0.999
    assert not np.array_equal(seen, vit.pictures)  # it did run in lower precision
    assert encoder.precision == "bf16"
    assert encoder.logit_scale == pytest.approx(from_checkpoint.logit_scale)
    # The same numbers as safetensors and as a wrapped .pth, in two precisions: one fingerprint.
    assert encoder.fingerprint == from_checkpoint.fingerprint


def test_the_encoder_is_what_the_protocol_says(
    from_checkpoint: OpenClipEncoder, vit: RandomModel
) -> None:
    encoder: Encoder = from_checkpoint
    assert isinstance(encoder, Encoder)
    assert encoder.name == f"{QUICK}:{vit.checkpoint}"
    assert (encoder.dim, encoder.image_size) == (512, 224)
    assert (encoder.engine, encoder.precision) == ("torch", "fp32")
    assert encoder.logit_scale == pytest.approx(1 / 0.07, rel=1e-5)
    assert len(encoder.fingerprint) == 64


def test_vectors_are_finite_unit_and_do_not_depend_on_the_batch(
    tiny_encoder: OpenClipEncoder, photos: list[Picture]
) -> None:
    many = [photos[i % len(photos)] for i in range(70)]
    at_once = tiny_encoder.encode_pictures(many)
    assert at_once.shape == (70, 16)
    assert at_once.dtype == np.float32
    assert np.abs(np.linalg.norm(at_once, axis=1) - 1).max() <= 1e-6
    singly = np.concatenate([tiny_encoder.encode_pictures([picture]) for picture in many[:8]])
    assert np.abs(at_once[:8] - singly).max() <= 1e-5
    texts = [SENTENCES[i % 3] + f" {i}" for i in range(130)]
    at_once = tiny_encoder.encode_texts(texts)
    singly = np.concatenate([tiny_encoder.encode_texts([text]) for text in texts[:8]])
    assert at_once.shape == (130, 16)
    assert np.abs(at_once[:8] - singly).max() <= 1e-5


def test_a_vit_does_not_depend_on_the_batch_either(
    from_checkpoint: OpenClipEncoder, vit: RandomModel, photos: list[Picture]
) -> None:
    pair = from_checkpoint.encode_pictures(photos[:2])
    assert np.abs(pair - from_checkpoint.encode_pictures(photos)[:2]).max() <= 1e-5


@pytest.fixture(scope="module")
def tiny_encoder(tiny: object) -> OpenClipEncoder:
    return load_encoder(f"local-dir:{tiny}", recipe=RECIPE, device="cpu")


def test_nothing_in_gives_nothing_out(tiny_encoder: OpenClipEncoder) -> None:
    assert tiny_encoder.encode_pictures([]).shape == (0, 16)
    assert tiny_encoder.encode_texts([]).shape == (0, 16)


def test_a_sentence_longer_than_the_context_is_cut(tiny_encoder: OpenClipEncoder) -> None:
    long = tiny_encoder.encode_texts(["very " * 100 + "long"])
    assert np.array_equal(long, tiny_encoder.encode_texts(["very " * 200 + "long"]))


def test_a_vector_that_is_not_finite_is_an_error(tiny: object, photos: list[Picture]) -> None:
    import torch

    encoder = load_encoder(f"local-dir:{tiny}", recipe=RECIPE, device="cpu")
    with torch.no_grad():
        for parameter in encoder.model.parameters():
            parameter.fill_(float("nan"))
    with pytest.raises(MediclipError, match="not finite"):
        encoder.encode_pictures(photos[:1])


def test_a_device_or_precision_that_is_not_there_is_said(tiny: object) -> None:
    for device in ("tpu", "cpu:1", "cuda:99"):
        with pytest.raises(UsageError, match="device"):
            load_encoder(f"local-dir:{tiny}", recipe=RECIPE, device=device)
    with pytest.raises(UsageError, match="precision"):
        load_encoder(f"local-dir:{tiny}", recipe=RECIPE, precision="fp4")  # type: ignore[arg-type]
