"""Conditions: what `--where` can ask, and what it can't."""

from __future__ import annotations

import numpy as np
import pytest

from mediclip_index.catalog import Catalog, conditions, labels
from mediclip_index.types import Facts, UsageError


@pytest.mark.parametrize(
    ("condition", "ids"),
    [
        ("label = 'medical'", [1, 2]),
        ("label is null", [4]),
        ("split = 'test' or label = 'non_medical'", [2, 3]),
        ("age > 30", [1, 3]),  # a number, not a spelling: '9' > '30' as text
        ("meta.split = 'odd'", [1]),
        ("split = 'train'", [1]),
        ("path like '%/b.png'", [2]),
        ("lower(path) ilike '%B.PNG'", [2]),
        ("id in (1, 4) and width = 40", [1, 4]),
        ("id between 2 and 3", [2, 3]),
        ("not (label = 'medical')", [3]),
        ("regexp_matches(path, '[ab]\\.png$')", [1, 2]),
        ("added > '2020-01-01'", [1, 2, 3, 4]),
        ("cast(id as varchar) = '3'", [3]),
        ("case when id = 1 then true else false end", [1]),
        ("id = 1 -- only the first", [1]),
    ],
)
def test_a_condition_over_the_columns_is_answered(
    condition: str, ids: list[int], filled: Catalog
) -> None:
    with filled.reading() as read:
        assert conditions.matching(read, condition) == ids


@pytest.mark.parametrize(
    "condition",
    [
        "",
        "id =",
        "nosuch = 1",
        "1 = 1) UNION SELECT id FROM images WHERE (1 = 1",
        "id IN (SELECT id FROM images)",
        "EXISTS (FROM verdicts)",
        "1 = 1; DROP TABLE images",
        "true) ORDER BY (id",
        "read_text('/etc/passwd') IS NOT NULL",
        "getenv('HOME') = 'x'",
        "random() < 0.5",
        "len(range(1000000000)) > 1",
        "sum(id) > 1",
        "row_number() OVER () = 1",
        "list_transform([1], x -> x) IS NULL",
        "? = 1",
        "path = 'x' /*",
        "age > 30 and (FROM duckdb_settings()) is null",
        "repeat('x', 1000000000) = path",
        "id = 1 " * 1000,
    ],
)
def test_anything_but_one_condition_is_refused(condition: str, filled: Catalog) -> None:
    with filled.reading() as read, pytest.raises(UsageError):
        conditions.matching(read, condition)


def test_the_columns_are_named_attributes_included(filled: Catalog) -> None:
    with filled.reading() as read:
        columns = conditions.columns(read)
    assert set(columns) >= {"id", "path", "label", "age", "meta.split"}


def test_a_wrong_column_is_answered_with_the_right_ones(filled: Catalog) -> None:
    with filled.reading() as read, pytest.raises(UsageError, match=r"no column agee.*age"):
        conditions.matching(read, "agee > 3")


def test_a_comparison_that_fails_is_one_sentence(filled: Catalog) -> None:
    with filled.reading() as read, pytest.raises(UsageError, match="can't be answered"):
        conditions.matching(read, "id = 'abc'")


def test_a_row_holds_what_is_known_and_nothing_else(filled: Catalog) -> None:
    with filled.reading() as read:
        rows = conditions.rows(read, [1, 4])
    assert rows[1]["meta"] == {"age": "61", "split": "odd"}
    assert rows[1]["label"] == "medical"
    assert "label" not in rows[4]
    assert rows[4]["meta"] == {}


def test_an_index_without_attributes_has_a_library_too(catalog: Catalog) -> None:
    with catalog.reading() as read:
        assert conditions.matching(read, "label = 'medical'") == []


def of_verdicts() -> conditions.VerdictColumns:
    return conditions.VerdictColumns(
        ids=np.array([1, 2, 4]),
        verdict=np.array(["medical", "medical", "dental"], dtype=object),
        kind=np.array([None, "fundus", None], dtype=object),
        probability=np.array([0.9, 0.4, np.nan]),
        unsure=np.array([False, True, False]),
        guess=np.array(["medical", "non_medical", "medical"], dtype=object),
    )


@pytest.mark.parametrize(
    ("condition", "ids"),
    [
        ("verdict = 'medical'", [1, 2]),
        ("Verdict = 'medical' and not unsure", [1]),
        ("kind = 'fundus'", [2]),
        ("kind is null", [1, 3, 4]),  # of 3 no verdict is known
        ("probability > 0.5", [1]),  # where the class is unknown there is none
        ("label = verdict", [1, 2]),
        ("guess <> label", [2]),
    ],
)
def test_a_condition_may_ask_for_verdicts(condition: str, ids: list[int], filled: Catalog) -> None:
    with filled.reading() as read:
        assert conditions.asks_for_verdicts(read, condition)
        assert conditions.matching(read, condition, of_verdicts()) == ids
        with pytest.raises(UsageError, match="can't be asked for here"):
            conditions.matching(read, condition)
        assert not conditions.asks_for_verdicts(read, "label = 'kind'")


def test_a_column_is_told_of_all_images_as_text(filled: Catalog) -> None:
    with filled.writing("label set") as write:
        labels.say(write, {1: Facts(attributes={"kind": "odd"}), 3: Facts("medical")})
    with filled.reading() as read:
        assert conditions.values(read, "width")[1] == "40"
        assert conditions.values(read, "age") == {1: "61.0", 2: "9.0", 3: "33.0", 4: None}
        assert conditions.values(read, "meta.kind") == {1: "odd", 2: None, 3: None, 4: None}
        assert conditions.values(read, "kind", of_verdicts())[2] == "fundus"
        assert conditions.values(read, "path")[4] == "/pile/d.png"
        assert conditions.matching(read, "meta.kind = 'odd'") == [1]
        assert conditions.matching(read, "labelled_by is not null") == [3]


def test_names_that_differ_only_in_case_are_one_column(filled: Catalog) -> None:
    for said in ({"Ward": "A", "Width": "w", "Meta": "m", "a": "x"}, {"ward": "B"}):
        with filled.writing("build") as write:
            labels.say(write, {1: Facts(attributes=said)})
    with filled.writing("build") as write:
        labels.say(write, {2: Facts(attributes={"WARD": "C"})})
    with filled.reading() as read:
        assert {"Ward", "meta.Width", "meta.Meta"} <= set(conditions.columns(read))
        assert not {"ward", "WARD"} & set(conditions.columns(read))
        assert conditions.matching(read, "ward = 'B'") == [1]  # what was said last
        assert conditions.matching(read, "WARD is not null") == [1, 2]
        assert conditions.matching(read, "width = 40 and meta.width = 'w' and a = 'x'") == [1]
        assert conditions.values(read, "Ward") == {1: "B", 2: "C", 3: None, 4: None}
        assert conditions.rows(read, [2])[2]["meta"] == {"age": "9", "Ward": "C"}


def test_a_name_with_a_dot_stands_in_double_quotes(filled: Catalog) -> None:
    with filled.writing("build") as write:
        labels.say(write, {3: Facts(attributes={"study.date": "2020", "meta.kind": "ct"})})
    with filled.reading() as read:
        assert conditions.matching(read, '"study.date" > 2019') == [3]
        assert conditions.matching(read, "\"meta.kind\" = 'ct'") == [3]
        assert conditions.values(read, "study.date")[3] == "2020.0"
        with pytest.raises(UsageError, match=r'has a dot.*"study\.date"'):
            conditions.matching(read, "study.date > 2019")


def test_a_column_that_is_younger_than_the_moment_holds_nothing_then(filled: Catalog) -> None:
    with filled.writing("build") as write:
        before = write.tx - 1
        labels.say(write, {1: Facts(attributes={"ward": "A"})})
    with filled.reading() as read:
        then = read.as_of(before)
        assert conditions.matching(then, "ward = 'A'") == []
        assert conditions.matching(then, "ward is null") == [1, 2, 3, 4]
