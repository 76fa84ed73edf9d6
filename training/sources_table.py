"""Print the card's table of sources: `python -m training.sources_table --data FOLDER`.

One line for each source of the rows that are learned from, with the commit or the version that the
folder's README.md and MORE.md name, then how many sources state no licence for their pictures.
"""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Sequence
from pathlib import Path

from training.bench_rows import Row, read_rows

HEAD = (
    "| source (GitHub repository @ commit, package @ version) | pictures trained on | kind "
    "| licence as the repository states it |\n| --- | --- | --- | --- |"
)
UNSTATED = "unstated"
_NOTHING_SAID = re.compile(r'unstated|unknown|"not specified', re.IGNORECASE)
_NAMED = re.compile(r"^- (\S+) @ (\S+) \|", re.MULTILINE)


def main() -> None:
    """Parse the command line and print."""
    parser = argparse.ArgumentParser(prog="sources_table", description=__doc__)
    data = os.environ.get("MEDICLIP_BENCH")
    parser.add_argument("--data", type=Path, default=data, required=data is None)
    options = parser.parse_args()
    print(table(read_rows(options.data), commits(options.data)))


def table(rows: Sequence[Row], commit_of: dict[str, str]) -> str:
    """The table and its summary, for those rows that are learned from."""
    sources: dict[str, list[Row]] = {}
    for row in rows:
        if row.learned:
            sources.setdefault(row.source, []).append(row)
    names = sorted(sources, key=str.casefold)
    lines = [_line(name, sources[name], commit_of[name]) for name in names]
    silent = [name for name in names if _NOTHING_SAID.search(_licence(sources[name]))]
    pictures = sum(len(sources[name]) for name in silent)
    summary = (
        f"{len(names)} sources, {sum(map(len, sources.values())):,} pictures; {len(silent)} of "
        f"these sources ({pictures:,} pictures) state no licence for the pictures."
    )
    return "\n".join([HEAD, *lines, "", summary])


def commits(data: Path) -> dict[str, str]:
    """The commit or version of each source, by the texts that come with the lists."""
    texts = (data / name for name in ("README.md", "MORE.md"))
    return {
        name: commit
        for text in texts
        if text.exists()
        for name, commit in _NAMED.findall(text.read_text("utf-8"))
    }


def _line(name: str, rows: Sequence[Row], commit: str) -> str:
    kinds = []
    for label in sorted({row.label for row in rows}):
        own = sorted({row.category for row in rows if row.label == label})
        kinds.append(f"{', '.join(own)} ({label})")
    return f"| {name} @ {commit} | {len(rows)} | {'; '.join(kinds)} | {_licence(rows)} |"


def _licence(rows: Sequence[Row]) -> str:
    stated = dict.fromkeys(row.licence.strip() or UNSTATED for row in rows)
    return "; ".join(stated).replace("|", "/")


if __name__ == "__main__":
    main()
