"""Ultrasound, drawn: breast, neck, belly, womb and heart before a probe, on a device's screen."""

from __future__ import annotations

import math

import numpy as np

from simulated.beams import SILENT, Body, fanned, flat, heard, layer, rim, scanned
from simulated.device_screens import Marks, coloured, on_screen
from simulated.fields import (
    Dice,
    Floats,
    Pixels,
    cells_of,
    cloudy,
    sized,
    smooth,
    soft,
)


def linear_ultrasound(dice: Dice) -> Pixels:
    """A breast under a flat probe: skin, lobules of fat, gland, muscle, ribs; masses and cysts."""
    body = flat(dice, _beam_size(dice))
    y = body.y
    wavy = 0.12 * (smooth(dice, body.size, 130) - 0.5)
    fat, gland = dice.uniform(0.05, 0.3), dice.uniform(0.4, 0.75)
    if dice.random() < 0.2:
        gland = fat + 0.02
    cells, edge = _lobules(dice, body, int(dice.integers(20, 90)), dice.uniform(1.5, 3))
    lobule = -29 - dice.uniform(2, 10) * cells
    body.echo = lobule + dice.uniform(10, 30) * np.exp(-edge / dice.uniform(1, 2.2)) * (
        smooth(dice, body.size, 30)
    )
    inside = layer(y + wavy, fat, gland, 0.02)
    body.fill(inside, dice.uniform(-20, -13) - dice.uniform(4, 16) * cloudy(dice, body.size, 35))
    for thick in (1.3, 2.2, 3.4):
        count = int(dice.integers(6, 70) / thick)
        body.strands(dice, inside + 0.25, count, dice.uniform(-9, 0), thick)
    muscle = layer(y + 0.5 * wavy, gland + dice.uniform(0.02, 0.12), 2)
    if dice.random() < 0.7:
        body.fill(muscle, -31 + 5 * smooth(dice, body.size, 60))
        body.strands(dice, muscle, int(dice.integers(15, 70)), dice.uniform(-12, -3), 2.0)
        line = rim(1 + (y + 0.5 * wavy - gland - 0.02), 0.008)
        body.shine(line * smooth(dice, body.size, 60), dice.uniform(-8, -1))
    _skin_line(dice, body)
    places = _masses(dice, body, int(dice.integers(0, 3)))
    _weak_contact(dice, body)
    if dice.random() < 0.1:
        _ribs(dice, body, dice.uniform(0.7, 0.9))
    return on_screen(dice, _rectangle(dice, body), places)


def neck_ultrasound(dice: Dice) -> Pixels:
    """Thyroid, carotid artery, tendon or lung under a flat probe."""
    body = flat(dice, _beam_size(dice))
    y, x = body.y, body.x
    wavy = 0.06 * (smooth(dice, body.size, 100) - 0.5)
    body.echo = -28 - 6 * cloudy(dice, body.size, 50)
    kind = dice.random()
    flow = np.zeros(body.size)
    places: Marks = []
    strap = layer(y + wavy, 0.06, dice.uniform(0.15, 0.3))
    body.fill(strap, dice.uniform(-38, -30))
    body.strands(dice, strap + 0.2, int(dice.integers(30, 110)), dice.uniform(-10, -3), 1.8)
    if kind < 0.45:
        for side in (-1, 1) if dice.random() < 0.5 else (dice.choice((-1, 1)),):
            wide = dice.uniform(0.2, 0.4)
            cx = side * (wide + dice.uniform(-0.1, 0.08))
            lobe = body.near(dice, dice.uniform(0.35, 0.5), cx, dice.uniform(0.15, 0.28), wide)
            body.fill(soft(lobe, 0.03), dice.uniform(-20, -14) - 5 * cloudy(dice, body.size, 20))
            body.wall(dice, lobe, 0.03, -9)
            vessel = body.near(dice, 0.45, cx + side * (wide + 0.09), 0.08, 0.09, 0.05)
            body.fill(soft(vessel, 0.06), SILENT)
            body.wall(dice, vessel, 0.1, -14)
            flow = np.maximum(flow, soft(vessel, 0.1))
        places = _masses(dice, body, int(dice.integers(0, 3)))
        if dice.random() < 0.6:
            pipe = body.near(dice, 0.62, 0, 0.3, 0.2, 0.05)
            body.fill(soft(pipe, 0.03), SILENT)
            body.shine(rim(pipe, 0.05) * (y < 0.5), -2)
            body.shade(soft(pipe, 0.05), 12)
    elif kind < 0.7:
        slope, deep = dice.uniform(-0.25, 0.25), dice.uniform(0.35, 0.6)
        wall = np.abs(y + wavy - deep - slope * x) / dice.uniform(0.06, 0.15)
        body.fill(soft(wall, 0.05), SILENT)
        body.wall(dice, wall, 0.1, dice.uniform(-8, -2))
        if dice.random() < 0.4:
            plaque = body.near(dice, deep + 0.08, dice.uniform(-0.3, 0.3), 0.04, 0.13)
            body.fill(soft(plaque, 0.1), -12)
            body.shade(soft(plaque, 0.1), dice.uniform(0, 18))
        flow = soft(wall, 0.05)
    elif kind < 0.85:
        cord = layer(y + wavy, 0.25, dice.uniform(0.4, 0.6))
        body.fill(cord, -20)
        body.strands(dice, cord, 220, -3, 1.0)
        if dice.random() < 0.6:
            _ribs(dice, body, dice.uniform(0.55, 0.8))
    else:
        # Lung: all sound comes back from the pleura, and again, at twice and thrice the depth.
        top = dice.uniform(0.2, 0.4)
        air = layer(y + wavy, top, 2)
        body.fill(air, -38 - 8 * cloudy(dice, body.size, 60))
        for n in range(1, 5):
            echo = rim(1 + (y + wavy * n - top * n), 0.01 * n)
            body.shine(echo * (0.6 + 0.4 * smooth(dice, body.size, 40)), -3 - 8.0 * n)
        if dice.random() < 0.5:
            comet = np.clip(smooth(dice, (2, body.size[1]), 20)[0] - 0.6, 0, 1)[None] * 2.5
            body.fill(np.clip(air * comet, 0, 1), -14)
        for cx in (-0.35, 0.4) if dice.random() < 0.6 else ():
            bone = body.near(dice, top - 0.06, cx, 0.06, 0.13, 0.05)
            body.shine(rim(bone, 0.15) * (y < top - 0.06), -3)
            body.shade(soft(bone, 0.1), 35)
    _skin_line(dice, body)
    _weak_contact(dice, body)
    return on_screen(dice, _rectangle(dice, body, flow if dice.random() < 0.35 else None), places)


def sector_ultrasound(dice: Dice) -> Pixels:
    """A belly under a curved probe: liver with vessels, diaphragm, kidney, gall bladder, stones."""
    half, inner = dice.uniform(0.45, 0.65), dice.uniform(0.15, 0.45)
    body = fanned(dice, _beam_size(dice), half, inner)
    y = body.y
    _abdominal_wall(dice, body, dice.uniform(0.06, 0.16))
    grain = dice.uniform(15, 60)
    body.fill(layer(y, 0.1, 2, 0.02), -19 - dice.uniform(2, 8) * cloudy(dice, body.size, grain))
    flow = np.zeros(body.size)
    for _ in range(int(dice.integers(2, 12))):
        r = dice.uniform(0.008, 0.04)
        long = r * dice.uniform(1, 6)
        vy, vx = dice.uniform(0.15, 0.8), dice.uniform(-0.35, 0.35)
        vessel = body.near(dice, vy, vx, r, long, 0.2)
        body.fill(soft(vessel, 0.1), SILENT)
        if dice.random() < 0.4:
            body.wall(dice, vessel, 0.25, -10)
        flow = np.maximum(flow, soft(vessel, 0.1))
    places = []
    if dice.random() < 0.45:
        arc = np.hypot(body.x - dice.uniform(-0.2, 0.2), y - dice.uniform(0.1, 0.3)) / (
            dice.uniform(0.5, 0.7)
        )
        behind = soft(2 - arc, 0.01)
        body.fill(behind * (y > 0.4), -34 - 10 * cloudy(dice, body.size, 40))
        body.wall(dice, np.where(y > 0.4, arc, 9), 0.02, 0)
    if dice.random() < 0.5:
        cy, cx = dice.uniform(0.35, 0.65), dice.uniform(-0.25, 0.25)
        tall = dice.uniform(0.11, 0.18)
        kidney = body.near(dice, cy, cx, tall, tall * dice.uniform(1.6, 2.2), 0.12)
        body.fill(soft(kidney, 0.04), -29 - 5 * cloudy(dice, body.size, 15))
        core = kidney / dice.uniform(0.4, 0.6) + 0.8 * (cloudy(dice, body.size, 14) - 0.5)
        body.fill(soft(core, 0.15), dice.uniform(-14, -8))
        body.wall(dice, kidney, 0.04, -12)
        places.append((cy, cx, tall, tall * 2))
    elif dice.random() < 0.7:
        cy, cx, r = dice.uniform(0.25, 0.5), dice.uniform(-0.2, 0.2), dice.uniform(0.05, 0.13)
        sac = body.near(dice, cy, cx, r, r * dice.uniform(1.2, 3), 0.15)
        body.fill(soft(sac, 0.04), SILENT)
        body.wall(dice, sac, 0.08, -12)
        body.shade(soft(sac, 0.05), -7)
        if dice.random() < 0.5:
            stone = body.near(dice, cy + r * 0.6, cx, 0.025, 0.035, 0.1)
            body.fill(soft(stone, 0.15), -1)
            body.shade(soft(stone, 0.2), 28)
        places.append((cy, cx, r, r * 2))
    for _ in range(int(dice.integers(0, 4))):
        gas = body.near(dice, dice.uniform(0.2, 0.6), dice.uniform(-0.4, 0.4), 0.02, 0.07, 0.5)
        body.fill(soft(gas, 0.2), -2)
        body.shade(soft(gas, 0.2), dice.uniform(8, 30))
    _weak_contact(dice, body)
    return on_screen(dice, _sector(dice, body, half, inner, flow), places)


def womb_ultrasound(dice: Dice) -> Pixels:
    """A child in its fluid: a head in profile or in section, a trunk, limbs, the placenta."""
    half, inner = dice.uniform(0.5, 0.75), dice.uniform(0.1, 0.4)
    body = fanned(dice, _beam_size(dice), half, inner)
    _abdominal_wall(dice, body, dice.uniform(0.05, 0.14))
    body.fill(layer(body.y, 0.12, 2, 0.02), -22 - 8 * cloudy(dice, body.size, 40))
    cy, cx = dice.uniform(0.45, 0.58), dice.uniform(-0.1, 0.1)
    fluid = body.near(dice, cy, cx, dice.uniform(0.28, 0.4), dice.uniform(0.4, 0.6), 0.4)
    body.fill(soft(fluid, 0.04), dice.uniform(-56, -40) - 10 * smooth(dice, body.size, 60))
    body.shade(soft(fluid, 0.05), -4)
    r = dice.uniform(0.14, 0.27)
    kind = dice.random()
    if kind < 0.75:
        hy, hx = cy + dice.uniform(-0.06, 0.06), cx + dice.uniform(-0.15, 0.15)
        head = body.near(dice, hy, hx, r, r * dice.uniform(1.0, 1.35), 0.04)
        body.fill(soft(head, 0.02), -33 - 7 * cloudy(dice, body.size, 25))
        # Bone echoes best where the beam meets it squarely, at the top and the bottom.
        square = 0.35 + 0.65 * np.abs(body.y - hy) / np.maximum(
            np.hypot(body.y - hy, body.x - hx), 0.01
        )
        body.shine(rim(head, dice.uniform(0.04, 0.08)) * square, -1)
        body.shade(soft(head, 0.02), dice.uniform(0, 9))
        middle = np.exp(-(((body.y - hy) / 0.008) ** 2)) * soft(head / 0.85, 0.03)
        body.shine(middle * dice.choice((0.0, 0.9)), -8)
        for side in (-1.0, 1.0):
            hollow = body.near(dice, hy + side * r * 0.35, hx, r * 0.14, r * 0.4, 0.2)
            body.fill(soft(hollow, 0.1), -50)
        places = [(hy, hx, r, r * 1.2)]
    else:
        places = []
    if kind > 0.45:
        side = float(dice.choice((-1, 1)))
        ty, tx = cy + dice.uniform(-0.02, 0.1), cx + side * r * dice.uniform(0.9, 1.7)
        trunk = body.near(dice, ty, tx, r * 0.8, r * 1.4, 0.15)
        body.fill(soft(trunk, 0.04), -21 - 9 * cloudy(dice, body.size, 15))
        body.wall(dice, trunk, 0.06, -6)
        along = (body.x - tx) / (r * dice.uniform(0.06, 0.1))
        spine = np.exp(-(((body.y - ty - r * 0.45) / 0.012) ** 2)) * soft(trunk / 0.9, 0.05)
        body.shine(spine * (0.5 + 0.5 * np.sin(along)), -2)
        body.shade(spine, 9)
        belly = body.near(dice, ty, tx - side * r * 0.4, r * 0.2, r * 0.2)
        body.fill(soft(belly, 0.1), -50)
    for _ in range(int(dice.integers(0, 5))):
        limb = body.near(
            dice, cy + dice.uniform(-0.2, 0.2), cx + dice.uniform(-0.35, 0.35), 0.022, 0.08, 0.2
        )
        body.fill(soft(limb, 0.15), dice.uniform(-18, -6))
        body.shade(soft(limb, 0.2), dice.uniform(0, 10))
    _weak_contact(dice, body)
    return on_screen(dice, _sector(dice, body, half, inner, None), places)


def heart_ultrasound(dice: Dice) -> Pixels:
    """A heart from a phased probe: dark chambers, grey walls, bright valves."""
    half, inner = dice.uniform(0.55, 0.8), dice.uniform(0.0, 0.04)
    body = fanned(dice, _beam_size(dice), half, inner)
    body.echo = -26 - 16 * cloudy(dice, body.size, 60)
    cy, cx, r = dice.uniform(0.42, 0.55), dice.uniform(-0.06, 0.06), dice.uniform(0.26, 0.36)
    muscle = body.near(dice, cy, cx, r * 1.2, r, 0.25)
    body.fill(soft(muscle, 0.05), -17 - 7 * cloudy(dice, body.size, 14))
    body.wall(dice, muscle, 0.06, -5)
    flow = np.zeros(body.size)
    apart, level = r * dice.uniform(0.36, 0.5), cy + r * dice.uniform(0.1, 0.35)
    kind = dice.random()
    chambers = [
        (level - r * 0.55, cx - apart, r * 0.55, r * 0.34),
        (level - r * 0.5, cx + apart, r * 0.45, r * 0.3),
        (level + r * 0.42, cx - apart, r * 0.34, r * 0.36),
        (level + r * 0.42, cx + apart, r * 0.34, r * 0.36),
    ]
    if kind < 0.3:  # across the heart: one round chamber and a crescent
        chambers = [(cy, cx, r * 0.55, r * 0.55), (cy - r * 0.6, cx - r * 0.5, r * 0.2, r * 0.4)]
    elif kind < 0.55:  # along it
        chambers = [
            (cy, cx - r * 0.3, r * 0.3, r * 0.6),
            (cy + r * 0.5, cx + r * 0.5, r * 0.3, r * 0.4),
            (cy - r * 0.2, cx + r * 0.6, r * 0.15, r * 0.45),
        ]
    for place in chambers:
        hollow = body.near(dice, *place, rough=0.5)
        blood = dice.uniform(-56, -38) + 8 * smooth(dice, body.size, 40)
        body.fill(soft(hollow, dice.uniform(0.06, 0.16)), blood)
        body.wall(dice, hollow, 0.06, dice.uniform(-16, -8))
        flow = np.maximum(flow, soft(hollow, 0.1))
    for side in (-1, 1):
        for lean in (-1, 1):
            slope = lean * dice.uniform(0.2, 0.9)
            off = body.x - cx - side * apart
            leaf = body.y - level - slope * off * side - dice.uniform(-4, 4) * off**2
            leaf = leaf + 0.03 * (smooth(dice, body.size, 30) - 0.5)
            there = soft(np.abs(off - lean * r * 0.15) / (r * 0.16), 0.3)
            body.shine(np.exp(-((leaf / 0.008) ** 2)) * there, dice.uniform(-12, -3))
    sac = body.near(dice, cy + r * 0.9, cx, r * 0.25, r * 1.2, 0.2)
    body.wall(dice, np.where(body.y > cy + r * 0.7, sac, 9), 0.08, -2)
    body.shine(layer(body.y, 0, 0.03), -6)
    _weak_contact(dice, body)
    if dice.random() < 0.4:
        body.lost += 25 * np.clip(smooth(dice, (2, body.size[1]), 40)[0] - 0.55, 0, 1)[None]
    return on_screen(dice, _sector(dice, body, half, inner, flow), [])


def _beam_size(dice: Dice) -> tuple[int, int]:
    return sized(dice, 230, 330, 0.45)


def _lobules(dice: Dice, body: Body, count: int, flatness: float) -> tuple[Floats, Floats]:
    """Lobules of fat: a number from 0 to 1 for each, and how far the septum is, in pixels."""
    tall = max(8, round(body.size[0] * flatness))
    half = (tall // 2 + 1, body.size[1] // 2 + 1)
    which, edge = cells_of(dice, half, count)
    # Squeezed to the height of the picture, and bent so that no septum is straight.
    bend = 14 * (smooth(dice, body.size, 45) - 0.5)
    rows = np.arange(body.size[0])[:, None] * flatness + bend
    rows = np.clip(rows / 2, 0, half[0] - 1).astype(int)
    columns = np.clip((np.arange(body.size[1])[None] + bend) / 2, 0, half[1] - 1).astype(int)
    return dice.random(which.max() + 1)[which[rows, columns]], 2 * edge[rows, columns] / flatness


def _skin_line(dice: Dice, body: Body) -> None:
    wavy = 0.02 * (smooth(dice, body.size, 120) - 0.5)
    thick = dice.uniform(0.015, 0.05)
    body.fill(layer(body.y + wavy, 0.0, thick, 0.004), dice.uniform(-22, -13))
    for deep in (0.004, thick):
        body.shine(rim(1 + (body.y + wavy - deep), 0.006), dice.uniform(-12, -2))


def _abdominal_wall(dice: Dice, body: Body, deep: float) -> None:
    for n in range(int(dice.integers(2, 6))):
        at = deep * (n + 1) / 4
        body.echo = np.where(body.y > at, dice.uniform(-30, -18), body.echo)
        body.shine(rim(1 + (body.y - at), 0.006) * smooth(dice, body.size, 60), -5)
    body.strands(dice, layer(body.y, 0, deep), int(dice.integers(10, 60)), -8, 1.2)


def _weak_contact(dice: Dice, body: Body) -> None:
    """The edge of the probe off the skin, or dropped beams."""
    if dice.random() < 0.15:
        edge = 0.5 - np.abs(np.linspace(-0.5, 0.5, body.size[1]))
        body.lost += 30 * np.exp(-((edge / dice.uniform(0.04, 0.12)) ** 2))[None]
    streaks = smooth(dice, (2, body.size[1]), dice.uniform(8, 40))[0]
    body.lost += dice.uniform(0, 14) * np.clip(streaks - 0.4, 0, 1)[None] * np.sqrt(body.y.clip(0))


def _ribs(dice: Dice, body: Body, deep: float) -> None:
    for cx in np.arange(-0.6, 0.7, dice.uniform(0.4, 0.9)) + dice.uniform(-0.2, 0.2):
        bone = body.near(dice, deep + 0.1, cx, 0.1, dice.uniform(0.12, 0.2), 0.08)
        body.fill(soft(bone, 0.08), -42)
        body.shine(rim(bone, 0.08) * (body.y < deep + 0.1), -2)
        body.shade(soft(bone, 0.08), dice.uniform(10, 30))


def _masses(dice: Dice, body: Body, count: int) -> Marks:
    """Cysts (silent, brighter behind), smooth lumps, and jagged ones that swallow the sound."""
    places = []
    for _ in range(count):
        cy, cx = dice.uniform(0.2, 0.6), dice.uniform(-0.35, 0.35)
        ry = dice.uniform(0.05, 0.2)
        rx = ry * dice.uniform(0.8, 2)
        kind = dice.random()
        ring = body.near(dice, cy, cx, ry, rx, 0.12 if kind < 0.6 else dice.uniform(0.5, 1.4))
        edge = dice.uniform(0.03, 0.08) if kind < 0.6 else dice.uniform(0.06, 0.2)
        loud = SILENT if kind < 0.3 else dice.uniform(-42, -31) + 5 * smooth(dice, body.size, 14)
        body.fill(soft(ring, edge), loud)
        if kind < 0.6:
            body.wall(dice, ring, 0.06, dice.uniform(-14, -7))
            body.shade(soft(ring, 0.08), dice.uniform(-9, -2))
        else:
            body.fill(0.6 * rim(ring, 0.3), dice.uniform(-17, -12))
            body.shade(soft(ring / 0.9, 0.1), dice.uniform(5, 30))
        places.append((cy, cx, ry, rx))
    return places


def _rectangle(dice: Dice, body: Body, flow: Floats | None = None) -> Floats:
    body.grained(dice, dice.uniform(4, 16))
    picture = np.repeat(heard(dice, body)[..., None], 3, axis=-1)
    return picture if flow is None else coloured(dice, picture, flow)


def _sector(dice: Dice, body: Body, half: float, inner: float, flow: Floats | None) -> Floats:
    body.grained(dice, dice.uniform(4, 16))
    picture = np.repeat(heard(dice, body)[..., None], 3, axis=-1)
    if flow is not None and dice.random() < 0.3:
        picture = coloured(dice, picture, flow)
    tall = int(dice.integers(240, 340))
    wide = round(tall * min(1.6, 2 * math.sin(half) + dice.uniform(-0.25, 0.25)))
    fan = scanned(picture, half, inner, tall, wide)
    if dice.random() < 0.25:  # cut out of the sector, as many collections do
        top, left = round(tall * 0.2), round(wide * dice.uniform(0.2, 0.3))
        return fan[top : round(tall * 0.9), left : wide - left]
    return fan
