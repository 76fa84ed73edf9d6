"""What sharpness and nearness count in: spreads of a model's unrelated cosines ⇄ plain cosines.

One model gives two unrelated photographs a cosine of 0.05, another 0.5, so no plain cosine is near
in both. Counted in spreads above the median of such pairs, one number means the same in any model.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mediclip_index.types import Settings, Unrelated, Vectors

NORMAL = 1.4826  # median distances from the median in a normal distribution's standard deviation
PLAIN = Unrelated(0.0, 1.0)  # of a model that was never measured: spreads are cosines


def unrelated(cosines: Vectors) -> Unrelated | None:
    """Median and spread of the cosines (n,) of pairs of pictures that have nothing to do with each
    other; None where they are all one, or there are none."""
    if len(cosines) == 0:
        return None
    median = float(np.median(cosines))
    spread = float(NORMAL * np.median(np.abs(cosines - median)))
    return Unrelated(median, spread) if spread > 0 else None


def in_cosines(settings: Settings, measured: Unrelated | None) -> Settings:
    """Settings whose beta and near count in plain cosines of a model, as votes are weighed."""
    if settings.unit == "cosines":
        return settings
    model = measured or PLAIN
    return replace(
        settings,
        unit="cosines",
        beta=settings.beta / model.spread,
        near=model.median + settings.near * model.spread,
    )


def in_spreads(settings: Settings, measured: Unrelated) -> Settings:
    """The same settings in spreads of a model."""
    if settings.unit == "spreads":
        return settings
    return replace(
        settings,
        unit="spreads",
        beta=settings.beta * measured.spread,
        near=(settings.near - measured.median) / measured.spread,
    )
