"""Skin before a camera, drawn: rashes and wounds on parts of bodies, healthy skin, tattoos."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from simulated.beams import rim
from simulated.fields import (
    Colour,
    Dice,
    Floats,
    Pixels,
    cells_of,
    cloudy,
    mixed,
    ovals,
    painted,
    pixels,
    smooth,
    soft,
    strokes,
    wander,
)
from simulated.flesh import Flesh, body_part


def rash(dice: Dice) -> Pixels:
    """Red spots, pocks and blisters, plaques, rings and wheals, pale patches, dark lumps."""
    flesh = body_part(dice)
    kinds = (
        (_spotted, 0.26), (_pocks, 0.27), (_plaques, 0.19), (_rings, 0.09), (_pale, 0.09),
        (_growth, 0.1),
    )  # fmt: skip
    draw = kinds[dice.choice(len(kinds), p=[share for _, share in kinds])][0]
    draw(dice, flesh)
    if dice.random() < 0.2:
        _spotted(dice, flesh)
    return _photograph(dice, flesh)


def _inflamed(dice: Dice, flesh: Flesh) -> Colour:
    """What inflammation does to skin: red where it is light, brown to violet where it is dark."""
    if flesh.dark:
        return (dice.uniform(0.55, 0.95), dice.uniform(0.45, 0.65), dice.uniform(0.45, 0.7))
    return (dice.uniform(0.8, 1.0), dice.uniform(0.35, 0.6), dice.uniform(0.35, 0.6))


def _spotted(dice: Dice, flesh: Flesh) -> None:
    r = flesh.span * dice.uniform(0.015, 0.06)
    places = flesh.spots_on(dice, int(dice.integers(60, 380)), r * 0.5, r * 1.6, 0.2, 0.4)
    cover = ovals(flesh.size, places, max(0.8, r / 3)) * (
        0.55 + 0.45 * cloudy(dice, flesh.size, 40)
    )
    flesh.tint(cover, _inflamed(dice, flesh))
    flesh.height += cover * r * dice.uniform(0, 0.5)
    if dice.random() < 0.4:
        heads = [(y, x, ry * 0.35, rx * 0.35, t) for y, x, ry, rx, t in places]
        flesh.dye(0.8 * ovals(flesh.size, heads, 0.8), (0.93, 0.87, 0.68))


def _pocks(dice: Dice, flesh: Flesh) -> None:
    """Domes full of fluid or pus in a red court, dented or crusted in the middle."""
    r = flesh.span * dice.uniform(0.02, 0.075)
    count = int(dice.integers(6, 130))
    places = flesh.spots_on(dice, count, r * 0.6, r * 1.4, 1.0, 0.12)
    wide = [(y, x, ry * 1.7, rx * 1.7, t) for y, x, ry, rx, t in places]
    flesh.tint(0.8 * ovals(flesh.size, wide, r * 0.5), _inflamed(dice, flesh))
    y, x = np.mgrid[: flesh.size[0], : flesh.size[1]].astype(float)
    dome = np.zeros(flesh.size)
    dent = np.zeros(flesh.size)
    for cy, cx, ry, _, _ in places:
        far = ((y - cy) ** 2 + (x - cx) ** 2) / ry**2
        dome = np.maximum(dome, np.sqrt(np.clip(1 - far, 0, 1)) * ry)
        dent = np.maximum(dent, np.exp(-far / 0.08))
    inside = soft(1.5 - dome / (0.5 * r), 0.15)
    tones = ((0.95, 0.9, 0.78), (0.92, 0.85, 0.6), (0.85, 0.72, 0.68), (0.95, 0.93, 0.9))
    pus = np.array(tones[dice.integers(4)]) * (0.75 if flesh.dark else 1.0)
    flesh.dye(dice.uniform(0.1, 0.7) * inside, pus)
    flesh.height += dome * dice.uniform(0.4, 1.0)
    kind = dice.random()
    if kind < 0.35:
        flesh.height -= dent * r * 0.5
        flesh.tint(dent, (0.8, 0.6, 0.58))
    elif kind < 0.6:
        flesh.dye(0.9 * dent, (0.25, 0.12, 0.09))
    flesh.wet += 0.6 * inside


def _plaques(dice: Dice, flesh: Flesh) -> None:
    """Thickened sharp-edged patches, scaly (psoriasis), oozing or cracked (eczema)."""
    for _ in range(dice.integers(2, 8)):
        ring = flesh.sore(dice, flesh.span * dice.uniform(0.15, 0.5), dice.uniform(0.4, 1.6))
        plaque = soft(ring, dice.uniform(0.02, 0.12))
        flesh.tint(plaque, _inflamed(dice, flesh))
        flesh.lift(plaque, dice.uniform(0, 3))
        if dice.random() < 0.6:
            flakes = (cloudy(dice, flesh.size, dice.uniform(8, 22), 3) > 0.55) * plaque
            flesh.dye(dice.uniform(0.4, 0.85) * flakes, (0.93, 0.9, 0.87))
            flesh.lift(flakes, 1.0, 1.0)
        elif dice.random() < 0.5:
            _, edge = cells_of(dice, flesh.size, int(dice.integers(150, 900)))
            cracks = np.exp(-edge / 1.5) * plaque
            flesh.height -= 2 * cracks
            flesh.tint(cracks, (0.7, 0.4, 0.4))


def _rings(dice: Dice, flesh: Flesh) -> None:
    """Rings that grow outwards (ringworm), or wheals."""
    for _ in range(dice.integers(2, 9)):
        ring = flesh.sore(dice, flesh.span * dice.uniform(0.15, 0.45), dice.uniform(0.2, 0.9))
        edge = rim(ring, dice.uniform(0.08, 0.25))
        flesh.tint(edge * (0.6 + 0.4 * cloudy(dice, flesh.size, 9, 2)), _inflamed(dice, flesh))
        flesh.tint(0.4 * soft(ring, 0.1), _inflamed(dice, flesh))
        flesh.lift(edge, dice.uniform(0, 4))


def _pale(dice: Dice, flesh: Flesh) -> None:
    """Patches without pigment, or with too much."""
    darker = dice.random() < 0.35
    for _ in range(dice.integers(1, 5)):
        patch = soft(
            flesh.sore(dice, flesh.span * dice.uniform(0.2, 0.6), dice.uniform(0.8, 2)), 0.04
        )
        if darker:
            flesh.tint(patch, (0.55, 0.42, 0.38))
        else:
            flesh.dye(dice.uniform(0.75, 1) * patch, (0.96, 0.87, 0.82))


def _growth(dice: Dice, flesh: Flesh) -> None:
    """A mole, a melanoma, a basal cell carcinoma, a wart."""
    radius = flesh.span * dice.uniform(0.12, 0.4)
    ring = flesh.sore(dice, radius, dice.uniform(0.2, 1.2))
    inside = soft(ring, dice.uniform(0.05, 0.2))
    flesh.tint(0.5 * soft(ring / 1.4, 0.2), _inflamed(dice, flesh))
    if dice.random() < 0.6:
        stops = ((0.1, 0.06, 0.05), (0.35, 0.2, 0.13), (0.5, 0.3, 0.2), (0.2, 0.16, 0.2))
        flesh.dye(0.9 * inside, painted(cloudy(dice, flesh.size, 25), stops))
    else:
        flesh.dye(
            0.7 * inside,
            painted(cloudy(dice, flesh.size, 18), ((0.75, 0.4, 0.38), (0.93, 0.75, 0.7))),
        )
        flesh.wet += 0.6 * inside
    flesh.lift(np.sqrt(np.clip(1 - ring, 0, 1)), radius * dice.uniform(0, 0.5))
    flesh.lift(inside * cloudy(dice, flesh.size, 8, 2), dice.uniform(0, 3), 1.0)


def wound(dice: Dice) -> Pixels:
    """An ulcer, a burn, a graze, a stitched or a gaping cut, a bruise, on a part of a body."""
    flesh = body_part(
        dice,
        str(
            dice.choice(("foot", "limb", "close", "hand", "trunk"), p=(0.34, 0.26, 0.24, 0.1, 0.06))
        ),
    )
    kind = dice.random()
    if kind < 0.62:
        for _ in range(1 if dice.random() < 0.65 else int(dice.integers(2, 4))):
            _ulcer(dice, flesh, flesh.span * dice.uniform(0.15, 0.45))
    elif kind < 0.76:
        _burn(dice, flesh)
    elif kind < 0.94:
        _cut(dice, flesh)
    else:
        ring = flesh.sore(dice, flesh.span * dice.uniform(0.25, 0.5), 1.2)
        stops = ((0.5, 0.3, 0.55), (0.45, 0.4, 0.65), (0.75, 0.72, 0.45), (0.65, 0.3, 0.35))
        flesh.tint(0.8 * soft(ring, 0.3), (0.85, 0.75, 0.85))
        flesh.dye(0.6 * soft(ring, 0.3), painted(cloudy(dice, flesh.size, 60), stops))
    drawn = _photograph(dice, flesh)
    return _ruler(dice, drawn) if dice.random() < 0.12 else drawn


def _ulcer(dice: Dice, flesh: Flesh, radius: float) -> None:
    """From outside in: inflamed skin, a sodden or horny rim, a step down, granulation under
    fibrin (yellow) and dead tissue (black)."""
    size = flesh.size
    ring = flesh.sore(dice, radius, dice.uniform(0.4, 1.3))
    flesh.tint(
        dice.uniform(0.3, 1) * soft(ring / dice.uniform(1.3, 1.9), 0.2), _inflamed(dice, flesh)
    )
    if dice.random() < 0.6:
        pale = rim(ring / 1.08, dice.uniform(0.05, 0.14)) * cloudy(dice, size, 25)
        flesh.dye(pale, (0.93, 0.87, 0.78))
    inside = soft(ring, dice.uniform(0.02, 0.06))
    red = painted(
        0.6 * cloudy(dice, size, 30) + 0.4 * cloudy(dice, size, 7, 2),
        ((0.3, 0.02, 0.03), (0.6, 0.07, 0.07), (0.78, 0.2, 0.17), (0.88, 0.42, 0.36)),
    )
    bed = red * dice.uniform(0.75, 1.1)
    fibrin = soft(1.5 - cloudy(dice, size, dice.uniform(18, 60)) - dice.uniform(-0.4, 0.35), 0.05)
    yellow = painted(
        cloudy(dice, size, 14, 3), ((0.6, 0.45, 0.2), (0.85, 0.74, 0.4), (0.95, 0.9, 0.68))
    )
    bed = mixed(bed, yellow, 0.9 * fibrin)
    if dice.random() < 0.45:
        dead = soft(1.5 - cloudy(dice, size, dice.uniform(30, 80)) - dice.uniform(-0.25, 0.4), 0.04)
        black = painted(cloudy(dice, size, 10, 3), ((0.03, 0.02, 0.02), (0.2, 0.13, 0.1)))
        bed = mixed(bed, black, 0.95 * dead)
    flesh.dye(inside, bed)
    flesh.lift(inside, -radius * dice.uniform(0.02, 0.12), 1 + radius * 0.08)
    flesh.lift(rim(ring / 1.1, 0.15), radius * dice.uniform(0, 0.1))
    lumps = cloudy(dice, size, dice.uniform(5, 12), 2)
    flesh.lift(inside * lumps, dice.uniform(1, 4), 1.0)
    flesh.wet += inside * dice.uniform(0.2, 1.6)
    if dice.random() < 0.3:
        ooze = strokes(size, wander(dice, size, 6, dice.uniform(2, 5), 0.1, 0.3), 1) * soft(
            ring / 2, 0.2
        )
        flesh.dye(0.8 * ooze, (0.45, 0.03, 0.03))


def _burn(dice: Dice, flesh: Flesh) -> None:
    """Raw pink and white, blisters, shreds of skin; or a graze."""
    ring = flesh.sore(dice, flesh.span * dice.uniform(0.3, 0.6), dice.uniform(1, 2.2))
    inside = soft(ring, 0.05)
    stops = ((0.75, 0.2, 0.2), (0.9, 0.45, 0.42), (0.95, 0.72, 0.66), (0.6, 0.14, 0.12))
    flesh.dye(0.85 * inside, painted(cloudy(dice, flesh.size, dice.uniform(20, 60)), stops))
    flesh.wet += inside * dice.uniform(0.2, 1.5)
    flesh.lift(inside * cloudy(dice, flesh.size, 9, 3), 2, 1.0)
    shreds = rim(ring, 0.06) * cloudy(dice, flesh.size, 12)
    flesh.dye(shreds, (0.9, 0.82, 0.72))
    if dice.random() < 0.4:
        scratches = strokes(flesh.size, wander(dice, flesh.size, 60, 1.5, 0.02, 0.2), 0.7)
        flesh.dye(scratches * inside, (0.4, 0.05, 0.05))


def _cut(dice: Dice, flesh: Flesh) -> None:
    """A long wound, gaping, scabbed or closed with stitches or staples."""
    size = flesh.size
    ring = flesh.sore(dice, flesh.span * 0.3, 0)
    cy, cx = np.unravel_index(int(ring.argmin()), size)
    heading, long = dice.uniform(0, 6.3), flesh.span * dice.uniform(0.25, 0.5)
    bend = dice.uniform(-0.6, 0.6)
    steps = np.linspace(-1, 1, 30)
    xs = cx + long * (steps * math.cos(heading) - bend * steps**2 * math.sin(heading) * 0.4)
    ys = cy + long * (steps * math.sin(heading) + bend * steps**2 * math.cos(heading) * 0.4)
    gape = dice.uniform(1, 0.13 * flesh.span) if dice.random() < 0.6 else 1.5
    path = [
        (float(x), float(y), float(gape * (1.05 - s**2)))
        for x, y, s in zip(xs, ys, steps, strict=True)
    ]
    line = strokes(size, [path], 1)
    flesh.tint(
        np.clip(strokes(size, [[(x, y, w + 12) for x, y, w in path]], 6), 0, 1),
        _inflamed(dice, flesh),
    )
    flesh.dye(line, painted(cloudy(dice, size, 8, 2), ((0.25, 0.02, 0.02), (0.65, 0.12, 0.1))))
    flesh.height -= line * 3
    flesh.wet += line * 0.8
    if dice.random() < 0.6:
        gap, reach = int(dice.integers(2, 5)), dice.uniform(4, 9) + gape / 2
        across = heading + math.pi / 2
        stitches = [
            [(x - reach * math.cos(across), y - reach * math.sin(across), 1.6),
             (x + reach * math.cos(across), y + reach * math.sin(across), 1.6)]
            for x, y, _ in path[1:-1:gap]
        ]  # fmt: skip
        tone: Colour = (0.07, 0.07, 0.12) if dice.random() < 0.7 else (0.75, 0.77, 0.8)
        flesh.dye(strokes(size, stitches, 0.5), tone)
        flesh.height += 2 * strokes(size, stitches, 0.8)


def _photograph(dice: Dice, flesh: Flesh) -> Pixels:
    return pixels(flesh.lit(dice))


def _ruler(dice: Dice, drawn: Pixels) -> Pixels:
    """The paper scale that clinics lay beside a wound."""
    image = Image.fromarray(drawn)
    wide, tall = int(dice.integers(60, 160)), int(dice.integers(14, 26))
    strip = Image.new("RGBA", (wide, tall), (245, 245, 240, 255))
    draw = ImageDraw.Draw(strip)
    font = ImageFont.load_default(8.0)
    for n, at in enumerate(range(4, wide, 4)):
        draw.line((at, 0, at, 8 if n % 5 == 0 else 4), fill=(20, 20, 20))
        if n % 5 == 0:
            draw.text((at, 8), str(n // 5), (20, 20, 20), font)
    strip = strip.rotate(dice.uniform(-60, 60), expand=True)
    at_x, at_y = (
        int(dice.integers(0, max(1, s - t))) for s, t in zip(image.size, strip.size, strict=True)
    )
    image.paste(strip, (at_x, at_y), strip)
    return np.asarray(image)


def bare_skin(dice: Dice) -> Pixels:
    """Healthy skin: an arm, a leg, a back, a foot; often with cloth, a strap or a ring on it."""
    flesh = body_part(dice)
    if dice.random() < 0.75:
        _dressed(dice, flesh)
    return _photograph(dice, flesh)


def hands(dice: Dice) -> Pixels:
    """Healthy hands, nails bare or painted, with rings, bracelets, sleeves."""
    flesh = body_part(dice, "hand")
    if dice.random() < 0.3:
        flesh.ground = np.ones((*flesh.size, 3))
    varnish = np.array(dice.uniform(0.05, 0.95, 3))
    if dice.random() < 0.65:
        for y, x, ry, rx, turn in flesh.nails:
            flesh.dye(0.95 * ovals(flesh.size, [(y, x, ry * 1.2, rx * 1.1, turn)], 0.7), varnish)
    if dice.random() < 0.85:
        _dressed(dice, flesh)
    return _photograph(dice, flesh)


def _dressed(dice: Dice, flesh: Flesh) -> None:
    """A sleeve from one side, a band or a chain across."""
    size = flesh.size
    y, x = np.mgrid[: size[0], : size[1]].astype(float)
    turn = dice.uniform(0, 6.3)
    along = (x - size[1] / 2) * math.cos(turn) + (y - size[0] / 2) * math.sin(turn)
    along = along + 8 * (smooth(dice, size, 60) - 0.5)
    tone = np.array(dice.uniform(0.05, 0.95, 3))
    if dice.random() < 0.6:
        cloth = soft(1 - (along - dice.uniform(0.15, 0.4) * min(size)) / 10, 0.1)
        weave = 0.75 + 0.2 * np.sin(along * dice.uniform(0.5, 2)) + 0.2 * cloudy(dice, size, 30)
        flesh.colour = mixed(flesh.colour, tone * weave[..., None], cloth)
        flesh.height += cloth * (3 + 6 * cloudy(dice, size, 40, 2))
    for _ in range(dice.integers(0, 3)):
        off = (along - dice.uniform(-0.3, 0.3) * min(size)) / dice.uniform(2, 9)
        metal = dice.choice(
            ((0.85, 0.68, 0.3), (0.8, 0.8, 0.83), (0.12, 0.12, 0.14), (0.5, 0.25, 0.15))
        )
        band = np.exp(-((off**2) ** 2))
        across = (y - size[0] / 2) * math.cos(turn) - (x - size[1] / 2) * math.sin(turn)
        if dice.random() < 0.5:
            band = band * (np.sin(across * dice.uniform(0.4, 1.2)) > -0.4)
        flesh.colour = mixed(flesh.colour, np.array(metal), band)
        flesh.height += 3 * band
        flesh.wet += 0.8 * band


def _ornament(dice: Dice, flesh: Flesh) -> Floats:
    """A mandala, or a dense shaded figure."""
    ring = flesh.sore(dice, flesh.span * dice.uniform(0.35, 0.6), dice.uniform(0, 0.5))
    cy, cx = np.unravel_index(int(ring.argmin()), flesh.size)
    y, x = np.mgrid[: flesh.size[0], : flesh.size[1]].astype(float)
    if dice.random() < 0.5:
        angle = np.arctan2(y - cy, x - cx)
        petals = np.cos(int(dice.integers(5, 13)) * angle) * dice.uniform(0.05, 0.2)
        waves = np.sin((ring + petals) * dice.uniform(14, 40))
        waves = waves * np.cos(int(dice.integers(8, 30)) * angle)
        drawn = (np.abs(waves) < 0.25) | (waves > 0.75)
        lines: Floats = ndimage.gaussian_filter(drawn.astype(float), 0.6)
        return lines * soft(ring, 0.03)
    folds = cloudy(dice, flesh.size, dice.uniform(25, 60), 4)
    shaded = np.abs(np.sin(folds * dice.uniform(8, 18)))
    outline = np.exp(-((shaded / 0.18) ** 2))
    found: Floats = np.maximum(outline, (1 - shaded) * dice.uniform(0.4, 1)) * soft(ring, 0.04)
    return found


def tattoo(dice: Dice) -> Pixels:
    """Ink in skin: outlines, shaded shapes, letters, now and then colours."""
    flesh = body_part(
        dice,
        str(
            dice.choice(("limb", "trunk", "close", "hand", "foot"), p=(0.45, 0.2, 0.25, 0.05, 0.05))
        ),
    )
    size = flesh.size
    ink = np.zeros(size)
    for _ in range(dice.integers(2, 10)):
        shape = flesh.sore(dice, flesh.span * dice.uniform(0.06, 0.35), dice.uniform(0, 2.0))
        ink = np.maximum(ink, rim(shape, dice.uniform(0.03, 0.1)))
        if dice.random() < 0.5:
            shade = dice.uniform(0.3, 0.9) * soft(shape, 0.02) * smooth(dice, size, 40)
            ink = np.maximum(ink, shade * (smooth(dice, size, 25) > 0.45))
        if dice.random() < 0.25:
            flesh.tint(0.8 * soft(shape, 0.03), tuple(dice.uniform(0.2, 1.0, 3)))
    if dice.random() < 0.6:
        ink = np.maximum(ink, _ornament(dice, flesh))
    if dice.random() < 0.4:
        words = Image.new("L", (size[1], size[0]))
        letters = "".join(dice.choice(list("abcdefghiklmnoprstuvABCDLMRS "), 9))
        ImageDraw.Draw(words).text(
            (size[1] * 0.25, size[0] * dice.uniform(0.3, 0.6)), letters, 255,
            ImageFont.load_default(float(dice.integers(14, 40))),
        )  # fmt: skip
        turned = words.rotate(dice.uniform(-50, 50))
        ink = np.maximum(ink, np.asarray(turned, dtype=np.float64) / 255)
    centre = soft(flesh.sore(dice, flesh.span * 0.7, 0.5), 0.1)
    lines = strokes(size, wander(dice, size, int(dice.integers(2, 14)), 2.5, 0.25, 0.4), 0.6)
    ink = np.maximum(ink, lines * centre)
    flesh.dye(dice.uniform(0.7, 0.95) * ink, (0.1, 0.11, 0.14))
    return _photograph(dice, flesh)
