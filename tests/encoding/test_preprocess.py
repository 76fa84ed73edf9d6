"""Our preprocessing is open_clip's own, pixel by pixel."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image

from mediclip_index.encoding import Preprocessing, model_input
from mediclip_index.types import Picture
from tests.encoding.conftest import as_picture

OPENAI = {
    "mean": (0.48145466, 0.4578275, 0.40821073),
    "std": (0.26862954, 0.26130258, 0.27577711),
}
HALF = {"mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)}

WAYS: dict[str, dict[str, Any]] = {
    "clip": {"size": 224, **OPENAI},
    "size as a pair": {"size": (224, 224), **OPENAI},
    "mobileclip": {"size": 256, "interpolation": "bilinear", **OPENAI},
    "siglip": {"size": 224, "resize_mode": "squash", **HALF},
    "clipa": {"size": (160, 160), "resize_mode": "squash", "interpolation": "bilinear", **HALF},
    "longest": {"size": 224, "resize_mode": "longest", **OPENAI},
    "longest on grey": {"size": 224, "resize_mode": "longest", "fill_color": 127, **OPENAI},
    "tall": {"size": (240, 120), **HALF},
    "wide": {"size": (120, 240), **HALF},
    "wide longest": {"size": (120, 240), "resize_mode": "longest", **HALF},
}


def sized(picture: Picture, width: int, height: int) -> Picture:
    return as_picture(np.asarray(Image.fromarray(picture.pixels).resize((width, height))))


def both(picture: Picture, way: dict[str, Any]) -> tuple[Any, Any]:
    ours = model_input(picture.pixels, Preprocessing.from_open_clip(way))
    transform = image_transform_v2(PreprocessCfg(**way), is_train=False)
    return ours, transform(Image.fromarray(picture.pixels)).numpy()


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_photographs_come_out_as_from_open_clips_own_transform(
    way: dict[str, Any], photos: list[Picture]
) -> None:
    odd = [sized(photos[0], *size) for size in ((225, 301), (223, 97), (31, 33), (224, 224))]
    for picture in [*photos, *odd, sized(photos[1], 901, 200), sized(photos[1], 200, 901)]:
        ours, theirs = both(picture, way)
        assert ours.dtype == np.float32
        assert ours.flags.c_contiguous
        assert ours.shape == theirs.shape
        assert np.abs(ours - theirs).max() <= 1e-6


@pytest.mark.parametrize("size", [(5000, 40), (40, 5000), (1, 900), (3000, 17), (17, 3001)])
@pytest.mark.parametrize("way", ["clip", "mobileclip", "tall"])
def test_strips_agree_within_two_grey_levels(
    way: str, size: tuple[int, int], photos: list[Picture]
) -> None:
    strip = sized(photos[1], *size)
    ours, theirs = both(strip, WAYS[way])
    grey_level = 1 / 255 / min(WAYS[way]["std"])
    assert np.abs(ours - theirs).max() <= grey_level * 2.01
    assert np.abs(ours - theirs).mean() <= grey_level / 100


def test_a_strip_of_one_pixel_costs_little_memory() -> None:
    strip = np.arange(5000 * 3, dtype=np.uint8).reshape(1, 5000, 3)
    tracemalloc.start()
    square = model_input(strip, Preprocessing.from_open_clip(WAYS["clip"]))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert square.shape == (3, 224, 224)
    assert np.isfinite(square).all()
    assert peak < 10_000_000  # resized as a whole it is 752 MB


def test_a_strip_of_one_pixel_survives_every_mode() -> None:
    strip = np.full((1, 5000, 3), 200, dtype=np.uint8)
    for way in WAYS.values():
        square = model_input(strip, Preprocessing.from_open_clip(way))
        assert np.isfinite(square).all()


def test_what_is_no_picture_is_refused() -> None:
    how = Preprocessing.from_open_clip(WAYS["clip"])
    for shape in ((4, 4), (4, 4, 4), (0, 4, 3)):
        with pytest.raises(ValueError, match="shape"):
            model_input(np.zeros(shape, dtype=np.uint8), how)


def test_an_unknown_way_of_resizing_is_refused() -> None:
    with pytest.raises(ValueError, match="resize_mode"):
        Preprocessing.from_open_clip({"size": 224, "resize_mode": "stretch", **HALF})
