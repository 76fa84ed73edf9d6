"""How an ultrasound device listens: beams, speckle, shadows, loss with depth, compressed echoes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from simulated.fields import Dice, Floats, Path, Size, cloudy, smooth, soft, strokes, wander

SILENT = -70.0  # decibels of a fluid against the brightest echo


@dataclass
class Body:
    """What lies before the probe, a row a depth and a column a beam.

    y (depth, 0 to 1) and x (sideways, 0 in the middle) say where each sample lies; `echo` is how
    strongly it scatters and `lost` what the way there took, both in decibels.
    """

    y: Floats
    x: Floats
    echo: Floats
    lost: Floats

    @property
    def size(self) -> Size:
        return self.y.shape[0], self.y.shape[1]

    def near(
        self, dice: Dice, cy: float, cx: float, ry: float, rx: float, rough: float = 0.2
    ) -> Floats:
        """Like `fields.blob`, where the samples truly lie: circles stay round in a sector."""
        turn = dice.uniform(-0.4, 0.4)
        c, s = math.cos(turn), math.sin(turn)
        y, x = self.y - cy, self.x - cx
        ring = np.hypot((c * x + s * y) / rx, (c * y - s * x) / ry)
        uneven = smooth(dice, self.size, 30) + 0.4 * smooth(dice, self.size, 9) - 0.7
        found: Floats = ring + (rough + 0.05) * uneven
        return found

    def fill(self, share: Floats, loud: float | Floats) -> None:
        """Where `share` is 1 the echoes become `loud`."""
        self.echo = self.echo * (1 - share) + share * loud

    def shine(self, cover: Floats, loud: float) -> None:
        """A mirror-like interface on top of what scatters there."""
        self.echo = np.maximum(self.echo, loud + 20 * np.log10(np.clip(cover, 1e-4, 1)))

    def wall(self, dice: Dice, ring: Floats, thick: float, loud: float) -> None:
        """The wall of a shape: loud where the beam meets it squarely, broken elsewhere."""
        down, across = np.gradient(ring)
        square = np.abs(down) / np.maximum(np.hypot(down, across), 1e-9)
        patchy = 10 ** (-0.7 * smooth(dice, self.size, 14) - 0.5 * smooth(dice, self.size, 40))
        self.shine(rim(ring, thick) * (0.15 + 0.85 * square) * patchy, loud + 3)

    def grained(self, dice: Dice, strength: float) -> None:
        """Tissue is uneven at every scale, and longer across the beams than along them."""
        tall, wide = self.size
        for grain in (dice.uniform(6, 10), dice.uniform(14, 24), dice.uniform(30, 60)):
            stretch = dice.uniform(1.2, 3.5)
            field = smooth(dice, (tall, max(12, round(wide / stretch))), grain / 1.5)
            columns = np.linspace(0, field.shape[1] - 1, wide)
            whole = np.floor(columns).astype(int)
            part = columns - whole
            nxt = np.minimum(whole + 1, field.shape[1] - 1)
            self.echo += strength * (field[:, whole] * (1 - part) + field[:, nxt] * part - 0.5)

    def shade(self, share: Floats, decibels: float) -> None:
        """What lies behind `share` is heard weaker (or, below 0, stronger)."""
        behind = np.maximum.accumulate(share, axis=0) * (1 - 0.6 * share)
        self.lost += decibels * ndimage.gaussian_filter(behind, (1, self.size[1] / 90))

    def strands(
        self, dice: Dice, there: Floats, count: int, loud: float, thick: float = 1.5
    ) -> None:
        """Fibres across the beams, as muscle and ligaments have them."""
        paths: list[Path] = wander(dice, self.size, count, thick, 0.07, 0.45, level=True)
        cover = strokes(self.size, paths, 1.0) * there * (0.25 + cloudy(dice, self.size, 40))
        self.echo += (loud - self.echo) * np.clip(cover, 0, 1)


def flat(dice: Dice, size: Size) -> Body:
    """Parallel beams of a linear probe."""
    y, x = np.mgrid[0 : 1 : size[0] * 1j, -0.5 : 0.5 : size[1] * 1j]
    return Body(y, x * size[1] / size[0], np.full(size, -30.0), np.zeros(size))


def fanned(dice: Dice, size: Size, half: float, inner: float) -> Body:
    """Beams that part from a curved (`inner` wide) or a phased probe (`inner` near 0)."""
    far, angle = np.mgrid[inner : 1 + inner : size[0] * 1j, -half : half : size[1] * 1j]
    return Body(
        far * np.cos(angle) - inner, far * np.sin(angle), np.full(size, -30.0), np.zeros(size)
    )


def heard(dice: Dice, body: Body) -> Floats:
    """The picture of a body, 0 to 1.

    Many scatterers in one resolution cell add up at random phases, so an amplitude is that of a
    complex Gaussian (Rayleigh). Cells are wider than tall, the more so away from the focus.
    Devices average looks from several angles, lift what comes from deep, and show the logarithm.
    """
    size = body.size
    depth = np.linspace(0, 1, size[0])[:, None]
    tall, wide = dice.uniform(0.5, 1.3), dice.uniform(1.0, 2.4)
    focus, spread = dice.uniform(0.2, 0.7), dice.uniform(1.0, 4.0)
    level = np.clip(np.abs(depth - focus) * spread, 0, 2)
    amplitude = np.zeros(size)
    looks = int(dice.integers(1, 5))
    widths = (wide, wide * 2, wide * 3.4)
    for _ in range(looks):
        raw = dice.standard_normal(size) + 1j * dice.standard_normal(size)
        echoes = np.zeros(size, complex)
        for n, width in enumerate(widths):
            blurred = ndimage.gaussian_filter(raw.real, (tall, width)) + 1j * (
                ndimage.gaussian_filter(raw.imag, (tall, width))
            )
            weight = np.clip(1 - np.abs(level - n), 0, 1)
            echoes += weight * blurred / np.sqrt(np.mean(np.abs(blurred) ** 2))
        amplitude += np.abs(echoes) / looks
    # The beam blurs what it meets as well as what it is made of.
    strength = ndimage.gaussian_filter(10 ** (body.echo / 20), (tall * 0.7, wide * 0.7))
    fading = dice.uniform(0, 22) * depth ** dice.uniform(1, 2)
    gain = dice.uniform(2, 9) * (smooth(dice, size, 110) - 0.5)
    strength = strength * 10 ** ((gain - fading - body.lost) / 20)
    # The noise of the amplifier, raised with depth: what grey there is in deep shadows.
    noise = 10 ** ((dice.uniform(-85, -50) + dice.uniform(0, 12) * depth) / 20)
    spots = amplitude ** dice.uniform(0.55, 1.0)
    loud = 20 * np.log10(strength * spots + noise * dice.random(size) + 1e-6)
    top = np.percentile(loud, dice.uniform(98.5, 99.8))
    width = dice.uniform(32, 52)
    shown = np.clip(1 + (loud - top) / width, 0, 1) ** dice.uniform(0.75, 1.8)
    found: Floats = ndimage.gaussian_filter(shown, dice.uniform(0, 0.8))
    return found


def scanned(picture: Floats, half: float, inner: float, tall: int, wide: int) -> Floats:
    """From depth and beam to a sector on black; several channels at once."""
    y, x = np.mgrid[:tall, :wide].astype(float)
    reach = 1 + inner - inner * math.cos(half)  # from the ends of the probe's arc to the bottom
    scale = reach / (tall * 0.97)
    y = y * scale + inner * math.cos(half) - 0.015
    x = (x - wide / 2) * scale
    rows = (np.hypot(x, y) - inner) * (picture.shape[0] - 1)
    columns = (np.arctan2(x, y) / half + 1) / 2 * (picture.shape[1] - 1)
    parts = [
        ndimage.map_coordinates(picture[..., n], [rows, columns], order=1, cval=0.0)
        for n in range(picture.shape[2])
    ]
    return np.stack(parts, axis=-1)


def rim(ring: Floats, thick: float) -> Floats:
    """A wall where a shape's edge is."""
    found: Floats = np.exp(-(((ring - 1) / thick) ** 2))
    return found


def layer(
    depth: Floats, top: float | Floats, bottom: float | Floats, edge: float = 0.008
) -> Floats:
    """1 between two depths."""
    found: Floats = soft(1 + (top - depth), edge) * soft(1 + (depth - bottom), edge)
    return found
