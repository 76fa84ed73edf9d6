"""What a row of the table of raster files says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.reading.raster_made import COLOURS, HEIGHT, WIDTH, Quarters


@dataclass(frozen=True)
class Row:
    """A file, and what a person sees of it: the quarters of each of its pictures.

    magick: ImageMagick, where it is there, must see the same ("deep": once the darkest is black).
    """

    name: str
    made: Callable[[], bytes]
    seen: Quarters = COLOURS
    near: int = 1
    size: tuple[int, int] = (WIDTH, HEIGHT)
    pages: tuple[int | None, ...] = (None,)
    refused: tuple[tuple[str, int | None], ...] = ()
    magick: str = ""
    told: tuple[tuple[str, Any], ...] = ()
    truncated: str = "refuse"


@dataclass(frozen=True)
class Refused:
    """A file that can't be read, why, and the words that must be said of it."""

    name: str
    made: Callable[[], bytes]
    reason: str
    words: str
