"""Grey technical surfaces, drawn: rolled steel, concrete, circuit boards, solar cells, wafers."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from simulated.fields import (
    Dice,
    Floats,
    Pixels,
    Size,
    blob,
    cloudy,
    grey,
    grid,
    ovals,
    pixels,
    sized,
    smooth,
    soft,
    spots,
    strokes,
    wander,
)


def plate(dice: Dice) -> Pixels:
    """What a camera over a production line sees, sound or flawed."""
    size = sized(dice, 200, 320, 0.4)
    kinds = (_rolled, _rolled, _rough, _board, _board, _cell, _cell)
    field = kinds[dice.integers(len(kinds))](dice, size)
    field = field * (0.85 + 0.3 * smooth(dice, size, 200)) * dice.uniform(0.7, 1.2)
    field = field + dice.normal(0, 0.04 * dice.random() ** 2, size)
    if dice.random() < 0.12:
        return pixels(field[..., None] * dice.uniform(0.7, 1.1, 3))
    return grey(field)


def _rolled(dice: Dice, size: Size) -> Floats:
    """Metal with the marks of its rolling: streaks, scratches, pits, patches of scale."""
    long, wide = dice.uniform(5, 40), dice.uniform(0.4, 1.5)
    streaks = ndimage.gaussian_filter(dice.standard_normal(size), (long, wide))
    field = dice.uniform(0.3, 0.65) + dice.uniform(0.02, 0.12) * streaks / streaks.std()
    field = field + dice.uniform(0, 0.25) * (cloudy(dice, size, dice.uniform(20, 90), 4) - 0.5)
    kind = dice.random()
    if kind < 0.25:
        field = field - 0.3 * ovals(size, spots(dice, size, int(dice.integers(5, 90)), 1, 6), 0.8)
    elif kind < 0.5:
        count = int(dice.integers(2, 14))
        marks = strokes(size, wander(dice, size, count, 1.5, 0.02, 0.6, level=dice.random() < 0.5))
        field = field + dice.choice((-0.35, 0.35)) * marks
    elif kind < 0.7:
        scale = cloudy(dice, size, dice.uniform(25, 70), 4) > dice.uniform(0.5, 0.7)
        field = field - dice.uniform(0.1, 0.3) * ndimage.gaussian_filter(scale.astype(float), 0.8)
    elif kind < 0.85:
        flaw = blob(dice, size, *dice.uniform(-0.6, 0.6, 2), *dice.uniform(0.05, 0.3, 2), rough=1)
        field = field + dice.choice((-0.3, 0.25)) * soft(flaw, 0.06)
    if dice.random() < 0.5:
        field = ndimage.rotate(field, 90, reshape=False, mode="mirror")
    found: Floats = field
    return found


def _rough(dice: Dice, size: Size) -> Floats:
    """Concrete, asphalt, cast iron, sandpaper, with a crack now and then."""
    grain = ndimage.gaussian_filter(dice.standard_normal(size), dice.uniform(0.5, 2))
    field = 0.5 + dice.uniform(0.04, 0.18) * grain / grain.std()
    field = field + 0.2 * (cloudy(dice, size, 80) - 0.5)
    for _ in range(dice.integers(0, 3)):
        crack = strokes(size, wander(dice, size, 1, dice.uniform(1, 4), 0.35, 1.2), 0.8)
        field = field - 0.4 * crack
    found: Floats = field
    return found


def _board(dice: Dice, size: Size) -> Floats:
    """Tracks, pads and holes of a circuit board, or of a wafer; often black and white only."""
    height, width = size
    image = Image.new("L", (width, height), 0)
    draw = ImageDraw.Draw(image)
    step = int(dice.integers(7, 20))
    for _ in range(int(dice.integers(25, 140))):
        x, y = (int(v) * step for v in dice.integers(-2, max(size) // step, 2))
        path = [(x, y)]
        for _ in range(int(dice.integers(1, 6))):
            dx, dy = ((1, 0), (0, 1), (1, 1), (1, -1), (-1, 1))[dice.integers(5)]
            reach = int(dice.integers(1, 9)) * step
            x, y = x + dx * reach, y + dy * reach
            path.append((x, y))
        draw.line(path, fill=255, width=max(2, step // 3), joint="curve")
        for px, py in (path[0], path[-1]):
            r = step * 0.45
            draw.ellipse((px - r, py - r, px + r, py + r), fill=255)
            if dice.random() < 0.6:
                draw.ellipse((px - r / 2, py - r / 2, px + r / 2, py + r / 2), fill=0)
    for _ in range(int(dice.integers(0, 6))):
        x, y = dice.uniform(0, 1, 2) * (width, height)
        w, h = dice.uniform(8, 90, 2)
        draw.rectangle((x, y, x + w, y + h), fill=int(dice.choice((0, 255))))
    field = np.asarray(image, dtype=np.float64) / 255
    if dice.random() < 0.5:
        return field if dice.random() < 0.6 else 1 - field
    low, high = dice.uniform(0.1, 0.4), dice.uniform(0.5, 0.95)
    field = ndimage.gaussian_filter(field, dice.uniform(0.5, 1.5)) * (high - low) + low
    found: Floats = field + 0.08 * (cloudy(dice, size, 10, 3) - 0.5)
    return found


def _cell(dice: Dice, size: Size) -> Floats:
    """A solar cell that glows under current: busbars, fingers, grains, dead corners, cracks."""
    y, x = grid(size)
    field = dice.uniform(0.4, 0.75) + 0.25 * (cloudy(dice, size, dice.uniform(15, 80), 4) - 0.5)
    bars = int(dice.integers(2, 6))
    for bar in range(bars):
        at = -1 + 2 * (bar + 0.5) / bars
        field = field * (1 - dice.uniform(0.5, 0.9) * np.exp(-(((y - at) / 0.012) ** 2)))
    if dice.random() < 0.5:
        field = field * (1 + 0.06 * np.sin(x * dice.uniform(80, 260)))
    for _ in range(int(dice.integers(0, 4))):
        crack = strokes(size, wander(dice, size, 1, 1.4, 0.08, 0.9), 0.6)
        field = field * (1 - 0.6 * crack)
    if dice.random() < 0.35:
        dead = soft(blob(dice, size, *dice.uniform(-1, 1, 2), 0.4, 0.5, rough=1.2), 0.03)
        field = field * (1 - dice.uniform(0.3, 0.8) * dead)
    edge = np.maximum(np.abs(x), np.abs(y))
    corner = (np.abs(x) + np.abs(y)) / dice.uniform(1.75, 2.1)
    found: Floats = field * soft(np.maximum(edge, corner) / 0.97, 0.01)
    return found
