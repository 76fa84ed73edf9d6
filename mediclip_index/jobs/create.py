"""Making a new index: model, words and settings, all in its first transaction."""

from __future__ import annotations

from pathlib import Path

from mediclip_index import encoding
from mediclip_index.catalog import Catalog, WriteTransaction, models, salt
from mediclip_index.session import unrelated
from mediclip_index.session.session import Session, load_encoder, put_in_force
from mediclip_index.session.text_classifier import named_prompts
from mediclip_index.types import CreateOptions, Settings, UsageError


def create(path: Path, options: CreateOptions, by: str | None) -> Session:
    """A session at a new index. Everything that may fail is tried before the folder is made."""
    if Catalog.exists(path):
        raise UsageError(f"There is an index at {path} already; open it, or name another folder.")
    chosen = named_prompts(options.prompts or "medical")
    name = options.model or "auto"
    name = encoding.resolve_auto()[0] if name == "auto" else name
    encoder = load_encoder(name, options.running)
    sentences = list(dict.fromkeys(chosen.sentences))
    vectors = encoder.encode_texts(sentences)
    measured = unrelated.by_samples(encoder)

    def first(write: WriteTransaction) -> None:
        models.keep_sentences(write, put_in_force(write, encoder, measured), sentences, vectors)
        models.choose(write, "prompts", models.add_prompts(write, chosen))
        models.add_settings(write, Settings())
        if options.hash_paths:
            salt.make(write)

    catalog = Catalog.create(path, first, by=by)
    session = Session(catalog, by=by, options=options.running)
    session.use(encoder)
    return session
