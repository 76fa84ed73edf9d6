"""What the recipe is worth on families that it never saw: `python -m training.judge`.

Folds of whole families are left out, everything is fitted anew on the others (tower, projection,
references), and what is left out is judged as in a new index without one label: the shipped words,
the votes of references, their blend by the shipped settings. Needs what `train_lite` needs, and its
`--work` folder, where each fit is kept. With --doubt FILE the calibration that ships is fitted to
the answers and written; its own figures are cross-fitted, each half of the families by the other's.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from mediclip_index import prompts, verdict
from mediclip_index.session.calibrations import settings_digest
from mediclip_index.types import Settings, Unrelated
from training.bench_rows import Row, read_rows
from training.ending import Tuning
from training.features import Floats, Indices, make_maps
from training.fitting_doubt import applied, fit_doubt
from training.judge_groups import rightly_named
from training.learning import Ground, families_left_out
from training.model import RAW_DIM, SCALE
from training.references import COUNT, cover
from training.student import embed, kept_tower
from training.yardstick import FOLDS, report

# About those of `lite-4` and of the folds' own models.
UNRELATED = Unrelated(0.108, 0.127)


@dataclass(frozen=True)
class Answers:
    """What a model that never saw their families says of rows: probabilities (n,) of `medical` by
    words, by references, by both; and the best group of the winning class with its share (n,)."""

    rows: tuple[Row, ...]
    words: npt.NDArray[np.float64]
    votes: npt.NDArray[np.float64]
    blend: npt.NDArray[np.float64]
    group: tuple[str, ...]


def main() -> None:
    """Parse the command line, fit, judge, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    data = os.environ.get("MEDICLIP_BENCH")
    parser.add_argument("--data", type=Path, default=data, required=data is None)
    parser.add_argument("--work", type=Path, default=Path("lite-work"))
    parser.add_argument("--text-tower", type=Path, required=True, metavar="WEIGHTS")
    parser.add_argument("--steps", type=int, default=Tuning().steps, help="of the ending")
    parser.add_argument("--at-once", type=int, default=1, help="folds that one fit leaves out")
    parser.add_argument("--fits", type=int, default=FOLDS, help="only so many of the fits")
    parser.add_argument("--copies", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--doubt", type=Path, metavar="FILE")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    rows = read_rows(options.data)
    tower = kept_tower(options.text_tower)
    ground = Ground(
        rows,
        make_maps(rows, options.work, options.copies, options.threads),
        lambda texts: embed(tower, texts),
        options.work,
        tuning=replace(Tuning(), steps=options.steps),
        threads=options.threads,
    )
    chosen = [tuple(range(n, n + options.at_once)) for n in range(0, FOLDS, options.at_once)]
    found = joined(list(answers(ground, chosen[: options.fits])))
    for way, medical in (("words", found.words), ("votes", found.votes), ("blend", found.blend)):
        _say(way, found.rows, medical)
    named = [
        rightly_named(row.category, group)
        for row, group in zip(found.rows, found.group, strict=True)
        if row.label == "medical"
    ]
    print(f"kind of medical pictures named right: {100 * np.mean(named):.1f} %")
    classes = prompts.load_bundled("medical").class_names
    medical, sure = cross_fitted(found, classes)
    _say("blend, calibrated", found.rows, medical)
    right = (medical > 0.5) == np.array([row.label == "medical" for row in found.rows])
    print(f"sure: {100 * sure.mean():.1f} %, right of these {100 * right[sure].mean():.2f} %")
    if options.doubt:
        fitted = fit_doubt(found.rows, found.blend, classes)
        about = {
            "prompts": prompts.load_bundled("medical").sha256,
            "settings": settings_digest(Settings()),
        }
        options.doubt.write_text(json.dumps({**fitted, **about}, indent=2) + "\n", "utf-8")


def answers(ground: Ground, chosen: Sequence[tuple[int, ...]]) -> Iterator[Answers]:
    """The answers to each set of folds that is left out."""
    wording = prompts.load_bundled("medical")
    sentences = np.pad(ground.embed(list(wording.sentences)), ((0, 0), (0, RAW_DIM)))
    vectors = verdict.prompt_embeddings(wording, sentences, wording.pooling)
    yes = wording.class_names.index("medical")
    settings = verdict.in_cosines(Settings(), UNRELATED)
    truth = np.array([wording.class_names.index(row.label) for row in ground.rows])
    for asked, keep, learned in families_left_out(ground, chosen):
        pictures = learned.pictures[asked]
        said = verdict.zero_shot(pictures, vectors, SCALE)
        places = np.flatnonzero(keep)
        some = [ground.rows[n] for n in places.tolist()]
        held = places[
            cover(
                learned.pictures[places],
                [row.category for row in some],
                [row.source for row in some],
                COUNT,
            )
        ]
        cosines, near = _nearest(pictures, learned.pictures[held], settings.k)
        voters = verdict.Voters(cosines, truth[held][near], np.ones(near.shape, dtype=bool))
        behind = np.bincount(truth[held], minlength=len(wording.class_names))
        support = verdict.support(np.zeros_like(behind), behind, settings)
        told = verdict.blend_votes(said.classes, voters, support, settings)
        yield Answers(
            tuple(ground.rows[n] for n in asked.tolist()),
            said.classes[:, yes],
            told.votes[:, yes],
            told.blend[:, yes],
            tuple(vectors.groups[n] for n in said.groups.argmax(axis=1)),
        )


def joined(parts: Sequence[Answers]) -> Answers:
    """All answers as one."""
    return Answers(
        rows=tuple(row for part in parts for row in part.rows),
        words=np.concatenate([part.words for part in parts]),
        votes=np.concatenate([part.votes for part in parts]),
        blend=np.concatenate([part.blend for part in parts]),
        group=tuple(group for part in parts for group in part.group),
    )


def cross_fitted(
    found: Answers, classes: Sequence[str]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Calibrated probabilities of `medical` and which verdicts are sure, each half of the families
    by a calibration fitted on the other."""
    names = sorted({row.family for row in found.rows})
    half = dict(zip(names, np.random.default_rng(1).permutation(len(names)) % 2, strict=True))
    side = np.array([half[row.family] for row in found.rows])
    medical, sure = np.empty(len(side)), np.empty(len(side), dtype=bool)
    for now in (0, 1):
        other = np.flatnonzero(side != now)
        fitted = fit_doubt([found.rows[n] for n in other.tolist()], found.blend[other], classes)
        own = side == now
        medical[own], sure[own] = applied(fitted, found.blend[own], classes)
    return medical, sure


def _nearest(pictures: Floats, held: Floats, k: int) -> tuple[Floats, Indices]:
    cosines = pictures @ held.T
    near = np.argsort(-cosines, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(cosines, near, axis=1), near


def _say(way: str, rows: Sequence[Row], medical: npt.NDArray[np.float64]) -> None:
    print(f"{way}, n = {len(rows)}")
    for name, figure in report(rows, medical).items():
        print(f"  {name}: {figure}", flush=True)


if __name__ == "__main__":
    main()
