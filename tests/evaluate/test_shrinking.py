"""Few labels move the settings little, and very few not at all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediclip_index.evaluate.shrinkage import (
    FEWEST,
    FEWEST_OF_A_CLASS,
    PRIOR,
    share_of,
    shrunk,
    shrunk_slope,
    too_few,
)
from mediclip_index.types import Settings

CLASSES = ("medical", "non_medical")
CHOSEN = replace(
    Settings(), alpha=0.9, k=80, beta=5.0, near=3.2, scale=20.0, biases={"medical": 4.0},
    pooling="mean",
)  # fmt: skip
ALIKE = ("k", "alpha", "beta", "near")


def test_the_whole_share_takes_what_was_chosen_and_none_leaves_what_was() -> None:
    whole = shrunk(Settings(), CHOSEN, 1.0, 40.0)
    for name in (*ALIKE, "scale"):
        assert getattr(whole, name) == pytest.approx(getattr(CHOSEN, name))
    assert whole.biases["medical"] == pytest.approx(4.0)
    assert whole.pooling == "mean"
    none = shrunk(Settings(), CHOSEN, 0.0, 40.0)
    assert [getattr(none, n) for n in ALIKE] == [getattr(Settings(), n) for n in ALIKE]
    assert (none.scale, none.biases, none.pooling) == (40.0, {"medical": 1.0}, None)
    assert shrunk(Settings(), Settings(), 0.3, 40.0) == Settings()


@given(st.floats(0.01, 0.99))
def test_everything_lies_between_and_nearer_to_what_was_chosen_with_more_images(
    share: float,
) -> None:
    found = shrunk(Settings(), CHOSEN, share, 40.0)
    for name in ALIKE:
        low, high = sorted([getattr(Settings(), name), getattr(CHOSEN, name)])
        assert low <= getattr(found, name) <= high
    assert found.scale == pytest.approx(40.0 ** (1 - share) * 20.0**share)
    assert found.biases["medical"] == pytest.approx(4.0**share)


def test_as_many_images_as_the_prior_is_worth_go_half_way() -> None:
    assert share_of(round(PRIOR)) == pytest.approx(0.5)
    assert shrunk_slope(0.5, 2.0, round(PRIOR)) == pytest.approx(1.0)
    assert shrunk_slope(0.5, 2.0, 10**7) == pytest.approx(2.0, rel=1e-3)


@pytest.mark.parametrize(
    ("medical", "other", "few"),
    [
        (FEWEST - 8, 8, False),
        (FEWEST - 9, 8, True),
        (200, FEWEST_OF_A_CLASS - 1, True),
        (0, 0, True),
    ],
)
def test_below_a_stated_count_nothing_is_chosen(medical: int, other: int, few: bool) -> None:
    why = too_few(np.repeat([0, 1], [medical, other]), CLASSES)
    assert (why is not None) == few
    if why is not None:
        assert f"From {FEWEST} on" in why
        assert f"{medical + other} labelled images" in why
