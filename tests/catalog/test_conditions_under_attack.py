"""`--where` in hostile hands: every condition is answered over the library, or is UsageError."""

from __future__ import annotations

import threading
import time

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediclip_index.catalog import Catalog, conditions
from mediclip_index.types import UsageError

MACROS_AND_TABLES = (
    "choice_at('encoder', 1) = 1", "labels_at(1) = 1", "files_at(1) IS NULL", "verdicts = 1",
    "library = 1", "meta = 1", "a.image = 1", "rowid = 1", "main.library.id = 1",
)  # fmt: skip
OTHER_QUERIES = (
    "id IN (SELECT 1)", "id = ANY(SELECT 1)", "id = ALL(FROM images)", "(WITH x AS (SELECT 1) "
    "FROM x) = 1", "EXISTS(SELECT 1)", "NOT EXISTS(FROM images)", "id BETWEEN (SELECT 1) AND 2",
    "concat(path ORDER BY (SELECT 1)) = 'x'", "CASE WHEN (SELECT true) THEN true END",
    "lower((SELECT 'x')) = 'x'", "id = 1 OR id IN (FROM verdicts)",
)  # fmt: skip
MORE_THAN_A_CONDITION = (
    "1=1) or (1=1", "true) WINDOW w AS (ORDER BY id", "true) LIMIT (1", "true) GROUP BY (id",
    "true) QUALIFY (true", "true) INTERSECT SELECT id FROM images WHERE (true", "true); --",
    "true) USING SAMPLE 1 --", "true) --", "id = 1; SELECT 1", ";", ")", "((", "--", "/*", "'",
    "$$", "true], [true", "true] = [true", "id, path",
)  # fmt: skip
FUNCTIONS = (
    "read_csv('/etc/passwd') = 1", "getenv('HOME') = 'x'", "path.getenv() = 'x'",
    "main.getenv('HOME') = 'x'", "system.main.getenv('HOME') = 'x'", "current_setting('x') = 'y'",
    "version() = 'x'", "now() > added", "chr(0) = path", "printf('%s', path) = 'x'",
    "error('x')", "getvariable('x') = 1", "unnest([1]) = 1", "[1, 2][1] = 1", "{'a': 1}.a = 1",
    "MAP {'a': 1}['a'] = 1", "row(1, 2) = row(1, 2)", "(id, path) = (1, 'x')",
    "struct_pack(a := 1) IS NULL", "COLUMNS(*) IS NOT NULL", "COLUMNS('id') = 1",
    "concat(*COLUMNS(*)) = 'x'", "lower(*) = 'x'", "* = 1", "library.* = 1", "x -> x",
    "lower(path) OVER () = 'x'", "sum(id) > 1", "pragma database_list", "attach 'x'", "DEFAULT = 1",
    "replace(path, 'a', 'aaaaaaaaaa') = 'x'", "repeat('x', 1000000000) = path",
)  # fmt: skip
PARAMETERS_AND_TYPES = (
    "id = $1", "id = ?", "id = $x", "id = :x", "#1 = 1", "CAST(id AS STRUCT(a INT)) = 1",
    "path::INT[] = 1", "path::nosuch = 1", "path::sandbox.x = 1", "path::DECIMAL(1000, 1) = 1",
    "CAST(id AS ENUM('a', 'b')) = 'a'", "CAST(path AS UNION(a INT)) = 1", "id = 'abc'",
    "path COLLATE nosuch = 'x'", "abs(-9223372036854775808) = 1", "path = U&'\\0061'",
)  # fmt: skip
TOO_MUCH = (
    "(" * 1900 + "id = 1" + ")" * 1900, "not " * 900 + "(id = 1)", "- " * 1900 + "id = 1",
    "[" * 1900 + "]" * 1900 + " IS NULL", "case when " * 200 + "true" + " then true end" * 200,
    "regexp_matches(path, '(((((a{1,100}){1,100}){1,100}){1,100}){1,100})')",
    "regexp_matches(path, '[')", "id IN (" + "1, " * 2000 + "1)",
)  # fmt: skip


@pytest.mark.parametrize(
    "attacks",
    [
        MACROS_AND_TABLES, OTHER_QUERIES, MORE_THAN_A_CONDITION, FUNCTIONS, PARAMETERS_AND_TYPES,
        TOO_MUCH,
    ],
    ids=["macros", "queries", "more", "functions", "types", "too much"],
)  # fmt: skip
def test_an_attack_is_refused(attacks: tuple[str, ...], filled: Catalog) -> None:
    with filled.reading() as read:
        for condition in attacks:
            with pytest.raises(UsageError):
                conditions.matching(read, condition)
        assert conditions.matching(read, "id = 1") == [1]  # and the connection still answers


@pytest.mark.parametrize(
    "condition",
    [
        "id IN (" + ", ".join(str(i) for i in range(700)) + ")",
        "path LIKE '" + "%a" * 1900 + "b'",
        "regexp_matches(path, '" + "(a|b)*" * 400 + "x')",
        "regexp_matches(path, '(a*)*b(a+)+(x+x+)+y')",
        "id = 1" + " or id = 1" * 390,
        "path = '\\u0000' or path = '\u202e\x1b[31m'",
    ],
)
def test_what_is_only_long_or_odd_is_answered_in_time(condition: str, filled: Catalog) -> None:
    with filled.reading() as read:
        assert set(conditions.matching(read, condition)) <= {1, 2, 3, 4}


def test_a_condition_that_takes_too_long_is_stopped(
    filled: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    with filled.writing("many") as write:
        write.db.execute(
            "INSERT INTO images SELECT i, 'aaaa', NULL, NULL, 1, 1, 'PNG', 1, '{}', 1 "
            "FROM range(10, 400000) t(i)"
        )
    monkeypatch.setattr(conditions, "TIME_LIMIT", 0.005)
    with filled.reading() as read, pytest.raises(UsageError, match="took over"):
        conditions.matching(read, "regexp_matches(path || path || id, '(a|b|c)*(x+x+)+y')")


WORDS = st.lists(
    st.sampled_from(
        [
            "id",
            "path",
            "label",
            "age",
            "meta.split",
            "library",
            "images",
            "verdicts",
            "1",
            "-1",
            "1.5",
            "'a'",
            "'%'",
            "NULL",
            "true",
            "=",
            "<",
            ">=",
            "<>",
            "and",
            "or",
            "not",
            "in",
            "like",
            "ilike",
            "~",
            "is",
            "null",
            "between",
            "(",
            ")",
            "[",
            "]",
            ",",
            ";",
            "::",
            "||",
            "+",
            "-",
            "*",
            "/",
            "%",
            ".",
            "case",
            "when",
            "then",
            "else",
            "end",
            "cast",
            "as",
            "select",
            "from",
            "where",
            "with",
            "union",
            "--",
            "/*",
            "*/",
            "$1",
            "?",
            "{",
            "}",
            ":",
            "lower(",
            "length(",
            "concat(",
            "regexp_matches(",
            "read_text(",
            "getenv(",
            "range(",
            "sum(",
            "COLUMNS(",
            "int",
            "varchar",
            "struct(a",
            "int)",
            "int[]",
            "interval",
            "exists",
            "any",
            "all",
            "distinct",
            "over",
            "order",
            "by",
        ]
    ),
    min_size=1,
    max_size=14,
).map(" ".join)


def test_any_text_is_a_condition_or_wrong_usage(filled: Catalog) -> None:
    with filled.reading() as read:

        @settings(max_examples=300, deadline=None, derandomize=True)
        @given(condition=WORDS | st.text(max_size=40))
        def holds(condition: str) -> None:
            try:
                found = conditions.matching(read, condition)
            except UsageError:
                return
            assert set(found) <= {1, 2, 3, 4}
            for forbidden in ("select", "read_text(", "getenv(", "range(", "sum(", "columns("):
                assert forbidden not in _outside_texts(condition.lower())

        holds()


def _outside_texts(condition: str) -> str:
    """The condition without what stands in quotes or behind a comment's dashes."""
    kept, quoted = "", ""
    for line in condition.split("\n"):
        for place, letter in enumerate(line):
            if not quoted and line[place : place + 2] in ("--", "/*"):
                return kept
            if quoted:
                quoted = "" if letter == quoted else quoted
            elif letter in "'\"":
                quoted = letter
            else:
                kept += letter
    return kept


def test_the_reading_connection_is_locked(filled: Catalog) -> None:
    with filled.reading() as read:
        for order in (
            "SET enable_external_access = true",
            "SET lock_configuration = false",
            "SELECT * FROM read_text('/etc/hostname')",
            "COPY images TO '/tmp/images.csv'",
            "ATTACH '/tmp/other.duckdb'",
            "INSTALL httpfs",
            "LOAD httpfs",
            "DELETE FROM images",
        ):
            with pytest.raises(duckdb.Error):
                read.db.execute(order)


def test_the_timer_of_a_condition_ends_with_it(filled: Catalog) -> None:
    with filled.reading() as read:
        conditions.matching(read, "id = 1")
    time.sleep(0.01)
    assert not [t for t in threading.enumerate() if isinstance(t, threading.Timer)]
