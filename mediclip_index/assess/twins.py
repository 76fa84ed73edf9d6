"""`duplicates`: images that are the same or nearly so, and what they leak between the splits."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mediclip_index.assess.evidence import Labelled, gather, labelled, say
from mediclip_index.catalog import images, labels, presence, words
from mediclip_index.jobs.desk import Desk
from mediclip_index.terms import (
    DuplicatesReport,
    Ids,
    Progress,
    Settings,
    Twins,
    Vectors,
    WrongUsage,
)

BLOCK = 512


def duplicates(desk: Desk, *, least: float, progress: Progress) -> DuplicatesReport:
    """See Index.duplicates."""
    if not 0 < least <= 1:
        raise WrongUsage(f"A similarity of {least:g} makes no duplicates; choose from 0.9 to 1.")
    with desk.catalog.reading() as look:
        settings = words.settings(look)
        known = images.images(look, presence.present_ids(look).tolist())
        paths = images.paths_by_content(look)
        ids, vectors = images.vectors(look, words.encoder(look))
        standing = labels.standings(look)
        facts = desk.facts(look)
    progress.start("compare", len(ids))
    groups = [
        Twins(
            kind="exact",
            ids=(i,),
            paths=tuple(paths[image.sha256]),
            labels=(standing.get(i, labels.Standing()).label or "",),
            splits=(standing.get(i, labels.Standing()).split or "",),
            similarity=1.0,
        )
        for i, image in known.items()
        if len(paths.get(image.sha256, ())) > 1
    ]
    for members, similarity in _near(vectors, least, progress):
        own = [int(i) for i in ids[members]]
        said = [standing.get(i, labels.Standing()) for i in own]
        groups.append(
            Twins(
                kind="near",
                ids=tuple(own),
                paths=tuple(known[i].path for i in own),
                labels=tuple(s.label or "" for s in said),
                splits=tuple(s.split or "" for s in said),
                similarity=similarity,
            )
        )
    progress.finish()
    try:
        leaks = _leaks(labelled(desk, settings), settings, least)
    except WrongUsage:  # nothing is labelled: nothing leaks
        leaks = {}
    return DuplicatesReport(
        index=facts,
        groups=tuple(sorted(groups, key=lambda g: (-len(set(g.splits)), -g.similarity))),
        across_splits=sum(len(set(g.splits)) > 1 for g in groups),
        across_labels=sum(len(set(g.labels) - {""}) > 1 for g in groups),
        leaks=leaks,
    )


def _near(vectors: Vectors, least: float, progress: Progress) -> list[tuple[Ids, float]]:
    """Groups of rows chained by a cosine of at least `least`, with the least cosine of a link."""
    firsts, seconds, cosines = [], [], []
    for start in range(0, len(vectors), BLOCK):
        found = vectors[start : start + BLOCK] @ vectors[start:].T
        rows, columns = np.nonzero(found >= least)
        ahead = columns > rows
        firsts.append(rows[ahead] + start)
        seconds.append(columns[ahead] + start)
        cosines.append(found[rows[ahead], columns[ahead]])
        progress.advance(min(BLOCK, len(vectors) - start))
    if not firsts:
        return []
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    a, b, c = np.concatenate(firsts), np.concatenate(seconds), np.concatenate(cosines)
    graph = coo_matrix((np.ones(len(a)), (a, b)), shape=(len(vectors), len(vectors)))
    _, group = connected_components(graph, directed=False)
    return [
        (np.flatnonzero(group == number), float(c[group[a] == number].min()))
        for number in np.unique(group[a])
    ]


def _leaks(data: Labelled, settings: Settings, least: float) -> Mapping[str, Mapping[str, float]]:
    """What near-duplicates in the support do to the neighbours' figures of each held-out split."""
    found = {}
    voters = np.flatnonzero(data.votes)
    for split in labels.HELD_OUT:
        places = data.places(split)
        if len(places) == 0 or len(voters) == 0:
            continue
        nearest = np.concatenate(
            [
                (data.vectors[places[s : s + BLOCK]] @ data.vectors[voters].T).max(axis=1)
                for s in range(0, len(places), BLOCK)
            ]
        )
        leaked = nearest >= least
        accuracy = [
            float((say(evidence, settings).votes.argmax(axis=1) == data.truth[places]).mean())
            for evidence in (gather(data, places, twins=True), gather(data, places))
        ]
        found[split] = {
            "images": float(len(places)),
            "leaked": float(leaked.sum()),
            "accuracy_with": accuracy[0],
            "accuracy_without": accuracy[1],
        }
    return found
