"""`label next`: the images whose labels would teach most.

Greedy facility location (Wei et al. 2015): the image is taken that stands for most of what nothing
labelled stands for yet. It stands for another by the share of the votes that it would have there if
all that are looked at were labelled: as in a random walk over likenesses (Zhu and Ghahramani 2002),
each image has one vote to give away, so many look-alikes are one thing to learn, and a rare
kind another. Bare weights let groups of look-alikes take most proposals, and on left-out sources
those taught no more than random ones. What the words doubt does not count for more: there that
chose worse.
"""

from __future__ import annotations

import heapq

import numpy as np

from mediclip_index import verdict
from mediclip_index.catalog import images, labels, models
from mediclip_index.evaluate.leave_one_out import BLOCK
from mediclip_index.evaluate.sentences import group_of
from mediclip_index.session.session import Session
from mediclip_index.session.text_classifier import load_text_classifier
from mediclip_index.types import Ids, Proposal, UsageError, Vectors

POOL = 5_000  # unlabelled images looked at; a random sample of more


def label_next(session: Session, count: int) -> list[Proposal]:
    """See Index.label_next."""
    if count < 1:
        raise UsageError("Ask for at least one image to label.")
    with session.catalog.reading() as read:
        settings = models.settings(read)
        stored = models.encoder(read)
        current = labels.current_labels(read)
        ids, vectors = images.vectors(read, stored)
    text_classifier = load_text_classifier(session, None, settings)
    told = [current.get(int(i), labels.CurrentLabels()) for i in ids]
    done = np.array([one.label is not None for one in told], dtype=np.bool_)
    held = np.array([one.split in labels.HELD_OUT for one in told], dtype=np.bool_)
    open_ones = np.flatnonzero(~done & ~held)
    stands_for = max(1.0, len(open_ones) / POOL)
    if len(open_ones) > POOL:
        open_ones = np.sort(np.random.default_rng(0).permutation(open_ones)[:POOL])
    said = verdict.zero_shot(
        vectors[open_ones],
        text_classifier.vectors,
        settings.scale or stored.logit_scale,
        settings.biases,
    )
    kinds = group_of(said, said.classes, text_classifier.vectors)
    beta = verdict.in_cosines(settings, stored.unrelated).beta
    chosen = choose(vectors[open_ones], vectors[done & ~held], count, beta, stands_for)
    with session.catalog.reading() as read:
        there = images.images(read, [int(ids[open_ones[n]]) for n in chosen])
    classes = text_classifier.vectors.classes
    return [
        Proposal(
            id=int(ids[open_ones[n]]),
            path=there[int(ids[open_ones[n]])].path,
            page=there[int(ids[open_ones[n]])].page,
            item=there[int(ids[open_ones[n]])].item,
            label=classes[int(said.classes[n].argmax())],
            probability=float(said.classes[n].max()),
            kind=text_classifier.vectors.groups[int(kinds[n])],
            why="unlike what is labelled so far"
            if said.classes[n].max() > 0.9
            else "the words are in doubt",
        )
        for n in chosen.tolist()
    ]


def choose(
    vectors: Vectors, labelled: Vectors, count: int, beta: float, stands_for: float = 1.0
) -> Ids:
    """Places of the images to label, the most telling first.

    vectors (n, dim): unlabelled ones, each of which stands for so many like it; labelled (m, dim):
    all of them. A vote weighs exp(-beta (1 - cos)). Gains only shrink as images are taken, so most
    need not be counted again (lazy greedy, Minoux 1978).
    """

    def weights(voters: Vectors) -> Vectors:
        return np.asarray(np.exp(-beta * (1.0 - voters @ vectors.T)), dtype=np.float32)

    shares = weights(vectors)
    votes, covered = stands_for * shares.sum(axis=0), np.zeros(len(vectors), dtype=np.float32)
    for start in range(0, len(labelled), BLOCK):
        known = weights(labelled[start : start + BLOCK])
        votes += known.sum(axis=0)
        covered = np.maximum(covered, known.max(axis=0))
    shares /= votes
    covered /= votes

    def gain(place: int) -> float:
        return float(np.maximum(shares[place] - covered, 0.0).sum())

    waiting = [(-gain(place), place) for place in range(len(vectors))]
    heapq.heapify(waiting)
    chosen: list[int] = []
    while waiting and len(chosen) < count:
        _, place = heapq.heappop(waiting)
        now = -gain(place)
        if waiting and now > waiting[0][0]:
            heapq.heappush(waiting, (now, place))
            continue
        chosen.append(place)
        covered = np.maximum(covered, shares[place])
    return np.array(chosen, dtype=np.int64)
