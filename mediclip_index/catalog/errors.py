"""What goes wrong with the files of an index, told in one sentence with its exit code."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from mediclip_index.types import IndexDamaged, IndexUnavailable, WriteError

# Of DuckDB's errors those that are about its files; all others are about what was asked.
_OF_FILES = (
    duckdb.IOException,
    duckdb.FatalException,
    duckdb.InternalException,
    duckdb.SerializationException,
    duckdb.TransactionException,  # a commit that could not be written
)
_FULL = ("no space left", "file too large", "disk quota", "out of space")
_FORBIDDEN = ("read-only file system", "permission denied", "operation not permitted")
_CORRUPT = ("checksum", "corrupt")
_STOPPED = "Query interrupted"  # what DuckDB's client makes of a KeyboardInterrupt
_OF_WRITING = {
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO,
}  # fmt: skip


@contextmanager
def told(file: Path) -> Iterator[None]:
    """Turn troubles with a catalog's files into WriteError or IndexDamaged, and Ctrl-C in a
    statement into KeyboardInterrupt; what the block itself raises otherwise goes through."""
    try:
        yield
    except duckdb.Error as error:
        said = str(error).lower()
        if not isinstance(error, _OF_FILES) and not any(sign in said for sign in _CORRUPT):
            raise
        raise _sentence(file, _first_line(error)) from error
    except OSError as error:
        if error.errno not in _OF_WRITING:
            raise
        raise cant_write(file.parent, error.strerror or str(error)) from error
    except RuntimeError as error:
        if str(error) != _STOPPED:
            raise
        raise KeyboardInterrupt from error


def cannot_open(file: Path, error: duckdb.Error) -> IndexUnavailable | WriteError:
    """Why DuckDB would not open a file."""
    why = _first_line(error)
    if "lock on file" in why.lower():
        return IndexUnavailable(
            f"{file} is held by a program other than mediclip-index; close it and try again "
            f"({why})."
        )
    return _sentence(file, why)


def cant_write(folder: Path, why: str) -> WriteError:
    if any(sign in why.lower() for sign in _FULL):
        return WriteError(
            f"There is no room left to write in {folder} ({why.rstrip('.')}): what was committed "
            "before is kept; make room, then give the same command again."
        )
    return WriteError(
        f"{folder} can't be written to ({why.rstrip('.')}): nothing was changed; make it "
        "writable, or work on a copy of it."
    )


def _sentence(file: Path, why: str) -> IndexUnavailable | WriteError:
    if any(sign in why.lower() for sign in (*_FULL, *_FORBIDDEN)):
        return cant_write(file.parent, why)
    return IndexDamaged(
        f"{file} can't be opened or read as a DuckDB file; restore a backup of it ({why})."
    )


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
