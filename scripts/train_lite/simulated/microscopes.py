"""Tissue, cells and germs under the microscope, drawn."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from scipy.ndimage import gaussian_filter

from simulated.fields import (
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
    strokes,
    wander,
)  # fmt: skip


def tissue(dice: Dice) -> Pixels:
    """A stained section: haematoxylin and eosin, or brown and blue."""
    size = sized(dice)
    brown = dice.random() < 0.25
    ground = (
        ((0.95, 0.94, 0.95), (0.85, 0.82, 0.85)) if brown else ((0.98, 0.9, 0.95), (0.85, 0.5, 0.7))
    )
    fibres = cloudy(dice, size, dice.uniform(20, 70), 5)
    streaks = np.abs(np.sin(smooth(dice, size, 90) * dice.uniform(20, 120)))
    picture = painted(np.clip(0.7 * fibres + 0.4 * streaks * fibres, 0, 1), ground)
    holes = np.zeros(size)
    for _ in range(dice.integers(0, 9)):
        gland = blob(dice, size, *dice.uniform(-1, 1, 2), *dice.uniform(0.08, 0.35, 2), rough=0.7)
        picture = mixed(
            picture,
            (0.72, 0.45, 0.72) if not brown else (0.6, 0.4, 0.25),
            0.6 * soft(gland / 1.3, 0.06),
        )
        holes = np.maximum(holes, soft(gland / 0.75, 0.04))
    picture = mixed(picture, (0.96, 0.94, 0.96), holes)
    many = int(dice.integers(80, 700))
    small = dice.uniform(2, 7)
    nuclei = ovals(size, spots(dice, size, many, small * 0.7, small * 1.4, 0.6, 0.4), 0.8) * (
        1 - holes
    )
    dark = (0.35, 0.2, 0.5) if not brown else (0.35, 0.42, 0.65)
    picture = mixed(picture, dark, (0.55 + 0.35 * cloudy(dice, size, 8, 2)) * nuclei)
    if brown:
        stained = ovals(size, spots(dice, size, many // 3, small, small * 1.6), 0.8)
        picture = mixed(picture, (0.45, 0.27, 0.12), 0.8 * stained)
    return pixels(picture * dice.uniform(0.9, 1.03))


def cytology(dice: Dice) -> Pixels:
    """Single stained cells with large nuclei, as in a Pap smear."""
    size = sized(dice)
    picture = (
        np.full((*size, 3), np.array((0.93, 0.95, 0.95)))
        * (0.92 + 0.1 * smooth(dice, size, 120))[..., None]
    )
    tones = ((0.5, 0.75, 0.8), (0.92, 0.65, 0.72), (0.7, 0.72, 0.85))
    for y, x, ry, rx, turn in spots(dice, size, int(dice.integers(4, 30)), 14, 55, 0.4, 0.2):
        outline = [(y + dice.normal(0, 3), x + dice.normal(0, 3), ry, rx, turn)]
        body = ovals(size, outline, 2)
        tone = np.array(tones[dice.integers(3)])
        picture = mixed(
            picture,
            tone,
            (0.35 + 0.2 * cloudy(dice, size, 10, 2)) * body,
        )
        core = dice.uniform(0.15, 0.5)
        nucleus = ovals(size, [(y, x, ry * core, rx * core, turn)], 1)
        picture = mixed(picture, (0.3, 0.22, 0.45), 0.8 * nucleus)
    return pixels(picture)


def blood(dice: Dice) -> Pixels:
    """A stained film: red cells with pale middles, white cells with lobed nuclei, parasites."""
    size = sized(dice)
    ground = np.array(dice.choice(((0.95, 0.93, 0.93), (0.93, 0.9, 0.82), (0.85, 0.85, 0.92))))
    picture = ground * (0.93 + 0.1 * smooth(dice, size, 200))[..., None]
    radius = dice.uniform(8, 24)
    red = spots(
        dice,
        size,
        int(dice.integers(20, 160)),
        radius * 0.9,
        radius * 1.1,
        dice.uniform(0.7, 1),
        0.1,
    )
    tone = np.array(dice.choice(((0.85, 0.55, 0.58), (0.8, 0.62, 0.55), (0.72, 0.6, 0.66))))
    picture = mixed(picture, tone, 0.85 * ovals(size, red, 1))
    pale = [(y, x, ry * 0.45, rx * 0.45, t) for y, x, ry, rx, t in red]
    picture = mixed(picture, ground, 0.45 * ovals(size, pale, radius / 5))
    for y, x, r, _, _ in spots(dice, size, int(dice.integers(0, 4)), radius * 1.3, radius * 2, 1):
        picture = mixed(picture, (0.75, 0.7, 0.85), 0.7 * ovals(size, [(y, x, r, r, 0)], 1.5))
        lobes = [
            (
                y + dice.normal(0, r / 3),
                x + dice.normal(0, r / 3),
                r * 0.4,
                r * 0.5,
                dice.uniform(0, 180),
            )
            for _ in range(3)
        ]
        picture = mixed(picture, (0.38, 0.2, 0.55), 0.9 * ovals(size, lobes, 1.5))
    return pixels(picture)


def fluorescence(dice: Dice) -> Pixels:
    """Glowing nuclei and fibres on black."""
    size = sized(dice)
    picture = np.zeros((*size, 3))
    tones = [
        (0.15, 0.3, 1.0),
        (0.1, 1.0, 0.2),
        (1.0, 0.15, 0.1),
        (0.9, 0.1, 0.9),
        (0, 0.9, 0.9),
        (1, 1, 1),
    ]
    radius = dice.uniform(3, 20)
    cells = spots(dice, size, int(dice.integers(10, 150)), radius * 0.7, radius * 1.3, 0.9, 0.3)
    for part in range(int(dice.integers(1, 4))):
        kind = dice.random()
        if part == 0 or kind < 0.4:
            light = ovals(size, cells, radius / 6) * (0.4 + 0.6 * cloudy(dice, size, radius))
        elif kind < 0.7:
            light = strokes(size, wander(dice, size, 120, 1, 0.1, 0.3), 0.8) * smooth(
                dice, size, 60
            )
        else:
            light = ovals(
                size, [(y, x, ry * 1.9, rx * 1.9, t) for y, x, ry, rx, t in cells], radius / 2
            ) * cloudy(dice, size, 6, 2)
        picture += (
            dice.uniform(0.5, 1.0) * light[..., None] * np.array(tones[dice.integers(len(tones))])
        )
    picture += np.abs(dice.normal(0, 0.015, size))[..., None]
    return labelled(dice, pixels(picture)) if dice.random() < 0.15 else pixels(picture)


def cultured(dice: Dice) -> Pixels:
    """Living cells by phase contrast: grey, each in a bright halo."""
    size = sized(dice)
    field = 0.5 + 0.12 * smooth(dice, size, 150) + 0.05 * (cloudy(dice, size, 5, 2) - 0.5)
    radius = dice.uniform(5, 22)
    cells = spots(
        dice,
        size,
        int(dice.integers(8, 120)),
        radius * 0.6,
        radius * 1.3,
        0.7,
        dice.uniform(0, 0.8),
    )
    field += 0.35 * ovals(size, [(y, x, ry * 1.25, rx * 1.25, t) for y, x, ry, rx, t in cells], 2)
    field -= (
        dice.uniform(0.3, 0.6) * ovals(size, cells, 1.5) * (0.6 + 0.6 * cloudy(dice, size, 6, 2))
    )
    drawn = grey(field + dice.normal(0, 0.01, size))
    return labelled(dice, drawn) if dice.random() < 0.2 else drawn


def bacteria(dice: Dice) -> Pixels:
    """Stained rods or cocci on a light ground."""
    size = sized(dice)
    ground = np.array(dice.choice(((0.95, 0.92, 0.85), (0.93, 0.85, 0.88), (0.9, 0.93, 0.95))))
    picture = ground * (0.9 + 0.12 * cloudy(dice, size, 80))[..., None]
    smudge = cloudy(dice, size, 60) > 0.7
    picture = mixed(picture, (0.85, 0.6, 0.7), 0.35 * smudge.astype(float))
    tone = dice.choice(((0.32, 0.15, 0.5), (0.8, 0.25, 0.4), (0.2, 0.3, 0.6)))
    r = dice.uniform(1.5, 5)
    germs = spots(
        dice, size, int(dice.integers(40, 500)), r * 0.8, r * 1.2, 0, dice.choice((0.05, 0.9))
    )
    crowd = smooth(dice, size, 70)
    germs = [
        g
        for g in germs
        if crowd[int(min(g[0], size[0] - 1)), int(min(g[1], size[1] - 1))] > dice.uniform(0.2, 0.6)
    ]
    return pixels(mixed(picture, np.array(tone), 0.85 * ovals(size, germs, 0.6)))


def agar_plate(dice: Dice) -> Pixels:
    """Colonies in a Petri dish."""
    size = sized(dice, 240, 360, 0.1)
    ground = np.full((*size, 3), dice.choice((0.05, 0.4, 0.92)))
    tone = np.array(
        dice.choice(
            (
                (0.6, 0.1, 0.1),
                (0.88, 0.8, 0.6),
                (0.9, 0.85, 0.75),
                (0.5, 0.65, 0.5),
                (0.25, 0.2, 0.2),
            )
        )
    )
    dish = ellipse(size, 0, 0, 0.9, 0.9)
    picture = mixed(
        ground, tone * (0.85 + 0.2 * smooth(dice, size, 120))[..., None], soft(dish, 0.01)
    )
    picture = mixed(picture, (0.85, 0.85, 0.88), 0.6 * np.exp(-(((dish - 1) / 0.025) ** 2)))
    r = dice.uniform(2, 8)
    colonies = spots(dice, size, int(dice.integers(10, 200)), r * 0.5, r * 1.5, 0.5, 0.1)
    share = ovals(size, colonies, 1) * soft(dish / 0.9, 0.02)
    colony = np.array(
        dice.choice(((0.95, 0.92, 0.8), (0.9, 0.8, 0.4), (0.7, 0.75, 0.7), (0.5, 0.1, 0.3)))
    )
    return pixels(mixed(picture, colony, 0.85 * share))


def chromosomes(dice: Dice) -> Pixels:
    """Banded chromosomes, in ordered pairs or spread."""
    height, width = sized(dice, 280, 380, 0.3)
    image = Image.new("L", (width, height), int(dice.integers(225, 256)))
    ordered = dice.random() < 0.6
    font = ImageFont.load_default(10.0)
    draw = ImageDraw.Draw(image)

    def stick(cx: float, cy: float, long: float, turn: float) -> None:
        bend = dice.normal(0, 0.03)
        x, y, heading = cx, cy, turn
        tones = dice.integers(30, 170, 12)
        for n in range(int(long / 2)):
            tone = int(tones[int(n / max(long / 2, 1) * 11)])
            dx, dy = 4.2 * math.sin(heading), 4.2 * math.cos(heading)
            pinch = 0.5 if n == int(long / 5) else 1.0
            draw.line(
                (x - dx * pinch, y + dy * pinch, x + dx * pinch, y - dy * pinch), fill=tone, width=3
            )
            x, y, heading = x + 2 * math.cos(heading), y + 2 * math.sin(heading), heading + bend

    if ordered:
        number = 1
        for row, count in enumerate((5, 7, 6, 5)):
            for column in range(count):
                cx, cy = (column + 0.5) / count * width, (row + 0.1) * height / 4
                long = (1.2 - 0.03 * number) * height / 7
                for side in (-7, 7):
                    stick(
                        cx + side,
                        cy + (height / 5 - long) * 0.5,
                        long,
                        math.pi / 2 + dice.normal(0, 0.12),
                    )
                draw.text((cx - 4, (row + 0.86) * height / 4), str(number), 40, font)
                number += 1
    else:
        for _ in range(46):
            x, y = dice.uniform(0.15, 0.85, 2) * (width, height)
            stick(x, y, dice.uniform(15, 60), dice.uniform(0, 6.3))
    field = np.asarray(image.filter(ImageFilter.GaussianBlur(0.8)), dtype=np.float64) / 255
    if dice.random() < 0.2:
        return pixels(np.stack([field, field * 0.85 + 0.1, field], axis=-1))
    return grey(field)


def lab_test(dice: Dice) -> Pixels:
    """A test cassette or strip with its lines."""
    size = sized(dice, 240, 360, 0.3)
    ground = np.array(dice.uniform(0.1, 0.9, 3))
    picture = ground * (0.8 + 0.25 * smooth(dice, size, 90))[..., None]
    y, x = grid(size)
    turn = dice.normal(0, 0.15)
    u, v = x * math.cos(turn) + y * math.sin(turn), -x * math.sin(turn) + y * math.cos(turn)
    wide, tall = dice.uniform(0.2, 0.35), dice.uniform(0.6, 0.85)

    def plate(cu: float, cv: float, ru: float, rv: float) -> Floats:
        return soft(((np.abs(u - cu) / ru) ** 8 + (np.abs(v - cv) / rv) ** 8) ** (1 / 8), 0.02)

    picture = mixed(picture, (0.95, 0.95, 0.96), plate(0, 0, wide, tall))
    picture = mixed(picture, (0.78, 0.78, 0.8), plate(0, -0.15 * tall, wide * 0.35, tall * 0.35))
    window = plate(0, -0.15 * tall, wide * 0.28, tall * 0.3)
    picture = mixed(picture, (0.97, 0.95, 0.95), window)
    tone = dice.choice(((0.75, 0.15, 0.3), (0.3, 0.2, 0.6)))
    for at in (-0.25, -0.05)[: int(dice.integers(1, 3))]:
        line = np.exp(-(((v - at * tall) / 0.014) ** 2))
        picture = mixed(
            picture,
            np.array(tone),
            dice.uniform(0.4, 0.9) * line * window,
        )
    picture = mixed(picture, (0.7, 0.7, 0.73), plate(0, 0.6 * tall, wide * 0.4, wide * 0.4))
    return labelled(dice, pixels(picture), 60, 1)


def slide(dice: Dice) -> Pixels:
    """A section at high magnification: strands or sheets of cells, large nuclei, red cells."""
    size = sized(dice, 240, 380, 0.2)
    ground = np.array((0.96, 0.92, 0.95)) - dice.uniform(0, 0.1, 3) * (1, 0.8, 0.2)
    plasm = np.array(dice.choice(((0.9, 0.5, 0.74), (0.78, 0.52, 0.82), (0.88, 0.6, 0.72))))
    strands = cloudy(dice, size, dice.uniform(50, 150), 4, 0.35)
    sheet = dice.random() < 0.4
    share = 1.4 * strands if sheet else np.abs(strands - 0.5) / dice.uniform(0.05, 0.18)
    cells = soft(share, dice.uniform(0.03, 0.1))
    # Fibres run along the strands and take up more or less of the dye; knives leave clefts.
    fibres = 0.5 + 0.5 * np.sin(strands * dice.uniform(60, 200) + 3 * smooth(dice, size, 20))
    clefts = (np.abs(smooth(dice, size, 26) - 0.5) < 0.025) & (smooth(dice, size, 60) > 0.55)
    cells = cells * (1 - 0.9 * clefts)
    dyed = plasm * (0.82 + 0.2 * fibres + 0.22 * (cloudy(dice, size, 12, 3) - 0.5))[..., None]
    picture = mixed(ground * (0.97 + 0.04 * smooth(dice, size, 90))[..., None], dyed, cells)
    radius = dice.uniform(4, 13)
    if dice.random() < 0.6:
        red = spots(dice, size, int(dice.integers(5, 90)), radius * 0.5, radius * 0.75, 0.9, 0.25)
        crowd = smooth(dice, size, 80)
        red = [r for r in red if crowd[int(r[0]) - 1, int(r[1]) - 1] > 0.45]
        blood_red = np.array((0.88, 0.2, 0.42)) + dice.uniform(-0.06, 0.06, 3)
        picture = mixed(picture, blood_red, 0.88 * ovals(size, red, 0.6))
    places = spots(dice, size, int(dice.integers(60, 300)), radius * 0.55, radius, 0.7, 0.6)
    there = [p for p in places if cells[int(p[0]) - 1, int(p[1]) - 1] > 0.3]
    dark = np.array((0.33, 0.17, 0.52)) + dice.uniform(-0.1, 0.1, 3)
    halo = [(y, x, ry * 1.7, rx * 1.7, t) for y, x, ry, rx, t in there]
    picture = mixed(picture, plasm * 0.85, 0.4 * ovals(size, halo, radius / 3))
    chromatin = 0.55 + 0.45 * cloudy(dice, size, max(3.0, radius / 2), 2)
    picture = mixed(picture, dark, 0.92 * chromatin * ovals(size, there, 0.7))
    core = [(y, x, ry * 0.8, rx * 0.8, t) for y, x, ry, rx, t in there[::2]]
    picture = mixed(picture, dark * 0.5 + 0.42, 0.35 * ovals(size, core, 1))
    picture = picture + dice.uniform(0, 0.8) * (picture - gaussian_filter(picture, (1.2, 1.2, 0)))
    return pixels(picture * dice.uniform(0.92, 1.05))
