"""What the index knew when a build began, and what has become of its inputs since."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from mediclip_index import reading
from mediclip_index.catalog import ReadTransaction, images, provenance
from mediclip_index.catalog.models import StoredEncoder
from mediclip_index.reading.pool import Loaded
from mediclip_index.session.names import Names
from mediclip_index.types import Entry, Refusal


@dataclass
class Tally:
    """What became of each input so far; exactly one of the first six counts it."""

    added: int = 0
    unchanged: int = 0
    renamed: int = 0
    duplicates: int = 0
    returned: int = 0
    refused: list[Refusal] = field(default_factory=list)
    gone: int = 0
    labelled: int = 0
    notes: list[str] = field(default_factory=list)


@dataclass
class Known:
    """What the index knew when the build began, kept up to date as it goes on."""

    files: dict[str, images.StoredFile]
    past: set[tuple[str, str]]
    contents: set[str]
    incomplete: set[str]  # contents of which some pages lack their vectors
    refusals: dict[str, list[Refusal]]
    of_source: dict[str, set[str]]


class Moved:
    """Known files of which nothing is left, while their content lies elsewhere: what was moved from
    one source to another. `files` is kept up to date by the build; a hash can't be looked for."""

    def __init__(self, files: dict[str, images.StoredFile], *, hashed: bool) -> None:
        self._files = files
        self._hashed = hashed
        self._paths: dict[str, list[str]] | None = None  # by content, made when first needed
        self.found: set[str] = set()  # paths to close

    def from_elsewhere(self, sha: str) -> list[str]:
        """The known paths of a content that was met at a new one, where nothing lies any more."""
        gone = [path for path in self._of(sha) if not reading.is_there(path)]
        self.found.update(gone)
        return gone

    def away(self, vanished: set[str], fresh: Sequence[Entry]) -> set[str]:
        """Those of these paths whose content lies in one of the new files (only files of equal size
        can hold it), or still under another known path."""
        sizes = {self._files[path].size for path in vanished}
        contents = set()
        for entry in fresh:
            if entry.size in sizes:
                try:
                    contents.add(reading.content_hash(reading.read_bytes(entry.where)))
                except reading.Unreadable:
                    continue
        return {
            path
            for path in vanished
            if (sha := self._files[path].sha256) in contents
            or any(p not in vanished and reading.is_there(p) for p in self._of(sha))
        }

    def forget(self, closed: Iterable[str]) -> None:
        """These are no longer known."""
        for path in closed:
            self._files.pop(path, None)
        self.found = set()
        self._paths = None

    def _of(self, sha: str | None) -> list[str]:
        if self._hashed or sha is None:
            return []
        if self._paths is None:
            self._paths = {}
            for path, file in self._files.items():
                if file.sha256 is not None:
                    self._paths.setdefault(file.sha256, []).append(path)
        return self._paths.get(sha, [])


def known_before(read: ReadTransaction, encoder: StoredEncoder, *, hashed: bool) -> Known:
    """All that a build asks of the catalog about files, at once."""
    return Known(
        images.stored_files(read),
        images.past_contents(read),
        *images.known_contents(read, encoder),
        provenance.known_refusals(read),
        provenance.paths_by_source(read) if hashed else {},
    )


def missing(source: str, missing: int, known: int) -> Refusal:
    if not reading.is_there(source):
        return Refusal(
            source,
            "missing",
            f"{source} is gone, with {known} known files (an unmounted drive?), so nothing was "
            "changed: `mediclip-index build --allow-missing` accepts that; if it was moved, build "
            "where it lies now.",
        )
    return Refusal(
        source,
        "missing",
        f"{missing} of the {known} files known from {source} are missing (an unmounted drive?), so "
        "nothing was changed there; if they are really gone, build with --allow-missing.",
    )


def holds_none(loaded: Loaded) -> bool:
    """Whether a file is refused for what it is, and will be again."""
    for_good = ("unsupported", "no_pixels", "not_an_image")
    return any(why.page is None and why.reason in for_good for why in loaded.refused)


def placed(loaded: Loaded, names: Names) -> list[Refusal]:
    """A file's refusals under the path by which the index knows it."""
    return [names.refusal(replace(r, path=loaded.entry.path)) for r in loaded.refused]
