"""The security page promises nothing that no test holds."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "docs" / "security.md"


def test_every_test_that_the_page_names_exists_and_every_promise_names_one() -> None:
    text = "\n".join(file.read_text("utf-8") for file in TESTS.rglob("test_*.py"))
    there = set(re.findall(r"^def (test_\w+)\(", text, re.MULTILINE))
    lines = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| ")]
    rows = [line for line in lines if not line.startswith(("| promise", "| ---"))]
    assert len(rows) > 10
    for row in rows:
        named = set(re.findall(r"`(test_\w+)`", row))
        assert named, row
        assert named <= there, named - there
