"""`mistakes`: what is judged wrong, why, and whether it is the label that is wrong.

Every labelled image of every split is judged as if it were new. A label is suspect by the
probability that words and leave-one-out neighbours together give to it: confident learning's
self-confidence (Northcutt et al. 2021) with out-of-sample probabilities that cost no training.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mediclip_index import verdict
from mediclip_index.catalog import images, labels, models
from mediclip_index.evaluate.leave_one_out import (
    Evidence,
    Floats,
    Labelled,
    Predictions,
    labelled,
    leave_one_out,
    predict,
)
from mediclip_index.session.session import Session
from mediclip_index.types import (
    SUSPECT,
    Contradiction,
    Ids,
    Mistake,
    MistakesReport,
    Progress,
    ReferenceVote,
    Settings,
    SimilarImage,
    SuspectLabel,
    WhatIf,
)

KIN = 3  # images of either class that are shown beside a mistake
TWIN = 0.99  # cosine from which two images with different labels contradict each other


def mistakes(
    session: Session, *, prompts: str | None, what_if: WhatIf, progress: Progress
) -> MistakesReport:
    """See Index.mistakes."""
    with session.catalog.reading() as read:
        settings = what_if.of(models.settings(read))
    data = labelled(session, settings, prompts)
    progress.start("judge every labelled image", len(data.ids))
    # Held-out images vote here too: their labels are as good a witness of their neighbours'.
    evidence = leave_one_out(data, np.arange(len(data.ids)), support=np.arange(len(data.ids)))
    said = predict(evidence, settings)
    progress.advance(len(data.ids))
    told = said.decision.probabilities
    guess = told.argmax(axis=1)
    wrong = np.flatnonzero(guess != data.truth)
    wrong = wrong[np.argsort(-told[wrong, guess[wrong]], kind="stable")]
    score = suspicion(evidence, said.zero_shot, settings)
    suspects = np.argsort(-score, kind="stable")
    suspects = suspects[score[suspects] >= SUSPECT]
    with session.catalog.reading() as read:
        facts = session.facts(read)
        known = images.images(read, data.ids.tolist())
        hands = labels.by_hand(read, data.ids.tolist())
    paths = [known[int(i)].path for i in data.ids]
    by = [hands[i].author if i in hands and hands[i].label else None for i in data.ids.tolist()]
    progress.finish()
    other = _strongest_other(told, data.truth)
    return MistakesReport(
        index=facts,
        judged=len(data.ids),
        mistakes=tuple(
            Mistake(
                id=int(data.ids[n]),
                path=paths[n],
                split=str(data.split[n]) or None,
                label=data.classes[data.truth[n]],
                predicted=data.classes[guess[n]],
                probability=float(told[n, guess[n]]),
                why=_why(evidence, said, n, int(guess[n])),
                like_true=_kin(evidence, n, int(data.truth[n]), paths),
                like_predicted=_kin(evidence, n, int(guess[n]), paths),
                references=tuple(_references(evidence, said, n)[:KIN]),
                labelled_by=by[n],
                page=known[int(data.ids[n])].page,
                item=known[int(data.ids[n])].item,
            )
            for n in wrong.tolist()
        ),
        suspect_labels=tuple(
            SuspectLabel(
                id=int(data.ids[n]),
                path=paths[n],
                label=data.classes[data.truth[n]],
                suggested=data.classes[other[n]],
                score=float(score[n]),
                labelled_by=by[n],
                page=known[int(data.ids[n])].page,
                item=known[int(data.ids[n])].item,
            )
            for n in suspects.tolist()
        ),
        contradictions=_contradictions(data, evidence, paths),
    )


def suspicion(evidence: Evidence, zero_shot: Floats, settings: Settings) -> Floats:
    """How little words and neighbours believe each label, (n,) from 0 to 1.

    Both sides have the same say here, and every neighbour votes however far it is: a label is
    suspect when the images around it are labelled otherwise and the words agree with them.
    """
    plain = verdict.in_cosines(settings, evidence.labelled.unrelated)
    witness = predict(evidence, replace(plain, near=-1.0, k=min(settings.k, 20)))
    rows = np.arange(len(evidence.truth))
    mixed = 0.5 * zero_shot + 0.5 * witness.votes
    return np.asarray(1.0 - mixed[rows, evidence.truth])


def _strongest_other(said: Floats, truth: Ids) -> Ids:
    others = said.copy()
    others[np.arange(len(truth)), truth] = -1.0
    return np.asarray(others.argmax(axis=1))


def _references(evidence: Evidence, said: Predictions, row: int) -> list[ReferenceVote]:
    """The model's own references that were asked, nearest first."""
    found = evidence.labelled.references
    if found is None:
        return []
    shares = said.shares[row]
    of_references = shares[evidence.voters.references[row, : len(shares)]]
    near, places = evidence.references.similarities[row], evidence.references.places[row]
    return [
        ReferenceVote(
            kind=str(found.kind[place]),
            source=str(found.source[place]),
            label=str(found.label[place]),
            similarity=float(cosine),
            weight=float(share),
        )
        for place, cosine, share in zip(places, near, of_references, strict=False)
        if np.isfinite(cosine)
    ]


def _why(evidence: Evidence, said: Predictions, row: int, guess: int) -> str:
    """Which side pulled it, in one line."""
    data = evidence.labelled
    zero_shot, votes = said.zero_shot[row], said.votes[row]
    place = int(evidence.places[row])
    name = data.classes[guess]
    cosines = data.vectors[place] @ data.text_classifier.vectors.sentences.T
    of_class = (
        data.text_classifier.vectors.group_class[data.text_classifier.vectors.sentence_group]
        == guess
    )
    loudest = data.text_classifier.prompts.sentences[int(np.where(of_class, cosines, -2).argmax())]
    by_words = f"words give {name} {100 * zero_shot[guess]:.0f} % (“{loudest}”)"
    if not said.voted[row]:
        return f"{by_words}; no labelled neighbour could vote."
    heard = []
    own = [r for r in _references(evidence, said, row) if r.weight > 0]
    if own:
        heard.append(verdict.own_references(name, own))
    if evidence.similarities.shape[1] and np.isfinite(evidence.similarities[row, 0]):
        first = int(evidence.neighbours[row, 0])
        heard.append(
            f"the nearest labelled image is #{data.ids[first]}, {data.classes[data.truth[first]]}, "
            f"cosine {evidence.similarities[row, 0]:.2f}"
        )
    by_votes = f"neighbours give {name} {100 * votes[guess]:.0f} % ({', '.join(heard) or 'none'})"
    if zero_shot[guess] > 0.5 and votes[guess] > 0.5:
        return f"Both sides: {by_words}, and {by_votes}."
    # The side that speaks for another class is not left to look as if it agreed.
    if zero_shot[guess] >= votes[guess]:
        return f"The words: {by_words}; against them, {by_votes}."
    return f"The neighbours: {by_votes}; against them, {by_words}."


def _kin(evidence: Evidence, row: int, wanted: int, paths: list[str]) -> tuple[SimilarImage, ...]:
    data = evidence.labelled
    found = []
    for cosine, place in zip(evidence.similarities[row], evidence.neighbours[row], strict=True):
        if data.truth[place] == wanted and np.isfinite(cosine):
            found.append(_as_kin(data, int(place), float(cosine), paths))
        if len(found) == KIN:
            break
    return tuple(found)


def _as_kin(data: Labelled, place: int, cosine: float, paths: list[str]) -> SimilarImage:
    return SimilarImage(int(data.ids[place]), paths[place], data.classes[data.truth[place]], cosine)


def _contradictions(
    data: Labelled, evidence: Evidence, paths: list[str]
) -> tuple[Contradiction, ...]:
    """Pairs of near-duplicates (and of one content) whose labels differ, nearest first."""
    pairs: dict[tuple[int, int], float] = {}
    everyone = np.arange(len(data.ids))
    for start in range(0, len(everyone), 512):
        rows = everyone[start : start + 512]
        cosines = data.vectors[rows] @ data.vectors.T
        differ = data.truth[rows][:, None] != data.truth
        for a, b in zip(*np.nonzero((cosines >= TWIN) & differ), strict=True):
            if rows[a] < b:
                pairs[int(rows[a]), int(b)] = float(cosines[a, b])
    return tuple(
        Contradiction(_as_kin(data, a, c, paths), _as_kin(data, b, c, paths))
        for (a, b), c in sorted(pairs.items(), key=lambda pair: -pair[1])
    )
