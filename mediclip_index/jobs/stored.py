"""What the index knew when a build began, and what has become of its inputs since."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from mediclip_index.catalog import ReadTransaction, images, provenance
from mediclip_index.catalog.models import StoredEncoder
from mediclip_index.reading.pool import Loaded
from mediclip_index.session.names import Names
from mediclip_index.types import Refusal


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
    return Refusal(
        source,
        "unreadable",
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
