"""Whether `duplicates` finds copies of a picture, and takes no other picture for one.

    python scripts/bench/near_copies.py --pictures FOLDER ... --series FOLDER ... [--each 20]

Each folder of --pictures holds pictures that are all different (some of each, chosen by --seed):
copies are made of them (compressed, resized, cropped, grey, lighter), and all pairs of different
ones are compared too. Each folder of --series holds the slices or frames of one scan, one a file in
order, or a DICOM file with many: each is compared with its next --apart neighbours; pairs whose
thumbnails are equal but for noise are counted aside (a frame that was stored twice is a copy).
Prints one JSON line a folder and one in all: recall by kind of copy and false pairs, with Wilson
intervals of 95 %.
"""

from __future__ import annotations

import argparse
import io
import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mediclip_index import reading
from mediclip_index.assess.pairs import by_thumbnails
from mediclip_index.jobs.desk import load_encoder
from mediclip_index.terms import THUMBNAIL, Encoder, Picture, Silent

Change = Callable[[Image.Image, np.random.Generator], Image.Image]
SAME = 0.5  # mean difference of grey levels below which two frames are one, stored twice


def compressed(quality: int) -> Change:
    def change(picture: Image.Image, dice: np.random.Generator) -> Image.Image:
        stream = io.BytesIO()
        picture.save(stream, "JPEG", quality=quality)
        return Image.open(stream).convert("RGB")

    return change


def resized(factor: float) -> Change:
    return lambda picture, dice: picture.resize(
        (max(1, round(picture.width * factor)), max(1, round(picture.height * factor))),
        Image.Resampling.BICUBIC,
    )


def cropped(most: float) -> Change:
    def change(picture: Image.Image, dice: np.random.Generator) -> Image.Image:
        sides = dice.uniform(0, most, 4)
        sides[dice.integers(4)] = most
        left, top, right, bottom = sides
        w, h = picture.size
        return picture.crop(
            (round(w * left), round(h * top), round(w * (1 - right)), round(h * (1 - bottom)))
        )

    return change


def lighter(factor: float) -> Change:
    table = [min(255, round(value * factor)) for value in range(256)] * 3
    return lambda picture, dice: picture.point(table)


def windowed(picture: Image.Image, dice: np.random.Generator) -> Image.Image:
    return picture.point([min(255, max(0, round((v - 12) * 255 / 225))) for v in range(256)] * 3)


CHANGES: dict[str, Change] = {
    **{f"jpeg {quality}": compressed(quality) for quality in (30, 50, 75, 95)},
    **{f"resized {factor:g}": resized(factor) for factor in (0.5, 0.75, 2)},
    **{f"cropped {most:.0%}": cropped(most) for most in (0.02, 0.05)},
    "grey": lambda picture, dice: picture.convert("L").convert("RGB"),
    "lighter": lighter(1.1),
    "darker": lighter(0.9),
    "windowed": windowed,  # beyond the goal, as is the next: told aside
    "cropped, small, jpeg 50": lambda picture, dice: compressed(50)(
        resized(0.6)(cropped(0.05)(picture, dice), dice), dice
    ),
}
BEYOND = ("windowed", "cropped, small, jpeg 50")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=Path, nargs="*", default=[], metavar="FOLDER")
    parser.add_argument("--series", type=Path, nargs="*", default=[], metavar="FOLDER")
    parser.add_argument("--each", type=int, default=20, help="pictures of a folder")
    parser.add_argument("--apart", type=int, default=3, help="neighbours of a slice")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    encoder = load_encoder("lite", "auto", "auto", "auto")
    dice = np.random.default_rng(options.seed)
    found: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for folder in options.pictures:
        _pictures(folder, encoder, dice, options.each, found)
    for folder in options.series:
        _series(folder, encoder, options.apart, found)
    goal = [v for k, v in found.items() if k in CHANGES and k not in BEYOND]
    found["all copies"] = [sum(v[0] for v in goal), sum(v[1] for v in goal)]
    print(json.dumps({"all": {kind: share(*hits) for kind, hits in found.items()}}))


def share(hits: int, of: int) -> dict[str, Any]:
    """hits / of with its Wilson interval."""
    if not of:
        return {"of": 0}
    z, p = 1.96, hits / of
    middle, wide = p + z * z / (2 * of), z * np.sqrt(p * (1 - p) / of + z * z / (4 * of * of))
    scale = 1 + z * z / of
    return {
        "found": hits, "of": of, "share": round(p, 5),
        "low": round(max(0.0, float(middle - wide) / scale), 5),
        "high": round(min(1.0, float(middle + wide) / scale), 5),
    }  # fmt: skip


def _read(files: Iterable[Path]) -> list[Picture]:
    found: list[Picture] = []
    for file in files:
        found += reading.read_file(file, size=224, frames="all")[1].pictures
    return found


def _of_image(picture: Image.Image) -> Picture:
    stream = io.BytesIO()
    picture.convert("RGB").save(stream, "PNG")
    return reading.read(stream.getvalue(), path="-", size=224).pictures[0]


def _copies(pictures: list[Picture], encoder: Encoder) -> set[tuple[int, int]]:
    """The pairs that `duplicates` would make, by their places."""
    grey = np.frombuffer(b"".join(p.thumbnail for p in pictures), dtype=np.uint8)
    pairs = by_thumbnails(
        encoder.encode_pictures(pictures),
        grey.reshape(-1, THUMBNAIL, THUMBNAIL),
        np.arange(len(pictures)),
        Silent(),
    )
    return set(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))


def _pictures(
    folder: Path, encoder: Encoder, dice: np.random.Generator, each: int,
    found: dict[str, list[int]],
) -> None:  # fmt: skip
    files = sorted(file for file in folder.iterdir() if file.is_file())
    chosen = [files[i] for i in dice.permutation(len(files))[:each]]
    images = [Image.open(file).convert("RGB") for file in chosen]
    own = [_of_image(image) for image in images]
    n = len(own)
    hits = {
        kind: sum(
            (i, n + i) in pairs
            for pairs in [_copies(own + [_of_image(change(im, dice)) for im in images], encoder)]
            for i in range(n)
        )
        for kind, change in CHANGES.items()
    }
    every = _read(files)
    false = len(_copies(every, encoder))
    pairs = len(every) * (len(every) - 1) // 2
    for kind, count in hits.items():
        found[kind][0] += count
        found[kind][1] += n
    found["different pictures"][0] += false
    found["different pictures"][1] += pairs
    print(json.dumps({"pictures": folder.name, "of": n, "found": hits,
                      "false": share(false, pairs)}), flush=True)  # fmt: skip


def _series(folder: Path, encoder: Encoder, apart: int, found: dict[str, list[int]]) -> None:
    slices = _read(sorted(folder.iterdir()))
    pairs = _copies(slices, encoder)
    grey = [np.frombuffer(p.thumbnail, dtype=np.uint8).astype(float) for p in slices]
    told: dict[str, Any] = {"series": folder.name, "slices": len(slices), "stored twice": 0}
    for step in range(1, apart + 1):
        hits = of = 0
        for i in range(len(slices) - step):
            if np.abs(grey[i] - grey[i + step]).mean() < SAME:
                told["stored twice"] += 1
                continue
            of += 1
            hits += (i, i + step) in pairs
        kind = f"{'frames' if folder.name.startswith('us') else 'slices'} {step} apart"
        found[kind][0] += hits
        found[kind][1] += of
        told[f"{step} apart"] = share(hits, of)
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
