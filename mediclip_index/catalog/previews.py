"""Pictures as a page shows them, made small once: files beside the catalog, by image and size.

They are derived and may be deleted at any time; what is purged loses them with the rest. Paths hold
no name of any file, only the image's number.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

FOLDER = "previews"
SIDES = (240, 1200)  # pixels of the longer side: in a grid, and alone
_IN_ONE = 1000  # images of one folder


def file_of(index: Path, image: int, side: int) -> Path:
    """Where an image's preview lies, or would."""
    return index / FOLDER / str(side) / f"{image // _IN_ONE:06}" / f"{image}.jpg"


def put(index: Path, image: int, side: int, data: bytes) -> None:
    """Keep a preview, whole or not at all."""
    place = file_of(index, image, side)
    place.parent.mkdir(parents=True, exist_ok=True)
    name = f".{place.name}.{os.getpid()}."
    descriptor, part = tempfile.mkstemp(prefix=name, suffix=".new", dir=place.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        os.replace(part, place)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(part)
        raise


def get(index: Path, image: int, side: int) -> bytes | None:
    """An image's preview, None where there is none yet."""
    try:
        return file_of(index, image, side).read_bytes()
    except OSError:
        return None


def forget(index: Path, images: Iterable[int]) -> None:
    """Delete all that is kept of some images."""
    for image in images:
        for side in SIDES:
            kept = file_of(index, image, side)
            for left in (kept, *kept.parent.glob(f".{kept.name}*")):  # of one that was killed, too
                left.unlink(missing_ok=True)


def forget_all(index: Path) -> None:
    """Delete every preview."""
    shutil.rmtree(index / FOLDER, ignore_errors=True)
