"""Reports of the commands that keep an index whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be: its kind, what it is, and how to mend it.

    Kinds: catalog (it can't be read), newer (a newer program made it), in_force (what answers
    queries is not there), chain (the audit), spool, missing_vector, bad_vector, wrong_vector
    (another picture's), duplicate, orphan (a row that points nowhere), unread_file (known, but not
    taken in), changed, gone and unreadable (files on disk), neighbours (the derived file), purge
    (erased, but its bytes may be left), stray (an unfinished file).
    """

    kind: str
    what: str
    mend: str


@dataclass(frozen=True)
class VerifyReport:
    """`checked` counts what was looked at."""

    path: str
    ok: bool
    findings: tuple[Finding, ...]
    checked: Mapping[str, int]


@dataclass(frozen=True)
class Mended:
    kind: str
    what: str


@dataclass(frozen=True)
class RepairReport:
    """What was mended, and what `verify` still finds."""

    path: str
    ok: bool
    mended: tuple[Mended, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class TakenImage:
    id: int
    path: str


@dataclass(frozen=True)
class RemoveReport:
    """Images marked as removed, brought back ("restored") or erased ("purged").

    verdicts: how many verdicts' content was (or, with dry_run, may be) erased with them.
    on_disk: files of purged images that still lie on disk. unknown: ids asked for that the index
    does not have, or no longer since a purge.
    """

    path: str
    what: str
    dry_run: bool
    images: tuple[TakenImage, ...]
    unchanged: int
    verdicts: int
    on_disk: tuple[str, ...]
    notes: tuple[str, ...] = ()
    unknown: tuple[int, ...] = ()


@dataclass(frozen=True)
class RemovedImage:
    """An image that is removed now: since when (UTC), and by whom."""

    id: int
    path: str
    time: str
    by: str


@dataclass(frozen=True)
class ExportReport:
    """rows: by table; images and labelled: of the library, which tables hold in parts."""

    path: str
    rows: Mapping[str, int]
    bytes: int
    images: int = 0
    labelled: int = 0


@dataclass(frozen=True)
class BackupReport:
    """A backup that was written, or an index that was brought back from one (`path`)."""

    path: str
    file: str
    images: int
    verdicts: int
    chain_head: str
    bytes: int
    held_seconds: float
