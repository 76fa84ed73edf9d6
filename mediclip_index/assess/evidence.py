"""Labelled images → all that a verdict on each would rest on, in arrays, to be judged many times.

Each image is judged as if it were new: itself, its near-duplicates and its own subject never vote,
nor, where sources are left out, anything from its own source.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from mediclip_index import verdict
from mediclip_index.catalog import images, labels, presence, words
from mediclip_index.jobs.desk import Desk, Wording
from mediclip_index.jobs.judging import bound
from mediclip_index.terms import Ids, Settings, Vectors, WrongUsage

Floats = npt.NDArray[np.float64]
Names = npt.NDArray[np.str_]
NEAR_DUPLICATE = 0.998  # cosine
MOST_NEIGHBOURS = 200  # kept an image; the largest k that can be judged
BLOCK = 256


@dataclass(frozen=True, eq=False)
class Labelled:
    """Every labelled image that is there: arrays of one length, in order of id.

    truth is the place of the label in `wording.vectors.classes`; subject, source, category and
    modality are "" where they are not known.
    """

    wording: Wording
    scale: float
    ids: Ids
    vectors: Vectors
    truth: Ids
    split: Names
    subject: Names
    source: Names
    category: Names
    modality: Names
    sha256: Names
    bound: str
    tx: int

    @property
    def classes(self) -> tuple[str, ...]:
        return self.wording.vectors.classes

    @property
    def votes(self) -> npt.NDArray[np.bool_]:
        """Which of them are support."""
        return ~np.isin(self.split, labels.HELD_OUT)

    def places(self, split: str) -> Ids:
        return np.flatnonzero(self.split == split)


@dataclass(frozen=True, eq=False)
class Evidence:
    """What verdicts on some of the labelled images rest on.

    places (n,) in `Labelled`; support: the places that could vote; similarities and neighbours
    (n, m), nearest first: cosines (-inf where there is none) and places; counts (c,) of support.
    """

    labelled: Labelled
    places: Ids
    support: Ids
    similarities: Vectors
    neighbours: Ids
    counts: Ids

    @property
    def truth(self) -> Ids:
        return self.labelled.truth[self.places]

    def of(self, rows: npt.NDArray[np.bool_]) -> Evidence:
        """The evidence of some of the images."""
        return replace(
            self,
            places=self.places[rows],
            similarities=self.similarities[rows],
            neighbours=self.neighbours[rows],
        )


@dataclass(frozen=True, eq=False)
class Said:
    """Probabilities (n, c) by each method; votes equal the words where nobody could vote."""

    words: Floats
    votes: Floats
    blend: Floats
    voted: npt.NDArray[np.bool_]


def labelled(desk: Desk, settings: Settings, prompts: str | None = None) -> Labelled:
    """All labelled images of the index. Raises WrongUsage where there are none."""
    wording = desk.wording(prompts, settings)
    place = {name: n for n, name in enumerate(wording.vectors.classes)}
    with desk.catalog.reading() as look:
        known = words.encoder(look)
        standing = labels.standings(look)
        there = images.images(look, presence.present_ids(look).tolist())
        wanted = sorted(i for i in there if i in standing and standing[i].label in place)
        ids, vectors = images.vectors(look, known, wanted)
        said = labels.attributes(look, ids.tolist())
        digest = bound(known, wording, labels.support(look, wording.vectors.classes))
        tx = look.tx
    if len(ids) == 0:
        raise WrongUsage(
            "No image is labelled with a class of the prompt set; label some with "
            "`mediclip-index label set` or `label import` first."
        )
    rows = [standing[int(i)] for i in ids]
    about = [said.get(int(i), {}) for i in ids]
    return Labelled(
        wording=wording,
        scale=known.logit_scale,
        ids=ids,
        vectors=vectors,
        truth=np.array([place[str(r.label)] for r in rows], dtype=np.int64),
        split=np.array([r.split or "" for r in rows]),
        subject=np.array([r.subject or "" for r in rows]),
        source=np.array([a.get("source", "") for a in about]),
        category=np.array([a.get("category", "") for a in about]),
        modality=np.array([a.get("modality", "") for a in about]),
        sha256=np.array([there[int(i)].sha256 for i in ids]),
        bound=digest,
        tx=tx,
    )


def gather(
    data: Labelled,
    places: Ids,
    *,
    leave_out: Collection[str] = (),
    support: Ids | None = None,
    twins: bool = False,
) -> Evidence:
    """The nearest support images of each place, the forbidden ones aside.

    With `twins` near-duplicates vote, as they would for a user who knows nothing of them.

    `leave_out` names columns ("source", "category", "subject") whose value an image and its voters
    may not share; the subject is always one of them.
    """
    voters = np.flatnonzero(data.votes) if support is None else support
    columns = [getattr(data, name) for name in {"subject", *leave_out}]
    most = min(MOST_NEIGHBOURS, len(voters))
    similarities = np.full((len(places), most), -np.inf, dtype=np.float32)
    neighbours = np.zeros((len(places), most), dtype=np.int64)
    for start in range(0, len(places), BLOCK):
        rows = places[start : start + BLOCK]
        cosines = data.vectors[rows] @ data.vectors[voters].T
        forbidden = rows[:, None] == voters
        if not twins:
            forbidden |= cosines >= NEAR_DUPLICATE
        forbidden |= data.sha256[rows][:, None] == data.sha256[voters]
        for column in columns:
            own = column[rows][:, None]
            forbidden |= (own == column[voters]) & (own != "")
        cosines[forbidden] = -np.inf
        order = _largest(cosines, most)
        similarities[start : start + len(rows)] = np.take_along_axis(cosines, order, axis=1)
        neighbours[start : start + len(rows)] = voters[order]
    counts = np.bincount(data.truth[voters], minlength=len(data.classes))
    return Evidence(data, places, voters, similarities, neighbours, counts)


def strangeness(evidence: Evidence) -> Floats:
    """How unlike everything labelled each image is, (n,)."""
    near = evidence.neighbours[:, : verdict.NEAREST]
    there = np.isfinite(evidence.similarities[:, : verdict.NEAREST])
    wanted = np.unique(near[there])
    vectors = evidence.labelled.vectors
    own = np.empty(len(vectors))
    for start in range(0, len(wanted), BLOCK):
        rows = wanted[start : start + BLOCK]
        cosines = vectors[rows] @ vectors[evidence.support].T
        cosines[rows[:, None] == evidence.support] = -np.inf
        order = _largest(cosines, min(verdict.NEAREST, len(evidence.support)))
        own[rows] = verdict.mean_distance(np.take_along_axis(cosines, order, axis=1))
    shares = there / np.maximum(there.sum(axis=1, keepdims=True), 1)
    crowd = (np.where(there, own[near], 0.0) * shares).sum(axis=1)
    return verdict.strangeness(verdict.mean_distance(evidence.similarities), crowd)


def _largest(values: Vectors, count: int) -> Ids:
    """Places of the `count` largest of each row, largest first."""
    if count == 0:
        return np.zeros((len(values), 0), dtype=np.int64)
    some = np.argpartition(-values, count - 1, axis=1)[:, :count]
    ordered = np.argsort(-np.take_along_axis(values, some, axis=1), axis=1, kind="stable")
    return np.take_along_axis(some, ordered, axis=1)


def say(evidence: Evidence, settings: Settings) -> Said:
    """What words, neighbours and blend say under some settings (raw, before calibration)."""
    data = evidence.labelled
    spoken = verdict.zero_shot(
        data.vectors[evidence.places],
        data.wording.vectors,
        settings.scale or data.scale,
        settings.biases,
    ).classes
    votes, voted = poll(evidence, spoken, settings)
    return Said(
        words=spoken,
        votes=np.where(voted[:, None], votes, spoken),
        blend=verdict.blend(spoken, votes, voted, settings.alpha),
        voted=voted,
    )


def poll(
    evidence: Evidence, spoken: Floats, settings: Settings
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Votes (n, c) of the k nearest beside the words (n, c), and who had a vote (n,)."""
    near = evidence.similarities[:, : settings.k]
    classes = evidence.labelled.truth[evidence.neighbours[:, : settings.k]]
    weights = verdict.vote_weights(
        near, classes, evidence.counts, beta=settings.beta, near=settings.near
    )
    shares, voted = verdict.votes(weights, classes, evidence.counts)
    return verdict.complete_votes(shares, spoken, evidence.counts), voted
