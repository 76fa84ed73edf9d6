"""`label next`: the images whose labels would teach most.

Greedy facility location (Wei et al. 2015): the image is taken that stands for most of what nothing
labelled stands for yet, and images that the words doubt count more. So proposals lie in dense
regions, differ from each other, and come first where there is doubt.
"""

from __future__ import annotations

import numpy as np

from mediclip_index import verdict
from mediclip_index.assess.evidence import Floats
from mediclip_index.catalog import images, labels, words
from mediclip_index.jobs.desk import Desk
from mediclip_index.terms import Ids, Proposal, Vectors, WrongUsage

POOL = 5_000  # unlabelled images looked at; a random sample of more
DOUBT = 1.0  # how much more an image counts that the words can't tell at all


def label_next(desk: Desk, count: int) -> list[Proposal]:
    """See Index.label_next."""
    if count < 1:
        raise WrongUsage("Ask for at least one image to label.")
    with desk.catalog.reading() as look:
        settings = words.settings(look)
        known = words.encoder(look)
        standing = labels.standings(look)
        ids, vectors = images.vectors(look, known)
    wording = desk.wording(None, settings)
    done = np.array([standing.get(int(i), labels.Standing()).label is not None for i in ids])
    held = np.array([standing.get(int(i), labels.Standing()).split in labels.HELD_OUT for i in ids])
    open_ones = np.flatnonzero(~done & ~held)
    if len(open_ones) > POOL:
        open_ones = np.sort(np.random.default_rng(0).permutation(open_ones)[:POOL])
    said = verdict.zero_shot(
        vectors[open_ones],
        wording.vectors,
        settings.scale or known.logit_scale,
        settings.biases,
    ).classes
    chosen = choose(vectors[open_ones], said, vectors[done & ~held], count)
    with desk.catalog.reading() as look:
        there = images.images(look, [int(ids[open_ones[n]]) for n in chosen])
    classes = wording.vectors.classes
    return [
        Proposal(
            id=int(ids[open_ones[n]]),
            path=there[int(ids[open_ones[n]])].path,
            label=classes[int(said[n].argmax())],
            probability=float(said[n].max()),
            why="unlike what is labelled so far"
            if said[n].max() > 0.9
            else "the words are in doubt",
        )
        for n in chosen.tolist()
    ]


def choose(vectors: Vectors, said: Floats, labelled: Vectors, count: int) -> Ids:
    """Places of the images to label, the most telling first.

    vectors (n, dim) unlabelled with the words' probabilities said (n, c); labelled (m, dim).
    """
    likeness = vectors @ vectors.T
    doubt = -(said * np.log(np.clip(said, 1e-9, 1))).sum(axis=1) / np.log(said.shape[1])
    weight = (1.0 + DOUBT * doubt).astype(np.float32)
    covered = (vectors @ labelled.T).max(axis=1) if len(labelled) else np.zeros(len(vectors))
    covered = np.maximum(covered, 0.0).astype(np.float32)
    chosen: list[int] = []
    for _ in range(min(count, len(vectors))):
        worth = weight @ np.maximum(likeness - covered[:, None], 0.0)
        worth[chosen] = -np.inf
        best = int(worth.argmax())
        chosen.append(best)
        covered = np.maximum(covered, likeness[best])
    return np.array(chosen, dtype=np.int64)
