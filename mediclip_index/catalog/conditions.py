"""Conditions over the library, as people ask for it with `--where`, and its rows.

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

from mediclip_index.catalog import library
from mediclip_index.catalog.library import is_ours, names, quote, shown, table
from mediclip_index.catalog.rows import Connection, given_path, kept_path, scalar
from mediclip_index.catalog.schema import literal
from mediclip_index.catalog.store import ReadTransaction
from mediclip_index.types import Ids, UsageError

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


def columns(read: ReadTransaction) -> tuple[str, ...]:
    """What a condition may name; an attribute that bears a built-in name is `meta.NAME`."""
    return (*library.BUILT_IN, *library.OF_VERDICTS, *map(shown, names(read)))


def asks_for_verdicts(
    read: ReadTransaction, condition: str, some: Sequence[str] = library.OF_VERDICTS
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
    of_verdicts = sorted(asked.intersection(library.OF_VERDICTS))
    if of_verdicts and verdicts is None:
        raise UsageError(
            f"The column {of_verdicts[0]} can't be asked for here: `mediclip-index search --where "
            f"… --format paths` lists what meets such a condition, with ids by `--format csv`."
        )
    source = table(read, verdicts is not None)
    try:
        with _joined(read.db, verdicts), _stopped_after(read.db, TIME_LIMIT):
            rows = read.db.execute(
                f"{source} SELECT id FROM library WHERE ({kept_path(condition)}\n) ORDER BY id"
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
    absent = "".join(f", NULL AS {n}" for n in library.OF_VERDICTS)
    unknown = "" if verdicts is not None else absent
    ours = (*library.BUILT_IN, *library.OF_VERDICTS)
    hidden = [n for n in names(read) if n in ours]
    further = "".join(f", meta[{literal(n)}] AS {quote(f'meta.{n}')}" for n in hidden)
    with _joined(read.db, verdicts):
        read.db.execute(
            f"COPY ({table(read, verdicts is not None)} SELECT * EXCLUDE (meta){further}{unknown} "
            f"FROM library ORDER BY id) TO {literal(target)} (FORMAT parquet, COMPRESSION zstd)"
        )


def values(
    read: ReadTransaction, column: str, verdicts: VerdictColumns | None = None
) -> dict[int, str | None]:
    """One column (a name of `columns`) as text, by image."""
    source = table(read, verdicts is not None)
    attribute = column.removeprefix("meta.")
    built_in = column != attribute and is_ours(attribute)
    quoted = f"meta[{literal(attribute)}]" if built_in else quote(column)
    with _joined(read.db, verdicts):
        rows = read.db.execute(f"{source} SELECT id, {quoted}::VARCHAR FROM library").fetchall()
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
    wanted = f"({', '.join(str(int(i)) for i in ids)})"
    if not ids:
        return {}
    found = read.db.execute(
        f"{table(read, among=wanted)} SELECT {', '.join(library.BUILT_IN)}, meta FROM library"
    ).fetchall()
    told: dict[int, dict[str, Any]] = {}
    for *built_in, meta in found:
        row = {n: v for n, v in zip(library.BUILT_IN, built_in, strict=True) if v is not None}
        row["path"] = given_path(row["path"])
        row["meta"] = {n: meta[n] for n in attributes if meta and meta.get(n) is not None}
        told[row["id"]] = row
    return told


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
        if not plain and name.lower() not in {f"meta.{column}" for column in library.OURS}:
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
