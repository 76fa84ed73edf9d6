"""The pages are true: what is made from code is up to date, links lead somewhere, names exist."""

from __future__ import annotations

import importlib.util
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import click
import pytest

from mediclip_index import __version__
from mediclip_index.cli.root import cli
from mediclip_index.reading.signatures import SIGNATURES
from mediclip_index.show import writing

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / ".github").rglob("*.md")])
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def makes_docs() -> Iterator[ModuleType]:
    """scripts/docs.py."""
    spec = importlib.util.spec_from_file_location("makes_docs", ROOT / "scripts" / "docs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    path = list(sys.path)
    sys.modules[spec.name] = module  # where dataclasses look their types up
    spec.loader.exec_module(module)
    sys.path[:] = path
    yield module
    del sys.modules[spec.name]


def test_pages_that_are_made_from_the_code_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "docs.py", "--check"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"


def test_a_stale_page_is_named_and_left_as_it_is(
    makes_docs: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    page = tmp_path / "cli.md"
    page.write_text("old")
    monkeypatch.setattr(makes_docs, "ROOT", tmp_path)
    monkeypatch.setattr(makes_docs, "pages", lambda: {page: "new"})
    monkeypatch.setattr(sys, "argv", ["docs.py", "--check"])
    assert makes_docs.main() == 1
    assert "cli.md is out of date" in capsys.readouterr().out
    assert page.read_text() == "old"
    monkeypatch.setattr(sys, "argv", ["docs.py"])
    assert makes_docs.main() == 0
    assert page.read_text() == "new"


def test_every_report_is_on_the_page_of_json(makes_docs: ModuleType) -> None:
    every = {id(shown) for shown in vars(writing).values() if isinstance(shown, writing.ReportView)}
    assert every <= {id(one.shown) for one in makes_docs.printed()}


def test_every_command_that_the_page_of_json_names_exists(makes_docs: ModuleType) -> None:
    help_of = (DOCS / "cli.md").read_text("utf-8")
    for one in makes_docs.printed():
        for command in one.commands:
            words = [word for word in command.split() if word.islower()]
            name = " ".join(word for word in words if not word.startswith("--"))
            found = re.search(
                rf"^## mediclip-index {name}\n(.*?)^## ", f"{help_of}\n## ", re.S | re.M
            )
            assert found is not None, command
            assert "--json" in found[1], command
            assert all(word in found[1] for word in words if word.startswith("--")), command


def test_every_command_and_option_of_an_example_exists() -> None:
    lines = [
        line.strip()
        for page in PAGES
        for line in page.read_text("utf-8").splitlines()
        if line.startswith("    ") and "mediclip-index" in line
    ]
    assert len(lines) > 60
    for line in lines:
        for part in " ".join(shlex.split(line, comments=True)).split(" | "):
            words = part.split()
            if words[0] == "mediclip-index":
                _look_up(words[1:], part)


def _look_up(words: list[str], example: str) -> None:
    """Fail unless every option of an example is one of the commands that it names."""
    command: click.Command = cli
    known = {option for one in cli.params for option in one.opts}
    for word in words:
        if word.startswith("--"):
            assert word.split("=")[0] in known, example
        elif isinstance(command, click.Group):
            inner = command.get_command(click.Context(command), word)
            if inner is None:
                assert command is cli, example  # the value of an option, before the command
                continue
            command = inner
            known |= {o for one in command.params for o in (*one.opts, *one.secondary_opts)}
    assert command is not cli, example


def test_the_readme_is_short() -> None:
    lines = (ROOT / "README.md").read_text("utf-8").splitlines()
    assert len(lines) <= 140


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for link in LINK.findall(FENCE.sub("", page.read_text("utf-8"))):
        if "://" in link or link.startswith("mailto:"):
            continue
        name, _, part = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.is_relative_to(ROOT), link
        assert target.exists(), link
        assert not part or part in _anchors(target), link


def _anchors(page: Path) -> set[str]:
    """The names that a Markdown page's headings can be linked by."""
    text = FENCE.sub("", page.read_text("utf-8"))
    heads = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def test_every_page_of_docs_is_linked_from_another() -> None:
    linked = {
        (page.parent / link.partition("#")[0]).resolve()
        for page in PAGES
        for link in LINK.findall(FENCE.sub("", page.read_text("utf-8")))
    }
    assert {page for page in DOCS.rglob("*.md") if page.resolve() not in linked} == set()


def test_every_identifier_of_the_glossary_is_in_the_package() -> None:
    files = (ROOT / "mediclip_index").rglob("*.py")
    names = {name for f in files for name in re.findall(r"\w+", f"{f.stem} {f.read_text('utf-8')}")}
    rows = _rows(DOCS / "glossary.md")
    assert len(rows) > 40
    for term, identifiers, where, meaning, avoid in rows:
        found = re.findall(r"`(\w+)`", identifiers)
        assert found, term
        assert set(found) <= names, f"{term}: {set(found) - names}"
        for place in re.findall(r"`([\w/.]+)`", where):
            assert (ROOT / "mediclip_index" / place).is_file(), f"{term}: {place}"
        assert meaning.endswith("."), term
        assert avoid, term


def test_the_glossary_is_in_alphabetical_order() -> None:
    terms = [row[0].lower() for row in _rows(DOCS / "glossary.md")]
    assert terms == sorted(terms)


def test_every_format_that_is_read_is_on_its_page() -> None:
    text = (DOCS / "formats.md").read_text("utf-8")
    assert [s.name for s in SIGNATURES if s.read and s.name not in text] == []


def test_every_dependency_has_a_reason() -> None:
    text = (DOCS / "dependencies.md").read_text("utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    asked = [
        *project["dependencies"],
        *(d for e in project["optional-dependencies"].values() for d in e),
    ]
    names = {re.split(r"[\[<>=]", one)[0] for one in asked}
    assert {name for name in names if not re.search(rf"\b{re.escape(name)}\b", text)} == set()


def test_every_room_is_on_the_pages_for_developers() -> None:
    rooms = {
        f"`{folder.parent.name}/`" for folder in (ROOT / "mediclip_index").glob("*/__init__.py")
    }
    for page in (ROOT / "CONTRIBUTING.md", DOCS / "architecture.md"):
        named = {cell for row in _rows(page) for cell in row[:1]}
        assert rooms == named & rooms, (page, rooms - named)


def test_a_table_of_decisions_needs_headings_of_one_style(
    makes_docs: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "decisions").mkdir()
    monkeypatch.setattr(makes_docs, "DOCS", tmp_path)
    file = tmp_path / "decisions" / "0001-one.md"
    file.write_text("# 1. One (2026-01-31)\n\n**Superseded** by decision 2.\n")
    assert (
        "| 1 | [One](0001-one.md) | 2026-01-31 | superseded by 2 |" in makes_docs.decisions_page()
    )
    for wrong in ("# 0001 One\n\n2026-01-31", "# 2. One (2026-01-31)\n", "# 1. One\n"):
        file.write_text(wrong)
        with pytest.raises(SystemExit, match="must begin with"):
            makes_docs.decisions_page()


def test_the_citation_names_this_version() -> None:
    text = (ROOT / "CITATION.cff").read_text("utf-8")
    assert f"\nversion: {__version__}\n" in text


def test_a_bug_report_and_a_change_ask_for_the_state_of_the_index() -> None:
    templates = [*(ROOT / ".github").rglob("*.md")]
    assert len(templates) >= 3
    for page in templates:
        assert "`mediclip-index info --json`" in page.read_text("utf-8"), page


def test_ci_runs_what_a_person_runs() -> None:
    assert "run: bash .ci/run\n" in (ROOT / ".github/workflows/ci.yml").read_text("utf-8")
    assert "scripts/test" in (ROOT / ".ci/run").read_text("utf-8")


def _rows(page: Path) -> list[tuple[str, ...]]:
    """The cells of all tables on a page, without their heads."""
    lines = page.read_text("utf-8").splitlines()
    rows = [
        tuple(c.strip() for c in line.strip("|").split("|"))
        for line in lines
        if line.startswith("|")
    ]
    heads = {i - 1 for i, row in enumerate(rows) if set("".join(row)) <= {"-", " "}}
    return [r for i, r in enumerate(rows) if i not in heads and i - 1 not in heads]
