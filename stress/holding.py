"""What must hold of an index whatever happened to it, told from the outside.

A Snapshot is everything that was committed; a later one must hold all of an earlier one. Vectors
are computed again from the files and held against what stands in the catalog.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from stress.piles import distance

# The largest difference that arithmetic in other batches may make.
SAME_VECTOR = 1e-4


@dataclass(frozen=True)
class Snapshot:
    """What is committed: images with their vectors, labels, transactions, settings, verdicts."""

    images: dict[int, tuple[str, bytes]]  # id: (sha256, vector)
    labels: list[tuple[Any, ...]]
    current: dict[str, str | None]  # path: label
    transactions: list[tuple[Any, ...]]
    settings: list[tuple[Any, ...]]
    chain: list[tuple[str, str]]  # (id, hash)
    purged: frozenset[str]
    spool: frozenset[str]
    paths: dict[int, str]
    removed: frozenset[int]
    tombstones: frozenset[int]  # images that were erased for good
    findings: tuple[str, ...]
    litter: tuple[str, ...]

    @property
    def verdicts(self) -> set[str]:
        """Ids of every verdict that is kept, in the chain or in the spool."""
        return {i for i, _ in self.chain} | self.spool


def snapshot(folder: Path, expected: dict[str, np.ndarray]) -> Snapshot:
    """Look at an index from outside its commands; `expected` holds vectors by sha256."""
    from mediclip_index.catalog import Catalog, ann_files, audit, labels, models, removals
    from mediclip_index.catalog import images as kept
    from mediclip_index.neighbours import Damaged, open_file

    catalog = Catalog.open(folder)
    findings: list[str] = []
    with catalog.reading() as read:
        encoder = models.encoder(read)
        models.settings(read)
        models.prompts(read)
        rows = read.db.execute("SELECT id, sha256, page, item FROM images ORDER BY id").fetchall()
        ids = [row[0] for row in rows]
        if len(set(ids)) != len(ids):
            findings.append("two images have one id")
        if len({row[1:] for row in rows}) != len(rows):
            findings.append("one picture is kept as two images")
        found, vectors = kept.vectors(read, encoder, ids)
        have = dict(zip(found.tolist(), vectors, strict=True))
        for i, sha, *_ in rows:
            if i not in have:
                findings.append(f"image {i} has no vector")
            elif sha not in expected:
                findings.append(f"image {i} is of a content that no file had")
            elif distance(have[i], expected[sha]) > SAME_VECTOR:
                findings.append(f"WRONG PAIR: image {i} has another picture's vector")
        for i in set(have) - set(ids):
            findings.append(f"vector {i} has no image")
        orphans = read.db.execute(
            "SELECT count(*) FROM labels WHERE image NOT IN (SELECT id FROM images)"
        ).fetchall()[0][0]
        if orphans:
            findings.append(f"{orphans} labels speak of no image")
        open_twice = read.db.execute(
            "SELECT path FROM files WHERE until_tx IS NULL GROUP BY path HAVING count(*) > 1"
        ).fetchall()
        findings += [f"{path} is open twice" for (path,) in open_twice]
        for path, sha in read.db.execute(
            "SELECT path, sha256 FROM files_at(?) WHERE sha256 IS NOT NULL", [read.tx]
        ).fetchall():
            now = Path(path)
            if now.exists() and hashlib.sha256(now.read_bytes()).hexdigest() != sha:
                findings.append(f"{path} stands with another content's hash")
        _, _, broken = audit.verify(read)
        findings += broken
        file = ann_files.newest(read, encoder.fingerprint)
        if file is not None:
            try:
                open_file(folder, file)
            except Damaged as damage:
                findings.append(f"derived: {damage}")
        said = labels.current_labels(read)
        paths = {i: image.path for i, image in kept.images(read).items()}
        chain = read.db.execute("SELECT id, hash, body FROM verdicts ORDER BY position").fetchall()
        waiting: list[bytes] = []
        for file_of_one in audit.spool_files(catalog.spool):
            whole, torn = audit.sorted_lines(file_of_one)
            waiting += whole
            findings += [f"{file_of_one.name} holds a torn line" for _ in torn]
        tombstones = read.db.execute("SELECT image FROM removals WHERE what = 'purged'").fetchall()
        snap = Snapshot(
            images={i: (sha, have[i].tobytes()) for i, sha, *_ in rows if i in have},
            labels=read.db.execute("SELECT * FROM labels ORDER BY ALL").fetchall(),
            current={paths[i]: s.label for i, s in said.items() if i in paths},
            transactions=read.db.execute("SELECT * FROM transactions ORDER BY tx").fetchall(),
            settings=read.db.execute("SELECT * FROM settings ORDER BY number").fetchall(),
            chain=[(i, h) for i, h, _ in chain],
            purged=frozenset(i for i, _, body in chain if body is None),
            spool=frozenset(json.loads(line)["id"] for line in waiting),
            paths=paths,
            removed=frozenset(removals.removed(read)),
            tombstones=frozenset(i for (i,) in tombstones),
            findings=tuple(findings),
            litter=tuple(sorted(_litter(folder))),
        )
    numbers = [row[0] for row in snap.transactions]
    if numbers != list(range(1, len(numbers) + 1)):
        findings.append("transactions are not numbered 1, 2, 3, ...")
    return snap


def lost(before: Snapshot, after: Snapshot, purging: frozenset[int] = frozenset()) -> list[str]:
    """What was committed before and is not there, unchanged, now; `purging` may be erased, and
    labels of no image may be set aside."""
    erased = purging & after.tombstones
    missing = [
        f"image {i} is gone or changed"
        for i, v in before.images.items()
        if after.images.get(i) != v and i not in erased
    ]
    known = before.paths.keys() - erased
    if not {row for row in before.labels if row[1] in known} <= set(after.labels):
        missing.append("a label row is gone")
    if after.transactions[: len(before.transactions)] != before.transactions:
        missing.append("a transaction is gone")
    if not set(before.settings) <= set(after.settings):
        missing.append("settings are gone")
    if after.chain[: len(before.chain)] != before.chain:
        missing.append("the chain of verdicts has another beginning")
    missing += [f"verdict {i} is gone" for i in before.verdicts - after.verdicts]
    return missing


def verdict_ids(out: str) -> set[str]:
    """The ids in the JSON that `query` printed."""
    return {verdict["id"] for verdict in json.loads(out)["verdicts"]}


def _litter(folder: Path) -> list[str]:
    known = ("catalog.duckdb", "catalog.duckdb.wal", "lock", "turnstile", "spool", "aside")
    return [
        path.name
        for path in folder.iterdir()
        if path.name not in known
        and not (path.name.startswith("neighbours-") and path.suffix == ".faiss")
    ] + [f"spool/{path.name}" for path in (folder / "spool").glob(".*")]


class Vectors:
    """Vectors of files by content, computed by a child from the files themselves, each once."""

    def __init__(self, model: str) -> None:
        self.model = model
        self.known: dict[str, np.ndarray] = {}

    def learn(self, files: list[Path]) -> dict[str, np.ndarray]:
        """Compute what is lacking (call it in a child); returns only what is new."""
        from mediclip_index import reading
        from mediclip_index.session.session import load_encoder
        from mediclip_index.types import ModelOptions

        encoder = load_encoder(self.model, ModelOptions(device="cpu"))
        shas, pictures = [], []
        for file in files:
            data = file.read_bytes()
            sha = hashlib.sha256(data).hexdigest()
            if sha not in self.known:
                shas.append(sha)
                result = reading.read(data, path=str(file), size=encoder.image_size)
                pictures.append(result.pictures[0])
        if not shas:
            return {}
        vectors = np.concatenate(
            [encoder.encode_pictures(pictures[i : i + 32]) for i in range(0, len(pictures), 32)]
        )
        return dict(zip(shas, vectors, strict=True))
