"""Reading a file of weights without running anything that it may hold."""

from __future__ import annotations

import json
import pickle
import warnings
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mediclip_index.types import ModelUnavailable

if TYPE_CHECKING:
    import torch

# What OpenAI's archives keep among the weights though they are no weights.
OPENAI_EXTRAS = ("input_resolution", "context_length", "vocab_size")
_WRAPPERS = ("model_state_dict", "state_dict", "model")
_PREFIXES = ("module.", "_orig_mod.")  # DistributedDataParallel, torch.compile


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Tensors by name, unwrapped and without prefixes.

    `ordered`: the names stand in the order of the program that saved them (a pickled dictionary
    keeps it, safetensors sorts). `extras`: OpenAI's extra entries were there.
    """

    tensors: dict[str, torch.Tensor]
    ordered: bool
    extras: bool


def read_checkpoint(path: Path, is_openai: Callable[[], bool]) -> Checkpoint:
    """Read safetensors, or a .pt/.pth of tensors alone, also wrapped as {"model_state_dict": …}.

    TorchScript archives are programs. Only those that OpenAI published are opened: `is_openai`
    says whether the file is one of them, byte for byte. Raises ModelUnavailable.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(16)
    except OSError as error:
        raise ModelUnavailable(f"{path} can't be read ({error.strerror}).") from error
    # By content, not by name. A safetensors file begins with the length of its JSON head, whose
    # bytes may look like the beginning of anything else, so this is asked first.
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < size:
        content = _safetensors_content(path)
        ordered = False
    elif head.startswith((b"PK", b"\x80")):
        if path.suffix == ".safetensors":
            raise ModelUnavailable(f"{path} is a pickle by another name, so it was not opened.")
        content = _torch_content(path, head, is_openai)
        ordered = True
    else:
        raise ModelUnavailable(f"{path} is neither safetensors nor a PyTorch checkpoint.")
    return _unwrapped(content, path, ordered)


def safetensors_metadata(path: Path) -> dict[str, str]:
    """The free entries in the head of a safetensors file; empty where there are none."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            head = json.loads(file.read(length)) if length < 100_000_000 else {}
    except (OSError, ValueError):
        return {}
    found = head.get("__metadata__", {}) if isinstance(head, dict) else {}
    return found if isinstance(found, dict) else {}


def _safetensors_content(path: Path) -> Mapping[str, Any]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelUnavailable(f"{path} is damaged or no safetensors file ({error}).") from error


def _torch_content(path: Path, head: bytes, is_openai: Callable[[], bool]) -> Any:
    import torch

    zipped = head.startswith(b"PK")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of old formats; the user can do nothing about them
            if not (zipped and _is_torchscript(path)):
                # Mapped, so that 600 MB of weights aren't held twice while the model is filled.
                return torch.load(path, map_location="cpu", weights_only=True, mmap=zipped)
            if is_openai():
                load: Any = torch.jit.load
                return load(str(path), map_location="cpu").state_dict()
    except pickle.UnpicklingError as error:
        raise ModelUnavailable(
            f"{path} holds more than weights (a pickle that may run code), so it was not opened; "
            "save its state dict alone, best as safetensors."
        ) from error
    except (RuntimeError, OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise ModelUnavailable(f"{path} is damaged or no PyTorch checkpoint.") from error
    raise ModelUnavailable(
        f"{path} is a TorchScript archive, which may hold code, and none that OpenAI published, so "
        "it was not opened; save its state dict as safetensors."
    )


def _is_torchscript(path: Path) -> bool:
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith("/constants.pkl") for name in archive.namelist())


def _unwrapped(content: Any, path: Path, ordered: bool) -> Checkpoint:
    import torch

    for _ in range(3):
        inner = next((w for w in _WRAPPERS if isinstance(_entry(content, w), Mapping)), None)
        if inner is None:
            break
        content = content[inner]
    if not isinstance(content, Mapping) or not content:
        raise ModelUnavailable(f"{path} holds no state dict.")
    tensors = {str(name): value for name, value in content.items()}
    while prefix := next((p for p in _PREFIXES if all(n.startswith(p) for n in tensors)), None):
        tensors = {name[len(prefix) :]: value for name, value in tensors.items()}
    extras = all(name in tensors for name in OPENAI_EXTRAS)
    tensors = {name: value for name, value in tensors.items() if name not in OPENAI_EXTRAS}
    strange = next((n for n, v in tensors.items() if not isinstance(v, torch.Tensor)), None)
    if strange is not None:
        raise ModelUnavailable(
            f"{path} holds no state dict of a model: its entry {strange!r} is no tensor."
        )
    return Checkpoint(tensors, ordered, extras)


def _entry(content: Any, name: str) -> Any:
    return content.get(name) if isinstance(content, Mapping) else None
