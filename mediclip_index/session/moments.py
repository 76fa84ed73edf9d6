"""Times as people write them → moments of the catalog."""

from __future__ import annotations

import datetime as dt

from mediclip_index.types import UsageError


def microseconds(text: str) -> int:
    """ISO 8601 → microseconds since 1970; without a zone it is local time, a date alone is its
    beginning."""
    try:
        moment = dt.datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise UsageError(
            f"{text!r} is no time; write it as 2026-01-31 or 2026-01-31T12:00:00Z."
        ) from None
    return int(moment.timestamp() * 1_000_000)
