"""What a person should know of words that the bundled model has not learned."""

from __future__ import annotations

from collections.abc import Iterable

from mediclip_index import encoding
from mediclip_index.catalog.models import StoredEncoder

_NAMED = 8  # words that a note names
_LONGEST = 40  # letters of a word that it shows


def note_on_words(model: str, texts: Iterable[str]) -> tuple[str, ...]:
    """One note where texts hold words that this model has not learned; none for other models."""
    found = list(dict.fromkeys(w for text in texts for w in encoding.unknown_words(model, text)))
    if not found:
        return ()
    named = ", ".join(f"“{word[:_LONGEST]}”" for word in found[:_NAMED])
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    what = "words that mean" if len(found) > 1 else "a word that means"
    return (
        f"{model} has not learned {named}{more}: {what} little to it, whatever it finds. Say it "
        "in other English words, or use another model.",
    )


def note_on_likeness(stored: StoredEncoder, best: float) -> tuple[str, ...]:
    """A note where the best cosine of words is less than that of pictures that have nothing to do
    with each other. Of bundled models alone: to other ones words lie farther from any picture than
    these from each other, so that nothing follows from it."""
    if stored.unrelated is None or not encoding.is_bundled(stored.name):
        return ()
    usual = stored.unrelated.median
    if best >= usual:
        return ()
    return (
        f"Nothing is much like this: the best cosine is {best:.2f}, and that of pictures that have "
        f"nothing to do with each other is about {usual:.2f}.",
    )
