"""What people call pictures by, ids or paths → ids of the index."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Sequence

from mediclip_index import reading
from mediclip_index.catalog import ReadTransaction, indexed, removals
from mediclip_index.session.kinds import prompt_set
from mediclip_index.session.names import BEGINNING, Names
from mediclip_index.session.session import Session
from mediclip_index.types import UsageError

Place = tuple[int, int | None, int | None]  # image, page, item
_ID = re.compile(r"#?([0-9]{1,18})")
_NAMED = 5  # pictures of a file that an error names


def as_id(word: str) -> int | None:
    """The id that a word is, as 12 or #12; None where it is none."""
    found = _ID.fullmatch(word)
    return int(found[1]) if found else None


def is_class(session: Session, word: str) -> bool:
    """See Index.is_class."""
    return reading.plain(word) in map(reading.plain, prompt_set(session).class_names)


def image_ids(
    session: Session, given: Sequence[str | int], *, all_pages: bool = False
) -> list[int]:
    """See Index.image_ids."""
    words = list(map(str, given))
    there = _places(session, [word for word in words if as_id(word) is None])
    ids: list[int] = []
    for word in words:
        number = as_id(word)
        if number is not None:
            ids.append(number)
            continue
        found = there[word]
        if len(found) > 1 and not all_pages:
            raise UsageError(f"{word} {several(found)}")
        ids += [image for image, _, _ in found]
    return list(dict.fromkeys(ids))


def _places(session: Session, words: Sequence[str]) -> dict[str, list[Place]]:
    """The pictures that paths of files, archives and folders name, all looked up at once;
    UsageError where the index does not hold one."""
    if not words:
        return {}
    names = session.names
    with session.catalog.reading() as read:
        found = pictures_of(read, names, words)
        for word in words:
            if word not in found:
                folder = [] if names.hashed else indexed.places_within(read, os.path.abspath(word))
                if not folder:
                    raise UsageError(
                        f"The index does not hold {word}: name a picture by its id, as #12, or by "
                        "a path that `mediclip-index build` took in."
                    )
                found[word] = folder
        out = set(removals.removed(read))
    # What was taken out is meant only where nothing else is.
    return {
        word: [place for place in places if place[0] not in out] or places
        for word, places in found.items()
    }


def several(places: Sequence[Place]) -> str:
    """The rest of a sentence on a path that holds several pictures."""
    named = ", ".join(
        f"#{image}" + (f" page {page}" if page else "") + (f" item {item}" if item else "")
        for image, page, item in places[:_NAMED]
    )
    more = ", …" if len(places) > _NAMED else ""
    return (
        f"holds {len(places)} pictures ({named}{more}): name one by its id, or say --all-pages "
        "for all of them."
    )


def pictures_of(
    read: ReadTransaction, names: Names, paths: Iterable[str]
) -> dict[str, list[Place]]:
    """The pictures that lie under paths of files and archives (all members); those that the index
    does not hold are left out."""
    asked = {path: absolute(path) for path in paths}
    forms = {
        path: [names.of(one) for one in (whole, *_forms(whole))] for path, whole in asked.items()
    }
    every = {name for some in forms.values() for name in some}
    there = indexed.places(read, every) if every else {}
    rest = every - set(there)
    if rest and not names.hashed:
        there |= indexed.places_in_archives(read, rest, reading.MEMBER)
    found = {path: next((n for n in some if n in there), None) for path, some in forms.items()}
    return {path: there[name] for path, name in found.items() if name is not None}


def absolute(path: str) -> str:
    """A path as it is known; the name that a hashed one has may stand for it."""
    base = os.path.basename(path)
    return base if base.startswith(BEGINNING) else os.path.abspath(path)


def _forms(path: str) -> tuple[str, ...]:
    """A path as it is, and in other forms of Unicode (a Mac's names are decomposed)."""
    if path.isascii():
        return (path,)
    return path, unicodedata.normalize("NFC", path), unicodedata.normalize("NFD", path)
