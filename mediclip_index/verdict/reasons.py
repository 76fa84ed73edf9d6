"""Why a verdict is what it is: who gave the margin, and the smallest change that would turn it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mediclip_index.terms import Ids, Settings, Vectors
from mediclip_index.verdict.blend import blend, complete_votes
from mediclip_index.verdict.votes import vote_weights, votes
from mediclip_index.verdict.words import Floats


@dataclass(frozen=True)
class Reasons:
    """words_share: the part of the winner's margin over the runner-up that the words gave, None
    where there is no margin. without: places (in the list of neighbours) of the fewest whose
    absence turns the verdict to class `otherwise`; both empty where no absence would."""

    words_share: float | None
    without: tuple[int, ...]
    otherwise: int | None


def explain(
    words: Floats, similarities: Vectors, classes: Ids, counts: Ids, settings: Settings
) -> Reasons:
    """Reasons of one verdict. words (c,); similarities and classes (m,) of its neighbours, nearest
    first; counts (c,) labelled images by class.

    m should be greater than settings.k: where a neighbour is taken away the next steps in, as it
    would if that image had never been labelled. The winner's heaviest voter goes first; each such
    step moves the votes as far as one absence can, so the first that turns the verdict is taken.
    """

    def probability(present: np.ndarray, alpha: float) -> tuple[Floats, Floats]:
        voters = np.flatnonzero(present)[: settings.k]
        gone = np.bincount(classes[~present], minlength=len(counts))
        left = counts - gone
        weights = vote_weights(
            similarities[None, voters],
            classes[None, voters],
            left,
            beta=settings.beta,
            near=settings.near,
        )
        shares, voted = votes(weights, classes[None, voters], left)
        full = complete_votes(shares, words[None], left)
        return blend(words[None], full, voted, alpha)[0], weights[0]

    present = np.ones(len(similarities), dtype=bool)
    now, weights = probability(present, settings.alpha)
    winner, runner_up = (int(c) for c in np.argsort(-now, kind="stable")[:2])
    share = None
    if now[winner] > now[runner_up]:
        votes_alone, _ = probability(present, 1.0)
        if weights.sum() == 0 or np.array_equal(votes_alone, words):
            share = 1.0
        else:
            from_words = (1 - settings.alpha) * (words[winner] - words[runner_up])
            from_votes = settings.alpha * (votes_alone[winner] - votes_alone[runner_up])
            share = float(from_words / (from_words + from_votes))
    without: list[int] = []
    for _ in range(len(similarities)):
        voters = np.flatnonzero(present)[: settings.k]
        friends = [
            (weight, -place)
            for weight, place in zip(weights, voters, strict=True)
            if classes[place] == winner and weight > 0
        ]
        if not friends:
            break
        place = -max(friends)[1]
        without.append(int(place))
        present[place] = False
        after, weights = probability(present, settings.alpha)
        if int(np.argmax(after)) != winner:
            return Reasons(share, tuple(without), int(np.argmax(after)))
    return Reasons(share, (), None)
