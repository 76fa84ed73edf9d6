"""Vectors → verdicts: everything that an answer rests on, read in one look, then asked."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from uuid6 import uuid7

from mediclip_index import verdict
from mediclip_index.catalog import Reading, images, labels, presence, words
from mediclip_index.catalog.words import KnownEncoder
from mediclip_index.jobs.desk import Desk, Wording, named_prompts
from mediclip_index.jobs.moments import microseconds
from mediclip_index.neighbours import Neighbourhood
from mediclip_index.prompts import parse
from mediclip_index.terms import (
    Calibration,
    GroupShare,
    Ids,
    IndexFacts,
    LoudPrompt,
    Neighbour,
    PromptSet,
    Settings,
    Vectors,
    Verdict,
    WrongUsage,
)

LOUDEST = 3
MOST_NEIGHBOURS = 1_000
CROWD = verdict.NEAREST
STALE = (
    "Labels, words or the model changed since the calibration, so probabilities are uncalibrated; "
    "`mediclip-index tune` makes a new one."
)


@dataclass(frozen=True)
class Asked:
    """A picture to be judged. `image` is its id where the index holds its vector."""

    path: str
    page: int | None
    item: int | None
    sha256: str
    width: int
    height: int
    image: int | None = None


@dataclass(frozen=True)
class Ground:
    """What all verdicts of one run rest on: the index as it stood at one transaction."""

    facts: IndexFacts
    known: KnownEncoder
    settings: Settings
    wording: Wording
    support: labels.Support
    neighbourhood: Neighbourhood
    tx: int
    notes: tuple[str, ...]
    calibration: Calibration | None = None  # where one holds for all of the above

    @property
    def counts(self) -> Ids:
        """Support images by class, in the order of the wording's classes."""
        return np.bincount(self.support.classes, minlength=len(self.wording.vectors.classes))


def ground(
    desk: Desk,
    *,
    k: int | None,
    alpha: float | None,
    prompts: str | None,
    as_of: str | None = None,
    seeing: bool = False,
) -> Ground:
    """Read the index once; k and alpha, where given, stand in for those of the settings. `as_of` is
    a past moment (ISO 8601) whose labels, images, words and settings are to answer. With `seeing`
    the model is going to be needed, and is loaded meanwhile where it can be."""
    if alpha is not None and not 0 <= alpha <= 1:
        raise WrongUsage(f"alpha is {alpha:g}; give a number from 0 (words) to 1 (neighbours).")
    if k is not None and not 1 <= k <= MOST_NEIGHBOURS:
        raise WrongUsage(f"k is {k}; give a number of neighbours from 1 to {MOST_NEIGHBOURS}.")
    if as_of is not None:
        return _past(desk, as_of, k=k, alpha=alpha, prompts=prompts)
    with desk.catalog.reading() as look:
        if seeing:
            desk.expect(words.encoder(look))
        desk.names_in(look)
        settings = words.settings(look)
        wording = desk.ready_wording(look, prompts, settings)
        if wording is not None:
            return _present(desk, look, settings, wording, k=k, alpha=alpha, prompts=prompts)
    wording = desk.wording(prompts, settings)
    with desk.catalog.reading() as look:
        return _present(desk, look, settings, wording, k=k, alpha=alpha, prompts=prompts)


def _present(
    desk: Desk,
    look: Reading,
    settings: Settings,
    wording: Wording,
    *,
    k: int | None,
    alpha: float | None,
    prompts: str | None,
) -> Ground:
    known = words.encoder(look)
    neighbourhood, notes = desk.neighbourhood(look, known)
    support = labels.support(look, wording.vectors.classes)
    fitted = settings.calibration
    holds = fitted is not None and fitted.bound == bound(known, wording, support)
    if fitted is not None and not holds and alpha is None and k is None and prompts is None:
        notes.append(STALE)
    return Ground(
        facts=desk.facts(look),
        known=known,
        settings=replace(
            settings,
            k=settings.k if k is None else k,
            alpha=settings.alpha if alpha is None else alpha,
        ),
        wording=wording,
        support=support,
        neighbourhood=neighbourhood,
        tx=look.tx,
        notes=tuple(notes),
        calibration=fitted if holds and alpha is None and k is None else None,
    )


def _past(
    desk: Desk, as_of: str, *, k: int | None, alpha: float | None, prompts: str | None
) -> Ground:
    with desk.catalog.reading() as look:
        tx = words.tx_at(look, microseconds(as_of))
        then = look.as_of(tx)
        settings, in_force = words.settings(then), words.prompts(then, prompts)
    chosen = (
        named_prompts(prompts or "")
        if in_force is None
        else parse(in_force.source, f"prompt set {in_force.name}")
    )
    if k is not None or alpha is not None:
        settings = replace(
            settings,
            k=settings.k if k is None else k,
            alpha=settings.alpha if alpha is None else alpha,
            calibration=None,
        )
    if in_force is None:  # a set that the index did not know then; kept, so that replay knows it
        desk.wording_of(chosen, settings, keep=True)
    base = ground_at(desk, tx=tx, settings=settings, prompts=chosen)
    return replace(base, notes=(f"Answered as of {as_of} (transaction {tx}).",))


def ground_at(desk: Desk, *, tx: int, settings: Settings, prompts: PromptSet) -> Ground:
    """The ground as it was at a transaction, searched exactly from the catalog's vectors."""
    with desk.catalog.reading() as now:
        known = words.encoder(now.as_of(tx))
    wording = desk.wording_of(prompts, settings, known=known)
    with desk.catalog.reading() as now:
        look = now.as_of(tx)
        support = labels.support(look, wording.vectors.classes)
        among = support.ids if len(support.ids) else presence.present_ids(look)
        ids, vectors = images.vectors(look, known, among.tolist())
        fitted = settings.calibration
        holds = fitted is not None and fitted.bound == bound(known, wording, support)
        return Ground(
            facts=desk.facts(look),
            known=known,
            settings=settings,
            wording=wording,
            support=support,
            neighbourhood=Neighbourhood([], ids, vectors),
            tx=tx,
            notes=(),
            calibration=fitted if holds else None,
        )


def bound(known: KnownEncoder, wording: Wording, support: labels.Support) -> str:
    """A digest of all that a calibration was fitted with: it holds for nothing else."""
    digest = hashlib.sha256()
    for part in (known.fingerprint, wording.prompts.sha256, *wording.vectors.classes):
        digest.update(part.encode() + b"\0")
    digest.update(support.ids.tobytes() + support.classes.tobytes())
    return digest.hexdigest()


def judge(desk: Desk, base: Ground, asked: Sequence[Asked], vectors: Vectors) -> list[Verdict]:
    """Verdicts for pictures with unit vectors (n, dim), in order."""
    said = verdict.zero_shot(
        vectors,
        base.wording.vectors,
        base.settings.scale or base.known.logit_scale,
        base.settings.biases,
    )
    may_vote = len(base.support.ids) > 0
    among = base.support.ids if may_vote else None
    with desk.catalog.reading() as look:
        itself = images.ids_by_content(look.as_of(base.tx), [a.sha256 for a in asked])
        # Twice k: those beyond k step in when an explanation takes a neighbour away.
        spare = max((len(ids) for ids in itself.values()), default=0)
        ids, similarities = base.neighbourhood.search(
            vectors,
            2 * base.settings.k + spare,
            among,
            partial(images.vectors, look.as_of(base.tx), base.known),
        )
        kept = [
            [
                (int(i), float(s))
                for i, s in zip(row, near, strict=True)
                if i >= 0 and int(i) not in itself.get(a.sha256, ())
            ][: 2 * base.settings.k]
            for a, row, near in zip(asked, ids, similarities, strict=True)
        ]
        listed = {i for row in kept for i, _ in row}
        known = images.images(look.as_of(base.tx), sorted(listed))
        # What was erased since this run began is in none of these, and has no say.
        kept = [[(i, s) for i, s in row if i in known] for row in kept]
        crowds = _crowds(look, base, kept) if base.calibration is not None else {}
        standing = {} if may_vote else labels.standings(look.as_of(base.tx))
    return [
        _verdict(base, a, said, n, kept[n], itself.get(a.sha256, set()), known, standing, crowds)
        for n, a in enumerate(asked)
    ]


def _verdict(
    base: Ground,
    asked: Asked,
    said: verdict.Words,
    row: int,
    near: list[tuple[int, float]],
    itself: set[int],
    known: dict[int, images.KnownImage],
    standing: dict[int, labels.Standing],
    crowds: dict[int, float],
) -> Verdict:
    names = base.wording.vectors.classes
    settings = base.settings
    # x itself never votes, nor does it count as support.
    own = _classes_of(base.support, np.array(sorted(itself), dtype=np.int64))
    counts = base.counts - np.bincount(own[own >= 0], minlength=len(names))
    ids = np.array([i for i, _ in near], dtype=np.int64)
    similarities = np.clip(np.array([s for _, s in near], dtype=np.float32), -1.0, 1.0)
    classes = _classes_of(base.support, ids)
    voters = slice(0, settings.k)
    weights = verdict.vote_weights(
        similarities[None, voters],
        classes[None, voters],
        counts,
        beta=settings.beta,
        near=settings.near,
    )
    shares, voted = verdict.votes(weights, classes[None, voters], counts)
    spoken = said.classes[row][None]
    votes = verdict.complete_votes(shares, spoken, counts)
    final = verdict.blend(spoken, votes, voted, settings.alpha)[0]
    doubt, unknown = False, False
    if base.calibration is not None:
        final, doubt, unknown = _calibrated(
            base.calibration, names, final, similarities, [crowds[int(i)] for i in ids[:CROWD]]
        )
    winner = int(np.argmax(final))
    reasons = verdict.explain(spoken[0], similarities, classes, counts, settings)
    total = float(weights.sum())
    neighbours = [
        Neighbour(
            id=int(i),
            path=known[int(i)].path,
            similarity=float(s),
            label=names[c] if c >= 0 else standing.get(int(i), labels.Standing()).label,
            weight=float(w) / total if voted[0] else 0.0,
        )
        for i, s, c, w in zip(
            ids[voters], similarities[voters], classes[voters], weights[0], strict=True
        )
    ]
    loudest = _loudest(base.wording, said, row)
    otherwise = None if reasons.otherwise is None else names[reasons.otherwise]
    in_class = np.flatnonzero(base.wording.vectors.group_class == winner)
    best = int(in_class[np.argmax(said.groups[row][in_class])])
    probability = float(final[winner])
    heard = next((p for p in loudest if p.class_name == names[winner]), loudest[0])
    return Verdict(
        id=str(uuid7()),
        path=asked.path,
        page=asked.page,
        item=asked.item,
        sha256=asked.sha256,
        width=asked.width,
        height=asked.height,
        label=names[winner],
        probability=probability,
        unsure=doubt or unknown
        if base.calibration is not None
        else probability < settings.threshold,
        probabilities=_named(names, final),
        zero_shot=_named(names, spoken[0]),
        votes=_named(names, votes[0]) if voted[0] else None,
        alpha=settings.alpha,
        calibrated=base.calibration is not None,
        group=GroupShare(base.wording.vectors.groups[best], float(said.groups[row][best])),
        neighbours=tuple(neighbours),
        prompts=tuple(loudest),
        words_share=reasons.words_share,
        without=tuple(int(ids[place]) for place in reasons.without),
        otherwise=otherwise,
        why=verdict.why(
            names[winner], float(spoken[0][winner]), heard, neighbours, reasons, otherwise, unknown
        ),
    )


def _crowds(
    look: Reading, base: Ground, kept: Sequence[list[tuple[int, float]]]
) -> dict[int, float]:
    """How far the nearest neighbours of each picture lie from their own nearest, by id."""
    wanted = sorted({i for row in kept for i, _ in row[:CROWD]})
    ids, vectors = images.vectors(look.as_of(base.tx), base.known, wanted)
    if len(ids) == 0:
        return {}
    found, similarities = base.neighbourhood.search(
        vectors,
        CROWD + 1,
        base.support.ids if len(base.support.ids) else None,
        partial(images.vectors, look.as_of(base.tx), base.known),
    )
    # Itself aside: pushed to the end, where the mean does not reach.
    apart = np.where((found == ids[:, None]) | (found < 0), -np.inf, similarities)
    apart = -np.sort(-apart, axis=1)
    return dict(zip(ids.tolist(), verdict.mean_distance(apart).tolist(), strict=True))


def _calibrated(
    fitted: Calibration,
    names: Sequence[str],
    final: np.ndarray,
    similarities: Vectors,
    crowd: Sequence[float],
) -> tuple[np.ndarray, bool, bool]:
    """(probabilities, whether more than one class remains, whether it is like nothing known)."""
    said = verdict.calibrated(final[None], fitted, names)
    thresholds = np.array([fitted.thresholds[name] for name in names])
    several = verdict.conformal_sets(said, thresholds).sum() > 1
    distance = verdict.mean_distance(similarities[None])
    around = np.array([np.mean(crowd) if crowd else 0.0])
    strange = verdict.strangeness(distance, around)[0] > fitted.strange
    return said[0], bool(several), bool(strange)


def _classes_of(support: labels.Support, ids: Ids) -> Ids:
    if len(support.ids) == 0:
        return np.full(len(ids), -1, dtype=np.int64)
    places = np.minimum(np.searchsorted(support.ids, ids), len(support.ids) - 1)
    return np.where(support.ids[places] == ids, support.classes[places], -1)


def _loudest(wording: Wording, said: verdict.Words, row: int) -> list[LoudPrompt]:
    sentences = wording.prompts.sentences
    vectors = wording.vectors
    order = np.argsort(-said.sentences[row], kind="stable")[:LOUDEST]
    return [
        LoudPrompt(
            prompt=sentences[t],
            class_name=vectors.classes[vectors.group_class[vectors.sentence_group[t]]],
            group=vectors.groups[vectors.sentence_group[t]],
            similarity=float(said.sentences[row][t]),
        )
        for t in order
    ]


def _named(names: Sequence[str], values: np.ndarray) -> dict[str, float]:
    return {name: float(value) for name, value in zip(names, values, strict=True)}
