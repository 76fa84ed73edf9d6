"""One TOML text → `PromptSet`, or one sentence that says what is wrong, where and at which key."""

from __future__ import annotations

import hashlib
import re
import tomllib
import unicodedata
from collections.abc import Mapping
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, NoReturn, cast, get_args

from mediclip_index.prompts.lines import KeyPath, lines_of
from mediclip_index.types import Pooling, PromptClass, PromptGroup, PromptSet, UsageError

MOST_BYTES = 1_000_000
MOST_CLASSES = 200
MOST_SENTENCES = 5_000
LONGEST_SENTENCE = 1_000  # characters, template included
LONGEST_NAME = 64

_KEYS = ("name", "description", "pooling", "template", "classes")
_POOLINGS: tuple[str, ...] = get_args(Pooling)
_NAME = re.compile(r"[a-z0-9_]+")
_TOML_PLACE = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)$")
_UNSURE = "unsure"  # what a verdict says instead of a class, so no class may bear it


@lru_cache(maxsize=8)  # of immutable values; sets of hundreds of sentences take a while
def parse(text: str, where: str) -> PromptSet:
    """The prompt set that a TOML text describes.

    `where` is the name of its file, for messages. `source` of the result is the text itself with
    plain line ends, and parses to an equal set. Raises UsageError, one sentence with line and key.
    """
    source = text.removeprefix("\ufeff").replace("\r\n", "\n")
    return _Reading(source, where).prompt_set()


class _Reading:
    """One text being read; knows where it is, so that every complaint can say so."""

    def __init__(self, source: str, where: str) -> None:
        self._source = source
        self._where = where
        self._seen: dict[str, KeyPath] = {}
        self._template = "{}"

    def prompt_set(self) -> PromptSet:
        encoded = self._encoded()
        table = self._toml()
        self._only(table, (), _KEYS)
        name = self._set_name(table)
        description = self._text(table, "description", "")
        pooling = self._text(table, "pooling", "groups")
        if pooling not in _POOLINGS:
            said = f"must be {_either(_POOLINGS)}, not `{_short(pooling)}`"
            self._wrong(("pooling",), said, pooling, _POOLINGS)
        self._template = self._text(table, "template", "{}")
        if self._template.count("{}") != 1:
            self._wrong(("template",), 'must hold `{}` exactly once, as in "a photo of {}"')
        return PromptSet(
            name=name,
            pooling=cast(Pooling, pooling),
            classes=self._classes(table),
            source=self._source,
            sha256=hashlib.sha256(encoded).hexdigest(),
            description=" ".join(description.split()),
        )

    def _encoded(self) -> bytes:
        try:
            encoded = self._source.encode("utf-8")
        except UnicodeEncodeError:
            raise UsageError(f"{self._where}: not UTF-8; save the file as UTF-8.") from None
        if len(encoded) > MOST_BYTES:
            raise UsageError(
                f"{self._where} is larger than 1 MB; a prompt set is a short list of sentences."
            )
        return encoded

    def _toml(self) -> dict[str, Any]:
        try:
            return tomllib.loads(self._source)
        except RecursionError:
            raise UsageError(f"{self._where}: nested too deep to be a prompt set.") from None
        except ValueError as error:  # tomllib's own error, or a number too long to be read
            message = str(error)
            place = _TOML_PLACE.search(message)
            line = f", line {place[1]}, column {place[2]}" if place and place[1] else ""
            said = _TOML_PLACE.sub("", message).rstrip(".")
            end = " at the end of the file" if place and not place[1] else ""
            raise UsageError(f"{self._where}{line}: not valid TOML: {said}{end}.") from None

    # --- the parts ----------------------------------------------------------------------------

    def _set_name(self, table: Mapping[str, Any]) -> str:
        if "name" not in table:
            raise UsageError(f'{self._where}: name is missing; write name = "my_words" on top.')
        name = self._text(table, "name", "")
        self._named(name, ("name",), "name")
        return name

    def _classes(self, table: Mapping[str, Any]) -> tuple[PromptClass, ...]:
        if "classes" not in table:
            raise UsageError(
                f"{self._where}: classes is missing; describe each class under [classes]."
            )
        classes = table["classes"]
        if not isinstance(classes, dict):
            self._wrong(("classes",), f"must be a table of classes, not {_kind(classes)}")
        if len(classes) < 2:
            count = "none" if not classes else "only one"
            self._wrong(("classes",), f"must name at least two classes, and names {count}")
        if len(classes) > MOST_CLASSES:
            self._wrong(("classes",), f"names {len(classes)} classes; {MOST_CLASSES} are the most")
        return tuple(self._class(name, value) for name, value in classes.items())

    def _class(self, name: str, value: Any) -> PromptClass:
        path: KeyPath = ("classes", name)
        self._named(name, path, "class")
        if name == _UNSURE:
            self._wrong(path, "can't be a class: `unsure` is what a verdict says of a doubt")
        if isinstance(value, list):
            return PromptClass(name, (self._group(name, value, path),))
        if not isinstance(value, dict):
            self._wrong(
                path, f"must be a list of sentences or a table of groups, not {_kind(value)}"
            )
        for key in value:
            if key != "groups" and isinstance(value[key], list):
                self._wrong(
                    (*path, key), f"stands outside the groups; write it under [{_key(path)}.groups]"
                )
        self._only(value, path, ("groups",))
        if "groups" not in value:
            self._wrong(path, "has no groups and no sentences")
        path = (*path, "groups")
        groups = value["groups"]
        if not isinstance(groups, dict):
            self._wrong(
                path,
                f"must be a table of groups, not {_kind(groups)}; "
                f'write [{_key(path)}] and below it {name} = ["…"]',
            )
        if not groups:
            self._wrong(path, "has no group; give it at least one list of sentences")
        return PromptClass(
            name, tuple(self._group(key, found, (*path, key)) for key, found in groups.items())
        )

    def _group(self, name: str, value: Any, path: KeyPath) -> PromptGroup:
        self._named(name, path, "group")
        if not isinstance(value, list):
            self._wrong(path, f"must be a list of sentences, not {_kind(value)}")
        if not value:
            self._wrong(path, "is empty; give it at least one sentence")
        return PromptGroup(name, tuple(self._sentence(path, i, s) for i, s in enumerate(value)))

    def _sentence(self, group: KeyPath, item: int, value: Any) -> str:
        path = (*group, item)
        if not isinstance(value, str):
            self._wrong(path, f"must be a sentence, not {_kind(value)}")
        phrase = " ".join(value.split())
        if not phrase:
            self._wrong(path, "is blank")
        if any(unicodedata.category(c) == "Cc" for c in phrase):
            self._wrong(path, "holds a control character; use plain text")
        sentence = self._template.replace("{}", phrase)
        if len(sentence) > LONGEST_SENTENCE:
            self._wrong(
                path, f"has {len(sentence):,} characters; {LONGEST_SENTENCE:,} are the most"
            )
        self._once(path, phrase)
        return sentence

    def _once(self, path: KeyPath, phrase: str) -> None:
        if len(self._seen) >= MOST_SENTENCES:
            self._wrong(path, f"is one sentence too many; {MOST_SENTENCES:,} are the most")
        first = self._seen.setdefault(phrase.casefold(), path)
        if first != path:
            line = lines_of(self._source).get(first)
            there = f" (line {line})" if line else ""
            self._wrong(path, f'repeats {_key(first)}{there}: "{_short(phrase)}"')

    # --- checks -------------------------------------------------------------------------------

    def _text(self, table: Mapping[str, Any], key: str, otherwise: str) -> str:
        value = table.get(key, otherwise)
        if not isinstance(value, str):
            self._wrong((key,), f"must be a text, not {_kind(value)}")
        if len(value) > LONGEST_SENTENCE:
            self._wrong((key,), f"has {len(value):,} characters; {LONGEST_SENTENCE:,} are the most")
        return value

    def _only(self, table: Mapping[str, Any], path: KeyPath, known: tuple[str, ...]) -> None:
        for key in table:
            if key not in known:
                near = get_close_matches(key.lower(), known, n=1, cutoff=0.5)
                hint = f"did you mean `{near[0]}`?" if near else f"known: {', '.join(known)}."
                self._stop((*path, key), f"is unknown; {hint}")

    def _named(self, name: str, path: KeyPath, what: str) -> None:
        if _NAME.fullmatch(name) and len(name) <= LONGEST_NAME:
            return
        plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
        plain = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:LONGEST_NAME].strip("_")
        hint = f"; write `{plain}`" if plain else ""
        shown = "" if what != "name" else f", not `{_short(name)}`"
        subject = "must be" if what == "name" else f"is no {what} name: it must be"
        self._wrong(path, f"{subject} of a-z, 0-9 and _, at most {LONGEST_NAME} long{shown}{hint}")

    def _wrong(
        self, path: KeyPath, message: str, given: str = "", known: tuple[str, ...] = ()
    ) -> NoReturn:
        near = get_close_matches(given.lower(), known, n=1)
        self._stop(path, f"{message}; did you mean `{near[0]}`?" if near else f"{message}.")

    def _stop(self, path: KeyPath, message: str) -> NoReturn:
        line = lines_of(self._source).get(path)
        place = f"{self._where}, line {line}" if line else self._where
        raise UsageError(f"{place}: {_key(path)} {message}")


def _key(path: KeyPath) -> str:
    """A path as people write it: `sentence 3 of classes.medical.groups.fundus`."""
    names = ".".join(
        p if _NAME.fullmatch(p) else f'"{_short(p)}"' for p in path if isinstance(p, str)
    )
    items = [p for p in path if isinstance(p, int)]
    return f"sentence {items[0] + 1} of {names}" if items else names


def _short(text: str) -> str:
    # a name may hold anything, a terminal's control characters too: show it escaped
    shown = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
    return shown if len(shown) <= 80 else f"{shown[:79]}…"


def _kind(value: Any) -> str:
    kinds = {
        str: "a text", bool: "true or false", int: "a number", float: "a number",
        list: "a list", dict: "a table",
    }  # fmt: skip
    return kinds.get(type(value), "a date or time")


def _either(words: tuple[str, ...]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"
