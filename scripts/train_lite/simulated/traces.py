"""Curves that a heart or a brain draws, and curves that look like them."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from simulated.fields import (
    GREY,
    HOT,
    JET,
    VIRIDIS,
    Colour,
    Dice,
    Floats,
    Pixels,
    cloudy,
    labelled,
    painted,
    pixels,
    sized,
    smooth,
)  # fmt: skip

_PAPERS: tuple[tuple[Colour, Colour], ...] = (
    ((255, 245, 240), (240, 170, 165)),
    ((255, 255, 255), (245, 190, 190)),
    ((255, 255, 255), (200, 215, 240)),
    ((235, 245, 230), (170, 205, 170)),
    ((255, 255, 255), (255, 255, 255)),
    ((15, 20, 20), (30, 60, 40)),
)


def heartbeat(dice: Dice, samples: int, beat: float) -> Floats:
    """A lead of an electrocardiogram: P, QRS and T as Gaussians (after McSharry et al. 2003)."""
    at = np.arange(samples, dtype=float)
    trace = np.zeros(samples)
    start = -dice.uniform(0, beat)
    shape = [
        (0.2, dice.uniform(0.05, 0.2), 0.035),
        (0.36, -dice.uniform(0, 0.25), 0.012),
        (0.4, dice.uniform(-0.6, 1.2), 0.014),
        (0.44, -dice.uniform(0, 0.5), 0.013),
        (0.66, dice.uniform(-0.2, 0.4), 0.05),
    ]
    while start < samples:
        long = beat * dice.normal(1, 0.04)
        for place, height, width in shape:
            trace += height * np.exp(-(((at - start - place * long) / (width * beat)) ** 2))
        start += long
    return (
        trace
        + 0.02 * dice.standard_normal(samples)
        + 0.1 * np.sin(at / samples * dice.uniform(2, 12))
    )


def ecg(dice: Dice) -> Pixels:
    """One lead to twelve on grid paper or on a screen."""
    height, width = int(dice.integers(220, 360)), int(dice.integers(320, 520))
    paper, lines = _PAPERS[dice.integers(len(_PAPERS))]
    image = Image.new("RGB", (width * 2, height * 2), tuple(int(c) for c in paper))
    draw = ImageDraw.Draw(image)
    step = int(dice.integers(8, 16))
    for n, at in enumerate(range(0, max(width, height) * 2, step)):
        tone = tuple(
            int(c * (0.9 if n % 5 == 0 else 0.5) + p * (0.1 if n % 5 == 0 else 0.5))
            for c, p in zip(lines, paper, strict=True)
        )
        thick = 2 if n % 5 == 0 else 1
        draw.line((at, 0, at, height * 2), fill=tone, width=thick)
        draw.line((0, at, width * 2, at), fill=tone, width=thick)
    rows, columns = ((1, 1), (3, 4), (4, 4), (6, 2), (3, 1), (12, 1))[dice.integers(6)]
    ink = (20, 20, 40) if paper[0] > 100 else (60, 255, 120)
    font = ImageFont.load_default(18.0)
    beat = dice.uniform(60, 150)
    for row in range(rows):
        for column in range(columns):
            long = width * 2 // columns
            trace = heartbeat(dice, long, beat)
            middle = (row + 0.6) * height * 2 / rows
            tall = height * 2 / rows * dice.uniform(0.35, 0.6)
            draw.line(
                [(column * long + n, middle - tall * v) for n, v in enumerate(trace)],
                fill=ink,
                width=int(dice.integers(2, 4)),
            )
            if dice.random() < 0.6 and rows > 1:
                name = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")[
                    (row + column * 3) % 12
                ]
                draw.text((column * long + 8, middle - height * 1.2 / rows), name, ink, font)
    small = np.asarray(image.resize((width, height), Image.Resampling.LANCZOS))
    return labelled(dice, small, 40 if paper[0] > 100 else 220) if dice.random() < 0.5 else small


def _waves(dice: Dice, samples: int, rhythm: float) -> Floats:
    """Noise with a rhythm, as of a brain or of the ground."""
    raw = dice.standard_normal(samples)
    slow, fast = (
        ndimage.gaussian_filter1d(raw, rhythm * 3),
        ndimage.gaussian_filter1d(raw, rhythm / 2),
    )
    waves: Floats = slow / slow.std() + 0.6 * fast / fast.std()
    waves += 0.4 * np.sin(np.arange(samples) / rhythm)
    return waves


def eeg(dice: Dice) -> Pixels:
    """Many leads, one above the other."""
    height, width = int(dice.integers(240, 380)), int(dice.integers(320, 500))
    dark = dice.random() < 0.15
    image = Image.new(
        "RGB",
        (width * 2, height * 2),
        (10, 10, 15) if dark else (255, 255, int(dice.integers(235, 256))),
    )
    draw = ImageDraw.Draw(image)
    rows = int(dice.integers(8, 24))
    font = ImageFont.load_default(14.0)
    for at in range(0, width * 2, width // 5):
        draw.line((at, 0, at, height * 2), fill=(200, 205, 215), width=1)
    for row in range(rows):
        trace = _waves(dice, width * 2 - 60, dice.uniform(3, 9))
        tall = height * 2 / rows * dice.uniform(0.15, 0.4)
        middle = (row + 0.5) * height * 2 / rows
        tone = (230, 230, 230) if dark else tuple(int(c) for c in dice.integers(0, 120, 3))
        draw.line([(60 + n, middle - tall * v) for n, v in enumerate(trace)], fill=tone, width=1)
        draw.text(
            (4, middle - 8),
            str(
                dice.choice(("Fp1-F7", "F7-T3", "C3-P3", "O1", "O2", "Cz", "T4", "F4", "P4", "EKG"))
            ),
            (90, 90, 90),
            font,
        )
    return np.asarray(image.resize((width, height), Image.Resampling.LANCZOS))


def line_chart(dice: Dice) -> Pixels:
    """A plot of curves with axes; a share price; a scope's screen; a seismogram."""
    height, width = int(dice.integers(220, 360)), int(dice.integers(300, 480))
    kind = dice.random()
    scope = kind < 0.25
    image = Image.new("RGB", (width * 2, height * 2), (8, 20, 14) if scope else (255, 255, 255))
    draw = ImageDraw.Draw(image)
    if dice.random() < 0.7:
        for at in range(80, width * 2, int(dice.integers(60, 160))):
            draw.line(
                (at, 40, at, height * 2 - 80),
                fill=(30, 80, 50) if scope else (225, 225, 225),
                width=1,
            )
        for at in range(40, height * 2 - 60, int(dice.integers(50, 120))):
            draw.line(
                (80, at, width * 2 - 20, at),
                fill=(30, 80, 50) if scope else (225, 225, 225),
                width=1,
            )
    long = width * 2 - 110
    for _ in range(dice.integers(1, 5)):
        if scope:
            trace = np.sin(np.arange(long) / dice.uniform(10, 60)) ** int(
                dice.integers(1, 4)
            ) * dice.uniform(0.3, 1)
        elif kind < 0.5:
            trace = np.cumsum(dice.standard_normal(long))
            trace = 2 * (trace - trace.min()) / np.ptp(trace) - 1
        elif kind < 0.75:
            swell = np.exp(
                -np.maximum(0, np.arange(long) - dice.uniform(0.1, 0.5) * long) / (0.15 * long)
            )
            trace = dice.standard_normal(long) * np.where(np.arange(long) < 0.3 * long, 0.03, swell)
        else:
            trace = (
                np.tanh(np.linspace(-3, 3, long) * dice.uniform(0.3, 2)) * dice.uniform(-1, 1)
                + 0.1 * smooth(dice, (3, long), 60)[0]
            )
        tone = (80, 255, 130) if scope else tuple(int(c) for c in dice.integers(0, 200, 3))
        draw.line(
            [(90 + n, height - 20 - 0.7 * height * v) for n, v in enumerate(trace)],
            fill=tone,
            width=int(dice.integers(2, 5)),
        )
    if not scope:
        draw.line(
            (80, 30, 80, height * 2 - 70, width * 2 - 20, height * 2 - 70), fill=(0, 0, 0), width=3
        )
        font = ImageFont.load_default(18.0)
        for n in range(6):
            draw.text(
                (80 + n * (width * 2 - 120) / 6, height * 2 - 60), f"{n * 10}", (0, 0, 0), font
            )
            draw.text((30, 40 + n * (height * 2 - 120) / 6), f"{1 - n / 5:.1f}", (0, 0, 0), font)
    small = np.asarray(image.resize((width, height), Image.Resampling.LANCZOS))
    return labelled(dice, small, 120 if scope else 30, 1)


def heat_chart(dice: Dice) -> Pixels:
    """A matrix or a spectrogram in false colours, with axes."""
    size = sized(dice, 220, 340, 0.5)
    stops = (VIRIDIS, JET, HOT, GREY)[dice.integers(4)]
    if dice.random() < 0.5:
        cells = int(dice.integers(4, 24))
        field = np.kron(dice.random((cells, cells)), np.ones((16, 16)))
        field = ndimage.zoom(field, (size[0] / field.shape[0], size[1] / field.shape[1]), order=0)
    else:
        field = cloudy(dice, size, 40) * np.linspace(0.2, 1, size[0])[:, None]
        for _ in range(int(dice.integers(2, 9))):
            at = size[0] * (
                dice.uniform(0.2, 0.95) + 0.08 * np.sin(np.arange(size[1]) / dice.uniform(10, 60))
            )
            field += 0.7 * np.exp(-(((np.arange(size[0])[:, None] - at[None]) / 2.5) ** 2))
        field += 0.15 * dice.random(field.shape)
    body = pixels(painted(np.clip(field, 0, 1), stops))
    page = np.full((body.shape[0] + 50, body.shape[1] + 60, 3), 255, np.uint8)
    page[15 : 15 + body.shape[0], 35 : 35 + body.shape[1]] = body
    return labelled(dice, page, 30, 1)
