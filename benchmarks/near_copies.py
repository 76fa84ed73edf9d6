"""Whether `duplicates` finds copies of a picture, and takes no other picture for one.

    python -m benchmarks.near_copies --pictures FOLDER ... --series FOLDER ... [--each 20]

Each folder of --pictures holds pictures that are all different: of some of each (chosen by --seed)
copies are made (compressed, resized, cropped, grey, lighter), and all pairs of different ones are
compared too. Each folder of --series holds the slices or frames of one scan, one a file in order,
or a DICOM file with many: each is compared with its next --apart neighbours; pairs whose thumbnails
are equal but for noise are left out (a frame that was stored twice is a copy). Everything is one
pile, as it would be in an index.

In the same run, other ways at the loosest threshold that is wrong no more often than is allowed
(1 in 1,000, first among slices and pictures alike, then among pictures alone): pHash of 64 and 256
bits (where `imagehash` is installed) and the model's cosine, which is told at 0.998 too. Prints
JSON lines: each pair that is wrong, and shares with Wilson intervals of 95 %.
"""

from __future__ import annotations

import argparse
import importlib
import io
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from mediclip_index import reading
from mediclip_index.evaluate.pairs import by_thumbnails
from mediclip_index.session.session import load_encoder
from mediclip_index.types import THUMBNAIL, Picture, Silent

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


ALLOWED = 1e-3  # false pairs of all
Pile = list[tuple[str, int, str, Picture]]  # folder, number, kind ("" of an original), picture


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=Path, nargs="*", default=[], metavar="FOLDER")
    parser.add_argument("--series", type=Path, nargs="*", default=[], metavar="FOLDER")
    parser.add_argument("--each", type=int, default=20, help="pictures of a folder")
    parser.add_argument("--most", type=int, default=10_000, help="pictures of a folder compared")
    parser.add_argument("--apart", type=int, default=3, help="neighbours of a slice")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    dice = np.random.default_rng(options.seed)
    pile: Pile = []
    for folder in options.pictures:
        pile += _pictures(folder, dice, options.each, options.most)
    films = [(_name(folder), _read(sorted(folder.iterdir()))) for folder in options.series]
    pile += [(name, n, "", slice_) for name, film in films for n, slice_ in enumerate(film)]
    vectors = load_encoder("lite").encode_pictures([p[3] for p in pile])
    grey = np.frombuffer(b"".join(p[3].thumbnail for p in pile), dtype=np.uint8)
    grey = grey.reshape(-1, THUMBNAIL, THUMBNAIL)
    ways = {"cosine": -(vectors @ vectors.T)} | _hashes(pile)
    started = time.perf_counter()
    pairs = by_thumbnails(vectors, grey, np.arange(len(pile)), Silent())
    print(json.dumps({"pile": len(pile), "seconds": round(time.perf_counter() - started, 1)}))
    ours = np.zeros((len(pile), len(pile)), dtype=bool)
    ours[pairs.first, pairs.second] = ours[pairs.second, pairs.first] = True

    place = {(folder, n, kind): i for i, (folder, n, kind, _) in enumerate(pile)}
    copies: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for (folder, n, kind), i in place.items():
        if kind:
            copies[kind].append((place[folder, n, ""], i))
            if kind not in BEYOND:
                copies["all"].append((place[folder, n, ""], i))
                copies["of " + folder].append((place[folder, n, ""], i))
    different: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for folder in options.pictures:
        own = [i for (name, _, kind), i in place.items() if name == _name(folder) and not kind]
        different[_name(folder)] = list(combinations(own, 2))
        different["pictures"] += different[_name(folder)]
    for name, film in films:
        for step in range(1, options.apart + 1):
            for n in range(len(film) - step):
                i, j = place[name, n, ""], place[name, n + step, ""]
                if np.abs(grey[i].astype(float) - grey[j]).mean() >= SAME:
                    for of in (name, f"{step} apart", "slices"):
                        different[of].append((i, j))
    _tell("ours", ours, copies, different)
    for of in ("pictures", "slices"):
        for i, j in different[of]:
            if ours[i, j]:
                print(json.dumps({"wrong": [*pile[i][:2], *pile[j][:2]]}))
    pictures = [np.array(different["pictures"]).T] if different["pictures"] else []
    slices = [np.array(different["slices"]).T] if different["slices"] else []
    for way, distance in ways.items():
        for among in (pictures + slices, pictures):
            limits = [np.sort(distance[*p])[int(ALLOWED * p.shape[1])] for p in among]
            most = min(limits, default=0)
            _tell(f"{way} below {most:.4f}", distance < most, copies, different)
    _tell("cosine from 0.998", ways["cosine"] <= -0.998, copies, different)


def _tell(
    way: str,
    found: npt.NDArray[np.bool_],
    copies: dict[str, list[tuple[int, int]]],
    different: dict[str, list[tuple[int, int]]],
) -> None:
    shares = [
        {kind: share(int(found[*np.array(p).T].sum()), len(p)) for kind, p in of.items() if p}
        for of in (copies, different)
    ]
    print(json.dumps({"way": way, "recall": shares[0], "false": shares[1]}), flush=True)


def _hashes(pile: Pile) -> dict[str, npt.NDArray[np.float32]]:
    """Distances of pHash between all of a pile, in bits, where the package is installed."""
    try:
        imagehash = importlib.import_module("imagehash")
    except ImportError:
        return {}
    found = {}
    for side in (8, 16):
        bits = np.array(
            [imagehash.phash(Image.fromarray(p[3].pixels), side).hash.ravel() for p in pile],
            dtype=np.float32,
        )
        found[f"pHash of {side * side} bits"] = bits @ (1 - bits).T + (1 - bits) @ bits.T
    return found


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


def _name(folder: Path) -> str:
    return f"{folder.parent.name}/{folder.name}"


def _pictures(folder: Path, dice: np.random.Generator, each: int, most: int) -> Pile:
    """The pictures of a folder, and copies of some."""
    files = sorted(file for file in folder.iterdir() if file.is_file())[:most]
    images = [Image.open(file).convert("RGB") for file in files]
    pile = [(_name(folder), n, "", _of_image(image)) for n, image in enumerate(images)]
    for n in dice.permutation(len(images))[:each].tolist():
        for kind, change in CHANGES.items():
            pile.append((_name(folder), n, kind, _of_image(change(images[n], dice))))
    return pile


if __name__ == "__main__":
    main()
