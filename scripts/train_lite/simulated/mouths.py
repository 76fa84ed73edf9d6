"""A dentist's pictures, drawn: mouths before a camera, jaws and teeth before X-rays."""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage

from simulated.fields import (
    Dice,
    Floats,
    Pixels,
    cloudy,
    grey,
    labelled,
    ovals,
    pixels,
    smooth,
    soft,
    spots,
    strokes,
    tree,
)
from simulated.flesh import Flesh

Place = tuple[float, float, float, float, float]  # y, x, half the height and width, turn


def mouth(dice: Dice) -> Pixels:
    """Rows of teeth in their gums, from the front or from above; or a tongue."""
    size = (int(dice.integers(220, 300)), int(dice.integers(260, 380)))
    ones = np.ones(size)
    gum = np.array((0.86, 0.52, 0.5)) * dice.uniform(0.8, 1.08) * dice.uniform(0.92, 1.08, 3)
    colour = gum * (0.8 + 0.35 * cloudy(dice, size, 40))[..., None]
    height = dice.uniform(4, 14) * smooth(dice, size, 60) + 1.2 * cloudy(dice, size, 6, 2)
    flesh = Flesh(ones, height, colour, np.zeros((*size, 3)), 0.5 * cloudy(dice, size, 30), 100.0)
    x0, y0 = dice.uniform(0, 1, 2) * size[::-1]
    for _ in range(int(dice.integers(0, 4))):
        veins = strokes(size, tree(dice, x0, y0, dice.uniform(0, 6), 2, 60), 1)
        flesh.tint(0.6 * veins, (0.8, 0.55, 0.58))
    kind = dice.random()
    if kind < 0.55:
        _front(dice, flesh)
    elif kind < 0.82:
        _arch(dice, flesh)
    else:
        _tongue(dice, flesh)
    if dice.random() < 0.5:
        y, x = np.mgrid[-1 : 1 : size[0] * 1j, -1 : 1 : size[1] * 1j]
        lips = np.hypot(y / dice.uniform(0.75, 1.1), x / dice.uniform(0.9, 1.15))
        lips = lips + 0.15 * (smooth(dice, size, 60) - 0.5)
        ring = soft(2 - lips, 0.06)
        flesh.dye(ring, np.array((0.8, 0.5, 0.46)) * dice.uniform(0.5, 1.05))
        flesh.height += 14 * np.exp(-(((lips - 1.15) / 0.2) ** 2))
    return pixels(flesh.lit(dice))


def _tooth(dice: Dice, flesh: Flesh, place: Place, shade: Floats) -> None:
    cy, cx, ry, rx, turn = place
    y, x = np.mgrid[: flesh.size[0], : flesh.size[1]].astype(float)
    y, x = y - cy, x - cx
    c, s = math.cos(turn), math.sin(turn)
    power = dice.uniform(2.6, 4.5)
    off = (np.abs((c * y - s * x) / ry) ** power + np.abs((c * x + s * y) / rx) ** power) ** (
        1 / power
    )
    inside = soft(off, 0.04)
    along = np.clip(0.85 + 0.1 * (c * y - s * x) / ry + 0.1 * cloudy(dice, flesh.size, 20), 0, 1.1)
    tone = (shade * dice.uniform(0.93, 1.03))[None, None] * along[..., None]
    flesh.tint(0.5 * soft(off / 1.18, 0.06), (0.75, 0.4, 0.4))
    flesh.dye(inside, tone)
    flesh.height = flesh.height * (1 - 0.8 * inside)
    flesh.lift(np.sqrt(np.clip(1 - off**3, 0, 1)), rx * dice.uniform(0.35, 0.6), 1.5)
    flesh.wet += 0.6 * inside
    if dice.random() < 0.3:
        hole = ovals(flesh.size, spots(dice, flesh.size, 30, 1, rx * 0.4), 1.2) * inside
        brown = ((0.3, 0.18, 0.08), (0.12, 0.08, 0.06), (0.6, 0.42, 0.2))[dice.integers(3)]
        flesh.dye(dice.uniform(0.5, 1) * hole, brown)
    if dice.random() < 0.25:
        tartar = np.exp(-(((off - 0.85) / 0.12) ** 2)) * cloudy(dice, flesh.size, 12)
        flesh.dye(tartar, (0.75, 0.62, 0.35))


def _shade(dice: Dice) -> Floats:
    """The colour of all teeth of one mouth."""
    tones = ((0.93, 0.9, 0.84), (0.9, 0.84, 0.7), (0.83, 0.73, 0.54), (0.95, 0.94, 0.92))
    return np.array(tones[dice.integers(4)]) * dice.uniform(0.85, 1.0)


def _front(dice: Dice, flesh: Flesh) -> None:
    height, width = flesh.size
    middle, bow = height * dice.uniform(0.42, 0.58), dice.uniform(-0.12, 0.12) * height
    count = int(dice.integers(4, 10))
    shade = _shade(dice)
    gap = dice.uniform(0, 0.12) * height if dice.random() < 0.4 else 0.0
    if gap:
        y = np.mgrid[:height, :width][0]
        flesh.dye(soft(np.abs(y - middle) / (gap + 1), 0.2), (0.12, 0.03, 0.03))
    wide = width / count * dice.uniform(0.8, 1.1)
    for upper in (True, False) if dice.random() < 0.75 else (True,):
        tall = min(height * dice.uniform(0.16, 0.26), wide * dice.uniform(0.75, 1.0))
        for n in range(-count, count + 1):
            cx = width / 2 + (n + 0.5) * wide * (1.0 if upper else 0.8)
            if not -wide < cx < width + wide or dice.random() < 0.05:
                continue
            bent = bow * ((cx - width / 2) / width * 2) ** 2
            cy = middle + bent + (-(tall * 0.9 + gap / 2) if upper else tall * 0.9 + gap / 2)
            cy += dice.normal(0, tall * 0.05)
            half = wide * (0.52 if upper else 0.42) * dice.uniform(0.95, 1.05)
            _tooth(dice, flesh, (cy, cx, tall, half, dice.normal(0, 0.06)), shade)


def _arch(dice: Dice, flesh: Flesh) -> None:
    height, width = flesh.size
    shade = _shade(dice)
    up = dice.choice((-1, 1))
    palate = np.hypot(
        (np.mgrid[:height, :width][1] - width / 2) / (width * 0.3),
        (np.mgrid[:height, :width][0] - height * (0.5 + 0.4 * up)) / (height * 0.75),
    )
    flesh.tint(soft(palate, 0.2), (1.05, 0.9, 0.88))
    for angle in np.linspace(0.04, 0.96, int(dice.integers(12, 17))) * math.pi:
        cx = width / 2 + width * 0.4 * math.cos(angle)
        cy = height * (0.5 + 0.42 * up) - up * height * 0.78 * math.sin(angle)
        r = width * (0.035 + 0.025 * abs(math.cos(angle))) * dice.uniform(0.9, 1.15)
        _tooth(dice, flesh, (cy, cx, r * 1.15, r * 1.3, angle), shade)
        if abs(math.cos(angle)) > 0.5:
            pits = ovals(flesh.size, [(cy, cx, r * 0.5, r * 0.2, dice.uniform(0, 180))], 1.5)
            flesh.lift(pits, -3)
            if dice.random() < 0.3:
                flesh.dye(pits, (0.2, 0.2, 0.22))


def _tongue(dice: Dice, flesh: Flesh) -> None:
    height, width = flesh.size
    y, x = np.mgrid[:height, :width].astype(float)
    off = np.hypot((x - width / 2) / (width * dice.uniform(0.28, 0.42)),
                   (y - height * 0.25) / (height * dice.uniform(0.55, 0.7)))  # fmt: skip
    off = off + 0.08 * (smooth(dice, flesh.size, 60) - 0.5)
    flesh.tint(soft(2 - off, 0.2), (0.45, 0.3, 0.3))
    inside = soft(off, 0.03)
    flesh.dye(inside, np.array((0.85, 0.5, 0.5)) * dice.uniform(0.85, 1.1))
    coat = cloudy(dice, flesh.size, dice.uniform(20, 70)) * inside * dice.uniform(0, 1)
    flesh.dye(coat, (0.92, 0.87, 0.78))
    flesh.height += 30 * np.sqrt(np.clip(1 - off**2, 0, 1)) - 4 * np.exp(
        -(((x - width / 2) / 5) ** 2)
    )
    buds = ovals(flesh.size, spots(dice, flesh.size, 500, 0.8, 2.0), 0.6) * inside
    flesh.lift(buds, 1.0, 1.0)
    flesh.tint(0.5 * buds, (1.0, 0.65, 0.65))
    if dice.random() < 0.4:
        ulcer = soft(flesh.sore(dice, width * 0.06, 0.6), 0.1) * inside
        flesh.dye(0.85 * ulcer, (0.96, 0.93, 0.8))


def jaw_xray(dice: Dice) -> Pixels:
    """A panorama of both jaws, or a few teeth on a small film: enamel, pulp, roots, fillings."""
    if dice.random() < 0.62:
        return _panorama(dice)
    size = (int(dice.integers(220, 320)), int(dice.integers(180, 340)))
    field = 0.3 + 0.2 * cloudy(dice, size, 60) + 0.12 * (cloudy(dice, size, 7, 2) - 0.5)
    height, width = size
    count = int(dice.integers(2, 5))
    wide = width / count
    both = dice.random() < 0.45  # a bitewing shows the crowns of both jaws
    for upper in (True, False) if both else (bool(dice.random() < 0.5),):
        for n in range(count + 1):
            cx = wide * (n + dice.uniform(0.3, 0.7))
            cy = height * ((0.25 if upper else 0.75) if both else 0.5)
            tall = height * (0.3 if both else 0.42) * dice.uniform(0.85, 1.1)
            field = _rooted(dice, field, cy, cx, tall, wide * 0.4, upper)
    field = ndimage.gaussian_filter(field, dice.uniform(0.6, 1.4))
    field = field * dice.uniform(0.8, 1.25) + dice.normal(0, dice.uniform(0.01, 0.03), size)
    if dice.random() < 0.3:
        y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
        field = field * soft((np.abs(x) ** 6 + np.abs(y) ** 6) ** (1 / 6) / 0.97, 0.005)
    return grey(field)


def _rooted(
    dice: Dice, field: Floats, cy: float, cx: float, tall: float, half: float, upper: bool
) -> Floats:
    """One tooth: a bright crown, one to three roots that taper, the dark pulp, now and then a
    filling, a crown or a screw."""
    y, x = np.mgrid[: field.shape[0], : field.shape[1]].astype(float)
    along = (y - cy) / tall * (-1 if upper else 1)  # -1 at the crown's tip, 1 at the root's
    lean = dice.normal(0, 0.12)
    side = (x - cx - lean * (y - cy)) / half
    wide = np.interp(along, (-1.0, -0.85, -0.5, -0.2, 0.4, 1.0), (0.55, 0.9, 1.0, 0.8, 0.62, 0.15))
    there = soft(np.maximum(np.abs(side) / np.maximum(wide, 0.05), np.abs(along)), 0.05)
    if half > 9 and dice.random() < 0.6:  # roots part
        cleft = np.clip((along - 0.1) * 1.3, 0, 1)
        there = there * (
            1 - soft(np.abs(side) / np.maximum(cleft * 0.5, 0.01), 0.2) * (along > 0.1)
        )
    ligament = np.exp(-(((np.abs(side) / np.maximum(wide, 0.05) - 1.08) / 0.06) ** 2))
    field = field * (1 - 0.35 * ligament * (np.abs(along) < 1) * (along > -0.2))
    enamel = np.where(along < -0.25, 0.2 + 0.12 * np.clip(np.abs(side) / wide, 0, 1), 0.0)
    field = field * (1 - there) + there * (0.52 + enamel + 0.08 * smooth(dice, field.shape, 20))
    pulp = soft(np.abs(side) / np.interp(along, (-0.5, -0.2, 1.0), (0.3, 0.2, 0.05)), 0.2)
    field = field - 0.2 * pulp * there * (along > -0.45) * (along < 0.9)
    kind = dice.random()
    if kind < 0.22:
        spot = np.hypot((along + 0.8) / dice.uniform(0.12, 0.3), side / dice.uniform(0.4, 0.9))
        field = np.where((soft(spot, 0.1) * there) > 0.5, 0.98, field)
    elif kind < 0.3:
        field = np.where(there * (along < -0.3) > 0.5, 0.97, field)
    elif kind < 0.36:
        field = field + 0.4 * soft(np.abs(side) / 0.12, 0.2) * there * (along > -0.4)
    elif kind < 0.48:
        hole = np.hypot((along + 0.6) / 0.2, (np.abs(side) - 0.8) / 0.3)
        field = field - 0.3 * soft(hole, 0.2) * there
    found: Floats = field
    return found


def _panorama(dice: Dice) -> Pixels:
    height = int(dice.integers(170, 230))
    width = round(height * dice.uniform(1.7, 2.1))
    size = (height, width)
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    field = 0.12 + 0.22 * cloudy(dice, size, 80)
    curve = dice.uniform(0.12, 0.35)
    level = dice.uniform(-0.1, 0.1) - curve * x**2  # where the rows meet
    # The lower jaw: a broad band that climbs to the joints at both sides.
    low = level + 0.75 * (1 - 0.35 * x**2)
    body = soft(np.abs(y - (level + low) / 2 - 0.05) / (0.38 - 0.08 * np.abs(x)), 0.1) * (
        np.abs(x) < 0.78
    )
    branch = soft(np.abs(np.abs(x) - 0.7 - 0.06 * y) / 0.11, 0.15) * soft(
        np.abs(y + 0.15) / 0.62, 0.1
    )
    jaw = np.maximum(body, branch)
    field += jaw * (0.2 + 0.12 * cloudy(dice, size, 9, 3))
    edge = np.clip(jaw - ndimage.gaussian_filter(jaw, 3), 0, 1)
    field += dice.uniform(0.6, 1.4) * edge
    field += 0.16 * soft(np.abs(y - level + 0.35) / 0.3, 0.2) * (np.abs(x) < 0.55)
    for side in (-1, 1):  # sinuses
        sinus = np.hypot((x - side * 0.3) / 0.2, (y - level + 0.62) / 0.22)
        field -= 0.12 * soft(sinus, 0.15)
        field += 0.14 * np.exp(-(((sinus - 1) / 0.08) ** 2))
    field -= (
        0.16 * soft(np.abs(y - level + 0.02 + 0.7 * np.abs(x)) / 0.08, 0.3) * (np.abs(x) > 0.35)
    )
    field += dice.uniform(0.1, 0.3) * np.exp(-((x / dice.uniform(0.08, 0.16)) ** 2))  # the spine
    field += dice.uniform(0, 0.25) * soft(2 - np.abs(x) / 0.93, 0.05) * (0.5 + 0.5 * np.sin(y * 14))
    half = width * 0.021
    for upper in (True, False):
        for n in range(-8, 8):
            px = (n + 0.5) * dice.uniform(0.066, 0.07) * (1.0 if upper else 0.96)
            if dice.random() < 0.06:
                continue
            where = dice.uniform(-0.1, 0.1) * 0.2 - curve * px**2 + float(level[0, width // 2])
            cy = (where + (-0.25 if upper else 0.25) + 1) / 2 * height
            stout = half * (1.25 if abs(n + 0.5) > 4 else 0.85)
            tall = height * dice.uniform(0.11, 0.14)
            field = _rooted(dice, field, cy, (px + 1) / 2 * width, tall, stout, upper)
    field = ndimage.gaussian_filter(field, dice.uniform(0.5, 1.0))
    field = field * dice.uniform(0.9, 1.5) * (0.85 + 0.3 * smooth(dice, size, 90))
    field = field + dice.normal(0, 0.012, size)
    drawn = grey(field)
    if dice.random() < 0.3:
        drawn = np.pad(
            drawn, [(int(dice.integers(5, 30)),) * 2, (int(dice.integers(5, 40)),) * 2, (0, 0)]
        )
    return labelled(dice, drawn, most=1) if dice.random() < 0.5 else drawn
