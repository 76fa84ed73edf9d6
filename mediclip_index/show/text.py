"""Text for terminals: safe, aligned, and no wider than there is room."""

from __future__ import annotations

import os
import re
import sys
import unicodedata
from collections.abc import Sequence


def safe(text: object) -> str:
    """Text that can't steer a terminal: control characters and broken bytes are shown escaped."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode()
        for c in str(text)
    )


def width(text: str) -> int:
    """Columns that a text takes on a terminal (wide East Asian characters take two)."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def percent(share: float) -> str:
    """A probability; never "100.0 %" for what is only nearly certain."""
    if 0.9995 <= share < 1:
        return "> 99.9 %"
    if 0 < share < 0.0005:
        return "< 0.1 %"
    return f"{100 * share:.1f} %"


def size(count: int) -> str:
    """Bytes for people."""
    amount = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


def shortened(path: str, max_width: int) -> str:
    """A path cut in the middle to `max_width` columns; its end, which tells files apart, stays."""
    if width(path) <= max_width or max_width < 8:
        return path
    tail = path[-(max_width - 4) :]
    while width(tail) > max_width - 4:
        tail = tail[1:]
    for gap in (os.sep, " "):
        at = tail.find(gap)
        if 0 <= at < len(tail) // 2:
            return "..." + tail[at:]
    return "..." + tail


# A number stays with its sign: "(> 99.9 %" is one word.
_WORD = re.compile(r" *(?:\(?[<>] )?[^ ]+(?: %[^ ]*)?")


def wrapped(text: str, max_width: int | None, hang: int = 0) -> str:
    """Text broken between words where it is wider than `max_width`; its further lines are
    indented by `hang`. A word that is wider than that stays whole."""
    if max_width is None:
        return text
    lines = []
    for line in text.split("\n"):
        full = ""
        for word in _WORD.findall(line):
            if full.strip() and width(full + word) > max_width:
                lines.append(full)
                full = " " * hang + word.lstrip(" ")
            else:
                full += word
        lines.append(full)
    return "\n".join(lines)


def counted(count: int, one: str, many: str = "") -> str:
    """A number with its noun: 1 image, 2 images."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def table(
    head: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    max_width: int | None,
    right: str = "",
) -> str:
    """Columns under a head, two blanks apart. `right` holds an "r" for each column that is aligned
    to the right, else "l". `max_width` is the terminal's width, None for a pipe, where nothing is
    cut:
    on a terminal the widest column, most often of paths, gives way.
    """
    cells = [[safe(c) for c in row] for row in rows]
    widths = [max([width(h), *(width(row[i]) for row in cells)]) for i, h in enumerate(head)]
    if max_width is not None:
        excess = sum(widths) + 2 * (len(widths) - 1) - max_width
        widest = max(range(len(widths)), key=lambda i: widths[i])
        if excess > 0:
            widths[widest] = max(16, widths[widest] - excess)
            for row in cells:
                row[widest] = shortened(row[widest], widths[widest])
    aligned = right.ljust(len(head), "l")
    lines = [_line(head, widths, aligned), *(_line(row, widths, aligned) for row in cells)]
    return "\n".join(lines)


def _line(row: Sequence[str], widths: Sequence[int], aligned: str) -> str:
    padded = [
        " " * (w - width(c)) + c if a == "r" else c + " " * (w - width(c))
        for c, w, a in zip(row, widths, aligned, strict=False)
    ]
    return "  ".join(padded).rstrip()


def terminal_width(of: int = 1) -> int:
    """Columns of the terminal behind stdout (1) or stderr (2)."""
    asked = os.environ.get("COLUMNS", "")
    if asked.isdecimal() and int(asked):
        return int(asked)
    try:
        return os.get_terminal_size(of).columns or 100
    except OSError:
        return 100


def stderr_width() -> int | None:
    """Columns for what is said on stderr; None where nobody reads it on a terminal."""
    return terminal_width(2) if sys.stderr.isatty() else None
