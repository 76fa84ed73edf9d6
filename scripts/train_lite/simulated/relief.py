"""Look-alikes with relief or layers, drawn: cratered ground, luggage before X-rays."""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage

from simulated.fields import (
    Colour,
    Dice,
    Floats,
    Pixels,
    Size,
    cloudy,
    grey,
    labelled,
    painted,
    pixels,
    sized,
    smooth,
    soft,
    strokes,
    wander,
)  # fmt: skip


def craters(dice: Dice) -> Pixels:
    """The ground of a moon or a planet under a low sun: bowls with rims, hills, dust, rocks."""
    size = sized(dice)
    y, x = np.mgrid[: size[0], : size[1]].astype(float)
    height = dice.uniform(4, 40) * cloudy(dice, size, dice.uniform(60, 160), 6, 0.45)
    largest = dice.uniform(10, 90)
    for _ in range(int(dice.integers(8, 130))):
        # Few large ones and ever more small ones, as counts of craters have it.
        r = min(largest, 2.0 * dice.random() ** -0.6)
        cy, cx = dice.uniform(-r, size[0] + r), dice.uniform(-r, size[1] + r)
        off = np.hypot(y - cy, (x - cx) * dice.uniform(0.9, 1.1)) / r
        deep = r * dice.uniform(0.1, 0.4)
        bowl = np.where(off < 1, off**2 - 1, 0.0) * deep
        height = height + bowl + 0.3 * deep * np.exp(-(((off - 1.05) / 0.2) ** 2))
    height = ndimage.gaussian_filter(height, dice.uniform(0.5, 1.2))
    down, across = np.gradient(height)
    turn, low = dice.uniform(0, 6.3), dice.uniform(0.15, 0.6)
    slope = math.cos(turn) * across + math.sin(turn) * down
    light = np.clip(low + slope * math.sqrt(1 - low**2), 0, None) / np.sqrt(1 + slope**2)
    light = light * (0.75 + 0.5 * cloudy(dice, size, 70)) * dice.uniform(0.6, 1.6)
    light = light + dice.normal(0, dice.uniform(0.005, 0.03), size)
    if dice.random() < 0.7:
        drawn = grey(light)
    else:
        reds: tuple[Colour, ...] = (
            (0, 0, 0),
            (0.5, 0.25, 0.14),
            (0.85, 0.55, 0.35),
            (1, 0.85, 0.7),
        )
        drawn = pixels(painted(np.clip(light, 0, 1), reds))
    return labelled(dice, drawn, most=1) if dice.random() < 0.15 else drawn


# How much of each colour comes through, thin: organic matter, mixed, metal.
_STUFFS: tuple[Colour, ...] = ((1.0, 0.72, 0.35), (0.45, 0.8, 0.4), (0.3, 0.45, 0.9))


def baggage(dice: Dice) -> Pixels:
    """Luggage in a scanner: what lies on top of another darkens it (Beer's law), the colour says
    what it is made of."""
    size = sized(dice, 230, 340, 0.5)
    thick = np.zeros((3, *size))
    case = _box(
        size, 0.5, 0.5, dice.uniform(0.28, 0.46), dice.uniform(0.3, 0.46), dice.normal(0, 0.1)
    )
    shell = soft(case, 0.01)
    thick[0] += shell * dice.uniform(0.15, 0.5)
    thick[dice.integers(3)] += 0.8 * np.exp(-(((case - 0.97) / 0.02) ** 2))
    for _ in range(int(dice.integers(6, 30))):
        cy, cx = dice.uniform(0.2, 0.8, 2)
        stuff = int(dice.choice(3, p=(0.5, 0.2, 0.3)))
        cover = _thing(dice, size, cy, cx)
        thick[stuff] += cover * dice.uniform(0.15, 1.5) * (0.8 + 0.4 * smooth(dice, size, 30))
    if dice.random() < 0.7:
        wires = strokes(size, wander(dice, size, int(dice.integers(1, 6)), 1.6, 0.25, 0.4), 0.6)
        thick[2] += wires * soft(case / 0.95, 0.05)
    through = np.ones((*size, 3))
    for layer, passed in zip(thick, _STUFFS, strict=True):
        through = through * np.array(passed) ** (1.4 * layer[..., None])
    through = through + dice.normal(0, 0.008, size)[..., None]
    if dice.random() < 0.2:
        return grey(through.mean(-1) if dice.random() < 0.6 else 1 - through.mean(-1))
    return pixels(through)


def _box(size: Size, cy: float, cx: float, ry: float, rx: float, turn: float) -> Floats:
    """A rectangle with round corners, 1 at its rim; in shares of the picture."""
    y, x = np.mgrid[: size[0], : size[1]].astype(float)
    y, x = y / size[0] - cy, x / size[1] - cx
    c, s = math.cos(turn), math.sin(turn)
    found: Floats = (np.abs((c * y - s * x) / ry) ** 8 + np.abs((c * x + s * y) / rx) ** 8) ** 0.125
    return found


def _thing(dice: Dice, size: Size, cy: float, cx: float) -> Floats:
    """Something packed: a box, a bottle, a circuit board, a tool, a ring, a blade, a shoe."""
    turn = dice.uniform(0, math.pi)
    r, q = dice.uniform(0.03, 0.16, 2)
    kind = int(dice.integers(6))
    body = _box(size, cy, cx, r, q, turn)
    if kind == 0:
        return soft(body, 0.03)
    if kind == 1:  # hollow, as bottles and cans
        return 0.35 * soft(body, 0.03) + 0.8 * np.exp(-(((body - 0.92) / 0.07) ** 2))
    if kind == 2:  # parts on a board
        parts = np.kron(
            dice.random((14, 14)) > 0.6, np.ones((size[0] // 14 + 1, size[1] // 14 + 1))
        )
        return soft(body, 0.02) * (0.5 + parts[: size[0], : size[1]])
    if kind == 3:  # a handle and a head
        far = 0.8 * r
        head = _box(size, cy + far * math.cos(turn), cx + far * math.sin(turn), q / 2, r / 2, turn)
        return np.maximum(soft(_box(size, cy, cx, r, 0.015, -turn), 0.1), soft(head, 0.05))
    if kind == 4:
        y, x = np.mgrid[: size[0], : size[1]].astype(float)
        off = np.hypot(y / size[0] - cy, (x / size[1] - cx) * size[1] / size[0]) / (r / 1.5)
        ring: Floats = np.exp(-(((off - 1) / 0.12) ** 2))
        return ring + 0.3 * soft(off, 0.05)
    lump = body + 0.7 * (smooth(dice, size, 40) - 0.5)
    return soft(lump, 0.1) * (0.6 + 0.5 * cloudy(dice, size, 14, 3))
