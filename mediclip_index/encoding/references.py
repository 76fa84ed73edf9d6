"""What ships beside a bundled model's weights: labelled vectors of pictures it was trained on, and
a calibration made on families of pictures that were left out."""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mediclip_index.encoding.checkpoint import safetensors_metadata
from mediclip_index.encoding.sources import package_folder
from mediclip_index.types import ModelUnavailable, Vectors


@dataclass(frozen=True, eq=False)
class References:
    """vectors (n, dim) unit; kind and source (n,): what each was of, and where it came from, by the
    names of the model's card; label (n,): the class of its kind. sha256 of the whole file."""

    vectors: Vectors
    kind: npt.NDArray[np.str_]
    source: npt.NDArray[np.str_]
    label: npt.NDArray[np.str_]
    sha256: str

    @property
    def classes(self) -> frozenset[str]:
        """All classes that a reference is of."""
        return frozenset(self.label.tolist())


@dataclass(frozen=True)
class Doubt:
    """A calibration that comes with a model. slope, factors, coverage, thresholds, strange and kind
    are those of a `Calibration`. It holds for the prompt set with this sha256 and for the settings
    that it was made with (their digest, or some of them by name). sha256 of the file."""

    slope: float
    coverage: float
    thresholds: Mapping[str, float]
    prompts: str
    settings: str | Mapping[str, Any]
    sha256: str
    factors: Mapping[str, float] = field(default_factory=dict)
    strange: float | None = None
    kind: float | None = None
    images: int = 0
    families: int = 0


def references(model: str, folder: Path | None = None) -> References | None:
    """Those of a bundled model (lite-4), in the package or another folder; None where it brings
    none. Raises ModelUnavailable where their file is damaged."""
    file = _beside(model, "references.safetensors", folder)
    return None if file is None else _read(file, file.stat().st_mtime_ns)


def doubt(model: str, folder: Path | None = None) -> Doubt | None:
    """The calibration that comes with a bundled model, as `references`."""
    file = _beside(model, "doubt.json", folder)
    if file is None:
        return None
    data = file.read_bytes()
    try:
        return Doubt(**json.loads(data), sha256=hashlib.sha256(data).hexdigest())
    except (ValueError, TypeError) as error:
        raise _damaged(file) from error


def _beside(model: str, what: str, folder: Path | None) -> Path | None:
    if not re.fullmatch(r"lite-\d+", model):
        return None
    file = (folder or package_folder()) / f"{model}-{what}"
    return file if file.is_file() else None


@functools.lru_cache(maxsize=2)
def _read(file: Path, mtime_ns: int) -> References:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    data = file.read_bytes()
    about = safetensors_metadata(file)
    try:
        tensors = load(data)
        kinds, sources = (np.array(json.loads(about[name])) for name in ("kinds", "sources"))
        classes = json.loads(about["classes"])
        rows = tensors["vectors"].astype(np.float32)
        return References(
            vectors=rows / np.linalg.norm(rows, axis=1, keepdims=True),
            kind=kinds[tensors["kind"]],
            source=sources[tensors["source"]],
            label=np.array([classes[name] for name in kinds.tolist()])[tensors["kind"]],
            sha256=hashlib.sha256(data).hexdigest(),
        )
    except (SafetensorError, ValueError, KeyError, IndexError) as error:
        raise _damaged(file) from error


def _damaged(file: Path) -> ModelUnavailable:
    return ModelUnavailable(f"{file} is damaged; install mediclip-index again.")
