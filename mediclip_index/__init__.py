"""mediclip-index: tell medical from non-medical pictures, with evidence, and answer for it later.

from mediclip_index import Index
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["Index", "__version__"]

if TYPE_CHECKING:
    from mediclip_index.index import Index


def __getattr__(name: str) -> Any:
    # Index pulls in DuckDB and numpy; `--help` and `--version` must not pay for them.
    if name == "Index":
        from mediclip_index.index import Index

        return Index
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
