"""Random copies of a picture that keep what it shows and change how it was made.

Sources differ in size, shape, border, colour cast, sharpness and JPEG quality as much as in their
subject. A head that learns such short-cuts fails on the first new source: copies shuffle them.
"""

from __future__ import annotations

import io
import math
import random

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

SIDE = 260
Colour = tuple[int, int, int]


def plain(picture: Image.Image) -> Image.Image:
    """open_clip's recipe: shortest side to 260 (bicubic, as torchvision truncates), centre crop."""
    width, height = picture.size
    if width <= height:
        size = (SIDE, int(SIDE * height / width))
    else:
        size = (int(SIDE * width / height), SIDE)
    picture = picture.resize(size, Image.Resampling.BICUBIC)
    left, top = round((size[0] - SIDE) / 2), round((size[1] - SIDE) / 2)
    return picture.crop((left, top, left + SIDE, top + SIDE))


def augmented(picture: Image.Image, dice: random.Random) -> Image.Image:
    """One random copy, 260 x 260 RGB."""
    picture = _framed(picture, dice)
    if dice.random() < 0.5:
        picture = ImageOps.mirror(picture)
    if dice.random() < 0.15:
        picture = picture.rotate(dice.choice((90, 180, 270)))
    elif dice.random() < 0.15:
        picture = picture.rotate(
            dice.uniform(-25, 25), Image.Resampling.BILINEAR, fillcolor=_filling(picture, dice)
        )
    return _degraded(_recoloured(picture, dice), dice)


def _filling(picture: Image.Image, dice: random.Random) -> Colour:
    """A border colour: mostly black or white, sometimes grey or one of the picture's own."""
    kind = dice.random()
    if kind < 0.4:
        return (0, 0, 0)
    if kind < 0.7:
        return (255, 255, 255)
    if kind < 0.85:
        grey = dice.randrange(256)
        return (grey, grey, grey)
    spot = picture.getpixel((dice.randrange(picture.width), dice.randrange(picture.height)))
    assert isinstance(spot, tuple)
    return (int(spot[0]), int(spot[1]), int(spot[2]))


def _framed(picture: Image.Image, dice: random.Random) -> Image.Image:
    """A crop, the whole picture squeezed, or the whole picture on a larger ground."""
    width, height = picture.size
    kind = dice.random()
    if kind < 0.60:
        area = dice.uniform(0.35, 1.0) * width * height
        shape = math.exp(dice.uniform(-0.3, 0.3)) * (1.0 if kind < 0.4 else width / height)
        w = min(width, max(32, round(math.sqrt(area * shape))))
        h = min(height, max(32, round(math.sqrt(area / shape))))
        left, top = dice.randint(0, width - w), dice.randint(0, height - h)
        box = (left, top, left + w, top + h)
        return picture.resize((SIDE, SIDE), dice.choice(_FILTERS), box=box)
    if kind < 0.75:
        return picture.resize((SIDE, SIDE), dice.choice(_FILTERS))
    if kind < 0.85:
        return plain(picture)
    ground = Image.new("RGB", (SIDE, SIDE), _filling(picture, dice))
    scale = dice.uniform(0.6, 1.0) * SIDE / max(width, height)
    small = picture.resize((max(16, round(width * scale)), max(16, round(height * scale))))
    ground.paste(
        small,
        (dice.randint(0, SIDE - small.width), dice.randint(0, SIDE - small.height)),
    )
    return ground


_FILTERS = (Image.Resampling.BICUBIC, Image.Resampling.BILINEAR, Image.Resampling.LANCZOS)


def _recoloured(picture: Image.Image, dice: random.Random) -> Image.Image:
    if dice.random() < 0.7:
        picture = ImageEnhance.Brightness(picture).enhance(dice.uniform(0.65, 1.4))
        picture = ImageEnhance.Contrast(picture).enhance(dice.uniform(0.6, 1.5))
        picture = ImageEnhance.Color(picture).enhance(dice.uniform(0.4, 1.6))
    if dice.random() < 0.25:
        gains = [dice.uniform(0.75, 1.25) for _ in range(3)]
        table = [min(255, round(value * gain)) for gain in gains for value in range(256)]
        picture = picture.point(table)
    if dice.random() < 0.15:
        picture = ImageOps.autocontrast(picture, cutoff=dice.uniform(0, 4))
    if dice.random() < 0.25:
        picture = ImageOps.grayscale(picture).convert("RGB")
    if dice.random() < 0.08:
        picture = ImageOps.invert(picture)
    return picture


def _degraded(picture: Image.Image, dice: random.Random) -> Image.Image:
    if dice.random() < 0.12:
        side = dice.randint(56, 150)
        picture = picture.resize((side, side)).resize((SIDE, SIDE), dice.choice(_FILTERS))
    elif dice.random() < 0.15:
        picture = picture.filter(ImageFilter.GaussianBlur(dice.uniform(0.5, 2.0)))
    elif dice.random() < 0.1:
        picture = picture.filter(ImageFilter.UnsharpMask(2, dice.randint(50, 200)))
    if dice.random() < 0.2:
        grain = np.random.default_rng(dice.getrandbits(32))
        pixels = np.asarray(picture, dtype=np.float32)
        channels = 1 if dice.random() < 0.5 else 3
        noise = grain.standard_normal((SIDE, SIDE, channels), dtype=np.float32)
        pixels = np.clip(pixels + dice.uniform(2, 22) * noise, 0, 255)
        picture = Image.fromarray(pixels.astype(np.uint8))
    if dice.random() < 0.08:
        border = dice.randint(2, 24)
        picture = ImageOps.expand(
            picture.crop((border, border, SIDE - border, SIDE - border)),
            border,
            _filling(picture, dice),
        )
    if dice.random() < 0.4:
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=dice.randint(25, 90))
        picture = Image.open(buffer).convert("RGB")
    return picture
