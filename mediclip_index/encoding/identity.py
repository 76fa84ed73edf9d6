"""What a loaded model is, on whatever engine it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from mediclip_index.encoding.preprocess import Preprocessing, framed
from mediclip_index.types import Pixels


@dataclass(frozen=True)
class ModelIdentity:
    """Its name, what it is known by, the width of its vectors, by how much cosines are multiplied,
    and how pictures become its input."""

    name: str
    fingerprint: str
    dim: int
    logit_scale: float
    preprocessing: Preprocessing


class ModelEncoder:
    """What an encoder says of its model. `notes` are sentences that a user should see once."""

    def __init__(
        self, identity: ModelIdentity, *, precision: str, batch_size: int, notes: tuple[str, ...]
    ) -> None:
        self.name = identity.name
        self.fingerprint = identity.fingerprint
        self.dim = identity.dim
        self.logit_scale = identity.logit_scale
        self.preprocessing = identity.preprocessing
        self.precision = precision
        self.batch_size = max(1, batch_size)
        self.notes = notes

    @property
    def image_size(self) -> int:
        """The longer side of what the model looks at, in pixels."""
        return max(self.preprocessing.size)

    @property
    def framing(self) -> Callable[[Pixels], Pixels]:
        return partial(framed, how=self.preprocessing)
