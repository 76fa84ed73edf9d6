"""The search for settings: coordinate descent over grids, on labelled images judged as if new."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from mediclip_index.evaluate import objectives, shrinkage
from mediclip_index.evaluate.leave_one_out import Evidence, Floats, Labelled, predict
from mediclip_index.evaluate.objectives import Objective
from mediclip_index.types import Ids, Pooling, Settings
from mediclip_index.types.verdicts import BETA, NEAR
from mediclip_index.verdict import prompt_embeddings

ALPHAS = tuple(float(a) for a in np.round(np.arange(0, 0.9501, 0.05), 2))  # never neighbours alone
KS = (5, 10, 20, 40, 80, 160)
# In spreads of the model's unrelated cosines, around those that ship; the first NEAR is everybody.
BETAS = tuple(BETA * f for f in (0.3, 0.6, 1.0, 1.5, 2.0, 3.0))
NEARS = (-100.0, *(NEAR + step for step in (-1.8, -0.9, 0.0, 0.9, 1.8, 2.7)))
SCALES = tuple(float(s) for s in np.round(np.geomspace(0.2, 1.6, 10), 3))  # of the model's own
FACTORS = tuple(float(f) for f in np.round(np.exp(np.linspace(-1.5, 1.5, 13)), 3))
POOLINGS: tuple[Pooling, ...] = ("groups", "mean", "prompts")
ROUNDS = 4
FEWEST_CLUSTERS = 10  # fewer tell nothing of how they differ: then image by image
SURE = 0.9  # probability from which an error is a grave one


def search(
    evidence: Evidence,
    start: Settings,
    goal: Objective,
    weight: Floats,
    by_heart: bool,
) -> tuple[Settings, float, float]:
    """Coordinate descent over the grids from the settings in force; with the loss before and after.

    A step is taken only where it gains more than one standard error of the gain (paired, image by
    image, source by source): a few hundred images can't tell the settings of a fine grid apart, and
    what is not told apart stays as it was shipped. What is chosen is drawn back towards the start
    by how much the images can tell, and dropped where it errs more often. Where the words know the
    images `by_heart` nothing is sought.
    """
    clusters = _clusters(evidence)

    def losses(settings: Settings) -> Floats:
        return objectives.losses(goal, blend(evidence, settings), evidence.truth, weight)

    best, now = start, losses(start)
    first = float(now.mean())
    for _ in range(0 if by_heart else ROUNDS):
        before = best
        for options in _directions(evidence):
            found = [losses(candidate) for candidate in options(best)]
            n = int(np.argmin([each.mean() for each in found]))
            gain = now - found[n]
            if gain.mean() > _standard_error(gain, clusters) + 1e-9:
                best, now = options(best)[n], found[n]
        if best == before:
            break
    drawn_back = shrinkage.shrunk(
        start, best, shrinkage.share_of(len(set(clusters.tolist()))), evidence.labelled.scale
    )
    if drawn_back == start or _worse(evidence, drawn_back, start):
        return start, first, first
    return drawn_back, first, float(losses(drawn_back).mean())


def _worse(evidence: Evidence, chosen: Settings, start: Settings) -> bool:
    """Whether settings are wrong more often, or surely wrong more often, than those before."""
    wrong, surely = [], []
    for settings in (chosen, start):
        told = blend(evidence, settings)
        missed = told.argmax(axis=1) != evidence.truth
        wrong.append(int(missed.sum()))
        surely.append(int((missed & (told.max(axis=1) > SURE)).sum()))
    return wrong[0] > wrong[1] or surely[0] > surely[1]


def _clusters(evidence: Evidence) -> Ids:
    """Which images stand and fall together (n,): those of a source, else of a subject."""
    data, places = evidence.labelled, evidence.places
    keys = np.where(data.source[places] != "", data.source[places], data.subject[places])
    keys = np.where(keys != "", keys, data.sha256[places])
    return np.unique(keys, return_inverse=True)[1]


def _standard_error(gain: Floats, clusters: Ids) -> float:
    """Of the mean gain (n,), robust to clusters (Liang and Zeger 1986): 544 images of 23 sources
    tell hardly more than 23 images."""
    sums = np.bincount(clusters, weights=gain - gain.mean())
    if len(sums) < FEWEST_CLUSTERS:
        sums = gain - gain.mean()
    return float(np.sqrt((sums**2).sum() * len(sums) / max(len(sums) - 1, 1)) / len(gain))


def blend(evidence: Evidence, settings: Settings) -> Floats:
    """The blend (n, c) with the words pooled as the settings say."""
    pooled = replace(evidence, labelled=worded(evidence.labelled, settings))
    return predict(pooled, settings).blend


def worded(data: Labelled, settings: Settings) -> Labelled:
    """With the words pooled as the settings say."""
    said, pooling = data.text_classifier, settings.pooling or data.text_classifier.prompts.pooling
    if pooling == said.vectors.pooling:
        return data
    vectors = prompt_embeddings(said.prompts, said.vectors.sentences, pooling)
    return replace(data, text_classifier=replace(said, vectors=vectors))


def _directions(
    evidence: Evidence,
) -> list[Callable[[Settings], Sequence[Settings]]]:
    own = evidence.labelled.scale
    classes = evidence.labelled.classes

    def scales(s: Settings) -> list[Settings]:
        return [replace(s, scale=factor * own) for factor in SCALES]

    def alphas(s: Settings) -> list[Settings]:
        return [replace(s, alpha=alpha) for alpha in ALPHAS]

    def voters(s: Settings) -> list[Settings]:
        return [replace(s, k=k, beta=beta) for k in KS for beta in BETAS]

    def nears(s: Settings) -> list[Settings]:
        return [replace(s, near=near) for near in NEARS]

    def poolings(s: Settings) -> list[Settings]:
        return [replace(s, pooling=pooling) for pooling in POOLINGS]

    def factors(name: str) -> Callable[[Settings], list[Settings]]:
        return lambda s: [replace(s, biases={**s.biases, name: factor}) for factor in FACTORS]

    # The last class's factor is the others' turned round.
    return [scales, poolings, *(factors(name) for name in classes[:-1]), alphas, voters, nears]
