"""The OpenVINO engine: compiled towers as an Encoder, without torch and open_clip."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from mediclip_index.encoding.encoder import unit_rows
from mediclip_index.encoding.identity import ModelEncoder, ModelIdentity
from mediclip_index.encoding.preprocess import Preprocessing, framed
from mediclip_index.types import Picture, Pixels, Vectors

ENGINE = "openvino"


class Damaged(Exception):
    """A compiled tower can't be loaded; it has to be made anew."""


def runtime() -> ModuleType | None:
    """The openvino module, None where it is not installed or can't be loaded.

    Its tools for converting models, which report their own import over the network, are left out;
    the engine gets its models from the frontend itself.
    """
    if "openvino" in sys.modules:
        return sys.modules["openvino"]
    try:
        with left_out("openvino.tools.ovc"):
            import openvino
    except (ImportError, OSError):
        return None
    return openvino  # type: ignore[no-any-return]


@contextlib.contextmanager
def left_out(module: str) -> Iterator[None]:
    """An import in this block does without an optional module that reports over the network, and
    keeps doing without it. One that is there already was somebody else's choice."""
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[module]


class Engine:
    """OpenVINO on this machine's processor."""

    def __init__(self, openvino: ModuleType) -> None:
        self.openvino = openvino
        self._core = openvino.Core()

    @property
    def identity(self) -> str:
        """Engine and processor: what compiled towers are bound to."""
        processor = self._core.get_property("CPU", "FULL_DEVICE_NAME")
        return f"{self.openvino.get_version()} {processor}"

    @property
    def has_bf16(self) -> bool:
        """Whether the processor computes in bf16 itself, so that it is worth a try."""
        return "BF16" in self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")

    def compiled(self, model: Any, precision: str) -> Tower:
        return Tower(self._core.compile_model(model, "CPU", self._properties(precision)))

    def loaded(self, path: Path, precision: str, *, streams: int = 1) -> Tower:
        """A tower from its file, mapped into memory. Raises Damaged.

        With two streams, two halves of a batch are computed side by side, each by half of the
        processor, so that not all of it waits for one thread; one input alone takes longer.
        """
        try:
            # Copy-on-write: OpenVINO wants a writeable array, and never writes.
            content = np.memmap(path, dtype=np.uint8, mode="c")
            tensor = self.openvino.Tensor(content, shared_memory=True)
            how = {**self._properties(precision), "NUM_STREAMS": streams}
            compiled = self._core.import_model(tensor, "CPU", how)
        except (OSError, RuntimeError, ValueError) as error:
            raise Damaged(f"{path} can't be loaded ({type(error).__name__})") from error
        return Tower(compiled, keeping=(content, tensor), streams=streams)

    def _properties(self, precision: str) -> dict[str, Any]:
        # What an int8 model leaves to floating point would be half of its time in fp32, and bf16 is
        # exact enough for what was rounded to eight bits anyway.
        bf16 = precision == "bf16" or (precision == "int8" and self.has_bf16)
        return {
            # Left open, OpenVINO takes bf16 wherever the processor has it.
            "INFERENCE_PRECISION_HINT": "bf16" if bf16 else "f32",
            # Pinned, two processes at once collide on one core while the other idles.
            "ENABLE_CPU_PINNING": False,
        }


class Tower:
    """One compiled half of a model: an array of inputs → features (n, dim), not yet of unit length.

    `keeping` is what the compiled model looks into as long as it lives.
    """

    def __init__(self, compiled: Any, keeping: tuple[Any, ...] = (), streams: int = 1) -> None:
        self._compiled = compiled
        self._keeping = keeping
        self._requests = [compiled.create_infer_request() for _ in range(streams)]
        self._guard = threading.Lock()  # a request does one thing at a time

    def __call__(self, inputs: Any) -> Vectors:
        parts = np.array_split(inputs, min(len(inputs), len(self._requests)))
        under_way = self._requests[: len(parts)]
        with self._guard:
            for request, part in zip(under_way, parts, strict=True):
                request.start_async(part)
            for request in under_way:
                request.wait()
            # Their output arrays belong to the requests and are overwritten by the next call.
            return np.concatenate(
                [np.asarray(r.get_output_tensor(0).data, dtype=np.float32) for r in under_way]
            )

    def blob(self) -> bytes:
        exported: Any = self._compiled.export_model()
        return exported if isinstance(exported, bytes) else bytes(exported.getvalue())


class OpenVinoEncoder(ModelEncoder):
    """A prepared open_clip model on OpenVINO. Made by `open_encoder`; implements types.Encoder.

    `seen` turns framed pictures, (n, height, width, 3) uint8, into features (n, dim), `words`
    sentences; neither need be of unit length.
    """

    engine = ENGINE

    def __init__(
        self,
        seen: Callable[[Pixels], Vectors],
        words: Callable[[Sequence[str]], Vectors],
        identity: ModelIdentity,
        *,
        precision: str,
        batch_size: int = 32,
        notes: tuple[str, ...] = (),
    ) -> None:
        super().__init__(identity, precision=precision, batch_size=batch_size, notes=notes)
        self._seen = seen
        self._words = words

    def encode_pictures(self, pictures: Sequence[Picture]) -> Vectors:
        """Unit vectors of pictures, (n, dim); (0, dim) for none. Takes `batch_size` at once."""
        vectors = np.empty((len(pictures), self.dim), dtype=np.float32)
        for start in range(0, len(pictures), self.batch_size):
            part = pictures[start : start + self.batch_size]
            vectors[start : start + len(part)] = self._seen(stacked(part, self.preprocessing))
        return unit_rows(vectors, self.name)

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of sentences, (n, dim); (0, dim) for none. What is longer than the model's
        context is cut, as open_clip does."""
        if not texts:
            return np.empty((0, self.dim), dtype=np.float32)
        return unit_rows(self._words(texts), self.name)


def stacked(pictures: Sequence[Picture], how: Preprocessing) -> Pixels:
    """The input of an image tower: pictures framed to the model's size, (n, height, width, 3)."""
    batch = np.empty((len(pictures), *how.size, 3), dtype=np.uint8)
    for row, picture in zip(batch, pictures, strict=True):
        row[:] = framed(picture.pixels, how)
    return batch
