"""A torch model → OpenVINO's towers, held against the torch model on real pictures."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mediclip_index.encoding.bpe import BPETokenizer
from mediclip_index.encoding.compiled import Agreement
from mediclip_index.encoding.encoder import OpenClipEncoder, unit_rows
from mediclip_index.encoding.openvino import Tower, left_out, stacked
from mediclip_index.encoding.preprocess import Preprocessing
from mediclip_index.encoding.texts import Texts
from mediclip_index.types import Picture, Pixels, UsageError, Vectors

if TYPE_CHECKING:
    import torch

# Their number is no divisor of what the towers are traced with; length, case and accents differ.
SENTENCES = (
    "a chest X-ray, 2 views (PA & lateral)",
    "naïve façade — Öl auf Leinwand 1024×768",
    "a photo of " + "very " * 120 + "much",
    "a photo of a cat",
    "",
)
_AT_ONCE = 8
_BY_LENGTH = ("positional_embedding", "attn_mask")
Seen = Callable[[Pixels], Vectors]


def image_model(encoder: OpenClipEncoder) -> Any:
    """The image tower as an OpenVINO model: (n, height, width, 3) uint8 → features (n, dim).

    Scaling to mean and deviation is part of it, so that no float copy of a batch is made in Python.
    """
    import torch

    how, model = encoder.preprocessing, encoder.model

    class Image(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model
            self.mean = torch.nn.Buffer(torch.tensor(how.mean).view(1, 3, 1, 1))
            self.std = torch.nn.Buffer(torch.tensor(how.std).view(1, 3, 1, 1))

        def forward(self, pixels: torch.Tensor) -> Any:
            values = pixels.permute(0, 3, 1, 2).float() / 255.0
            return self.model.encode_image((values - self.mean) / self.std)  # type: ignore[operator]

    example = torch.zeros((2, *how.size, 3), dtype=torch.uint8)
    with _class_token_alone(model.visual):
        return _converted(Image(), example, [-1, *how.size, 3])


@contextlib.contextmanager
def _class_token_alone(visual: Any) -> Iterator[None]:
    """Within, the last block of open_clip's ViT computes nothing but the class token, where that is
    all that is looked at afterwards: the same features for 10/12 of a block less (of its 12 d^2
    multiplications a token, keys and values, 2 d^2, are wanted of every token).
    """
    import torch
    from open_clip.transformer import ResidualAttentionBlock, VisionTransformer

    blocks: Any = getattr(getattr(visual, "transformer", None), "resblocks", None)
    if (
        type(visual) is not VisionTransformer
        or visual.pool_type != "tok"
        or visual.attn_pool is not None
        or visual.output_tokens
        or not visual.transformer.batch_first
        or type(blocks[-1]) is not ResidualAttentionBlock
    ):
        yield
        return
    last: Any = blocks[-1]

    class ClassToken(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.block = last

        def forward(self, x: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
            tokens = last.ln_1(x)
            token = x[:, :1] + last.ls_1(last.attention(tokens[:, :1], tokens, tokens))
            return token + last.ls_2(last.mlp(last.ln_2(token)))  # type: ignore[no-any-return]

    blocks[-1] = ClassToken()
    try:
        yield
    finally:
        blocks[-1] = last


def lowered(model: Any, precision: str, pictures: Sequence[Picture], how: Preprocessing) -> Any:
    """The image tower for a lower precision: bf16 is the engine's own doing, for int8 the model is
    calibrated on pictures. Raises UsageError where that can't be had."""
    if precision != "int8":
        return model
    try:
        with left_out("openvino_telemetry"):
            import nncf
    except ImportError:
        raise UsageError(
            'int8 needs the nncf package; pip install "mediclip-index[int8]".'
        ) from None
    batches = [stacked(pictures[i : i + 1], how) for i in range(len(pictures))]
    with _quiet():
        return nncf.quantize(
            model.clone(), nncf.Dataset(batches), model_type=nncf.ModelType.TRANSFORMER
        )


def is_causal(model: torch.nn.Module) -> bool:
    """Whether it is open_clip's CLIP, whose sentences are read at their end, and nothing behind
    that end is seen."""
    reads_at_end = getattr(model, "text_pool_type", None) == "argmax"
    return reads_at_end and all(getattr(model, name, None) is not None for name in _BY_LENGTH)


def text_model(encoder: OpenClipEncoder, context_length: int, causal: bool) -> Any:
    """The text tower as an OpenVINO model: tokens (n, context_length) int64 → features (n, dim);
    where it is causal, tokens (n, length) of any length up to that."""
    import torch

    model: Any = encoder.model

    class Whole(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, tokens: torch.Tensor) -> Any:
            return self.model.encode_text(tokens)

    class Cut(Whole):
        """encode_text, whose positions and mask are of one length, for any length up to theirs."""

        def forward(self, tokens: torch.Tensor) -> Any:
            length, ends = tokens.shape[1], tokens.argmax(dim=-1)
            x = self.model.token_embedding(tokens) + self.model.positional_embedding[:length]
            x = self.model.transformer(x, attn_mask=self.model.attn_mask[:length, :length])
            x = self.model.ln_final(x)[torch.arange(x.shape[0]), ends]
            turn = self.model.text_projection
            if turn is None:
                return x
            return turn(x) if isinstance(turn, torch.nn.Linear) else x @ turn

    example = encoder.tokenizer(list(SENTENCES[:2]))
    if causal:
        return _converted(Cut(), example[:, : context_length // 2], [-1, -1])
    return _converted(Whole(), example, [-1, context_length])


def _converted(module: torch.nn.Module, example: torch.Tensor, shape: list[int]) -> Any:
    """Trace a module and read it by OpenVINO's frontend; the first dimension is left open.

    Traced here, because OpenVINO's own call traces and checks several times over.
    """
    import torch
    from openvino.frontend import FrontEndManager  # type: ignore[import-untyped,unused-ignore]
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    with _quiet(), torch.no_grad(), _attention_by_parts():
        traced: Any = torch.jit.trace(  # type: ignore[no-untyped-call]
            module.eval(), example, check_trace=False
        )
        frontend = FrontEndManager().load_by_framework("pytorch")
        decoder = TorchScriptPythonDecoder(traced, example_input=example, skip_freeze=True)
        model = frontend.convert(frontend.load(decoder))
    model.reshape(shape)
    return model


@contextlib.contextmanager
def _attention_by_parts() -> Iterator[None]:
    """Within, torch traces an attention's own steps, queries, keys and values as one product, and
    not its operator for all of them, whose products can't be quantized."""
    from torch.backends import mha

    before = mha.get_fastpath_enabled()
    mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        mha.set_fastpath_enabled(before)


def trial_of_pictures(
    tower: Tower, exact: Seen, pictures: Sequence[Picture], how: Preprocessing, least: float
) -> Agreement:
    """Hold a tower against what it stands in for, a few pictures at a time; stops where it falls
    below `least`."""
    lowest, count = 1.0, 0
    for start in range(0, len(pictures), _AT_ONCE):
        part = stacked(pictures[start : start + _AT_ONCE], how)
        lowest = min(lowest, _least_cosine(tower(part), exact(part)))
        count += len(part)
        if lowest < least:
            break
    return Agreement(lowest, count)


def trial_of_texts(texts: Texts, pieces: BPETokenizer, encoder: OpenClipEncoder) -> Agreement:
    """Hold a text tower against torch's over a few sentences; 0 where the tokens are others."""
    tokens = pieces(SENTENCES)
    if not np.array_equal(tokens, np.asarray(encoder.tokenizer(list(SENTENCES)))):
        return Agreement(0.0, 0)
    return Agreement(_least_cosine(texts(SENTENCES), encoder.encode_texts(SENTENCES)), len(tokens))


def _least_cosine(features: Vectors, expected: Vectors) -> float:
    """0 where a row is not finite or has no length: such a tower is of no use."""
    if not np.isfinite(features).all() or not np.abs(features).sum(axis=1).all():
        return 0.0
    a, b = (unit_rows(rows, "").astype(np.float64) for rows in (features, expected))
    return float((a * b).sum(axis=1).min())


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """torch warns that tracing is old, and the decoder writes where it stumbles."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
