"""Options of the page, and what it shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mediclip_index.types.errors import UsageError
from mediclip_index.types.options import Options, SearchQuery, inside, option
from mediclip_index.types.reports import SearchHit

Order = Literal["oldest", "newest", "doubtful", "random"]

LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, kw_only=True)
class ServeOptions(Options):
    """Where the page is, and who may come in."""

    port: int = option(
        0, "Port to listen on.", least=0, most=65_535, show_default="a free one", metavar="N"
    )
    host: str = option(
        "127.0.0.1", "Address to listen on; any other than this computer's own asks for "
        "--token-file or --user-header.",
        metavar="ADDRESS",
    )  # fmt: skip
    browser: bool = option(True, "Don't open a browser.", flag="--no-browser")
    read_only: bool = option(False, "Let nobody label, remove, keep or tune.")
    token_file: str | None = option(
        None, "Take the token from FILE (20 characters or more) instead of a random one.",
        metavar="FILE",
    )  # fmt: skip
    user_header: str | None = option(
        None, "Behind a reverse proxy: the header that names who is logged in; nobody comes in "
        "without it, and what is written is signed with it.",
        metavar="NAME",
    )  # fmt: skip
    allow_host: tuple[str, ...] = option(
        (), "Another name under which browsers may ask for the page, as behind a reverse proxy "
        "(repeatable).",
        metavar="NAME",
    )  # fmt: skip
    max_upload: int = option(
        2_048, "Megabytes that one upload may have.", least=1, most=1_000_000, metavar="MB"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.token_file and self.user_header:
            raise UsageError("Give --token-file or --user-header, not both.")
        if self.host not in LOOPBACK and not (self.token_file or self.user_header):
            raise UsageError(
                f"On {self.host} others can reach the page: give --token-file FILE, or "
                "--user-header NAME where a reverse proxy says who is logged in."
            )


@dataclass(frozen=True, kw_only=True)
class ListQuery(Options):
    """A list of images: those that a search finds (with nothing asked for, all), and in which order
    those stand that are like nothing; `doubtful` is the least probable first."""

    search: SearchQuery = inside(SearchQuery)
    order: Order = "oldest"


@dataclass(frozen=True)
class ListPage:
    """Some images of a list. start: the place of the first; total: how many the list has; ranked:
    whether likeness orders it; more: whether there are more than `total`, less alike; tx: the
    transaction that it is as of; judged_through: that which its verdicts are as of, None where they
    are not given yet."""

    images: tuple[SearchHit, ...]
    start: int
    total: int
    ranked: bool
    more: bool
    named: str
    notes: tuple[str, ...]
    tx: int
    judged_through: int | None
