"""`--copy-to`: pictures that were found → files in a folder, with a list of what is what."""

from __future__ import annotations

import csv
import hashlib
import io
import os
import shutil
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mediclip_index.cli.options import print_notes
from mediclip_index.show.text import counted
from mediclip_index.types import ReadOptions, UsageError

if TYPE_CHECKING:
    from mediclip_index import Index
    from mediclip_index.types import SearchHit, Verdict

MANIFEST = "manifest.csv"
COLUMNS = (
    "file", "source", "page", "item", "id", "label", "verdict", "kind", "probability",
    "labelled_by", "sha256", "verdict_id",
)  # fmt: skip
_OF_PLACE = 5  # columns by which a line is known again
_FIGURE = 768  # pixels that the short side of a PDF's figure or page is drawn with at least


@dataclass(frozen=True)
class Wanted:
    """A picture to copy: where it lies, and what was said of it, in the words of an export's
    library.csv. id: the image's, None where the index does not hold it. sha256: of the content that
    it was said of; empty where any will do."""

    path: str
    page: int | None = None
    item: int | None = None
    id: int | None = None
    label: str | None = None
    probability: float | None = None
    verdict: str | None = None
    kind: str | None = None
    labelled_by: str | None = None
    sha256: str = ""
    verdict_id: str = ""

    @classmethod
    def of_verdict(cls, one: Verdict) -> Wanted:
        return cls(
            one.path,
            one.page,
            one.item,
            one.image,
            label=one.hand.label if one.hand else None,
            probability=one.probability,
            verdict=one.effective,
            kind=one.kind,
            labelled_by=one.hand.author if one.hand else None,
            sha256=one.sha256,
            verdict_id=one.id,
        )

    @classmethod
    def of_hit(cls, one: SearchHit) -> Wanted:
        page, item = one.metadata.get("page"), one.metadata.get("item")
        return cls(
            one.path,
            page,
            item,
            one.id,
            label=one.label,
            probability=one.probability,
            verdict=one.verdict,
            kind=one.kind,
            labelled_by=one.labelled_by,
            sha256=one.sha256,
        )


@dataclass(frozen=True)
class CopyReport:
    """copied: files written; there: those that were there already, with the same content; missing:
    paths of which nothing can be had any more; changed: those that hold another content now."""

    copied: int
    there: int
    missing: tuple[str, ...]
    changed: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether all that was wanted is there."""
        return not (self.missing or self.changed)

    @property
    def notes(self) -> list[str]:
        """What was not copied, and why."""
        notes = [f"Not copied, since it is no longer there: {path}." for path in self.missing]
        if self.changed:
            notes.append(
                f"{counted(len(self.changed), 'file')} not copied, changed since indexed or asked "
                f"of ({self.changed[0]}{', …' if len(self.changed) > 1 else ''}): `mediclip-index "
                "build` takes in what lies there now."
            )
        return notes

    def sentence(self, folder: Path) -> str:
        again = f" {counted(self.there, 'file was', 'files were')} there already."
        return f"{counted(self.copied, 'file')} copied to {folder}." + (again if self.there else "")


def copy(wanted: Iterable[Wanted], folder: Path, sources: Sequence[str] = ()) -> CopyReport:
    """Copy pictures into a folder, under their paths below the common root of `sources` (of the
    pictures, where none are named), and write what they are to manifest.csv there.

    A figure or page of a PDF becomes a PNG, a member of an archive a file. Nothing is overwritten:
    a name that another content has gets a number; of a file that was changed nothing is copied.
    UsageError where manifest.csv is another's.
    """
    rows = [w for w in dict.fromkeys(wanted) if w.path != "-"]
    before = _manifest(folder / MANIFEST)
    root = _root([w.path for w in rows], sources)
    missing, changed = _not_as_they_were(rows)
    rows = [w for w in rows if w.path not in missing and w.path not in changed]
    drawn = _drawn([w for w in rows if _is_of_pdf(w)])
    copied = there = 0
    placed: dict[tuple[str, str], tuple[str, str]] = {}  # one file for all its pages
    for row in rows:
        named = _name(row.path, root)
        key = (row.path, "")
        if _is_of_pdf(row):
            figure = "" if row.item is None else f"-{row.item}"
            mark = f"-page{row.page}{figure}"
            named = named.with_name(f"{named.name}{mark}.png")
            key = (row.path, mark)
        if key not in placed:
            figure_of = (os.path.abspath(row.path), row.page, row.item)
            data = drawn.get(figure_of) if key[1] else _content(row.path)
            if data is None:
                missing[row.path] = None
                continue
            target, new = _place(data, folder, named)
            copied, there = copied + new, there + (not new)
            placed[key] = str(target.relative_to(folder)), _digest(data)
        name, digest = placed[key]
        place = (name, row.path, row.page, row.item, row.id)
        said = (row.label, row.verdict, row.kind, row.probability, row.labelled_by)
        columns = (*place, *said, digest, row.verdict_id)
        line = tuple("" if value is None else str(value) for value in columns)
        before[line[:_OF_PLACE]] = line
    _write(folder / MANIFEST, before.values())
    return CopyReport(copied, there, tuple(missing), tuple(changed))


def _not_as_they_were(rows: Iterable[Wanted]) -> tuple[dict[str, None], dict[str, None]]:
    """The paths under which nothing lies any more, and those under which something else does."""
    missing: dict[str, None] = {}
    changed: dict[str, None] = {}
    for path, sha256 in {row.path: row.sha256 for row in rows}.items():
        content = _content(path)
        if content is None:
            missing[path] = None
        elif sha256 and _digest(content) != sha256:
            changed[path] = None
    return missing, changed


def _root(paths: Sequence[str], sources: Sequence[str]) -> str:
    """The folder below which all of these lie."""
    named = [os.path.abspath(source) for source in sources if source != "-"]
    tops = [path if os.path.isdir(path) else os.path.dirname(path) for path in named]
    within = tuple(top.rstrip(os.sep) + os.sep for top in tops)
    outside = (path for path in paths if not os.path.abspath(path).startswith(within))
    tops += [os.path.dirname(_file(path)) for path in outside]
    return os.path.commonpath(tops) if tops else os.sep


def _file(path: str) -> str:
    """The file on disk: an archive, for one of its members."""
    from mediclip_index.reading import member_of

    named = member_of(path)
    return os.path.abspath(path if named is None else named[0])


def _name(path: str, root: str) -> Path:
    """Where below the new folder a path's copy lies; never outside it."""
    from mediclip_index.reading import member_of

    named = member_of(path)
    outer = os.path.relpath(os.path.abspath(path if named is None else named[0]), root)
    inner = [] if named is None else named[1].split("/")
    parts = [p for p in (*outer.split(os.sep), *inner) if p not in ("", ".", "..")]
    return Path(*parts)


def _is_of_pdf(row: Wanted) -> bool:
    from mediclip_index.reading import starts_as_pdf

    return row.item is not None or (row.page is not None and starts_as_pdf(row.path))


def _drawn(rows: Sequence[Wanted]) -> dict[tuple[str, int | None, int | None], bytes]:
    """Figures and pages of PDFs as PNG, by absolute path, page and item."""
    from PIL import Image

    from mediclip_index.jobs.reread import WholePicture
    from mediclip_index.reading import Unreadable
    from mediclip_index.reading.pool import Readers, ReadSpec, entry_of

    if not rows:
        return {}
    asked: dict[bool, set[str]] = defaultdict(set)
    for row in rows:
        asked[row.item is None].add(row.path)
    found: dict[tuple[str, int | None, int | None], bytes] = {}
    wanted = {(os.path.abspath(row.path), row.page, row.item) for row in rows}
    with Readers(1) as readers:
        for as_pages, paths in asked.items():
            entries = []
            for path in sorted(paths):
                try:
                    entries.append(entry_of(path))
                except (UsageError, Unreadable):
                    continue
            options = ReadOptions(pdf="pages" if as_pages else "images")
            for loaded in readers.ahead(entries, ReadSpec(WholePicture(_FIGURE), options)):
                for picture in loaded.pictures:
                    key = (os.path.abspath(loaded.entry.path), picture.page, picture.item)
                    if key in wanted:
                        stream = io.BytesIO()
                        Image.fromarray(picture.pixels).save(stream, "PNG")
                        found[key] = stream.getvalue()
    return found


def _content(path: str) -> bytes | Path | None:
    """A file, the bytes of a member of an archive, or None where there is neither."""
    from mediclip_index.reading import Unreadable, read_bytes

    if os.path.isfile(path):
        return Path(path)
    try:
        return read_bytes(path)
    except (Unreadable, OSError):
        return None


def _place(content: bytes | Path, folder: Path, named: Path) -> tuple[Path, bool]:
    """Write a content under a name that is free or holds the same; returns which, and whether it
    is new."""
    digest = _digest(content)
    if named == Path(MANIFEST):
        named = Path(f"picture-{MANIFEST}")
    target, number = folder / named, 0
    while os.path.lexists(target):
        if target.is_file() and _digest(target) == digest:
            return target, False
        number += 1
        target = folder / named.with_name(f"{named.stem}-{number}{named.suffix}")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        if isinstance(content, Path):
            shutil.copy2(content, part)
        else:
            part.write_bytes(content)
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    return target, True


def _digest(content: bytes | Path) -> str:
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest()
    with content.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def refuse_without_paths(index: Index, folder: Path | None) -> None:
    """Say so where pictures are to be copied of an index that knows no paths."""
    if folder is not None and index.hashes_paths:
        raise click.UsageError(
            "--copy-to: this index keeps no paths, so it can't say what to copy."
        )


def copy_and_say(wanted: Iterable[Wanted], folder: Path, sources: Sequence[str] = ()) -> bool:
    """`copy`, and say on stderr what came of it; returns whether all that was wanted is there."""
    done = copy(wanted, folder, sources)
    click.echo(done.sentence(folder), err=True)
    print_notes(done.notes)
    return done.whole


def _manifest(file: Path) -> dict[tuple[str, ...], tuple[str, ...]]:
    """The lines that are there, by file, source, page, item and id; those of an earlier version
    lack some columns."""
    if not file.exists():
        return {}
    with file.open(newline="", encoding="utf-8", errors="surrogateescape") as lines:
        table = csv.DictReader(lines, restval="")
        names = tuple(table.fieldnames or ())
        if names[:_OF_PLACE] != COLUMNS[:_OF_PLACE] or not set(names) <= set(COLUMNS):
            raise UsageError(f"{file} is no list of copied pictures; name another folder.")
        rows = [tuple(row.get(name, "") for name in COLUMNS) for row in table]
    return {row[:_OF_PLACE]: row for row in rows}


def _write(file: Path, lines: Iterable[tuple[str, ...]]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    with part.open("w", newline="", encoding="utf-8", errors="surrogateescape") as out:
        table = csv.writer(out, lineterminator="\n")
        table.writerows([COLUMNS, *lines])
    os.replace(part, file)
