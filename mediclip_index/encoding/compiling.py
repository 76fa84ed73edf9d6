"""A torch model made ready for OpenVINO: each tower compiled, tried, and kept where it agrees."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from mediclip_index.encoding import bpe, exporting
from mediclip_index.encoding.compiled import EXACT, LEAST, PICTURES, TEXT, Agreement, ModelRecord
from mediclip_index.encoding.encoder import OpenClipEncoder
from mediclip_index.encoding.openvino import Engine, Tower
from mediclip_index.encoding.texts import Texts
from mediclip_index.types import Picture, Pixels, Vectors


@dataclass
class Made:
    """What came of it: the sheet, the towers that are new, and why there is none where there is
    none."""

    record: ModelRecord
    towers: dict[str, Tower] = field(default_factory=dict)
    why: str = ""

    def tried(self, name: str, agreement: Agreement) -> None:
        self.record = replace(self.record, trials={**self.record.trials, name: agreement})


def blank_sheet(encoder: OpenClipEncoder) -> ModelRecord:
    """What there is to know of a model before any tower was made."""
    length = int(getattr(encoder.tokenizer, "context_length", 0) or 0)
    return ModelRecord(
        encoder.fingerprint,
        encoder.dim,
        encoder.logit_scale,
        encoder.preprocessing,
        bpe.settings(encoder.text_cfg, length),
        exporting.is_causal(encoder.model),
    )


def make_ready(
    encoder: OpenClipEncoder,
    record: ModelRecord,
    engine: Engine,
    asked: str,
    pictures: Callable[[int], Sequence[Picture]],
) -> Made:
    """Both towers, where the sheet lacks them; `asked` is the precision, auto or by name."""
    made = Made(record)
    precision = record.precision(asked, engine.has_bf16)
    if precision is None or f"image-{precision}" not in record.towers:
        try:
            _image(made, encoder, engine, asked, pictures(encoder.image_size))
        except (RuntimeError, TypeError, ValueError, KeyError, AttributeError, IndexError) as error:
            made.why = f"OpenVINO can't take {encoder.name} ({type(error).__name__})"
            made.tried(EXACT, Agreement(0.0, 0))
    if record.words is not None and TEXT not in record.towers:
        try:
            _text(made, encoder, engine, bpe.BPETokenizer(**record.words))
        except (RuntimeError, TypeError, ValueError, KeyError, AttributeError, IndexError):
            made.record = replace(made.record, words=None)
    return made


def _image(
    made: Made,
    encoder: OpenClipEncoder,
    engine: Engine,
    asked: str,
    pictures: Sequence[Picture],
) -> None:
    """The image tower: fp32 against torch, then what is asked for or may be earned against fp32."""
    how = encoder.preprocessing
    model = exporting.image_model(encoder)
    exact = engine.compiled(model, "fp32")

    def on_torch(pixels: Pixels) -> Vectors:
        height, width = pixels.shape[1:3]
        return encoder.encode_pictures([Picture(p, width, height, "") for p in pixels])

    few = pictures[: PICTURES["fp32"]]
    agreement = exporting.trial_of_pictures(exact, on_torch, few, how, LEAST["fp32"])
    made.tried(EXACT, agreement)
    if not made.record.accepted("fp32"):
        made.why = (
            f"{encoder.name} gives other vectors on OpenVINO than on torch (cosine "
            f"{agreement.cosine:.4f})"
            if few
            else f"there are no real pictures here on which {encoder.name} could be tried"
        )
        return
    made.towers[EXACT] = exact
    for precision in ("bf16",) if asked == "auto" and engine.has_bf16 else (asked,):
        if precision in ("auto", "fp32"):
            continue
        some = pictures[: PICTURES[precision]]
        rough = engine.compiled(exporting.lowered(model, precision, some, how), precision)
        least = LEAST[precision] if asked == "auto" else -1.0
        made.tried(
            f"image-{precision}", exporting.trial_of_pictures(rough, exact, some, how, least)
        )
        made.towers[f"image-{precision}"] = rough
    chosen = made.record.precision(asked, engine.has_bf16)
    made.towers = {name: t for name, t in made.towers.items() if name == f"image-{chosen}"}


def _text(made: Made, encoder: OpenClipEncoder, engine: Engine, pieces: bpe.BPETokenizer) -> None:
    """The text tower, where it and the tokenizer can do without torch and open_clip. Always fp32:
    it is used seldom, and class words should lie where they lie."""
    causal = made.record.causal
    model = exporting.text_model(encoder, pieces.context_length, causal)
    tower = engine.compiled(model, "fp32")
    agreement = exporting.trial_of_texts(Texts(tower, pieces, causal), pieces, encoder)
    made.tried(TEXT, agreement)
    if agreement.cosine >= LEAST["fp32"]:
        made.towers[TEXT] = tower
    else:
        made.record = replace(made.record, words=None)
