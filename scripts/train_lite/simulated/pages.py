"""Pages and screens, drawn: text, tables, handwriting, windows with buttons, bars and pies."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from simulated.fields import Dice, Pixels, cloudy, pixels, smooth

Draw = ImageDraw.ImageDraw
Tone = tuple[int, int, int]
_SYLLABLES = ("an", "ber", "co", "de", "en", "fi", "gra", "ho", "in", "ka", "lo", "mi", "no", "or",
              "pa", "qui", "re", "sta", "te", "un", "ver", "wi", "xo", "y", "za")  # fmt: skip


def _words(dice: Dice, count: int) -> str:
    return " ".join("".join(dice.choice(_SYLLABLES, dice.integers(1, 5))) for _ in range(count))


def _number(dice: Dice) -> str:
    return f"{dice.uniform(0, 10 ** dice.integers(1, 5)):.{dice.integers(0, 3)}f}"


def page(dice: Dice) -> Pixels:
    """A page of print, a table, a form, a note by hand; scanned or photographed."""
    height, width = int(dice.integers(260, 400)), int(dice.integers(240, 360))
    ground = int(dice.integers(225, 256))
    image = Image.new(
        "RGB", (width * 2, height * 2), (ground, ground, int(ground * dice.uniform(0.88, 1)))
    )
    draw = ImageDraw.Draw(image)
    ink: Tone = (20, 20, int(dice.integers(20, 120)))
    kind = dice.random()
    if kind < 0.3:
        _print(dice, draw, width * 2, height * 2, ink)
    elif kind < 0.65:
        _table(dice, draw, (20, int(dice.integers(20, 120)), width * 2 - 20, height * 2 - 20), ink)
    else:
        _hand(dice, draw, width * 2, height * 2, ink)
    small = image.resize((width, height), Image.Resampling.LANCZOS)
    if dice.random() < 0.4:
        small = small.rotate(dice.normal(0, 3), Image.Resampling.BILINEAR, fillcolor=(60, 50, 45))
    field = np.asarray(small, dtype=np.float64) / 255
    light = 1 - dice.uniform(0, 0.4) * smooth(dice, (height, width), 200)
    field = field * light[..., None] + 0.03 * (cloudy(dice, (height, width), 8, 2) - 0.5)[..., None]
    return pixels(field)


def _print(dice: Dice, draw: Draw, width: int, height: int, ink: Tone) -> None:
    tall = int(dice.integers(13, 26))
    font = ImageFont.load_default(float(tall))
    y, columns = 30, int(dice.choice((1, 1, 2)))
    draw.text((30, y), _words(dice, 4).title(), ink, ImageFont.load_default(34.0))
    for column in range(columns):
        y = 90
        while y < height - 40:
            if dice.random() < 0.12:
                y += tall
            left = 30 + column * (width - 40) // columns
            room = (width - 60) // columns - 20
            line = _words(dice, 14)
            draw.text((left, y), line[: int(room / tall * 1.9)], ink, font)
            y += int(tall * 1.3)


def _table(dice: Dice, draw: Draw, box: tuple[int, int, int, int], ink: Tone) -> None:
    left, top, right, bottom = box
    most = int(np.clip((bottom - top) // 18, 4, 26))  # print any smaller is not legible
    rows, columns = int(dice.integers(3, most)), int(dice.integers(3, 9))
    font = ImageFont.load_default(float(np.clip((bottom - top) / rows * 0.55, 9, 24)))
    ruled = dice.random() < 0.6
    head = tuple(int(c) for c in dice.integers(120, 250, 3))
    for row in range(rows):
        y = top + (bottom - top) * row / rows
        if row == 0 and dice.random() < 0.6:
            draw.rectangle((left, y, right, y + (bottom - top) / rows), fill=head)
        if ruled or row < 2:
            draw.line((left, y, right, y), fill=ink, width=2)
        for column in range(columns):
            x = left + (right - left) * column / columns
            text = _words(dice, 1) if row == 0 or column == 0 else _number(dice)
            draw.text((x + 6, y + 4), text[:12], ink, font)
            if ruled and row == 0:
                draw.line((x, top, x, bottom), fill=ink, width=2)
    draw.line((left, bottom, right, bottom), fill=ink, width=2)


def _hand(dice: Dice, draw: Draw, width: int, height: int, ink: Tone) -> None:
    """Loops that run on, one letter after another, on lines or on none."""
    step = int(dice.integers(36, 80))
    if dice.random() < 0.5:
        for y in range(60, height, step):
            draw.line((0, y, width, y), fill=(170, 190, 220), width=2)
    slant, tall, thick = (
        dice.uniform(-0.1, 0.5),
        step * dice.uniform(0.2, 0.35),
        int(dice.integers(2, 6)),
    )
    for y in range(60, height - 10, step):
        x = dice.uniform(20, 60)
        while x < width - 60:
            letters = int(dice.integers(2, 9))
            points = []
            for n in range(letters * 8):
                at = n / 8 * 2 * math.pi
                rise = tall * (1.9 if (n // 8) % 4 == int(dice.integers(5)) else 0.9)
                up = rise * (0.5 + 0.5 * math.sin(at)) + dice.normal(0, 1)
                x += tall * 0.13 * (1 + 0.9 * math.cos(at + 0.6))
                points.append((x + slant * up, y - up))
            draw.line(points, fill=ink, width=thick, joint="curve")
            x += tall * 1.3


def screen(dice: Dice) -> Pixels:
    """A program's window: a bar, a side list, buttons, fields, tables, bars, pies."""
    height, width = int(dice.integers(220, 300)), int(dice.integers(320, 440))
    dark = dice.random() < 0.3
    ground: Tone = (30, 32, 38) if dark else (245, 246, 248)
    ink: Tone = (225, 225, 230) if dark else (40, 42, 50)
    accent: Tone = (
        int(dice.integers(0, 256)),
        int(dice.integers(60, 200)),
        int(dice.integers(80, 256)),
    )
    image = Image.new("RGB", (width * 2, height * 2), ground)
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(float(dice.integers(14, 22)))
    draw.rectangle((0, 0, width * 2, 44), fill=accent if dice.random() < 0.6 else (210, 212, 216))
    draw.text((16, 10), _words(dice, 2).title(), ink, font)
    left = 0
    if dice.random() < 0.7:
        left = int(dice.integers(100, 190))
        draw.rectangle((0, 44, left, height * 2), fill=tuple(max(0, c - 18) for c in ground))
        for y in range(60, height * 2 - 20, int(dice.integers(28, 48))):
            draw.text((14, y), _words(dice, 1), ink, font)
    y = 60
    while y < height * 2 - 60:
        tall = int(dice.integers(40, 220))
        box = (left + 16, y, width * 2 - 16, min(y + tall, height * 2 - 12))
        kind = dice.random()
        if kind < 0.3:
            for x in range(left + 16, width * 2 - 150, 170):
                draw.rounded_rectangle((x, y, x + 140, y + 34), 6, outline=ink, fill=accent)
                draw.text((x + 10, y + 6), _words(dice, 1), ground, font)
            tall = 40
        elif kind < 0.5 and tall > 90:
            _table(dice, draw, box, ink)
        elif kind < 0.7 and tall > 70:
            _bars(dice, draw, box, accent, ink)
        elif kind < 0.82 and tall > 90:
            start = 0.0
            while start < 360:
                end = start + dice.uniform(20, 140)
                tone = tuple(int(c) for c in dice.integers(40, 240, 3))
                draw.pieslice(
                    (left + 60, y, left + 60 + tall, y + tall), start, min(end, 360), fill=tone
                )
                start = end
        else:
            for n in range(max(1, tall // 30)):
                draw.text(
                    (left + 20, y + n * 30), _words(dice, int(dice.integers(3, 10))), ink, font
                )
        y += tall + 18
    return np.asarray(image.resize((width, height), Image.Resampling.LANCZOS))


def _bars(dice: Dice, draw: Draw, box: tuple[int, int, int, int], accent: Tone, ink: Tone) -> None:
    left, top, right, bottom = box
    count = int(dice.integers(4, 24))
    wide = (right - left) / count
    for n in range(count):
        x, tall = left + n * wide, dice.uniform(0.1, 1) * (bottom - top)
        draw.rectangle((x + wide * 0.15, bottom - tall, x + wide * 0.85, bottom), fill=accent)
    draw.line((left, top, left, bottom, right, bottom), fill=ink, width=2)
