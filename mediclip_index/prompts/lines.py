"""Where a key stands in a TOML text: tomllib gives values without lines, people need lines.

The text is known to be valid TOML (tomllib has read it), so this reads loosely: it follows keys,
tables and arrays, and passes over everything else.
"""

from __future__ import annotations

import contextlib
import re
import tomllib
from collections.abc import Mapping

KeyPath = tuple[str | int, ...]

_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"""(?:"{0,2})'
    r"|'''.*?'''(?:'{0,2})"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|\#[^\n]*|\n|[ \t\r]+"
    r"|[\[\]{}=,.]"
    r"|[^\s\[\]{}=,.#\"']+",
    re.DOTALL,
)


def lines_of(text: str) -> Mapping[KeyPath, int]:
    """The line, counted from 1, of every key and array item of a valid TOML text, by its path.

    Keys of an array of tables are not told apart. Whatever nests too deep to be followed is left
    out, so a path may be missing.
    """
    walk = _Walk(text)
    # a line is a courtesy: without it the key alone is named
    with contextlib.suppress(RecursionError, IndexError):
        walk.document()
    return walk.lines


class _Walk:
    """One pass over the tokens; comments and blanks are dropped, line ends kept as tokens."""

    def __init__(self, text: str) -> None:
        self.lines: dict[KeyPath, int] = {}
        self._tokens: list[tuple[str, int]] = []
        self._at = 0
        line = 1
        for match in _TOKEN.finditer(text):
            token = match.group()
            if token[0] not in "# \t\r":
                self._tokens.append((token, line))
            line += token.count("\n")

    def document(self) -> None:
        table: KeyPath = ()
        while self._at < len(self._tokens):
            token, _ = self._tokens[self._at]
            if token == "\n":
                self._at += 1
            elif token == "[":
                self._at += 1
                if self._peek() == "[":
                    self._at += 1
                table = self._key((), "]")
                while self._at < len(self._tokens) and self._peek() == "]":
                    self._at += 1
            else:
                self._value(self._key(table, "="))

    def _peek(self) -> str:
        return self._tokens[self._at][0]

    def _key(self, table: KeyPath, end: str) -> KeyPath:
        path = table
        while self._peek() != end:
            token, line = self._tokens[self._at]
            if token != ".":
                path = (*path, _unquoted(token))
                self.lines.setdefault(path, line)
            self._at += 1
        self._at += 1
        return path

    def _value(self, path: KeyPath) -> None:
        token = self._peek()
        self._at += 1
        if token == "[":
            self._array(path)
        elif token == "{":
            self._inline_table(path)
        else:
            # 1.5 or 12:30 come as several tokens: go on to what ends a value
            while self._at < len(self._tokens) and self._peek() not in "\n,]}":
                self._at += 1

    def _array(self, path: KeyPath) -> None:
        item = 0
        while (token := self._peek()) != "]":
            if token in "\n,":
                self._at += 1
                continue
            self.lines[(*path, item)] = self._tokens[self._at][1]
            self._value((*path, item))
            item += 1
        self._at += 1

    def _inline_table(self, path: KeyPath) -> None:
        while (token := self._peek()) != "}":
            if token in "\n,":
                self._at += 1
            else:
                self._value(self._key(path, "="))
        self._at += 1


def _unquoted(token: str) -> str:
    if token[0] not in "\"'":
        return token
    return str(tomllib.loads(f"key = {token}")["key"])
