"""`duplicates`: images that are the same or nearly so, and what they leak between the splits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from mediclip_index import reading
from mediclip_index.catalog import images, labels, models, presence, thumbnails
from mediclip_index.evaluate.leave_one_out import Labelled, labelled, leave_one_out, predict
from mediclip_index.evaluate.pairs import MOST, Pairs, by_cosine, by_thumbnails
from mediclip_index.session.session import Session
from mediclip_index.show.text import counted
from mediclip_index.types import (
    DuplicatesReport,
    Ids,
    NearDuplicates,
    Progress,
    Settings,
    UsageError,
)


def duplicates(session: Session, *, least: float | None, progress: Progress) -> DuplicatesReport:
    """See Index.duplicates."""
    if least is not None and not 0 < least <= 1:
        raise UsageError(f"A similarity of {least:g} makes no duplicates; choose from 0.9 to 1.")
    with session.catalog.reading() as read:
        settings = models.settings(read)
        known = images.images(read, presence.present_ids(read).tolist())
        paths = images.paths_by_content(read)
        ids, vectors = images.vectors(read, models.encoder(read))
        current = labels.current_labels(read)
        facts = session.facts(read)
        small, grey = thumbnails.thumbnails(read) if least is None else (ids[:0], None)
    progress.start("compare", len(ids))
    notes = []
    if grey is None:
        assert least is not None
        pairs = by_cosine(vectors, least, progress)
    else:
        seen = np.isin(small, ids)
        there = np.searchsorted(ids, small[seen])
        pairs = by_thumbnails(vectors, grey[seen], there, progress)
        lacking = len(ids) - len(there)
        if lacking:
            notes.append(
                f"{counted(lacking, 'image')} taken in by an earlier version can be compared by "
                "the model alone: `mediclip-index build --thumbnails` makes up for it."
            )
        if len(pairs.cut):
            notes.append(
                f"To {counted(len(pairs.cut), 'image')} more than {MOST} later ones look much "
                f"alike: the {MOST} nearest were compared."
            )
    groups = [
        _group("exact", [i], lying, current, known, 1.0)
        for i, image in known.items()
        if len(lying := _there(paths.get(image.sha256, ()))) > 1
    ]
    worth = np.array(
        [_worth(known[int(i)], current) for i in ids.tolist()], dtype=np.int64
    ).reshape(-1, 4)
    for members, similarity in _stars(pairs, worth):
        own = [int(i) for i in ids[members]]
        groups.append(_group("near", own, [known[i].path for i in own], current, known, similarity))
    progress.finish()
    try:
        leaks = _leaks(labelled(session, settings), settings, ids, pairs)
    except UsageError:  # nothing is labelled: nothing leaks
        leaks = {}
    return DuplicatesReport(
        index=facts,
        groups=tuple(sorted(groups, key=lambda g: (-len(set(g.splits)), -g.similarity))),
        across_splits=sum(len(set(g.splits)) > 1 for g in groups),
        across_labels=sum(len(set(g.labels) - {""}) > 1 for g in groups),
        leaks=leaks,
        notes=tuple(notes),
    )


def _there(paths: Sequence[str]) -> Sequence[str]:
    """Those of a content's paths at which there still is a file; all, where there is at none."""
    if len(paths) < 2:
        return paths
    return [path for path in paths if reading.is_there(path)] or paths


def _group(
    kind: str,
    ids: Sequence[int],
    paths: Sequence[str],
    current: Mapping[int, labels.CurrentLabels],
    known: Mapping[int, images.StoredImage],
    similarity: float,
) -> NearDuplicates:
    said = [current.get(i, labels.CurrentLabels()) for i in ids]
    return NearDuplicates(
        kind=kind,
        ids=tuple(ids),
        paths=tuple(paths),
        labels=tuple(s.label or "" for s in said),
        splits=tuple(s.split or "" for s in said),
        similarity=similarity,
        sizes=tuple((known[i].width, known[i].height) for i in ids),
        parts=tuple((known[i].page, known[i].item) for i in ids),
        contents=tuple(known[i].sha256 for i in ids),
        best=max(ids, key=lambda i: _worth(known[i], current)),
    )


def _worth(
    image: images.StoredImage, current: Mapping[int, labels.CurrentLabels]
) -> tuple[bool, int, int, int]:
    """What makes an image the one to keep: that it is labelled, then the most pixels, then the
    largest file, then the lowest id."""
    said = current.get(image.id, labels.CurrentLabels())
    return bool(said.label or said.kind), image.width * image.height, image.bytes, -image.id


def _stars(pairs: Pairs, worth: Ids) -> list[tuple[Ids, float]]:
    """Groups of rows, the one to keep and all that are copies of it itself, each with the least
    cosine of its pairs; worth (n, 4). What is a copy of a copy alone makes a group of its own, so
    that nothing goes for a likeness to what went as well."""
    partners: dict[int, dict[int, float]] = defaultdict(dict)
    for one, other, cosine in zip(
        pairs.first.tolist(), pairs.second.tolist(), pairs.cosine.tolist(), strict=True
    ):
        partners[one][other] = partners[other][one] = cosine
    taken: set[int] = set()
    found = []
    for row in sorted(partners, key=lambda row: tuple(worth[row].tolist()), reverse=True):
        own = {other: c for other, c in partners[row].items() if other not in taken}
        if row in taken or not own:
            continue
        taken |= {row, *own}
        found.append((np.array(sorted((row, *own)), dtype=np.int64), min(own.values())))
    return found


def _leaks(
    data: Labelled, settings: Settings, ids: Ids, pairs: Pairs
) -> Mapping[str, Mapping[str, float]]:
    """What near-duplicates in the support do to the neighbours' figures of each held-out split."""
    found = {}
    voters = np.flatnonzero(data.votes)
    twins = ids[np.concatenate([pairs.first, pairs.second])]
    others = ids[np.concatenate([pairs.second, pairs.first])]
    for split in labels.HELD_OUT:
        places = data.places(split)
        if len(places) == 0 or len(voters) == 0:
            continue
        leaked = np.isin(data.ids[places], twins[np.isin(others, data.ids[voters])])
        accuracy = [
            float((predict(evidence, settings).votes.argmax(axis=1) == data.truth[places]).mean())
            for evidence in (leave_one_out(data, places, twins=True), leave_one_out(data, places))
        ]
        found[split] = {
            "images": float(len(places)),
            "leaked": float(leaked.sum()),
            "accuracy_with": accuracy[0],
            "accuracy_without": accuracy[1],
        }
    return found
