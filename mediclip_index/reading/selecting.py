"""Which of the files below a source are looked at, by their names."""

from __future__ import annotations

import os
import re
from functools import cached_property
from typing import Any

import pathspec
from pathspec.pattern import RegexPattern

from mediclip_index.reading.signatures import signature
from mediclip_index.types import ScanOptions, UsageError

HIDDEN = "hidden files or folders"
SYSTEM = "folders of thumbnails and systems (@eaDir, node_modules, …)"
SIDECARS = "files beside pictures (.txt, .json, .csv, …)"
EXCLUDED = "files or folders by --exclude or --include"

# What file servers, cameras, systems and package managers put beside people's pictures: copies of
# them, smaller, or none at all.
_FOLDERS = {
    "@eadir", "#recycle", "#snapshot", "@recycle", "@recently-snapshot", "$recycle.bin",
    "__macosx", "lost+found", "node_modules", "__pycache__", "system volume information",
    "thumbnails.lrdata", "previews.lrdata", "lightroom catalog previews.lrdata", "site-packages",
}  # fmt: skip
_FILES = {"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "picasa.ini", "dicomdir"}
_SIDECARS = (
    ".txt", ".json", ".jsonl", ".csv", ".tsv", ".xml", ".xmp", ".yaml", ".yml", ".toml", ".ini",
    ".md", ".rst", ".log", ".html", ".htm", ".cls", ".md5", ".sha256", ".aae", ".thm", ".lnk",
    ".url", ".db", ".py", ".ipynb",
)  # fmt: skip
_PEEK = 4096  # bytes
_STAR = "[^/]*"


class Selection:
    """`ScanOptions`, ready to be asked. Raises UsageError for a pattern that is none."""

    def __init__(self, options: ScanOptions | None = None) -> None:
        self._options = options or ScanOptions()
        self._excluded = _spec(self._options.exclude)
        self._included = _spec(self._options.include)

    @property
    def follow_links(self) -> bool:
        return self._options.follow_links

    @cached_property
    def _asks(self) -> bool:
        return bool(self._options.exclude or self._options.include)

    def passed_folder(self, below: str) -> str | None:
        """Why a folder is not entered, by its path below the source; None where it is."""
        name = os.path.basename(below)
        if name.startswith("."):
            return HIDDEN
        if name.casefold() in _FOLDERS:
            return SYSTEM
        excluded = self._asks and self._excluded.match_file(below.replace(os.sep, "/") + "/")
        return EXCLUDED if excluded else None

    def passed_file(self, below: str) -> str | None:
        """Why a file is not looked at, by its path below the source; None where it is."""
        name = os.path.basename(below)
        if name.startswith("."):
            return HIDDEN
        if not self._asks:
            return None
        path = below.replace(os.sep, "/")
        if self._excluded.match_file(path):
            return EXCLUDED
        return EXCLUDED if self._options.include and not self._included.match_file(path) else None

    def passed_member(self, name: str) -> str | None:
        """`passed_file` of a member of an archive, the folders that it lies in asked too."""
        parts = name.split("/")
        for count in range(1, len(parts)):
            why = self.passed_folder("/".join(parts[:count]))
            if why is not None:
                return why
        return self.passed_file(name) or (SIDECARS if is_sidecar(name) else None)


def is_sidecar(path: str) -> bool:
    """Whether a file's name says that it goes with pictures and is none."""
    name = os.path.basename(path).casefold()
    return name in _FILES or name.endswith(_SIDECARS)


def holds_no_picture(path: str) -> bool:
    """Whether a sidecar is one, for content decides: a picture may bear any name."""
    try:
        with open(path, "rb") as file:
            start = file.read(_PEEK)
    except OSError:
        return False
    known = signature(start)
    picture = known is not None and (known.read or known.family == "picture")
    return not picture and start[128:132] != b"DICM"


def _spec(patterns: tuple[str, ...]) -> pathspec.PathSpec[Any]:
    try:
        spec = pathspec.PathSpec.from_lines("gitignore", patterns)
    except (ValueError, TypeError) as error:
        raise UsageError(f"A pattern of --exclude or --include is none: {error}.") from None
    return pathspec.PathSpec(
        RegexPattern(re.compile(_without_return(known.regex.pattern)), known.include)
        for known in spec.patterns
        if known.regex is not None
    )


def _without_return(expression: str) -> str:
    """A pattern's regular expression that never goes back to an earlier star of one name: the
    first place where what follows a star fits is as good as any, and `*a*a*a*b` would have a name
    of 200 letters tried in millions of ways. What may be a slash (`[!a]`) is left as it is."""
    first, *parts = expression.split(_STAR)
    quick = [
        _STAR + part if re.search(r"[/\[]", part.replace("[^/]", "")) else f"(?>{_STAR}?{part})"
        for part in parts[:-1]
    ]
    return "".join([first, *quick, *(_STAR + part for part in parts[-1:])])
