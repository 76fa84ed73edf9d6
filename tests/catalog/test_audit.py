"""The chain of verdicts, and the spool."""

from __future__ import annotations

from typing import Any

import pytest

from mediclip_index.catalog import Catalog, audit
from mediclip_index.types import AuditFilter


def body(number: int, **other: Any) -> dict[str, Any]:
    return {
        "id": f"v{number}",
        "time_us": number,
        "by": "ann",
        "run": "r",
        "path": f"p{number}\udc80",
        "label": "medical",
        "unsure": False,
        "tx": 1,
        "probability": 0.1 + 0.2,
        **other,
    }


@pytest.fixture
def audited(catalog: Catalog) -> Catalog:
    with catalog.writing("query") as write:
        audit.take_in(write, [body(1), body(2)])
    with catalog.writing("query") as write:
        audit.take_in(write, [body(3, label="non_medical", unsure=True)])
    return catalog


def test_an_honest_chain_holds(audited: Catalog) -> None:
    with audited.reading() as read:
        count, head, findings = audit.verify(read)
        assert (count, head) == audit.head(read)
    assert count == 3
    assert findings == []


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE verdicts SET body = replace(body, 'medical', 'non_medical') WHERE id = 'v2'",
        "UPDATE verdicts SET label = 'non_medical' WHERE id = 'v2'",
        "UPDATE verdicts SET path = 'elsewhere' WHERE id = 'v1'",
        "DELETE FROM verdicts WHERE id = 'v2'",
        "DELETE FROM verdicts WHERE id = 'v1'",
        "UPDATE verdicts SET hash = repeat('0', 64) WHERE id = 'v3'",
        "UPDATE verdicts SET time_us = 0 WHERE id = 'v3'",
    ],
)
def test_tampering_is_found(tampering: str, audited: Catalog) -> None:
    with audited.writing("evil") as write:
        write.db.execute(tampering)
    with audited.reading() as read:
        assert audit.verify(read)[2]


def test_a_cut_tail_shows_in_the_head(audited: Catalog) -> None:
    with audited.reading() as read:
        before = audit.head(read)
    with audited.writing("evil") as write:
        write.db.execute("DELETE FROM verdicts WHERE id = 'v3'")
    with audited.reading() as read:
        assert audit.head(read) != before


def test_a_purged_body_keeps_the_chain_whole(audited: Catalog) -> None:
    with audited.writing("purge") as write:
        write.db.execute("UPDATE verdicts SET body = NULL WHERE id = 'v2'")
        write.db.execute("INSERT INTO erased_bodies VALUES (?, 'v2')", [write.tx])
    with audited.reading() as read:
        assert audit.verify(read)[2] == []


def test_a_body_that_is_missing_without_a_purge_is_found(audited: Catalog) -> None:
    with audited.writing("evil") as write:
        write.db.execute("UPDATE verdicts SET body = NULL WHERE id = 'v2'")
    with audited.reading() as read:
        assert "v2" in audit.verify(read)[2][0]


def test_the_same_verdict_is_taken_in_once(audited: Catalog) -> None:
    with audited.writing("query") as write:
        assert audit.take_in(write, [body(2), body(4), body(4)]) == 1


def test_bodies_come_back_as_they_went_in_newest_first(audited: Catalog) -> None:
    with audited.reading() as read:
        found = audit.find(read, AuditFilter(limit=2))
    assert [b for b, _ in found] == [body(3, label="non_medical", unsure=True), body(2)]


def test_verdicts_are_found_by_label_doubt_path_time_and_id(audited: Catalog) -> None:
    def ids(**by: Any) -> list[str]:
        with audited.reading() as read:
            beside = {n: by.pop(n) for n in ("since_us", "until_us", "beginning") if n in by}
            wanted = AuditFilter(limit=None, **by)
            return [b["id"] for b, _ in audit.find(read, wanted, **beside)]

    assert ids(label="non_medical") == ["v3"]
    assert ids(unsure=False) == ["v2", "v1"]
    assert ids(path="p1\udc80") == ["v1"]
    assert ids(since_us=2) == ["v3", "v2"]
    assert ids(until_us=1) == ["v1"]
    assert ids(beginning="v2") == ["v2"]


def test_spooled_verdicts_are_seen_and_then_taken_in_once(audited: Catalog) -> None:
    audit.put_in_spool(audited.spool, [body(4), body(5)])
    audit.put_in_spool(audited.spool, [body(6)])
    assert [b["id"] for b in audit.spooled(audited.spool)] == ["v4", "v5", "v6"]
    for _ in range(2):  # a kill between commit and deletion: the files come up again
        with audited.writing("query") as write:
            files = audit.take_in_spool(write, audited.spool)
    for file in files:
        file.unlink()
    with audited.reading() as read:
        assert audit.head(read)[0] == 6
        assert audit.verify(read)[2] == []
    assert audit.spooled(audited.spool) == []


def test_an_unfinished_spool_file_is_not_taken_in(audited: Catalog) -> None:
    (audited.spool / ".1-2.jsonl").write_text('{"id": "half')
    assert audit.spooled(audited.spool) == []
