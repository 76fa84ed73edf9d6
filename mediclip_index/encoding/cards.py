"""What a bundled model learned from: its card says so."""

from __future__ import annotations

import re
from importlib import resources

_ROW = re.compile(r"^\| (\S+) @ \S+ \| \d+ \|", re.MULTILINE)


def learned_from(model: str) -> frozenset[str]:
    """The sources whose pictures the model was trained on, by the name that lists give them; empty
    where nothing is known. What a model's words say of them, they say by heart."""
    if not model.startswith("lite"):
        return frozenset()
    card = resources.files("mediclip_index.encoding").joinpath("lite", "CARD.md")
    return sources_in(card.read_text("utf-8"))


def sources_in(card: str) -> frozenset[str]:
    """The sources that a card's table names, each with its commit or version."""
    return frozenset(_ROW.findall(card))
