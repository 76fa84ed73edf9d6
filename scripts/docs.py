"""The pages that are made from the code: docs/cli.md, json.md, python.md and decisions/README.md.

`python scripts/docs.py` writes them; with `--check` it changes nothing and fails where one of them
is out of date.
"""

from __future__ import annotations

import argparse
import collections.abc
import dataclasses
import inspect
import re
import sys
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the package beside this file, wherever another is installed

import click  # noqa: E402

from mediclip_index import types as reports  # noqa: E402
from mediclip_index.cli.root import cli  # noqa: E402
from mediclip_index.show import writing  # noqa: E402
from mediclip_index.show.records import plain  # noqa: E402

DOCS = ROOT / "docs"
WIDTH = 80  # columns of the help texts
MADE = "<!-- Made by scripts/docs.py; change the code, not this page. -->\n"


# --- commands ---------------------------------------------------------------------------------


def commands_page() -> str:
    """The help of every command."""
    parts = ["# Commands\n", MADE]
    for name, text in _helps(cli, None, "mediclip-index"):
        parts.append(f"## {name}\n\n```text\n{text}\n```\n")
    return "\n".join(parts)


def _helps(
    command: click.Command, above: click.Context | None, name: str
) -> Iterator[tuple[str, str]]:
    here = click.Context(
        command, info_name=name, parent=above, terminal_width=WIDTH, max_content_width=WIDTH,
        **command.context_settings,
    )  # fmt: skip
    text = "\n".join(line.rstrip() for line in command.get_help(here).splitlines())
    yield here.command_path, text
    if isinstance(command, click.Group):
        for inner in command.list_commands(here):
            found = command.get_command(here, inner)
            assert found is not None, inner
            yield from _helps(found, here, inner)


# --- JSON -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Printed:
    """What some commands print: the report, and how it is shown."""

    commands: tuple[str, ...]
    report: Any
    shown: Any
    made: Any  # such a report


def printed() -> list[Printed]:
    """Every report that a command writes as JSON."""

    def of(report: Any, shown: Any, *commands: str) -> Printed:
        return Printed(commands, report, shown, example(report))

    index = example(reports.IndexFacts)
    trials = tuple[reports.PromptTrial, ...]
    near = dataclasses.replace(example(reports.NearDuplicates), kind="near", best=2)
    copies = dataclasses.replace(example(reports.DuplicatesReport), groups=(near,))
    return [
        of(reports.BuildReport, writing.BUILD, "build"),
        of(reports.QueryReport, writing.QUERY, "query"),
        of(reports.SearchReport, writing.SEARCH, "search"),
        of(reports.SummaryReport, writing.SUMMARY, "summary"),
        of(
            reports.LabelReport, writing.LABELS,
            "label set", "label import", "label split",
        ),
        of(tuple[reports.LabelEvent, ...], writing.HISTORY, "label history"),
        of(tuple[reports.Proposal, ...], writing.PROPOSALS, "label next"),
        of(
            tuple[reports.PromptSetFacts, ...], writing.PROMPT_SETS,
            "prompts list", "prompts add",
        ),
        of(trials, writing.TRIALS, "prompts try SENTENCE"),
        of(reports.WordsReport, writing.worth(example(trials)), "prompts try"),
        of(reports.InfoReport, writing.INFO, "info", "backup --restore"),
        of(reports.TuneReport, writing.TUNE, "tune"),
        of(
            reports.SettingsReport, writing.SETTINGS,
            "settings list", "settings use", "tune --reset",
        ),
        of(reports.EvaluationReport, writing.EVALUATION, "evaluate"),
        of(reports.EvaluationComparison, writing.COMPARISON, "evaluate --compare"),
        of(reports.MistakesReport, writing.MISTAKES, "mistakes"),
        of(reports.DuplicatesReport, writing.DUPLICATES, "duplicates"),
        Printed(("duplicates --keep",), reports.DuplicatesReport, writing.LEFT_OUT, copies),
        of(reports.CompareReport, writing.COMPARE, "compare"),
        of(tuple[reports.AuditRow, ...], writing.audit_list(index), "audit list"),
        of(reports.AuditRow, writing.AUDIT_ROW, "audit show"),
        of(reports.ReplayReport, writing.REPLAY, "audit replay"),
        of(reports.TurnedReport, writing.TURNED, "audit turned"),
        of(reports.ChainReport, writing.CHAIN, "audit verify"),
        of(reports.VerifyReport, writing.VERIFY, "verify"),
        of(reports.RepairReport, writing.REPAIR, "repair"),
        of(reports.RemoveReport, writing.REMOVE, "remove"),
        of(tuple[reports.RemovedImage, ...], writing.REMOVED, "remove --list"),
        of(reports.ExportReport, writing.EXPORT, "export"),
        of(reports.BackupReport, writing.BACKUP, "backup"),
    ]  # fmt: skip


def json_page() -> str:
    """Every key of every report, by command, then by dataclass."""
    used: dict[str, type] = {}
    outputs = []
    for one in printed():
        wrapped, bare = one.shown.wrap(one.made), plain(one.made)
        whole = dataclasses.is_dataclass(one.report) and bare.items() <= wrapped.items()
        more = {key: value for key, value in wrapped.items() if not whole or key not in bare}
        keys = ", ".join(
            f"`{key}` ({_outer(value, one.report, used)})" for key, value in more.items()
        )
        said = _link(one.report, used) if whole else "an object"
        heading = ", ".join(f"`{command}`" for command in one.commands)
        outputs.append(f"- {heading}: {said}{f' with {keys}' if keys else ''}")
    sections: dict[str, str] = {}
    while waiting := sorted(used.keys() - sections.keys()):
        for name in waiting:
            sections[name] = _section(used[name], used)
    return "\n".join(
        [
            "# JSON\n",
            MADE,
            "What `--json` prints, by command; `--format jsonl` prints the rows of it one by one. "
            "Keys are a promise\nto scripts: new ones may come, but none changes its meaning.\n",
            *outputs,
            "",
            *(sections[name] for name in sorted(sections)),
        ]
    )


def _outer(value: Any, report: Any, used: dict[str, type]) -> str:
    """What stands under a key that is added around a report."""
    for known in (report, tuple[reports.PromptTrial, ...], reports.IndexFacts):
        if plain(example(known)) == value:
            return _said(known, used)
    assert isinstance(value, list), value
    return f"array of object: {_keys_of(value[0])}"


def _section(kind: type, used: dict[str, type]) -> str:
    made = example(kind)
    record = plain(made)
    rows = [f"| `{key}` | {_type_of(key, record[key], kind, used)} |" for key in record]
    own = inspect.getdoc(kind) or ""
    about = "" if own.startswith(f"{kind.__name__}(") else f"{own}\n\n"
    place = kind.__module__.removeprefix("mediclip_index.")
    lines = [
        f"## {kind.__name__}\n",
        f"`{place}`\n",
        f"{about}| key | type | of |",
        "| --- | --- | --- |",
    ]
    return "\n".join([*lines, *rows, ""])


def _type_of(key: str, value: Any, kind: type, used: dict[str, type]) -> str:
    """A key's type, and the dataclass whose field or property it is, as two cells."""
    for hint, owner in _hints(key, kind):
        if _fits(hint, value):
            return f"{_said(hint, used, value)} | {owner}"
    return f"{_name_of(value)} or null | -"


def _hints(key: str, kind: type) -> Iterator[tuple[Any, str]]:
    """What a key may be: a field, one of a dataclass that was taken in whole, or a property."""
    own = typing.get_type_hints(kind)
    if key in own:
        yield own[key], kind.__name__
    for hint in own.values():
        if dataclasses.is_dataclass(hint):
            yield from _hints(key, typing.cast(type, hint))
    found = getattr(kind, key, None)
    if isinstance(found, property):
        yield typing.get_type_hints(found.fget)["return"], kind.__name__
    renamed = {"image": "id", "prompt_set": "prompts"}.get(key)
    if renamed in own:
        yield own[renamed], kind.__name__


def _fits(hint: Any, value: Any) -> bool:
    made = plain(example(hint))
    return type(made) is type(value)


def _said(hint: Any, used: dict[str, type], value: Any = None) -> str:
    """A type in the words of JSON."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return " or ".join(f'`"{one}"`' for one in arguments)
    if origin in (typing.Union, types.UnionType):
        named = [_said(one, used, value) for one in arguments if one is not type(None)]
        return " or ".join([*named, "null"] if type(None) in arguments else named)
    if origin is tuple and not (len(arguments) == 2 and arguments[1] is Ellipsis):
        return f"[{', '.join(_said(one, used) for one in arguments)}]"
    if origin in (tuple, list, collections.abc.Sequence):
        first = value[0] if isinstance(value, list) and value else None
        return f"array of {_said(arguments[0], used, first)}"
    if origin in (dict, collections.abc.Mapping):
        return f"object ({_said(arguments[0], used)} → {_said(arguments[1], used)})"
    if dataclasses.is_dataclass(hint):
        kind = typing.cast(type, hint)
        if value is not None and value != plain(example(kind)) and set(value) != _keys(kind):
            return f"object ({_keys_of(value)})"
        return _link(kind, used)
    return {str: "string", int: "integer", float: "number", bool: "boolean"}.get(hint, "any")


def _keys(kind: type) -> set[str]:
    return set(plain(example(kind)))


def _keys_of(record: Mapping[str, Any]) -> str:
    return ", ".join(f"`{key}` {_name_of(value)}" for key, value in record.items())


def _name_of(value: Any) -> str:
    names = {str: "string", int: "integer", float: "number", bool: "boolean", list: "array"}
    return names.get(type(value), "object")


def _link(kind: Any, used: dict[str, type]) -> str:
    used[kind.__name__] = kind
    return f"[{kind.__name__}](#{kind.__name__.lower()})"


def example(kind: Any) -> Any:
    """A value of a type, with nothing left out."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        made = {field.name: example(hints[field.name]) for field in dataclasses.fields(kind)}
        return typing.cast(type, kind)(**made)
    if origin is typing.Literal:
        return arguments[0]
    if origin in (typing.Union, types.UnionType):
        return example(next(one for one in arguments if one is not type(None)))
    if origin in (tuple, list, collections.abc.Sequence):
        return tuple(example(one) for one in arguments if one is not Ellipsis)
    if origin in (dict, collections.abc.Mapping):
        return {example(arguments[0]): example(arguments[1])}
    return {str: "text", int: 1, float: 0.5, bool: True}.get(kind, "any")


# --- decisions --------------------------------------------------------------------------------

HEADING = re.compile(r"# (\d+)\. (.+) \((\d{4}-\d{2}-\d{2})\)")
SUPERSEDED = re.compile(r"\*\*Superseded\*\* by decision (\d+)")
UNUSED = {6: "(never written: the number was skipped)"}


def decisions_page() -> str:
    """A table of the decisions, from their headings."""
    rows = {n: f"| {n} | {why} | - | - |" for n, why in UNUSED.items()}
    for file in sorted((DOCS / "decisions").glob("[0-9]*.md")):
        text = file.read_text("utf-8")
        heading = HEADING.fullmatch(text.split("\n", 1)[0])
        if heading is None or int(heading[1]) != int(file.name[:4]):
            raise SystemExit(f"{file.name} must begin with `# NUMBER. Title (YYYY-MM-DD)`.")
        later = SUPERSEDED.search(text)
        state = f"superseded by {later[1]}" if later else "in force"
        rows[int(heading[1])] = (
            f"| {heading[1]} | [{heading[2]}]({file.name}) | {heading[3]} | {state} |"
        )
    return "\n".join(
        [
            "# Decisions\n",
            MADE,
            "What a newcomer would question, and why it is so. A decision that no longer holds "
            "ends with\n`**Superseded** by decision N`. Each was written in the words of its day; "
            "the [glossary](../glossary.md) has today's.\n",
            "| number | title | date | state |",
            "| --- | --- | --- | --- |",
            *(rows[number] for number in sorted(rows)),
            "",
        ]
    )


# --- Python -----------------------------------------------------------------------------------


def python_page() -> str:
    """The methods of `Index` and its parts, and the options that they take."""
    from mediclip_index.index.audit import Audit
    from mediclip_index.index.images import Images
    from mediclip_index.index.index import Index
    from mediclip_index.index.labels import Labels
    from mediclip_index.index.map import Map
    from mediclip_index.index.prompts import Prompts
    from mediclip_index.index.settings import SettingsHistory

    parts = [
        "# Python\n",
        MADE,
        "`from mediclip_index import Index` does everything that the command does. Options go as "
        "one value\n(`index.build(sources, BuildOptions(workers=4))`) or by name "
        "(`index.build(sources, workers=4)`), those inside\nothers by name too (`frames`, `k`). "
        "Reports are the dataclasses that [json.md](json.md) lists.\n",
    ]
    for name, kind in (
        ("Index", Index), ("index.labels", Labels), ("index.images", Images),
        ("index.prompts", Prompts), ("index.audit", Audit), ("index.settings", SettingsHistory),
        ("index.map", Map),
    ):  # fmt: skip
        parts.append(f"## {name}\n")
        for method, function in vars(kind).items():
            function = getattr(function, "__func__", function)
            if method.startswith("_") or not inspect.isfunction(function):
                continue
            names = [n for n in inspect.signature(function).parameters if n not in ("self", "cls")]
            about = inspect.getdoc(function) or ""
            parts.append(f"`{method}({', '.join(names)})`".replace("changes", "**changes"))
            parts.append(f": {about.split(chr(10) * 2)[0]}\n".replace(chr(10), " ") + "\n")
    parts.append("## Options\n")
    for options in (
        reports.BuildOptions, reports.QueryOptions, reports.SearchQuery, reports.TuneOptions,
        reports.EvaluateOptions, reports.AuditFilter, reports.CreateOptions, reports.ModelOptions,
        reports.ReadOptions, reports.ScanOptions, reports.WhatIf, reports.MapOptions,
    ):  # fmt: skip
        parts.append(f"### {options.__name__}\n")
        parts.append("| option | default | |\n| --- | --- | --- |")
        for one in dataclasses.fields(options):  # type: ignore[arg-type]
            inner = one.metadata.get("inside")
            default = "{}" if one.default_factory is dict else repr(one.default)
            about = f"see {inner.__name__}" if inner else one.metadata.get("help", "")
            shown = "" if inner else f"`{default}`"
            parts.append(f"| `{one.name}` | {shown} | {about.replace('|', chr(92) + '|')} |")
        parts.append("")
    return "\n".join(parts)


def pages() -> dict[Path, str]:
    """Every page that is made here, with the text that it should have."""
    return {
        DOCS / "cli.md": commands_page(),
        DOCS / "json.md": json_page(),
        DOCS / "python.md": python_page(),
        DOCS / "decisions" / "README.md": decisions_page(),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--check", action="store_true", help="only say which pages are stale")
    check = parser.parse_args().check
    stale = [
        page
        for page, text in pages().items()
        if not page.is_file() or page.read_text("utf-8") != text
    ]
    for page in stale:
        name = page.relative_to(ROOT)
        if check:
            print(f"{name} is out of date; `python scripts/docs.py` writes it.")
        else:
            page.write_text(pages()[page], "utf-8")
            print(f"{name} is written.")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
