"""Surfaces and things that look like tissue, cells or vessels, drawn."""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage

from simulated.fields import (
    Dice,
    Floats,
    Pixels,
    blob,
    cloudy,
    grid,
    mixed,
    ovals,
    painted,
    pixels,
    sized,
    smooth,
    soft,
    spots,
    stretched,
    strokes,
    tree,
)

_WOODS = ((0.35, 0.2, 0.1), (0.6, 0.4, 0.22), (0.85, 0.68, 0.45))


def wood(dice: Dice) -> Pixels:
    """Grain of wood, or the rings of a cut trunk."""
    size = sized(dice)
    y, x = grid(size)
    if dice.random() < 0.7:
        at = (
            x * dice.uniform(4, 14)
            + dice.uniform(0.5, 3) * smooth(dice, size, 120)
            + 0.1 * smooth(dice, size, 10)
        )
        fine = ndimage.gaussian_filter(dice.standard_normal(size), (12, 0.6))
    else:
        at = np.hypot(x - dice.uniform(-1, 1), y - dice.uniform(-1, 1)) * dice.uniform(
            8, 22
        ) + smooth(dice, size, 100)
        fine = dice.standard_normal(size) * 0.1
    rings = (at % 1) ** dice.uniform(0.6, 2)
    picture = painted(np.clip(0.75 * rings + 0.25 * stretched(fine), 0, 1), _WOODS) * dice.uniform(
        0.6, 1.15, 3
    )
    return pixels(picture if dice.random() < 0.5 else np.rot90(picture))


def stone(dice: Dice) -> Pixels:
    """Marble, granite, rust, soil."""
    size = sized(dice)
    tones = tuple(
        tuple(dice.uniform(0.1, 1) * (np.ones(3) + dice.normal(0, 0.12, 3))) for _ in range(4)
    )
    if dice.random() < 0.5:
        field = np.abs(np.sin(6 * cloudy(dice, size, 150, 6) * dice.uniform(1, 3)))
    else:
        field = 0.5 * cloudy(dice, size, 12, 3) + 0.5 * cloudy(dice, size, 90)
    return pixels(painted(stretched(field), tones) + dice.normal(0, 0.02, size)[..., None])


def fabric(dice: Dice) -> Pixels:
    """Woven, knitted or printed cloth; carpet; mesh."""
    size = sized(dice)
    y, x = np.mgrid[: size[0], : size[1]].astype(float)
    step = dice.uniform(4, 22)
    turn = dice.uniform(0, 1.6)
    u, v = x * math.cos(turn) + y * math.sin(turn), -x * math.sin(turn) + y * math.cos(turn)
    weave = (
        np.sin(u / step * 6.28) * np.sin(v / step * 6.28)
        if dice.random() < 0.5
        else np.sin((u + step * 0.4 * np.abs(np.sin(v / step * 3.14))) / step * 6.28)
    )
    tone, other = dice.uniform(0.1, 0.95, (2, 3))
    share = stretched(weave + 0.5 * cloudy(dice, size, 5, 2))
    if dice.random() < 0.3:
        share = 0.3 * share + 0.7 * (((u // (step * 5)) % 2) != ((v // (step * 5)) % 2))
    shade = 0.7 + 0.4 * smooth(dice, size, 120)
    return pixels((share[..., None] * tone + (1 - share[..., None]) * other) * shade[..., None])


def droplets(dice: Dice) -> Pixels:
    """Bubbles, foam, beads, seeds, marbles, coins."""
    size = sized(dice)
    ground = dice.uniform(0, 1, 3)
    picture = ground * (0.7 + 0.5 * smooth(dice, size, 150))[..., None]
    yy, xx = np.mgrid[: size[0], : size[1]].astype(float)
    r = dice.uniform(8, 40)
    hollow = dice.random() < 0.4
    few = [dice.uniform(0.1, 1, 3) for _ in range(int(dice.integers(1, 5)))]
    for cy, cx, ry, rx, _ in spots(
        dice,
        size,
        int(dice.integers(10, 150)),
        r * 0.5,
        r,
        dice.uniform(0.6, 1),
        dice.uniform(0, 0.4),
    ):
        off = np.hypot((yy - cy) / ry, (xx - cx) / rx)
        ball = np.sqrt(np.clip(1 - off**2, 0, 1))
        tone = few[dice.integers(len(few))]
        if hollow:
            picture = mixed(picture, (1, 1, 1), 0.6 * np.exp(-(((off - 0.95) / 0.06) ** 2)))
        else:
            picture = mixed(picture, tone * (0.4 + 0.6 * ball[..., None]), soft(off, 0.05))
        shine = np.exp(
            -(((yy - cy + ry * 0.35) / ry * 5) ** 2 + ((xx - cx + rx * 0.35) / rx * 5) ** 2)
        )
        picture = mixed(picture, (1, 1, 1), 0.8 * shine)
    return pixels(picture)


def leaf(dice: Dice) -> Pixels:
    """Veins of a leaf, or bare branches before the sky."""
    size = sized(dice)
    height, width = size
    if dice.random() < 0.5:
        middle = [(width / 2 + 8 * math.sin(n / 9), height * n / 40, 5.0) for n in range(41)]
        veins = [middle]
        for n in range(4, 40, int(dice.integers(3, 6))):
            for side in (-1, 1):
                x, y, heading = (
                    middle[n][0],
                    middle[n][1],
                    math.pi / 2 - side * dice.uniform(0.7, 1.2),
                )
                veins += tree(dice, x, y, heading, 2.6, width * 0.45, 0.05)[:6]
        cover = strokes(size, veins, 0.8)
        tone = np.array(
            dice.choice(((0.2, 0.5, 0.15), (0.5, 0.65, 0.2), (0.75, 0.35, 0.15), (0.6, 0.15, 0.15)))
        )
        picture = tone * (0.7 + 0.4 * cloudy(dice, size, 20))[..., None]
        picture = mixed(picture, tone * 0.5 + 0.45, 0.7 * cover)
        if dice.random() < 0.55:
            picture = _blighted(dice, picture)
        if dice.random() < 0.45:  # the whole leaf
            turn = math.pi / 2 + dice.normal(0, 0.05)
            shape = blob(dice, size, 0, 0, 0.95, dice.uniform(0.4, 0.75), rough=0.15)
            down, across = grid(size)
            pointed = np.maximum(0.75 * (1 - np.abs(down)) ** 0.7, 0.01)
            shape = np.maximum(shape, np.abs(across) / pointed)
            ground = np.full((*size, 3), dice.uniform(0, 1)) * dice.uniform(0.8, 1, 3)
            picture = mixed(ground, picture, soft(shape, 0.02))
            picture = ndimage.rotate(picture, math.degrees(turn) * 2, reshape=False, mode="nearest")
        return pixels(picture)
    sky = np.array(
        dice.choice(((0.6, 0.75, 0.95), (0.9, 0.9, 0.92), (0.95, 0.6, 0.35), (0.15, 0.15, 0.35)))
    )
    picture = sky * (0.8 + 0.25 * cloudy(dice, size, 150))[..., None]
    for _ in range(dice.integers(1, 4)):
        trunk = tree(
            dice,
            dice.uniform(0, width),
            height,
            -math.pi / 2 + dice.normal(0, 0.2),
            dice.uniform(5, 12),
            dice.uniform(60, 140),
            0.08,
        )
        picture = mixed(picture, (0.08, 0.06, 0.05), strokes(size, trunk, 0.5))
    return pixels(picture)


def _blighted(dice: Dice, picture: Floats) -> Floats:
    """Spots of a fungus (dead and brown in a yellow court), mildew, or holes that were eaten."""
    size = picture.shape[0], picture.shape[1]
    r = dice.uniform(2, 16)
    places = spots(dice, size, int(dice.integers(5, 70)), r * 0.4, r, 0.3, 0.3)
    kind = dice.random()
    if kind < 0.7:
        court = [(y, x, ry * 1.6, rx * 1.6, t) for y, x, ry, rx, t in places]
        picture = mixed(picture, (0.8, 0.75, 0.2), 0.7 * ovals(size, court, r / 3))
        brown = painted(cloudy(dice, size, 8, 2), ((0.2, 0.1, 0.05), (0.55, 0.35, 0.2)))
        return mixed(picture, brown, 0.9 * ovals(size, places, max(0.8, r / 6)))
    if kind < 0.9:
        dust = ovals(size, places, r) * cloudy(dice, size, 6, 2)
        return mixed(picture, (0.92, 0.93, 0.9), dust)
    return mixed(picture, (0.9, 0.9, 0.88), ovals(size, places, 0.7))


def cut_fruit(dice: Dice) -> Pixels:
    """A slice of fruit, a pizza, a flower head: discs with rays and seeds."""
    size = sized(dice, 240, 360, 0.2)
    y, x = grid(size)
    ground = (
        np.full((*size, 3), 1.0)
        * dice.uniform(0.1, 1, 3)
        * (0.8 + 0.2 * smooth(dice, size, 80))[..., None]
    )
    off = blob(dice, size, 0, 0, dice.uniform(0.6, 0.85), dice.uniform(0.6, 0.85), rough=0.1)
    angle = np.arctan2(y, x)
    rays = 0.5 + 0.5 * np.cos(angle * int(dice.integers(6, 14)) + 0.5 * smooth(dice, size, 60))
    flesh = np.array(
        dice.choice(
            (
                (0.95, 0.6, 0.15),
                (0.6, 0.8, 0.25),
                (0.85, 0.2, 0.2),
                (0.95, 0.85, 0.5),
                (0.9, 0.5, 0.55),
            )
        )
    )
    picture = mixed(ground, flesh * 0.7 + 0.1, soft(off, 0.02))
    picture = mixed(picture, flesh * (0.75 + 0.35 * rays[..., None]) + 0.1, soft(off / 0.88, 0.03))
    seeds = [
        (
            size[0] / 2 + size[0] * 0.25 * math.sin(a),
            size[1] / 2 + size[1] * 0.25 * math.cos(a),
            3,
            6,
            math.degrees(a),
        )
        for a in dice.uniform(0, 6.28, int(dice.integers(0, 30)))
    ]
    return pixels(mixed(picture, (0.2, 0.12, 0.05), ovals(size, seeds, 0.8)))


def tunnel(dice: Dice) -> Pixels:
    """A corridor, a pipe or a road tunnel in perspective."""
    size = sized(dice)
    y, x = grid(size)
    cy, cx = dice.uniform(-0.2, 0.2, 2)
    square = dice.random() < 0.5
    far = np.maximum(np.abs(y - cy), np.abs(x - cx)) if square else np.hypot(y - cy, x - cx)
    far = np.maximum(far, 0.03)
    rings = 0.5 + 0.5 * np.sign(np.sin(dice.uniform(1, 4) / far))
    light = np.clip(far * dice.uniform(0.6, 1.2), 0, 1) * (0.7 + 0.3 * rings)
    tone = np.array(
        dice.choice(((0.7, 0.7, 0.7), (0.8, 0.7, 0.5), (0.5, 0.6, 0.7), (0.6, 0.55, 0.5)))
    )
    picture = tone * (light * (0.8 + 0.3 * cloudy(dice, size, 30)))[..., None]
    lamps = np.exp(-(((x - cx) / (0.08 * far)) ** 2)) * (y < cy) * (rings > 0.5)
    picture = mixed(picture, (1, 1, 0.9), 0.8 * lamps)
    return pixels(picture)
