"""What an electron microscope shows, drawn: particles, fibres, crystals, with their bars."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from simulated.fields import (
    Dice,
    Floats,
    Pixels,
    Size,
    cells_of,
    cloudy,
    grey,
    labelled,
    sized,
    smooth,
    soft,
    spots,
    strokes,
    wander,
)


def micrograph(dice: Dice) -> Pixels:
    """Transmission or scanning: shadows of particles on a pale film, or lit relief on dark."""
    size = sized(dice)
    kind = dice.random()
    if kind < 0.5:
        field = _transmitted(dice, size)
    elif kind < 0.8:
        field = _scanned(dice, size)
    elif kind < 0.9:
        field = np.full(size, 0.1) + 0.1 * cloudy(dice, size, 60)
        for depth in range(5):
            fibre = strokes(size, wander(dice, size, 12, dice.uniform(2, 9), 0.05, 1.2), 0.8)
            edge = np.abs(np.gradient(fibre, axis=0))
            field = np.where(fibre > 0.5, 0.3 + 0.12 * depth, field) + 0.1 * edge
    else:
        which, edge = cells_of(dice, size, int(dice.integers(20, 200)))
        slope = dice.uniform(0.2, 0.8, which.max() + 1)[which]
        field = slope * (0.6 + 0.5 * cloudy(dice, size, 20)) + 0.3 * (edge < 1.5)
    noise = dice.normal(0, 0.1 * dice.random() ** 3, size)
    field = field + ndimage.gaussian_filter(noise, dice.uniform(0.3, 0.9)) * 1.5
    field = 0.5 + (field - 0.5) * dice.uniform(0.7, 1.2)
    return _figure(dice, grey(field))


def _thickness(dice: Dice, size: Size) -> Floats:
    """How deep the particles are along the beam, 1 for the thickest: balls, shells, rods, cubes;
    alone, in flocks or in rows."""
    y, x = np.mgrid[: size[0], : size[1]].astype(float)
    r = math.exp(dice.uniform(math.log(2.5), math.log(75)))
    many = int(np.clip(dice.uniform(0.05, 0.7) * size[0] * size[1] / (math.pi * r * r), 1, 140))
    apart = float(dice.choice((0.6, 0.95, 1.0, 1.6)))
    even = dice.uniform(0.6, 0.98)
    places = spots(dice, size, many, r * even, r, apart)
    if dice.random() < 0.3:
        crowd = smooth(dice, size, 90)
        places = [p for p in places if crowd[int(p[0]) - 1, int(p[1]) - 1] > 0.5] or places[:3]
    form = str(
        dice.choice(("ball", "shell", "rod", "cube", "grain"), p=(0.4, 0.15, 0.2, 0.1, 0.15))
    )
    long = dice.uniform(1.5, 5)
    inner = dice.uniform(0.35, 0.85)
    deep = np.zeros(size)
    for cy, cx, ry, _, turn in places:
        reach = ry * (long if form == "rod" else 1.5) + 3
        rows = slice(max(0, int(cy - reach)), int(cy + reach) + 1)
        columns = slice(max(0, int(cx - reach)), int(cx + reach) + 1)
        dy, dx = y[rows, columns] - cy, x[rows, columns] - cx
        c, s = math.cos(math.radians(turn)), math.sin(math.radians(turn))
        u, v = c * dx + s * dy, c * dy - s * dx
        if form == "rod":
            off = np.hypot(np.maximum(np.abs(u) - ry * (long - 1), 0), v) / ry
        elif form == "cube":
            off = np.maximum(np.abs(u), np.abs(v)) / (0.85 * ry)
        elif form == "grain":
            angle = np.arctan2(v, u)
            wavy = 1 + 0.14 * np.cos(3 * angle + turn) + 0.08 * np.cos(7 * angle - turn)
            off = np.hypot(u, v) / (ry * wavy)
        else:
            off = np.hypot(u, v) / ry
        bulk = soft(off, 0.02) if form == "cube" else np.sqrt(np.clip(1 - off**2, 0, 1))
        if form == "shell":
            bulk = bulk - 0.85 * np.sqrt(np.clip(inner**2 - off**2, 0, 1))
        share = dice.uniform(0.6, 1.0)
        deep[rows, columns] = np.maximum(deep[rows, columns], share * bulk)
    return deep


def _transmitted(dice: Dice, size: Size) -> Floats:
    """Electrons that pass: fewer the thicker what they meet (Beer's law), on a grained film."""
    film = dice.uniform(0.6, 0.92) + 0.12 * (smooth(dice, size, 150) - 0.5)
    film = film + 0.05 * (cloudy(dice, size, 5, 2) - 0.5)
    if dice.random() < 0.3:  # a dirty film, or one with holes
        film = film - dice.uniform(0.1, 0.3) * np.clip(cloudy(dice, size, 50, 4) - 0.5, 0, 1)
    deep = _thickness(dice, size)
    found: Floats = film * np.exp(-dice.uniform(0.6, 3.5) * deep)
    if dice.random() < 0.3:  # diffraction: some crystals are darker than others
        found = found * (1 - 0.4 * (smooth(dice, size, 25) > 0.6) * (deep > 0.05))
    if dice.random() < 0.12:
        found = 1 - found  # dark field
    return found


def _scanned(dice: Dice, size: Size) -> Floats:
    """Secondary electrons: the more the steeper the relief, so that edges glow."""
    height = _thickness(dice, size) * dice.uniform(8, 30)
    height = height + dice.uniform(0.3, 3) * cloudy(dice, size, dice.uniform(5, 30), 3)
    down, across = np.gradient(ndimage.gaussian_filter(height, 0.8))
    steep = np.sqrt(1 + down**2 + across**2)
    field = dice.uniform(0.08, 0.3) + 0.25 * np.log(steep) + dice.uniform(0, 0.12) * (across - down)
    hollow = ndimage.gaussian_filter(height, 12) - height
    found: Floats = field + dice.uniform(0, 0.4) * (height > 3) - 0.012 * np.clip(hollow, 0, 15)
    return np.clip(found, 0, 1)


def _figure(dice: Dice, drawn: Pixels) -> Pixels:
    """Bars and letters as authors and devices put them."""
    height, width = drawn.shape[:2]
    image = Image.fromarray(drawn)
    draw = ImageDraw.Draw(image)
    words = f"{dice.choice((1, 2, 5, 10, 20, 50, 100, 200, 500))} {dice.choice(('nm', 'um'))}"
    tall = int(dice.integers(10, 22))
    font = ImageFont.load_default(float(tall))
    kind = dice.random()
    bright = float(drawn[int(height * 0.85) :].mean()) > 110
    if kind < 0.25:
        bar = max(14, height // 12)
        draw.rectangle((0, height - bar, width, height), fill=(0, 0, 0))
        middle = height - bar // 2
        draw.rectangle((width * 0.7, middle - 1, width * 0.9, middle + 1), fill=(255, 255, 255))
        image = Image.fromarray(labelled(dice, np.asarray(image)))
        draw = ImageDraw.Draw(image)
    elif kind < 0.9:
        left = width * float(dice.choice((0.05, 0.7)))
        long = width * dice.uniform(0.12, 0.25)
        tone = (0, 0, 0) if bright else (255, 255, 255)
        if dice.random() < 0.3:
            box = (left - 4, height * 0.86, left + long + 6, height)
            draw.rectangle(box, fill=(255, 255, 255))
            tone = (0, 0, 0)
        draw.rectangle((left, height * 0.95, left + long, height * 0.95 + 4), fill=tone)
        draw.text((left, height * 0.94 - tall - 3), words, tone, font)
    if dice.random() < 0.65:
        letter = str(dice.choice(("(a)", "(b)", "c", "B", "d)", "(D)", "a")))
        tall = int(dice.integers(16, 34))
        big = ImageFont.load_default(float(tall))
        tone = (0, 0, 0)
        if dice.random() < 0.4:
            draw.rectangle((0, 0, tall * 1.4, tall * 1.2), fill=(255, 255, 255))
        elif float(drawn[: height // 8, : width // 8].mean()) < 120:
            tone = (255, 255, 255)
        draw.text((4, 1), letter, tone, big)
    return np.asarray(image)
