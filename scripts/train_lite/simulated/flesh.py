"""Parts of a body before a ground: shape, relief, skin of every tone, and the light on it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from simulated.fields import (
    Colour,
    Dice,
    Floats,
    Size,
    cells_of,
    cloudy,
    mixed,
    ovals,
    painted,
    sized,
    smooth,
    spots,
    strokes,
    tree,
    wander,
)  # fmt: skip

# From the palest to the darkest, along the scale of Fitzpatrick.
SKINS: tuple[Colour, ...] = (
    (0.96, 0.83, 0.76), (0.93, 0.76, 0.66), (0.87, 0.68, 0.56), (0.8, 0.6, 0.46), (0.7, 0.5, 0.37),
    (0.57, 0.39, 0.28), (0.43, 0.28, 0.2), (0.31, 0.2, 0.15),
)  # fmt: skip
Capsule = tuple[float, float, float, float, float, float]  # x, y, radius at both ends
Oval = tuple[float, float, float, float, float]


@dataclass
class Flesh:
    """A part of a body, not lit yet."""

    mask: Floats  # 1 where skin is
    height: Floats  # towards the camera, in pixels
    colour: Floats  # of the skin, everywhere
    ground: Floats  # what lies behind
    wet: Floats  # how much it shines
    span: float  # how wide the part is, in pixels
    nails: list[Oval] = field(default_factory=list)

    @property
    def size(self) -> Size:
        return self.mask.shape[0], self.mask.shape[1]

    def dye(self, share: Floats, colour: Floats | Colour) -> None:
        self.colour = mixed(self.colour, colour, np.clip(share, 0, 1))

    def tint(self, share: Floats, factor: Colour) -> None:
        """As blood or pigment in the skin: what is there is filtered, not covered."""
        self.colour = self.colour * (1 + np.clip(share, 0, 1)[..., None] * (np.array(factor) - 1))

    def lift(self, share: Floats, amount: float | Floats, blur: float = 2.0) -> None:
        """Raised (or sunk) without a hard step, which would look cut out."""
        self.height = self.height + ndimage.gaussian_filter(share * amount, blur)

    @property
    def dark(self) -> bool:
        return float(self.colour[..., 0].mean()) < 0.58

    def spots_on(
        self, dice: Dice, count: int, low: float, high: float, apart: float = 0.3, long: float = 0.2
    ) -> list[Oval]:
        """Ellipses that lie on the skin."""
        inner = ndimage.distance_transform_edt(self.mask > 0.5)
        tall, wide = self.size
        return [
            spot
            for spot in spots(dice, self.size, count, low, high, apart, long)
            if inner[min(int(spot[0]), tall - 1), min(int(spot[1]), wide - 1)] > 0.4 * spot[2]
        ]

    def sore(self, dice: Dice, radius: float, rough: float) -> Floats:
        """A shape with its rim at 1, somewhere well inside the part."""
        inner = ndimage.distance_transform_edt(np.pad(self.mask > 0.5, 1))[1:-1, 1:-1]
        chance = np.clip(inner - 0.5 * inner.max(), 0, None).ravel() ** 0.5
        at = dice.choice(len(chance), p=chance / chance.sum())
        cy, cx = divmod(int(at), self.size[1])
        y, x = np.mgrid[: self.size[0], : self.size[1]].astype(float)
        turn, stretch = dice.uniform(0, math.pi), math.exp(dice.uniform(0, 0.5))
        c, s = math.cos(turn), math.sin(turn)
        y, x = y - cy, x - cx
        ring = np.hypot((c * x + s * y) * stretch, (c * y - s * x) / stretch) / radius
        uneven = smooth(dice, self.size, 40) + 0.5 * cloudy(dice, self.size, 16, 3) - 0.75
        found: Floats = ring + rough * uneven
        return found

    def lit(self, dice: Dice) -> Floats:
        """The picture: Lambert's law on the relief, gloss where wet, the part before its ground."""
        relief = ndimage.gaussian_filter(self.height, 0.8)
        down, across = np.gradient(relief)
        long = np.sqrt(down**2 + across**2 + 1)
        turn, steep = dice.uniform(0, 2 * math.pi), dice.uniform(0.75, 0.95)
        flat = math.sqrt(1 - steep**2)
        facing = (steep - flat * facing_side(turn, down, across)) / long
        dim = dice.uniform(0.3, 0.6)
        light = dim + (1.05 - dim) * np.clip(facing / steep, 0, 1.2)
        light = light * (0.85 + 0.3 * smooth(dice, self.size, 200))
        skin = self.colour * light[..., None]
        # Blinn's highlight: where the relief faces halfway between the lamp and the camera.
        towards = math.sqrt((1 + steep) / 2)
        half = (towards - flat / 2 / towards * (facing_side(turn, down, across))) / long
        sharp = np.clip(half, 0, 1) ** dice.uniform(20, 60)
        gloss = sharp * (0.05 + 0.45 * np.clip(self.wet, 0, 1.2)) * dice.uniform(0.5, 1.2)
        skin = skin + (1 - np.clip(skin, 0, 1)) * gloss[..., None]
        edge = ndimage.gaussian_filter(self.mask, 0.8)
        shadow = ndimage.shift(ndimage.gaussian_filter(self.mask, 9), (6, 5), mode="nearest")
        ground = self.ground * (1 - dice.uniform(0, 0.5) * shadow[..., None])
        picture = mixed(ground, skin, edge)
        picture = picture ** dice.uniform(0.8, 1.25) * dice.uniform(0.9, 1.1, 3)
        found: Floats = picture + dice.normal(0, dice.uniform(0.003, 0.018), self.size)[..., None]
        return found


def facing_side(turn: float, down: Floats, across: Floats) -> Floats:
    """How steeply the relief climbs towards a lamp that stands at `turn`."""
    found: Floats = math.cos(turn) * across + math.sin(turn) * down
    return found


def body_part(dice: Dice, kind: str | None = None) -> Flesh:
    """A part at random: close up, a limb, a trunk, a hand, a foot."""
    size = sized(dice, 230, 330)
    kinds = ("close", "limb", "trunk", "hand", "foot")
    kind = kind or str(dice.choice(kinds, p=(0.3, 0.22, 0.16, 0.14, 0.18)))
    nails: list[Oval] = []
    if kind == "close":
        mask = np.ones(size)
        height = dice.uniform(10, 40) * smooth(dice, size, 150)
        span = min(size) * dice.uniform(0.5, 1.0)
    else:
        capsules, tips = _SHAPES[kind](dice)
        mask, nails, scale = _placed(dice, size, capsules, tips, kind)
        # Filled before the picture's edge, so that a cut limb does not round off there.
        deep = ndimage.distance_transform_edt(np.pad(mask > 0.5, 60, mode="edge"))[60:-60, 60:-60]
        span = max(float(deep.max()) * 2, 30.0)
        round_ = np.clip(deep / (span * dice.uniform(0.35, 0.5)), 0, 1)
        height = span * 0.4 * np.sqrt(1 - (1 - round_) ** 2)
        height = ndimage.gaussian_filter(height, 0.02 * scale + 1)
    flesh = Flesh(mask, height, _skin(dice, size), _ground(dice, size), np.zeros(size), span, nails)
    _surface(dice, flesh)
    for nail in nails:
        _nail(dice, flesh, nail)
    return flesh


def _skin(dice: Dice, size: Size) -> Floats:
    """Pigment in blotches, blood under it."""
    tone = np.array(SKINS[dice.integers(len(SKINS))]) * dice.uniform(0.92, 1.05)
    found = tone * (0.93 + 0.14 * cloudy(dice, size, 90))[..., None]
    blood = np.clip(cloudy(dice, size, dice.uniform(30, 110)) * 2 - 0.9, 0, 1)
    found *= 1 - blood[..., None] * np.array((0.0, 0.13, 0.12)) * dice.uniform(0, 1.3)
    return found


def _surface(dice: Dice, flesh: Flesh) -> None:
    """Pores and furrows, folds, hairs, veins, freckles."""
    size = flesh.size
    if dice.random() < 0.6:
        _, edge = cells_of(dice, size, int(dice.integers(600, 4000)))
        furrows = np.exp(-edge / 1.2)
        flesh.height -= dice.uniform(0.1, 0.7) * furrows
        flesh.tint(furrows * dice.uniform(0, 0.5), (0.85, 0.78, 0.75))
    flesh.height += dice.uniform(0.2, 1.2) * cloudy(dice, size, 6, 2)
    if dice.random() < 0.35:
        folds = strokes(size, wander(dice, size, int(dice.integers(3, 14)), 1.6, 0.08, 0.5), 1.2)
        flesh.height -= 1.5 * folds
        flesh.tint(folds, (0.75, 0.62, 0.6))
    if dice.random() < 0.3:
        hair = strokes(size, wander(dice, size, int(dice.integers(10, 90)), 1, 0.1, 0.12), 0.5)
        flesh.dye(hair * dice.uniform(0.3, 0.8), (0.12, 0.09, 0.07))
    if dice.random() < 0.25:
        x, y = dice.uniform(0, 1, 2) * size[::-1]
        veins = strokes(size, tree(dice, x, y, dice.uniform(0, 6), 4, 90), 2.5)
        flesh.height += 2.5 * veins
        flesh.tint(veins * 0.6, (0.78, 0.92, 0.97))
    if dice.random() < 0.3:
        patches = np.clip(cloudy(dice, size, dice.uniform(20, 70), 4) * 3 - 1.6, 0, 1)
        flesh.tint(patches * dice.uniform(0.2, 0.9), (0.72, 0.6, 0.55))
    if dice.random() < 0.3:
        moles = ovals(size, spots(dice, size, int(dice.integers(3, 60)), 0.8, 2.2), 0.7)
        flesh.tint(moles * 0.7, (0.6, 0.45, 0.38))


def _nail(dice: Dice, flesh: Flesh, nail: Oval) -> None:
    plate = ovals(flesh.size, [nail], 0.8)
    y, x, ry, rx, turn = nail
    rim = np.clip(ovals(flesh.size, [(y, x, ry * 1.25, rx * 1.3, turn)], 1.2) - plate, 0, 1)
    flesh.tint(rim, (0.85, 0.68, 0.66))
    pale = np.clip(flesh.colour.mean((0, 1)) * (1.15, 1.1, 1.12) + 0.12, 0, 1)
    flesh.dye(0.75 * plate, pale)
    flesh.height += plate * 1.5
    flesh.wet += 0.5 * plate


def _hand(dice: Dice) -> tuple[list[Capsule], list[Oval]]:
    spread = math.radians(dice.uniform(0, 13))
    parts: list[Capsule] = [
        (0, 2.4, 0.33, 0, 0.9, 0.25), (-0.2, 0.1, 0.18, -0.12, 0.75, 0.2),
        (0.22, 0.12, 0.17, 0.12, 0.75, 0.2), (0, 0.05, 0.2, 0, 0.8, 0.24),
    ]  # fmt: skip
    tips: list[Oval] = []
    for n, long in enumerate((0.72, 0.84, 0.77, 0.58)):
        turn = spread * (n - 1.5) + dice.normal(0, 0.03)
        x, y = -0.31 + 0.205 * n, -0.02 + 0.05 * abs(n - 1.3)
        long *= dice.uniform(0.9, 1.1) * (0.45 if dice.random() < 0.05 else 1)
        ex, ey = x + long * math.sin(turn), y - long * math.cos(turn)
        parts.append((x, y, 0.1, ex, ey, 0.075))
        tips.append((ey + 0.02, ex, 0.075, 0.05, turn))
    if dice.random() < 0.8:
        turn = math.radians(-dice.uniform(20, 55))
        ex, ey = -0.3 + 0.62 * math.sin(turn), 0.42 - 0.62 * math.cos(turn)
        parts.append((-0.26, 0.5, 0.16, ex, ey, 0.09))
        tips.append((ey + 0.02, ex, 0.08, 0.06, turn))
    return parts, tips if dice.random() < 0.6 else []


def _foot(dice: Dice) -> tuple[list[Capsule], list[Oval]]:
    if dice.random() < 0.5:  # from the side
        parts: list[Capsule] = [
            (0, -2.2, 0.36, 0, 0, 0.21), (-0.12, 0.2, 0.2, 0.1, 0.1, 0.24),
            (0, 0.12, 0.24, 0.75, 0.32, 0.14), (0.75, 0.32, 0.13, 0.98, 0.36, 0.09),
        ]  # fmt: skip
        return parts, [(0.3, 1.0, 0.04, 0.05, 0.3)] if dice.random() < 0.5 else []
    parts = [(0.02, 0.8, 0.22, 0, 0, 0.3), (-0.08, 0.3, 0.24, -0.1, -0.1, 0.2)]
    tips = []
    for n, (r, y) in enumerate(((0.12, -0.52), (0.075, -0.5), (0.07, -0.44), (0.065, -0.35))):
        x = -0.2 + 0.14 * n + 0.05 * (n > 0)
        parts.append((x * 0.9, -0.1, r, x, y, r))
        tips.append((y - r * 0.3, x, r * 0.5, r * 0.6, 0.0))
    return parts, tips if dice.random() < 0.5 else []


def _limb(dice: Dice) -> tuple[list[Capsule], list[Oval]]:
    bend, thick = dice.uniform(-0.5, 0.5), dice.uniform(0.22, 0.5)
    return [
        (0, -2, thick, 0, 0, thick * dice.uniform(0.7, 1)),
        (0, 0, thick * 0.95, bend, 2, thick * dice.uniform(0.55, 1)),
    ], []


def _trunk(dice: Dice) -> tuple[list[Capsule], list[Oval]]:
    wide = dice.uniform(0.42, 0.6)
    return [
        (-0.2, -0.4, wide, -0.16, 1.6, wide * 0.9), (0.2, -0.4, wide, 0.16, 1.6, wide * 0.9),
        (-wide - 0.2, -0.55, 0.24, -wide - dice.uniform(0.2, 0.6), 0.9, 0.18),
        (wide + 0.2, -0.55, 0.24, wide + dice.uniform(0.2, 0.6), 0.9, 0.18),
        (0, -0.8, 0.24, 0, -1.6, 0.24),
    ], []  # fmt: skip


_SHAPES = {"hand": _hand, "foot": _foot, "limb": _limb, "trunk": _trunk}


def _placed(
    dice: Dice, size: Size, capsules: list[Capsule], tips: list[Oval], kind: str
) -> tuple[Floats, list[Oval], float]:
    """The shape drawn into the picture, turned, mirrored and sized by chance."""
    scale = min(size) * dice.uniform(0.45, 0.95)
    turn = dice.uniform(-math.pi, math.pi) if kind != "trunk" else dice.normal(0, 0.1)
    flip = float(dice.choice((-1, 1)))
    c, s = math.cos(turn) * scale, math.sin(turn) * scale
    ox, oy = size[1] * dice.uniform(0.4, 0.6), size[0] * dice.uniform(0.4, 0.6)

    def at(x: float, y: float) -> tuple[float, float]:
        x *= flip
        return ox + c * x - s * y, oy + s * x + c * y

    canvas = Image.new("L", (size[1], size[0]))
    draw = ImageDraw.Draw(canvas)
    for x0, y0, r0, x1, y1, r1 in capsules:
        for part in np.linspace(0, 1, 40):
            px, py = at(x0 + (x1 - x0) * part, y0 + (y1 - y0) * part)
            r = (r0 + (r1 - r0) * part) * scale
            draw.ellipse((px - r, py - r, px + r, py + r), fill=255)
    mask = ndimage.gaussian_filter(np.asarray(canvas, dtype=np.float64) / 255, 0.012 * scale)
    mask = (mask + 0.1 * (smooth(dice, size, 25) - 0.5) > 0.5).astype(float)
    nails = []
    for y, x, ry, rx, lean in tips:
        px, py = at(x, y)
        nails.append((py, px, ry * scale, rx * scale, math.degrees(turn + flip * lean)))
    return mask, nails, scale


def _ground(dice: Dice, size: Size) -> Floats:
    """A drape in folds, a blurred room, plain black or white, a table."""
    kind = dice.random()
    if kind < 0.3:
        tone = np.array(
            dice.choice(
                ((0.2, 0.4, 0.65), (0.25, 0.5, 0.42), (0.92, 0.93, 0.95), (0.6, 0.75, 0.85),
                 (0.15, 0.15, 0.18), (0.75, 0.7, 0.65))
            )
        )  # fmt: skip
        folds = np.abs(np.sin(6 * cloudy(dice, size, 140, 3)))
        return tone * (0.6 + 0.45 * folds)[..., None]
    if kind < 0.5:
        return np.full((*size, 3), dice.choice((0.0, 0.02, 0.93, 1.0)))
    if kind < 0.6:  # a room out of focus
        room = np.full((*size, 3), 1.0) * dice.uniform(0.2, 0.8) * dice.uniform(0.85, 1.0, 3)
        for _ in range(int(dice.integers(3, 12))):
            top, left = (int(dice.integers(-40, s)) for s in size)
            rows = slice(max(0, top), top + int(dice.integers(50, 220)))
            columns = slice(max(0, left), left + int(dice.integers(50, 220)))
            room[rows, columns] = dice.uniform(0.05, 0.95) * dice.uniform(0.7, 1.0, 3)
        far = dice.uniform(1.0, 7.0)
        blurred: Floats = ndimage.gaussian_filter(room, (far, far, 0))
        return blurred * (0.75 + 0.35 * smooth(dice, size, 120))[..., None]
    stops = tuple(tuple(dice.uniform(0.05, 0.95) * dice.uniform(0.75, 1.0, 3)) for _ in range(4))
    return painted(cloudy(dice, size, dice.uniform(40, 160), 3, 0.4), stops)
