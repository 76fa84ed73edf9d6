"""Pictures by rays that went through a body, drawn."""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage

from simulated.fields import (
    HOT,
    JET,
    Dice,
    Floats,
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
    stretched,
    strokes,
    tree,
    wander,
)


def _figure(dice: Dice, size: tuple[int, int], cx: float, wide: float) -> Floats:
    """A standing body, 1 inside."""
    parts = [
        ellipse(size, -0.8, cx, 0.11, 0.09 * wide),
        ellipse(size, -0.3, cx, 0.42, 0.2 * wide),
        ellipse(size, 0.05, cx, 0.18, 0.18 * wide),
        *(
            ellipse(size, -0.25, cx + s * 0.27 * wide, 0.42, 0.06 * wide, -s * 0.12)
            for s in (-1, 1)
        ),
        *(ellipse(size, 0.52, cx + s * 0.1 * wide, 0.45, 0.08 * wide, s * 0.03) for s in (-1, 1)),
    ]
    return soft(np.minimum.reduce(parts), 0.1)


def nuclear(dice: Dice) -> Pixels:
    """PET, PET on CT, or a bone scan: hot spots in a blurred body, counted photon by photon."""
    kind = dice.random()
    if kind < 0.4:
        size = (int(dice.integers(300, 420)), int(dice.integers(200, 340)))
        two = dice.random() < 0.6
        counts = np.zeros(size)
        for cx in (-0.5, 0.5) if two else (0.0,):
            body = _figure(dice, size, cx, 0.9 if two else 1.5)
            hot = ovals(size, spots(dice, size, int(dice.integers(10, 40)), 2, 8), 2)
            spine = np.exp(-(((grid(size)[1] - cx) / 0.03) ** 2)) * (
                np.abs(grid(size)[0] + 0.3) < 0.4
            )
            counts += body * (0.2 + 0.4 * cloudy(dice, size, 30) + 0.7 * hot + 0.6 * spine)
        field = dice.poisson(counts * dice.uniform(6, 30)).astype(float)
        field = stretched(ndimage.gaussian_filter(field, dice.uniform(0.8, 2)))
        field = np.clip(field * dice.uniform(1.2, 2.5), 0, 1)
        return labelled(dice, grey(1 - field if dice.random() < 0.6 else field), 120)
    size = sized(dice, 200, 320)
    slice_ = dice.random() < 0.6
    if slice_:
        body = soft(ellipse(size, 0, 0, dice.uniform(0.5, 0.7), dice.uniform(0.7, 0.9)), 0.05)
    else:
        body = _figure(dice, size, 0, 1.6)
    heat = body * (0.12 + 0.15 * cloudy(dice, size, 40))
    for _ in range(dice.integers(2, 8)):
        r = dice.uniform(0.04, 0.2, 2)
        heat += (
            dice.uniform(0.3, 1.0)
            * soft(blob(dice, size, *dice.uniform(-0.5, 0.5, 2), *r), 0.3)
            * body
        )
    heat = ndimage.gaussian_filter(heat + dice.normal(0, 0.02, size), dice.uniform(1.5, 4))
    heat = np.clip(heat, 0, 1)
    if kind < 0.7:
        return labelled(
            dice, grey(1 - heat) if dice.random() < 0.6 else pixels(painted(heat, HOT)), 120
        )
    bones = 0.3 * body + 0.5 * np.exp(-(((ellipse(size, 0, 0, 0.5, 0.7) - 0.9) / 0.05) ** 2))
    ground = np.repeat(ndimage.gaussian_filter(bones, 1)[..., None], 3, axis=-1)
    tone = painted(heat, HOT if dice.random() < 0.6 else JET)
    return labelled(dice, pixels(mixed(ground, tone, np.clip(heat * 1.4, 0, 0.9))))


def angiogram(dice: Dice) -> Pixels:
    """Vessels full of contrast over a blurred radiograph, or subtracted from it."""
    size = sized(dice, 260, 380, 0.2)
    ground = 0.45 + 0.35 * smooth(dice, size, 120) + 0.1 * cloudy(dice, size, 50)
    if dice.random() < 0.4:
        ground = np.full(size, 0.65) + 0.05 * cloudy(dice, size, 40)
    vessels = np.zeros(size)
    for _ in range(dice.integers(1, 4)):
        x, y = dice.uniform(0.2, 0.8) * size[1], dice.uniform(0, 0.4) * size[0]
        start = tree(
            dice, x, y, dice.uniform(0.5, 2.6), dice.uniform(4, 11), dice.uniform(80, 200), 0.2
        )
        vessels = np.maximum(vessels, strokes(size, start, dice.uniform(0.7, 1.5)))
    picture = ground * (1 - dice.uniform(0.5, 0.85) * vessels)
    for rib in range(int(dice.integers(0, 6))):
        picture *= 1 - 0.12 * np.exp(
            -(((grid(size)[0] - 0.3 * rib + 0.8 - 0.3 * grid(size)[1] ** 2) / 0.05) ** 2)
        )
    picture += dice.normal(0, dice.uniform(0.01, 0.04), size)
    if dice.random() < 0.15:
        picture = 1 - picture
    if dice.random() < 0.4:
        picture *= soft(ellipse(size, 0, 0, 1.05, 1.05), 0.01)
    return labelled(dice, grey(picture)) if dice.random() < 0.4 else grey(picture)


def fluoroscopy(dice: Dice) -> Pixels:
    """Barium in a bowel, on a blurred radiograph."""
    size = sized(dice, 260, 380, 0.2)
    picture = 0.35 + 0.3 * cloudy(dice, size, 120)
    picture += (
        0.2 * np.exp(-((grid(size)[1] / 0.12) ** 2)) * (0.7 + 0.3 * np.sin(grid(size)[0] * 30))
    )
    path = wander(dice, size, 2, 1, 0.35, 2.5)
    for each in path:
        wide = dice.uniform(14, 34)
        lumps = [(x, y, wide * (0.7 + 0.4 * math.sin(n * 1.3))) for n, (x, y, _) in enumerate(each)]
        bowel = strokes(size, [lumps], 2)
        edge = bowel - ndimage.gaussian_filter(bowel, 4)
        picture += dice.uniform(0.25, 0.5) * bowel + 0.6 * np.clip(edge, 0, 1)
    picture = ndimage.gaussian_filter(picture, 1.2) + dice.normal(0, 0.02, size)
    return labelled(dice, grey(1 - picture if dice.random() < 0.3 else picture))


def limb_xray(dice: Dice) -> Pixels:
    """Long bones and joints, or the rays of a hand or a foot."""
    size = (int(dice.integers(280, 420)), int(dice.integers(180, 360)))
    height, width = size
    y, x = np.mgrid[:height, :width].astype(float)
    picture = np.zeros(size)

    def bone(x0: float, y0: float, x1: float, y1: float, r: float) -> Floats:
        length = math.hypot(x1 - x0, y1 - y0)
        ux, uy = (x1 - x0) / length, (y1 - y0) / length
        along = ((x - x0) * ux + (y - y0) * uy) / length
        wide = r * (1 + 0.6 * np.clip(np.abs(along - 0.5) * 2 - 0.6, 0, 1) ** 1.0 * 2)
        off = np.abs(-(x - x0) * uy + (y - y0) * ux) / wide
        there = soft(np.maximum(off, np.abs(along - 0.5) * 2), 0.05)
        rim: Floats = np.exp(-(((off - 0.85) / 0.12) ** 2))
        return there * (0.35 + 0.4 * rim)

    def flesh(x0: float, y0: float, x1: float, y1: float, r: float) -> Floats:
        at = np.clip(
            ((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / ((x1 - x0) ** 2 + (y1 - y0) ** 2), 0, 1
        )
        return soft(np.hypot(x - x0 - at * (x1 - x0), y - y0 - at * (y1 - y0)) / r, 0.12)

    soft_part = np.zeros(size)
    if dice.random() < 0.5:
        for ray in range(5):
            angle = math.radians(-90 + (ray - 2) * dice.uniform(9, 16))
            px, py = width * (0.35 + 0.075 * ray), height * dice.uniform(0.6, 0.66)
            for part in (0.2, 0.13, 0.09, 0.06)[: 3 if ray == 0 else 4]:
                long = part * height * dice.uniform(0.9, 1.1)
                qx, qy = px + long * math.cos(angle), py + long * math.sin(angle)
                r = width * 0.02 * (0.6 + part * 2)
                picture = np.maximum(picture, bone(px, py, qx, qy, r))
                soft_part = np.maximum(soft_part, flesh(px, py, qx, qy, r * 2.2))
                px, py = qx + 3 * math.cos(angle), qy + 3 * math.sin(angle)
        carpals = ovals(
            size,
            [
                (height * dice.uniform(0.66, 0.75), width * dice.uniform(0.38, 0.62), 11, 14, 20)
                for _ in range(8)
            ],
            1.5,
        )
        picture = np.maximum(picture, 0.6 * carpals)
        soft_part = np.maximum(
            soft_part, flesh(width * 0.5, height * 0.65, width * 0.5, height, width * 0.2)
        )
        for cx in (0.43, 0.57):
            picture = np.maximum(
                picture, bone(width * cx, height * 0.78, width * cx, height * 1.1, width * 0.045)
            )
    else:
        tilt = dice.uniform(-0.15, 0.15) * width
        middle, joint = width * dice.uniform(0.4, 0.6), height * dice.uniform(0.4, 0.6)
        r = width * dice.uniform(0.07, 0.12)
        picture = np.maximum(
            bone(middle - tilt, -20, middle, joint - 3, r),
            bone(middle, joint + 3, middle + tilt, height + 20, r),
        )
        if dice.random() < 0.6:
            second = bone(middle + 2 * r, joint + 12, middle + 2 * r + tilt, height + 20, r * 0.45)
            picture = np.maximum(picture, second)
        soft_part = flesh(middle - tilt, -20, middle, joint, r * 2.6) + flesh(
            middle, joint, middle + tilt, height + 20, r * 2.4
        )
    picture = picture * (0.85 + 0.3 * cloudy(dice, size, 6, 2)) + np.clip(
        soft_part, 0, 1
    ) * dice.uniform(0.15, 0.35)
    picture = ndimage.gaussian_filter(picture, 1.0) + 0.03 + dice.normal(0, 0.012, size)
    if dice.random() < 0.3:
        picture = np.rot90(picture)
    return labelled(dice, grey(np.ascontiguousarray(picture)), most=1)


def joint_xray(dice: Dice) -> Pixels:
    """A joint that fills the picture: fine bone, bright rims, the dark gap between."""
    size = sized(dice, 220, 320, 0.2)
    if dice.random() < 0.6:
        return _knee(dice, size)
    y, x = grid(size)
    sag = dice.uniform(0.05, 0.3)
    gap = (
        dice.uniform(-0.15, 0.15)
        + sag * np.cos(x * dice.uniform(3, 5))
        + 0.05 * (smooth(dice, size, 60) - 0.5)
    )
    wide = dice.uniform(0.025, 0.08) * (1 + 0.6 * np.cos(x * 2.5))
    off = np.abs(y - gap) / wide
    side = (
        0.75 + dice.uniform(-0.1, 0.25) + 0.12 * np.sin(y * dice.uniform(1, 3) + dice.uniform(0, 6))
    )
    bone = soft(np.abs(x - dice.uniform(-0.1, 0.1)) / side, 0.03)
    fine = ndimage.gaussian_filter(dice.standard_normal(size), (dice.uniform(1.5, 4), 0.8))
    field = (
        0.45 + 0.25 * smooth(dice, size, 80) + dice.uniform(0.05, 0.2) * fine / np.abs(fine).max()
    )
    field += 0.3 * np.exp(-(((off - 1.5) / 0.6) ** 2)) + 0.25 * np.exp(
        -(((np.abs(x) / side - 0.97) / 0.03) ** 2)
    )
    field *= 1 - dice.uniform(0.5, 0.8) * soft(off, 0.25)
    flesh = 0.25 + 0.1 * smooth(dice, size, 60)
    picture = bone * field + (1 - bone) * flesh * (np.abs(x) < 1.0)
    if dice.random() < 0.3:
        picture = np.rot90(picture)
    picture = ndimage.gaussian_filter(picture, 0.7) * dice.uniform(0.8, 1.4)
    return grey(np.ascontiguousarray(picture) + dice.normal(0, 0.015, picture.shape))


def _knee(dice: Dice, size: tuple[int, int]) -> Pixels:
    """A knee from the front: two condyles and the notch between them over the spines of the tibia,
    the fibula beside it, the kneecap in front; often equalised, as archives do."""
    y, x = grid(size)
    x = (x - dice.uniform(-0.1, 0.1)) * dice.uniform(0.75, 1.15) + dice.normal(0, 0.04) * y
    x = x + 0.04 * (smooth(dice, size, 50) - 0.5)
    level = dice.uniform(-0.1, 0.15)
    lobe = (np.abs(x) - 0.43) / dice.uniform(0.45, 0.6)
    notch = dice.uniform(0.1, 0.3) * np.exp(-((x / dice.uniform(0.1, 0.16)) ** 2))
    lower = level + 0.03 - 0.2 * lobe**2 - notch
    gap = dice.uniform(0.02, 0.08) + dice.uniform(-0.05, 0.05) * x
    spines = dice.uniform(0.03, 0.1) * np.exp(-(((np.abs(x) - 0.07) / 0.045) ** 2))
    upper = level + 0.03 + gap + 0.05 * lobe**2 - spines + 0.5 * np.clip(np.abs(x) - 0.85, 0, 1)
    thigh = 0.52 + dice.uniform(0.3, 0.4) * soft(1 + (-0.45 - y + level), 0.1)
    shin = 0.55 + dice.uniform(0.28, 0.36) * soft(1 + (y - level - 0.4), 0.12)
    femur = soft(1 + (y - lower), 0.008) * soft(1 + (np.abs(x) - thigh), 0.008)
    tibia = soft(1 + (upper - y), 0.008) * soft(1 + (np.abs(x) - shin), 0.008)
    fibula = soft(np.abs(x - 0.82) / 0.1, 0.08) * soft(1 + (level + 0.35 - y), 0.02)
    cap = soft(ellipse(size, level - 0.4, 0, 0.3, 0.36), 0.1)
    # What lies behind the notch shows through it.
    behind = soft(1 + (y - lower - notch), 0.02) * soft(1 + (np.abs(x) - thigh), 0.008)
    bone = np.maximum(np.maximum(femur, tibia), 0.7 * fibula)
    bone = np.maximum(bone, dice.uniform(0.3, 0.8) * behind)
    fine = ndimage.gaussian_filter(dice.standard_normal(size), (dice.uniform(1.0, 3), 0.8))
    fine += 0.3 * ndimage.gaussian_filter(dice.standard_normal(size), (0.8, dice.uniform(1.5, 3)))
    field = 0.2 + 0.1 * smooth(dice, size, 80) + bone * (0.28 + 0.12 * smooth(dice, size, 50))
    field += dice.uniform(0.05, 0.16) * bone * fine / fine.std() / 2
    field += dice.uniform(0.04, 0.15) * cap * femur
    edge = np.clip(bone - ndimage.gaussian_filter(bone, dice.uniform(2, 5)), 0, 1)
    field += dice.uniform(0.3, 0.8) * edge
    field += dice.uniform(0.05, 0.25) * np.exp(-(((y - upper - 0.03) / 0.03) ** 2)) * tibia
    if dice.random() < 0.6:
        broad = ndimage.gaussian_filter(field, size[0] * dice.uniform(0.06, 0.15))
        spread = np.sqrt(ndimage.gaussian_filter((field - broad) ** 2, size[0] * 0.12))
        field = 0.45 + dice.uniform(0.1, 0.2) * (field - broad) / (spread + 0.01)
    field = ndimage.gaussian_filter(field, dice.uniform(0.4, 0.9)) * dice.uniform(0.85, 1.3)
    if dice.random() < 0.1:
        field = 1 - field
    return grey(field + dice.normal(0, 0.012, size))
