"""What the index answers with: encoder, prompt set and settings, and sentences' vectors."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from mediclip_index.catalog import schema
from mediclip_index.catalog.labels import iso
from mediclip_index.catalog.rows import fetch_vectors, insert, scalar
from mediclip_index.catalog.store import ReadTransaction, WriteTransaction
from mediclip_index.types import (
    Calibration,
    IndexDamaged,
    PromptSet,
    Settings,
    Tuning,
    Unrelated,
    UsageError,
    Vectors,
)


@dataclass(frozen=True)
class StoredEncoder:
    """An encoder that this index has vectors of; `number` names its tables. `unrelated` is None
    where it was never measured."""

    number: int
    fingerprint: str
    name: str
    dim: int
    logit_scale: float
    recipe: str
    unrelated: Unrelated | None = None

    @property
    def vectors(self) -> str:
        return f"vectors_{self.number}"

    @property
    def sentences(self) -> str:
        return f"sentences_{self.number}"


@dataclass(frozen=True)
class StoredPrompts:
    number: int
    name: str
    sha256: str
    source: str


def choose(write: WriteTransaction, name: str, number: int) -> None:
    """Put encoder, prompts or settings `number` in force from this transaction on."""
    write.db.execute("INSERT INTO choices VALUES (?, ?, ?)", [write.tx, name, number])


def chosen(read: ReadTransaction, name: str) -> int:
    number = scalar(read.db, "SELECT choice_at(?, ?)", [name, read.tx])
    if number is None:
        raise IndexDamaged(
            f"The index was never finished (no {name}); remove its folder and build anew."
        )
    return int(number)


def tx_at(read: ReadTransaction, time_us: int) -> int:
    """The last transaction up to a moment (microseconds since 1970) at which the index could
    answer; UsageError where there was none."""
    tx, first = read.db.execute(
        "SELECT max(tx) FILTER (WHERE time_us <= $2), min(time_us) FROM transactions WHERE tx >= "
        "(SELECT max(first) FROM (SELECT min(tx) AS first FROM choices GROUP BY name)) "
        "AND tx <= $1",
        [read.tx, time_us],
    ).fetchall()[0]
    if tx is None:
        raise UsageError(f"The index was not there yet: it could answer from {iso(first)} on.")
    return int(tx)


def add_encoder(
    write: WriteTransaction, *, fingerprint: str, name: str, dim: int, scale: float, recipe: str
) -> None:
    """Keep an encoder, make its tables, and put it in force."""
    number = int(scalar(write.db, "SELECT coalesce(max(number), 0) + 1 FROM encoders"))
    write.db.execute(
        "INSERT INTO encoders (number, fingerprint, name, dim, logit_scale, tx, recipe) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        [number, fingerprint, name, dim, scale, write.tx, recipe],
    )
    for sql in schema.encoder_tables(number, dim).values():
        write.db.execute(sql)
    choose(write, "encoder", number)


def add_unrelated(write: WriteTransaction, stored: StoredEncoder, measured: Unrelated) -> None:
    """Keep what was measured of an encoder's unrelated cosines."""
    write.db.execute(
        "INSERT INTO unrelated VALUES (?, ?, ?, ?)",
        [stored.number, measured.median, measured.spread, write.tx],
    )


def take_over(
    write: WriteTransaction, stored: StoredEncoder, new: StoredEncoder, without: Collection[int]
) -> None:
    """Give an encoder another's sentences, and its vectors `without` those of some images."""
    write.db.execute(f"INSERT INTO {new.sentences} SELECT * FROM {stored.sentences}")
    write.db.execute(
        f"INSERT INTO {new.vectors} SELECT image, vector, $1 FROM {stored.vectors} "
        "WHERE image NOT IN (SELECT unnest(from_json($2::JSON, '[\"BIGINT\"]')))",
        [write.tx, json.dumps(list(without))],
    )


def encoder(read: ReadTransaction) -> StoredEncoder:
    """The encoder in force."""
    row = read.db.execute(
        "SELECT number, fingerprint, name, dim, logit_scale, recipe FROM encoders WHERE number = ?",
        [chosen(read, "encoder")],
    ).fetchall()[0]
    measured = read.db.execute(
        "SELECT median, spread FROM unrelated WHERE encoder = ? AND tx <= ? "
        "ORDER BY tx DESC LIMIT 1",
        [row[0], read.tx],
    ).fetchall()
    found = StoredEncoder(*row)
    return replace(found, unrelated=Unrelated(*measured[0])) if measured else found


def add_prompts(write: WriteTransaction, prompts: PromptSet) -> int:
    """Keep a prompt set; one with the same name and text is not kept twice. Returns its number."""
    known = write.db.execute(
        "SELECT number FROM prompt_sets WHERE name = ? AND sha256 = ?",
        [prompts.name, prompts.sha256],
    ).fetchall()
    if known:
        return int(known[0][0])
    number = int(scalar(write.db, "SELECT coalesce(max(number), 0) + 1 FROM prompt_sets"))
    write.db.execute(
        "INSERT INTO prompt_sets VALUES (?, ?, ?, ?, ?)",
        [number, prompts.name, prompts.sha256, prompts.source, write.tx],
    )
    return number


def prompts(read: ReadTransaction, name: str | None = None) -> StoredPrompts | None:
    """The newest set of a name, or the one in force; None where the index has none so named."""
    if name is None:
        where = "number = ?"
        what: list[int | str] = [chosen(read, "prompts")]
    else:
        where, what = "name = ? AND tx <= ?", [name, read.tx]
    rows = read.db.execute(
        f"SELECT number, name, sha256, source FROM prompt_sets WHERE {where} "
        "ORDER BY number DESC LIMIT 1",
        what,
    ).fetchall()
    return StoredPrompts(*rows[0]) if rows else None


def prompts_by_content(read: ReadTransaction, sha256: str) -> StoredPrompts | None:
    """A kept set by its text's hash."""
    rows = read.db.execute(
        "SELECT number, name, sha256, source FROM prompt_sets WHERE sha256 = ? LIMIT 1", [sha256]
    ).fetchall()
    return StoredPrompts(*rows[0]) if rows else None


def all_prompts(read: ReadTransaction) -> list[StoredPrompts]:
    """The newest set of every name."""
    rows = read.db.execute(
        "SELECT number, name, sha256, source FROM prompt_sets WHERE tx <= ? "
        "QUALIFY row_number() OVER (PARTITION BY name ORDER BY number DESC) = 1 ORDER BY name",
        [read.tx],
    ).fetchall()
    return [StoredPrompts(*row) for row in rows]


def sentence_vectors(
    read: ReadTransaction, stored: StoredEncoder, sentences: Sequence[str]
) -> dict[str, Vectors]:
    """The vectors, shape (dim,), of those sentences that this encoder has read before."""
    wanted = json.dumps(sorted(set(sentences)))
    keys, vectors = fetch_vectors(
        read.db,
        f"SELECT sentence, vector FROM {stored.sentences} "
        "WHERE sentence IN (SELECT unnest(from_json($1::JSON, '[\"VARCHAR\"]')))",
        [wanted],
        stored.dim,
    )
    return dict(zip(keys, vectors, strict=True))


def some_sentences(read: ReadTransaction, stored: StoredEncoder, count: int) -> Vectors:
    """Vectors of at most `count` sentences, (n, dim), by chance but the same ones each time."""
    _, vectors = fetch_vectors(
        read.db,
        f"SELECT sentence, vector FROM {stored.sentences} ORDER BY md5(sentence) LIMIT ?",
        [count],
        stored.dim,
    )
    return vectors


def keep_sentences(
    write: WriteTransaction, stored: StoredEncoder, sentences: Sequence[str], vectors: Vectors
) -> None:
    """Keep sentences' vectors, those already kept aside."""
    present = sentence_vectors(write, stored, sentences)
    for sentence, vector in zip(sentences, vectors, strict=True):
        if sentence not in present:
            present[sentence] = vector
            write.db.execute(
                f"INSERT INTO {stored.sentences} VALUES (?, ?)",
                [sentence, np.asarray(vector, dtype=np.float32).tolist()],
            )


def add_settings(write: WriteTransaction, settings: Settings) -> int:
    """Keep settings as the next numbered row and put them in force; returns the number."""
    number = int(scalar(write.db, "SELECT coalesce(max(number), 0) + 1 FROM settings"))
    body = {name: value for name, value in asdict(settings).items() if name != "number"}
    insert(
        write.db,
        "settings",
        {"number": "INTEGER", "body": "VARCHAR", "tx": "BIGINT"},
        [{"number": number, "body": json.dumps(body, sort_keys=True), "tx": write.tx}],
    )
    choose(write, "settings", number)
    return number


def all_settings(read: ReadTransaction) -> list[tuple[Settings, str, str]]:
    """All that were kept up to the transaction, in order, with when and by whom they were."""
    rows = read.db.execute(
        "SELECT s.number, t.time_us, t.author FROM settings s JOIN transactions t ON t.tx = s.tx "
        "WHERE s.tx <= ? ORDER BY s.number",
        [read.tx],
    ).fetchall()
    return [(settings(read, number), iso(time_us), author) for number, time_us, author in rows]


def settings(read: ReadTransaction, number: int | None = None) -> Settings:
    """The settings in force, or those of a number."""
    number = chosen(read, "settings") if number is None else number
    body = json.loads(scalar(read.db, "SELECT body FROM settings WHERE number = ?", [number]))
    fitted, tuned = body.pop("calibration", None), body.pop("tuned", None)
    # Rows of earlier versions counted in plain cosines, and knew no references.
    body = {"unit": "cosines", "references": False, **body}
    return Settings(
        number=number,
        calibration=None if fitted is None else Calibration(**fitted),
        tuned=None if tuned is None else Tuning(**tuned),
        **body,
    )
