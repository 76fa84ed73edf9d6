"""Labelled images → all that a verdict on each would rest on, in arrays, to be judged many times.

Each image is judged as if it were new: itself, its near-duplicates and its own subject never vote,
nor, where sources are left out, anything from its own source. References of the model never vote
for images of their own source.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from mediclip_index import verdict
from mediclip_index.catalog import images, labels, models, presence
from mediclip_index.encoding import References
from mediclip_index.jobs import headers
from mediclip_index.session import calibrations
from mediclip_index.session.calibrations import InForce
from mediclip_index.session.session import Session
from mediclip_index.session.text_classifier import TextClassifier, load_text_classifier
from mediclip_index.types import (
    HeaderVote,
    Ids,
    Settings,
    Unrelated,
    UsageError,
    Vectors,
)

Floats = npt.NDArray[np.float64]
Names = npt.NDArray[np.str_]
NEAR_DUPLICATE = 0.998  # cosine
MOST_NEIGHBOURS = 200  # kept an image; the largest k that can be judged
BLOCK = 256


@dataclass(frozen=True, eq=False)
class Labelled:
    """Every labelled image that is there: arrays of one length, in order of id.

    truth is the place of the label in `text_classifier.vectors.classes`; subject, source, category
    and modality are "" where they are not known. unrelated: of the encoder; references: the model's
    own, where they vote; calibration: the one that holds; headers: what DICOM headers say.
    """

    text_classifier: TextClassifier
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
    unrelated: Unrelated | None
    references: References | None
    calibration: InForce | None
    headers: tuple[HeaderVote | None, ...]

    @property
    def classes(self) -> tuple[str, ...]:
        return self.text_classifier.vectors.classes

    @property
    def votes(self) -> npt.NDArray[np.bool_]:
        """Which of them are support."""
        return ~np.isin(self.split, labels.HELD_OUT)

    def places(self, split: str) -> Ids:
        return np.flatnonzero(self.split == split)


@dataclass(frozen=True, eq=False)
class NearReferences:
    """The references nearest to n images: cosines and places (n, r), nearest first; counts (c,) of
    all that there are; classes (R,) of each of these."""

    similarities: Vectors
    places: Ids
    counts: Ids
    classes: Ids

    def of(self, rows: npt.NDArray[np.bool_]) -> NearReferences:
        """Those of some of the images."""
        return replace(self, similarities=self.similarities[rows], places=self.places[rows])


@dataclass(frozen=True, eq=False)
class Evidence:
    """What verdicts on some of the labelled images rest on.

    places (n,) in `Labelled`; support: the places that could vote; similarities and neighbours
    (n, m), nearest first: cosines (-inf where there is none) and places; counts (c,) of support;
    references: the same of the model's own, with their counts; voters: both together.
    """

    labelled: Labelled
    places: Ids
    support: Ids
    similarities: Vectors
    neighbours: Ids
    counts: Ids
    references: NearReferences
    voters: verdict.Voters

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
            references=self.references.of(rows),
            voters=self.voters.of(rows),
        )


@dataclass(frozen=True, eq=False)
class Predictions:
    """What is said of n images: zero_shot (n, c) by the words alone, and by the whole rule."""

    zero_shot: Floats
    decision: verdict.Decision

    @property
    def votes(self) -> Floats:
        """By neighbours alone (n, c); the words where nobody could vote."""
        return np.where(self.voted[:, None], self.decision.blended.votes, self.zero_shot)

    @property
    def voted(self) -> npt.NDArray[np.bool_]:
        """Where somebody could vote, (n,)."""
        return np.asarray(self.decision.blended.voted)

    @property
    def blend(self) -> Floats:
        """Words and neighbours together (n, c), before calibration and header."""
        return self.decision.blended.blend

    @property
    def shares(self) -> Floats:
        """Of all votes, those of each of the evidence's k voters, (n, k)."""
        weights = np.where(self.voted[:, None], self.decision.blended.weights, 0.0)
        return weights / np.where(self.voted, weights.sum(axis=1), 1.0)[:, None]

    @property
    def kinds(self) -> Ids:
        """The place of the kind that each verdict names, (n,)."""
        return self.decision.kinds[np.arange(len(self.zero_shot)), self.decision.winners]


def labelled(
    session: Session, settings: Settings, prompts: str | None = None, *, shipped: bool = True
) -> Labelled:
    """All labelled images of the index; `shipped`: the calibration that comes with the model may
    hold. Raises UsageError where there are none."""
    text_classifier = load_text_classifier(session, prompts, settings)
    place = {name: n for n, name in enumerate(text_classifier.vectors.classes)}
    with session.catalog.reading() as read:
        stored = models.encoder(read)
        current = labels.current_labels(read)
        there = images.images(read, presence.present_ids(read).tolist())
        wanted = sorted(i for i in there if i in current and current[i].label in place)
        ids, vectors = images.vectors(read, stored, wanted)
        said = labels.attributes(read, ids.tolist())
        support = labels.support(read, text_classifier.vectors.classes)
        stated = headers.dicom_headers(read, text_classifier.vectors, ids.tolist())
        tx = read.tx
    if len(ids) == 0:
        raise UsageError(
            "No image is labelled with a class of the prompt set; label some with "
            "`mediclip-index label set` or `label import` first."
        )
    rows = [current[int(i)] for i in ids]
    about = [said.get(int(i), {}) for i in ids]
    return Labelled(
        text_classifier=text_classifier,
        scale=stored.logit_scale,
        ids=ids,
        vectors=vectors,
        truth=np.array([place[str(r.label)] for r in rows], dtype=np.int64),
        split=np.array([r.split or "" for r in rows]),
        subject=np.array([r.subject or "" for r in rows]),
        source=np.array([a.get("source", "") for a in about]),
        category=np.array([a.get("category", "") for a in about]),
        modality=np.array([a.get("modality", "") for a in about]),
        sha256=np.array([there[int(i)].sha256 for i in ids]),
        bound=calibrations.bound(stored, text_classifier.prompts, support),
        tx=tx,
        unrelated=stored.unrelated,
        references=session.references(stored, settings, text_classifier.prompts),
        calibration=calibrations.in_force(
            session, stored, settings, text_classifier.prompts, support, shipped=shipped
        ),
        headers=tuple(stated),
    )


def leave_one_out(
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
    references = _near_references(data, places, leave_out, twins)
    asked, _ = verdict.joined(
        similarities,
        data.truth[neighbours],
        references.similarities,
        references.classes[references.places],
    )
    return Evidence(data, places, voters, similarities, neighbours, counts, references, asked)


def _near_references(
    data: Labelled, places: Ids, leave_out: Collection[str], twins: bool
) -> NearReferences:
    found = data.references
    most = min(MOST_NEIGHBOURS, 0 if found is None else len(found.vectors))
    similarities = np.full((len(places), most), -np.inf, dtype=np.float32)
    near = np.zeros((len(places), most), dtype=np.int64)
    classes = np.zeros(0, dtype=np.int64)
    if found is not None:
        place = {name: n for n, name in enumerate(data.classes)}
        classes = np.array([place[name] for name in found.label.tolist()], dtype=np.int64)
        for start in range(0, len(places), BLOCK):
            rows = places[start : start + BLOCK]
            cosines = data.vectors[rows] @ found.vectors.T
            forbidden = data.source[rows][:, None] == found.source
            if "category" in leave_out:
                forbidden |= data.category[rows][:, None] == found.kind
            if not twins:
                forbidden |= cosines >= NEAR_DUPLICATE
            cosines[forbidden] = -np.inf
            order = _largest(cosines, most)
            similarities[start : start + len(rows)] = np.take_along_axis(cosines, order, axis=1)
            near[start : start + len(rows)] = order
    counts = np.bincount(classes, minlength=len(data.classes))
    return NearReferences(similarities, near, counts, classes)


def ood_scores(evidence: Evidence, calibration: InForce | None = None) -> Floats:
    """How unlike everything labelled each image is, (n,); and unlike the references, by a
    calibration that came with the model."""
    together = calibration is not None and calibration.kind == "shipped"
    vectors, everyone = evidence.labelled.vectors, evidence.support
    near = evidence.neighbours[:, : verdict.NEAREST]
    similarities = evidence.similarities[:, : verdict.NEAREST]
    if together and evidence.labelled.references is not None:
        own = len(vectors)  # references come after the images
        vectors = np.concatenate([vectors, evidence.labelled.references.vectors])
        everyone = np.concatenate([everyone, np.arange(own, len(vectors))])
        theirs = evidence.references.places[:, : verdict.NEAREST] + own
        both = np.concatenate(
            [similarities, evidence.references.similarities[:, : verdict.NEAREST]], axis=1
        )
        order = _largest(both, min(verdict.NEAREST, both.shape[1]))
        near = np.take_along_axis(np.concatenate([near, theirs], axis=1), order, axis=1)
        similarities = np.take_along_axis(both, order, axis=1)
    there = np.isfinite(similarities)
    wanted = np.unique(near[there])
    distances = np.empty(len(vectors))
    for start in range(0, len(wanted), BLOCK):
        rows = wanted[start : start + BLOCK]
        cosines = vectors[rows] @ vectors[everyone].T
        cosines[rows[:, None] == everyone] = -np.inf
        order = _largest(cosines, min(verdict.NEAREST, len(everyone)))
        distances[rows] = verdict.mean_distance(np.take_along_axis(cosines, order, axis=1))
    shares = there / np.maximum(there.sum(axis=1, keepdims=True), 1)
    around = (np.where(there, distances[near], 0.0) * shares).sum(axis=1)
    return verdict.ood_score(verdict.mean_distance(similarities), around)


def _largest(values: Vectors, count: int) -> Ids:
    """Places of the `count` largest of each row, largest first."""
    if count == 0:
        return np.zeros((len(values), 0), dtype=np.int64)
    some = np.argpartition(-values, count - 1, axis=1)[:, :count]
    ordered = np.argsort(-np.take_along_axis(values, some, axis=1), axis=1, kind="stable")
    return np.take_along_axis(some, ordered, axis=1)


def predict(
    evidence: Evidence, settings: Settings, calibration: InForce | None = None
) -> Predictions:
    """What the rule of `query` says of the images under some settings, and by a calibration."""
    data = evidence.labelled
    plain = verdict.in_cosines(settings, data.unrelated)
    scores = verdict.zero_shot(
        data.vectors[evidence.places],
        data.text_classifier.vectors,
        plain.scale or data.scale,
        plain.biases,
    )
    fitted = None if calibration is None else calibration.fitted
    asked = fitted is not None and fitted.strange is not None
    decision = verdict.decide(
        verdict.Rule(plain, data.text_classifier.vectors, fitted),
        scores,
        evidence.voters,
        verdict.support(evidence.counts, evidence.references.counts, plain),
        headers=[data.headers[place] for place in evidence.places.tolist()],
        ood_scores=ood_scores(evidence, calibration) if asked else None,
    )
    return Predictions(scores.classes, decision)
