"""Random fields and strokes that the simulated pictures are made of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from scipy import ndimage

Floats = npt.NDArray[np.float64]
Pixels = npt.NDArray[np.uint8]
Dice = np.random.Generator
Size = tuple[int, int]
Colour = tuple[float, float, float]
Path = list[tuple[float, float, float]]  # x, y, width


def sized(dice: Dice, low: int = 240, high: int = 400, shape: float = 0.35) -> Size:
    """A random height and width, the shape up to `exp(shape)` from a square."""
    side = dice.uniform(low, high)
    stretch = math.exp(dice.uniform(-shape, shape) / 2)
    return round(side * stretch), round(side / stretch)


def smooth(dice: Dice, size: Size, grain: float) -> Floats:
    """Noise whose spots are about `grain` pixels wide, from 0 to 1."""
    coarse = (max(3, round(size[0] / grain) + 2), max(3, round(size[1] / grain) + 2))
    down, across = (_spline(few, many) for few, many in zip(coarse, size, strict=True))
    return stretched(down @ dice.standard_normal(coarse) @ across.T)


@lru_cache(maxsize=256)
def _spline(few: int, many: int) -> Floats:
    """The matrix that draws a cubic spline through `few` values, (many, few).

    Splines of a plane are those of its columns and its rows: two small products in place of a zoom.
    """
    found: Floats = ndimage.zoom(np.eye(few), (many / few, 1), order=3)[:many]
    return np.pad(found, [(0, many - len(found)), (0, 0)], mode="edge")


def cloudy(dice: Dice, size: Size, grain: float, octaves: int = 4, fall: float = 0.5) -> Floats:
    """Noise of several grains, each half as wide and `fall` times as strong, from 0 to 1."""
    field = np.zeros(size)
    for octave in range(octaves):
        if grain / 2**octave < 1.2:
            break
        field += fall**octave * smooth(dice, size, grain / 2**octave)
    return stretched(field)


def speckle(dice: Dice, size: Size, tall: float, wide: float) -> Floats:
    """Fully developed speckle: the length of a blurred complex Gaussian (Rayleigh), mean 1."""
    parts = [ndimage.gaussian_filter(dice.standard_normal(size), (tall, wide)) for _ in range(2)]
    field: Floats = np.hypot(*parts)
    field /= field.mean()
    return field


def stretched(field: Floats) -> Floats:
    """From 0 to 1."""
    low, high = field.min(), field.max()
    found: Floats = (field - low) / max(high - low, 1e-9)
    return found


def grid(size: Size) -> tuple[Floats, Floats]:
    """y and x from -1 to 1."""
    y, x = np.mgrid[-1 : 1 : size[0] * 1j, -1 : 1 : size[1] * 1j]
    return y, x


def ellipse(size: Size, cy: float, cx: float, ry: float, rx: float, turn: float = 0.0) -> Floats:
    """1 at the rim, below 1 inside; in the units of `grid`."""
    y, x = grid(size)
    y, x = y - cy, x - cx
    c, s = math.cos(turn), math.sin(turn)
    found: Floats = np.hypot((c * x + s * y) / rx, (-s * x + c * y) / ry)
    return found


def blob(dice: Dice, size: Size, *place: float, rough: float = 0.3) -> Floats:
    """Like an ellipse at `place` (centre y and x, radii), turned by chance, its rim uneven."""
    turn = dice.uniform(0, math.pi)
    cy, cx, ry, rx = place
    found: Floats = ellipse(size, cy, cx, ry, rx, turn) + rough * (smooth(dice, size, 30) - 0.5)
    return found


def soft(inside: Floats, width: float = 0.05) -> Floats:
    """1 inside (below 1), 0 outside, softly."""
    found: Floats = 1 / (1 + np.exp(np.clip((inside - 1) / width, -40, 40)))
    return found


def painted(field: Floats, stops: Sequence[Colour]) -> Floats:
    """A field (0 to 1) in the colours (0 to 1) between even stops."""
    at = np.linspace(0, 1, len(stops))
    found: Floats = np.stack(
        [np.interp(field, at, [s[c] for s in stops]) for c in range(3)], axis=-1
    )
    return found


GREY = ((0, 0, 0), (1, 1, 1))
HOT = ((0, 0, 0), (0.6, 0, 0), (1, 0.4, 0), (1, 0.9, 0.2), (1, 1, 1))
JET = ((0, 0, 0.5), (0, 0.3, 1), (0, 1, 1), (0.5, 1, 0.3), (1, 0.9, 0), (1, 0.2, 0), (0.5, 0, 0))
VIRIDIS = (
    (0.27, 0, 0.33),
    (0.23, 0.32, 0.55),
    (0.13, 0.57, 0.55),
    (0.37, 0.79, 0.38),
    (0.99, 0.91, 0.14),
)


def grey(field: Floats) -> Pixels:
    """A field as a grey picture."""
    return pixels(np.repeat(field[..., None], 3, axis=-1))


def pixels(colours: Floats) -> Pixels:
    """Colours (height, width, 3) from 0 to 1 as bytes."""
    return np.clip(colours * 255, 0, 255).astype(np.uint8)


def tree(
    dice: Dice, x: float, y: float, heading: float, width: float, length: float, bend: float = 0.25
) -> list[Path]:
    """A branching of paths, ever thinner; in pixels."""
    paths: list[Path] = []
    waiting = [(x, y, heading, width, length)]
    while waiting and len(paths) < 80:
        x, y, heading, width, length = waiting.pop(0)
        path: Path = [(x, y, width)]
        for _ in range(max(4, round(length / 6))):
            heading += dice.normal(0, bend)
            x, y = x + 6 * math.cos(heading), y + 6 * math.sin(heading)
            path.append((x, y, width))
            if dice.random() < 0.07 and width > 1.6:
                side = dice.choice((-1, 1)) * dice.uniform(0.4, 1.1)
                waiting.append((x, y, heading + side, width * 0.6, length * 0.6))
        paths.append(path)
        if width > 1.2:
            for side in (-1, 1):
                turned = heading + side * dice.uniform(0.2, 0.7)
                waiting.append((x, y, turned, width * 0.72, length * 0.75))
    return paths


def strokes(size: Size, paths: Sequence[Path], blur: float = 0.7) -> Floats:
    """How much the paths cover, 0 to 1."""
    canvas = Image.new("L", (size[1], size[0]))
    draw = ImageDraw.Draw(canvas)
    for path in paths:
        for (x0, y0, w0), (x1, y1, _) in pairwise(path):
            draw.line((x0, y0, x1, y1), fill=255, width=max(1, round(w0)))
    return np.asarray(canvas.filter(ImageFilter.GaussianBlur(blur)), dtype=np.float64) / 255


def wander(
    dice: Dice,
    size: Size,
    count: int,
    width: float,
    bend: float = 0.15,
    length: float = 1.0,
    level: bool = False,
) -> list[Path]:
    """Lone curved strokes: hairs, fibres, scratches; `level` ones lie nearly flat."""
    found = []
    for _ in range(count):
        x, y = dice.uniform(-0.2 * level, 1, 2) * (size[1], size[0])
        heading = dice.normal(0, 0.15) if level else dice.uniform(0, 6.3)
        path: Path = []
        for _ in range(round(length * max(size) / 8)):
            path.append((x, y, width))
            heading += dice.normal(0, bend)
            x, y = x + 6 * math.cos(heading), y + 6 * math.sin(heading)
        found.append(path)
    return found


def labelled(dice: Dice, picture: Pixels, tone: int = 230, most: int = 3) -> Pixels:
    """Small printed lines in some corners, as devices write them."""
    image = Image.fromarray(picture)
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(float(dice.integers(7, 13)))
    height, width = picture.shape[:2]
    for left, top in ((0.02, 0.02), (0.7, 0.02), (0.02, 0.75), (0.7, 0.75)):
        if dice.random() < 0.5:
            lines = [
                "".join(dice.choice(list(_LETTERS), dice.integers(3, 14)))
                for _ in range(dice.integers(1, most + 1))
            ]
            draw.multiline_text((left * width, top * height), "\n".join(lines), (tone,) * 3, font)
    return np.asarray(image)


_LETTERS = "ABCDEFGHIKLMNPRSTUVZ0123456789 :./-mcs"


def spots(
    dice: Dice,
    size: Size,
    count: int,
    low: float,
    high: float,
    apart: float = 0.0,
    long: float = 0.0,
) -> list[tuple[float, float, float, float, float]]:
    """Ellipses (y, x, ry, rx, turn in degrees) in pixels, `apart` radii from one another."""
    found: list[tuple[float, float, float, float, float]] = []
    for _ in range(count * 4):
        if len(found) >= count:
            break
        radius = dice.uniform(low, high)
        y, x = dice.uniform(0, size[0]), dice.uniform(0, size[1])
        if apart and any(math.hypot(y - f[0], x - f[1]) < apart * (radius + f[2]) for f in found):
            continue
        stretch = math.exp(dice.uniform(0, long))
        found.append((y, x, radius * stretch, radius / stretch, dice.uniform(0, 180)))
    return found


def ovals(
    size: Size, found: Sequence[tuple[float, float, float, float, float]], blur: float = 0.8
) -> Floats:
    """How much the ellipses cover, 0 to 1."""
    canvas = Image.new("L", (size[1], size[0]))
    draw = ImageDraw.Draw(canvas)
    at = np.linspace(0, 2 * math.pi, 20)
    for y, x, ry, rx, turn in found:
        c, s = math.cos(math.radians(turn)), math.sin(math.radians(turn))
        px = x + rx * np.cos(at) * c - ry * np.sin(at) * s
        py = y + rx * np.cos(at) * s + ry * np.sin(at) * c
        draw.polygon(list(zip(px, py, strict=True)), fill=255)
    return np.asarray(canvas.filter(ImageFilter.GaussianBlur(blur)), dtype=np.float64) / 255


def mixed(under: Floats, over: Floats | Colour, share: Floats) -> Floats:
    """`over` laid on `under` (height, width, 3) where `share` (height, width) says so."""
    found: Floats = under * (1 - share[..., None]) + np.asarray(over) * share[..., None]
    return found


def cells_of(dice: Dice, size: Size, count: int) -> tuple[npt.NDArray[np.int64], Floats]:
    """Voronoi cells: the number of the nearest seed, and the distance to the border of the cell."""
    from scipy.spatial import cKDTree

    seeds = np.stack([dice.uniform(0, size[0], count), dice.uniform(0, size[1], count)], axis=1)
    places = np.argwhere(np.ones(size, dtype=bool))
    near, which = cKDTree(seeds).query(places, k=2)
    return which[:, 0].reshape(size), (near[:, 1] - near[:, 0]).reshape(size)
