"""What scripts ask of their options, they declare."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("benchmarks", "stress", "training")


def _calls(tree: ast.AST, name: str) -> list[ast.Call]:
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == name
    ]


def _declared(tree: ast.AST) -> set[str]:
    """The names under which a script's arguments are found in what argparse gives back."""
    found = set()
    for call in _calls(tree, "add_argument"):
        named = [k.value.value for k in call.keywords if k.arg == "dest"]  # type: ignore[attr-defined]
        flags = [str(a.value) for a in call.args if isinstance(a, ast.Constant)]
        found |= set(named or [max(flags, key=len).lstrip("-").replace("-", "_")])
    return found


@pytest.mark.parametrize("package", PACKAGES)
def test_every_option_that_is_asked_for_is_declared(package: str) -> None:
    declared: set[str] = set()
    asked: dict[str, str] = {}
    for file in sorted((ROOT / package).rglob("*.py")):
        tree = ast.parse(file.read_text())
        declared |= _declared(tree)
        parsing = bool(_calls(tree, "parse_args")) or "argparse.Namespace" in file.read_text()
        for node in ast.walk(tree) if parsing else ():
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id == "options"
            ):
                asked.setdefault(node.attr, f"{file.relative_to(ROOT)}:{node.lineno}")
    assert asked
    assert {name: at for name, at in asked.items() if name not in declared} == {}
