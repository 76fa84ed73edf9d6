"""Which calibration holds: the one that `tune` fitted here, or the one that came with the model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from mediclip_index import encoding, verdict
from mediclip_index.catalog import labels
from mediclip_index.catalog.models import StoredEncoder
from mediclip_index.session.session import Session
from mediclip_index.types import Calibration, CalibrationKind, PromptSet, Settings


@dataclass(frozen=True)
class InForce:
    """A calibration in force, and where it comes from."""

    fitted: Calibration
    kind: CalibrationKind


def in_force(
    session: Session,
    stored: StoredEncoder,
    settings: Settings,
    prompts: PromptSet,
    support: labels.Support,
    *,
    shipped: bool = True,
) -> InForce | None:
    """The calibration that holds for this model, these settings (as they are kept), words and
    labels; the shipped one, where `shipped`, if `tune` never chose any, and with the slope that it
    did choose where it left all else as it came."""
    fitted = settings.calibration
    if fitted is not None and fitted.bound == bound(stored, prompts, support):
        return InForce(fitted, "tuned")
    if not shipped or replace(settings, number=0, calibration=None, tuned=None) != Settings():
        return None
    if session.references(stored, settings, prompts) is None:
        return None
    doubt = _shipped(session, stored, prompts)
    if doubt is None:
        return None
    if not set(prompts.class_names) <= doubt.thresholds.keys():
        return None
    if fitted is not None:
        return InForce(fitted, "shipped") if fitted.bound == doubt.sha256 else None
    return InForce(
        Calibration(
            slope=doubt.slope,
            coverage=doubt.coverage,
            thresholds=doubt.thresholds,
            strange=doubt.strange,
            bound=doubt.sha256,
            images=doubt.images,
            factors=doubt.factors,
            kind=doubt.kind,
        ),
        "shipped",
    )


def shipped_slope(session: Session, stored: StoredEncoder, prompts: PromptSet) -> float:
    """The slope that came with the model for these words; 1 where none did."""
    doubt = _shipped(session, stored, prompts)
    return 1.0 if doubt is None else doubt.slope


def _shipped(session: Session, stored: StoredEncoder, prompts: PromptSet) -> encoding.Doubt | None:
    doubt = encoding.doubt(stored.name, session.bundled)
    if doubt is None or doubt.prompts != prompts.sha256 or not _made_with(doubt.settings):
        return None
    return doubt


def _made_with(settings: str | Mapping[str, Any]) -> bool:
    """Whether these, as a digest or by name, are the settings that ship now."""
    if isinstance(settings, str):
        return settings == settings_digest(Settings())
    ships = asdict(Settings())
    return all(name in ships and ships[name] == value for name, value in settings.items())


def settings_digest(settings: Settings) -> str:
    """sha256 of the numbers of some settings, without what `tune` says of them."""
    aside = ("number", "calibration", "tuned")
    body = {name: value for name, value in asdict(settings).items() if name not in aside}
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def bound(stored: StoredEncoder, prompts: PromptSet, support: labels.Support) -> str:
    """A digest of all that a calibration was fitted with: it holds for nothing else."""
    digest = hashlib.sha256(str(verdict.RULE).encode())
    for part in (stored.fingerprint, prompts.sha256, *prompts.class_names):
        digest.update(part.encode() + b"\0")
    digest.update(support.ids.tobytes() + support.classes.tobytes())
    return digest.hexdigest()
