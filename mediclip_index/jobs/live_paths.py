"""Where images lie now: of several known paths one at which there still is a file."""

from __future__ import annotations

from collections.abc import Mapping

from mediclip_index import reading
from mediclip_index.catalog import ReadTransaction, indexed


def paths(read: ReadTransaction, known: Mapping[int, str]) -> dict[int, str]:
    """The path of each image (as known by id), or the newest other one that is there where nothing
    lies at it any more. Only images with several paths are looked for on disk."""
    found = dict(known)
    for image, others in indexed.several_paths(read, known).items():
        if not reading.is_there(known[image]):
            there = (path for path in others if reading.is_there(path))
            found[image] = next(there, known[image])
    return found
