"""What a loaded model is, on whatever engine it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mediclip_index.encoding.preprocess import Preprocessing


@dataclass(frozen=True)
class ModelIdentity:
    """Its name, what it is known by, the width of its vectors, by how much cosines are multiplied,
    and how pictures become its input."""

    name: str
    fingerprint: str
    dim: int
    logit_scale: float
    preprocessing: Preprocessing
