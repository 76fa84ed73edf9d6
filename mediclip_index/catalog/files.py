"""Files that appear whole or not at all: a temporary name, safe on disk, renamed into place."""

from __future__ import annotations

import os
from pathlib import Path


def put_in_place(unfinished: Path, final: Path) -> None:
    """Make a written file (or folder) safe on disk and give it its name."""
    for path in [unfinished, *unfinished.rglob("*")] if unfinished.is_dir() else [unfinished]:
        sync(path)
    unfinished.replace(final)
    sync(final.parent)


def sync(path: Path) -> None:
    """Wait until a file's bytes, or a folder's names, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def alive(pid: int) -> bool:
    """Whether a process of this machine runs under this number."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
