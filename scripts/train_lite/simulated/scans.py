"""Slices and sections, drawn: what the physics of each device leaves in a picture, round random
anatomy."""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage

from simulated.fields import (
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
    ovals,
    painted,
    pixels,
    sized,
    smooth,
    soft,
    speckle,
    spots,
)


def spine_mri(dice: Dice) -> Pixels:
    """A sagittal slice of the spine: vertebrae, discs, canal, muscle, fat."""
    size = sized(dice, 280, 380)
    height, width = size
    t1 = dice.random() < 0.4
    picture = 0.06 + 0.12 * cloudy(dice, size, 90)
    y, x = np.mgrid[:height, :width].astype(float)
    sway = dice.uniform(0.03, 0.1) * width
    phase, middle = dice.uniform(0, 6), width * dice.uniform(0.4, 0.6)

    def line(at: Floats) -> Floats:
        return middle + sway * np.sin(at / height * dice_bend + phase)

    dice_bend = dice.uniform(2.5, 4.5)
    bone = dice.uniform(0.07, 0.12) * width
    canal = line(y) + bone * 1.6
    picture += (0.25 + 0.25 * cloudy(dice, size, 30)) * soft(
        np.abs(x - canal - bone * 1.6) / (bone * 1.3), 0.1
    )
    picture += (0.15 if t1 else 0.8) * soft(np.abs(x - canal) / (bone * 0.45), 0.12)
    picture -= (0.0 if t1 else 0.35) * soft(np.abs(x - canal) / (bone * 0.18), 0.2)
    picture += (0.75 if dice.random() < 0.7 else 0.4) * soft(
        np.abs(x - canal - bone * 4.2) / (bone * dice.uniform(0.3, 0.9)), 0.2
    )
    step = bone * dice.uniform(1.5, 2.0)
    top = dice.uniform(-step, 0)
    while top < height:
        cx = line(np.array(top + step / 2))
        body = np.maximum(
            np.abs(x - cx) / bone, np.abs(y - top - step / 2 - (x - cx) * 0.1) / (step * 0.38)
        )
        picture += (0.3 + 0.12 * smooth(dice, size, 6)) * soft(body, 0.08)
        disc = np.hypot((x - cx) / bone, (y - top - step) / (step * 0.14))
        picture += dice.uniform(0.05, 0.4) * soft(disc, 0.2)
        top += step
    picture *= np.exp(-(((x - canal) / (width * dice.uniform(0.35, 0.8))) ** 2)) + 0.1
    picture = ndimage.gaussian_filter(picture, 0.8) + dice.normal(0, 0.015, size)
    if dice.random() < 0.5:
        picture = picture[:, ::-1]
    return labelled(dice, grey(picture * dice.uniform(1, 1.5)), most=6)


def head_mri(dice: Dice) -> Pixels:
    """An axial, coronal or sagittal slice of a head."""
    size = sized(dice, 240, 340, 0.2)
    ry, rx = dice.uniform(0.65, 0.9), dice.uniform(0.55, 0.78)
    turn = dice.uniform(-0.2, 0.2)
    head = ellipse(size, 0, 0, ry, rx, turn) + 0.05 * (smooth(dice, size, 80) - 0.5)
    t2 = dice.random() < 0.5
    folds = cloudy(dice, size, dice.uniform(40, 70), 2)
    cortex = 0.5 + 0.5 * np.sin(folds * dice.uniform(40, 70))
    deep = soft(head / 0.55, 0.15)
    brain = (
        np.where(t2, 0.45 + 0.4 * (cortex > 0.75), 0.5 - 0.25 * (cortex > 0.7)) * (1 - deep)
        + (0.35 if t2 else 0.6) * deep
    )
    picture = ndimage.gaussian_filter(brain, 1.0) * soft(head / 0.85, 0.02)
    picture += dice.uniform(0.5, 1.0) * np.exp(-(((head - 0.97) / 0.03) ** 2))
    for side in (-1, 1):
        horn = soft(
            ellipse(
                size,
                dice.uniform(-0.15, 0.05),
                side * 0.09,
                dice.uniform(0.15, 0.3),
                dice.uniform(0.04, 0.09),
                side * 0.3,
            ),
            0.2,
        )
        picture = picture * (1 - horn) + (0.95 if t2 else 0.08) * horn
    if dice.random() < 0.4:
        mass = soft(
            blob(dice, size, *dice.uniform(-0.35, 0.35, 2), *dice.uniform(0.1, 0.25, 2)), 0.1
        )
        picture = picture * (1 - mass) + dice.uniform(0.5, 1.0) * mass
    picture *= 0.8 + 0.4 * smooth(dice, size, 200)
    picture += np.abs(dice.normal(0, 0.02, size))
    drawn = grey(picture)
    return labelled(dice, drawn, most=4) if dice.random() < 0.4 else drawn


def body_ct(dice: Dice) -> Pixels:
    """An axial slice of a chest or an abdomen."""
    size = sized(dice, 260, 380, 0.25)
    y, x = grid(size)
    ry, rx = dice.uniform(0.5, 0.68), dice.uniform(0.75, 0.95)
    body = ellipse(size, 0, 0, ry, rx) + 0.08 * (smooth(dice, size, 90) - 0.5)
    fat = dice.uniform(0.8, 0.93)
    picture = 0.28 * soft(body, 0.02) + 0.25 * soft(body / fat, 0.02)
    inner = body / (fat - 0.1)
    chest = dice.random() < 0.5
    if chest:
        for side in (-1, 1):
            lung = blob(dice, size, 0.0, side * 0.42 * rx, ry * 0.62, rx * 0.36, rough=0.2)
            hole = soft(lung, 0.03)
            vessels = ovals(size, spots(dice, size, 60, 1, 3), 0.6)
            picture = picture * (1 - hole) + hole * (
                0.02 + 0.5 * vessels + dice.uniform(0, 0.25) * cloudy(dice, size, 25)
            )
        picture += 0.12 * soft(blob(dice, size, -0.05, -0.06, 0.28, 0.24), 0.05)
    else:
        for _ in range(dice.integers(4, 9)):
            organ = soft(
                blob(
                    dice,
                    size,
                    *(dice.uniform(-0.55, 0.55, 2) * (ry, rx)),
                    *dice.uniform(0.08, 0.32, 2),
                ),
                0.05,
            )
            tone = dice.choice((0.0, 0.5, 0.58, 0.66, 0.75), p=(0.15, 0.2, 0.3, 0.2, 0.15))
            share = organ * soft(inner, 0.03)
            picture = picture * (1 - share) + share * (tone + 0.05 * smooth(dice, size, 8))
    spine = soft(blob(dice, size, ry * 0.55, 0, 0.13, 0.12), 0.06) + soft(
        ellipse(size, ry * 0.78, 0, 0.1, 0.04), 0.1
    )
    picture = np.maximum(picture, dice.uniform(0.8, 1.0) * np.clip(spine, 0, 1))
    for angle in np.linspace(0, 2 * math.pi, int(dice.integers(10, 16)), endpoint=False):
        cy, cx = 0.8 * fat * ry * math.sin(angle), 0.85 * fat * rx * math.cos(angle)
        rib = soft(ellipse(size, cy, cx, 0.035, 0.1, angle + math.pi / 2), 0.1)
        picture = np.maximum(picture, 0.95 * rib * (dice.random() < 0.8))
    table = np.exp(-(((y - ry - 0.12 - 0.05 * np.cos(2 * x)) / 0.008) ** 2))
    picture = np.maximum(picture, dice.uniform(0, 0.5) * table)
    picture = ndimage.gaussian_filter(picture, 0.7) + dice.normal(
        0, dice.uniform(0.01, 0.05), size
    ) * soft(body, 0.1)
    drawn = grey(picture)
    return labelled(dice, drawn, most=5) if dice.random() < 0.5 else drawn


def oct_retina(dice: Dice) -> Pixels:
    """A B-scan: the layers of a retina, with their dip, in speckle."""
    size = (int(dice.integers(200, 340)), int(dice.integers(280, 480)))
    y, x = np.mgrid[: size[0], : size[1]].astype(float)
    x = x / size[1] - 0.5
    top = size[0] * (
        0.35
        + dice.uniform(-0.1, 0.1)
        + dice.uniform(-0.25, 0.25) * x
        + dice.uniform(-0.5, 0.5) * x**2
    )
    dip = dice.uniform(0, 0.12) * size[0] * np.exp(-(((x - dice.uniform(-0.2, 0.2)) / 0.1) ** 2))
    thick = size[0] * dice.uniform(0.2, 0.32)
    wavy = 6 * (smooth(dice, size, 60) - 0.5)
    if dice.random() < 0.4:
        wavy += 25 * np.exp(-(((x - dice.uniform(-0.3, 0.3)) / 0.12) ** 2)) * dice.uniform(-1, 1)
    deep = (y - top - dip + wavy) / (thick - dip * 0.8)
    edges = np.array([-0.02, 0.0, 0.12, 0.3, 0.42, 0.55, 0.78, 0.84, 0.9, 1.0, 1.05, 2.2])
    tones = np.array([0.02, 0.75, 0.65, 0.45, 0.3, 0.42, 0.25, 0.6, 0.4, 0.95, 0.55, 0.08])
    layers = np.interp(
        deep, edges, tones * dice.uniform(0.8, 1.2, len(tones)), left=0.02, right=0.05
    )
    for _ in range(dice.integers(0, 4)):
        layers *= 1 - 0.85 * soft(
            ellipse(
                size, dice.uniform(-0.2, 0.1), dice.uniform(-0.5, 0.5), *dice.uniform(0.03, 0.09, 2)
            ),
            0.1,
        )
    signal = (layers + 0.05) * speckle(
        dice, size, dice.uniform(0.4, 0.9), dice.uniform(0.5, 1.3)
    ) ** 0.7
    field = np.clip(signal * dice.uniform(0.8, 1.2), 0, 1)
    kind = dice.random()
    if kind < 0.15:
        return pixels(painted(field, JET))
    drawn = grey(1 - field if kind < 0.3 else field)
    return labelled(dice, drawn) if dice.random() < 0.2 else drawn
