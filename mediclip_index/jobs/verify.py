"""Whether an index is whole: the catalog against itself, the files on disk, the neighbour files."""

from __future__ import annotations

import os
import re
import stat
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb
import numpy as np

from mediclip_index import neighbours, reading
from mediclip_index.catalog import ReadTransaction, ann_files, audit, checks, images, presence
from mediclip_index.catalog.files import alive
from mediclip_index.catalog.models import StoredEncoder
from mediclip_index.jobs.reread import again
from mediclip_index.reading.pool import entry_of
from mediclip_index.session.session import Session
from mediclip_index.show.text import counted
from mediclip_index.types import (
    Finding,
    IndexTooNew,
    IndexUnavailable,
    Progress,
    UsageError,
    VerifyReport,
)

SAMPLE = 100  # images that --deep embeds again
# Least cosine of a picture's vector with the one that was kept of it; the second where most of a
# sample agree less than that, which a lower precision does to all and a wrong vector to one.
SAME, SAME_BUT_COARSER = 0.9999, 0.99
_SHOWN = 3
BUILD = "`mediclip-index build` looks at them again"

# Files that a process makes and renames; one that is left is of a process that was killed.
_UNFINISHED = (
    re.compile(r"catalog\.duckdb\.(?P<pid>\d+)\.new(\.wal)?"),
    re.compile(r"catalog\.duckdb\.schema-\d+\.new"),
    re.compile(r"\.(neighbours|map)-(?P<pid>\d+)-\d+"),
    re.compile(r"(spool|aside)/\..+\.jsonl\.(?P<pid>\d+)\.new"),
    re.compile(r"spool/\.\d+-(?P<pid>\d+)\.jsonl"),
    re.compile(r"previews/\d+/\d+/\.\d+\.jpg\.(?P<pid>\d+)\..+\.new"),
)


def verify(session: Session, *, deep: int | None, progress: Progress) -> VerifyReport:
    """See Index.verify."""
    findings: list[Finding] = []
    checked: dict[str, int] = {}
    stored: StoredEncoder | None = None
    try:
        with session.catalog.reading() as read:
            findings += checks.pages(read)
            if not findings:
                findings += _rows(read, checked)
                stored = checks.encoder_in_force(read)
                if stored is not None:
                    findings += checks.vectors(read, stored)
                    findings += _neighbours(session, read, stored)
    except IndexTooNew as error:
        update = "Update with `pip install --upgrade mediclip-index`."
        findings.append(Finding("newer", str(error), update))
    except IndexUnavailable as error:
        findings.append(Finding("catalog", str(error), checks.RESTORE))
    except duckdb.Error as error:
        first = str(error).strip().splitlines()[0]
        findings.append(Finding("catalog", f"The catalog can't be read ({first}).", checks.RESTORE))
    else:
        if not any(f.kind == "catalog" for f in findings):
            findings += _on_disk(session, checked)
            if stored is not None and deep:
                findings += _deep(session, stored, deep, checked, progress)
    findings += _spool(session, checked)
    findings += [
        Finding("stray", f"{path} was never finished.", checks.REPAIR + "deletes it.")
        for path in strays(session)
    ]
    return VerifyReport(str(session.catalog.folder), not findings, tuple(findings), checked)


def _rows(read: ReadTransaction, checked: dict[str, int]) -> Iterator[Finding]:
    checked["images"] = presence.image_count(read)
    checked["verdicts"] = audit.head(read)[0]
    yield from checks.in_force(read)
    yield from checks.rows(read)
    yield from checks.chain(read)
    yield from checks.purges(read)


# --- neighbour files --------------------------------------------------------------------------


def _neighbours(
    session: Session, read: ReadTransaction, stored: StoredEncoder
) -> Iterator[Finding]:
    mend = checks.REPAIR + "writes it anew; until then searches are exact, and slower."
    ids, vectors = images.all_vectors(read, stored)
    files = ann_files.files(read, stored.fingerprint)
    if not files:
        if len(ids):
            yield Finding("neighbours", "There is no neighbour file.", mend)
        return
    in_files = []
    for file in files:
        try:
            held, copies = neighbours.contents(session.catalog.folder, file)
        except neighbours.Damaged as damage:
            yield Finding("neighbours", f"The neighbour file can't be used: {damage}.", mend)
            return
        if not np.isin(held, ids).all():
            yield Finding(
                "neighbours", "The neighbour file holds vectors that are not there.", mend
            )
            return
        expected = vectors[np.searchsorted(ids, held)]
        if copies is not None and not np.array_equal(copies, expected, equal_nan=True):
            yield Finding("neighbours", "The neighbour file pairs images with other vectors.", mend)
        in_files.append(held)
    newer = ann_files.vector_ids(read, stored, since=files[-1].through_tx)
    held = np.concatenate(in_files)
    if len(np.unique(held)) != len(held) or len(np.intersect1d(held, newer)):
        yield Finding("neighbours", "The neighbour files hold an image twice.", mend)
    lacking = np.setdiff1d(ids, np.union1d(held, newer))
    if len(lacking):
        yield Finding(
            "neighbours", f"The neighbour file lacks {counted(len(lacking), 'image')}.", mend
        )


# --- files on disk ----------------------------------------------------------------------------


def _on_disk(session: Session, checked: dict[str, int]) -> Iterator[Finding]:
    """Sizes and times of known files; a name that is a hash can't be looked up."""
    with session.catalog.reading() as read:
        known = images.stored_files(read)
    found: dict[str, list[str]] = defaultdict(list)
    checked["files"] = 0
    for path, file in known.items():
        if not os.path.isabs(path):
            continue
        checked["files"] += 1
        wrong = _seen(path, file)
        if wrong is not None:
            found[wrong].append(path)
    mends = {
        "gone": f"{BUILD}; if more than a tenth is really gone, with --allow-missing.",
        "changed": f"{BUILD}.",
        "unreadable": f"Make them readable for this user; {BUILD}.",
    }
    told = {
        "gone": ("file is no longer there", "files are no longer there"),
        "changed": (
            "file was changed since it was read",
            "files were changed since they were read",
        ),
        "unreadable": ("file can't be read", "files can't be read"),
    }
    for kind, mend in mends.items():
        if found[kind]:
            what = counted(len(found[kind]), *told[kind])
            yield Finding(kind, f"{what}{_named(found[kind])}", mend)


def _seen(path: str, file: images.StoredFile) -> str | None:
    """What is wrong with a known file, or a known member of an archive."""
    try:
        now = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        if not reading.is_there(path):
            return "gone"
        try:
            member = entry_of(path)
        except (UsageError, reading.Unreadable):
            return "unreadable"
        same = (member.size, member.mtime_ns) == (file.size, file.mtime_ns)
        return None if same else "changed"
    except OSError:
        return "unreadable"
    same = (now.st_size, now.st_mtime_ns) == (file.size, file.mtime_ns)
    if not stat.S_ISREG(now.st_mode) or not same:
        return "changed"
    return None if os.access(path, os.R_OK) else "unreadable"


def _named(paths: Sequence[str]) -> str:
    return ": " + ", ".join(paths[:_SHOWN]) + (", …" if len(paths) > _SHOWN else ".")


def _deep(
    session: Session, stored: StoredEncoder, count: int, checked: dict[str, int], progress: Progress
) -> Iterator[Finding]:
    """A sample of images read and embedded again, and held against what was kept of them."""
    with session.catalog.reading() as read:
        there = presence.present_ids(read)
        # The sample changes with every transaction, and repeats where nothing was written.
        chosen = np.random.default_rng(read.tx).permutation(there)[:count]
        kept = dict(zip(*images.vectors(read, stored, sorted(chosen.tolist())), strict=True))
    fresh, unread = again(session, stored, sorted(kept), progress)
    checked["embedded_again"] = len(fresh)
    changed = [path for path, why in unread if why == "changed"]
    if changed:
        yield Finding(
            "changed",
            f"{counted(len(changed), 'file holds', 'files hold')} other bytes under the same size "
            f"and time{_named(changed)}",
            "`mediclip-index build --rehash` reads all files again.",
        )
    near = {i: float(vector @ kept[i]) for i, vector in fresh.items()}
    exact = not near or float(np.median(list(near.values()))) >= SAME
    wrong = [i for i, cosine in near.items() if cosine < (SAME if exact else SAME_BUT_COARSER)]
    if wrong:
        named = ", ".join(f"#{i}" for i in wrong[:_SHOWN])
        yield Finding(
            "wrong_vector",
            f"{len(wrong)} of {len(fresh)} images have another vector now than was kept ({named}).",
            f"If the model or its engine was changed, mind that; else {checks.RESTORE}",
        )


# --- spool and strays -------------------------------------------------------------------------


def _spool(session: Session, checked: dict[str, int]) -> Iterator[Finding]:
    checked["spooled"] = 0
    for file in audit.spool_files(session.catalog.spool):
        whole, torn = audit.sorted_lines(file)
        checked["spooled"] += len(whole)
        if torn:
            yield Finding(
                "spool",
                f"{len(torn)} lines of {file} are no whole verdicts.",
                checks.REPAIR + "sets them aside and keeps the others.",
            )


def strays(session: Session) -> list[Path]:
    """Unfinished files whose process is gone."""
    found = []
    folder = session.catalog.folder
    patterns = ("*", "spool/.*", "aside/.*", "previews/*/*/.*")
    for path in sorted(path for pattern in patterns for path in folder.glob(pattern)):
        name = str(path.relative_to(folder))
        match = next((m for p in _UNFINISHED if (m := p.fullmatch(name))), None)
        if match is None:
            continue
        pid = match.groupdict().get("pid")
        if pid is None or not alive(int(pid)):
            found.append(path)
    return found
