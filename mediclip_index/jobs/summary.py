"""`summary`: what is in the pile, counted by class and one more column."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from mediclip_index import verdict
from mediclip_index.catalog import ReadTransaction, conditions, images, indexed, library
from mediclip_index.catalog.conditions import VerdictColumns
from mediclip_index.jobs import live_paths
from mediclip_index.jobs.columns import Judged, judged, matching
from mediclip_index.session.session import Session
from mediclip_index.session.snapshot import Snapshot, open_snapshot
from mediclip_index.show.text import counted
from mediclip_index.types import (
    Ids,
    Progress,
    SummaryReport,
    SummaryRow,
    UsageError,
)

FURTHER = 5  # pictures of each row beside the likeliest
_OF_PLACES = ("folder", "source")


def summary(session: Session, *, by: str, where: str | None, progress: Progress) -> SummaryReport:
    """See Index.summary."""
    _check(session, by)
    base = open_snapshot(session)
    ids = None
    if where is not None:
        ids = np.array(matching(session, where, base, progress=progress), dtype=np.int64)
    found = judged(session, base, ids, progress=progress)
    values = _values(session, base, by, found)
    rows = _rows(session, found, values, base.text_classifier.vectors.classes, of_kind=by == "kind")
    notes = list(base.notes)
    if found.lacking:
        notes.append(
            f"{counted(found.lacking, 'image has', 'images have')} no vector by the model in "
            "force; this count leaves out what has none; `mediclip-index build` embeds it."
        )
    return SummaryReport(base.facts, by, where, len(found.columns.ids), rows, tuple(notes))


def grouped_by(session: Session, by: str) -> dict[int, str | None]:
    """The value of each image in a column that needs no verdict, a folder or a source."""
    _check(session, by)
    if by in library.OF_VERDICTS:
        raise UsageError(f"{by} is what the machine says; group by what is known of the images.")
    with session.catalog.reading() as read:
        return _of_library(read, by, None)


def _check(session: Session, by: str) -> None:
    """UsageError where there is nothing of that name to count by."""
    if by == "folder" and session.names.hashed:
        raise UsageError("This index keeps no paths, so it knows no folders; try --by source.")
    with session.catalog.reading() as read:
        known = conditions.columns(read)
    if by not in (*_OF_PLACES, *known):
        named = ", ".join((*_OF_PLACES, *known))
        raise UsageError(f"There is no column {by} to count by; there are: {named}.")


def _values(session: Session, base: Snapshot, by: str, found: Judged) -> dict[int, str | None]:
    """What each image is counted under."""
    with session.catalog.reading() as read:
        return _of_library(read.as_of(base.tx), by, found.columns)


def _of_library(
    read: ReadTransaction, by: str, columns: VerdictColumns | None
) -> dict[int, str | None]:
    if by == "source" and "source" not in library.names(read):
        return dict(indexed.sources_of(read))
    if by == "folder" and "folder" not in library.names(read):
        paths = conditions.values(read, "path")
        return {i: os.path.dirname(path or "") for i, path in paths.items()}
    return conditions.values(read, by, columns)


def _rows(
    session: Session,
    found: Judged,
    values: dict[int, str | None],
    classes: Sequence[str],
    *,
    of_kind: bool,
) -> tuple[SummaryRow, ...]:
    columns = found.columns
    members: dict[tuple[str, str | None], list[int]] = defaultdict(list)
    for place, (image, label) in enumerate(
        zip(columns.ids.tolist(), columns.verdict.tolist(), strict=True)
    ):
        members[label, values.get(image)].append(place)
    likeliest = {key: _likeliest(found, np.array(m), of_kind) for key, m in members.items()}
    with session.catalog.reading() as read:
        first = [int(columns.ids[places[0]]) for places in likeliest.values()]
        there = images.images(read, first)
        paths = live_paths.paths(read, {i: image.path for i, image in there.items()})
    rows = []
    for (label, value), places in members.items():
        ids = columns.ids[likeliest[label, value]].tolist()
        said = int(found.labelled[places].sum())
        doubted = int(columns.unsure[places].sum())
        share = float(columns.probability[likeliest[label, value][0]])
        rows.append(
            SummaryRow(
                value=value,
                verdict=label,
                images=len(places),
                share=len(places) / len(columns.ids),
                sure=len(places) - doubted - said,
                unsure=doubted,
                labelled=said,
                id=ids[0],
                path=paths.get(ids[0], ""),
                page=there[ids[0]].page if ids[0] in there else None,
                item=there[ids[0]].item if ids[0] in there else None,
                probability=None if np.isnan(share) else share,
                further=tuple(ids[1:]),
            )
        )
    return tuple(_in_order(rows, classes, of_kind=of_kind))


def _in_order(
    rows: Sequence[SummaryRow], classes: Sequence[str], *, of_kind: bool
) -> list[SummaryRow]:
    """Classes as the prompt set lists them, what it does not know last; in a class the largest row
    first, and of kinds the largest family, so that relatives stand together."""

    def family(row: SummaryRow) -> tuple[str, str]:
        name = verdict.family_of(row.value) if of_kind else row.value or ""
        return row.verdict, name

    of_family: Counter[tuple[str, str]] = Counter()
    for row in rows:
        of_family[family(row)] += row.images
    place = {name: n for n, name in enumerate(classes)}
    return sorted(
        rows,
        key=lambda r: (
            place.get(r.verdict, len(place)), r.verdict, -of_family[family(r)], family(r),
            -r.images, r.value or "",
        ),
    )  # fmt: skip


def _likeliest(found: Judged, places: Ids, of_kind: bool) -> Ids:
    """The places of the likeliest images first, at most 1 + FURTHER: of a kind by what the words
    give to it, else by the probability of the class."""
    probability = np.nan_to_num(found.columns.probability[places])
    shares = found.kind_shares[places]
    first, second = (shares, probability) if of_kind else (probability, shares)
    order = np.lexsort((found.columns.ids[places], -second, -first))
    return np.asarray(places[order[: 1 + FURTHER]])
