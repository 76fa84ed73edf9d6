"""Averages over squares are the same whatever pieces a picture comes in."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mediclip_index.reading.raster import averaging, tiff
from mediclip_index.reading.raster.averaging import averaged, bins, summed
from tests.reading.raster_made import page
from tests.reading.raster_made import tiff as made

Values = npt.NDArray[Any]


def noise(seed: int, shape: tuple[int, ...], kind: Any = np.uint8) -> Values:
    rng = np.random.default_rng(seed)
    if np.dtype(kind).kind == "f":
        return rng.standard_normal(shape).astype(kind)
    known = np.iinfo(kind)
    return rng.integers(known.min, known.max, shape, kind, endpoint=True)


def by_hand(values: Values, factor: int) -> Values:
    """Each square's mean, one after another."""
    h, w = values.shape[:2]
    return np.stack([
        np.stack([
            values[y : y + factor, x : x + factor].astype(np.float64).mean(axis=(0, 1))
            for x in range(0, w, factor)
        ])
        for y in range(0, h, factor)
    ])  # fmt: skip


@given(st.integers(0, 60), st.integers(1, 60), st.integers(1, 9))
def test_bins_begin_where_the_factor_divides_and_where_the_block_does(
    start: int, length: int, factor: int
) -> None:
    own = {place - start for place in range(start, start + length) if place % factor == 0}
    assert bins(start, length, factor).tolist() == sorted(own | {0})


@given(st.integers(0, 99), st.integers(1, 30), st.integers(1, 30), st.integers(1, 7))
def test_blocks_of_any_cut_sum_up_to_the_whole(seed: int, h: int, w: int, factor: int) -> None:
    values = noise(seed, (h, w, 2), np.uint16).astype(np.int64)
    cut = seed % h
    whole = summed(values, bins(0, h, factor), bins(0, w, factor))
    found = np.zeros_like(whole)
    for top, part in ((0, values[:cut]), (cut, values[cut:])):
        if len(part):
            rows = bins(top, len(part), factor)
            there = summed(part, rows, bins(0, w, factor))
            found[top // factor : top // factor + len(rows)] += there
    np.testing.assert_array_equal(found, whole)


@given(
    st.integers(0, 99), st.integers(1, 40), st.integers(1, 40), st.integers(2, 8),
    st.integers(20, 4000), st.sampled_from([np.uint8, np.uint16]),
)  # fmt: skip
def test_squares_are_their_rounded_means_in_pieces_of_any_size(
    seed: int, h: int, w: int, factor: int, piece: int, kind: Any
) -> None:
    values = noise(seed, (h, w, 3), kind)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(averaging, "_PIECE", piece)
        small = averaged(values, factor)
    assert small.dtype == values.dtype
    np.testing.assert_array_equal(small, np.floor(by_hand(values, factor) + 0.5))


@given(st.integers(0, 99), st.integers(1, 90), st.integers(1, 90), st.integers(2, 9))
def test_they_are_what_pillow_reduces_to(seed: int, h: int, w: int, factor: int) -> None:
    values = noise(seed, (h, w, 3))
    other = np.asarray(Image.fromarray(values).reduce(factor))
    apart = np.abs(averaged(values, factor).astype(int) - other)
    assert apart.max() <= 1  # Pillow rounds by a multiplication


LAYOUTS = st.sampled_from([
    {"rowsperstrip": 1}, {"rowsperstrip": 7}, {"rowsperstrip": 200}, {"tile": (16, 32)},
    {"tile": (48, 16)}, {"tile": (64, 64)}, {"compression": "zlib", "rowsperstrip": 5},
    {"compression": "lzw", "tile": (32, 16), "predictor": 2}, {"byteorder": ">"},
])  # fmt: skip


@settings(max_examples=80)
@given(
    st.integers(0, 99), st.integers(1, 70), st.integers(1, 70), st.integers(1, 6), LAYOUTS,
    st.sampled_from([np.uint8, np.uint16, np.int16, np.float32]), st.booleans(), st.booleans(),
)  # fmt: skip
def test_a_tiff_of_any_layout_is_the_same_picture(
    seed: int, h: int, w: int, factor: int, layout: dict[str, Any], kind: Any, rgb: bool,
    planar: bool,
) -> None:  # fmt: skip
    if np.dtype(kind).kind == "f" and "predictor" in layout:
        layout = {**layout, "predictor": 3}
    values = noise(seed, (h, w, 3) if rgb else (h, w), kind)
    how = {**layout, "photometric": "rgb" if rgb else "minisblack"}
    stored = values
    if planar and rgb:
        stored, how = np.ascontiguousarray(np.moveaxis(values, -1, 0)), {
            **how, "planarconfig": "separate",
        }  # fmt: skip
    data = io.BytesIO()
    tifffile.imwrite(data, stored, metadata=None, **how)
    one = tiff.opened(data.getvalue()).pages[0]
    found = tiff.samples(one, data.getvalue(), "x", factor).values
    mean = by_hand(values if rgb else values[..., None], factor)
    expected = mean if np.dtype(kind).kind == "f" or factor == 1 else np.floor(mean + 0.5)
    np.testing.assert_allclose(found, expected if rgb else expected[..., 0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", [np.float32, np.int16])
def test_what_was_not_measured_has_no_part_in_an_average(kind: Any) -> None:
    values = np.full((40, 40), 100, kind)
    values[:, 20:] = 300
    values[::2, ::2] = -9999
    values[20:24, 20:24] = -9999
    data = made(page(values, strips=7, t42113=(2, b"-9999\0")))
    found = tiff.samples(tiff.opened(data).pages[0], data, "x", 4)
    assert set(found.values[:, :5].ravel()) == {100}
    assert found.valid is not None
    assert np.argwhere(~found.valid).tolist() == [[5, 5]]
    assert set(found.values[found.valid]) == {100, 300}
