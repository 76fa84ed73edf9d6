"""ZIP and TAR archives, read in place: what they hold, and a member's bytes. Nothing is unpacked.

A member is named by a path of its own, `scans.zip!/ward/a.png`. Whatever stands in an archive was
written by a stranger: sizes lie, names climb out of folders, a kilobyte unfolds to a gigabyte.
"""

from __future__ import annotations

import bz2
import contextlib
import gzip
import lzma
import os
import posixpath
import stat
import tarfile
import threading
import zipfile
import zlib
from collections import Counter, OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import IO, Any

from mediclip_index.reading.refusing import Unreadable
from mediclip_index.types import Refusal

MARK = "!/"
# In a folder only files so named are opened as archives: an office document is a ZIP file too.
SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
MOST_MEMBERS = 500_000
_SAYS_UTF8 = 0x800  # a ZIP member's flag
MOST_DIRECTORY = 128 * 1024**2  # bytes of a ZIP's list of members
MOST_HEADER = 16 * 1024**2  # bytes that a TAR says of one member
# Pictures hardly shrink: what unfolds to over a hundred times its size, and is large, is a bomb.
MOST_UNFOLDED, BOMB = 100, 1024**3
_ASIDE = 64 * 1024**2  # bytes of passed members kept while a compressed TAR is read forwards
AGAIN = "members that stand in their archive again, later,"
_COMPRESSED: dict[bytes, Any] = {b"\x1f\x8b": gzip, b"BZh": bz2, b"\xfd7zXZ\0": lzma}
_DAMAGE = (
    zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError,
    KeyError, IndexError, OverflowError, RuntimeError,
)  # fmt: skip


@dataclass(frozen=True)
class Member:
    """A file in an archive: its name, tidied, and its size in bytes, as the archive says it."""

    name: str
    size: int


@dataclass
class Listing:
    """What an archive holds, in its own order; `passed` counts what was passed over, by kind."""

    members: list[Member] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    passed: Counter[str] = field(default_factory=Counter)


def is_archive(path: str) -> bool:
    """By content: a ZIP, or a TAR, also one that is compressed as a whole."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return False
            if _is_zip(file, path):
                return True
            with _unfolded(file) as unfolded:
                return _begins_tar(unfolded.read(tarfile.BLOCKSIZE))
    except _DAMAGE:
        return False


def _is_zip(file: IO[bytes], path: str) -> bool:
    """Whether it begins as a ZIP or, where it is named so, ends as one: programs that unpack
    themselves stand before their archive."""
    head = file.read(4)
    file.seek(0)
    if head in (b"PK\3\4", b"PK\5\6"):
        return True
    named = path.lower().endswith(".zip") and zipfile.is_zipfile(file)
    file.seek(0)
    return named


def _begins_tar(block: bytes) -> bool:
    """By its checksum: the oldest kind of TAR says `ustar` nowhere."""
    try:
        tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        return True
    except tarfile.HeaderError:
        return False


def split(path: str) -> tuple[str, str] | None:
    """(archive, member) of a path that names a member of a file; None where it does not."""
    start = path.find(MARK)
    while start > 0:
        if os.path.isfile(path[:start]):
            return path[:start], path[start + len(MARK) :]
        start = path.find(MARK, start + 1)
    return None


def is_there(path: str) -> bool:
    """Whether a path, also one of a member, names something; one that can't be told counts."""
    try:
        os.lstat(path)
        return True
    except PermissionError:
        return True
    except (OSError, ValueError):
        pass
    named = split(path)
    if named is None:
        return False
    try:
        return named[1] in _opened(named[0]).places
    except Unreadable:
        return True


def listing(path: str) -> Listing:
    """What an archive holds. Raises Unreadable where it can't be opened or is a bomb."""
    return _opened(path).listing


def member_size(archive: str, name: str) -> int | None:
    """A member's size in bytes, as the archive says it; None where there is none of that name.
    Raises Unreadable where the archive can't be opened or is a bomb."""
    place = _opened(archive).places.get(name)
    if place is None:
        return None
    return place.file_size if isinstance(place, zipfile.ZipInfo) else place.size


def member_bytes(path: str, limit: int) -> bytes:
    """One member's bytes, checked against the archive's own checksum where it has one; Unreadable
    where there is no such member, it is damaged, locked, or over `limit` bytes."""
    named = split(path)
    if named is None:
        raise Unreadable("unreadable", f"There is no file {path}.")
    archive, name = named
    opened = _opened(archive)
    if name not in opened.places:
        raise Unreadable("unreadable", f"There is no file {name} in {archive}.")
    try:
        with opened.lock:
            return opened.read(name, limit)
    except Unreadable:
        raise
    except NotImplementedError:
        raise Unreadable("unsupported", f"{path} is packed in a way that is not known.") from None
    except MemoryError:
        raise Unreadable("too_large", f"{path} needs more memory than there is.") from None
    except _DAMAGE:
        raise Unreadable("damaged", f"{path} can't be unpacked; get a whole archive.") from None


def _locked(path: str) -> Unreadable:
    return Unreadable("unsupported", f"{path} is locked with a password; pack it without one.")


def _opened(path: str) -> _Zip | _Tar:
    try:
        facts = os.stat(path)
        return _open(path, facts.st_size, facts.st_mtime_ns, facts.st_ino)
    except Unreadable:
        raise
    except MemoryError:
        raise Unreadable("too_large", f"{path} needs more memory than there is.") from None
    except (*_DAMAGE, NotImplementedError, RecursionError) as error:
        if isinstance(error, PermissionError):
            raise Unreadable("unreadable", f"{path} can't be read: {error.strerror}.") from None
        raise Unreadable("damaged", f"{path} is a damaged archive; get a whole one.") from None


# Read again where the file is another; a handful stays open, for a build goes through it in order.
@lru_cache(maxsize=4)
def _open(path: str, size: int, mtime_ns: int, inode: int) -> _Zip | _Tar:
    file = open(path, "rb")  # noqa: SIM115 - lives as long as its reader
    try:
        return _Zip(path, file, size) if _is_zip(file, path) else _Tar(path, file, size)
    except BaseException:
        file.close()
        raise


class _Zip:
    """An open ZIP archive; hold `lock` while reading from it."""

    def __init__(self, path: str, file: IO[bytes], size: int) -> None:
        self.lock = threading.Lock()
        self.listing = Listing()
        _check_directory(path, file, size)
        self._zip = zipfile.ZipFile(file)
        infos = self._zip.infolist()
        _check_count(path, len(infos))
        _check_unfolded(path, sum(info.file_size for info in infos), size)
        self._path = path
        self.places: dict[str, zipfile.ZipInfo] = {}
        for info in infos:
            kind = info.external_attr >> 16
            if info.is_dir() or (name := _tidy(_name_of(info), path, self.listing)) is None:
                continue
            if stat.S_IFMT(kind) and not stat.S_ISREG(kind):
                self.listing.passed["links, pipes or devices in archives"] += 1
            elif info.flag_bits & 1:
                why = _locked(path + MARK + name)
                self.listing.refused.append(Refusal(path + MARK + name, why.reason, why.message))
            else:
                self.listing.passed[AGAIN] += name in self.places
                self.places[name] = info
        self.listing.members = [Member(n, i.file_size) for n, i in self.places.items()]
        self.listing.passed = +self.listing.passed

    def read(self, name: str, limit: int) -> bytes:
        info = self.places[name]
        _check_size(self._path + MARK + name, info.file_size, limit)
        with self._zip.open(info) as member:
            data: bytes = member.read(info.file_size + 1)
        if len(data) != info.file_size:
            raise zipfile.BadZipFile
        return data


def _name_of(info: zipfile.ZipInfo) -> str:
    """A member's name with slashes; where its writer did not say how it is encoded, UTF-8 where it
    is some, else the code page of DOS."""
    name = info.filename
    if not info.flag_bits & _SAYS_UTF8:
        with contextlib.suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    return name.replace("\\", "/")


class _Tar:
    """An open TAR archive; hold `lock` while reading from it. A compressed one is read forwards:
    members that are passed on the way to another are kept a while, for readers work side by side.
    """

    def __init__(self, path: str, file: IO[bytes], size: int) -> None:
        self.lock = threading.Lock()
        self.listing = Listing()
        self._path = path
        self._file = _Bounded(_unfolded(file), path, max(BOMB, MOST_UNFOLDED * size))
        self._forwards = self._file.inner is not file
        self._aside: OrderedDict[str, bytes] = OrderedDict()
        self._file.most = MOST_HEADER
        self._tar = tarfile.open(fileobj=self._file, mode="r:")  # type: ignore[call-overload]  # noqa: SIM115
        self.places: dict[str, tarfile.TarInfo] = {}
        for count, info in enumerate(self._infos(), 1):
            _check_count(path, count)
            if info.isdir() or (name := _tidy(info.name, path, self.listing)) is None:
                continue
            if info.isfile():
                self.listing.passed[AGAIN] += name in self.places
                self.places[name] = info
            else:
                self.listing.passed["links, pipes or devices in archives"] += 1
        self._file.most = None
        self.listing.members = [Member(n, i.size) for n, i in self.places.items()]
        self.listing.passed = +self.listing.passed
        self._order = sorted(self.places, key=lambda name: self.places[name].offset_data)
        self._rank = {name: rank for rank, name in enumerate(self._order)}
        self._next = 0

    def _infos(self) -> Iterator[tarfile.TarInfo]:
        while (info := self._tar.next()) is not None:
            yield info
            # tarfile remembers every header; what is wanted of them stands in `places`.
            self._tar.members.clear()

    def read(self, name: str, limit: int) -> bytes:
        _check_size(self._path + MARK + name, self.places[name].size, limit)
        if name in self._aside:
            return self._aside.pop(name)
        rank = self._rank[name]
        if self._forwards and self._next <= rank < self._next + 32:
            for passed in self._order[self._next : rank]:
                if self.places[passed].size <= _ASIDE // 8:
                    self._aside[passed] = self._data(passed)
        while sum(map(len, self._aside.values())) > _ASIDE:
            self._aside.popitem(last=False)
        self._next = rank + 1
        return self._data(name)

    def _data(self, name: str) -> bytes:
        info = self.places[name]
        member = self._tar.extractfile(info)
        assert member is not None  # only regular files stand in `places`
        data: bytes = member.read(info.size)
        if len(data) != info.size:
            raise tarfile.ReadError
        return data


class _Bounded:
    """A file that refuses to be read past `limit`, and more than `most` at once, where that is set:
    headers say any size, also of themselves (long names, attributes)."""

    def __init__(self, inner: IO[bytes], path: str, limit: int) -> None:
        self.inner = inner
        self._path = path
        self._limit = limit
        self.most: int | None = None

    def read(self, count: int = -1) -> bytes:
        if self.most is not None and count > self.most:
            raise Unreadable("too_large", f"{self._path} has a header of over {self.most:,} bytes.")
        self._check(self.inner.tell() + max(count, 0))
        return self.inner.read(count)

    def seek(self, place: int, whence: int = 0) -> int:
        self._check(place)
        return self.inner.seek(place, whence)

    def tell(self) -> int:
        return self.inner.tell()

    def _check(self, place: int) -> None:
        if place > self._limit:
            raise _bomb(self._path)


def _unfolded(file: IO[bytes]) -> IO[bytes]:
    """The file itself, or what it holds where it is compressed as a whole."""
    start = file.read(6)
    file.seek(0)
    for mark, module in _COMPRESSED.items():
        if start.startswith(mark):
            return module.open(file, "rb")  # type: ignore[no-any-return]
    return file


def _tidy(name: str, path: str, listing: Listing) -> str | None:
    """A member's name without `.` steps; None where it is passed over or refused."""
    parts = name.split("/")
    if name.startswith("/") or ".." in parts or "\0" in name or name[1:3] in (":\\", ":/"):
        where = path + MARK + name
        listing.refused.append(
            Refusal(where, "unsupported", f"{where} has a name that leads out of its archive.")
        )
        return None
    tidied = posixpath.normpath(name)
    if tidied != "." and any(p.startswith(".") or p == "__MACOSX" for p in tidied.split("/")):
        listing.passed["hidden files or folders"] += 1
        return None
    if tidied.lower().endswith(SUFFIXES):
        listing.passed["archives inside archives"] += 1
        return None
    return tidied


def _check_directory(path: str, file: IO[bytes], size: int) -> None:
    """Refuse a ZIP whose list of members would fill the memory, before it is read."""
    file.seek(max(0, size - 65_536 - 22 - 76))
    tail = file.read()
    file.seek(0)
    end = tail.rfind(b"PK\5\6")
    bytes_said = int.from_bytes(tail[end + 12 : end + 16], "little") if end >= 0 else 0
    if bytes_said == 0xFFFFFFFF:
        end = tail.rfind(b"PK\6\6")
        bytes_said = int.from_bytes(tail[end + 40 : end + 48], "little") if end >= 0 else 0
    if bytes_said > MOST_DIRECTORY:
        raise Unreadable("too_large", f"{path} lists too many files to be read as one archive.")
    # Counted, for what it says of their number may lie, and zipfile makes half a kilobyte of each.
    file.seek(max(0, size - len(tail) + end - bytes_said))
    count = file.read(bytes_said).count(b"PK\1\2") if end >= 0 else 0
    file.seek(0)
    _check_count(path, count)


def _check_count(path: str, count: int) -> None:
    if count > MOST_MEMBERS:
        raise Unreadable(
            "too_large", f"{path} holds over {MOST_MEMBERS:,} files; split it, or unpack it."
        )


def _check_unfolded(path: str, unfolded: int, size: int) -> None:
    if unfolded > max(BOMB, MOST_UNFOLDED * size):
        raise _bomb(path)


def _check_size(path: str, size: int, limit: int) -> None:
    if size > limit:
        raise Unreadable("too_large", f"{path} has {size:,} bytes; at most {limit:,} are read.")


def _bomb(path: str) -> Unreadable:
    return Unreadable(
        "too_large",
        f"{path} would unfold to over {MOST_UNFOLDED} times its size; unpack it if you trust it.",
    )
