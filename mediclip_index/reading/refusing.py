"""What a reader gives besides pictures: the way a file is refused inside this room, and where in
it the reader is."""

from __future__ import annotations

from dataclasses import dataclass

from mediclip_index.types import Picture, Reason, Refusal


class Unreadable(Exception):
    """A file or page that can't be used; `reason` is from the closed list, `message` a sentence."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason: Reason = reason
        self.message = message


@dataclass(frozen=True)
class Begun:
    """Work on a page (or frame) begins. Whoever dies or hangs before the next one does so at this:
    it alone is refused, and reading goes on after it."""

    page: int
    of: int


Item = Picture | Refusal | Begun
