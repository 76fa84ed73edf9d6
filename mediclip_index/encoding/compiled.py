"""Models made ready for an engine, kept in the user's cache folder, so that a later start needs
neither torch nor open_clip.

    engines/names/HASH.json    model name -> fingerprint, and the files that it was made from
    engines/KEY/sheet.json     what there is to know of the model, and which towers are ready
    engines/KEY/*.blob         the towers, compiled

KEY holds the fingerprint, the engine's version and the processor. Everything is written beside and
renamed, by one process at a time; whoever reads needs no lock. Nothing here is precious: what is
missing, damaged or out of date is made anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mediclip_index.encoding.file_hashes import user_cache_folder
from mediclip_index.encoding.preprocess import Preprocessing

FORMAT = 3  # raised whenever what is kept, or how pictures reach the towers, changes
TEXT, EXACT, BF16 = "text-fp32", "image-fp32", "image-bf16"
# Least cosine between the vectors of a precision and those it stands in for, and over how many
# pictures. fp32 either computes the same or it doesn't; what less loses depends on the picture.
LEAST = {"fp32": 0.9999, "bf16": 0.999, "int8": 0.99}
PICTURES = {"fp32": 8, "bf16": 64, "int8": 64}
_RECORD = "sheet.json"

Identity = tuple[str, int, int, int]  # path, size, mtime_ns, inode


@dataclass(frozen=True)
class ModelAlias:
    """What a model's name led to. `name` is canonical; `files` are all that it was made from: while
    they are as they were, the name still leads there."""

    name: str
    fingerprint: str
    files: tuple[Identity, ...]

    def holds(self) -> bool:
        return bool(self.files) and all(identity(Path(file[0])) == file for file in self.files)


@dataclass(frozen=True)
class Agreement:
    """How a tower's vectors held against those that they stand in for: the least cosine, and over
    how many pictures or sentences it was taken."""

    cosine: float
    count: int


@dataclass(frozen=True)
class ModelRecord:
    """A model in numbers. `words` says how open_clip's own tokenizer is set up, None where texts
    stay on torch; `causal` whether the text tower takes sentences without what stands behind their
    end; `towers` are the compiled files by what they are ("image-fp32", "text-fp32"), `trials` what
    was found of each, also of those that failed and were not kept."""

    fingerprint: str
    dim: int
    logit_scale: float
    preprocessing: Preprocessing
    words: Mapping[str, Any] | None
    causal: bool = False
    towers: Mapping[str, Identity] = field(default_factory=dict)
    trials: Mapping[str, Agreement] = field(default_factory=dict)

    def accepted(self, precision: str) -> bool:
        """Whether this precision may stand in for the torch model without being asked for."""
        agreement = self.trials.get(f"image-{precision}")
        return (
            agreement is not None
            and agreement.cosine >= LEAST[precision]
            and agreement.count >= (1 if precision == "fp32" else PICTURES[precision])
        )

    def precision(self, asked: str, has_bf16: bool) -> str | None:
        """The precision to compute in; None where that isn't known yet, or fp32 doesn't agree."""
        if not self.accepted("fp32") or (asked == "auto" and has_bf16 and BF16 not in self.trials):
            return None
        if asked != "auto":
            return asked
        return "bf16" if has_bf16 and self.accepted("bf16") else "fp32"


class CompiledModels:
    """The folder of models made ready, for one engine on one processor."""

    def __init__(self, engine: str, folder: Path | None = None) -> None:
        try:
            kept = folder or user_cache_folder()
        except RuntimeError:  # no home folder: nothing is found there, and nothing can be written
            kept = Path(os.devnull)
        self._folder = kept / "engines"
        self._engine = hashlib.sha256(f"{FORMAT} {engine}".encode()).hexdigest()[:16]

    def alias(self, key: str) -> ModelAlias | None:
        """Where this name leads, None where that is not known or no longer so."""
        kept = _json(self._alias(key))
        try:
            found = ModelAlias(
                kept["name"],
                kept["fingerprint"],
                tuple(_identity(file) for file in kept["files"]),
            )
        except (KeyError, TypeError, ValueError):
            return None
        return found if found.holds() else None

    def keep_alias(self, key: str, alias: ModelAlias) -> None:
        _write(self._alias(key), json.dumps(asdict(alias)).encode())

    def record(self, fingerprint: str) -> ModelRecord | None:
        """What is known of a model; None where it was not made ready, or its sheet is damaged.
        Towers whose file is not the one that was written are left out."""
        folder = self.place(fingerprint)
        kept = _json(folder / _RECORD)
        try:
            how = kept["preprocessing"]
            towers = {name: _identity(file) for name, file in kept["towers"].items()}
            found = ModelRecord(
                kept["fingerprint"],
                int(kept["dim"]),
                float(kept["logit_scale"]),
                Preprocessing(
                    **{**how, **{name: tuple(how[name]) for name in ("size", "mean", "std")}}
                ),
                kept["words"],
                bool(kept["causal"]),
                {name: file for name, file in towers.items() if identity(Path(file[0])) == file},
                {name: Agreement(**agreement) for name, agreement in kept["trials"].items()},
            )
        except (KeyError, TypeError, ValueError, AttributeError):
            return None
        return found if found.fingerprint == fingerprint else None

    def keep_record(self, record: ModelRecord) -> None:
        _write(self.place(record.fingerprint) / _RECORD, json.dumps(asdict(record)).encode())

    def keep_tower(self, fingerprint: str, name: str, blob: bytes) -> Identity:
        """Write a compiled tower; returns what the sheet is to say of it."""
        path = self.place(fingerprint) / f"{name}.blob"
        _write(path, blob)
        kept = identity(path)
        if kept is None:
            raise OSError(f"{path} was taken away while it was written")
        return kept

    def place(self, fingerprint: str) -> Path:
        return self._folder / f"{fingerprint[:32]}-{self._engine}"

    def forget(self, fingerprint: str) -> None:
        """Take a model's sheet away, so that it is made ready anew."""
        with contextlib.suppress(OSError):
            (self.place(fingerprint) / _RECORD).unlink()

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """One process at a time makes models ready; another waits, and then finds it done. Where
        nothing can be written there is nothing to wait for."""
        from filelock import FileLock

        with contextlib.ExitStack() as held:
            with contextlib.suppress(OSError):
                self._folder.mkdir(parents=True, exist_ok=True)
                held.enter_context(FileLock(self._folder / "lock"))
            yield

    def _alias(self, key: str) -> Path:
        return self._folder / "names" / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"


def identity(path: Path) -> Identity | None:
    """What tells a file from a changed one without reading it; None where it is not there."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return str(path), stat.st_size, stat.st_mtime_ns, stat.st_ino


def identities(paths: Iterable[Path]) -> tuple[Identity, ...]:
    """Those of files that are all there; none at all where one is missing."""
    found = [identity(path.absolute()) for path in paths]
    there = tuple(one for one in found if one is not None)
    return there if len(there) == len(found) else ()


def _identity(value: Any) -> Identity:
    path, size, mtime_ns, inode = value
    return str(path), int(size), int(mtime_ns), int(inode)


def _json(path: Path) -> dict[str, Any]:
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
