"""A live index as one file, and back: an uncompressed tar whose last member is the checksums.

Files that were kept in the index's folder are a part of it; what can be made again is not.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from mediclip_index.catalog.files import put_in_place
from mediclip_index.catalog.store import FILE, Catalog
from mediclip_index.types import UsageError

MANIFEST = "manifest.json"
FORMAT = "mediclip-index backup"
_MEMBER = re.compile(
    r"catalog\.duckdb(\.wal[.a-z]*)?|(spool|aside)/[\w.-]+\.jsonl|kept/[\d-]+[\da-f]+/\d+/[^./][^/]*"
)
_CHUNK = 1 << 20


def write(catalog: Catalog, file: Path) -> float:
    """Write catalog and spool as they stand at one moment; returns how long (seconds) writers had
    to wait. Readers go on all the while, and so do queries: their verdicts go to the spool."""
    file = file.absolute()
    if file.exists():
        raise UsageError(f"{file} is there already; name a new file for the backup.")
    if not file.parent.is_dir():
        raise UsageError(f"There is no folder {file.parent} for the backup.")
    if catalog.folder in file.parents:
        raise UsageError("A backup inside the index goes with it; name a file elsewhere.")
    catalog.checkpoint()
    unfinished = file.with_name(f".{file.name}.{os.getpid()}.new")
    try:
        with tarfile.open(unfinished, "x", format=tarfile.PAX_FORMAT) as tar:
            started = time.monotonic()
            with catalog.still():
                digests = {name: _add(tar, name, path) for name, path in _members(catalog)}
            held = time.monotonic() - started
            said = {name: digest for name, digest in digests.items() if digest is not None}
            text = json.dumps({"format": FORMAT, "files": said}, indent=2).encode()
            member = tarfile.TarInfo(MANIFEST)
            member.size, member.mtime = len(text), int(time.time())
            tar.addfile(member, io.BytesIO(text))
        put_in_place(unfinished, file)
    finally:
        unfinished.unlink(missing_ok=True)
    return held


def _members(catalog: Catalog) -> Iterator[tuple[str, Path]]:
    for path in sorted(catalog.folder.glob(f"{FILE}*")):
        if _MEMBER.fullmatch(path.name):
            yield path.name, path
    for folder in ("spool", "aside"):
        for path in sorted((catalog.folder / folder).glob("[!.]*.jsonl")):
            yield f"{folder}/{path.name}", path
    for path in sorted((catalog.folder / "kept").glob("[!.]*/*/[!.]*")):
        yield str(path.relative_to(catalog.folder)), path


class _Hashing:
    """A file that is hashed while it is read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self.digest.update(data)
        return data


def _add(tar: tarfile.TarFile, name: str, path: Path) -> str | None:
    try:
        opened = path.open("rb")
    except FileNotFoundError:  # a spool file that was taken in is deleted without the lock
        return None
    with opened as file:
        member = tarfile.TarInfo(name)
        stat = os.fstat(file.fileno())
        member.size, member.mtime = stat.st_size, int(stat.st_mtime)
        hashing = _Hashing(file)
        tar.addfile(member, hashing)
        return hashing.digest.hexdigest()


def restore(file: Path, folder: Path) -> Catalog:
    """An index from a backup, in an empty or missing folder. Every checksum is verified before
    anything is written; UsageError where the file is not whole, or an index is there already."""
    folder = folder.absolute()
    if Catalog.exists(folder):
        raise UsageError(
            f"There is an index at {folder} already; name another folder with --index, or move "
            "that one away first."
        )
    _check(file)
    Catalog.vacant(folder)
    coming = folder.with_name(f".{folder.name}.{os.getpid()}.new")
    shutil.rmtree(coming, ignore_errors=True)
    try:
        (coming / "spool").mkdir(parents=True)
        with tarfile.open(file) as tar:
            for member in tar:
                if member.name != MANIFEST:
                    path = coming / member.name
                    path.parent.mkdir(parents=True, exist_ok=True)
                    with path.open("xb") as out:
                        shutil.copyfileobj(_content(tar, member), out, _CHUNK)
        # What `vacant` lets pass: what is left of an index whose making was killed.
        for left in folder.iterdir():
            if left.is_dir():
                left.rmdir()
            else:
                left.unlink()
        folder.rmdir()
        put_in_place(coming, folder)
    finally:
        shutil.rmtree(coming, ignore_errors=True)
    return Catalog.open(folder)


def _check(file: Path) -> None:
    found: dict[str, str] = {}
    said: Any = None
    try:
        with tarfile.open(file) as tar:
            for member in tar:
                if member.name == MANIFEST:
                    said = json.load(_content(tar, member))
                    continue
                if not member.isreg() or not _MEMBER.fullmatch(member.name):
                    raise UsageError(f"{file} is no backup of mediclip-index ({member.name!r}).")
                digest = hashlib.sha256()
                content = _content(tar, member)
                while chunk := content.read(_CHUNK):
                    digest.update(chunk)
                found[member.name] = digest.hexdigest()
    except (tarfile.TarError, ValueError, EOFError) as error:
        raise UsageError(f"{file} is no whole backup of mediclip-index ({error}).") from None
    except OSError as error:
        raise UsageError(f"{file} can't be read: {error.strerror or error}.") from None
    if not isinstance(said, dict) or said.get("format") != FORMAT:
        raise UsageError(f"{file} is no whole backup of mediclip-index (it has no {MANIFEST}).")
    if said.get("files") != found or FILE not in found:
        raise UsageError(f"{file} is damaged (checksums differ): nothing was restored.")


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    content = tar.extractfile(member)
    assert content is not None
    return content
