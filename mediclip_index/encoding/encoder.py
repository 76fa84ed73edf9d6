"""The torch engine: an open_clip model as an Encoder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np

from mediclip_index.encoding.identity import ModelEncoder, ModelIdentity
from mediclip_index.encoding.preprocess import model_input
from mediclip_index.types import MediclipError, Picture, UsageError, Vectors

if TYPE_CHECKING:
    import torch

    from mediclip_index.encoding.tokenizer import Tokenizer

Precision = Literal["fp32", "bf16"]
T = TypeVar("T")

_TEXTS_AT_ONCE = 64
# From so many convolutions on a model is a convolutional one, and faster with channels last; a ViT
# has one, for its patches.
_CONVOLUTIONAL = 8


class OpenClipEncoder(ModelEncoder):
    """Any open_clip model on torch. Made by `load_encoder`; implements types.Encoder.

    Vectors are float32, shape (n, dim), rows of unit length, and finite. `files` are all that the
    model was made from, `text_cfg` open_clip's configuration of its text tower.
    """

    engine = "torch"

    def __init__(
        self,
        model: torch.nn.Module,
        tokenizer: Tokenizer,
        identity: ModelIdentity,
        *,
        device: torch.device,
        precision: Precision,
        batch_size: int = 32,
        notes: tuple[str, ...] = (),
    ) -> None:
        import torch

        super().__init__(identity, precision=precision, batch_size=batch_size, notes=notes)
        self.device = device
        self.files: tuple[Path, ...] = ()
        self.text_cfg: Mapping[str, Any] = {}
        self.tokenizer = tokenizer
        convolutions = sum(isinstance(m, torch.nn.Conv2d) for m in model.modules())
        self._layout = (
            torch.channels_last if convolutions >= _CONVOLUTIONAL else torch.contiguous_format
        )
        self.model = model.eval().requires_grad_(False).to(device=device)
        if self._layout is torch.channels_last:
            self.model = self.model.to(memory_format=torch.channels_last)
        self._dtype = torch.bfloat16 if precision == "bf16" else torch.float32

    def encode_pictures(self, pictures: Sequence[Picture]) -> Vectors:
        """Unit vectors of pictures, (n, dim); (0, dim) for none. Takes `batch_size` at once."""
        return self._in_batches(pictures, self.batch_size, self._pictures)

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of sentences, (n, dim); (0, dim) for none. What is longer than the model's
        context is cut, as open_clip does."""
        return self._in_batches(texts, _TEXTS_AT_ONCE, self._texts)

    def _pictures(self, pictures: Sequence[Picture]) -> torch.Tensor:
        import torch

        height, width = self.preprocessing.size
        on_gpu = self.device.type == "cuda"
        # Pinned memory is copied to a GPU while Python goes on.
        rows = torch.empty((len(pictures), 3, height, width), pin_memory=on_gpu)
        for row, picture in zip(rows.numpy(), pictures, strict=True):
            row[:] = model_input(picture.pixels, self.preprocessing)
        images = rows.to(self.device, self._dtype, non_blocking=on_gpu)
        features: torch.Tensor = self.model.encode_image(  # type: ignore[operator]
            images.contiguous(memory_format=self._layout)
        )
        return features

    def _texts(self, texts: Sequence[str]) -> torch.Tensor:
        tokens = self.tokenizer(list(texts)).to(self.device)
        features: torch.Tensor = self.model.encode_text(tokens)  # type: ignore[operator]
        return features

    def _in_batches(
        self, items: Sequence[T], at_once: int, encode: Callable[[Sequence[T]], torch.Tensor]
    ) -> Vectors:
        import torch

        vectors = np.empty((len(items), self.dim), dtype=np.float32)
        # cuDNN rounds to 19 bits by default, which is no fp32.
        exact = torch.backends.cudnn.flags(enabled=True, allow_tf32=False)
        with torch.inference_mode(), exact:
            for start in range(0, len(items), at_once):
                features = encode(items[start : start + at_once])
                vectors[start : start + len(features)] = features.float().cpu().numpy()
        return unit_rows(vectors, self.name)


def unit_rows(features: Vectors, name: str) -> Vectors:
    """Rows at unit length, normalised in double precision. Raises MediclipError where a row is
    not finite or has no length: such a vector would be near to everything or nothing."""
    wide = features.astype(np.float64)
    lengths = np.linalg.norm(wide, axis=1, keepdims=True)
    if not np.isfinite(lengths).all() or not (lengths > 0).all():
        raise MediclipError(
            f"{name} gave a vector that is not finite; its weights may be damaged, or the "
            "precision too low for it (use fp32)."
        )
    unit: Vectors = (wide / lengths).astype(np.float32)
    return unit


def pick_device(device: str) -> torch.device:
    """The torch device for auto, cpu, cuda, cuda:N or mps. Raises UsageError."""
    import torch

    has_mps = torch.backends.mps.is_available()
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "mps" if has_mps else "cpu")
    kind, _, number = device.partition(":")
    here = {
        "cpu": not number,
        "mps": has_mps and not number,
        "cuda": torch.cuda.is_available()
        and (not number or (number.isdecimal() and int(number) < torch.cuda.device_count())),
    }
    if kind not in here:
        raise UsageError(f"There is no device {device!r}; use auto, cpu, cuda or mps.")
    if not here[kind]:
        raise UsageError(f"This machine has no device {device!r} that torch can use; use auto.")
    return torch.device(device)
