"""Prompts → vectors: a prompt set as the zero-shot classifier that it is.

Sentences are read from the catalog at once, those that it lacks are encoded at once, and what is
new is written at once, so that each is encoded a single time in the life of an index.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mediclip_index import prompts
from mediclip_index.catalog import ReadTransaction, models
from mediclip_index.catalog.models import StoredEncoder
from mediclip_index.session.session import Session
from mediclip_index.types import PromptSet, Settings, UsageError, Vectors
from mediclip_index.verdict import PromptEmbeddings, prompt_embeddings


@dataclass(frozen=True)
class TextClassifier:
    """A prompt set with the vectors of its sentences, pooled as the settings say, or where they say
    nothing as the set itself does."""

    name: str
    prompts: PromptSet
    vectors: PromptEmbeddings


def load_text_classifier(session: Session, name: str | None, settings: Settings) -> TextClassifier:
    """The set in force (None), one that the index or the package knows by name, or a TOML file.

    A set that the index has not seen yet is kept in it (not put in force), so that a verdict given
    with it can be given again.
    """
    with session.catalog.reading() as read:
        chosen = _stored(read, name)
    if chosen is not None:
        return classifier_of(session, chosen, settings)
    return classifier_of(session, named_prompts(name or ""), settings, keep=True)


def ready_classifier(
    read: ReadTransaction, name: str | None, settings: Settings
) -> TextClassifier | None:
    """`load_text_classifier`, where the index has all of it, else None."""
    chosen = _stored(read, name)
    if chosen is None:
        return None
    have = models.sentence_vectors(read, models.encoder(read), chosen.sentences)
    return _pooled(chosen, have, settings) if have.keys() >= set(chosen.sentences) else None


def classifier_of(
    session: Session,
    chosen: PromptSet,
    settings: Settings,
    *,
    keep: bool = False,
    stored: StoredEncoder | None = None,
) -> TextClassifier:
    """A set by the encoder in force, or a `stored` one; with `keep` the index keeps the set too."""
    with session.catalog.reading() as read:
        stored = stored or models.encoder(read)
        have = models.sentence_vectors(read, stored, chosen.sentences)
    lacking = [s for s in dict.fromkeys(chosen.sentences) if s not in have]
    if lacking or keep:
        fresh = session.encoder(stored).encode_texts(lacking) if lacking else ()
        with session.catalog.writing("keep prompts", by=session.author) as write:
            if keep:
                models.add_prompts(write, chosen)
            if len(fresh):
                models.keep_sentences(write, stored, lacking, np.asarray(fresh))
        have |= dict(zip(lacking, fresh, strict=True))
    return _pooled(chosen, have, settings)


def named_prompts(name: str) -> PromptSet:
    """A bundled set by name, or a TOML file by path."""
    if name in prompts.bundled_names():
        return prompts.load_bundled(name)
    if Path(name).suffix == ".toml" or Path(name).exists():
        return prompts.load_file(Path(name))
    bundled = ", ".join(prompts.bundled_names())
    raise UsageError(f"There is no prompt set {name}: name a TOML file or one of {bundled}.")


def _stored(read: ReadTransaction, name: str | None) -> PromptSet | None:
    found = models.prompts(read, name)
    return None if found is None else prompts.parse(found.source, f"prompt set {found.name}")


def _pooled(chosen: PromptSet, have: Mapping[str, Vectors], settings: Settings) -> TextClassifier:
    vectors = np.stack([have[s] for s in chosen.sentences])
    pooling = settings.pooling or chosen.pooling
    return TextClassifier(chosen.name, chosen, prompt_embeddings(chosen, vectors, pooling))
