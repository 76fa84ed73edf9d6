"""The list of samples → entries, for those that are really here and are still what was labelled."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from mediclip_index.samples.packages import Finder, finders
from mediclip_index.types import Entry, Facts


@dataclass(frozen=True)
class Collection:
    """The samples found on this machine, in the list's order, and notes on those that were not."""

    entries: tuple[Entry, ...]
    notes: tuple[str, ...] = ()


def collection(found_by: Mapping[str, Finder] | None = None) -> Collection:
    """Every sample picture that the installed packages hold; nothing is downloaded.

    `found_by` gives the way to a package's files by the package's name (default: the installed
    packages). A picture that is missing, or is another than the one that was looked at when it
    was labelled, is left out and named in the notes.
    """
    found_by = finders() if found_by is None else found_by
    entries: list[Entry] = []
    missing: list[str] = []
    changed: list[str] = []
    for row in _rows():
        name = f"{row['package']}/{row['file']}"
        finder = found_by.get(row["package"])
        path = finder(row["file"]) if finder is not None else None
        if path is None:
            missing.append(name)
        elif not hashlib.sha256(path.read_bytes()).hexdigest().startswith(row["sha256"]):
            changed.append(name)
        else:
            entries.append(_entry(path, row))
    return Collection(
        tuple(entries),
        (
            *_note(missing, "not in the packages installed here"),
            *_note(changed, "other pictures in the packages installed here than those labelled"),
        ),
    )


def _rows() -> list[dict[str, str]]:
    """The lines of the list; `sha256` holds the first 16 hexadecimal digits."""
    text = (files("mediclip_index.samples") / "collection.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def _entry(path: Path, row: Mapping[str, str]) -> Entry:
    about = path.stat()
    attributes = {name: row[name] for name in ("category", "package", "shows", "origin", "licence")}
    return Entry(
        path=str(path),
        given=str(path),
        size=about.st_size,
        mtime_ns=about.st_mtime_ns,
        facts=Facts(row["label"], row["split"], row["subject"] or None, attributes),
    )


def _note(names: Iterable[str], why: str) -> tuple[str, ...]:
    names = tuple(names)
    if not names:
        return ()
    count = "1 sample picture is" if len(names) == 1 else f"{len(names)} sample pictures are"
    if len(names) == 1:
        why = why.replace("other pictures", "another picture").replace("those", "the one")
    return (f"{count} left out, {why}: {', '.join(names)}.",)
