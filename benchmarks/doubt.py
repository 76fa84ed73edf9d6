"""Does doubt come where it should? Calibration, coverage, and pictures unlike anything known.

    python -m benchmarks.doubt --data FOLDER [--index FOLDER]

Builds an index of FOLDER/dev.csv (or takes one that is built), tunes a copy of it, and prints one
JSON line: on the test split ECE, coverage by class and the share of sure verdicts; and of 200
synthetic pictures (noise, plain colours, gradients, lines of text) the share that is unsure.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from benchmarks.command_line import parser_of
from mediclip_index import Index

WORDS = ("quick", "brown", "fox", "jumps", "over", "lazy", "dog", "while", "seven", "wizards")
EACH = 50


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--index", type=Path, help="an index of dev.csv that is built already")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "index"
        if options.index:
            index = Index.open(shutil.copytree(options.index, folder))
        else:
            index = Index.create(folder, model="lite")
            index.build([str(options.data / "dev.csv")])
        tuned = index.tune()
        report = index.evaluate(split="test")
        strange = Path(place) / "strange"
        strange.mkdir()
        kinds: dict[str, str] = {}
        for kind, picture in synthetic(np.random.default_rng(options.seed)):
            file = strange / f"{kind}-{len(kinds):03}.png"
            picture.save(file)
            kinds[str(file)] = kind
        verdicts = index.query(list(kinds)).verdicts
    unsure = Counter(kinds[v.path] for v in verdicts if v.unsure)
    print(
        json.dumps(
            {
                "ece": report.methods["blend"].ece,
                "accuracy": {n: m.accuracy.value for n, m in report.methods.items()},
                "coverage_by_class": report.unsure.coverage_by_class,
                "share_sure": report.unsure.share_sure,
                "accuracy_sure": report.unsure.accuracy_sure,
                "strange": len(verdicts),
                "strange_unsure": sum(v.unsure for v in verdicts) / len(verdicts),
                "strange_unsure_by_kind": {
                    k: unsure[k] / EACH for k in sorted(set(kinds.values()))
                },
                "alpha": tuned.settings.alpha,
                "notes": list(tuned.notes),
            }
        )
    )


def synthetic(dice: np.random.Generator) -> Iterator[tuple[str, Image.Image]]:
    """Fifty pictures each of noise, plain colours, gradients and text on paper."""
    for _ in range(EACH):
        side = int(dice.integers(96, 400))
        grain = int(dice.choice([1, 1, 2, 4, 8]))
        shape = (side // grain + 1, side // grain + 1, int(dice.choice([1, 3])))
        noise = dice.normal(128, dice.uniform(20, 90), shape) if dice.random() < 0.5 else (
            dice.uniform(0, 255, shape)
        )  # fmt: skip
        pixels = np.clip(np.repeat(noise, 3 // shape[2], axis=2), 0, 255).astype(np.uint8)
        yield "noise", Image.fromarray(pixels).resize((side, side), Image.Resampling.NEAREST)
        colour = tuple(int(c) for c in dice.integers(0, 256, 3))
        yield "plain", Image.new("RGB", (side, side), colour)
        yield "gradient", _gradient(dice, side)
        yield "text", _text(dice, side)


def _gradient(dice: np.random.Generator, side: int) -> Image.Image:
    y, x = np.mgrid[0:side, 0:side] / side
    angle = dice.uniform(0, 2 * np.pi)
    ramp = np.cos(angle) * x + np.sin(angle) * y
    ramp = (ramp - ramp.min()) / np.ptp(ramp)
    first, last = dice.uniform(0, 255, 3), dice.uniform(0, 255, 3)
    pixels = first + ramp[..., None] * (last - first)
    return Image.fromarray(pixels.astype(np.uint8))


def _text(dice: np.random.Generator, side: int) -> Image.Image:
    page = Image.new("RGB", (side, side), "white")
    pen = ImageDraw.Draw(page)
    for y in range(6, side - 12, int(dice.integers(14, 24))):
        pen.text((6, y), " ".join(dice.choice(WORDS, 12)), fill="black")
    return page


if __name__ == "__main__":
    main()
