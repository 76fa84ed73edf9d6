"""Hashes of big files, remembered between runs by the file's identity.

Hashing 600 MB costs about a second, and weights hardly ever change; a file with the same path,
size, modification time and inode is taken for the same file.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

_FILE = "hashes.json"
_MOST = 256


def user_cache_folder() -> Path:
    """Where this program may keep what it can make again, by the platform's own custom."""
    set_by_user = os.environ.get("XDG_CACHE_HOME")
    if set_by_user:
        return Path(set_by_user) / "mediclip-index"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "mediclip-index"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home())) / "mediclip-index" / "Cache"
    return Path.home() / ".cache" / "mediclip-index"


class FileHashes:
    """A small JSON file of hashes. That it can't be read or written never stops anybody."""

    def __init__(self, folder: Path | None = None) -> None:
        try:
            self._folder: Path | None = folder or user_cache_folder()
        except RuntimeError:  # no home folder
            self._folder = None

    def get(self, path: Path, what: str, compute: Callable[[], str]) -> str:
        """The hash called `what` of the file at `path`, computed where it isn't known yet.

        `what` must say all that the hash depends on beside the file's content.
        """
        stat = path.stat()
        identity = [stat.st_size, stat.st_mtime_ns, stat.st_ino]
        key = f"{what} {path.resolve()}"
        found = self._read().get(key)
        if isinstance(found, list) and found[:-1] == identity and isinstance(found[-1], str):
            return found[-1]
        value = compute()
        self._write(key, [*identity, value])
        return value

    def sha256(self, path: Path) -> str:
        """The sha256 of the file's bytes, in hex."""
        return self.get(path, "sha256", lambda: _sha256(path))

    def _read(self) -> dict[str, object]:
        if self._folder is None:
            return {}
        try:
            kept = json.loads((self._folder / _FILE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return kept if isinstance(kept, dict) else {}

    def _write(self, key: str, value: list[object]) -> None:
        if self._folder is None:
            return
        kept = self._read()
        kept.pop(key, None)
        kept = {**dict(list(kept.items())[-(_MOST - 1) :]), key: value}
        # Written beside and renamed, so that a reader never meets half a file; of two writers at
        # once the later wins and the other's hash is computed again some day.
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=self._folder, prefix=_FILE)
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    json.dump(kept, file, indent=0)
                Path(temporary).replace(self._folder / _FILE)
            except OSError:
                Path(temporary).unlink(missing_ok=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
