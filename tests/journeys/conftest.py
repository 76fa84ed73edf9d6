"""An index of the sample collection by the bundled model, made once, and the command as typed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from mediclip_index.cli.root import cli

Typed = Callable[..., Result]


@pytest.fixture(scope="session")
def samples_index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("samples") / "index"
    options = ["--index", str(folder), "build", "--json"]
    done = CliRunner().invoke(cli, options, env={"HF_HUB_OFFLINE": "1"})
    assert done.exit_code == 0, done.output
    return folder


@pytest.fixture
def typed(samples_index: Path, tmp_path: Path) -> Typed:
    """The command, by anna unless somebody else is named, on an index of the samples."""
    shutil.copytree(samples_index, tmp_path / "index")

    def run(
        *words: object,
        by: str = "anna",
        index: Path = tmp_path / "index",
        stdin: str | None = None,
    ) -> Result:
        typed = ["--index", str(index), "--by", by, *map(str, words)]
        return CliRunner().invoke(cli, typed, input=stdin)

    return run


def verdicts(typed: Typed, *words: object) -> dict[int, dict[str, Any]]:
    """What `query --indexed` says of all images, by id; nothing is kept in the audit."""
    found = json.loads(typed("query", "--indexed", "--no-audit", "--json", *words).stdout)
    ids = {
        row["path"] + str(row["metadata"].get("page")): row["id"]
        for row in json.loads(typed("search", "--where", "true", "-k", "99", "--json").stdout)[
            "results"
        ]
    }
    return {ids[v["path"] + str(v["page"])]: v for v in found["verdicts"]}
