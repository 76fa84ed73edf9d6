"""What a doctor's camera sees, drawn: skin, the eye, the inside of hollow organs."""

from __future__ import annotations

import math

import numpy as np

from simulated.fields import (
    JET,
    Colour,
    Dice,
    Floats,
    Path,
    Pixels,
    blob,
    cloudy,
    ellipse,
    grey,
    grid,
    labelled,
    mixed,
    ovals,
    painted,
    pixels,
    sized,
    smooth,
    soft,
    spots,
    strokes,
    tree,
    wander,
)  # fmt: skip

_SKINS: tuple[Colour, ...] = (
    (0.93, 0.76, 0.67), (0.87, 0.67, 0.55), (0.78, 0.57, 0.43), (0.6, 0.41, 0.3), (0.42, 0.28, 0.2),
    (0.9, 0.7, 0.66),
)  # fmt: skip


def _skin(dice: Dice, size: tuple[int, int]) -> Floats:
    tone = np.array(_SKINS[dice.integers(len(_SKINS))]) * dice.uniform(0.85, 1.1)
    shade = 0.75 + 0.35 * smooth(dice, size, 200) + 0.12 * (cloudy(dice, size, 14, 3) - 0.5)
    found: Floats = tone * shade[..., None]
    if dice.random() < 0.4:
        found *= (
            1
            - 0.5
            * strokes(size, wander(dice, size, int(dice.integers(4, 25)), 1, 0.1, 0.3), 0.6)[
                ..., None
            ]
        )
    return found + dice.normal(0, 0.012, size)[..., None]


def dermoscopy(dice: Dice) -> Pixels:
    """A pigmented lesion through a dermatoscope."""
    size = sized(dice)
    skin = _skin(dice, size) * np.array((1.05, 0.95, 0.95))
    mole = blob(
        dice,
        size,
        *dice.uniform(-0.15, 0.15, 2),
        *dice.uniform(0.25, 0.65, 2),
        rough=dice.uniform(0.3, 1.4),
    )
    tone = painted(
        cloudy(dice, size, 70),
        ((0.15, 0.08, 0.06), (0.4, 0.22, 0.14), (0.6, 0.38, 0.25), (0.45, 0.4, 0.45)),
    )
    net = 0.75 + 0.4 * (cloudy(dice, size, 9, 2))
    skin = mixed(skin, tone * net[..., None], 0.85 * soft(mole, dice.uniform(0.03, 0.2)))
    if dice.random() < 0.5:
        skin *= (
            1
            - 0.8
            * strokes(size, wander(dice, size, int(dice.integers(3, 20)), 2, 0.05, 0.8), 0.6)[
                ..., None
            ]
        )
    if dice.random() < 0.6:
        skin *= soft(ellipse(size, 0, 0, dice.uniform(1.0, 1.3), dice.uniform(1.0, 1.3)), 0.05)[
            ..., None
        ]
    return pixels(skin)


def fundus(dice: Dice) -> Pixels:
    """A retina in colour, without red, or with fluorescein."""
    side = int(dice.integers(260, 380))
    size = (side, round(side * dice.uniform(1.0, 1.4)))
    y, x = grid(size)
    stretch = size[1] / size[0]
    disc_x = dice.choice((-1, 1)) * dice.uniform(0.2, 0.5)
    px, py = (disc_x / stretch + 1) / 2 * size[1], dice.uniform(0.44, 0.56) * size[0]
    vessels = np.zeros(size)
    for heading in (0.7, 2.4, -0.7, -2.4, *dice.uniform(-3, 3, 3)):
        part = tree(
            dice, px, py, heading + dice.normal(0, 0.2), dice.uniform(2.5, 5), side * 0.35, 0.14
        )
        vessels = np.maximum(vessels, strokes(size, part, 0.8))
    far = np.hypot(y, x * stretch)
    shade = (0.7 + 0.4 * smooth(dice, size, 150)) * (1.1 - 0.35 * far**2)
    field = soft(far / dice.uniform(0.92, 1.05), 0.01)
    nerve = soft(
        np.hypot(y - py / size[0] * 2 + 1, (x - px / size[1] * 2 + 1) * stretch)
        / dice.uniform(0.11, 0.16),
        0.12,
    )
    macula = np.exp(-((np.hypot(y, x * stretch + disc_x * 0.6) / 0.14) ** 2))
    marks = ovals(size, spots(dice, size, int(dice.integers(0, 40)), 1, 4), 0.8)
    if dice.random() < 0.3:
        tone = shade * 0.3 + 0.6 * vessels * shade + 0.3 * nerve + 0.5 * marks - 0.2 * macula
        return grey(tone * field)
    base = np.array(
        dice.choice(
            (
                (0.85, 0.4, 0.15),
                (0.7, 0.28, 0.12),
                (0.9, 0.5, 0.3),
                (0.75, 0.25, 0.18),
                (0.3, 0.65, 0.3),
            )
        )
    )
    picture = base * shade[..., None]
    picture = mixed(picture, base * 1.1 + (0.15, 0.4, 0.25), nerve)
    picture = mixed(picture, base * (0.55, 0.35, 0.4), 0.75 * vessels)
    picture = mixed(picture, base * 0.45, 0.5 * macula)
    picture = mixed(
        picture, (0.95, 0.85, 0.4) if dice.random() < 0.5 else (0.4, 0.05, 0.03), 0.7 * marks
    )
    return pixels(picture * field[..., None])


def topography(dice: Dice) -> Pixels:
    """A map of a cornea in false colours."""
    size = sized(dice, 240, 360, 0.2)
    y, x = grid(size)
    turn = dice.uniform(0, math.pi)
    bow = (
        0.5
        + 0.35 * (1 - np.hypot(x, y)) * np.cos(2 * (np.arctan2(y, x) - turn))
        + 0.3 * (smooth(dice, size, 120) - 0.5)
    )
    levels = np.floor(np.clip(bow, 0, 1) * 16) / 16
    picture = painted(levels, JET)
    ground = dice.choice((0.0, 1.0))
    round_ = soft(blob(dice, size, 0, -0.1, 0.8, 0.75, rough=0.1), 0.01)
    picture = mixed(np.full((*size, 3), ground), picture, round_)
    bar = (x > 0.88) & (np.abs(y) < 0.8)
    picture = np.where(
        bar[..., None], painted(np.floor((1 - (y + 0.8) / 1.6) * 16) / 16, JET), picture
    )
    return labelled(dice, pixels(picture), 60 if ground else 220)


def endoscopy(dice: Dice) -> Pixels:
    """A tube of wet mucosa, lit from the camera."""
    size = sized(dice, 260, 380, 0.2)
    y, x = grid(size)
    cy, cx = dice.uniform(-0.5, 0.5, 2)
    far = np.hypot(y - cy, x - cx)
    angle = np.arctan2(y - cy, x - cx)
    rings = np.sin(
        np.log(far + 0.08) * dice.uniform(4, 10)
        + 2.5 * smooth(dice, size, 110)
        + 0.4 * np.sin(3 * angle)
    )
    light = (
        np.clip(far / dice.uniform(0.5, 1.1), 0.05, 1)
        * (0.75 + 0.2 * rings)
        * (0.8 + 0.3 * cloudy(dice, size, 60))
    )
    base = np.array(
        dice.choice(
            (
                (0.85, 0.45, 0.35),
                (0.9, 0.55, 0.45),
                (0.8, 0.35, 0.3),
                (0.85, 0.6, 0.4),
                (0.75, 0.5, 0.3),
            )
        )
    )
    picture = base * light[..., None] + 0.06 * (cloudy(dice, size, 8, 2) - 0.5)[..., None]
    paths: list[Path] = []
    for _ in range(4):
        px, py = dice.uniform(0, 1, 2) * size[::-1]
        paths += tree(dice, px, py, dice.uniform(0, 6), 2, 60)
    vessels = strokes(size, paths, 1)
    picture = mixed(picture, base * (0.6, 0.25, 0.25), 0.4 * vessels)
    for _ in range(dice.integers(0, 3)):
        polyp = blob(dice, size, *dice.uniform(-0.6, 0.6, 2), *dice.uniform(0.1, 0.3, 2), rough=0.2)
        ball = np.sqrt(np.clip(1 - polyp**2, 0, 1))
        picture = mixed(
            picture, base * (1.05, 0.85, 0.85) * (0.5 + 0.6 * ball[..., None]), soft(polyp, 0.05)
        )
    wet = ovals(size, spots(dice, size, int(dice.integers(5, 60)), 1, 5, long=0.6), 0.7)
    picture = mixed(picture, (1, 1, 1), 0.9 * wet * (light > 0.35))
    kind = dice.random()
    if kind < 0.35:
        picture *= soft(ellipse(size, 0, 0, 0.98, 0.98), 0.01)[..., None]
    elif kind < 0.7:
        cut = np.maximum(
            np.maximum(np.abs(x), np.abs(y)) / 0.95,
            (np.abs(x) + np.abs(y)) / dice.uniform(1.4, 1.7),
        )
        picture *= soft(cut, 0.01)[..., None]
    return labelled(dice, pixels(picture)) if dice.random() < 0.3 else pixels(picture)
