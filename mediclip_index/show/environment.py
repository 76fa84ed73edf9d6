"""Templates that escape everything, for the galleries and the page."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from mediclip_index.show.text import safe


def environment(package: str, *, lstrip_blocks: bool = False) -> Environment:
    """The templates of a package."""
    return Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=lstrip_blocks,
    )


def _printable(value: Any) -> Any:
    """Strings that can't steer a terminal or a page; what a macro made is a page's own text."""
    return safe(value) if isinstance(value, str) and not isinstance(value, Markup) else value
