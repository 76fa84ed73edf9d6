"""What a computer or a printer makes, drawn."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from simulated.fields import (
    Dice,
    Pixels,
    cells_of,
    cloudy,
    grey,
    grid,
    labelled,
    mixed,
    painted,
    pixels,
    sized,
    smooth,
    stretched,
    strokes,
    wander,
)


def graphics(dice: Dice) -> Pixels:
    """A fractal, bright waves, low polygons: made by a computer."""
    size = sized(dice)
    kind = dice.random()
    y, x = grid(size)
    stops = tuple(tuple(dice.uniform(0, 1, 3)) for _ in range(5))
    if kind < 0.35:
        z = (x + 1j * y) * dice.uniform(0.5, 1.6) + dice.uniform(-0.3, 0.3)
        c = complex(dice.uniform(-0.9, 0.35), dice.uniform(-0.7, 0.7))
        steps = np.zeros(size)
        for _ in range(40):
            inside = np.abs(z) < 4
            z = np.where(inside, z * z + c, z)
            steps += inside
        picture = painted((steps / 40) ** 0.6, stops)
    elif kind < 0.65:
        which, _ = cells_of(dice, size, int(dice.integers(20, 150)))
        picture = painted(dice.random(which.max() + 1), stops)[which]
    else:
        field = np.sin(x * dice.uniform(2, 15) + 5 * smooth(dice, size, 90)) * np.cos(
            y * dice.uniform(2, 15)
        )
        picture = painted(stretched(field), stops)
    return pixels(picture)


def code_pattern(dice: Dice) -> Pixels:
    """Square codes, bars, boards, test patterns."""
    size = sized(dice, 220, 340, 0.2)
    kind = dice.random()
    if kind < 0.4:
        n = int(dice.integers(21, 45))
        code = (dice.random((n, n)) < 0.5).astype(float)
        for oy, ox in ((0, 0), (0, n - 7), (n - 7, 0)):
            code[oy : oy + 7, ox : ox + 7] = 1
            code[oy + 1 : oy + 6, ox + 1 : ox + 6] = 0
            code[oy + 2 : oy + 5, ox + 2 : ox + 5] = 1
        field = 1 - np.pad(code, 3)
    elif kind < 0.7:
        field = np.repeat((dice.random((1, 90)) < 0.5).astype(float), 60, axis=0)
    else:
        n = int(dice.integers(4, 12))
        field = (np.add.outer(np.arange(n), np.arange(n)) % 2).astype(float)
    return grey(ndimage.zoom(field, (size[0] / field.shape[0], size[1] / field.shape[1]), order=0))


def plan(dice: Dice) -> Pixels:
    """A floor plan, a blueprint, a circuit diagram, sheet music."""
    height, width = sized(dice, 240, 360)
    blue = dice.random() < 0.3
    ground, ink = (
        ((25, 60, 130), (230, 240, 255))
        if blue
        else ((255, 255, int(dice.integers(225, 256))), (15, 15, 15))
    )
    image = Image.new("RGB", (width * 2, height * 2), ground)
    draw = ImageDraw.Draw(image)
    if dice.random() < 0.35:
        for staff in range(60, height * 2 - 60, int(dice.integers(90, 140))):
            for line in range(5):
                draw.line(
                    (30, staff + line * 10, width * 2 - 30, staff + line * 10), fill=ink, width=1
                )
            for x in range(70, width * 2 - 50, int(dice.integers(22, 50))):
                y = staff + int(dice.integers(0, 9)) * 5
                draw.ellipse((x - 7, y - 5, x + 7, y + 5), fill=ink)
                draw.line((x + 6, y, x + 6, y - 34), fill=ink, width=2)
    else:
        for _ in range(int(dice.integers(8, 30))):
            x, y = dice.uniform(0, 0.8, 2) * (width * 2, height * 2)
            w, h = dice.uniform(30, 240, 2)
            kind = dice.random()
            if kind < 0.5:
                draw.rectangle((x, y, x + w, y + h), outline=ink, width=int(dice.integers(1, 6)))
            elif kind < 0.7:
                draw.arc((x, y, x + w, y + w), 0, 90, fill=ink, width=2)
            else:
                draw.line((x, y, x + w, y, x + w, y + h), fill=ink, width=2)
    return labelled(
        dice,
        np.asarray(image.resize((width, height), Image.Resampling.LANCZOS)),
        200 if blue else 40,
    )


def contour_map(dice: Dice) -> Pixels:
    """Heights in lines or colours, with roads."""
    size = sized(dice)
    land = cloudy(dice, size, dice.uniform(90, 180), 4)
    level = land * dice.uniform(10, 30)
    lines = np.abs(level - np.round(level)) < 0.06
    tones = (
        ((0.6, 0.8, 0.95), (0.75, 0.88, 0.65), (0.95, 0.93, 0.75), (0.85, 0.7, 0.5))
        if dice.random() < 0.6
        else ((1, 1, 1), (0.95, 0.96, 0.93))
    )
    picture = mixed(painted(land, tones), (0.6, 0.42, 0.25), 0.7 * lines.astype(float))
    roads = strokes(size, wander(dice, size, 6, 3, 0.06, 1.5), 0.5)
    picture = mixed(picture, (0.9, 0.45, 0.25), roads)
    return labelled(dice, pixels(picture), 50)
