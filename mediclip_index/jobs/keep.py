"""Files from elsewhere that become part of the index, and lie in its folder from then on."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from mediclip_index import reading
from mediclip_index.catalog import images
from mediclip_index.jobs import build
from mediclip_index.jobs.plan import KEPT
from mediclip_index.session.session import Session
from mediclip_index.types import (
    BuildOptions,
    BuildReport,
    Progress,
    Refusal,
    UsageError,
)


def keep(session: Session, files: Sequence[str], progress: Progress) -> BuildReport:
    """See Index.keep."""
    if not files:
        raise UsageError("Name at least one file to keep.")
    if session.names.hashed:
        raise UsageError(
            "This index stores no paths, so it keeps no uploads: build it from a folder instead."
        )
    own = session.catalog.folder / KEPT
    today = dt.datetime.now(tz=dt.UTC).strftime("%Y-%m-%d")
    folder = own / f"{today}-{os.urandom(4).hex()}"
    # Hidden until it is whole, so that another build passes it over.
    coming = folder.with_name(f".{folder.name}.new")
    coming.mkdir(parents=True)
    try:
        copied = _copied(files, coming)
        coming.rename(folder)
    except BaseException:
        shutil.rmtree(coming, ignore_errors=True)
        raise
    options = BuildOptions(labels="none", workers=min(2, os.cpu_count() or 1))
    try:
        # The whole folder is one source, however many files are kept one after another.
        report = build.build(session, (str(own),), options, progress)
    finally:
        _drop_unknown(session, folder)
    given = {str(folder / place): name for place, name in copied.names.items()}
    refused = [_as_given(one, given) for one in report.refused]
    return replace(report, refused=(*copied.refused, *refused))


@dataclass
class _Copied:
    """What was copied: what each file was called, by its place, and what could not be."""

    names: dict[str, str] = field(default_factory=dict)
    refused: list[Refusal] = field(default_factory=list)


def _copied(files: Sequence[str], folder: Path) -> _Copied:
    """Copies of files; of an archive each file that it holds, so that each can be erased alone."""
    copied = _Copied()
    for file in files:
        scan = reading.scan(file, labels="none")
        called = {file: Path(file).name}
        copied.refused += [_as_given(one, called) for one in scan.refused]
        for entry in scan.entries:
            # Files of one name stay apart.
            place = f"{len(copied.names) + 1:05}/{_short(Path(entry.path).name)}"
            try:
                _copy(entry.path, folder / place)
            except reading.Unreadable as why:
                refusal = Refusal(entry.path, why.reason, why.message)
                copied.refused.append(_as_given(refusal, called))
            else:
                copied.names[place] = entry.path.replace(file, called[file])
    return copied


def _copy(path: str, place: Path) -> None:
    place.parent.mkdir(exist_ok=True)
    if reading.member_of(path) is None:
        shutil.copyfile(path, place)
    else:
        place.write_bytes(reading.read_bytes(path))


def _short(name: str) -> str:
    """A name that any file system takes."""
    path = Path(name)
    return os.fsdecode(os.fsencode(path.stem)[:120] + os.fsencode(path.suffix)[:24])


def _as_given(refusal: Refusal, given: Mapping[str, str]) -> Refusal:
    """A refusal under the name that a file came with, in place of where it was read."""
    path, message = refusal.path, refusal.message
    for place, name in given.items():
        path, message = path.replace(place, name), message.replace(place, name)
    return replace(refusal, path=path, message=message)


def _drop_unknown(session: Session, folder: Path) -> None:
    """Delete what was copied and did not come into the index: what was refused, or all of it."""
    if not folder.exists():
        return
    entries = reading.scan(str(folder), labels="none").entries
    with session.catalog.reading() as read:
        known = {_file(path) for path in images.ids_by_path(read, [e.path for e in entries])}
    places = {entry.path: _file(entry.path) for entry in entries}
    unknown = [file for file in folder.rglob("*") if file.is_file() and file not in known]
    for file in unknown:
        _erase(file, folder.parent)
    if unknown:  # what was refused stands on record as a file
        with session.catalog.writing("keep", by=session.author) as write:
            images.close_files(write, [path for path, file in places.items() if file in unknown])


def forget(index: Path, paths: Iterable[str]) -> None:
    """Delete those of these files that an index keeps in its own folder."""
    own = (index / KEPT).absolute()
    for path in paths:
        file = _file(path).absolute()
        if file.is_relative_to(own) and ".." not in file.parts:
            _erase(file, own)


def _file(path: str) -> Path:
    """The file that a path, also one of a member, lies in."""
    named = reading.member_of(path)
    return Path(path if named is None else named[0])


def _erase(file: Path, own: Path) -> None:
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        file.unlink()
    for folder in file.parents:
        if folder == own:
            break
        with contextlib.suppress(OSError):  # not empty, or gone already
            folder.rmdir()
