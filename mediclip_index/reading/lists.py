"""CSV lists: `path[,label][,split][,subject][,anything]`."""

from __future__ import annotations

import csv
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from mediclip_index.terms import Facts, WrongUsage

LARGEST = 512 * 1024**2  # bytes
_SAID = ("path", "label", "split", "subject")


def label_rows(file: str | Path) -> Iterator[tuple[str, Facts, int]]:
    """(absolute path, facts, line number) of each row.

    Paths are relative to the list's own folder; absolute ones and `..` stand as they are. An empty
    cell says nothing. Raises WrongUsage, naming the file and line.
    """
    source = Path(file)
    try:
        facts = source.stat()
        if not stat.S_ISREG(facts.st_mode):
            raise WrongUsage(f"{source} is not a regular file.")
        if facts.st_size > LARGEST:
            raise WrongUsage(f"{source} has over {LARGEST:,} bytes, too many for a list.")
        with source.open(newline="", encoding="utf-8-sig", errors="surrogateescape") as lines:
            yield from _rows(lines, source)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise WrongUsage(f"{source} can't be read: {why}.") from None


def _rows(lines: Iterator[str], source: Path) -> Iterator[tuple[str, Facts, int]]:
    folder = os.path.abspath(source.parent)
    reader = csv.DictReader(lines)
    try:
        names = [name.strip() for name in reader.fieldnames or []]
        if "path" not in names:
            found = ", ".join(n for n in names if n)[:200] or "none"
            raise WrongUsage(f"{source} needs a column `path`; its columns are: {found}.")
        repeated = {n for n in names if names.count(n) > 1}
        if repeated:
            raise WrongUsage(f"{source} has two columns named {sorted(repeated)[0]!r}.")
        reader.fieldnames = names
        for row in reader:
            where = f"{source}, line {reader.line_num}"
            if row.get(None):
                raise WrongUsage(f"{where} has more cells than the {len(names)} columns.")
            cells = {n: (v or "").strip() for n, v in row.items()}
            path = row["path"] or ""
            if not path.strip():
                raise WrongUsage(f"{where} has no path.")
            if "\0" in path:
                raise WrongUsage(f"{where} has a path with a null byte.")
            yield (
                os.path.normpath(os.path.join(folder, path)),
                Facts(
                    label=cells.get("label") or None,
                    split=cells.get("split") or None,
                    subject=cells.get("subject") or None,
                    attributes={n: v for n, v in cells.items() if n and n not in _SAID and v},
                ),
                reader.line_num,
            )
    except csv.Error as error:
        raise WrongUsage(f"{source}, line {reader.line_num} is no CSV: {error}.") from None
