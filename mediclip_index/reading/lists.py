"""CSV lists: `path[,label][,split][,subject][,page][,item][,anything]`, as programs write them.

Excel and Windows write `;` or tabs for commas, UTF-16, a mark before UTF-8 or their own code page,
empty rows, columns without a name, and backslashes in paths; two systems may spell one name in two
forms of Unicode. What cells hold is a stranger's: no message quotes one that was not asked for.
"""

from __future__ import annotations

import contextlib
import csv
import os
import stat
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO

from mediclip_index.types import Facts, UsageError

LARGEST = 512 * 1024**2  # bytes
_SAID = ("path", "label", "split", "subject", "page", "item")
_DELIMITERS = (",", ";", "\t", "|")
MOST_COLUMNS = 10_000
_LONGEST_LINE = 1 << 24
LARGEST_ID = 2**53  # from which on a spreadsheet's numbers are no longer exact
_LARGEST_PAGE = 2**31 - 1  # as the catalog keeps them
# What names a picture beside its path, the machine's class, a person's kind, and the index that the
# pictures are of, in lists that people filled in.
FILLED_IN = ("image", "id", "guess", "kind", "index_id")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
# The columns of what `query` wrote: a model's word is no label.
_VERDICTS = {"path", "label", "probability", "unsure"}


@dataclass(frozen=True)
class ListRow:
    """What one row says of a file, or of one page or item of it; `line` is its number, `cells` are
    all by column. `path` is empty in a list that goes by ids alone."""

    path: str
    facts: Facts
    line: int
    page: int | None = None
    item: int | None = None
    cells: Mapping[str, str] = field(default_factory=dict)

    def number(self, column: str, file: str | Path) -> int | None:
        """The number from 1 that stands in a column, as 12, #12 or 12.0; None where none does."""
        cell = self.cells.get(column, "").removeprefix("#")
        return _count(cell, column, f"{file}, line {self.line}", LARGEST_ID)


def said_of_files(file: str | Path) -> tuple[dict[str, Facts], list[str]]:
    """What a list says of each file, rows of its pages and items put together, and notes on rows
    that contradict one another: of those the last counts."""
    return together(label_rows(file), file)


def together(rows: Iterable[ListRow], file: str | Path) -> tuple[dict[str, Facts], list[str]]:
    """As said_of_files, of the rows of a list."""
    found: dict[tuple[str, int | None, int | None], Facts] = {}
    at_odds: dict[str, int] = {}
    repeated = 0
    for row in rows:
        place = (row.path, row.page, row.item)
        before = found.get(place)
        if before is not None:
            repeated += 1
            for what in ("label", "split", "subject"):
                one, other = getattr(before, what), getattr(row.facts, what)
                if one and other and one != other:
                    at_odds[row.path] = row.line
        found[place] = row.facts
    notes = []
    if at_odds:
        # By its line alone: in an index of hashes no path may be said.
        line = next(iter(at_odds.values()))
        notes.append(
            f"{file} contradicts itself on {len(at_odds)} of its paths (line {line}); the last row "
            "counts."
        )
    elif repeated:
        notes.append(f"{repeated} paths stand more than once in {file}; the last row counts.")
    return _by_file(found), notes


def _by_file(found: Mapping[tuple[str, int | None, int | None], Facts]) -> dict[str, Facts]:
    files: dict[str, Facts] = {}
    for (path, page, item), facts in found.items():
        whole = files.get(path, Facts())
        if page is None and item is None:
            files[path] = replace(facts, parts=whole.parts)
        else:
            files[path] = replace(whole, parts=(*whole.parts, (page, item, facts)))
    return files


def label_rows(file: str | Path, *, filled_in: bool = False) -> Iterator[ListRow]:
    """The rows of a list, empty ones passed over. One that was `filled_in` may name pictures by
    `image` or `id` instead of a path, and have the columns of verdicts.

    Paths are relative to the list's own folder; absolute ones and `..` stand as they are. An empty
    cell says nothing. Raises UsageError, naming the file and line.
    """
    source = Path(file)
    try:
        facts = source.stat()
        if not stat.S_ISREG(facts.st_mode):
            raise UsageError(f"{source} is not a regular file.")
        if facts.st_size > LARGEST:
            raise UsageError(f"{source} has over {LARGEST:,} bytes, too many for a list.")
        with _opened(source) as lines:
            yield from _rows(lines, source, (*_SAID, *FILLED_IN) if filled_in else _SAID)
    except UnicodeError:
        raise UsageError(f"{source} is no text in UTF-8 or UTF-16; save it anew.") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"{source} can't be read: {why}.") from None


def _opened(source: Path) -> IO[str]:
    with source.open("rb") as file:
        start = file.read(4)
    if start[:2] in _UTF16:
        return source.open(newline="", encoding="utf-16")
    # Paths need not be UTF-8: bytes that are none come through as they are.
    return source.open(newline="", encoding="utf-8-sig", errors="surrogateescape")


def _delimiter(lines: IO[str], source: Path, known: Sequence[str]) -> tuple[str, int]:
    """What stands between the cells: what the first line has `path` beside. Excel may say it in a
    line of its own, `sep=;`, which is passed over; and how many lines were."""
    first = next(_lines(lines, source), "")
    if first.lower().startswith("sep=") and len(first.rstrip("\r\n")) == 5:
        return first[4], 1
    lines.seek(0)
    for delimiter in _DELIMITERS:
        with contextlib.suppress(csv.Error):
            listed = _header(next(csv.reader([first], delimiter=delimiter), []), known)
            if "path" in listed or (known != _SAID and _names_pictures(listed)):
                return delimiter, 0
    names: list[str] = []
    with contextlib.suppress(csv.Error):
        names = [name for name in _header(next(csv.reader([first]), []), known) if name]
    if not set(names) & {*_SAID, "file", "filename", "image"}:
        # Without a header the first line is somebody's row: it is not shown.
        raise UsageError(f"{source} needs a column `path`; its first line names none.")
    found = ", ".join(names)[:200]
    raise UsageError(f"{source} needs a column `path`; its columns are: {found}.")


def _lines(lines: IO[str], source: Path) -> Iterator[str]:
    """A line is held in memory as a whole, and may be the whole file."""
    while line := lines.readline(_LONGEST_LINE):
        if len(line) == _LONGEST_LINE:
            raise UsageError(f"{source} has a line of over {_LONGEST_LINE:,} letters.")
        yield line


def _names_pictures(names: Sequence[str]) -> bool:
    return "path" in names or "image" in names or "id" in names


def _header(names: list[str], known: Sequence[str]) -> list[str]:
    """The columns, those that are known in whatever case they are written."""
    tidy = [_text(name).strip().lstrip("\ufeff") for name in names]
    return [name.casefold() if name.casefold() in known else name for name in tidy]


def _rows(lines: IO[str], source: Path, known: Sequence[str]) -> Iterator[ListRow]:
    folder = os.path.abspath(source.parent)
    delimiter, passed = _delimiter(lines, source, known)
    reader = csv.reader(_lines(lines, source), delimiter=delimiter)
    try:
        names = _header(next(reader, []), known)
        filled_in = known != _SAID
        if "path" not in names and not (filled_in and _names_pictures(names)):
            raise UsageError(f"{source} needs a column `path`; it has none.")
        if len(names) > MOST_COLUMNS:
            raise UsageError(f"{source} has over {MOST_COLUMNS:,} columns; keep those that matter.")
        # Conditions know no case, so names that differ only in it would be one column.
        folded = Counter(name.lower() for name in names)
        repeated = sorted(n for n, count in folded.items() if n and count > 1)
        if repeated:
            named = next((f" named `{n}`" for n in repeated if n in _SAID), " of one name")
            raise UsageError(f"{source} has two columns{named} (case aside); rename one.")
        path_at = names.index("path") if "path" in names else len(names)
        if set(names) >= _VERDICTS and not filled_in:
            raise UsageError(
                f"{source} is a list of verdicts, and what the model said is no label: keep the "
                "columns path and label of the rows that a person has checked."
            )
        for cells in reader:
            line = passed + reader.line_num
            where = f"{source}, line {line}"
            if not any(cell.strip() for cell in cells):
                continue
            if any(cell.strip() for cell in cells[len(names) :]):
                raise UsageError(f"{where} has more cells than the {len(names)} columns.")
            row = {n: _text(c).strip() for n, c in zip(names, cells, strict=False) if n}
            path = cells[path_at] if len(cells) > path_at else ""
            by_id = filled_in and any(row.get(name) for name in ("image", "id"))
            if not path.strip() and not by_id:
                raise UsageError(f"{where} has no path.")
            if "\0" in path:
                raise UsageError(f"{where} has a path with a null byte.")
            yield ListRow(
                _there(os.path.normpath(os.path.join(folder, path)), folder, path) if path else "",
                Facts(
                    label=row.get("label") or None,
                    split=row.get("split") or None,
                    subject=row.get("subject") or None,
                    attributes={n: v for n, v in row.items() if n not in _SAID and v},
                ),
                line,
                _count(row.get("page", ""), "page", where),
                _count(row.get("item", ""), "item", where),
                row,
            )
    except csv.Error as error:
        raise UsageError(f"{source}, line {passed + reader.line_num} is no CSV: {error}.") from None


def _count(cell: str, name: str, where: str, largest: int = _LARGEST_PAGE) -> int | None:
    """A page or item, from 1. Spreadsheets write 3 as 3.0, too."""
    if not cell:
        return None
    try:
        number = float(cell)
    except ValueError:
        number = 0.0
    if not (1 <= number <= largest and number.is_integer()):
        raise UsageError(f"{where}: {name} is no number from 1.")
    return int(number)


def _text(cell: str) -> str:
    """A cell that is no UTF-8 is of the code page that Excel writes in Europe and America."""
    if cell.isascii() or not any("\udc80" <= c <= "\udcff" for c in cell):
        return cell
    octets = cell.encode("utf-8", "surrogateescape")
    try:
        return octets.decode("cp1252")
    except UnicodeError:
        return octets.decode("latin-1")


def _there(path: str, folder: str, given: str) -> str:
    """The path as it is spelled on this disk: with slashes, and in its form of Unicode."""
    if (path.isascii() and "\\" not in given) or os.path.lexists(path):
        return path
    for other in spellings(path, folder, given):
        if os.path.lexists(other):
            return other
    return path


def spellings(path: str, folder: str, given: str) -> Iterator[str]:
    """Other ways to write a path: without backslashes, in UTF-8, and composed or decomposed."""
    slashed = os.path.normpath(os.path.join(folder, given.replace("\\", "/")))
    for one in dict.fromkeys((path, slashed, _text(path), _text(slashed))):
        yield one
        for form in ("NFC", "NFD"):
            yield unicodedata.normalize(form, one)
