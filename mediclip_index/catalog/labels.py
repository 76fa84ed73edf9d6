"""Labels, splits, subjects and attributes: rows that are added, with who and when."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mediclip_index.catalog import presence
from mediclip_index.catalog.rows import insert
from mediclip_index.catalog.store import ReadTransaction, WriteTransaction
from mediclip_index.types import Facts, Ids, LabelEvent

# Images of these splits measure the index and so never vote in it.
HELD_OUT = ("tune", "calibrate", "val", "test")
FIELDS = ("label", "split", "subject", "kind")


@dataclass(frozen=True)
class CurrentLabels:
    """What is said of an image now; None is nothing."""

    label: str | None = None
    split: str | None = None
    subject: str | None = None
    kind: str | None = None


@dataclass(frozen=True)
class ByHand:
    """What a person said of an image: its class (None: nothing, or a source said it last), its
    kind, and who had the last word on either."""

    label: str | None
    kind: str | None
    author: str


def by_hand(read: ReadTransaction, ids: Iterable[int] | None = None) -> dict[int, ByHand]:
    """What people said of these images, or of all of which they said something; what folder names
    and lists said at a `build` is no person's word."""
    narrowed, parameters = _narrowed(read, ids)
    rows = read.db.execute(by_hand_sql("$1", narrowed), parameters).fetchall()
    return {image: ByHand(*rest) for image, *rest in rows}


def by_hand_sql(tx: str, narrowed: str = "") -> str:
    """A query of (image, label, kind, author) as of a transaction, one row an image."""
    return (
        "SELECT image, nullif(label, '') AS label, nullif(kind, '') AS kind, author FROM ("
        "SELECT image, "
        "arg_max(CASE WHEN t.command LIKE 'build%' THEN '' ELSE label END, tx) "
        "FILTER (WHERE label IS NOT NULL) AS label, "
        "arg_max(kind, tx) FILTER (WHERE kind IS NOT NULL) AS kind, "
        "arg_max(t.author, tx) FILTER (WHERE coalesce(label, kind) IS NOT NULL "
        "AND t.command NOT LIKE 'build%') AS author "
        f"FROM labels JOIN transactions t USING (tx) WHERE tx <= {tx} {narrowed} GROUP BY image) "
        "WHERE label <> '' OR kind <> ''"
    )


def _narrowed(read: ReadTransaction, ids: Iterable[int] | None) -> tuple[str, list[Any]]:
    """A further condition on `image`, and the parameters of a query that has it."""
    if ids is None:
        return "", [read.tx]
    listed = json.dumps([int(i) for i in ids])
    return "AND image IN (SELECT unnest(from_json($2::JSON, '[\"BIGINT\"]')))", [read.tx, listed]


def current_labels(
    read: ReadTransaction, ids: Iterable[int] | None = None
) -> dict[int, CurrentLabels]:
    """What is said of these images, or of every image of which anything is said."""
    narrowed, parameters = _narrowed(read, ids)
    rows = read.db.execute(
        f"SELECT image, label, split, subject, kind FROM labels_at($1) WHERE true {narrowed}",
        parameters,
    ).fetchall()
    return {image: CurrentLabels(*rest) for image, *rest in rows}


def attributes(read: ReadTransaction, ids: Iterable[int]) -> dict[int, dict[str, str]]:
    """What sources said of these images beside label, split and subject, by name."""
    rows = read.db.execute(
        "SELECT image, name, value FROM attributes_at($1) WHERE value IS NOT NULL AND "
        "image IN (SELECT unnest(from_json($2::JSON, '[\"BIGINT\"]')))",
        [read.tx, json.dumps([int(i) for i in ids])],
    ).fetchall()
    found: dict[int, dict[str, str]] = {}
    for image, name, value in rows:
        found.setdefault(image, {})[name] = value
    return found


@dataclass(frozen=True)
class LabelChanges:
    """Rows that would be written, and the images that they would change."""

    labels: list[dict[str, Any]]
    attributes: list[dict[str, Any]]
    changed: frozenset[int]


def label_changes(
    read: ReadTransaction, facts: Mapping[int, Facts], *, of_source: bool = False
) -> LabelChanges:
    """What these facts say that is not known yet.

    A field that is None is left as it stands; "" takes it away. Where a person had the last word, a
    source (`of_source`) is heard only if no build said the same of the image before: else the next
    build of a folder would take back what people have mended since. A person who says what only a
    source said so far is written down, since a person's word counts for more; nothing changes then.
    """
    now, known = current_labels(read, facts), attributes(read, facts)
    heard = _heard(read, {*now, *known}) if of_source else {}
    hands = {} if of_source else by_hand(read, facts)
    labels: list[dict[str, Any]] = []
    further: list[dict[str, Any]] = []
    changed: set[int] = set()
    for image, fact in facts.items():
        before = now.get(image, CurrentLabels())
        row: dict[str, str | None] = {}
        for field in FIELDS:
            said, stands = getattr(fact, field), getattr(before, field) or ""
            row[field] = _new(said, stands, heard.get((image, "labels", field)))
            if row[field] not in (None, stands):
                changed.add(image)
        hand = hands.get(image)
        if fact.label and not of_source and (hand is None or hand.label is None):
            row["label"] = fact.label
        if any(value is not None for value in row.values()):
            labels.append({"image": image, **row})
        for name, value in fact.attributes.items():
            stands = known.get(image, {}).get(name, "")
            if _new(value, stands, heard.get((image, "attributes", name))) is not None:
                further.append({"image": image, "name": name, "value": value})
                if value != stands:
                    changed.add(image)
    return LabelChanges(labels, further, frozenset(changed))


def _new(said: str | None, stands: str, heard: frozenset[str] | None) -> str | None:
    """`said` where it is to be written. What a source says for the first time is, though a person
    said the same: it has been heard then."""
    if said is None or said in ((stands,) if heard is None else heard):
        return None
    return said


def _heard(
    read: ReadTransaction, images: Collection[int]
) -> dict[tuple[int, str, str], frozenset[str]]:
    """Of each field of these images in which a person had the last word: what builds ever said,
    by (image, table, field)."""
    if not images:
        return {}
    of_fields = " UNION ALL ".join(
        f"SELECT image, tx, 'labels' AS kind, '{field}' AS name, {field} AS value FROM labels"
        for field in FIELDS
    )
    rows = read.db.execute(
        f"WITH said AS ({of_fields} UNION ALL "
        "SELECT image, tx, 'attributes', name, value FROM attributes) "
        "SELECT image, kind, name, list(DISTINCT value) FILTER (WHERE t.command LIKE 'build%') "
        "FROM said JOIN transactions t USING (tx) WHERE value IS NOT NULL AND tx <= $1 AND "
        "image IN (SELECT unnest(from_json($2::JSON, '[\"BIGINT\"]'))) "
        "GROUP BY ALL HAVING arg_max(t.command, tx) NOT LIKE 'build%'",
        [read.tx, json.dumps(sorted(images))],
    )
    return {
        (image, kind, name): frozenset(values or ())
        for image, kind, name, values in rows.fetchall()
    }


def say(write: WriteTransaction, facts: Mapping[int, Facts], *, of_source: bool = False) -> int:
    """Write what is new in these facts; returns how many images it changed."""
    new = label_changes(write, facts, of_source=of_source)
    write_rows(write, new.labels)
    insert(
        write.db,
        "attributes",
        {"tx": "BIGINT", "image": "BIGINT", "name": "VARCHAR", "value": "VARCHAR"},
        [{"tx": write.tx, **row} for row in new.attributes],
    )
    return len(new.changed)


def write_rows(write: WriteTransaction, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add rows of labels: each an `image` and its FIELDS."""
    insert(
        write.db,
        "labels",
        {
            "tx": "BIGINT",
            "image": "BIGINT",
            "label": "VARCHAR",
            "split": "VARCHAR",
            "subject": "VARCHAR",
            "kind": "VARCHAR",
        },
        [{"tx": write.tx, **row} for row in rows],
    )


def said_in(read: ReadTransaction, tx: int) -> dict[int, tuple[str, ...]]:
    """The images of which a person said something in one transaction, each with the fields."""
    rows = read.db.execute(
        "SELECT l.image, l.label, l.split, l.subject, l.kind FROM labels l "
        "JOIN transactions t USING (tx) WHERE tx = ? AND t.command NOT LIKE 'build%'",
        [tx],
    ).fetchall()
    return {
        image: tuple(f for f, value in zip(FIELDS, said, strict=True) if value is not None)
        for image, *said in rows
    }


def last_said(read: ReadTransaction, ids: Iterable[int]) -> dict[int, int]:
    """The transaction in which anything was last said of each of these images."""
    rows = read.db.execute(
        "SELECT image, max(tx) FROM labels WHERE tx <= $1 AND image IN "
        "(SELECT unnest(from_json($2::JSON, '[\"BIGINT\"]'))) GROUP BY image",
        [read.tx, json.dumps([int(i) for i in ids])],
    ).fetchall()
    return dict(rows)


def last_by_person(read: ReadTransaction, ids: Iterable[int]) -> set[int]:
    """Those of these images of which a person, and no source, said anything last."""
    rows = read.db.execute(
        "SELECT l.image FROM labels l JOIN transactions t USING (tx) WHERE tx <= $1 AND l.image IN "
        "(SELECT unnest(from_json($2::JSON, '[\"BIGINT\"]'))) GROUP BY l.image "
        "HAVING arg_max(t.command, tx) NOT LIKE 'build%'",
        [read.tx, json.dumps([int(i) for i in ids])],
    ).fetchall()
    return {image for (image,) in rows}


def history(read: ReadTransaction, image: int) -> list[LabelEvent]:
    """Every row that was ever written of an image's label, oldest first."""
    rows = read.db.execute(
        "SELECT l.tx, t.time_us, t.author, l.label, l.split, l.subject, l.kind "
        "FROM labels l "
        "JOIN transactions t USING (tx) WHERE l.image = ? AND l.tx <= ? ORDER BY l.tx",
        [image, read.tx],
    ).fetchall()
    return [
        LabelEvent(tx, iso(time_us), author, image, *said) for tx, time_us, author, *said in rows
    ]


@dataclass(frozen=True)
class Support:
    """The labelled images that vote: ids in order, and for each the place of its class in the
    list of classes that was asked for."""

    ids: Ids
    classes: Ids


def support(read: ReadTransaction, classes: Sequence[str]) -> Support:
    """Labelled images that are there and in no held-out split, of these classes."""
    held_out = ", ".join(f"'{split}'" for split in HELD_OUT)
    rows = read.db.execute(
        "SELECT l.image, l.label FROM labels_at($1) l WHERE l.label IN "
        "(SELECT unnest(from_json($2::JSON, '[\"VARCHAR\"]'))) "
        f"AND coalesce(l.split, '') NOT IN ({held_out}) "
        "AND l.image IN (SELECT id FROM images) "
        f"AND l.image NOT IN ({presence.ABSENT}) ORDER BY l.image",
        [read.tx, json.dumps(list(classes))],
    ).fetchall()
    place = {name: i for i, name in enumerate(classes)}
    return Support(
        np.array([image for image, _ in rows], dtype=np.int64),
        np.array([place[label] for _, label in rows], dtype=np.int64),
    )


def iso(time_us: int) -> str:
    """A time of the catalog as ISO 8601, UTC."""
    moment = dt.datetime.fromtimestamp(time_us / 1e6, tz=dt.UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
