"""The API is as its description says, whatever it is asked for: schemathesis makes the requests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import status_code_conformance

from mediclip_index import Index
from tests.web.serving import Live, copied, live, pattern, tiny_model

__all__ = ["pattern", "tiny_model"]

EXAMPLES = 8  # of each operation
# Long work is begun in other tests; here a hundred builds would only stand in each other's way.
LONG = ("POST", "/api/v1/tasks")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, pattern: Index) -> Iterator[Live]:
    with live(copied(pattern, tmp_path_factory.mktemp("schema") / "index")) as page:
        yield page


def test_nothing_that_is_asked_is_a_fault_and_every_status_is_described(served: Live) -> None:
    headers = {"Authorization": f"Bearer {served.token}"}
    described = schemathesis.openapi.from_url(
        f"{served.address}/api/v1/openapi.json", headers=headers
    )
    asked = 0
    for found in described.get_all_operations():
        operation: Any = found.ok()  # type: ignore[union-attr]
        if (operation.method.upper(), operation.path) == LONG:
            continue
        asked += 1

        @settings(
            max_examples=EXAMPLES, deadline=None, database=None, derandomize=True,
            phases=[Phase.generate], suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=operation.as_strategy())
        def ask(case: Any) -> None:
            case.call_and_validate(
                headers=headers, checks=[not_a_server_error, status_code_conformance]
            )

        ask()
    assert asked > 25


def test_every_refusal_is_described_as_a_sentence(served: Live) -> None:
    description = served.get("/api/v1/openapi.json").json()
    assert "Wrong" in description["components"]["schemas"]
    for path, operations in description["paths"].items():
        for operation in operations.values():
            assert {"400", "403", "404", "413", "422", "503"} <= set(operation["responses"]), path
            for status, answer in operation["responses"].items():
                if int(status) >= 400:
                    wrong = answer["content"]["application/json"]["schema"]
                    assert wrong == {"$ref": "#/components/schemas/Wrong"}, (path, status)


def test_the_index_is_sound_after_all_that(served: Live) -> None:
    assert served.index.verify().ok
    assert Path(served.index.path / "catalog.duckdb").exists()
