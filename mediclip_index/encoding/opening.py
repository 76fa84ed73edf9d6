"""`open_encoder`: a model by name on the engine that suits it, at once where it was made ready."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from mediclip_index.encoding import bpe, names
from mediclip_index.encoding.auto import resolve_auto
from mediclip_index.encoding.compiled import (
    LEAST,
    TEXT,
    CompiledModels,
    ModelAlias,
    ModelRecord,
    identities,
)
from mediclip_index.encoding.encoder import OpenClipEncoder
from mediclip_index.encoding.identity import ModelIdentity
from mediclip_index.encoding.load import load_encoder
from mediclip_index.encoding.openvino import Damaged, Engine, OpenVinoEncoder, Tower, runtime
from mediclip_index.encoding.sources import bundled_versions
from mediclip_index.encoding.texts import Texts
from mediclip_index.types import (
    MediclipError,
    ModelOptions,
    Picture,
    UsageError,
    Vectors,
    WeightsSource,
)

ENGINES = ("auto", "torch", "openvino")
PRECISIONS = ("auto", "fp32", "bf16", "int8")
MANY = 16  # pictures that are worth being computed as two halves side by side
_GPU_MARKS = ("/proc/driver/nvidia/version", "/dev/nvidiactl", "/dev/kfd")


def open_encoder(
    name: str,
    options: ModelOptions | None = None,
    *,
    recipe: str,
    pictures: Callable[[int], Sequence[Picture]],
    weights_source: WeightsSource | None = None,
    batch_size: int = 32,
    bundled: Path | None = None,
) -> OpenClipEncoder | OpenVinoEncoder:
    """A model by name, on OpenVINO where that serves the device and agrees with torch, else on
    torch.

    `pictures` gives real pictures for a model of so many pixels, on which engines and precisions
    are held against each other; it is called only where a model is made ready for the first time.
    A precision of auto is fp32, or bf16 where the processor has it and it gives the same answers
    for this very model. The text tower always computes in fp32. The rest is as in `load_encoder`,
    and so are the errors; UsageError too where an engine or precision that was asked for can't be
    had.
    """
    options, weights_source = options or ModelOptions(), weights_source or WeightsSource()
    _check(options)
    device, engine, precision = options.device, options.engine, options.precision
    load: Callable[..., OpenClipEncoder] = partial(
        load_encoder, name, recipe=recipe, weights_source=weights_source,
        batch_size=batch_size, bundled=bundled,
    )  # fmt: skip
    why = ""
    if _on_openvino(engine, device):
        openvino = runtime()
        if openvino is not None:
            key = _key(name, recipe, weights_source.cache_dir, bundled)
            opening = _Opening(load, key, precision, batch_size, pictures, Engine(openvino))
            encoder = opening.warm() or opening.cold()
            if encoder is not None:
                return encoder
            why = opening.why
        else:
            why = "OpenVINO can't be loaded here (pip install openvino)"
        if engine == "openvino":
            raise UsageError(f"{why[:1].upper()}{why[1:]}; use --engine torch.")
    on_torch = load(device=device, precision="fp32" if precision == "auto" else precision)
    if why:
        on_torch.notes += (f"{why[:1].upper()}{why[1:]}, so torch computes.",)
    return on_torch


def ready_encoder(
    name: str,
    *,
    recipe: str,
    pictures: Callable[[int], Sequence[Picture]],
    options: ModelOptions,
) -> OpenVinoEncoder | None:
    """What `open_encoder` would give, its image tower loaded too, where that takes neither torch
    nor open_clip; else None, and whatever error there may be is left to `open_encoder`. Most of
    its time is OpenVINO's, so that a thread of its own has it done beside other work."""
    openvino = runtime() if _on_openvino(options.engine, options.device) else None
    if openvino is None:
        return None
    try:
        _check(options)
        key = _key(name, recipe, None, None)
    except MediclipError:
        return None
    load = partial(load_encoder, name, recipe=recipe)
    return _Opening(load, key, options.precision, 32, pictures, Engine(openvino)).warm(load=True)


def _check(options: ModelOptions) -> None:
    device, engine, precision = options.device, options.engine, options.precision
    if engine not in ENGINES:
        raise UsageError(f"There is no engine {engine!r}; use {', '.join(ENGINES)}.")
    if precision not in PRECISIONS:
        raise UsageError(f"There is no precision {precision!r}; use {', '.join(PRECISIONS)}.")
    if engine == "openvino" and device not in ("auto", "cpu"):
        raise UsageError(f"OpenVINO runs on the processor here, not on {device}; use --device cpu.")


def _on_openvino(engine: str, device: str) -> bool:
    on_gpu = device != "cpu" and (device != "auto" or _may_have_gpu())
    return engine == "openvino" or (engine == "auto" and not on_gpu)


def _key(name: str, recipe: str, cache_dir: Path | None, bundled: Path | None) -> str:
    """What a model alias is found by."""
    settled = _settled(name, cache_dir, bundled)
    return "\n".join(map(str, (settled, recipe, cache_dir, bundled)))


@dataclass
class _Opening:
    """One model on its way to OpenVINO. `why` says what stood in the way, where something did."""

    load: Callable[..., OpenClipEncoder]
    key: str
    asked: str
    batch_size: int
    pictures: Callable[[int], Sequence[Picture]]
    engine: Engine
    why: str = ""
    towers: dict[str, Tower] = field(default_factory=dict)
    torch: OpenClipEncoder | None = None

    def __post_init__(self) -> None:
        self.prepared = CompiledModels(self.engine.identity)

    def warm(self, load: bool = False) -> OpenVinoEncoder | None:
        """The encoder from what was made ready before, or None where something is lacking. With
        `load` its image tower is loaded at once."""
        alias = self.prepared.alias(self.key)
        record = self.prepared.record(alias.fingerprint) if alias is not None else None
        if alias is None or record is None:
            return None
        precision = record.precision(self.asked, self.engine.has_bf16)
        needed = {f"image-{precision}", *((TEXT,) if record.words is not None else ())}
        if precision is None or not needed <= record.towers.keys():
            return None
        if load:
            name = f"image-{precision}"
            try:
                self.towers[name] = self.engine.loaded(Path(record.towers[name][0]), precision)
            except Damaged:
                return None
        return self._encoder(alias.name, record, precision)

    def cold(self) -> OpenVinoEncoder | None:
        """The encoder made from the torch model; None (and `why`) where the two don't agree."""
        with self.prepared.alone():
            found = self.warm()  # another process may have made it while we waited
            if found is not None:
                return found
            # Here only: it loads torch, and what it needs of it.
            from mediclip_index.encoding.compiling import blank_sheet, make_ready

            encoder = self.torch = self.load(device="cpu", precision="fp32")
            record = self.prepared.record(encoder.fingerprint) or blank_sheet(encoder)
            made = make_ready(encoder, record, self.engine, self.asked, self.pictures)
            record, self.why = made.record, made.why
            self.towers |= made.towers
            # A cache that can't be written costs the next start its speed, and this one nothing.
            with contextlib.suppress(OSError):
                for name, tower in made.towers.items():
                    kept = self.prepared.keep_tower(record.fingerprint, name, tower.blob())
                    record = replace(record, towers={**record.towers, name: kept})
                self.prepared.keep_record(record)
                files = identities(encoder.files)
                self.prepared.keep_alias(
                    self.key, ModelAlias(encoder.name, record.fingerprint, files)
                )
        precision = record.precision(self.asked, self.engine.has_bf16)
        if precision is None:
            self.why = self.why or f"{encoder.name} gives other vectors on OpenVINO than on torch"
            return None
        return self._encoder(encoder.name, record, precision, encoder.notes)

    def _encoder(
        self, name: str, record: ModelRecord, precision: str, notes: tuple[str, ...] = ()
    ) -> OpenVinoEncoder:
        if not record.accepted(precision):
            agreement = record.trials[f"image-{precision}"]
            notes += (
                f"{precision} was asked for but does not fit {name}: its vectors of "
                f"{agreement.count} real pictures agree with fp32 to a cosine of "
                f"{agreement.cosine:.4f} at the least, and {LEAST[precision]} is wanted.",
            )
        identity = ModelIdentity(
            name=name,
            fingerprint=record.fingerprint,
            dim=record.dim,
            logit_scale=record.logit_scale,
            preprocessing=record.preprocessing,
        )
        return OpenVinoEncoder(
            self._tower(record, f"image-{precision}"),
            self._words(record),
            identity,
            precision=precision,
            batch_size=self.batch_size,
            notes=notes,
        )

    def _words(self, record: ModelRecord) -> Callable[[Sequence[str]], Vectors]:
        """Sentences → features: by the compiled text tower, else by the torch model."""
        tower = self._tower(record, TEXT)
        made: list[Texts] = []

        def compiled(texts: Sequence[str]) -> Vectors:
            if not made:
                made.append(Texts(tower, bpe.BPETokenizer(**(record.words or {})), record.causal))
            return made[0](texts)

        def by_torch(texts: Sequence[str]) -> Vectors:
            if self.torch is None:
                self.torch = self.load(device="cpu", precision="fp32")
            return self.torch.encode_texts(texts)

        return by_torch if record.words is None else compiled

    def _tower(self, record: ModelRecord, name: str) -> Callable[[Any], Vectors]:
        """A tower that is loaded when it is first needed: a query needs no text tower. It is loaded
        for what it is asked first, one picture or many at once, and serves the other as well."""

        def run(inputs: Any) -> Vectors:
            if name not in self.towers:
                streams = 2 if len(inputs) >= MANY and name != TEXT else 1
                self.towers[name] = self._loaded(record, name, streams)
            return self.towers[name](inputs)

        return run

    def _loaded(self, record: ModelRecord, name: str, streams: int) -> Tower:
        precision = name.rpartition("-")[2]
        try:
            return self.engine.loaded(Path(record.towers[name][0]), precision, streams=streams)
        except Damaged:
            self.prepared.forget(record.fingerprint)
            self.cold()
        if name in self.towers:
            return self.towers[name]
        again = self.prepared.record(record.fingerprint)  # another process was quicker
        if again is None or name not in again.towers:
            raise MediclipError(
                f"The prepared model in {self.prepared.place(record.fingerprint)} "
                "is damaged and can't be made anew; use --engine torch."
            )
        return self.engine.loaded(Path(again.towers[name][0]), precision, streams=streams)


def _settled(name: str, cache_dir: Path | None, bundled: Path | None) -> str:
    """A name that means the same wherever and whenever it is said."""
    parsed = names.parse(name)
    if parsed.kind == "auto":
        return _settled(resolve_auto(cache_dir)[0], cache_dir, bundled)
    if parsed.kind == "lite":
        return f"lite-{parsed.head or ''.join(bundled_versions(bundled)[-1:])}"
    if parsed.kind == "folder":
        return f"{names.FOLDER}{names.absolute(parsed.head)}"
    if parsed.kind == "pair" and names.absolute(parsed.tail).is_file():
        return f"{parsed.head}:{names.absolute(parsed.tail)}"
    return name


def _may_have_gpu() -> bool:
    """Whether it is worth asking torch for a GPU, which takes more than a second."""
    return sys.platform == "darwin" or any(Path(mark).exists() for mark in _GPU_MARKS)
