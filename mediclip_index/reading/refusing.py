"""The way a file is refused inside this room."""

from __future__ import annotations

from mediclip_index.terms import Reason


class Unreadable(Exception):
    """A file or page that can't be used; `reason` is from the closed list, `message` a sentence."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason: Reason = reason
        self.message = message
