"""What the screen of an ultrasound device adds: flow in colours, ticks, bars, words."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from simulated.fields import (
    Dice,
    Floats,
    Pixels,
    cloudy,
    labelled,
    mixed,
    painted,
    pixels,
    smooth,
)

Marks = list[tuple[float, float, float, float]]  # y, x, and half the height and width of a finding


def coloured(dice: Dice, picture: Floats, flow: Floats) -> Floats:
    """Colour Doppler in its box: red towards the probe, blue away, paler where fast."""
    size = flow.shape
    height, width = size
    top, left = round(height * dice.uniform(0.15, 0.3)), round(width * dice.uniform(0.1, 0.3))
    box = np.zeros(size, dtype=bool)
    box[top : round(height * dice.uniform(0.65, 0.9)), left : width - left] = True
    speed = np.clip(smooth(dice, (height, width), 40) + dice.uniform(-0.3, 0.3), 0, 1)
    tone = painted(
        speed, ((0.3, 0.9, 1), (0, 0.2, 0.9), (0.05, 0, 0.2), (0.8, 0.05, 0), (1, 0.85, 0.2))
    )
    there = (flow > 0.5) & box & (cloudy(dice, (height, width), 14, 2) > dice.uniform(0.2, 0.5))
    found = mixed(picture, tone, there.astype(float))
    if dice.random() < 0.7:
        edge = box & ~(
            np.roll(box, 1, 0) & np.roll(box, -1, 0) & np.roll(box, 1, 1) & np.roll(box, -1, 1)
        )
        found = mixed(
            found, (1, 1, 1) if dice.random() < 0.5 else (0.2, 0.9, 0.2), edge.astype(float)
        )
    return found


def on_screen(dice: Dice, picture: Floats, places: Marks) -> Pixels:
    """As the device shows it, with its tint, ticks and bars, or cut out of that."""
    if dice.random() < 0.15:
        warm = dice.random() < 0.5
        picture = picture * (np.array((1.0, 0.9, 0.72)) if warm else np.array((0.8, 0.93, 1.0)))
    drawn = pixels(picture)
    kind = dice.random()
    if kind < 0.55:
        return drawn
    height, width = drawn.shape[:2]
    left, top, right, bottom = (int(v) for v in dice.integers(0, 45, 4))
    if kind < 0.7:
        left = top = right = bottom = 0
    page = Image.new("RGB", (width + left + right, height + top + bottom))
    page.paste(Image.fromarray(drawn), (left, top))
    draw = ImageDraw.Draw(page)
    tone = (int(dice.integers(150, 256)),) * 3
    if dice.random() < 0.7:  # depth in centimetres
        step = height / int(dice.integers(4, 16))
        at_x = left + width - 6 if dice.random() < 0.7 else left + 1
        for n in range(int(height / step)):
            long = 5 if n % 5 == 0 else 2
            draw.line((at_x, top + n * step, at_x + long, top + n * step), fill=tone)
    if dice.random() < 0.4:  # the scale of greys
        at_x, long = left + int(dice.integers(1, 10)), height // 4
        for n in range(long):
            draw.line((at_x, top + 8 + n, at_x + 6, top + 8 + n), fill=(255 - 255 * n // long,) * 3)
    font = ImageFont.load_default(float(dice.integers(8, 14)))
    for cy, cx, ry, rx in places:
        if dice.random() < 0.35:
            mx, my = left + width / 2 + cx * height, top + cy * height
            dx, dy = rx * height, ry * height
            tips = ((mx - dx, my, mx + dx, my), (mx, my - dy, mx, my + dy))
            for x0, y0, x1, y1 in tips[: int(dice.integers(1, 3))]:
                for part in np.arange(0, 1, 0.06):
                    draw.point((x0 + part * (x1 - x0), y0 + part * (y1 - y0)), fill=tone)
                for px, py in ((x0, y0), (x1, y1)):
                    draw.line((px - 4, py, px + 4, py), fill=tone)
                    draw.line((px, py - 4, px, py + 4), fill=tone)
    if dice.random() < 0.3:
        draw.text(
            (left + 4, top + height - 16),
            str(dice.choice(("LIV", "RT", "L", "R KID", "TRV", "SAG", "GB"))),
            tone,
            font,
        )
    shown = np.asarray(page)
    return labelled(dice, shown, tone[0], 4) if dice.random() < 0.6 else shown
