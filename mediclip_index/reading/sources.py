"""A source (folder, file, archive or CSV list) → the files in it, with what it says of them. Reads
nothing but names, sizes and times, and of archives what they list."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from mediclip_index.reading import archives
from mediclip_index.reading.lists import said_of_files
from mediclip_index.reading.refusing import Unreadable
from mediclip_index.reading.selecting import (
    SIDECARS,
    Selection,
    holds_no_picture,
    is_sidecar,
)
from mediclip_index.types import Entry, Facts, Refusal, ScanOptions, UsageError

# Folder names that name a split, and the split they name.
_SPLITS = {
    "train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val",
    "test": "test", "testing": "test", "tune": "tune", "calibrate": "calibrate",
    "support": "support",
}  # fmt: skip


@dataclass(frozen=True)
class Scan:
    """What a source holds. `notes` are sentences for people; `closed` are folders and archives that
    could not be looked into, so that nobody can tell what lies there."""

    root: str
    entries: tuple[Entry, ...]
    refused: tuple[Refusal, ...] = ()
    notes: tuple[str, ...] = ()
    closed: tuple[str, ...] = ()


@dataclass
class _Passed:
    """What was passed over or refused on the way."""

    kinds: Counter[str] = field(default_factory=Counter)
    refused: list[Refusal] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)

    def notes(self, source: str) -> tuple[str, ...]:
        return tuple(
            f"{count} {kind if count > 1 else _one_of(kind)} passed over in {source}."
            for kind, count in sorted(self.kinds.items())
        )


def _one_of(kind: str) -> str:
    """A kind of files in the singular; what it says of them stays (`file beside pictures`)."""
    named = re.match(r"[^(]*?(?= (?:of|in|inside|beside|by|named) |$| that lead )", kind)
    many = named[0] if named else ""
    one = re.sub(r"(file|folder|link|pipe|socket|device|archive|member)s\b", r"\1", many)
    return (one + kind[len(many) :]).replace(" that lead ", " that leads ")


def scan(
    source: str,
    *,
    classes: Sequence[str] = (),
    labels: str = "auto",
    options: ScanOptions | None = None,
) -> Scan:
    """The files of a source, in order of their paths; of folders and archives those that `options`
    and common sense don't pass over (sidecars, thumbnails, what is hidden).

    labels: "auto" reads `SPLIT / CLASS / file` and `CLASS / file` folders whose names match the
    classes (case, space, "-" and "_" aside); "none" reads none; anything else is a CSV list that
    says them by path. Raises UsageError for a source that is not there or a bad list.
    """
    root = os.path.abspath(source)
    first = _entry(root, source)
    selection = Selection(options)
    folders = True
    if os.path.isdir(root):
        found = _of_folder(source, root, selection)
    elif root.lower().endswith(".csv"):
        found, folders = _of_list(source, root), False
    elif archives.is_archive(root):
        passed = _Passed()
        members = tuple(_members(first, passed, selection))
        found = Scan(
            root, members, tuple(passed.refused), passed.notes(source), tuple(passed.closed)
        )
    else:
        closed = (root,) if root.lower().endswith(archives.SUFFIXES) else ()
        found, folders = Scan(root, (first,), closed=closed), False
    if labels == "auto":
        return _from_folders(found, classes) if folders else found
    return found if labels == "none" else _from_list(found, labels)


def _of_folder(source: str, root: str, selection: Selection) -> Scan:
    passed = _Passed()
    files = sorted(_walk(root, source, passed, selection), key=lambda entry: entry.path)
    entries: list[Entry] = []
    for file in files:
        named_so = file.path.lower().endswith(archives.SUFFIXES)
        if named_so and archives.is_archive(file.path):
            entries += _members(file, passed, selection)
            continue
        if named_so:  # it may have been one before it was damaged
            passed.closed.append(file.path)
        entries.append(file)
    return Scan(
        root, tuple(entries), tuple(passed.refused), passed.notes(source), tuple(passed.closed)
    )


def _members(archive: Entry, passed: _Passed, selection: Selection) -> Iterator[Entry]:
    """The files of an archive in its own order, which is the quick one to read them in."""
    try:
        found = archives.listing(archive.path)
    except Unreadable as why:
        passed.refused.append(Refusal(archive.path, why.reason, why.message))
        passed.closed.append(archive.path)
        return
    passed.refused += found.refused
    passed.kinds += found.passed
    for member in found.members:
        kind = selection.passed_member(member.name)
        if kind is not None:
            passed.kinds[kind] += 1
            continue
        name = archives.MARK + member.name
        yield Entry(archive.path + name, archive.given + name, member.size, archive.mtime_ns)


def _walk(root: str, given: str, passed: _Passed, selection: Selection) -> Iterator[Entry]:
    real_root = os.path.realpath(root)
    waiting = [root]
    seen = {real_root}
    while waiting:
        here = waiting.pop()
        try:
            with os.scandir(here) as items:
                listed = list(items)
        except OSError as error:
            passed.refused.append(
                Refusal(here, "unreadable", f"{here} can't be opened: {error.strerror}.")
            )
            passed.closed.append(here)
            continue
        for item in listed:
            below = item.path[len(root) :].lstrip(os.sep)
            try:
                folder = not _leads_nowhere(item) and item.is_dir()
                why = selection.passed_folder(below) if folder else selection.passed_file(below)
                if why is not None:
                    passed.kinds[why] += 1
                elif item.is_symlink() and not _leads(item.path, real_root, selection):
                    passed.kinds["links that lead outside or nowhere"] += 1
                elif folder:
                    real = os.path.realpath(item.path) if item.is_symlink() else item.path
                    if item.is_symlink() and (
                        real in seen or _within(os.path.realpath(here), real)
                    ):
                        passed.kinds["links that lead in a circle"] += 1
                        continue
                    seen.add(os.path.realpath(item.path))
                    waiting.append(item.path)
                elif item.is_file() and is_sidecar(item.path) and holds_no_picture(item.path):
                    passed.kinds[SIDECARS] += 1
                elif item.is_file():
                    facts = item.stat()
                    name = given + item.path[len(root) :]
                    yield Entry(item.path, name, facts.st_size, _kept_time(facts.st_mtime_ns))
                else:
                    passed.kinds["pipes, sockets or devices"] += 1
            except OSError as error:
                passed.refused.append(
                    Refusal(
                        item.path, "unreadable", f"{item.path} can't be read: {error.strerror}."
                    )
                )


def _leads_nowhere(item: os.DirEntry[str]) -> bool:
    return item.is_symlink() and not os.path.exists(item.path)


def _leads(path: str, root: str, selection: Selection) -> bool:
    """Whether a link is followed: it leads to something, and not out of the source unasked."""
    real = os.path.realpath(path)
    return os.path.exists(real) and (selection.follow_links or _within(real, root))


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def _of_list(source: str, root: str) -> Scan:
    entries: list[Entry] = []
    refused = []
    said, notes = said_of_files(root)
    for path, facts in said.items():
        try:
            entries.append(replace(_entry(path, path), facts=facts))
        except UsageError:
            refused.append(Refusal(path, "unreadable", f"There is no file {path}."))
    return Scan(root, tuple(entries), tuple(refused), tuple(notes))


def _entry(path: str, given: str) -> Entry:
    try:
        named = None if os.path.lexists(path) else archives.split(path)
        if named is not None:
            return _member(path, given, *named)
        facts = os.stat(path)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"{given} can't be read: {why}.") from None
    return Entry(path, given, facts.st_size, _kept_time(facts.st_mtime_ns))


def _kept_time(nanoseconds: int) -> int:
    """A time as 64 bits hold it, up to the year 2262: clocks of cameras and file systems go on."""
    return max(-(1 << 63), min(nanoseconds, (1 << 63) - 1))


def _member(path: str, given: str, archive: str, name: str) -> Entry:
    try:
        size = archives.member_size(archive, name)
    except Unreadable as why:
        raise UsageError(why.message) from None
    if size is None:
        raise UsageError(f"{given} can't be read: there is no file {name} in {archive}.")
    return Entry(path, given, size, _kept_time(os.stat(archive).st_mtime_ns))


@lru_cache(maxsize=4096)  # few folders hold many files
def plain(name: str) -> str:
    """A folder's or class's name with case, spaces, "-" and "_" set aside."""
    return "".join(c for c in name.casefold() if c not in " -_")


def _from_folders(found: Scan, classes: Sequence[str]) -> Scan:
    names = {plain(name): name for name in classes}
    entries, labels, splits = [], Counter[str](), Counter[str]()
    above = len(os.path.dirname(found.root).rstrip(os.sep)) + 1
    for entry in found.entries:
        # The root itself may be named for a split or class: `build data/test`.
        folders = [_folder(f) for f in entry.path[above:].split(os.sep)[:-1]] or [""]
        label = names.get(plain(folders[-1]))
        if label is None:
            entries.append(entry)
            continue
        split = _SPLITS.get(plain(folders[-2])) if len(folders) > 1 else None
        labels[label] += 1
        if split:
            splits[split] += 1
        entries.append(replace(entry, facts=Facts(label=label, split=split)))
    if not labels:
        return found
    told = ", ".join(f"{count} {name}" for name, count in labels.most_common())
    note = f"Labels were read from folder names in {found.root}: {told}"
    if splits:
        note += "; splits: " + ", ".join(f"{n} {name}" for name, n in splits.most_common())
    return replace(found, entries=tuple(entries), notes=(*found.notes, note + "."))


@lru_cache(maxsize=4096)
def _folder(name: str) -> str:
    """A folder's name; of an archive `train.zip`, which stands for a folder, `train`."""
    name = name.removesuffix("!")
    suffix = next((s for s in archives.SUFFIXES if name.lower().endswith(s)), "")
    return name[: len(name) - len(suffix)]


def _from_list(found: Scan, table: str) -> Scan:
    said, odd = said_of_files(table)
    entries = tuple(replace(e, facts=said.get(e.path, e.facts)) for e in found.entries)
    there = {e.path for e in entries}
    count = sum(path in there for path in said)
    note = f"{table} speaks of {count} of the {len(entries)} files"
    if count < len(said):
        note += f"; {len(said) - count} of its paths are not there"
    return replace(found, entries=entries, notes=(*found.notes, *odd, note + "."))
