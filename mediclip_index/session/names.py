"""How an index names files: by their paths or, where paths may name patients, by salted hashes.

In an index of hashes no path gets past this module: not into the catalog, not into the spool, not
into a report. A path and its hash belong together for ever, so files that did not change, were
renamed or vanished are still recognised; only the way back is closed.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from dataclasses import dataclass, replace

from mediclip_index.types import Entry, Refusal

BEGINNING = "hashed:"
# A reader's own words may quote a path, so a refusal says no more than its reason.
_SAID = {
    "not_an_image": "is not a picture",
    "damaged": "is damaged",
    "too_large": "is larger than the bounds allow",
    "unreadable": "can't be read",
    "empty": "is empty",
    "no_pixels": "holds no picture",
    "unsupported": "is of a kind that can't be read here",
}


@dataclass(frozen=True)
class Names:
    """The names of files in one index; `salt` is None where they are the paths themselves."""

    salt: bytes | None = None

    @property
    def hashed(self) -> bool:
        return self.salt is not None

    def of(self, path: str) -> str:
        """What the index calls a file or folder."""
        if self.salt is None or path.startswith(BEGINNING):
            return path
        whole = os.fsencode(os.path.abspath(path))
        return BEGINNING + hmac.new(self.salt, whole, hashlib.sha256).hexdigest()[:32]

    def entry(self, entry: Entry) -> Entry:
        """An entry under its name; it still knows where it lies."""
        if self.salt is None:
            return entry
        name = self.of(entry.path)
        return replace(entry, path=name, given=name, at=entry.where)

    def refusal(self, refusal: Refusal) -> Refusal:
        """A refusal that speaks of a file by its name only."""
        if self.salt is None:
            return refusal
        name = self.of(refusal.path)
        return replace(refusal, path=name, message=f"{name} {_SAID[refusal.reason]}.")

    def note(self, text: str, *paths: str) -> str:
        """A sentence for people in which these paths give way to their names."""
        if self.salt is None:
            return text
        for path in sorted({*paths, *map(os.path.abspath, paths)}, key=len, reverse=True):
            text = text.replace(path, self.of(path))
        return text
