"""What looks like a scan or a slide and is none, drawn."""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage

from simulated.fields import (
    GREY,
    Dice,
    Pixels,
    blob,
    cells_of,
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
    speckle,
    spots,
    strokes,
    tree,
    wander,
)


def sonar(dice: Dice) -> Pixels:
    """Side-scan of a sea floor, or radar of the ground, in speckle."""
    size = sized(dice)
    y, x = grid(size)
    floor = 0.25 + 0.6 * cloudy(dice, size, dice.uniform(50, 160))
    ripples = 1 + 0.3 * np.sin(
        (x * math.cos(2) + y * math.sin(2)) * dice.uniform(20, 90) + 4 * smooth(dice, size, 80)
    )
    floor *= ripples if dice.random() < 0.5 else 1
    for _ in range(dice.integers(0, 4)):
        cy, cx = dice.uniform(-0.8, 0.8, 2)
        floor += 0.7 * soft(blob(dice, size, cy, cx, 0.06, 0.04), 0.1)
        floor *= 1 - 0.85 * soft(ellipse(size, cy, cx + 0.1, 0.05, 0.1), 0.1)
    if dice.random() < 0.5:
        floor *= 1 - 0.95 * np.exp(-((x / 0.06) ** 2))
        floor += 0.7 * np.exp(-(((np.abs(x) - 0.07) / 0.012) ** 2))
        picture = floor * speckle(dice, size, 0.5, 0.9)
    else:
        which, edge = cells_of(dice, size, int(dice.integers(6, 40)))
        fields = dice.uniform(0.1, 0.7, which.max() + 1)[which]
        picture = (fields + 0.6 * (edge < 2)) * speckle(dice, size, 0.6, 0.6)
    tone = (
        ((0, 0, 0), (0.5, 0.3, 0.05), (0.9, 0.7, 0.3), (1, 0.95, 0.8))
        if dice.random() < 0.5
        else GREY
    )
    return pixels(painted(np.clip(picture * 0.8, 0, 1), tone))


def radar(dice: Dice) -> Pixels:
    """A weather radar's coloured rain, or a ship's scope."""
    size = sized(dice, 240, 360, 0.2)
    y, x = grid(size)
    rain = cloudy(dice, size, dice.uniform(60, 140), 5)
    levels = np.clip(np.floor((rain - dice.uniform(0.45, 0.6)) * 14) / 6, 0, 1)
    tone = (
        (0.2, 0.8, 0.9),
        (0.1, 0.5, 0.9),
        (0.1, 0.8, 0.1),
        (0.95, 0.9, 0.1),
        (0.95, 0.5, 0.05),
        (0.9, 0.05, 0.1),
    )
    ground = np.full((*size, 3), dice.choice((0.05, 0.9)))
    coast = wander(dice, size, 4, 1, 0.3, 1.5)
    picture = mixed(ground, (0.5, 0.5, 0.5), strokes(size, coast, 0.5))
    if dice.random() < 0.3:
        green = np.clip(levels + 0.2 * dice.random(size) ** 8, 0, 1)
        picture = np.stack([0 * green, green, 0.2 * green], axis=-1)
    else:
        picture = mixed(picture, painted(levels, tone), (levels > 0).astype(float))
    for r in (0.3, 0.6, 0.9):
        picture = mixed(
            picture, (0.4, 0.7, 0.4), 0.6 * np.exp(-(((np.hypot(y, x) - r) / 0.006) ** 2))
        )
    return labelled(dice, pixels(picture), 140)


def seismic(dice: Dice) -> Pixels:
    """A section through layers of rock."""
    size = sized(dice, 240, 380, 0.5)
    y, _ = grid(size)
    bent = y + 0.4 * smooth(dice, size, 200) + 0.06 * cloudy(dice, size, 60)
    fault = grid(size)[1] > dice.uniform(-0.5, 0.5) + 0.3 * y
    bent = bent + dice.uniform(-0.1, 0.1) * fault
    raw = ndimage.gaussian_filter1d(dice.standard_normal(4000), dice.uniform(6, 16))
    field = np.interp(bent, np.linspace(-2, 2, 4000), raw / raw.std() / 3)
    field = field * (0.5 + 0.8 * cloudy(dice, size, 60)) + 0.08 * dice.standard_normal(size)
    tone = GREY if dice.random() < 0.5 else ((0.1, 0.2, 0.8), (1, 1, 1), (0.8, 0.1, 0.1))
    return labelled(dice, pixels(painted(np.clip(field * 0.5 + 0.5, 0, 1), tone)), 40, 1)


def weld(dice: Dice) -> Pixels:
    """A radiograph of a weld, a casting or a circuit board."""
    size = sized(dice, 220, 360, 0.6)
    y, x = grid(size)
    field = 0.45 + 0.15 * smooth(dice, size, 200)
    kind = dice.random()
    if kind < 0.5:
        seam = soft(
            np.abs(y - dice.uniform(-0.3, 0.3) - 0.05 * smooth(dice, size, 60))
            / dice.uniform(0.2, 0.45),
            0.08,
        )
        field += dice.choice((-0.25, 0.25)) * seam * (0.8 + 0.3 * cloudy(dice, size, 20))
        field -= 0.3 * ovals(size, spots(dice, size, int(dice.integers(0, 30)), 1, 5), 0.8) * seam
        field -= (
            0.3
            * strokes(size, wander(dice, size, int(dice.integers(0, 3)), 2, 0.1, 0.4), 0.8)
            * seam
        )
    elif kind < 0.75:
        for _ in range(int(dice.integers(3, 9))):
            ring = ellipse(
                size, *dice.uniform(-0.7, 0.7, 2), *(dice.uniform(0.1, 0.5) * np.ones(2))
            )
            field += dice.uniform(-0.3, 0.3) * soft(ring, 0.01)
        field -= 0.25 * ovals(size, spots(dice, size, 12, 2, 6), 1)
    else:
        for _ in range(int(dice.integers(10, 40))):
            cy, cx = dice.uniform(-1, 1, 2)
            part = soft(
                np.maximum(
                    np.abs(y - cy) / dice.uniform(0.02, 0.2),
                    np.abs(x - cx) / dice.uniform(0.02, 0.2),
                ),
                0.01,
            )
            field -= dice.uniform(0.05, 0.3) * part
        field -= 0.3 * ovals(size, spots(dice, size, 40, 2, 4), 0.5)
    return grey(ndimage.gaussian_filter(field, 0.8) + dice.normal(0, 0.015, size))


def grains(dice: Dice) -> Pixels:
    """Etched metal, or a slice of rock in polarised light."""
    size = sized(dice)
    which, edge = cells_of(dice, size, int(dice.integers(30, 500)))
    count = which.max() + 1
    if dice.random() < 0.5:
        tone = dice.uniform(0.5, 0.9, count)[which]
        picture = np.repeat(
            (tone * (1 - 0.7 * (edge < dice.uniform(1, 2.5))))[..., None], 3, axis=-1
        )
        dark = dice.random(count)[which] < dice.uniform(0, 0.4)
        picture = (
            picture
            * (1 - 0.6 * (dark * (0.5 + 0.5 * np.sin(smooth(dice, size, 30) * 90))))[..., None]
        )
        picture *= np.array((1.0, 0.96, 0.88)) if dice.random() < 0.4 else 1
    else:
        tones = np.array(
            dice.choice(
                (
                    (0.9, 0.6, 0.2),
                    (0.3, 0.4, 0.9),
                    (0.7, 0.7, 0.7),
                    (0.8, 0.2, 0.6),
                    (0.1, 0.1, 0.1),
                    (0.5, 0.8, 0.6),
                ),
                count,
            )
        )
        picture = tones[which] * (0.7 + 0.4 * cloudy(dice, size, 12, 3))[..., None]
    return pixels(ndimage.gaussian_filter(picture, (0.6, 0.6, 0)))


def blots(dice: Dice) -> Pixels:
    """Lanes and bands of a gel or a blot."""
    size = sized(dice, 180, 340, 0.7)
    dark = dice.random() < 0.5
    field = np.zeros(size)
    lanes = int(dice.integers(4, 16))
    y, x = grid(size)
    for lane in range(lanes):
        cx = -1 + 2 * (lane + 0.5) / lanes
        for _ in range(int(dice.integers(1, 8))):
            band = np.maximum(
                np.abs(y - dice.uniform(-0.9, 0.9)) / 0.03, np.abs(x - cx) / (0.8 / lanes)
            )
            field = np.maximum(field, dice.uniform(0.2, 1) * soft(band, 0.15))
    field = ndimage.gaussian_filter(field, 1.2) + 0.06 * cloudy(dice, size, 50)
    return labelled(
        dice, grey(field if dice.random() < 0.5 else 0.9 - field), 230 if dark else 40, 1
    )


def river(dice: Dice) -> Pixels:
    """Rivers, roads and fields from above; lightning at night."""
    size = sized(dice)
    which, edge = cells_of(dice, size, int(dice.integers(10, 80)))
    tones = np.array(
        dice.choice(
            ((0.3, 0.42, 0.2), (0.55, 0.5, 0.3), (0.2, 0.3, 0.15), (0.65, 0.6, 0.45)),
            which.max() + 1,
        )
    )
    picture = tones[which] * (0.8 + 0.3 * cloudy(dice, size, 10, 3))[..., None]
    picture = mixed(picture, (0.7, 0.68, 0.62), 0.8 * (edge < 1.5).astype(float))
    water = strokes(
        size, tree(dice, dice.uniform(0, size[1]), 0, 1.5, dice.uniform(6, 16), 150, 0.2), 0.8
    )
    return pixels(mixed(picture, (0.15, 0.25, 0.35), water))


def sky_objects(dice: Dice) -> Pixels:
    """Stars, a galaxy, a nebula, a planet, the sun."""
    size = sized(dice)
    kind = dice.random()
    y, x = grid(size)
    picture = np.zeros((*size, 3))
    stars = ovals(size, spots(dice, size, int(dice.integers(50, 400)), 0.4, 1.4), 0.6) * (
        0.3 + 0.7 * dice.random(size)
    )
    if kind < 0.3:
        cy, cx = dice.uniform(-0.2, 0.2, 2)
        ry, rx, turn = dice.uniform(0.25, 0.6), dice.uniform(0.3, 0.9), dice.uniform(0, 3)
        far = ellipse(size, cy, cx, ry, rx, turn)
        angle = np.arctan2(y, x)
        arms = 0.6 + 0.4 * np.cos(2 * angle - 6 * np.log(far + 0.05))
        glow = np.exp(-far * 2.5) * (0.4 + arms * cloudy(dice, size, 20)) * 2
        picture += glow[..., None] * np.array(
            dice.choice(((1, 0.9, 0.75), (0.7, 0.8, 1), (1, 1, 1)))
        )
    elif kind < 0.55:
        gas = np.clip(cloudy(dice, size, 120, 6) * 1.6 - 0.5, 0, 1)
        picture += gas[..., None] * dice.uniform(0.2, 1, 3) + (gas * cloudy(dice, size, 60))[
            ..., None
        ] * dice.uniform(0, 0.6, 3)
    elif kind < 0.85:
        r = dice.uniform(0.4, 0.9)
        off = ellipse(size, 0, 0, r, r * size[0] / size[1])
        light = np.clip(np.sqrt(np.clip(1 - off**2, 0, 1)) + dice.uniform(-0.6, 0.2) * x, 0, 1)
        bands = (
            0.6 + 0.4 * np.sin(y * dice.uniform(3, 25) + 2 * cloudy(dice, size, 60))
            if dice.random() < 0.5
            else cloudy(dice, size, 60)
        )
        picture += (soft(off, 0.01) * light * (0.4 + 0.6 * bands))[..., None] * dice.uniform(
            0.4, 1, 3
        )
    picture += stars[..., None] * (1 if kind < 0.55 or kind > 0.85 else 0.3)
    return grey(picture.mean(-1)) if dice.random() < 0.2 else pixels(picture)


def lightning(dice: Dice) -> Pixels:
    """Lightning or fireworks in a night sky."""
    size = sized(dice)
    y, _ = grid(size)
    sky = np.array(dice.choice(((0.1, 0.08, 0.25), (0.03, 0.03, 0.08), (0.25, 0.15, 0.3))))
    picture = sky * (0.6 + 0.8 * cloudy(dice, size, 120))[..., None]
    if dice.random() < 0.5:
        bolt = tree(dice, dice.uniform(0.2, 0.8) * size[1], 0, 1.5, dice.uniform(2, 5), 160, 0.5)
        cover = strokes(size, bolt, 0.6)
        picture += cover[..., None] + 0.5 * ndimage.gaussian_filter(cover, 8)[..., None] * np.array(
            (0.7, 0.6, 1)
        )
    else:
        for _ in range(dice.integers(1, 5)):
            cx, cy = dice.uniform(0.1, 0.9) * size[1], dice.uniform(0.1, 0.7) * size[0]
            rays = [
                [(cx, cy, 1.0), (cx + r * math.cos(a), cy + r * math.sin(a), 1.0)]
                for a in np.linspace(0, 6.28, int(dice.integers(20, 70)))
                for r in [dice.uniform(20, 80)]
            ]
            picture += strokes(size, rays, 0.8)[..., None] * dice.uniform(0.2, 1, 3) * 1.6
    picture = np.where((y > dice.uniform(0.8, 0.95))[..., None], 0.02, picture)
    return pixels(picture)


def thermal(dice: Dice) -> Pixels:
    """Warm animals, people, cars and houses before cold ground, in infrared."""
    size = sized(dice, 220, 340, 0.5)
    y, x = grid(size)
    ground = 0.15 + 0.3 * cloudy(dice, size, dice.uniform(30, 120), 5)
    horizon = dice.uniform(-0.6, 0.3)
    ground = np.where(y < horizon, ground * dice.uniform(0.2, 0.8), ground)
    for _ in range(int(dice.integers(0, 5))):
        cy, cx = horizon + dice.uniform(-0.2, 0.1), dice.uniform(-1, 1)
        box = np.maximum(
            np.abs(y - cy) / dice.uniform(0.05, 0.3), np.abs(x - cx) / dice.uniform(0.05, 0.4)
        )
        ground += dice.uniform(-0.1, 0.35) * soft(box, 0.02)
    for _ in range(int(dice.integers(1, 5))):
        cy, cx = dice.uniform(-0.3, 0.7), dice.uniform(-0.8, 0.8)
        tall = dice.uniform(0.08, 0.4)
        parts = [ellipse(size, cy, cx, tall * 0.5, tall * dice.uniform(0.25, 1))]
        parts.append(
            ellipse(
                size, cy - tall * 0.55, cx + dice.uniform(-0.6, 0.6) * tall, tall * 0.2, tall * 0.18
            )
        )
        parts += [
            ellipse(size, cy + tall * 0.7, cx + s * tall * 0.3, tall * 0.45, tall * 0.08)
            for s in (-1, 0.4, 1)
        ]
        warm = soft(np.minimum.reduce(parts), 0.1)
        ground = ground * (1 - warm) + warm * (0.75 + 0.3 * cloudy(dice, size, 20))
    if dice.random() < 0.3:
        step = dice.uniform(0.1, 0.2)
        mesh = (
            np.minimum(np.abs((x + y) % step - step / 2), np.abs((x - y) % step - step / 2)) < 0.008
        )
        ground = ground * (1 - 0.5 * mesh)
    field = np.clip(ndimage.gaussian_filter(ground, dice.uniform(0.6, 2)), 0, 1) + dice.normal(
        0, 0.02, size
    )
    tone = (
        GREY
        if dice.random() < 0.7
        else ((0, 0, 0.2), (0.5, 0, 0.5), (0.9, 0.3, 0.1), (1, 0.8, 0.2), (1, 1, 0.9))
    )
    return (
        labelled(dice, pixels(painted(np.clip(field, 0, 1), tone)), 230, 1)
        if dice.random() < 0.3
        else pixels(painted(np.clip(field, 0, 1), tone))
    )
