"""From a picture's pixels to a model's input: resize, crop, normalise, in numpy and Pillow alone.

It gives what open_clip's own inference transform gives for the same model (torchvision's rounding
included: a long side one pixel off costs 0.006 of cosine), without torch, and without its appetite
for memory on strips: a picture of 1 × 5000 resized to a short side of 224 would be 750 MB wide.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from mediclip_index.types import Pixels

Floats = npt.NDArray[np.float32]

# A picture longer than this many times its short side is cut to what the crop shows before it is
# resized. Single pixels may then differ from open_clip's by two grey levels of 255 (Pillow rounds
# between its two passes), so all other pictures go the plain way.
_STRIP = 6.0
_SUPPORT = {"bicubic": 2.0, "bilinear": 1.0}


@dataclass(frozen=True)
class Preprocessing:
    """How a model wants its pictures. `size` is (height, width); mean and std are of values in
    0 … 1; `resize_mode` is shortest (and crop the centre), longest (and pad) or squash."""

    size: tuple[int, int]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: str = "bicubic"
    resize_mode: str = "shortest"
    fill_color: int = 0

    @classmethod
    def from_open_clip(cls, cfg: Mapping[str, Any]) -> Preprocessing:
        """From the `preprocess_cfg` that open_clip keeps with a model. Raises ValueError."""
        height, width = _pair(cfg["size"])
        resize_mode = cfg.get("resize_mode") or "shortest"
        if resize_mode not in ("shortest", "longest", "squash"):
            raise ValueError(f"unknown resize_mode {resize_mode!r}")
        return cls(
            size=(height, width),
            mean=_triple(cfg["mean"]),
            std=_triple(cfg["std"]),
            # open_clip knows bilinear, and takes all else for bicubic.
            interpolation="bilinear" if cfg.get("interpolation") == "bilinear" else "bicubic",
            resize_mode=resize_mode,
            fill_color=int(cfg.get("fill_color") or 0),
        )


def model_input(pixels: Pixels, how: Preprocessing) -> Floats:
    """A picture (h, w, 3), uint8, as the model's input (3, height, width), float32."""
    if pixels.ndim != 3 or pixels.shape[2] != 3 or 0 in pixels.shape:
        raise ValueError(f"a picture's pixels have the shape (h, w, 3), these have {pixels.shape}")
    square = np.asarray(_frame(pixels, how), dtype=np.float32)
    square /= 255.0
    square -= np.asarray(how.mean, dtype=np.float32)
    square /= np.asarray(how.std, dtype=np.float32)
    return np.ascontiguousarray(square.transpose(2, 0, 1))


def framed(pixels: Pixels, how: Preprocessing) -> Pixels:
    """A picture's pixels, (h, w, 3) uint8, resized and cropped to the model's (height, width, 3).

    What is at that size already stays as it is, so framing early changes nothing.
    """
    if pixels.shape[:2] == how.size:
        return pixels
    return np.asarray(_frame(pixels, how), dtype=np.uint8)


def _frame(pixels: Pixels, how: Preprocessing) -> Image.Image:
    """The picture at the model's size."""
    height, width = pixels.shape[:2]
    target_h, target_w = how.size
    if how.resize_mode == "squash":
        return _resized(Image.fromarray(pixels), target_w, target_h, how.interpolation)
    if how.resize_mode == "longest":
        ratio = max(height / target_h, width / target_w)
        new_h, new_w = (max(1, round(side / ratio)) for side in (height, width))
        return _centred(
            _resized(Image.fromarray(pixels), new_w, new_h, how.interpolation),
            how.size,
            how.fill_color,
        )
    interpolation = how.interpolation
    if target_h == target_w:  # torchvision's Resize: the long side is truncated
        short, long = sorted((height, width))
        new_long = int(target_h * long / short)
        new_h, new_w = (target_h, new_long) if height <= width else (new_long, target_h)
    else:  # open_clip's ResizeKeepRatio: rounded, and bicubic whatever the model says
        ratio = min(height / target_h, width / target_w)
        new_h, new_w = (max(1, round(side / ratio)) for side in (height, width))
        interpolation = "bicubic"
    if max(new_h / target_h, new_w / target_w) > _STRIP:
        return _strip(pixels, (new_h, new_w), how.size, interpolation)
    return _centred(_resized(Image.fromarray(pixels), new_w, new_h, interpolation), how.size, 0)


def _resized(image: Image.Image, width: int, height: int, interpolation: str) -> Image.Image:
    if image.size == (width, height):
        return image
    return image.resize((width, height), _filter(interpolation))


def _centred(image: Image.Image, size: tuple[int, int], fill: int) -> Image.Image:
    """The centre of the picture, padded where it is smaller: torchvision's CenterCrop."""
    target_h, target_w = size
    pad_w, pad_h = max(0, target_w - image.width), max(0, target_h - image.height)
    if pad_w or pad_h:
        padded = Image.new("RGB", (image.width + pad_w, image.height + pad_h), (fill,) * 3)
        padded.paste(image, (pad_w // 2, pad_h // 2))
        image = padded
    left, top = _crop_start(image.width, target_w), _crop_start(image.height, target_h)
    if (left, top, *image.size) == (0, 0, target_w, target_h):
        return image
    return image.crop((left, top, left + target_w, top + target_h))


def _crop_start(side: int, target: int) -> int:
    return round((side - target) / 2.0)


def _strip(
    pixels: Pixels, resized: tuple[int, int], size: tuple[int, int], interpolation: str
) -> Image.Image:
    """What _centred(_resized(…)) gives, from the part of the picture that the crop will show."""
    box: list[float] = []
    part = pixels
    for axis, (new, target) in enumerate(zip(resized, size, strict=True)):
        scale = pixels.shape[axis] / new
        first, last = (_crop_start(new, target) + edge for edge in (0, target))
        margin = _SUPPORT[interpolation] * max(1.0, scale) + 1
        start = max(0, math.floor(first * scale - margin))
        stop = min(pixels.shape[axis], math.ceil(last * scale + margin))
        part = np.take(part, range(start, stop), axis=axis)
        box += [first * scale - start, last * scale - start]
    top, bottom, left, right = box
    within = (left, top, min(right, part.shape[1]), min(bottom, part.shape[0]))
    return Image.fromarray(part).resize((size[1], size[0]), _filter(interpolation), box=within)


def _filter(interpolation: str) -> Image.Resampling:
    bilinear = interpolation == "bilinear"
    return Image.Resampling.BILINEAR if bilinear else Image.Resampling.BICUBIC


def _pair(size: Any) -> tuple[int, int]:
    if isinstance(size, (list, tuple)):
        return int(size[0]), int(size[-1])
    return int(size), int(size)


def _triple(values: Any) -> tuple[float, float, float]:
    if isinstance(values, (list, tuple)):
        first, second, third = values
        return float(first), float(second), float(third)
    return float(values), float(values), float(values)
