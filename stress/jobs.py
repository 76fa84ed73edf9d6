"""What is killed: one command, how to tell that it was done, and what may stand if it was not.

Here are the jobs that keep an index: repair (of damage that is done first), remove, restore, purge
and export. Those that fill and ask it are beside the kills, since they change the pile.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from stress.forking import Ended, in_child
from stress.holding import Snapshot

DAMAGES = ["vectors", "orphan", "spool", "neighbours", "stray"]
Judge = Callable[[Snapshot, Snapshot, Ended], list[str]]


@dataclass(frozen=True)
class Job:
    """`done` judges a command that ended well, `half` one that was killed; each is given what stood
    before, what stands after, and how it ended. `purging`: images that it may erase for good;
    `renewing`: it takes the neighbour file away before it writes a new one."""

    name: str
    words: tuple[str, ...]
    done: Judge
    half: Judge
    index: Path
    purging: frozenset[int] = frozenset()
    renewing: bool = False

    def words_after(self, current: Snapshot) -> tuple[str, ...]:
        """What to type once it was killed: the same again, or repair where it erased already."""
        erased = self.purging and self.purging <= current.tombstones
        return ("repair", "--json") if erased else self.words


def nothing(before: Snapshot, after: Snapshot, ended: Ended) -> list[str]:
    return []


def remove(index: Path, before: Snapshot, chance: random.Random) -> Job:
    """Take some images out, or bring all removed ones back."""
    restoring = bool(before.removed) and chance.random() < 0.5
    there = sorted(set(before.images) - before.removed)
    chosen = before.removed if restoring else frozenset(chance.sample(there, 5))
    wanted = frozenset() if restoring else before.removed | chosen

    def done(_: Snapshot, after: Snapshot, ended: Ended) -> list[str]:
        wrong = len(after.removed ^ wanted)
        return [f"{wrong} images are not removed, or are, against what was said"] if wrong else []

    def half(before: Snapshot, after: Snapshot, ended: Ended) -> list[str]:
        return [] if after.removed in (before.removed, wanted) else ["half a removal"]

    option = ("--restore",) if restoring else ()
    models = ("remove", "--json", *option, *map(str, sorted(chosen)))
    return Job("remove", models, done, half, index)


def purge(index: Path, before: Snapshot, chance: random.Random) -> Job:
    """Erase some images for good."""
    chosen = frozenset(chance.sample(sorted(before.images), 3))
    shas = [before.images[i][0].encode() for i in chosen]

    def done(_: Snapshot, after: Snapshot, ended: Ended) -> list[str]:
        found = [] if chosen <= after.tombstones else ["not all were erased"]
        for file in sorted(index.rglob("*")):
            if file.is_file() and any(sha in file.read_bytes() for sha in shas):
                found.append(f"{file.name} holds what was erased")
        return found

    def half(before: Snapshot, after: Snapshot, ended: Ended) -> list[str]:
        new = after.tombstones - before.tombstones
        return [] if new in (frozenset(), chosen - before.tombstones) else ["half a purge"]

    models = ("remove", "--json", "--purge", "--yes", *map(str, sorted(chosen)))
    return Job("remove --purge", models, done, half, index, purging=chosen, renewing=True)


def export(index: Path, before: Snapshot, folder: Path) -> Job:
    """Write everything out: whole, or nothing under the name that was asked for."""
    target = folder / "exported"
    shutil.rmtree(target, ignore_errors=True)
    for left in folder.glob(".exported.*"):
        shutil.rmtree(left, ignore_errors=True)

    def whole() -> list[str]:
        from mediclip_index.catalog import exports

        rows = exports.check(target)["rows"]
        wanted = (len(before.images), len(before.labels), len(before.verdicts))
        found = (rows["images"], rows["labels"], rows["verdicts"])
        return [] if found == wanted else [f"{found} were exported of {wanted}"]

    def done(_: Snapshot, after: Snapshot, ended: Ended) -> list[str]:
        return in_child(whole, folder)

    def half(_: Snapshot, after: Snapshot, ended: Ended) -> list[str]:
        if not target.exists():
            return []
        found = in_child(whole, folder)
        shutil.rmtree(target)  # killed after its last step: the next try must find it free
        return found

    return Job("export", ("export", "--json", str(target)), done, half, index)


def repair(index: Path, before: Snapshot, chance: random.Random, folder: Path, every: bool) -> Job:
    """Mend damage of several (or `every`) kinds, which is done here: what was whole stays, what is
    derived comes back, and what fits nowhere is found set aside."""
    mark = f"{chance.getrandbits(64):016x}"
    # Only what still lies as it was can be embedded again, and nobody asks for removed ones.
    kept = {i: p for i, p in before.paths.items() if i not in before.removed}
    whole = [i for i, path in kept.items() if _holds(path, before.images[i][0])]
    chosen = chance.sample(sorted(whole), 3)
    kinds = chance.sample(DAMAGES, len(DAMAGES) if every else 3)
    in_child(lambda: _damage(index, kinds, chosen, mark), folder)

    def done(_: Snapshot, after: Snapshot, ended: Ended) -> list[str]:
        report = json.loads(ended.out)
        serious = [f for f in report["findings"] if f["kind"] not in ("gone", "changed")]
        found = [f"repair left {f['kind']}: {f['what']}" for f in serious]
        aside = b"".join(f.read_bytes() for f in (index / "aside").glob("*.jsonl"))
        for kind in ("orphan", "spool"):
            if kind in kinds and f"{kind}-{mark}".encode() not in aside:
                found.append(f"the {kind} is not set aside")
        return found

    return Job("repair", ("repair", "--json"), done, nothing, index, renewing=True)


def _holds(path: str, sha256: str) -> bool:
    file = Path(path)
    return file.exists() and hashlib.sha256(file.read_bytes()).hexdigest() == sha256


def _damage(index: Path, kinds: list[str], chosen: list[int], mark: str) -> None:
    from mediclip_index.catalog import Catalog, models
    from mediclip_index.catalog.rows import insert

    catalog = Catalog.open(index)
    with catalog.writing("damage") as write:
        stored = models.encoder(write)
        if "vectors" in kinds:
            listed = ", ".join(map(str, chosen))
            write.db.execute(f"DELETE FROM {stored.vectors} WHERE image IN ({listed})")
        if "orphan" in kinds:
            row = {"tx": write.tx, "image": 10**9, "label": f"orphan-{mark}"}
            kept = {"tx": "BIGINT", "image": "BIGINT", "label": "VARCHAR"}
            insert(write.db, "labels", kept, [row])
    if "spool" in kinds:
        (catalog.spool / f"1-{os.getpid()}.jsonl").write_text(f'{{"id": "spool-{mark}\n')
    if "stray" in kinds:
        (index / f"catalog.duckdb.{os.getpid()}.new").write_bytes(b"half")
    if "neighbours" in kinds:
        for file in index.glob("neighbours-*.faiss"):
            file.write_bytes(file.read_bytes()[:-9])
