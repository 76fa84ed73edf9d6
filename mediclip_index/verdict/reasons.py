"""Why a verdict is what it is: who gave the margin, and the smallest change that would turn it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mediclip_index.types import Settings
from mediclip_index.verdict.decision import Blend, Flags, Voters, blend_votes
from mediclip_index.verdict.zero_shot import Floats


@dataclass(frozen=True)
class Reasons:
    """words_share: the part of the winner's margin over the runner-up that the words gave, None
    where there is no margin. without: places (in the list of voters) of the fewest labelled images
    whose absence turns the verdict to class `otherwise`; both empty where no absence would."""

    words_share: float | None
    without: tuple[int, ...]
    otherwise: int | None


def explain(
    words: Floats,
    voters: Voters,
    support: Floats,
    settings: Settings,
    alpha: Floats | None = None,
    lean: Floats | None = None,
) -> Reasons:
    """Reasons of one verdict. words (c,): its zero-shot probabilities; voters (1, m), of which m
    should be greater than settings.k; support (c,), settings and alpha as in `blend_votes`; lean
    (c,): factors on the blend, to which what comes after it (a calibration, a header) amounts.

    Where a labelled image is taken away the next voter steps in, as it would if that image had
    never been labelled. The winner's heaviest image goes first; each such step moves the votes as
    far as one absence can, so the first that turns the verdict is taken. References stay.
    """
    classes, references = voters.classes[0], voters.references[0]

    def decided(present: Flags, alpha: Floats | None) -> Blend:
        gone = np.bincount(classes[~present], minlength=len(support))
        left = Voters(
            voters.similarities[:, present], voters.classes[:, present],
            voters.references[:, present],
        )  # fmt: skip
        return blend_votes(words[None], left, support - gone, settings, alpha)

    def told(decision: Blend) -> Floats:
        return np.asarray(decision.blend[0] if lean is None else decision.blend[0] * lean)

    present = np.ones(len(classes), dtype=bool)
    now = decided(present, alpha)
    winner, runner_up = (int(c) for c in np.argsort(-told(now), kind="stable")[:2])
    share = None
    if now.blend[0, winner] > now.blend[0, runner_up]:
        votes_alone = decided(present, np.ones(1)).blend[0]
        if now.weights.sum() == 0 or np.array_equal(votes_alone, words):
            share = 1.0
        else:
            part = float(now.alpha[0])
            from_words = (1 - part) * (words[winner] - words[runner_up])
            from_votes = part * (votes_alone[winner] - votes_alone[runner_up])
            share = float(from_words / (from_words + from_votes))
    without: list[int] = []
    for _ in range(int((~references).sum())):
        asked = np.flatnonzero(present)[: settings.k]
        friends = [
            (weight, -place)
            for weight, place in zip(now.weights[0], asked, strict=True)
            if classes[place] == winner and weight > 0 and not references[place]
        ]
        if not friends:
            break
        place = -max(friends)[1]
        without.append(int(place))
        present[place] = False
        now = decided(present, alpha)
        if int(np.argmax(told(now))) != winner:
            return Reasons(share, tuple(without), int(np.argmax(told(now))))
    return Reasons(share, (), None)
