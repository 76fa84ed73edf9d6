"""A map as a file: whole or not there at all, and known by its checksum to be what was written.

    8 bytes what it is | 32 bytes SHA-256 of the rest | 4 bytes length of the head | head (JSON) |
    landmark ids | their positions | placed ids | their positions

It is derived from the catalog and may be deleted at any time. Vectors are not in it.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mediclip_index.types import Ids, Vectors, WriteError

FILE = "map.positions"
_UNFINISHED = ".map-"
_MAGIC = b"MCIMAP1\n"
_HEAD = len(_MAGIC) + 32


class NoMap(Exception):
    """There is no map, or what lies there is damaged."""


@dataclass(frozen=True, eq=False)
class MapFile:
    """What a map keeps: ids (n,), each kind in order, and positions (n, 2) from -1 to 1.

    It knows the vectors of `fingerprint` up to transaction `tx` of the index `index`. made_of: how
    many images its landmarks were chosen among.
    """

    index: str
    fingerprint: str
    seed: int
    tx: int
    made_of: int
    landmark_ids: Ids
    landmark_xy: Vectors
    placed_ids: Ids
    placed_xy: Vectors

    def points(self) -> tuple[Ids, Vectors]:
        """All ids, in order, and their positions."""
        ids = np.concatenate([self.landmark_ids, self.placed_ids])
        order = np.argsort(ids, kind="stable")
        return ids[order], np.concatenate([self.landmark_xy, self.placed_xy])[order]

    def with_placed(self, ids: Ids, xy: Vectors) -> MapFile:
        """The same map with these images on it too."""
        every = np.concatenate([self.placed_ids, ids])
        order = np.argsort(every, kind="stable")
        placed_xy = np.concatenate([self.placed_xy, xy])[order]
        return replace(self, placed_ids=every[order], placed_xy=placed_xy)

    def among(self, ids: Ids) -> MapFile:
        """The same map of no other images than these (sorted ids)."""
        landmarks, placed = _held(self.landmark_ids, ids), _held(self.placed_ids, ids)
        if landmarks.all() and placed.all():
            return self
        return replace(
            self,
            landmark_ids=self.landmark_ids[landmarks],
            landmark_xy=self.landmark_xy[landmarks],
            placed_ids=self.placed_ids[placed],
            placed_xy=self.placed_xy[placed],
        )


def _held(own: Ids, ids: Ids) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.isin(own, ids, assume_unique=True)


def write_map(folder: Path, kept: MapFile) -> None:
    """Put a map in the place of the one before. Raises WriteError."""
    head = json.dumps(
        {
            "index": kept.index,
            "fingerprint": kept.fingerprint,
            "seed": kept.seed,
            "tx": kept.tx,
            "made_of": kept.made_of,
            "landmarks": len(kept.landmark_ids),
            "placed": len(kept.placed_ids),
        }
    ).encode()
    parts = [
        len(head).to_bytes(4, "little"),
        head,
        *(
            np.ascontiguousarray(numbers, dtype=kind).tobytes()
            for numbers, kind in (
                (kept.landmark_ids, "<i8"),
                (kept.landmark_xy, "<f4"),
                (kept.placed_ids, "<i8"),
                (kept.placed_xy, "<f4"),
            )
        ),
    ]
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    unfinished = folder / f"{_UNFINISHED}{os.getpid()}-{time.time_ns()}"
    try:
        with unfinished.open("xb") as file:
            file.writelines([_MAGIC, digest.digest(), *parts])
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(folder / FILE)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise WriteError(
            f"No map can be written in {folder} (is the disk full?): nothing else was changed; "
            "make room, then ask for it again."
        ) from error
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def read_map(folder: Path) -> MapFile:
    """The map that lies in an index folder. Raises NoMap."""
    path = folder / FILE
    try:
        data = path.read_bytes()
    except OSError as error:
        raise NoMap(f"{path} can't be read ({error})") from None
    if data[: len(_MAGIC)] != _MAGIC or len(data) < _HEAD + 4:
        raise NoMap(f"{path} is no map")
    if hashlib.sha256(memoryview(data)[_HEAD:]).digest() != data[len(_MAGIC) : _HEAD]:
        raise NoMap(f"{path} is not what was written")
    start = _HEAD + 4 + int.from_bytes(data[_HEAD : _HEAD + 4], "little")
    try:
        head = json.loads(data[_HEAD + 4 : start])
        arrays = []
        for count in (head["landmarks"], head["placed"]):
            arrays.append(np.frombuffer(data, "<i8", count, start))
            start += 8 * count
            arrays.append(np.frombuffer(data, "<f4", 2 * count, start).reshape(count, 2))
            start += 8 * count
        return MapFile(
            str(head["index"]),
            str(head["fingerprint"]),
            int(head["seed"]),
            int(head["tx"]),
            int(head["made_of"]),
            *arrays,
        )
    except (ValueError, KeyError, TypeError) as error:
        raise NoMap(f"{path} is no map ({error})") from None


def forget_map(folder: Path) -> None:
    """Delete the map."""
    (folder / FILE).unlink(missing_ok=True)


def sweep_maps(folder: Path, *, alive: Callable[[int], bool]) -> None:
    """Delete what a writer left unfinished that is not `alive` (by its process number)."""
    for path in folder.glob(f"{_UNFINISHED}*"):
        writer = path.name.removeprefix(_UNFINISHED).partition("-")[0]
        if writer.isdigit() and not alive(int(writer)):
            path.unlink(missing_ok=True)
