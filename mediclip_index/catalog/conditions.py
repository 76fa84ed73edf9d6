"""The library: one row an image that is there, as people ask for it with `--where` and see it.

A condition is parsed by DuckDB itself into a tree, and each node must be of a kind that can only
compare columns and constants: no subquery, no function that reads, lists or stalls.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np

from mediclip_index.catalog import labels
from mediclip_index.catalog.rows import Connection, given_path, kept_path, scalar
from mediclip_index.catalog.store import ReadTransaction
from mediclip_index.types import Ids, UsageError

BUILT_IN = (
    "id",
    "path",
    "label",
    "split",
    "subject",
    "width",
    "height",
    "format",
    "page",
    "item",
    "bytes",
    "sha256",
    "added",
    "labelled_by",
)
# What is told of images by judging them; the class and kind that count, a person's word first, and
# last the class by the machine alone.
OF_VERDICTS = ("verdict", "kind", "probability", "unsure", "guess")
# What DICOM headers say, where a source has not said something else under that name.
OF_HEADERS = ("modality", "body_part", "burned_in")
_OURS = {*BUILT_IN, *OF_VERDICTS, "meta"}
LONGEST_CONDITION = 4_000
TIME_LIMIT = 10.0  # seconds
_AGAIN = 0.02  # seconds between interrupts of a query that goes on

_CLASSES = {
    "COLUMN_REF",
    "CONSTANT",
    "COMPARISON",
    "CONJUNCTION",
    "OPERATOR",
    "BETWEEN",
    "CAST",
    "CASE",
    "TYPE",
    "FUNCTION",
}
# Not among them: replace, which nested makes any amount of text out of a short condition, and does
# so in steps too long for a time limit to interrupt.
_FUNCTIONS = {
    "~~", "!~~", "~~*", "!~~*", "~~~", "like_escape", "not_like_escape", "ilike_escape",
    "not_ilike_escape", "lower", "upper", "trim", "ltrim", "rtrim", "length", "strlen",
    "contains", "starts_with", "prefix", "ends_with", "suffix", "regexp_matches",
    "regexp_full_match", "substring", "substr", "left", "right", "concat", "||", "abs",
    "round", "floor", "ceil", "+", "-", "*", "/", "//", "%", "greatest", "least", "coalesce",
    "nullif", "ifnull", "array_extract", "struct_extract",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class VerdictColumns:
    """What images are, all (n,): ids in order; the class that counts and its kind (texts, None
    where there is none); the machine's probability of that class (nan: it knows no such class);
    whether it is unsure and nobody said what it is; the class by the machine alone."""

    ids: Ids
    verdict: np.ndarray
    kind: np.ndarray
    probability: np.ndarray
    unsure: np.ndarray
    guess: np.ndarray


def names(read: ReadTransaction) -> list[str]:
    """The attributes that sources have ever brought, by name, and with any DICOM file what headers
    say. Names that differ only in case are one, spelled as it came first, since SQL knows no case;
    those that are younger than `look` hold nothing."""
    rows = read.db.execute(
        "SELECT arg_min(name, (tx, name)) FROM attributes GROUP BY lower(name)"
    ).fetchall()
    found = {name.lower(): name for (name,) in rows}
    if scalar(read.db, "SELECT count(*) > 0 FROM images WHERE format = 'DICOM'"):
        found = {name: name for name in OF_HEADERS} | found
    return sorted(found.values())


def columns(read: ReadTransaction) -> tuple[str, ...]:
    """What a condition may name; an attribute that bears a built-in name is `meta.NAME`."""
    return (*BUILT_IN, *OF_VERDICTS, *map(shown, names(read)))


def shown(attribute: str) -> str:
    """What the column of an attribute is called."""
    return f"meta.{attribute}" if _is_ours(attribute) else attribute


def _is_ours(name: str) -> bool:
    return name.lower() in _OURS


def asks_for_verdicts(
    read: ReadTransaction, condition: str, some: Sequence[str] = OF_VERDICTS
) -> bool:
    """Whether a condition names a column that is told only by judging the images, or one of `some`
    of these; UsageError where it is refused."""
    asked = _check(read.db, condition, columns(read))
    return not asked.isdisjoint(some)


def matching(
    read: ReadTransaction, condition: str, verdicts: VerdictColumns | None = None
) -> list[int]:
    """The ids, in order, of images that meet one SQL condition; UsageError where it is refused, or
    asks for `verdicts` and none are given."""
    asked = _check(read.db, condition, columns(read))
    of_verdicts = sorted(asked.intersection(OF_VERDICTS))
    if of_verdicts and verdicts is None:
        raise UsageError(
            f"The column {of_verdicts[0]} can't be asked for here: `mediclip-index search --where "
            f"… --format paths` lists what meets such a condition, with ids by `--format csv`."
        )
    table = _table(read, verdicts is not None)
    try:
        with _joined(read.db, verdicts), _stopped_after(read.db, TIME_LIMIT):
            rows = read.db.execute(
                f"{table} SELECT id FROM library WHERE ({kept_path(condition)}\n) ORDER BY id"
            ).fetchall()
    except duckdb.InterruptException:
        raise UsageError(
            f"The condition took over {TIME_LIMIT:.0f} s; make it simpler: {condition}"
        ) from None
    except duckdb.Error as error:
        raise UsageError(
            f"The condition `{condition}` can't be answered: {_first_line(error)} "
            f"(columns: {', '.join(columns(read))})."
        ) from None
    return [i for (i,) in rows]


def write(read: ReadTransaction, target: str, verdicts: VerdictColumns | None = None) -> None:
    """The library, a row an image in order of id, as a Parquet file; the verdicts' columns are
    empty where none are given."""
    unknown = "" if verdicts is not None else ", " + ", ".join(f"NULL AS {n}" for n in OF_VERDICTS)
    ours = (*BUILT_IN, *OF_VERDICTS)
    hidden = [n for n in names(read) if n in ours]
    further = "".join(f", meta[{_literal(n)}] AS {_quote(f'meta.{n}')}" for n in hidden)
    with _joined(read.db, verdicts):
        read.db.execute(
            f"COPY ({_table(read, verdicts is not None)} SELECT * EXCLUDE (meta){further}{unknown} "
            f"FROM library ORDER BY id) TO {_literal(target)} (FORMAT parquet, COMPRESSION zstd)"
        )


def values(
    read: ReadTransaction, column: str, verdicts: VerdictColumns | None = None
) -> dict[int, str | None]:
    """One column (a name of `columns`) as text, by image."""
    table = _table(read, verdicts is not None)
    attribute = column.removeprefix("meta.")
    built_in = column != attribute and _is_ours(attribute)
    quoted = f"meta[{_literal(attribute)}]" if built_in else _quote(column)
    with _joined(read.db, verdicts):
        rows = read.db.execute(f"{table} SELECT id, {quoted}::VARCHAR FROM library").fetchall()
    path = column == "path"
    return {i: given_path(value) if path and value else value for i, value in rows}


@contextlib.contextmanager
def _joined(db: Connection, verdicts: VerdictColumns | None) -> Iterator[None]:
    """Let the library see verdicts, as the table `judged`."""
    if verdicts is None:
        yield
        return
    db.register(
        "judged",
        {
            "image": verdicts.ids,
            "verdict": _texts(verdicts.verdict),
            "kind": _texts(verdicts.kind),
            "probability": verdicts.probability,
            "unsure": verdicts.unsure,
            "guess": _texts(verdicts.guess),
        },
    )
    try:
        yield
    finally:
        db.unregister("judged")


def _texts(values: np.ndarray) -> np.ndarray:
    # DuckDB tells the type of a column of objects by its first rows, which must not be all None.
    return np.array(["" if value is None else value for value in values], dtype=object)


@contextlib.contextmanager
def _stopped_after(db: Connection, seconds: float) -> Iterator[None]:
    """Interrupt the query within, once it takes longer, and until it has ended: an interrupt that
    comes before DuckDB begins to execute is lost."""
    ended = threading.Event()

    def watch() -> None:
        wait = seconds
        while not ended.wait(wait):
            db.interrupt()
            wait = _AGAIN

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    try:
        yield
    finally:
        ended.set()
        watching.join()  # so that none of it reaches the next query


def rows(read: ReadTransaction, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """What the library says of these images, by id; NULLs are left out, `meta` holds attributes."""
    attributes = names(read)
    found = read.db.execute(
        f"{_table(read)} SELECT {', '.join(BUILT_IN)}, meta FROM library "
        "WHERE id IN (SELECT unnest(from_json($1::JSON, '[\"BIGINT\"]')))",
        [json.dumps([int(i) for i in ids])],
    ).fetchall()
    library: dict[int, dict[str, Any]] = {}
    for *built_in, meta in found:
        row = {n: v for n, v in zip(BUILT_IN, built_in, strict=True) if v is not None}
        row["path"] = given_path(row["path"])
        row["meta"] = {n: meta[n] for n in attributes if meta and meta.get(n) is not None}
        library[row["id"]] = row
    return library


def _table(read: ReadTransaction, judged: bool = False) -> str:
    attributes = names(read)
    texts = [f"any_value(value) FILTER (name = lower({_literal(n)}))" for n in attributes]
    # A column whose every value is a number compares as one: `age > 50` is not about spelling.
    values = [
        f"TRY_CAST({text} AS DOUBLE)"
        if n.lower() not in OF_HEADERS and _all_numbers(read, n)
        else text
        for n, text in zip(attributes, texts, strict=True)
    ]
    # By numbers at first: an attribute may be called as a column that is needed on the way.
    pivot = ", ".join(f"{value} AS a{n}" for n, value in enumerate(values))
    packed = ", ".join(f"{_literal(n)}: {t}" for n, t in zip(attributes, texts, strict=True))
    flat = "".join(
        f", a.a{n} AS {_quote(name)}" for n, name in enumerate(attributes) if not _is_ours(name)
    )
    said = (
        f"SELECT image, {pivot}, {{{packed}}} AS meta FROM {_said(read)} GROUP BY image"
        if attributes
        else "SELECT NULL::BIGINT AS image, NULL AS meta WHERE false"
    )
    # NULL where nothing is known, as in any other column; DuckDB orders nan above all numbers.
    verdicts = (
        "nullif(v.verdict, '') AS verdict, nullif(v.kind, '') AS kind, "
        "CASE WHEN NOT isnan(v.probability) THEN v.probability END AS probability, v.unsure, "
        "nullif(v.guess, '') AS guess, "
    )
    verdicts, joined = (verdicts, "LEFT JOIN judged v ON v.image = i.id ") if judged else ("", "")
    return (
        f"WITH a AS ({said}), library AS (SELECT i.id, i.path, l.label, l.split, l.subject, "
        "i.width, i.height, i.format, i.page, i.item, i.bytes, i.sha256, "
        f"make_timestamp(t.time_us) AS added, h.author AS labelled_by, {verdicts}"
        f"a.meta{flat} FROM images_at({read.tx}) i "
        f"LEFT JOIN labels_at({read.tx}) l ON l.image = i.id LEFT JOIN a ON a.image = i.id "
        f"LEFT JOIN ({labels.by_hand_sql(str(read.tx))}) h ON h.image = i.id {joined}"
        "JOIN transactions t ON t.tx = i.tx)"
    )


def _said(read: ReadTransaction) -> str:
    """The rows (image, name, value) of what sources and headers say of images."""
    listed = ", ".join(f"({_literal(name)})" for name in OF_HEADERS)
    return (
        "(SELECT image, lower(name) AS name, nullif(arg_max(value, tx), '') AS value "
        f"FROM attributes WHERE tx <= {read.tx} GROUP BY ALL UNION ALL "
        "SELECT i.id, n.name, json_extract_string(i.technical, '$.' || n.name) "
        f"FROM images i, (VALUES {listed}) n(name) WHERE i.format = 'DICOM' AND i.tx <= {read.tx} "
        f"AND NOT EXISTS (FROM attributes_at({read.tx}) s WHERE s.image = i.id "
        "AND lower(s.name) = n.name))"
    )


def _all_numbers(read: ReadTransaction, name: str) -> bool:
    return not scalar(
        read.db,
        "SELECT count(*) FROM attributes WHERE lower(name) = lower(?) AND value <> '' "
        "AND TRY_CAST(value AS DOUBLE) IS NULL",
        [name],
    )


def _check(db: Connection, condition: str, known: Sequence[str]) -> set[str]:
    """The columns that a condition names, in lower case; UsageError where it is refused."""
    asked: set[str] = set()
    if not condition.strip():
        raise UsageError("The condition is empty; try one such as \"label = 'medical'\".")
    if len(condition) > LONGEST_CONDITION:
        raise UsageError(f"The condition is longer than {LONGEST_CONDITION} characters.")
    kept = kept_path(condition)
    try:
        # In brackets first: what closes the parentheses around it on the way can't stand there.
        _parsed(db, f"SELECT [{kept}\n]", condition)
        node = _parsed(db, f"SELECT id FROM library WHERE ({kept}\n)", condition)
        plain = _parsed(db, "SELECT id FROM library WHERE (true)", condition)
        where = node.pop("where_clause", None)
        plain.pop("where_clause")
        if _without_places(node) != _without_places(plain):
            raise _refused(condition, "only one condition is allowed, nothing before or after it")
        _walk(where, condition, known, asked)
    except RecursionError:
        raise _refused(condition, "it is nested too deeply") from None
    return asked


def _parsed(db: Connection, select: str, condition: str) -> Any:
    """The tree of one SELECT as DuckDB's own parser gives it."""
    try:
        tree = json.loads(scalar(db, "SELECT json_serialize_sql($1)", [select]))
    except (duckdb.Error, UnicodeEncodeError) as error:
        raise _refused(condition, _first_line(error)) from None
    if tree.get("error") or len(tree["statements"]) != 1:
        raise _refused(condition, tree.get("error_message", "it is more than one statement"))
    return tree["statements"][0]["node"]


def _walk(node: Any, condition: str, known: Sequence[str], asked: set[str]) -> None:
    """Refuse what a condition may not hold, and gather the columns that it names."""
    if isinstance(node, list):
        for item in node:
            _walk(item, condition, known, asked)
        return
    if not isinstance(node, dict):
        return
    kind = node.get("class")
    if kind is not None and kind not in _CLASSES:
        raise _refused(condition, f"{str(kind).lower().replace('_', ' ')} is not allowed")
    if kind == "FUNCTION" and str(node["function_name"]).lower() not in _FUNCTIONS:
        raise _refused(condition, f"the function {node['function_name']} is not allowed")
    if kind == "COLUMN_REF":
        name = ".".join(node["column_names"])
        if name.lower() not in {column.lower() for column in known}:
            raise UsageError(
                f"There is no column {name}; there are: {', '.join(known)}. "
                "A text stands in single quotes, as in label = 'medical'."
            )
        plain = len(node["column_names"]) == 1
        if not plain and name.lower() not in {f"meta.{column}" for column in _OURS}:
            raise UsageError(
                f"The name {name} has a dot, so a condition holds it in double quotes, as in "
                f"\"{name}\" = 'x'."
            )
        asked.add(name.lower())
    for key, value in node.items():
        if key != "column_names":
            _walk(value, condition, known, asked)


def _without_places(node: Any) -> Any:
    if isinstance(node, dict):
        return {k: _without_places(v) for k, v in node.items() if "location" not in k}
    return [_without_places(item) for item in node] if isinstance(node, list) else node


def _refused(condition: str, why: str) -> UsageError:
    return UsageError(f"The condition `{condition}` is refused: {why.rstrip('.')}.")


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0].rstrip(".")


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
